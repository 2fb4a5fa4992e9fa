/* Objects in a place of room s3. All versions of all names are listed once, at the first question; from then on every
 * read is of a version by its id, so that nothing put over a name later can stand in for what was proven. A version is
 * fetched into a file without a name, read from there, and gone when that is closed. One thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "from.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/thread.h"

enum { PIECE_BYTES = 8 << 20, ATTEMPTS = 5, VERSIONS_MAX = 16 << 20, TEXT_MAX = 1 << 30 };

struct version { /* texts are offsets into the arena */
	size_t key, id, etag;
	uint64_t bytes;
	bool is_marker;
};

struct place {
	struct archive_from from;
	struct s3_client *client;
	struct buf text;
	struct version *all; /* by name, then newest first */
	size_t n, room;
	bool is_listed;
	struct err *e;
};

static struct place *place_of(struct archive_from *f)
{
	return (struct place *)f;
}

/* ---- The list. ---- */

static size_t keep(struct place *p, struct str s)
{
	size_t at = p->text.n;
	buf_str(&p->text, s);
	buf_put(&p->text, "", 1);
	return at;
}

static const char *text(const struct place *p, size_t at)
{
	return p->text.p + at;
}

static int take(void *arg, const struct s3_listed *l)
{
	struct place *p = arg;
	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 256;
		struct version *more = room <= VERSIONS_MAX ? reallocarray(p->all, room, sizeof(*more)) : NULL;
		if (!more)
			return err_set(p->e, ERR_FULL, "the place holds more versions than fit into memory");
		p->all = more;
		p->room = room;
	}
	struct version *v = &p->all[p->n++];
	*v = (struct version){ .bytes = l->v.bytes, .is_marker = l->v.is_delete_marker };
	v->key = keep(p, l->key);
	v->id = keep(p, str_of(l->v.version_id));
	v->etag = keep(p, str_of(l->v.etag));
	return buf_failed(&p->text) ? err_set(p->e, ERR_FULL, "the place holds more names than fit into memory") : 0;
}

/* Names in their order, versions of one as the list had them. */
static int by_name(const void *one, const void *two, void *arg)
{
	const struct version *a = one, *b = two;
	int order = strcmp(text(arg, a->key), text(arg, b->key));
	return order ? order : (a->key > b->key) - (a->key < b->key);
}

static int list_all(struct place *p, struct err *e)
{
	static const char *const below[] = { "_manifest/", "kind=" };
	struct s3_fault fault;
	int rc = 0;
	if (p->is_listed)
		return 0;
	p->e = e;
	p->n = 0;
	for (size_t i = 0; i < ARRAY_LEN(below) && rc == 0; i++)
		rc = s3_list(p->client, below[i], NULL, take, p, &fault, e);
	if (rc)
		return err_wrap(e, "place %s", p->from.name);
	if (p->n)
		qsort_r(p->all, p->n, sizeof(*p->all), by_name, p);
	p->is_listed = true;
	return 0;
}

static int place_list(struct archive_from *f, int (*one)(void *arg, struct str key, uint64_t bytes), void *arg,
		      struct err *e)
{
	struct place *p = place_of(f);
	const struct version *last = NULL;
	int rc = list_all(p, e);
	for (size_t i = 0; i < p->n && rc == 0; i++) {
		const struct version *v = &p->all[i];
		if (v->is_marker)
			continue;
		if (last && strcmp(text(p, v->key), text(p, last->key)) == 0)
			continue; /* told with its newest version */
		last = v;
		rc = one(arg, str_of(text(p, v->key)), v->bytes);
	}
	return rc;
}

/* The first version of a name in the list, and how many entries it has. */
static struct version *entries(const struct place *p, const char *key, size_t *n)
{
	size_t from = 0, to = p->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (strcmp(text(p, p->all[mid].key), key) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	for (*n = 0; from + *n < p->n && strcmp(text(p, p->all[from + *n].key), key) == 0;)
		++*n;
	return p->all + from;
}

static size_t place_versions(struct archive_from *f, const char *key)
{
	size_t n, readable = 0;
	const struct version *v = entries(place_of(f), key, &n);
	for (size_t i = 0; i < n; i++)
		readable += !v[i].is_marker;
	return readable;
}

/* The n-th readable one, the oldest first; at: where it stands among the entries. NULL: none. */
static const struct version *nth_version(const struct place *p, const char *key, size_t nth, size_t *at)
{
	size_t n;
	const struct version *v = entries(p, key, &n);
	for (size_t i = n; i-- > 0;)
		if (!v[i].is_marker && nth-- == 0) {
			if (at)
				*at = i;
			return &v[i];
		}
	return NULL;
}

static size_t place_version(struct archive_from *f, const char *key, struct str id)
{
	const struct place *p = place_of(f);
	size_t n = place_versions(f, key);
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_of(text(p, nth_version(p, key, i, NULL)->id)), id))
			return i;
	return SIZE_MAX;
}

static uint64_t place_bytes(struct archive_from *f, const char *key, size_t nth)
{
	const struct version *v = nth_version(place_of(f), key, nth, NULL);
	return v ? v->bytes : 0;
}

static bool place_hidden(struct archive_from *f, const char *key, size_t nth, char *words, size_t cap)
{
	const struct place *p = place_of(f);
	size_t n, at = 0;
	const struct version *all = entries(p, key, &n), *v = nth_version(p, key, nth, &at);
	for (size_t i = 0; v && i < at; i++) {
		/* Sent twice after an answer that got lost: the same bytes hide nothing. */
		if (!all[i].is_marker && all[i].bytes == v->bytes && strcmp(text(p, all[i].etag), text(p, v->etag)) == 0)
			continue;
		(void)snprintf(words, cap, all[i].is_marker ? "a delete marker (%s) hides it" :
							      "a newer version (%s) with other bytes hides it",
			       text(p, all[i].id));
		return true;
	}
	return false;
}

/* ---- Bytes. ---- */

static int scratch_file(const char *folder, struct err *e)
{
	char path[600];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	(void)snprintf(path, sizeof(path), "%s/.tomsd-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "making a file in %s for what is fetched", folder);
	(void)unlink(path);
	return fd;
}

static int put_all(int fd, const char *p, size_t n, struct err *e)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(e, errno, "writing what is fetched");
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* A server that is busy, or a line that breaks, is asked again. */
static int read_patiently(struct place *p, const char *key, const char *id, uint64_t off, void *to, size_t n,
			  struct err *e)
{
	struct s3_fault fault;
	int rc = 0;
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (attempt > 0)
			clock_sleep_ms(INT64_C(250) << attempt);
		rc = s3_read(p->client, key, id, off, to, n, &fault, e);
		if (rc == 0 || rc == -ERR_CLOSED || !fault.retry || fault.status == 403)
			break;
	}
	return rc;
}

static int fetch(struct place *p, const char *key, const struct version *v, int fd, struct err *e)
{
	size_t room = v->bytes < PIECE_BYTES ? (size_t)v->bytes : PIECE_BYTES;
	char *piece = malloc(room ? room : 1);
	int rc = piece ? 0 : err_set(e, ERR_NOMEM, "out of memory");
	for (uint64_t off = 0; off < v->bytes && rc == 0; off += room) {
		size_t n = v->bytes - off < room ? (size_t)(v->bytes - off) : room;
		thread_beat();
		rc = read_patiently(p, key, text(p, v->id), off, piece, n, e);
		if (rc == 0)
			rc = put_all(fd, piece, n, e);
	}
	free(piece);
	return rc;
}

static int place_open(struct archive_from *f, const char *key, size_t nth, int *out, uint64_t *bytes, struct err *e)
{
	struct place *p = place_of(f);
	int rc = list_all(p, e);
	const struct version *v = rc ? NULL : nth_version(p, key, nth, NULL);
	if (rc)
		return rc;
	if (!v)
		return err_set(e, ERR_NOTFOUND, "%s: not in place %s", key, f->name);
	int fd = scratch_file(f->scratch, e);
	if (fd < 0)
		return fd;
	rc = fetch(p, key, v, fd, e);
	if (rc) {
		(void)close(fd);
		return err_wrap(e, "place %s", f->name);
	}
	*out = fd;
	*bytes = v->bytes;
	return 0;
}

static int place_lock(struct archive_from *f, const char *key, size_t nth, struct s3_version *out, struct err *e)
{
	struct place *p = place_of(f);
	struct s3_fault fault;
	const struct version *v = nth_version(p, key, nth, NULL);
	if (!v)
		return err_set(e, ERR_NOTFOUND, "%s: not in place %s", key, f->name);
	int rc = 0;
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (attempt > 0)
			clock_sleep_ms(INT64_C(250) << attempt);
		rc = s3_head(p->client, key, text(p, v->id), out, &fault, e);
		if (rc == 0 || rc == -ERR_CLOSED || !fault.retry || fault.status == 403)
			break;
	}
	return rc;
}

static void place_free(struct archive_from *f)
{
	struct place *p = place_of(f);
	buf_fini(&p->text);
	free(p->all);
	free(p);
}

static const struct from_ways place_ways = {
	.list = place_list, .versions = place_versions, .open = place_open, .free = place_free,
	.version = place_version, .hidden = place_hidden, .lock = place_lock, .bytes = place_bytes,
};

int archive_from_place(struct archive_from **out, struct s3_client *c, const char *place, struct err *e)
{
	struct place *p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ERR_NOMEM, "out of memory");
	p->from = (struct archive_from){ .ways = &place_ways, .is_place = true };
	(void)str_copy(p->from.name, sizeof(p->from.name), str_of(place));
	from_scratch(&p->from, "/tmp");
	p->client = c;
	buf_init(&p->text, TEXT_MAX);
	*out = &p->from;
	return 0;
}
