/* A store whose rows are sealed into real objects and dropped again, for tests of the cold search: the same
 * steps as the sealing pass, without its manifests. */
#ifndef TOMSD_TESTS_ARCHIVE_COLD_H
#define TOMSD_TESTS_ARCHIVE_COLD_H

#include "../store/logs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "../../../src/archive/index.h"
#include "tomsd/archive.h"
#include "tomsd/s3.h"
#include "tomsd/store/cut.h"

static const int64_t cold_day_ns = INT64_C(86400) * NS_PER_S;

struct cold_box {
	struct box b;
	char folder[96];
	size_t group_rows;
	unsigned objects;
};

static inline void cold_open(struct cold_box *c, size_t group_rows)
{
	struct err e = ERR_INIT;
	memset(c, 0, sizeof(*c));
	box_new(&c->b);
	box_open(&c->b);
	box_start(&c->b);
	c->group_rows = group_rows;
	(void)snprintf(c->folder, sizeof(c->folder), "%s/archive", c->b.path);
	if (file_mkdirs(c->folder, 0700, &e))
		fail_msg("%s", e.text);
}

/* What one record has to be sealed. */
struct cold_seal {
	struct cold_box *c;
	struct store_span spans[64];
	size_t n;
	const struct record *record;
	int fd;
	uint64_t bytes;
	char key[64];
	struct parquet_writer *writer;
	struct index_build *index;
	struct err e;
};

static inline int cold_note(void *arg, const struct store_span *s)
{
	struct cold_seal *k = arg;
	assert_true(k->n < ARRAY_LEN(k->spans));
	k->spans[k->n++] = *s;
	return 0;
}

static inline int cold_cut(struct sql *db, void *arg, struct err *e)
{
	return store_cut(db, cold_note, arg, e);
}

static inline int cold_append(void *ctx, const void *p, size_t n, struct err *e)
{
	struct cold_seal *k = ctx;
	(void)e;
	assert_int_equal(write(k->fd, p, n), (ssize_t)n);
	k->bytes += n;
	return 0;
}

static inline int cold_read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	struct cold_seal *k = ctx;
	(void)e;
	assert_int_equal(pread(k->fd, p, n, (off_t)off), (ssize_t)n);
	return 0;
}

static inline int cold_row(void *arg, const void *row)
{
	struct cold_seal *k = arg;
	if (parquet_put(k->writer, row, &k->e))
		fail_msg("%s", k->e.text);
	index_row(k->index, row);
	return 0;
}

static inline int cold_put_object(struct sql *db, void *arg, struct err *e)
{
	struct cold_seal *k = arg;
	struct stmt *s;
	int rc = sql_prepare(db,
			     "INSERT INTO archive_object (id, seq, kind, key, sha256, bytes, rows, row_groups, first_id,"
			     " last_id, since_ns, until_ns, merkle_root) VALUES (?1, ?1, ?2, ?3, x'', ?4, 0, 0, 0, 0, 0, 0, x'')",
			     &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, k->c->objects);
	stmt_text(s, 2, str_of(k->record->name));
	stmt_text(s, 3, str_of(k->key));
	stmt_i64(s, 4, (int64_t)k->bytes);
	rc = stmt_step(s, e);
	stmt_done(s);
	if (rc >= 0)
		rc = index_put(db, k->c->objects, k->index, e);
	for (size_t i = 0; !rc && i < k->n; i++)
		if (k->spans[i].record == k->record)
			rc = store_cut_release(db, &k->spans[i], e);
	return rc;
}

/* One object of all spans of a record. */
static inline void cold_write_object(struct cold_seal *k)
{
	char path[192];
	const struct parquet_conf conf = { .record = k->record, .group_rows = k->c->group_rows, .whole_rows = true };
	const struct parquet_sink sink = { cold_append, k };
	struct parquet_file *f = NULL;
	k->c->objects++;
	k->bytes = 0;
	(void)snprintf(k->key, sizeof(k->key), "%s-%u.parquet", k->record->name, k->c->objects);
	(void)snprintf(path, sizeof(path), "%s/%s", k->c->folder, k->key);
	k->fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(k->fd >= 0);
	if (parquet_writer_new(&k->writer, &conf, &sink, &k->e) || index_new(&k->index, k->record, &k->e))
		fail_msg("%s", k->e.text);
	for (size_t i = 0; i < k->n; i++)
		if (k->spans[i].record == k->record &&
		    store_span_rows(k->c->b.st, &k->spans[i], cold_row, k, &k->e))
			fail_msg("%s", k->e.text);
	if (parquet_finish(k->writer, NULL, &k->e))
		fail_msg("%s", k->e.text);
	struct parquet_source src = { .read_at = cold_read_at, .ctx = k, .size = k->bytes };
	if (parquet_open(&f, &src, &k->e) || index_groups(k->index, f, &k->e) ||
	    store_write(k->c->b.st, cold_put_object, k, &k->e))
		fail_msg("%s", k->e.text);
	parquet_close(f);
	parquet_writer_free(k->writer);
	index_free(k->index);
	assert_int_equal(close(k->fd), 0);
}

/* Everything that has arrived since the last time. */
static inline void cold_seal(struct cold_box *c)
{
	struct cold_seal *k = calloc(1, sizeof(*k));
	assert_non_null(k);
	k->c = c;
	if (store_write(c->b.st, cold_cut, k, &k->e))
		fail_msg("%s", k->e.text);
	for (size_t i = 0; i < k->n; i++) {
		if (i && k->spans[i].record == k->spans[i - 1].record)
			continue;
		k->record = k->spans[i].record;
		cold_write_object(k);
	}
	free(k);
}

struct cold_drop {
	const struct record *record;
	int32_t day;
};

static inline int cold_drop_day(struct sql *db, void *arg, struct err *e)
{
	const struct cold_drop *d = arg;
	struct stmt *s;
	int64_t last = 0;
	int rc = sql_prepare(db, "SELECT last_id FROM part WHERE record = ?1 AND day = ?2", &s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(d->record->name));
	stmt_i64(s, 2, d->day);
	rc = stmt_step(s, e);
	if (rc == 1)
		last = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc == 1 ? store_mark_gone(db, d->record, d->day, last + 1, e) : rc;
}

/* Days of a record before this moment leave the store. */
static inline void cold_drop(struct cold_box *c, const struct record *r, int64_t from_ns, int64_t before_ns)
{
	struct err e = ERR_INIT;
	for (int64_t at = from_ns; at < before_ns; at += cold_day_ns) {
		struct cold_drop d = { r, clock_day(at) };
		if (store_write(c->b.st, cold_drop_day, &d, &e))
			fail_msg("%s", e.text);
	}
}

/* Rows one behind the other, each as long as it is. */
struct cold_rows {
	const struct record *record;
	char **row;
	size_t n, room;
};

static inline int cold_keep(void *arg, const void *row)
{
	struct cold_rows *k = arg;
	size_t bytes = record_bytes(k->record, row);
	if (k->n == k->room) {
		k->room = k->room ? 2 * k->room : 256;
		k->row = realloc(k->row, k->room * sizeof(*k->row));
		assert_non_null(k->row);
	}
	k->row[k->n] = malloc(bytes);
	assert_non_null(k->row[k->n]);
	memcpy(k->row[k->n++], row, bytes);
	return 0;
}

static inline void cold_rows_free(struct cold_rows *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->row[i]);
	free(k->row);
	k->row = NULL;
	k->n = k->room = 0;
}

static inline int cold_ask_here(void *ctx, const struct query *q, size_t limit, int64_t deadline_mono_ns,
				int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
				struct cold_info *cold, struct err *e)
{
	struct cold_box *c = ctx;
	struct cold_sources from = { .folder = c->folder };
	return archive_query(c->b.st, &from, q, limit, deadline_mono_ns, row, arg, info, cold, e);
}

/* Pages of so many rows, walked to the end; how many pages. sum may be NULL. */
static inline size_t cold_list(struct cold_box *c, const struct query *asked, size_t limit, struct cold_rows *out,
			       struct cold_info *sum)
{
	struct cold_ask ask = { cold_ask_here, c };
	struct query_page_info info = { .more = true };
	struct query q = *asked;
	struct err e = ERR_INIT;
	size_t pages = 0;
	out->record = q.record;
	for (; info.more; pages++) {
		struct cold_info cold;
		if (archive_list(c->b.st, &ask, &q, limit, 0, cold_keep, out, &info, &cold, &e))
			fail_msg("%s", e.text);
		assert_true(info.complete);
		if (sum) {
			sum->groups_read += cold.groups_read;
			sum->groups_passed += cold.groups_passed;
			sum->groups_failed += cold.groups_failed;
			if (cold.groups_failed)
				memcpy(sum->failed, cold.failed, sizeof(sum->failed));
		}
		memcpy(q.cursor, info.next, sizeof(q.cursor));
	}
	return pages;
}

#endif
