/* Capture files to the flow threads: plain, gzipped, through a pipe, cut, wrong. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../../../src/capture/capture.h"
#include "capfile.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"

#define SHARDS 2

/* A house with flow threads that only look at what they get. */
struct bench {
	char folder[64];
	struct app *app;
	struct packets *packets;
	struct eater {
		struct thread thread;
		struct packets *packets;
		unsigned shard;
		uint64_t seen, bytes, sum, ends, backwards, wrong;
	} eaters[SHARDS];
	char log[65536];
};

static void hear(enum log_level lv, const char *line, void *arg)
{
	(void)lv;
	struct bench *b = arg;
	size_t n = strlen(b->log);
	(void)snprintf(b->log + n, sizeof(b->log) - n, "%s\n", line);
}

/* Each frame ends in the number that frame_of gave it: bytes that are not where they should be show. */
static void eat(void *arg)
{
	struct eater *e = arg;
	struct pkt_batch *b;
	while (packets_pop(e->packets, e->shard, &b, -1) == 0) {
		for (uint32_t i = 0; i < b->n; i++) {
			const struct pkt *p = &b->pkts[i];
			const uint8_t *frame = b->chunk->data + p->data_off;
			uint32_t number;
			memcpy(&number, frame + p->data_bytes - 4, 4);
			e->seen++;
			e->bytes += p->wire_bytes;
			e->sum += number;
			e->wrong += p->ts_ns != (int64_t)number * NS_PER_US ||
				    p->key.dst_port != 104;
		}
		e->ends += b->end_of_file;
		packets_done(b);
	}
}

static uint32_t frame_of(uint8_t *out, uint32_t number)
{
	uint32_t n = 42 + 4 + number % 1400, total = n - 14;
	memset(out, 0, n);
	memcpy(out, "\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a\x08\0\x45", 15);
	out[16] = (uint8_t)(total >> 8);
	out[17] = (uint8_t)total;
	out[23] = 17;
	memcpy(out + 26, "\x0a\0\0\0\x0a\x01\0\x01", 8);
	out[28] = (uint8_t)(number >> 8);
	out[29] = (uint8_t)number;
	memcpy(out + 34, "\x10\x00\x00\x68", 4);
	out[38] = (uint8_t)((total - 20) >> 8);
	out[39] = (uint8_t)(total - 20);
	memcpy(out + n - 4, &number, 4);
	return n;
}

static void many_frames(struct capfile *f, uint32_t n)
{
	uint8_t frame[2048];
	capfile_begin(f, false);
	classic_header(f, 0xa1b2c3d4, 1);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bytes = frame_of(frame, i);
		classic_record(f, i / 1000000, i % 1000000, frame, bytes, bytes, 0);
	}
	assert_false(buf_failed(&f->b));
}

static int bench_up(void **state)
{
	static const struct room *const rooms[] = { &capture_room, NULL };
	struct bench *b = calloc(1, sizeof(*b));
	struct app_setup setup = { .mode = APP_REPLAY, .rooms = rooms };
	struct err e = ERR_INIT;
	assert_non_null(b);
	(void)snprintf(b->folder, sizeof(b->folder), "/tmp/test_files.XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	assert_int_equal(app_new(&b->app, &setup, &e), 0);
	b->packets = packets_new(SHARDS, 4, 4);
	assert_non_null(b->packets);
	for (unsigned i = 0; i < SHARDS; i++) {
		b->eaters[i].packets = b->packets;
		b->eaters[i].shard = i;
		assert_int_equal(thread_start(&b->eaters[i].thread, "flow/eater", eat,
					      &b->eaters[i], &e),
				 0);
	}
	log_set_sink(hear, b);
	*state = b;
	return 0;
}

static int bench_down(void **state)
{
	struct bench *b = *state;
	char command[128];
	log_set_sink(NULL, NULL);
	packets_free(b->packets);
	app_free(b->app);
	(void)snprintf(command, sizeof(command), "%s/a", b->folder);
	(void)unlink(command);
	(void)snprintf(command, sizeof(command), "%s/b", b->folder);
	(void)unlink(command);
	(void)rmdir(b->folder);
	free(b);
	return 0;
}

static const char *path_of(const struct bench *b, const char *name)
{
	static char path[2][128];
	char *p = path[name[0] == 'b'];
	(void)snprintf(p, 128, "%s/%s", b->folder, name);
	return p;
}

static const char *written(const struct bench *b, const char *name, const void *p, size_t n)
{
	struct err e = ERR_INIT;
	const char *path = path_of(b, name);
	assert_int_equal(file_write_durable(path, 0600, p, n, &e), 0);
	return path;
}

/* Reads the files to their end; the queues are closed. */
static struct files *replay(struct bench *b, const char *const *paths, size_t n)
{
	struct files *f = NULL;
	struct err e = ERR_INIT;
	assert_int_equal(files_open(&f, b->app, paths, n, -1, &e), 0);
	assert_int_equal(files_start(f, b->packets, &e), 0);
	files_join(f);
	for (unsigned i = 0; i < SHARDS; i++) {
		packets_close(b->packets, i);
		thread_join(&b->eaters[i].thread);
	}
	return f;
}

static void saw(const struct bench *b, uint64_t packets, uint64_t sum)
{
	const struct eater *e = b->eaters;
	assert_int_equal(e[0].seen + e[1].seen, packets);
	assert_int_equal(e[0].sum + e[1].sum, sum);
	assert_int_equal(e[0].wrong + e[1].wrong, 0);
	assert_int_equal(e[0].ends, 1);
	assert_int_equal(e[1].ends, 1);
	if (packets > 1000) /* both threads got their share */
		assert_true(e[0].seen > packets / 4 && e[1].seen > packets / 4);
}

#define MANY 20000u /* about 15 MB: records lie across the ends of many chunks */
#define SUM(n) ((uint64_t)(n) * ((n)-1) / 2)

static void records_across_the_ends_of_chunks_keep_their_bytes(void **state)
{
	struct bench *b = *state;
	struct capfile f;
	many_frames(&f, MANY);
	const char *paths[] = { written(b, "a", f.b.p, f.b.n) };
	struct files *r = replay(b, paths, 1);
	saw(b, MANY, SUM(MANY));
	const struct dispatch_sums *s = files_sums(r);
	assert_int_equal(atomic_load(&s->packets), MANY);
	assert_int_equal(atomic_load(&s->own_drops), 0);
	assert_int_equal(atomic_load(&s->results[DECODE_OK]), MANY);
	assert_string_equal(b->log, "");
	files_free(r);
	buf_fini(&f.b);
}

static void put_gzip(struct buf *out, const void *p, size_t n)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t cap = deflateBound(&z, n);
	uint8_t *packed = malloc(cap);
	assert_non_null(packed);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = packed;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_put(out, packed, cap - z.avail_out);
	(void)deflateEnd(&z);
	free(packed);
}

static void gzip_is_known_by_its_bytes_and_may_have_several_members(void **state)
{
	struct bench *b = *state;
	struct capfile f;
	struct buf packed;
	many_frames(&f, MANY);
	buf_init(&packed, 64u << 20);
	put_gzip(&packed, f.b.p, f.b.n / 3);
	put_gzip(&packed, f.b.p + f.b.n / 3, f.b.n - f.b.n / 3);
	buf_put(&packed, "\0\0\0\0", 4); /* padding of a tape */
	const char *paths[] = { written(b, "a", packed.p, packed.n) };
	files_free(replay(b, paths, 1));
	saw(b, MANY, SUM(MANY));
	assert_string_equal(b->log, "");
	buf_fini(&packed);
	buf_fini(&f.b);
}

static void a_damaged_gzip_gives_what_comes_before_the_damage(void **state)
{
	struct bench *b = *state;
	struct capfile f;
	struct buf packed;
	many_frames(&f, MANY);
	buf_init(&packed, 64u << 20);
	put_gzip(&packed, f.b.p, f.b.n);
	const char *paths[] = { written(b, "a", packed.p, packed.n / 2) };
	files_free(replay(b, paths, 1));
	uint64_t seen = b->eaters[0].seen + b->eaters[1].seen;
	assert_in_range(seen, 1, MANY - 1);
	assert_int_equal(b->eaters[0].wrong, 0);
	assert_non_null(strstr(b->log, "gzip ends too early"));
	buf_fini(&packed);
	buf_fini(&f.b);
}

static void a_cut_file_gives_its_whole_records_and_the_next_file_follows(void **state)
{
	struct bench *b = *state;
	struct capfile f, g;
	many_frames(&f, 100);
	many_frames(&g, 50);
	const char *paths[] = { written(b, "a", f.b.p, f.b.n - 5),
				written(b, "b", g.b.p, g.b.n) };
	files_free(replay(b, paths, 2));
	saw(b, 99 + 50, SUM(99) + SUM(50));
	assert_non_null(strstr(b->log, "the last record is cut off by the end of the file"));
	buf_fini(&f.b);
	buf_fini(&g.b);
}

struct pipe_writer {
	const char *path;
	const struct capfile *f;
};

static void write_slowly(void *arg)
{
	struct pipe_writer *w = arg;
	int fd = open(w->path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t at = 0; at < w->f->b.n;) {
		size_t n = at < 4096 ? 1 : 50000; /* the first bytes one by one */
		ssize_t done =
			write(fd, w->f->b.p + at, n < w->f->b.n - at ? n : w->f->b.n - at);
		assert_true(done > 0);
		at += (size_t)done;
	}
	(void)close(fd);
}

static void a_pipe_is_read_as_its_bytes_come(void **state)
{
	struct bench *b = *state;
	struct capfile f;
	struct thread t = { 0 };
	struct err e = ERR_INIT;
	many_frames(&f, 2000);
	const char *paths[] = { path_of(b, "a") };
	assert_int_equal(mkfifo(paths[0], 0600), 0);
	struct pipe_writer w = { paths[0], &f };
	int keep = open(
		paths[0],
		O_RDWR | O_CLOEXEC); /* so that no end is seen before the writer has come */
	assert_true(keep >= 0);
	struct files *r = NULL;
	assert_int_equal(files_open(&r, b->app, paths, 1, -1, &e), 0);
	assert_int_equal(files_start(r, b->packets, &e), 0);
	assert_int_equal(thread_start(&t, "writer", write_slowly, &w, &e), 0);
	thread_join(&t);
	(void)close(keep);
	files_join(r);
	for (unsigned i = 0; i < SHARDS; i++) {
		packets_close(b->packets, i);
		thread_join(&b->eaters[i].thread);
	}
	files_free(r);
	saw(b, 2000, SUM(2000));
	buf_fini(&f.b);
}

static void link_types_of_one_file_may_differ_and_unknown_ones_are_counted(void **state)
{
	struct bench *b = *state;
	struct capfile f;
	uint8_t frame[2048];
	capfile_begin(&f, true);
	section(&f);
	interface(&f, 1, 65535, -1, 0);
	interface(&f, 101, 65535, -1, 0);
	interface(&f, 105, 65535, -1, 0); /* wireless */
	for (uint32_t i = 0; i < 30; i++) {
		uint32_t n = frame_of(frame, i), cut = i % 3 == 1 ? 14 : 0;
		enhanced(&f, i % 3, i, frame + cut, n - cut, n - cut);
	}
	const char *paths[] = { written(b, "a", f.b.p, f.b.n) };
	struct files *r = replay(b, paths, 1);
	assert_int_equal(b->eaters[0].seen + b->eaters[1].seen, 20);
	assert_int_equal(b->eaters[0].wrong + b->eaters[1].wrong, 0);
	assert_int_equal(atomic_load(&files_sums(r)->results[DECODE_BAD_LINK]), 10);
	assert_non_null(strstr(b->log, "link=105"));
	files_free(r);
	buf_fini(&f.b);
}

static void files_that_cannot_be_read_are_all_named_at_once(void **state)
{
	struct bench *b = *state;
	struct files *f = NULL;
	struct err e = ERR_INIT;
	static const char *const paths[] = { "/nowhere/one.pcap", "/nowhere/two.pcap", "/tmp" };
	assert_int_equal(files_open(&f, b->app, paths, 3, -1, &e), -ERR_NOTFOUND);
	assert_null(f);
	assert_non_null(strstr(e.text, "3 capture files cannot be read"));
	assert_non_null(strstr(b->log, "/nowhere/two.pcap"));
	assert_non_null(strstr(b->log, "/tmp is a folder"));
	for (unsigned i = 0; i < SHARDS; i++) {
		packets_close(b->packets, i);
		thread_join(&b->eaters[i].thread);
	}
}

static void what_is_no_capture_file_is_said_and_the_next_one_is_read(void **state)
{
	struct bench *b = *state;
	struct capfile f;
	many_frames(&f, 10);
	const char *paths[] = { written(b, "a", "not a capture file at all", 25),
				written(b, "b", f.b.p, f.b.n) };
	files_free(replay(b, paths, 2));
	saw(b, 10, SUM(10));
	assert_non_null(strstr(b->log, "neither pcap nor pcapng"));
	buf_fini(&f.b);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, bench_up, bench_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(records_across_the_ends_of_chunks_keep_their_bytes),
		CASE(gzip_is_known_by_its_bytes_and_may_have_several_members),
		CASE(a_damaged_gzip_gives_what_comes_before_the_damage),
		CASE(a_cut_file_gives_its_whole_records_and_the_next_file_follows),
		CASE(a_pipe_is_read_as_its_bytes_come),
		CASE(link_types_of_one_file_may_differ_and_unknown_ones_are_counted),
		CASE(files_that_cannot_be_read_are_all_named_at_once),
		CASE(what_is_no_capture_file_is_said_and_the_next_one_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
