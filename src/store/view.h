/* The two ways a view reads: rows of SQL (view.c) and packs (view_pack.c). */
#ifndef TOMSD_STORE_VIEW_H
#define TOMSD_STORE_VIEW_H

#include "plan.h"
#include "sqlite.h"

/* Texts remembered by a view, direct mapped: of whole rows the day's usual ones, of a search some. */
enum { TEXT_SLOTS = 1024, TEXT_SLOTS_WHOLE = 16384 };

struct text_slot {
	int64_t id;
	char *s;
	size_t n;
};

struct pack_reader;
struct part_view {
	const struct plan *plan;
	struct sql *db;
	char table[PART_NAME_MAX];
	bool has[STORE_COLS_MAX];     /* the table has it */
	uint8_t want[STORE_COLS_MAX]; /* columns asked for, in order */
	size_t n_want;
	bool partial;
	struct stmt *by_id, *walks[2]; /* walks: up, down; made when first needed */
	struct stmt *on;               /* stands on the row; one of them */
	struct stmt *walk;             /* going on, or NULL */
	struct stmt *text;             /* id -> s; NULL when the day has no dictionary */
	struct text_slot *slots;
	size_t n_slots;
	struct pack_reader *packs; /* NULL: rows of SQL */
};

/* A text of the dictionary; empty for an id that is not there. */
int view_text(struct part_view *v, int64_t id, struct str *out, struct err *e) MUST_CHECK;
void view_put_int(const struct col *c, char *to, int64_t v);
void view_put_mac(char *to, uint64_t v);

/* The same questions for packs; see layout.h. */
int pack_reader_new(struct part_view *v, struct err *e) MUST_CHECK; /* into v->packs */
void pack_reader_free(struct pack_reader *r);
int pack_reader_find(struct part_view *v, int64_t id, struct err *e) MUST_CHECK;
int pack_reader_walk(struct part_view *v, int64_t from, int64_t to, bool down,
		     struct err *e) MUST_CHECK;
int pack_reader_next(struct part_view *v, int64_t *id, struct err *e) MUST_CHECK;
void pack_reader_rest(struct part_view *v);
int pack_reader_row(struct part_view *v, void *row, struct err *e) MUST_CHECK;
int pack_reader_tail(struct part_view *v, void *row, struct err *e) MUST_CHECK;
/* The pack that the last -ERR_CORRUPT was about; 0: it was about something else. */
int64_t pack_reader_damaged(const struct part_view *v);

#endif
