/* Folding: words of objects that came one by one are put together, 256 objects a volume. Nearly all addresses and
 * names come again hour by hour, so a word with the list of its objects takes a fraction of what it takes in each of
 * them; and asking for one reads one shard of each volume instead of all words of all objects. Thread archive; the
 * writer of the store gets finished rows. */
#include <stdlib.h>

#include "index.h"
#include "index_sql.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/thread.h"
#include "words.h"

enum { FOLD_BYTES_MAX = 64 << 20, SHARD_BYTES_MAX = 256 << 20, KINDS_MAX = 64 };
static const int64_t read_ns = 60 * NS_PER_S;

struct fold {
	const char *record;
	size_t n, bytes;
	int64_t object[INDEX_VOLUME_OBJECTS];
	char *words[INDEX_VOLUME_OBJECTS];
	size_t words_n[INDEX_VOLUME_OBJECTS];
	struct words_in in[INDEX_VOLUME_OBJECTS];
	bool more[INDEX_VOLUME_OBJECTS]; /* in[] stands on a word that is not in a shard yet */
	int64_t min_ns, max_ns;
	struct buf shard[INDEX_SHARDS];
	uint64_t *pairs; /* of one shard: lower 24 bits of a word << 8 | place */
	size_t n_pairs, room;
};

static void fold_free(struct fold *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->words[i]);
	for (size_t i = 0; i < INDEX_SHARDS; i++)
		buf_fini(&f->shard[i]);
	free(f->pairs);
	free(f);
}

/* One more object; 1: this is enough for a volume, -1: no memory. */
static int take_object(void *arg, int64_t object, struct str words)
{
	struct fold *f = arg;
	char *copy = malloc(words.n ? words.n : 1);
	if (!copy)
		return -1;
	if (words.n)
		memcpy(copy, words.p, words.n);
	f->object[f->n] = object;
	f->words[f->n] = copy;
	f->words_n[f->n++] = words.n;
	f->bytes += words.n;
	return f->n == INDEX_VOLUME_OBJECTS || f->bytes >= FOLD_BYTES_MAX;
}

static int read_spans(struct fold *f, struct sql *db, struct err *e)
{
	f->min_ns = INT64_MAX;
	f->max_ns = INT64_MIN;
	for (size_t i = 0; i < f->n; i++) {
		int64_t min, max;
		int rc = index_sql_span(db, f->object[i], &min, &max, e);
		if (rc == -ERR_NOTFOUND)
			continue; /* no rows: no query asks for it */
		if (rc)
			return rc;
		f->min_ns = min < f->min_ns ? min : f->min_ns;
		f->max_ns = max > f->max_ns ? max : f->max_ns;
	}
	return 0;
}

/* 1: a volume's worth was read; 0: there is not enough yet. */
static int read_loose(struct store *st, struct fold *f, struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(st, clock_mono_ns() + read_ns, &db, e);
	if (rc)
		return rc;
	rc = index_sql_loose(db, f->record, 0, take_object, f, e);
	if (rc == -1)
		rc = err_set(e, ERR_NOMEM, "no memory to put an index together");
	if (rc == 1) {
		rc = read_spans(f, db, e);
		rc = rc ? rc : 1;
	}
	store_read_end(st, db);
	return rc;
}

static bool add_pair(struct fold *f, uint64_t pair)
{
	if (f->n_pairs == f->room) {
		size_t room = f->room ? 2 * f->room : 4096;
		uint64_t *pairs = realloc(f->pairs, room * sizeof(*pairs));
		if (!pairs)
			return false;
		f->pairs = pairs;
		f->room = room;
	}
	f->pairs[f->n_pairs++] = pair;
	return true;
}

static int by_pair(const void *a, const void *b)
{
	uint64_t x, y;
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Words of all objects that belong into this shard; each list goes on where the shard before ended. */
static bool gather(struct fold *f, unsigned shard)
{
	f->n_pairs = 0;
	for (size_t i = 0; i < f->n; i++)
		for (; f->more[i] && f->in[i].word >> 24 == shard; f->more[i] = words_next(&f->in[i]))
			if (!add_pair(f, (uint64_t)(f->in[i].word & 0xffffff) << 8 | i))
				return false;
	if (f->n_pairs)
		qsort(f->pairs, f->n_pairs, sizeof(*f->pairs), by_pair);
	return true;
}

static void write_shard(struct fold *f, struct buf *out)
{
	uint32_t before = 0;
	for (size_t i = 0; i < f->n_pairs;) {
		uint32_t low = (uint32_t)(f->pairs[i] >> 8);
		struct places at = { { 0 } };
		for (; i < f->n_pairs && f->pairs[i] >> 8 == low; i++)
			places_add(&at, (unsigned)(f->pairs[i] & 0xff));
		shard_put(out, low, before, &at);
		before = low;
	}
}

static int make_shards(struct fold *f, struct err *e)
{
	for (size_t i = 0; i < f->n; i++) {
		f->in[i] = words_in(str_n(f->words[i], f->words_n[i]));
		f->more[i] = words_next(&f->in[i]);
	}
	for (unsigned s = 0; s < INDEX_SHARDS; s++) {
		buf_init(&f->shard[s], SHARD_BYTES_MAX);
		if (!gather(f, s))
			return err_set(e, ERR_NOMEM, "no memory to put an index together");
		write_shard(f, &f->shard[s]);
		if (buf_failed(&f->shard[s]))
			return err_set(e, ERR_NOMEM, "no memory to put an index together");
	}
	for (size_t i = 0; i < f->n; i++)
		if (f->in[i].damaged)
			return err_set(e, ERR_CORRUPT, "the words of archive object %lld are damaged",
				       (long long)f->object[i]);
	return 0;
}

static int write_volume(struct sql *db, void *arg, struct err *e)
{
	const struct fold *f = arg;
	uint8_t objects[INDEX_VOLUME_OBJECTS][8];
	int64_t id = 0;
	for (size_t i = 0; i < f->n; i++)
		for (unsigned k = 0; k < 8; k++)
			objects[i][k] = (uint8_t)((uint64_t)f->object[i] >> (8 * k));
	int rc = index_sql_put_volume(db, f->record, f->min_ns, f->max_ns, str_n((const char *)objects, 8 * f->n), &id,
				      e);
	for (unsigned s = 0; !rc && s < INDEX_SHARDS; s++)
		if (f->shard[s].n)
			rc = index_sql_put_words(db, s, id, buf_view(&f->shard[s]), e);
	for (size_t i = 0; !rc && i < f->n; i++)
		rc = index_sql_fold(db, f->object[i], id, e);
	return rc;
}

/* 1: a volume was made, there may be more to do. */
static int tidy_record(struct store *st, const char *record, struct err *e)
{
	struct fold *f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, ERR_NOMEM, "no memory to put an index together");
	f->record = record;
	int rc = read_loose(st, f, e);
	if (rc == 1) {
		rc = make_shards(f, e);
		if (!rc)
			rc = store_write(st, write_volume, f, e);
		rc = rc ? rc : 1;
	}
	fold_free(f);
	return rc;
}

static int kinds_of(struct store *st, char (*names)[INDEX_RECORD_MAX], struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(st, clock_mono_ns() + read_ns, &db, e);
	if (rc)
		return rc;
	rc = index_sql_kinds(db, names, KINDS_MAX, e);
	store_read_end(st, db);
	return rc;
}

int index_tidy(struct store *st, struct err *e)
{
	char names[KINDS_MAX][INDEX_RECORD_MAX];
	int n = kinds_of(st, names, e), rc = n < 0 ? n : 0;
	for (int i = 0; i < n && rc >= 0; i++)
		while ((rc = tidy_record(st, names[i], e)) == 1)
			thread_beat();
	return rc < 0 ? err_wrap(e, "putting the index of the archive together") : 0;
}
