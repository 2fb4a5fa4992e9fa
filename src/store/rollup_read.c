/* Reading the roll-ups: see rollup_read.h. */
#include "rollup_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/flow_row.h"

enum { KEYS_MAX = 1 << 20 };

static int64_t floor_to(int64_t s, int64_t unit)
{
	return s - (s % unit + unit) % unit;
}

static int64_t seconds_up(int64_t ns)
{
	return ns / NS_PER_S + (ns % NS_PER_S > 0);
}

static bool has_minutes(enum rollup_dim dim)
{
	return dim == ROLLUP_TOTAL || dim == ROLLUP_DIRECTION || dim == ROLLUP_APP ||
	       dim == ROLLUP_LOG_KIND || dim == ROLLUP_LOG_SOURCE;
}

static bool is_of_logs(enum rollup_dim dim)
{
	return dim >= ROLLUP_LOG_KIND;
}

/* First and last second any table has something for. */
static int extent(struct sql *db, enum rollup_dim dim, int64_t *from_s, int64_t *to_s,
		  struct err *e)
{
	static const char text[] =
		"SELECT min((SELECT ifnull(min(at),9e15) FROM rollup_hour WHERE dim=?1),"
		"(SELECT ifnull(min(at),9e15) FROM rollup_day WHERE dim=?1)),"
		"max((SELECT ifnull(max(at),-1) FROM rollup_hour WHERE dim=?1)+3600,"
		"(SELECT ifnull(max(at),-1) FROM rollup_day WHERE dim=?1)+86400)";
	struct stmt *s = NULL;
	int rc = sql_prepare(db, text, &s, e);

	if (rc)
		return rc;
	stmt_i64(s, 1, is_of_logs(dim) ? ROLLUP_LOG_KIND : ROLLUP_TOTAL);
	rc = stmt_step(s, e);
	if (rc > 0) {
		*from_s = stmt_col_i64(s, 0);
		*to_s = stmt_col_i64(s, 1);
	}
	stmt_done(s);
	return rc < 0 ? rc : 0;
}

/* Longest piece that begins at `at`: the coarsest table whose unit begins there and ends in the span. */
static struct rollup_piece piece_at(const struct rollup_span *span, int64_t at,
				    int64_t closed_to_s, int max_unit_s)
{
	struct rollup_piece p = { .from_s = at };
	int64_t day_end = floor_to(at, DAY_S) + DAY_S, hour_end = floor_to(at, HOUR_S) + HOUR_S;

	if (max_unit_s >= DAY_S && at % DAY_S == 0 && day_end <= span->to_s &&
	    day_end <= closed_to_s) {
		int64_t end = floor_to(span->to_s, DAY_S);

		p.unit_s = DAY_S;
		p.to_s = end < closed_to_s ? end : closed_to_s;
	} else if (max_unit_s >= HOUR_S && at % HOUR_S == 0 && hour_end <= span->to_s) {
		int64_t end = floor_to(span->to_s, HOUR_S);

		p.unit_s = HOUR_S;
		p.to_s = max_unit_s >= DAY_S && at < closed_to_s && day_end < end ? day_end :
										    end;
	} else {
		p.unit_s = MINUTE_S;
		p.to_s = max_unit_s >= HOUR_S && hour_end < span->to_s ? hour_end : span->to_s;
	}
	return p;
}

int rollup_span_of(struct sql *db, enum rollup_dim dim, int64_t since_ns, int64_t until_ns,
		   int min_unit_s, int max_unit_s, struct rollup_span *out, struct err *e)
{
	int64_t first = 0, end = 0, closed_to_s;
	int32_t closed_day = 0;
	int rc = extent(db, dim, &first, &end, e);

	if (!rc)
		rc = rollup_closed_day(db, &closed_day, e);
	if (rc)
		return rc;
	if (!has_minutes(dim) && min_unit_s < HOUR_S)
		min_unit_s = HOUR_S;
	if (max_unit_s < min_unit_s)
		max_unit_s = min_unit_s;
	*out = (struct rollup_span){ .dim = dim,
				     .from_s = since_ns / NS_PER_S,
				     .to_s = seconds_up(until_ns) };
	if (out->from_s < first)
		out->from_s = first;
	if (out->to_s > end)
		out->to_s = end;
	out->from_s = floor_to(out->from_s, min_unit_s);
	out->to_s = floor_to(out->to_s + min_unit_s - 1, min_unit_s);
	closed_to_s = closed_day ? clock_day_start(closed_day) / NS_PER_S + DAY_S : 0;
	for (int64_t at = out->from_s; at < out->to_s && out->n < ROLLUP_PIECES_MAX;
	     at = out->pieces[out->n - 1].to_s) {
		struct rollup_piece p = piece_at(out, at, closed_to_s, max_unit_s);

		out->pieces[out->n++] = p;
	}
	return 0;
}

int rollup_keys_init(struct rollup_keys *k, enum rollup_dim dim, uint64_t seed)
{
	*k = (struct rollup_keys){ .seed = seed, .dim = dim };
	return map_init(&k->index, KEYS_MAX);
}

void rollup_keys_fini(struct rollup_keys *k)
{
	map_fini(&k->index);
	free(k->key);
}

void tally_add(struct tally *to, const struct tally *what)
{
	to->flows += what->flows;
	to->packets += what->packets;
	to->bytes_out += what->bytes_out;
	to->bytes_in += what->bytes_in;
}

/* How a key reads outside. */
static void key_text(const struct rollup_keys *k, struct stmt *s, int col, struct str text,
		     struct rollup_key *out)
{
	struct addr a = { { 0 } };
	const struct col *direction = record_col(&flow_record, "direction");
	int64_t v = stmt_col_i64(s, col);

	switch (k->dim) {
	case ROLLUP_TOTAL:
		return;
	case ROLLUP_APP:
	case ROLLUP_LOG_KIND:
	case ROLLUP_LOG_TYPE:
		(void)str_copy(out->text, sizeof(out->text),
			       text); /* written by rollup.c: shorter than a key */
		return;
	case ROLLUP_LOG_SOURCE:
		(void)snprintf(out->text, sizeof(out->text), "%lld", (long long)v);
		return;
	case ROLLUP_DIRECTION:
		(void)str_copy(out->text, sizeof(out->text), STR("unknown"));
		for (int64_t i = 1; direction->names[i]; i++) {
			if (i == v)
				(void)str_copy(out->text, sizeof(out->text),
					       str_of(direction->names[i]));
		}
		return;
	case ROLLUP_HOST:
	case ROLLUP_PEER:
		if (text.n == sizeof(a.b))
			memcpy(a.b, text.p, sizeof(a.b));
		else
			a = addr_v4((uint32_t)v);
		addr_text(&a, out->text);
		return;
	}
}

static int make_place(struct rollup_keys *k)
{
	size_t room = k->room ? 2 * k->room : 256;
	struct rollup_key *more;

	if (k->n < k->room)
		return 0;
	more = realloc(k->key, room * sizeof(*more));
	if (!more)
		return -ERR_NOMEM;
	k->key = more;
	k->room = room;
	return 0;
}

int rollup_keys_add_other(struct rollup_keys *k, size_t *number)
{
	if (make_place(k))
		return -ERR_NOMEM;
	*number = k->n;
	k->key[k->n++] = (struct rollup_key){ .is_other = true };
	return 0;
}

/* The number of the key in this row; SIZE_MAX: out of memory. */
static size_t key_number(struct rollup_keys *k, struct stmt *s, int col)
{
	bool is_number =
		stmt_col_is_int(s, col); /* IPv4, direction; else a BLOB (IPv6) or TEXT */
	struct str text = is_number ? STR_NULL : stmt_col_blob(s, col);
	uint64_t hash = is_number ? hash_mix64((uint64_t)stmt_col_i64(s, col) + k->seed) :
				    hash_bytes(text.p, text.n, k->seed);
	bool made;
	uint64_t *at = map_put(&k->index, hash, &made);

	if (!at)
		return SIZE_MAX;
	if (!made)
		return *at;
	if (make_place(k))
		return SIZE_MAX;
	*at = k->n;
	k->key[k->n] =
		(struct rollup_key){ .is_other = !is_number && str_eq(text, STR("other")) };
	if (k->key[k->n].is_other)
		(void)str_copy(k->key[k->n].text, sizeof(k->key[k->n].text), text);
	else
		key_text(k, s, col, text, &k->key[k->n]);
	return k->n++;
}

static int read_piece(struct sql *db, const struct rollup_span *span,
		      const struct rollup_piece *p, struct rollup_keys *keys,
		      int (*each)(void *arg, int64_t at_s, size_t key, const struct tally *row),
		      void *arg, struct err *e)
{
#define READ(table)                                                  \
	"SELECT at,key,flows,packets,bytes_out,bytes_in FROM " table \
	" WHERE dim=? AND at>=? AND at<?"
	const char *text = p->unit_s == DAY_S  ? READ("rollup_day") :
			   p->unit_s == HOUR_S ? READ("rollup_hour") :
						 READ("rollup_minute");
#undef READ
	struct stmt *s = NULL;
	int rc = sql_prepare(db, text, &s, e);

	if (rc)
		return rc;
	stmt_i64(s, 1, span->dim);
	stmt_i64(s, 2, p->from_s);
	stmt_i64(s, 3, p->to_s);
	while ((rc = stmt_step(s, e)) > 0) {
		struct tally row = { (uint64_t)stmt_col_i64(s, 2), (uint64_t)stmt_col_i64(s, 3),
				     (uint64_t)stmt_col_i64(s, 4),
				     (uint64_t)stmt_col_i64(s, 5) };
		size_t key = key_number(keys, s, 1);

		if (key == SIZE_MAX) {
			rc = err_set(e, ERR_NOMEM, "out of memory while adding up");
			break;
		}
		tally_add(&keys->key[key].sum, &row);
		rc = each ? each(arg, stmt_col_i64(s, 0), key, &row) : 0;
		if (rc)
			break;
	}
	stmt_done(s);
	return rc;
}

int rollup_read(struct sql *db, const struct rollup_span *span, struct rollup_keys *keys,
		int (*each)(void *arg, int64_t at_s, size_t key, const struct tally *row),
		void *arg, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < span->n; i++)
		rc = read_piece(db, span, &span->pieces[i], keys, each, arg, e);
	return rc;
}

struct ranked {
	uint64_t bytes; /* or lines */
	size_t key;
};

static int more_bytes_first(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

int rollup_largest(const struct rollup_keys *k, size_t **order, size_t *n)
{
	struct ranked *r = calloc(k->n + 1, sizeof(*r));
	size_t *out = calloc(k->n + 1, sizeof(*out));

	if (!r || !out) {
		free(r);
		free(out);
		return -ERR_NOMEM;
	}
	*n = 0;
	for (size_t i = 0; i < k->n; i++) {
		if (!k->key[i].is_other)
			r[(*n)++] = (struct ranked){ is_of_logs(k->dim) ?
							     k->key[i].sum.flows :
							     k->key[i].sum.bytes_out +
								     k->key[i].sum.bytes_in,
						     i };
	}
	qsort(r, *n, sizeof(*r), more_bytes_first);
	for (size_t i = 0; i < *n; i++)
		out[i] = r[i].key;
	free(r);
	*order = out;
	return 0;
}
