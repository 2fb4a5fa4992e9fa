/* Capture files, one after the other, on the thread capture/files: bytes are read straight into chunks
 * and packets point into them; only a record that is cut by a chunk's end is copied, to the next one's
 * beginning. Flow threads are waited for, packet time is the clock, and all flows end with the last
 * file. What is wrong with a file is counted, said once, and does not keep the next one from being
 * read. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "capture.h"
#include "file_minutes.h"
#include "pcapfile.h"
#include "tomsd/base/buf.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"

/* Small enough to be in the second-level cache still when the packets are looked at. */
#define FILES_READ_BYTES (256u << 10)

struct file {
	const char *path;
	struct bytes *bytes;
};

struct files {
	struct app *app;
	struct file *list;
	size_t n;
	int stop_fd;
	struct thread thread;
	struct dispatch dispatch;
	struct pcapfile format; /* of the file being read */
	uint32_t at;            /* of the first byte in the chunk that is not taken apart yet */
	struct file_minutes minutes;
	uint32_t strange_link; /* a link type of this file that decode does not know, + 1 */
	int64_t began_mono_ns, took_ns;
	_Atomic uint64_t files_done, files_bad;
	_Atomic size_t current; /* index of the file being read */
};

int files_open(struct files **out, struct app *a, const char *const *paths, size_t n,
	       int stop_fd, struct err *e)
{
	struct files *f = calloc(1, sizeof(*f));
	struct file *list = calloc(n ? n : 1, sizeof(*list));
	struct err first = ERR_INIT;
	size_t bad = 0;
	if (!f || !list) {
		free(f);
		free(list);
		return err_set(e, ERR_NOMEM, "no memory for a list of %zu files", n);
	}
	f->app = a;
	f->list = list;
	f->n = n;
	f->stop_fd = stop_fd;
	for (size_t i = 0; i < n; i++) {
		struct err one = ERR_INIT;
		list[i].path = paths[i];
		if (bytes_open(&list[i].bytes, paths[i], &one) == 0)
			continue;
		if (bad++ > 0)
			log_err("capture", "%s", one.text);
		else
			first = one; /* travels with the error */
	}
	if (bad) {
		files_free(f);
		if (bad > 1)
			(void)err_wrap(&first, "%zu capture files cannot be read, the first is",
				       bad);
		return err_set(e, (enum err_code)first.code, "%s", first.text);
	}
	*out = f;
	return 0;
}

/* Bytes behind what the chunk holds already: how many, 0 at the end of the file, -ERR_X. */
static long fill(struct files *f, struct file *file, struct err *e)
{
	struct chunk *c = f->dispatch.chunk;
	uint32_t max = PACKETS_CHUNK_BYTES - c->used;
	long n = bytes_read(file->bytes, c->data + c->used,
			    max < FILES_READ_BYTES ? max : FILES_READ_BYTES, f->stop_fd, e);
	if (n > 0)
		c->used += (uint32_t)n;
	return n;
}

static void say_strange_link(struct files *f, const struct file *file, uint32_t link)
{
	if (f->strange_link == link + 1)
		return;
	f->strange_link = link + 1;
	log_warning(
		"capture",
		"link type is not known, its packets are only counted file=%s link=%" PRIu32,
		LOGQ(file->path), link);
}

/* Takes apart what the chunk holds. PCAPFILE_MORE or PCAPFILE_BROKEN. */
static enum pcapfile_step take_apart(struct files *f, const struct file *file)
{
	struct dispatch *d = &f->dispatch;
	for (;;) {
		struct pcapfile_packet p;
		size_t used;
		enum pcapfile_step step = pcapfile_next(&f->format, d->chunk->data + f->at,
							d->chunk->used - f->at, &used, &p);
		if (step == PCAPFILE_MORE || step == PCAPFILE_BROKEN)
			return step;
		if (likely(step == PCAPFILE_PACKET)) {
			if (unlikely(!decode_link_known(p.link)))
				say_strange_link(f, file, p.link);
			file_minutes_add(&f->minutes, p.ts_ns, p.wire_bytes);
			dispatch_frame(d, p.link, f->at + (uint32_t)p.off, p.captured,
				       p.wire_bytes, p.ts_ns);
		}
		f->at += (uint32_t)used;
	}
}

/* Room for what the format needs next, in this chunk or a new one. */
static void make_room(struct files *f)
{
	struct dispatch *d = &f->dispatch;
	if (d->chunk && PACKETS_CHUNK_BYTES - f->at >= f->format.need &&
	    d->chunk->used < PACKETS_CHUNK_BYTES)
		return;
	uint32_t left = d->chunk ? d->chunk->used - f->at : 0;
	(void)dispatch_renew(d, f->at, left); /* waits: there is always one in the end */
	f->at = 0;
}

/* One file to its end: 0, or what stopped it. */
static int read_file(struct files *f, struct file *file, struct err *e)
{
	pcapfile_init(&f->format);
	f->strange_link = 0;
	f->format.need = 4;
	for (;;) {
		thread_beat();
		if (app_is_stopping(f->app))
			return -ERR_CLOSED;
		make_room(f);
		long n = fill(f, file, e);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		if (take_apart(f, file) == PCAPFILE_BROKEN)
			return err_set(e, ERR_CORRUPT, "%s", f->format.words);
	}
	if (f->format.format == PCAPFILE_UNKNOWN)
		return err_set(e, ERR_INVALID, "too short to be a capture file");
	if (f->format.lost)
		return err_set(e, ERR_CORRUPT, "a pcapng block says a length that cannot be");
	if (f->dispatch.chunk->used != f->at || f->format.skip)
		return err_set(e, ERR_CORRUPT,
			       "the last record is cut off by the end of the file");
	return 0;
}

/* A log line for what a file had that should not be there. */
static void say_oddities(const struct files *f, const struct file *file)
{
	const struct pcapfile *p = &f->format;
	if (p->seen.oversized || p->seen.bad_blocks || p->seen.unknown_interface)
		log_warning("capture",
			    "records were passed over file=%s too_long=%" PRIu64
			    " bad_blocks=%" PRIu64 " unknown_interface=%" PRIu64,
			    LOGQ(file->path), p->seen.oversized, p->seen.bad_blocks,
			    p->seen.unknown_interface);
}

static int read_one(struct files *f, struct file *file)
{
	struct err e = ERR_INIT;
	file_minutes_begin(&f->minutes, app_store(f->app), file->path);
	int r = read_file(f, file, &e);
	file_minutes_end(&f->minutes);
	say_oddities(f, file);
	bytes_free(file->bytes);
	file->bytes = NULL;
	if (r == -ERR_CLOSED)
		return r;
	if (r < 0) {
		log_warning("capture", "%s; what came before was read file=%s packets=%" PRIu64,
			    e.text, LOGQ(file->path), f->format.seen.packets);
		counter_add(&f->files_bad, 1);
		if (r == -ERR_IO ||
		    f->format.format == PCAPFILE_UNKNOWN) /* a bad disk, or the wrong file */
			app_fail(f->app, "%s: %s", file->path, e.text);
	}
	if (f->dispatch.chunk) /* the next file begins behind this one's rest */
		f->at = f->dispatch.chunk->used;
	counter_add(&f->files_done, 1);
	return 0;
}

static void files_main(void *arg)
{
	struct files *f = arg;
	app_sandbox_thread("capture");
	f->began_mono_ns = clock_mono_ns();
	for (size_t i = 0; i < f->n; i++) {
		atomic_store(&f->current, i);
		if (read_one(f, &f->list[i]) < 0)
			break;
	}
	dispatch_end(&f->dispatch, f->dispatch.last_packet_ns, true);
	f->took_ns = clock_mono_ns() - f->began_mono_ns;
	if (app_mode(f->app) == APP_REPLAY)
		app_request_stop(f->app);
	else
		log_notice("capture", "files are read files=%" PRIu64 " packets=%" PRIu64,
			   atomic_load(&f->files_done), atomic_load(&f->dispatch.sums.packets));
}

int files_start(struct files *f, struct packets *ps, struct err *e)
{
	dispatch_init(&f->dispatch, ps, 0, true);
	return thread_start(&f->thread, "capture/files", files_main, f, e);
}

void files_join(struct files *f)
{
	if (f)
		thread_join(&f->thread);
}

void files_result(const struct files *f)
{
	const struct dispatch_sums *s = &f->dispatch.sums;
	app_result_u64(f->app, "files", atomic_load(&f->files_done));
	app_result_u64(f->app, "packets", atomic_load(&s->packets));
	app_result_u64(f->app, "bytes", atomic_load(&s->bytes));
	app_result_u64(f->app, "dropped", atomic_load(&s->own_drops));
	for (size_t i = DECODE_NOT_IP; i < DECODE_RESULTS; i++)
		app_result_u64(f->app, decode_result_names[i], atomic_load(&s->results[i]));
	app_result_u64(f->app, "files_bad", atomic_load(&f->files_bad));
	app_result_f64(f->app, "read_seconds", (double)f->took_ns / (double)NS_PER_S);
}

void files_status(const struct files *f, struct json *j)
{
	size_t at = atomic_load(&f->current);
	json_kv_u64(j, "files", f->n);
	json_kv_u64(j, "files_done", atomic_load(&f->files_done));
	json_kv_u64(j, "files_bad", atomic_load(&f->files_bad));
	json_kv_str(j, "file", at < f->n ? f->list[at].path : NULL);
}

const struct dispatch_sums *files_sums(const struct files *f)
{
	return &f->dispatch.sums;
}

void files_free(struct files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		bytes_free(f->list[i].bytes);
	free(f->list);
	free(f);
}
