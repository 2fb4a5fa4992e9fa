/* A query's words compiled against a record: what a row must look like (filter_match), and which tokens
 * of the index every such row carries (filter_tokens). Built once a query, constant after; one thread. */
#ifndef TOMSD_STORE_FILTER_H
#define TOMSD_STORE_FILTER_H

#include "text.h"

enum match_how { MATCH_EQUAL, MATCH_GLOB /* '*' stands for any text */, MATCH_CONTAINS };

/* One question about one value of a row. */
enum leaf_kind {
	LEAF_NUM,  /* col: lo <= number <= hi */
	LEAF_ADDR, /* col is in range */
	LEAF_MAC,  /* col is mac */
	LEAF_TEXT, /* col's text, by how */
	LEAF_ANY,  /* col is not zero, not empty */
	LEAF_OUT, /* computed member: number in [lo, hi] where has_number, text by how, or any */
	LEAF_JSON,   /* member at path below the JSON object in col; as LEAF_OUT */
	LEAF_LINE,   /* the row's tail has this text: filter.patterns[pattern] */
	LEAF_MEMBER, /* member read out of the tail; as LEAF_OUT */
};
struct leaf {
	enum leaf_kind kind;
	enum match_how how;
	bool has_number, any;
	bool is_long; /* text is longer than its column holds: the first part of it will do */
	uint8_t mac[6];
	const struct col *col;     /* LEAF_OUT: the first column it needs */
	const struct out_col *out; /* LEAF_OUT */
	const char *path;          /* LEAF_JSON: in the query's word */
	struct str member;         /* LEAF_MEMBER: its ECS name */
	uint16_t pattern;          /* LEAF_LINE */
	struct str text;           /* in the query's word */
	int64_t lo, hi;
	struct cidr range;
};

enum { FILTER_LEAVES_MAX = 512, FILTER_SIDES_MAX = QUERY_WORDS_MAX };

/* Leaves of which one must hold (or none, when negated). All clauses must hold. */
struct clause {
	uint16_t first, n; /* of filter.leaves */
	bool negate;
	bool asks_line; /* cannot be told from the columns */
	bool has_zone;  /* no row below zone_min of this value can match */
	enum zone_value zone;
	uint64_t zone_min;
};

/* A party of a conversation, asked of the source or of the destination, and of the address that it
 * was translated to; n[end] leaves of which any will do (none: the record cannot tell). */
enum { SIDE_LEAVES = 2 };
struct side {
	struct leaf on[2][SIDE_LEAVES];
	uint8_t n[2];
};
struct sides {
	struct side side[FILTER_SIDES_MAX];
	size_t n;
};

struct filter {
	const struct plan *plan;
	struct clause clauses[QUERY_WORDS_MAX];
	size_t n_clauses;
	struct leaf leaves[FILTER_LEAVES_MAX];
	size_t n_leaves;
	struct sides host, peer, not_peer; /* opposite ends of one conversation */
	bool wanted[STORE_COLS_MAX];       /* columns that filter_match reads */
	struct text_pattern patterns[QUERY_WORDS_MAX];
	size_t n_patterns;
	bool asks_line; /* filter_match_line has something to say */
};

/* -ERR_INVALID with words that name the part. q must outlive f. */
int filter_compile(struct filter *f, const struct plan *p, const struct query *q,
		   struct err *e) MUST_CHECK;
static inline bool filter_is_empty(const struct filter *f)
{
	return !f->n_clauses && !f->host.n && !f->peer.n && !f->not_peer.n;
}
/* Narrows [*min, *max] to the ids that can match; a word that names one id leaves only that. */
void filter_ids(const struct filter *f, int64_t *min, int64_t *max);
/* What the columns say. row: the record's struct, columns in f->wanted filled. */
bool filter_match(const struct filter *f, const void *row);
/* What the tail says, of a row that has passed filter_match and has its tail now. */
struct filter_line { /* what it needs to work with */
	struct text text;
	char value[TEXT_MAX];
};
bool filter_match_line(const struct filter *f, const void *row, struct filter_line *with);

/* Groups of tokens for one day: a row can only match if of every group it carries one token. A part of
 * the filter that the index cannot answer has no group. */
enum {
	TOKENS_MAX = 8192,
	LINE_WORDS_MAX = 8,
	TOKEN_GROUPS_MAX = QUERY_WORDS_MAX * LINE_WORDS_MAX + 2
};
struct tokens {
	uint32_t token[TOKENS_MAX];
	size_t n;
	struct {
		uint16_t first, n;
	} group[TOKEN_GROUPS_MAX]; /* fewest tokens first */
	size_t n_groups;
	uint32_t loose; /* goes with every word, see text.h; 0: there is none */
	bool none;      /* no row of this day can match */
};
int filter_tokens(const struct filter *f, struct sql *db, int32_t day, uint64_t seed,
		  struct tokens *out, struct err *e) MUST_CHECK;

/* Shared by the files of the filter. */
/* What a key of the query language means for a record: leaves for one word, appended. */
int filter_leaves_of(struct filter *f, const struct query_word *w, struct err *e) MUST_CHECK;
int filter_side_of(struct filter *f, const struct query_word *w, struct side *out,
		   struct err *e) MUST_CHECK;
bool filter_text_matches(enum match_how how, struct str pattern, struct str text);
bool leaf_match(const struct leaf *l, const void *row); /* of a column */
/* SQL's LIKE pattern (ESCAPE '\') for a text match. */
void filter_like(enum match_how how, struct str text, struct buf *out);

#endif
