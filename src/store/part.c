/* Days: the writer's side of a record's table of one UTC day. A part that is opened finds its
 * table (or makes it, or adds the columns the record has won since), its dictionary, and
 * reads the open end of its index back. Everything in memory here can be made again from the
 * database. Store thread. */
#include "part.h"

#include <stdlib.h>

#include "sqlite.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/log.h"
#include "tomsd/base/thread.h"
#include "view.h"

enum {
	SQL_TEXT_MAX = 32768,
	BUCKET_WORTH_ROWS = 1024, /* an open end shorter than this is left to be read again */
	TIDY_STEPS = 8,           /* packs made in one transaction */
	SMALL_PACKS = 32,         /* that many are not left for the next regular look */
};

void parts_init(struct parts *ps, struct sql *db, uint64_t seed)
{
	*ps = (struct parts){ .db = db, .seed = seed, .press = ps->press };
}

static void part_close(struct part *p)
{
	if (!p->plan)
		return;
	stmt_done(p->insert);
	packer_close(&p->packer);
	dict_close(&p->dict);
	bucket_fini(&p->bucket);
	*p = (struct part){ 0 };
}

void parts_drop(struct parts *ps)
{
	for (size_t i = 0; i < PARTS_OPEN; i++)
		part_close(&ps->open[i]);
}

void parts_fini(struct parts *ps)
{
	parts_drop(ps);
	press_free(ps->press);
	ps->press = NULL;
}

void parts_forget(struct parts *ps, const char *record, int32_t day)
{
	for (size_t i = 0; i < PARTS_OPEN; i++) {
		struct part *p = &ps->open[i];
		if (p->plan && p->info.day == day && strcmp(p->plan->record->name, record) == 0)
			part_close(p);
	}
}

/* The part's row; made when it is not there (ids of a day that was dropped go on behind the last one), taken
 * back when retention was about to drop it. */
static int load_info(struct part *p, struct sql *db, struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare(
		db,
		"INSERT INTO part(record,day,last_id,indexed_id)SELECT ?1,?2,ifnull(max(gone_id),0),"
		"ifnull(max(gone_id),0)FROM cut WHERE record=?1 AND day=?2"
		" ON CONFLICT DO UPDATE SET dropping=dropping"
		" RETURNING rows,last_id,indexed_id,buckets,first_ns,last_ns,late_s,touched_ns",
		&s, e);
	if (rc)
		return rc;
	stmt_text(s, 1, str_of(p->plan->record->name));
	stmt_i64(s, 2, p->info.day);
	rc = stmt_step(s, e);
	if (rc > 0) {
		int64_t *const to[] = { &p->info.rows,       &p->info.last_id,
					&p->info.indexed_id, &p->info.buckets,
					&p->info.first_ns,   &p->info.last_ns,
					&p->info.late_s,     &p->touched_ns };
		for (size_t i = 0; i < ARRAY_LEN(to); i++)
			*to[i] = stmt_col_i64(s, (int)i);
		rc = 0;
	}
	stmt_done(s);
	return rc;
}

/* Columns the record has and an older table has not; packs say by themselves which they have. */
static int add_columns(struct part *p, struct part_view *v, struct sql *db, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < p->plan->n_cols; i++) {
		const struct plan_col *pc = &p->plan->cols[i];
		if (part_view_has(v, pc->col))
			continue;
		struct buf b;
		buf_init(&b, 512);
		buf_fmt(&b, "ALTER TABLE %s ADD COLUMN %s%s", p->table, pc->col->name,
			plan_sql_type(pc));
		rc = sql_exec(db, b.p, e);
		buf_fini(&b);
	}
	return rc;
}

static int write_bucket(struct part *p, struct sql *db, struct err *e)
{
	int64_t last_id = p->bucket.last_id;
	int rc = bucket_write(&p->bucket, db, p->table, p->info.buckets, e);
	if (!rc) {
		p->info.buckets++;
		p->info.indexed_id = last_id;
		p->dirty = true;
	}
	return rc;
}

/* Rows from this id on into the bucket. */
static int read_rows(struct part *p, struct part_view *v, struct sql *db, int64_t from,
		     void *row, struct err *e)
{
	int64_t id;
	int rc = part_view_walk(v, from, INT64_MAX, false, e);
	while (!rc && (rc = part_view_next(v, &id, e)) > 0) {
		rc = part_view_row(v, row, e);
		if (!rc)
			rc = part_view_tail(v, row, e);
		if (!rc &&
		    bucket_is_full(&p->bucket)) /* the index was taken away to be made anew */
			rc = write_bucket(p, db, e);
		if (!rc)
			rc = bucket_add(&p->bucket, id, row, e);
	}
	part_view_rest(v);
	return rc;
}

/* The pack behind a damaged one, into *from: 1; 0: there is none. */
static int next_pack(const struct part *p, struct sql *db, int64_t damaged, int64_t *from,
		     struct err *e)
{
	struct stmt *s = NULL;
	int rc = sql_prepare_on(&s, db, "SELECT id FROM ", p->table,
				" WHERE id>? ORDER BY id LIMIT 1", e);
	if (rc)
		return rc;
	stmt_i64(s, 1, damaged);
	rc = stmt_step(s, e);
	if (rc > 0)
		*from = stmt_col_i64(s, 0);
	stmt_done(s);
	return rc;
}

/* Rows behind indexed_id into the bucket again. A pack that cannot be read stays out of the index: whoever
 * reads it hears of it, and the months around it are not put aside for it. */
static int read_open_end(struct part *p, struct part_view *v, struct sql *db, struct err *e)
{
	int64_t from = p->info.indexed_id + 1, damaged = 0, before;
	void *row = malloc(record_room(p->plan->record));
	if (!row)
		return err_set(e, ERR_NOMEM, "out of memory");
	int rc = read_rows(p, v, db, from, row, e);
	while (rc == -ERR_CORRUPT) {
		before = damaged;
		damaged = pack_reader_damaged(v);
		if (damaged <= before) /* it is something else */
			break;
		log_err("store", "rows left out of the index error=%s", LOGQ(e->text));
		rc = next_pack(p, db, damaged, &from, e);
		if (rc > 0)
			rc = read_rows(p, v, db, from, row, e);
	}
	free(row);
	return rc;
}

static int open_table(struct part *p, struct sql *db, struct err *e)
{
	struct buf b;
	buf_init(&b, SQL_TEXT_MAX);
	plan_create_sql(p->plan, p->info.day, &b);
	int rc = sql_exec(db, b.p, e);
	buf_reset(&b);
	struct part_view *v = NULL;
	if (!rc)
		rc = part_view_new(&v, db, p->plan, p->info.day, NULL, e);
	if (!rc)
		rc = add_columns(p, v, db, e);
	if (!rc && p->plan->has_index)
		rc = bucket_init(&p->bucket, p->plan, &p->seeds, e);
	if (!rc && p->plan->has_index && p->info.last_id > p->info.indexed_id)
		rc = read_open_end(p, v, db, e);
	if (!rc && p->plan->has_index)
		rc = chapter_count(db, p->table, &p->chapters, e);
	part_view_free(v);
	if (!rc && !p->plan->has_tail) {
		plan_insert_sql(p->plan, p->info.day, &b);
		rc = sql_prepare(db, b.p, &p->insert, e);
	}
	buf_fini(&b);
	return rc;
}

static int part_open(struct part *p, struct parts *ps, const struct plan *plan, int32_t day,
		     struct err *e)
{
	*p = (struct part){ .plan = plan, .info = { .day = day } };
	part_name(p->table, plan->record, day, "");
	token_seeds_init(&p->seeds, plan, ps->seed);
	int rc = load_info(p, ps->db, e);
	if (!rc)
		rc = open_table(p, ps->db, e);
	if (!rc && plan->has_dict)
		rc = dict_open(&p->dict, ps->db, p->table, ps->seed, e);
	if (!rc && plan->has_tail && !ps->press)
		rc = press_new(&ps->press, e);
	if (!rc && plan->has_tail)
		rc = packer_open(&p->packer, ps->db, plan, p->table, &p->dict, e);
	if (rc) {
		part_close(p);
		return err_wrap(e, "opening %s_%d", plan->record->name, day);
	}
	ps->made += p->info.rows == 0;
	return 0;
}

static int part_save(struct part *p, struct sql *db, int64_t now_ns, struct err *e)
{
	struct stmt *s;
	int rc = sql_prepare(
		db,
		"UPDATE part SET rows=?3,last_id=?4,indexed_id=?5,buckets=?6,first_ns=?7,last_ns=?8,"
		"late_s=?9,touched_ns=?10,dropping=0 WHERE record=?1 AND day=?2",
		&s, e);
	if (rc)
		return rc;
	const struct part_info *in = &p->info;
	if (p->fresh)
		p->touched_ns = now_ns;
	p->fresh = false;
	const int64_t numbers[] = { in->day,        in->rows,    in->last_id,
				    in->indexed_id, in->buckets, in->first_ns,
				    in->last_ns,    in->late_s,  p->touched_ns };
	stmt_text_ref(s, 1, str_of(p->plan->record->name));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		stmt_i64(s, (int)i + 2, numbers[i]);
	rc = stmt_run(s, e);
	stmt_done(s);
	if (!rc)
		p->dirty = false;
	return rc;
}

int parts_flush(struct parts *ps, int64_t now_ns, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < PARTS_OPEN; i++) {
		struct part *p = &ps->open[i];
		if (!p->plan || !p->dirty)
			continue;
		rc = packer_flush(&p->packer, ps->press, e);
		if (!rc)
			rc = part_save(p, ps->db, now_ns, e);
	}
	return rc;
}

/* A place for another part; the one not used for longest goes, saved. */
static int make_place(struct parts *ps, struct part **out, struct err *e)
{
	struct part *oldest = NULL;
	for (size_t i = 0; i < PARTS_OPEN; i++) {
		struct part *p = &ps->open[i];
		if (!p->plan) {
			*out = p;
			return 0;
		}
		if (!oldest || p->used < oldest->used)
			oldest = p;
	}
	int rc = packer_flush(&oldest->packer, ps->press, e);
	if (!rc && oldest->bucket.rows >= BUCKET_WORTH_ROWS)
		rc = write_bucket(oldest, ps->db, e);
	if (!rc && oldest->dirty)
		rc = part_save(oldest, ps->db, clock_now_ns(), e);
	if (rc)
		return rc;
	part_close(oldest);
	*out = oldest;
	return 0;
}

static int part_of(struct parts *ps, const struct plan *plan, int32_t day, struct part **out,
		   struct err *e)
{
	struct part *p = ps->last;
	if (p && p->plan == plan && p->info.day == day) {
		*out = p;
		return 0;
	}
	for (size_t i = 0; i < PARTS_OPEN; i++) {
		p = &ps->open[i];
		if (p->plan == plan && p->info.day == day) {
			*out = ps->last = p;
			return 0;
		}
	}
	int rc = make_place(ps, &p, e);
	if (!rc)
		rc = part_open(p, ps, plan, day, e);
	if (!rc)
		*out = ps->last = p;
	return rc;
}

static void bind_addr(struct stmt *s, int at, const struct addr *a)
{
	if (addr_is_v4(a))
		stmt_i64(s, at, (int32_t)addr_v4_of(a));
	else if (!addr_is_zero(a))
		stmt_blob_ref(s, at, a->b, sizeof(a->b));
}

/* Parameters not bound are NULL: the caller has cleared them. */
static int bind_row(struct part *p, const void *row, struct err *e)
{
	struct stmt *s = p->insert;
	for (size_t i = 0; i < p->plan->n_cols; i++) {
		const struct plan_col *pc = &p->plan->cols[i];
		const char *from = col_at(pc->col, row);
		int at = (int)i + 2;
		int64_t v;
		int rc;
		switch (pc->how) {
		case AS_INT:
			v = col_int(pc->col, row);
			if (v || !pc->omit_zero)
				stmt_i64(s, at, v);
			break;
		case AS_ADDR:
			bind_addr(s, at, (const struct addr *)from);
			break;
		case AS_MAC:
			v = (int64_t)mac_number((const uint8_t *)from);
			if (v)
				stmt_i64(s, at, v);
			break;
		case AS_TEXT:
			if (*from || !pc->omit_zero)
				stmt_text_ref(s, at, str_n(from, strnlen(from, pc->col->size)));
			break;
		case AS_DICT:
			if (!*from)
				break;
			rc = dict_id(&p->dict, str_n(from, strnlen(from, pc->col->size)), &v,
				     e);
			if (rc)
				return rc;
			stmt_i64(s, at, v);
			break;
		}
	}
	return 0;
}

static int insert_row(struct parts *ps, struct part *p, int64_t id, void *row, struct err *e)
{
	memcpy((char *)row + p->plan->id->off, &id, sizeof(id));
	if (p->plan->has_tail)
		return packer_add(&p->packer, ps->press, row, e);
	stmt_clear(p->insert);
	stmt_i64(p->insert, 1, id);
	int rc = bind_row(p, row, e);
	return rc ? rc : stmt_run(p->insert, e);
}

static void count_row(struct part *p, int64_t id, int64_t ns)
{
	struct part_info *in = &p->info;
	int64_t late = store_id_second(id) - store_id_second(store_id_floor(ns));
	if (!in->rows || ns < in->first_ns)
		in->first_ns = ns;
	if (!in->rows || ns > in->last_ns)
		in->last_ns = ns;
	if (late > in->late_s)
		in->late_s = late;
	in->last_id = id;
	in->rows++;
	p->dirty = p->fresh = true;
}

int parts_insert(struct parts *ps, const struct plan *plan, void *row, struct part **in,
		 struct err *e)
{
	int64_t ns = col_int(plan->time, row), floor = store_id_floor(ns);
	struct part *p = NULL;
	int rc = part_of(ps, plan, store_id_day(floor), &p, e);
	if (rc)
		return rc;
	int64_t id = p->info.last_id >= floor ? p->info.last_id + 1 : floor;
	if (id == 0)
		id = 1; /* the very first second of 1970 */
	rc = insert_row(ps, p, id, row, e);
	if (rc)
		return rc;
	count_row(p, id, ns);
	p->used = ++ps->clock;
	if (plan->has_index) {
		rc = bucket_add(&p->bucket, id, row, e);
		if (!rc && bucket_is_full(&p->bucket))
			rc = write_bucket(p, ps->db, e);
	}
	if (!rc)
		*in = p;
	return rc;
}

/* The newest day of each record stays open. */
static bool is_newest(const struct parts *ps, const struct part *p)
{
	for (size_t i = 0; i < PARTS_OPEN; i++)
		if (ps->open[i].plan == p->plan && ps->open[i].info.day > p->info.day)
			return false;
	return true;
}

static int finish(struct parts *ps, int rc, struct err *e)
{
	if (!rc)
		rc = sql_exec(ps->db, "COMMIT", e);
	if (rc)
		sql_rollback(ps->db);
	return rc;
}

int parts_write_chapter(struct parts *ps, struct err *e)
{
	for (size_t i = 0; i < PARTS_OPEN; i++) {
		struct part *p = &ps->open[i];
		if (!p->plan || !p->plan->has_index ||
		    p->info.buckets / STORE_CHAPTER_BUCKETS <= p->chapters)
			continue;
		int rc = sql_exec(ps->db, "BEGIN IMMEDIATE", e);
		if (!rc)
			rc = chapter_write(ps->db, p->table, p->plan->record->tail != NULL,
					   p->chapters, p->info.buckets, e);
		rc = finish(ps, rc, e);
		p->chapters += rc == 0;
		return rc ? rc : 1;
	}
	return 0;
}

/* Up to TIDY_STEPS packs of one part; all: it is about to be closed. */
static int tidy_packs(struct parts *ps, struct part *p, bool all, struct err *e)
{
	int rc = sql_exec(ps->db, "BEGIN IMMEDIATE", e), did = 0;
	for (int i = 0; !rc && i < TIDY_STEPS; i++) {
		rc = packer_tidy(&p->packer, ps->press, ps->db, p->info.day, all, e);
		did += rc > 0;
		if (rc == 0)
			break;
		rc = rc < 0 ? rc : 0;
	}
	rc = finish(ps, rc, e);
	if (rc)
		part_close(p); /* its dictionary may have been rolled back under it */
	return rc ? rc : did > 0;
}

bool parts_want_tidying(const struct parts *ps)
{
	for (size_t i = 0; i < PARTS_OPEN; i++)
		if (ps->open[i].packer.small >= SMALL_PACKS)
			return true;
	return false;
}

int parts_tidy_packs(struct parts *ps, struct err *e)
{
	for (size_t i = 0; i < PARTS_OPEN; i++) {
		struct part *p = &ps->open[i];
		int rc = p->plan && p->plan->has_tail ? tidy_packs(ps, p, false, e) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

static int close_part(struct parts *ps, struct part *p, struct err *e)
{
	int rc = sql_exec(ps->db, "BEGIN IMMEDIATE", e);
	if (!rc && p->bucket.rows >= BUCKET_WORTH_ROWS)
		rc = write_bucket(p, ps->db, e);
	if (!rc && p->info.buckets > p->chapters * STORE_CHAPTER_BUCKETS)
		rc = chapter_write(ps->db, p->table, p->plan->record->tail != NULL, p->chapters,
				   p->info.buckets, e);
	if (!rc && p->dirty)
		rc = part_save(p, ps->db, clock_now_ns(), e);
	rc = finish(ps, rc, e);
	part_close(p);
	return rc;
}

int parts_close_idle(struct parts *ps, int64_t idle_ns, struct err *e)
{
	int64_t now = clock_mono_ns();
	for (size_t i = 0; i < PARTS_OPEN; i++) {
		struct part *p = &ps->open[i];
		if (!p->plan || is_newest(ps, p))
			continue;
		if (p->used > 0) { /* rows came since the last look */
			p->used_mono_ns = now;
			p->used = 0;
		}
		if (now - p->used_mono_ns < idle_ns)
			continue;
		int rc = p->plan->has_tail ? tidy_packs(ps, p, true, e) : 0;
		if (!rc) /* nothing left to tidy */
			rc = close_part(ps, p, e);
		return rc ? rc : 1;
	}
	return 0;
}
