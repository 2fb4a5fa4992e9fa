/* How rows lie in the database: what the writing and the querying half of the store share.
 *
 * For a record "flow" and a UTC day there are up to five tables:
 *
 *   flow_20261122       (id INTEGER PRIMARY KEY, one column a stored column of the record)
 *   flow_20261122_text  (id INTEGER PRIMARY KEY, s TEXT NOT NULL UNIQUE)      dictionary of COL_DICT
 *   flow_20261122_tok   (id INTEGER PRIMARY KEY, list BLOB)                   read by tok_find
 *   flow_20261122_zone  (bucket INTEGER PRIMARY KEY, rows, first_id, last_id,
 *                        min_ns, max_ns, max_bytes, max_risk, max_duration,
 *                        top_bytes BLOB, top_risk BLOB, top_duration BLOB, runs BLOB)
 *
 *   flow_20261122_toc   (id INTEGER PRIMARY KEY, list BLOB)                   read by chapter_masks
 *
 * and one row in
 *
 *   part (record, day, rows, last_id, indexed_id, buckets, first_ns, last_ns, late_s, touched_ns,
 *         dropping, PRIMARY KEY (record, day)) WITHOUT ROWID
 *
 * Values: numbers, times and enums are INTEGER (uint64_t above 2^63 as the negative number of the same
 * bits). An IPv4 address is an INTEGER of 32 bits with sign (10.0.0.1 = 167772161, 192.168.0.1 =
 * -1062731775), an IPv6 address a BLOB of 16 bytes. A MAC is an INTEGER of 48 bits, first byte highest.
 * Text is TEXT, text with COL_DICT the INTEGER id of the day's dictionary. Unknown is NULL: zero or
 * empty with COL_OMIT_ZERO, an all-zero address or MAC always, and every row of a table made before
 * its column was thought of (the column is not there at all: ask part_view).
 *
 * Ids: max(last_id + 1, second of time_col << 30). They rise in the order of arrival within a day's
 * table and their second never leaves that day, so store_id_day(id) finds the table. late_s is the
 * greatest (second of the id - second of the row) seen in the part: rows of [since, until) all have
 * ids in [second(since) << 30, (second(until) + late_s + 1) << 30).
 *
 * Index: rows are numbered in the order of ids; each run of up to STORE_BUCKET_ROWS of them is a bucket.
 * Rows with id > indexed_id (at most STORE_BUCKET_ROWS) are in no bucket yet: scan them. tok_find says
 * which rows of a bucket carry a token, as ordinals 0.., zone.runs turns ordinals into ids
 * (bucket_ids_*). A token is a 32-bit hash: others may share it, so rows found by it are looked at
 * again. A bucket without the token has no row with the value.
 *
 * In _tok a bucket's tokens stand sorted, cut into pieces of about 2 KB: id = bucket << 32 | first token
 * of the piece; list = for each token varint(token - the one before it in the piece; the first: token
 * - low half of id = 0), varint(bytes that follow), varints of its ordinals as differences. 0 bytes:
 * varint(bytes that follow) once more and a bit a row, for tokens that many rows have.
 *
 * Records with a tail have the words of their lines (text.h) in _tok as well. Tokens from 2^31 on are
 * words, all below are columns, and no piece holds both. A word's list says in which granules it is:
 * rows 256 n .. 256 n + 255 of the bucket. For each word varint(token - the one before it, in units
 * of 16) and a byte: below 64 the only granule; 64 + n: the n bytes behind it are granules; 128: 8
 * bytes follow, a bit a granule. Contents hold the words that are not digits alone. */
#ifndef TOMSD_STORE_LAYOUT_H
#define TOMSD_STORE_LAYOUT_H

#include "tomsd/record.h"
#include "tomsd/store.h"

enum {
	STORE_BUCKET_ROWS = 16384,
	STORE_GRANULE_ROWS = 256, /* words are known of so many rows together */
	STORE_ZONE_TOP = 64,   /* rows kept in top_*; fewer entries: there is no further row above 0 */
	STORE_ID_SHIFT = 30,
	STORE_COLS_MAX = 96,   /* columns of one record */
};

/* Ids. */
int64_t store_id_floor(int64_t ns);  /* lowest id a row of this time can have (clamped) */
int64_t store_id_second(int64_t id); /* seconds since 1970 */
int32_t store_id_day(int64_t id);    /* YYYYMMDD */

/* A record as the store sees it; made once, constant, lives as long as the store. */
enum plan_how { AS_INT, AS_ADDR, AS_MAC, AS_TEXT, AS_DICT };
enum zone_value { ZONE_BYTES, ZONE_RISK, ZONE_DURATION, ZONE_VALUES };
struct plan_col {
	const struct col *col;
	enum plan_how how;
	bool unsigned64;     /* COL_U64: bits kept, sign lost */
	bool omit_zero;
	uint8_t tokens;      /* enum token_kind; 0 none */
};
struct plan {
	const struct record *record;
	struct plan_col cols[STORE_COLS_MAX]; /* stored ones, without the id, in the record's order */
	size_t n_cols;
	const struct col *id, *time;
	bool has_dict, has_index; /* _text; _tok and _zone exist */
	bool has_tail;            /* rows carry bytes behind the struct */
	/* Columns the zone values are made of; NULL: the record has no such value. */
	const struct col *bytes_a, *bytes_b, *risk, *start, *end, *duration;
};
/* A number whose decimal is in the index as a word of the line: COL_BODY on a COL_U64. */
static inline bool plan_col_is_word(const struct plan_col *pc)
{
	return pc->unsigned64 && (pc->col->flags & COL_BODY);
}
const struct plan *store_plan(struct store *st, const struct record *r, struct err *e); /* NULL: words in e */
/* Value a row is sorted by; 0 when the record has none. bytes: src_bytes + dst_bytes (or bytes);
 * risk: risk_score; duration: duration_ns, or end_ns - start_ns; never negative. */
uint64_t plan_zone_value(const struct plan *p, enum zone_value which, const void *row);

/* Parts of a record, newest day first; those being dropped are left out. The list holds every part
 * that can have rows of [since, until). free() it. */
struct part_info {
	int32_t day;
	int64_t rows, last_id, indexed_id, buckets; /* buckets are numbered 0 .. buckets - 1 */
	int64_t first_ns, last_ns;                  /* least and greatest time_col */
	int64_t late_s;
};
int part_list(struct sql *db, const struct record *r, int64_t since_ns, int64_t until_ns,
	      struct part_info **out, size_t *n, struct err *e) MUST_CHECK;

/* One day's table through one connection: which columns are there, rows back into structs. Give it up
 * before store_read_end. */
struct part_view;
/* wanted: by index of plan.cols, which columns to read (the id always is); NULL: all. A search over
 * many rows reads the few columns its filter asks about, the others keep what is in the struct. */
int part_view_new(struct part_view **out, struct sql *db, const struct plan *p, int32_t day,
		  const bool *wanted, struct err *e) MUST_CHECK;
void part_view_free(struct part_view *v);
const char *part_view_table(const struct part_view *v);          /* "flow_20261122" */
bool part_view_has(const struct part_view *v, const struct col *c); /* false: reads as unknown */
/* A view stands on one row at a time: on the one with this id (1; 0: there is none), or on the next of a
 * walk over ids [from, to], down from the newest or up (1; 0: at its end). A find ends no walk, but the
 * view stands on what was asked for last. */
int part_view_find(struct part_view *v, int64_t id, struct err *e) MUST_CHECK;
int part_view_walk(struct part_view *v, int64_t from, int64_t to, bool down, struct err *e) MUST_CHECK;
int part_view_next(struct part_view *v, int64_t *id, struct err *e) MUST_CHECK;
void part_view_rest(struct part_view *v); /* a walk that is left before its end */
/* The row it stands on into the record's struct; of a record with a tail, without it (length 0). Texts
 * of the dictionary are looked up and cached within the view. */
int part_view_row(struct part_view *v, void *row, struct err *e) MUST_CHECK;
/* Its tail, behind a struct that part_view_row has filled, in record_room bytes. Costs as much again as
 * the row: ask for it once everything else about the row says yes. Nothing for a record without tail. */
int part_view_tail(struct part_view *v, void *row, struct err *e) MUST_CHECK;
size_t record_room(const struct record *r); /* bytes of its longest row */

/* Tokens of the index. The seed belongs to the database. A value that is never indexed (empty, zero)
 * has no token; see each. Text is folded (ASCII) before it is hashed. */
enum token_kind {
	TOKEN_NONE,
	TOKEN_HOST, /* COL_ADDR: class "host" for every address column, and its net */
	TOKEN_MAC,  /* COL_MAC: class "mac" for every MAC column */
	TOKEN_PORT, /* COL_U16 named ..._port: class "port"; see token_port_complete */
	TOKEN_TEXT, /* COL_TEXT, COL_JSON: class is the column's name, whole text folded */
	TOKEN_BITS, /* COL_U64: class is the column's name, one token a bit that is set */
	TOKEN_NUM,  /* other numbers and enums: class is the column's name; 0 has none */
};
uint64_t store_token_seed(struct store *st);
uint32_t token_host(uint64_t seed, const struct addr *a);
uint32_t token_net(uint64_t seed, const struct addr *a); /* the /24 (IPv4) or /64 (IPv6) it is in */
uint32_t token_mac(uint64_t seed, const uint8_t mac[6]);
uint32_t token_port(uint64_t seed, uint16_t port);
/* Source ports of 32768 and more are not indexed (every connection has a new one), destination ports
 * all are: false means that "either port" cannot be answered by the index alone. */
static inline bool token_port_complete(uint16_t port) { return port < 32768; }
uint32_t token_text(uint64_t seed, const struct col *c, struct str text);
uint32_t token_num(uint64_t seed, const struct col *c, uint64_t v); /* TOKEN_NUM value, TOKEN_BITS bit number */

/* Rows of a bucket that carry a token: how many rising ordinals were put out (0: none), or -ERR_X.
 * table is part_view_table. */
int tok_find(struct sql *db, const char *table, int64_t bucket, uint32_t token,
	     uint16_t out[STORE_BUCKET_ROWS], struct err *e) MUST_CHECK;

/* Granules of a bucket that carry a word: a bit each. Its rows are looked at again, and so are those of
 * the granules with word_loose, which have words that are not in the index. */
int tok_find_word(struct sql *db, const char *table, int64_t bucket, uint32_t token, uint64_t *granules,
		  struct err *e) MUST_CHECK;

/* Contents: which buckets of a day have a token at all, 64 buckets a chapter (src/store/chapter.c). Ors
 * into masks[bucket / 64] a bit for every bucket that may have it; buckets of no chapter may. A day
 * made by an older version has no contents: chapter_exist says 0. */
enum { STORE_CHAPTER_BUCKETS = 64 };
int chapter_exist(struct sql *db, const char *table, struct err *e) MUST_CHECK; /* 1, 0, -ERR_X */
int chapter_masks(struct sql *db, const char *table, int64_t buckets, uint32_t token, uint64_t *masks,
		  struct err *e) MUST_CHECK;

/* The same for many tokens at once, which rise: reads the bucket's lists in one go and sets the bit of
 * each row that carries one of them. Worth it from some fifty tokens on. */
int tok_find_many(struct sql *db, const char *table, int64_t bucket, const uint32_t *tokens, size_t n,
		  uint64_t bits[STORE_BUCKET_ROWS / 64], struct err *e) MUST_CHECK;

/* Blobs of the index. All decoders check what they read: -ERR_CORRUPT. */
struct bucket_ids {
	size_t rows, n_runs;
	struct {
		int64_t id;     /* of the first row of the run; the others follow one by one */
		uint32_t first; /* its ordinal */
	} runs[STORE_BUCKET_ROWS];
};
int bucket_ids_decode(struct str runs, struct bucket_ids *out) MUST_CHECK;
int64_t bucket_ids_at(const struct bucket_ids *b, size_t ordinal); /* id of a row */
size_t bucket_ids_from(const struct bucket_ids *b, int64_t id);    /* first ordinal with this id or more */
struct zone_top {
	uint64_t value;
	uint16_t ordinal;
};
/* Largest first, of equals the newest first; how many. */
int zone_top_decode(struct str blob, struct zone_top out[STORE_ZONE_TOP]);

/* Roll-ups: three tables of one shape, for the records "flow" and "log".
 *
 *   rollup_minute, rollup_hour, rollup_day
 *     (dim, at, key, flows, packets, bytes_out, bytes_in, PRIMARY KEY (dim, at, key)) WITHOUT ROWID
 *
 * dim is enum rollup_dim, at the first second of the minute, hour or UTC day. key: total 0; direction
 * enum flow_direction; app TEXT (application, else protocol, else "unknown"); host and peer an address
 * as in rows. Of lines (flows counts them, bytes_out their bytes) kind TEXT, source
 * its number, type TEXT ("utm/virus/blocked"). The TEXT 'other' holds what was folded together.
 *
 * rollup_minute: total, direction, app, kind and source of lines. rollup_hour: all; peers of hours that are over are cut to
 * the largest ROLLUP_HOUR_PEERS and 'other'. rollup_day: all, largest ROLLUP_DAY_KEYS and 'other'
 * of each, written when the day is closed: ask rollup_day for days up to rollup_closed_day, rollup_hour
 * for those after it. Late rows of a closed day go to rollup_day as well, so that the three agree. */
int rollup_closed_day(struct sql *db, int32_t *day, struct err *e) MUST_CHECK; /* YYYYMMDD; 0: none yet */
enum { ROLLUP_HOUR_PEERS = 1000, ROLLUP_DAY_KEYS = 2000 };

#endif
