/* Records: flat rows (fixed sizes, no pointers) and the one table that describes each of them.
 * Copying, queueing, SQL, filters, JSON, CSV and archive read the same description, so a new column
 * is one line here. Any thread; tables are constant. */
#ifndef TOMSD_RECORD_H
#define TOMSD_RECORD_H

#include <stddef.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"
#include "tomsd/base/csv.h"
#include "tomsd/base/json.h"
#include "tomsd/base/str.h"

/* An IP address: IPv6 as it is, IPv4 mapped to ::ffff:a.b.c.d. All zero: unknown. */
struct addr {
	uint8_t b[16];
};
bool addr_is_v4(const struct addr *a);
bool addr_is_zero(const struct addr *a);
struct addr addr_v4(uint32_t host_order);
uint32_t addr_v4_of(const struct addr *a); /* host order; only where addr_is_v4 */
#define ADDR_TEXT_MAX 48
void addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]); /* RFC 5952 for IPv6 */
int addr_parse(struct str s, struct addr *out) MUST_CHECK;
/* A range; bits counts within the 128-bit form (an IPv4 /24 is 120). */
struct cidr {
	struct addr base;
	uint8_t bits;
};
int cidr_parse(struct str s, struct cidr *out) MUST_CHECK; /* "10.0.0.0/8", "fe80::/10", one address */
bool cidr_has(const struct cidr *c, const struct addr *a);
#define MAC_TEXT_MAX 18
void mac_text(const uint8_t mac[6], char out[MAC_TEXT_MAX]); /* "44:4b:5d:01:02:21" */
int mac_parse(struct str s, uint8_t out[6]) MUST_CHECK;       /* with ':' '-' '.' or none */

enum col_type {
	COL_TIME, /* int64_t ns since 1970 UTC */
	COL_I64,
	COL_U64,
	COL_U32,
	COL_U16,
	COL_U8,
	COL_TEXT, /* char[size], UTF-8, NUL-terminated */
	COL_ADDR, /* struct addr */
	COL_MAC,  /* uint8_t[6], all zero: unknown */
	COL_ENUM, /* uint8_t, shown through names[]; 0 is unknown */
	COL_JSON, /* char[size]: a JSON object whose members appear below the ECS name */
};
enum col_flag {
	COL_OMIT_ZERO = 1, /* zero or empty means unknown: NULL in SQL, left out of JSON, empty in CSV */
	COL_DICT = 2,      /* text that repeats: stored once a day in the day's dictionary */
	COL_TOKEN = 4,     /* equality on it is answered by the index */
	COL_BODY = 8,      /* part of what a plain text search looks at */
	COL_NOT_STORED = 16, /* lives in memory only */
};

struct col {
	const char *name; /* C field and SQL column */
	enum col_type type;
	uint32_t off, size;
	const char *ecs;  /* dotted; NULL: not shown outside by itself (a derived column shows it) */
	const char *doc;
	unsigned flags;
	const char *const *names; /* COL_ENUM: by value; NULL at the end */
};
#define COL(rec, field, type, ecs, doc) \
	{ #field, type, offsetof(struct rec, field), sizeof(((struct rec *)0)->field), ecs, doc, 0, NULL }
#define COLF(rec, field, type, ecs, doc, flags) \
	{ #field, type, offsetof(struct rec, field), sizeof(((struct rec *)0)->field), ecs, doc, flags, NULL }
#define COLE(rec, field, ecs, doc, flags, names) \
	{ #field, COL_ENUM, offsetof(struct rec, field), 1, ecs, doc, flags, names }

/* One value of a row on its way out. */
enum value_type { VALUE_NONE, VALUE_I64, VALUE_U64, VALUE_TEXT, VALUE_TIME, VALUE_LIST, VALUE_JSON,
	VALUE_REF /* text in ref, which lies in the row: of any length, any byte */ };
struct value {
	enum value_type type;
	int64_t i;
	uint64_t u;
	struct str ref;
	char text[512]; /* VALUE_LIST: items separated by '\n' */
};
/* What outsiders see of a row, in JSON and CSV order: a plain column, or one computed from several. */
struct out_col {
	const char *ecs;
	const char *col; /* name of the column, or NULL */
	void (*get)(const void *row, struct value *v); /* when col is NULL */
	/* Columns get reads, apart by spaces: a search that asks for this member reads no others. A text
	 * or a port in front is one that get passes through as it is: its index answers for the member. */
	const char *needs;
};

struct record {
	const char *name; /* "flow": tables flow_YYYYMMDD, ?kind=, archive kind= */
	size_t bytes;     /* sizeof(struct flow) */
	const struct col *cols;
	size_t n_cols;
	const char *id_col;    /* int64_t given by the store */
	const char *time_col;  /* the row's own time: decides its day and answers since/until */
	const struct out_col *out; /* members with the same parent follow one another */
	size_t n_out;
	const struct record_tail *tail; /* NULL: all rows have the same length */
};
#define RECORD(nm, columns, outs, id, time) \
	{ #nm, sizeof(struct nm), columns, ARRAY_LEN(columns), id, time, outs, ARRAY_LEN(outs), NULL }

/* Rows that carry the bytes they were made from, right behind the struct (a flexible array member). The
 * store keeps these bytes as they are, their words are in the index, and plain text looks into them. */
struct record_tail {
	size_t n_off, off; /* uint32_t length, first byte */
	size_t max;        /* longest */
	void (*json)(const void *row, struct json *j); /* the whole row as an object; replaces the out columns */
	/* Members that are read out of the bytes: may there be one of this name; its text in this row. */
	bool (*has_member)(struct str ecs);
	bool (*member)(const void *row, struct str ecs, char *buf, size_t cap, struct str *out);
};
struct str record_tail_of(const struct record *r, const void *row); /* empty where there is none */
size_t record_bytes(const struct record *r, const void *row);        /* struct and tail */

const struct col *record_col(const struct record *r, const char *name);     /* by C name; NULL */
const struct col *record_col_ecs(const struct record *r, const char *ecs); /* by ECS name; NULL */
static inline const void *col_at(const struct col *c, const void *row) { return (const char *)row + c->off; }
int64_t col_int(const struct col *c, const void *row); /* any of the number types */
struct str col_text(const struct col *c, const void *row); /* COL_TEXT, COL_JSON, COL_ENUM */
/* What an out column says of a row; VALUE_NONE where it says nothing. */
void record_value(const struct record *r, const struct out_col *o, const void *row, struct value *v);
/* A row as one ECS object. */
void record_json(const struct record *r, const void *row, struct json *j);
void record_csv_header(const struct record *r, struct csv *c);
void record_csv(const struct record *r, const void *row, struct csv *c);

/* Kinds of rows that exist; NULL at the end. Each has its own door file beside this one. */
extern const struct record *const records[];
const struct record *record_by_name(struct str name);

#endif
