/* Reading archive objects. The local file is read by pread. Of an object that is only in places, pieces of 256 KiB are
 * fetched and kept in a small cache: columns lie one behind the other, so a request brings several, and a search that
 * goes on at its cursor finds them here. What is read is checked by whoever reads Parquet (sums of footer, filters
 * and pages); the SHA-256 of the whole is archive_verify's. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "tomsd/base/clock.h"

enum {
	PIECE_BYTES = 256 << 10,
	PIECES_MAX = 256,     /* 64 MiB of cache */
	PIECES_AT_ONCE = 32,  /* of one request */
	WHOLE_PIECES = 4,     /* objects of up to so many are fetched whole */
	PLACES_MAX = 8,
	PLACES_DOWN_MAX = 16,
};
static const int64_t look_up_ns = 5 * NS_PER_S;

struct piece {
	int64_t object;
	uint64_t number; /* in the object */
	uint64_t used;
	uint8_t *p;
};
struct source_cache {
	struct piece pieces[PIECES_MAX];
	uint64_t now;
	char down[PLACES_DOWN_MAX][64];
	size_t n_down;
};

struct source_place {
	char name[64], version[128];
	struct s3_client *client;
};
struct source {
	const struct cold_sources *from;
	struct source_cache *cache;
	int64_t object;
	char key[ARCHIVE_KEY_MAX];
	uint64_t bytes, bytes_read;
	int fd; /* -1: from places[0] */
	struct source_place places[PLACES_MAX];
	size_t n_places;
	bool is_known;
};

int source_cache_new(struct source_cache **out, struct err *e)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : err_set(e, ERR_NOMEM, "no memory to search the archive");
}

void source_cache_free(struct source_cache *c)
{
	for (size_t i = 0; c && i < PIECES_MAX; i++)
		free(c->pieces[i].p);
	free(c);
}

void source_cache_begin(struct source_cache *c)
{
	c->n_down = 0;
}

static bool is_down(const struct source_cache *c, const char *name)
{
	for (size_t i = 0; i < c->n_down; i++)
		if (!strcmp(c->down[i], name))
			return true;
	return false;
}

static void note_down(struct source_cache *c, const char *name)
{
	if (c->n_down < PLACES_DOWN_MAX && !is_down(c, name))
		(void)str_copy(c->down[c->n_down++], sizeof(c->down[0]), str_of(name)); /* as long as in s3_kept */
}

/* ---- Where it is. ---- */

static const char sql_object[] = "SELECT key, bytes FROM archive_object WHERE id = ?1";

static int add_place(void *arg, const struct s3_kept *k)
{
	struct source *s = arg;
	if (k->state != S3_PROVEN || s->n_places == PLACES_MAX)
		return 0;
	struct source_place *p = &s->places[s->n_places++];
	(void)str_copy(p->name, sizeof(p->name), str_of(k->place));
	(void)str_copy(p->version, sizeof(p->version), str_of(k->v.version_id));
	return 0;
}

static int look_up_in(struct source *s, struct sql *db, struct err *e)
{
	struct stmt *q;
	int rc = sql_prepare(db, sql_object, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, s->object);
	rc = stmt_step(q, e);
	if (rc == 1) {
		s->is_known = str_copy(s->key, sizeof(s->key), stmt_col_text(q, 0));
		s->bytes = (uint64_t)stmt_col_i64(q, 1);
	}
	stmt_done(q);
	if (rc < 0)
		return rc;
	return s->is_known ? s3_kept(db, s->key, add_place, s, e) :
			     err_set(e, ERR_NOTFOUND, "archive object %lld is in the index alone", (long long)s->object);
}

static int look_up(struct source *s, struct store *st, struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(st, clock_mono_ns() + look_up_ns, &db, e);
	if (rc)
		return rc;
	rc = look_up_in(s, db, e);
	store_read_end(st, db);
	return rc;
}

/* 0: the file is open. */
static int open_file(struct source *s)
{
	char path[ARCHIVE_PATH_MAX];
	struct stat st;
	if (!s->from->folder || !archive_path(path, s->from->folder, s->key))
		return -ERR_NOTFOUND;
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd >= 0 && fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == s->bytes)
		return 0;
	if (s->fd >= 0)
		(void)close(s->fd); /* cut short: a place may have it whole */
	s->fd = -1;
	return -ERR_NOTFOUND;
}

/* The first place that can be asked stands in front; those that cannot are left out. */
static int open_place(struct source *s, struct err *e)
{
	while (s->n_places) {
		struct source_place *p = &s->places[0];
		p->client = s->from->place && !is_down(s->cache, p->name) ? s->from->place(s->from->arg, p->name) :
									    NULL;
		if (p->client)
			return 0;
		s->n_places--;
		memmove(s->places, s->places + 1, s->n_places * sizeof(s->places[0]));
	}
	return err_set(e, ERR_NOTFOUND, "%s is neither in the archive's folder nor in a place that can be asked now",
		       s->key);
}

int source_open(struct source **out, struct store *st, const struct cold_sources *from, struct source_cache *cache,
		int64_t object, struct err *e)
{
	struct source *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NOMEM, "no memory to search the archive");
	s->from = from;
	s->cache = cache;
	s->object = object;
	s->fd = -1;
	int rc = look_up(s, st, e);
	if (!rc && open_file(s) != 0)
		rc = open_place(s, e);
	if (rc) {
		source_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

int source_leave_file(struct source *s, struct err *e)
{
	if (s->fd < 0)
		return err_set(e, ERR_NOTFOUND, "%s is read from a place already", s->key);
	(void)close(s->fd); /* was only read */
	s->fd = -1;
	return open_place(s, e);
}

void source_free(struct source *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		(void)close(s->fd); /* was only read */
	free(s);
}

const char *cold_source_key(const struct source *s)
{
	return s->key;
}

bool source_is_place(const struct source *s)
{
	return s->fd < 0;
}

uint64_t source_bytes_read(const struct source *s)
{
	return s->bytes_read;
}

/* ---- Bytes. ---- */

static int read_file(struct source *s, uint64_t off, uint8_t *p, size_t n, struct err *e)
{
	s->bytes_read += n;
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(s->fd, p + done, n - done, (off_t)(off + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "reading %s", s->key);
		if (got == 0)
			return err_set(e, ERR_CORRUPT, "%s is shorter than it was", s->key);
		done += (size_t)got;
	}
	return 0;
}

/* Bytes of the place in front; one that fails is left and the next is asked. */
static int fetch(struct source *s, uint64_t off, uint8_t *p, size_t n, struct err *e)
{
	for (;;) {
		struct s3_fault fault = { 0 };
		thread_park(); /* the network takes its time; the client gives up by itself */
		int rc = s3_read(s->places[0].client, s->key, s->places[0].version, off, p, n, &fault, e);
		thread_unpark();
		if (!rc) {
			s->bytes_read += n;
			return 0;
		}
		if (fault.status == 0)
			note_down(s->cache, s->places[0].name);
		struct err other = ERR_INIT;
		s->n_places--;
		memmove(s->places, s->places + 1, s->n_places * sizeof(s->places[0]));
		if (open_place(s, &other) != 0)
			return err_wrap(e, "%s", s->key);
		*e = (struct err)ERR_INIT;
	}
}

static struct piece *find_piece(struct source_cache *c, int64_t object, uint64_t number)
{
	for (size_t i = 0; i < PIECES_MAX; i++)
		if (c->pieces[i].p && c->pieces[i].object == object && c->pieces[i].number == number) {
			c->pieces[i].used = ++c->now;
			return &c->pieces[i];
		}
	return NULL;
}

/* Room for one more: a free one, or the one used longest ago. */
static struct piece *take_piece(struct source_cache *c)
{
	struct piece *oldest = &c->pieces[0];
	for (size_t i = 0; i < PIECES_MAX; i++) {
		if (!c->pieces[i].p) {
			oldest = &c->pieces[i];
			break;
		}
		if (c->pieces[i].used < oldest->used)
			oldest = &c->pieces[i];
	}
	if (!oldest->p)
		oldest->p = malloc(PIECE_BYTES);
	return oldest->p ? oldest : NULL;
}

static size_t piece_bytes(const struct source *s, uint64_t number)
{
	uint64_t left = s->bytes - number * PIECE_BYTES;
	return left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
}

/* Pieces [first, first + n) in one request. */
static int fetch_pieces(struct source *s, uint64_t first, size_t n, struct err *e)
{
	uint64_t off = first * PIECE_BYTES;
	size_t bytes = (n - 1) * PIECE_BYTES + piece_bytes(s, first + n - 1);
	uint8_t *p = malloc(bytes);
	int rc = p ? fetch(s, off, p, bytes, e) : err_set(e, ERR_NOMEM, "no memory to search the archive");
	for (size_t i = 0; !rc && i < n; i++) {
		struct piece *at = take_piece(s->cache);
		if (!at) {
			rc = err_set(e, ERR_NOMEM, "no memory to search the archive");
			break;
		}
		at->object = s->object;
		at->number = first + i;
		at->used = ++s->cache->now;
		memcpy(at->p, p + i * PIECE_BYTES, piece_bytes(s, first + i));
	}
	free(p);
	return rc;
}

/* The piece is in the cache afterwards; those behind it that will be needed come along. last: piece of the
 * last byte wanted. */
static int want_piece(struct source *s, uint64_t number, uint64_t last, struct piece **out, struct err *e)
{
	uint64_t pieces = (s->bytes + PIECE_BYTES - 1) / PIECE_BYTES, first = number;
	size_t n = 1;
	*out = find_piece(s->cache, s->object, number);
	if (*out)
		return 0;
	if (pieces <= WHOLE_PIECES) {
		first = 0;
		n = (size_t)pieces;
	}
	while (first + n <= last && n < PIECES_AT_ONCE && !find_piece(s->cache, s->object, first + n))
		n++;
	int rc = fetch_pieces(s, first, n, e);
	if (rc)
		return rc;
	*out = find_piece(s->cache, s->object, number);
	return *out ? 0 : err_set(e, ERR_NOMEM, "no memory to search the archive");
}

static int read_place(struct source *s, uint64_t off, uint8_t *p, size_t n, struct err *e)
{
	uint64_t last = (off + n - 1) / PIECE_BYTES;
	while (n) {
		struct piece *at;
		uint64_t number = off / PIECE_BYTES;
		size_t from = (size_t)(off % PIECE_BYTES);
		int rc = want_piece(s, number, last, &at, e);
		if (rc)
			return rc;
		size_t have = piece_bytes(s, number) - from, take = n < have ? n : have;
		memcpy(p, at->p + from, take);
		p += take;
		off += take;
		n -= take;
	}
	return 0;
}

static int source_read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	struct source *s = ctx;
	if (n == 0)
		return 0;
	if (off > s->bytes || n > s->bytes - off)
		return err_set(e, ERR_CORRUPT, "%s has no bytes there", s->key);
	return s->fd >= 0 ? read_file(s, off, p, n, e) : read_place(s, off, p, n, e);
}

struct parquet_source source_parquet(struct source *s)
{
	return (struct parquet_source){ .read_at = source_read_at, .ctx = s, .size = s->bytes };
}
