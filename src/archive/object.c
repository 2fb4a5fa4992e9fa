/* Step B: one kind's rows of a seal as one Parquet file, durable under its final name.
 *
 * A row passes once: read from the store, put into the writer, its values hashed to a Merkle leaf as they go into the
 * file, its words collected for the index; the file's SHA-256 grows with its bytes. The file grows in .new/, is
 * synced and renamed to a name that holds its sum. Thread archive. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "leaf.h"
#include "seal.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"

#define BREATH_ROWS 1024
#define LEAVE_OUT_MAX 64

struct writing {
	const struct sealer *sl;
	const struct seal *seal;
	const struct record *record;
	const struct col *id_col, *time_col;
	struct sealed_object *out;
	struct parquet_writer *writer;
	struct merkle *merkle;
	struct crypt_sum *sum;
	struct buf leaf;
	char path[ARCHIVE_PATH_MAX]; /* in .new */
	int fd;
	const struct seal_span *span;
	uint64_t span_rows;
	struct err *e;
	char leave_out[SEAL_LEAVE_OUT_MAX];
	const char *left_out[LEAVE_OUT_MAX + 1];
	char seq[24], since[CLOCK_RFC3339_MAX], until[CLOCK_RFC3339_MAX];
	struct parquet_pair pairs[4];
};

/* ---- The file. ---- */

static int write_all(int fd, const char *p, size_t n, struct err *e)
{
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, errno, "writing an archive object");
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int append(void *ctx, const void *p, size_t n, struct err *e)
{
	struct writing *w = ctx;
	crypt_sum_put(w->sum, p, n);
	w->out->bytes += n;
	return write_all(w->fd, p, n, e);
}

static int read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	const struct writing *w = ctx;
	char *to = p;
	while (n) {
		ssize_t r = pread(w->fd, to, n, (off_t)off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return err_sys(e, r < 0 ? errno : EIO, "reading an archive object again");
		to += r;
		off += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

/* ---- A row. ---- */

static void take_cell(void *ctx, enum parquet_type type, const struct parquet_cell *v)
{
	struct buf *leaf = ctx;
	if (!v->known)
		leaf_null(leaf);
	else if (type == PARQUET_TEXT || type == PARQUET_BYTES)
		leaf_text(leaf, v->text);
	else
		leaf_number(leaf, v->u);
}

static void note_row(struct writing *w, const void *row)
{
	struct sealed_object *o = w->out;
	int64_t id = col_int(w->id_col, row), at_ns = col_int(w->time_col, row);
	if (o->rows == 0 || id < o->first_id)
		o->first_id = id;
	if (o->rows == 0 || id > o->last_id)
		o->last_id = id;
	if (o->rows == 0 || at_ns < o->since_ns)
		o->since_ns = at_ns;
	if (o->rows == 0 || at_ns >= o->until_ns)
		o->until_ns = at_ns + 1;
	o->rows++;
	w->span_rows++;
}

static int take_row(void *arg, const void *row)
{
	struct writing *w = arg;
	uint8_t hash[CRYPT_SHA256_BYTES];
	leaf_begin(&w->leaf);
	int rc = parquet_put(w->writer, row, w->e);
	if (rc)
		return rc;
	if (!leaf_end(&w->leaf, hash))
		return err_set(w->e, ERR_NOMEM, "no memory for a row's hash");
	merkle_leaf(w->merkle, hash);
	index_row(w->out->index, row);
	note_row(w, row);
	if (w->out->rows % BREATH_ROWS == 0 && w->sl->breathe && !w->sl->breathe(w->sl->arg, BREATH_ROWS))
		return err_set(w->e, ERR_CLOSED, "sealing goes on at the next start");
	return 0;
}

/* ---- The whole. ---- */

static const struct record *record_of(const struct sealer *sl, const char *kind)
{
	bool is_more = sl->more && strcmp(kind, sl->more->record->name) == 0;
	return is_more ? sl->more->record : record_by_name(str_of(kind));
}

/* "a b" into a list of names. */
static void split_leave_out(struct writing *w)
{
	struct str rest, name;
	size_t n = 0;
	(void)str_copy(w->leave_out, sizeof(w->leave_out), str_of(w->seal->leave_out));
	rest = str_of(w->leave_out);
	while (n < LEAVE_OUT_MAX && str_split(&rest, ' ', &name)) {
		if (name.n == 0)
			continue;
		size_t at = (size_t)(name.p - w->leave_out);
		w->leave_out[at + name.n] = '\0';
		w->left_out[n++] = w->leave_out + at;
	}
	w->left_out[n] = NULL;
}

static int open_file(struct writing *w, struct err *e)
{
	char folder[ARCHIVE_PATH_MAX], name[64];
	(void)snprintf(name, sizeof(name), OBJECT_NEW_FOLDER "/%s", w->out->kind);
	if (!archive_path(folder, w->sl->folder, OBJECT_NEW_FOLDER) || !archive_path(w->path, w->sl->folder, name))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	int rc = file_mkdirs(folder, 0700, e);
	if (rc)
		return rc;
	w->fd = open(w->path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return w->fd < 0 ? err_sys(e, errno, "creating %s", w->path) : 0;
}

static int open_writer(struct writing *w, struct err *e)
{
	const struct seal *seal = w->seal;
	(void)snprintf(w->seq, sizeof(w->seq), "%llu", (unsigned long long)seal->seq);
	clock_rfc3339(seal->since_ns, w->since);
	clock_rfc3339(seal->until_ns, w->until);
	w->pairs[0] = (struct parquet_pair){ "toms.appliance", seal->appliance };
	w->pairs[1] = (struct parquet_pair){ "toms.seq", w->seq };
	w->pairs[2] = (struct parquet_pair){ "toms.since", w->since };
	w->pairs[3] = (struct parquet_pair){ "toms.until", w->until };
	const struct parquet_conf conf = { .record = w->record,
					   .whole_rows = true, /* cold searches give them out again */
					   .leave_out = w->left_out,
					   .pairs = w->pairs,
					   .n_pairs = ARRAY_LEN(w->pairs),
					   .cell = take_cell,
					   .cell_ctx = &w->leaf };
	const struct parquet_sink sink = { append, w };
	return parquet_writer_new(&w->writer, &conf, &sink, e);
}

static int open_all(struct writing *w, struct err *e)
{
	split_leave_out(w);
	w->merkle = merkle_new();
	if (!w->merkle)
		return err_set(e, ERR_NOMEM, "no memory for a Merkle tree");
	int rc = crypt_sum_new(&w->sum, CRYPT_SHA256, e);
	if (!rc)
		rc = index_new(&w->out->index, w->record, e);
	if (!rc)
		rc = open_file(w, e);
	return rc;
}

static int read_more(struct sql *db, void *arg, struct err *e)
{
	struct writing *w = arg;
	return w->sl->more->each(db, w->span->after, w->span->last, take_row, w, e);
}

static int write_span(struct writing *w, struct seal_span *s, struct err *e)
{
	uint64_t unreadable = 0;
	w->span_rows = 0;
	int rc;
	if (w->sl->more && w->record == w->sl->more->record) {
		w->span = s;
		rc = seal_read(w->sl->store, read_more, w, e);
	} else {
		const struct store_span span = { w->record, s->day, s->after, s->last, s->rows };
		rc = store_span_rows_past(w->sl->store, &span, take_row, w, &unreadable, e);
	}
	if (rc)
		return rc;
	/* Rows that cannot be read any more must not vanish without a word: those of a damaged pack stand in the manifest as
	 * a gap. How many they were is known from the cut; where that could not tell, no more than there were ids. */
	if (unreadable) {
		s->lost = (s->rows >= 0 ? s->rows : s->last - s->after) - (int64_t)w->span_rows;
		s->rows = (int64_t)w->span_rows;
		return 0;
	}
	if (s->rows >= 0 && (uint64_t)s->rows != w->span_rows)
		return err_set(e, ERR_CORRUPT, "%s of day %d: %lld rows arrived, %llu are there", s->kind, (int)s->day,
			       (long long)s->rows, (unsigned long long)w->span_rows);
	s->rows = (int64_t)w->span_rows;
	return 0;
}

static int index_file(struct writing *w, struct err *e)
{
	const struct parquet_source src = { .read_at = read_at, .ctx = w, .size = w->out->bytes };
	struct parquet_file *f = NULL;
	int rc = parquet_open(&f, &src, e);
	if (rc)
		return rc;
	rc = index_groups(w->out->index, f, e);
	parquet_close(f);
	return rc;
}

static int write_rows(struct writing *w, struct seal_span *spans, size_t n, struct err *e)
{
	struct parquet_sum sum = { 0 };
	int rc = open_writer(w, e);
	for (size_t i = 0; !rc && i < n; i++)
		rc = write_span(w, &spans[i], e);
	if (!rc)
		rc = parquet_finish(w->writer, &sum, e);
	if (rc)
		return rc;
	w->out->row_groups = sum.groups;
	crypt_sum_end(w->sum, w->out->sha256, NULL);
	merkle_root(w->merkle, w->out->merkle_root);
	return index_file(w, e);
}

/* A folder's new names are on the disk once it is synced, and its own name once the one above is. */
static int sync_up(const char *folder, const char *path, struct err *e)
{
	char at[ARCHIVE_PATH_MAX];
	(void)str_copy(at, sizeof(at), str_of(path));
	for (char *slash = strrchr(at, '/'); slash; slash = strrchr(at, '/')) {
		*slash = '\0';
		if (strlen(at) < strlen(folder))
			return 0;
		int fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, errno, "opening folder %s", at);
		int rc = fsync(fd) ? err_sys(e, errno, "syncing folder %s", at) : 0;
		(void)close(fd); /* nothing is pending behind fsync */
		if (rc)
			return rc;
	}
	return 0;
}

/* The hour in which its rows arrived, as the clock of that time said. */
static int64_t hour_of_seal(const struct seal *s)
{
	return s->wall_ns < s->since_ns ? s->wall_ns : s->since_ns;
}

static int move_to_place(struct writing *w, struct err *e)
{
	char path[ARCHIVE_PATH_MAX], folder[ARCHIVE_PATH_MAX];
	archive_object_key(w->out->key, w->out->kind, w->seal->appliance, hour_of_seal(w->seal), w->seal->seq,
			   w->out->sha256);
	if (!archive_path(path, w->sl->folder, w->out->key))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	(void)str_copy(folder, sizeof(folder), str_of(path));
	*strrchr(folder, '/') = '\0';
	if (fsync(w->fd))
		return err_sys(e, errno, "syncing %s", w->path);
	int rc = file_mkdirs(folder, 0700, e);
	if (!rc && rename(w->path, path))
		rc = err_sys(e, errno, "renaming %s", w->path);
	return rc ? rc : sync_up(w->sl->folder, path, e);
}

static void close_all(struct writing *w)
{
	parquet_writer_free(w->writer);
	merkle_free(w->merkle);
	crypt_sum_free(w->sum);
	buf_fini(&w->leaf);
	if (w->fd >= 0)
		(void)close(w->fd); /* synced, or of no use */
}

int object_write(const struct sealer *sl, const struct seal *s, struct seal_span *spans, size_t n,
		 struct sealed_object *out, struct err *e)
{
	struct writing *w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ERR_NOMEM, "no memory to seal");
	*out = (struct sealed_object){ 0 };
	(void)str_copy(out->kind, sizeof(out->kind), str_of(spans[0].kind));
	*w = (struct writing){ .sl = sl, .seal = s, .out = out, .e = e, .fd = -1, .record = record_of(sl, out->kind) };
	buf_init(&w->leaf, 64u << 20);
	int rc = w->record ? 0 :
			     err_set(e, ERR_NEWER, "rows of kind %s were made by another version", out->kind);
	if (!rc) {
		w->id_col = record_col(w->record, w->record->id_col);
		w->time_col = record_col(w->record, w->record->time_col);
		rc = open_all(w, e);
	}
	if (!rc)
		rc = write_rows(w, spans, n, e);
	if (!rc && out->rows)
		rc = move_to_place(w, e);
	if (rc && w->fd >= 0)
		(void)unlink(w->path); /* half of an hour on a full disk is room that others want */
	close_all(w);
	free(w);
	if (rc)
		object_fini(out);
	return rc ? err_wrap(e, "sealing %s", spans[0].kind) : 0;
}

void object_fini(struct sealed_object *o)
{
	index_free(o->index);
	o->index = NULL;
}

/* ---- What a crash leaves. ---- */

int object_clear_new(const char *folder, struct err *e)
{
	char path[ARCHIVE_PATH_MAX];
	if (!archive_path(path, folder, OBJECT_NEW_FOLDER))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	DIR *d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, errno, "opening folder %s", path);
	for (struct dirent *f = readdir(d); f; f = readdir(d))
		if (f->d_name[0] != '.')
			(void)unlinkat(dirfd(d), f->d_name, 0); /* it is written over otherwise */
	(void)closedir(d);
	return 0;
}

void object_clear_others(const char *folder, const char *key, uint64_t seq)
{
	char path[ARCHIVE_PATH_MAX];
	uint64_t other;
	if (!archive_path(path, folder, key))
		return;
	char *name = strrchr(path, '/');
	*name++ = '\0';
	DIR *d = opendir(path);
	if (!d)
		return;
	for (struct dirent *f = readdir(d); f; f = readdir(d))
		if (archive_seq_of(str_of(f->d_name), &other) && other == seq && strcmp(f->d_name, name) != 0)
			(void)unlinkat(dirfd(d), f->d_name, 0); /* never told to anybody: no manifest has it */
	(void)closedir(d);
}
