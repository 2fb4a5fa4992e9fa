/* Audit rows on their way into the archive: whole, in order, and never cut. */
#include "living.h"

#include "tomsd/audit_row.h"

struct taken {
	struct audit_row *rows[8];
	size_t n;
};

static int take(void *arg, const struct audit_row *r)
{
	struct taken *t = arg;
	assert_true(t->n < ARRAY_LEN(t->rows));
	t->rows[t->n] = malloc(sizeof(*r));
	assert_non_null(t->rows[t->n]);
	memcpy(t->rows[t->n++], r, sizeof(*r));
	return 0;
}

static struct taken rows_between(struct living *l, int64_t after, int64_t up_to)
{
	struct err e = ERR_INIT;
	struct taken t = { .n = 0 };
	struct sql *db;
	assert_int_equal(store_read_begin(l->st, 0, &db, &e), 0);
	if (api_audit_rows(db, after, up_to, take, &t, &e))
		fail_msg("%s", e.text);
	store_read_end(l->st, db);
	return t;
}

static void taken_free(struct taken *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->rows[i]);
}

static int64_t last_of(struct living *l)
{
	struct err e = ERR_INIT;
	struct sql *db;
	int64_t id = -1;
	assert_int_equal(store_read_begin(l->st, 0, &db, &e), 0);
	assert_int_equal(api_audit_last(db, &id, &e), 0);
	store_read_end(l->st, db);
	return id;
}

static int do_audit(struct living *l, const char *object, const char *after)
{
	struct err e = ERR_INIT;
	struct request rq;
	struct reply rp;
	ask_begin(&rq, &rp, l->a, "GET", "/", ROLE_ADMIN);
	(void)str_copy(rq.who.name, sizeof(rq.who.name), STR("sato"));
	rq.who.session_id = 5;
	int rc = api_audit(&rq, "thing.change", object, NULL, after, &e);
	ask_end(&rq, &rp);
	return rc;
}

static void rows_come_oldest_first_and_a_span_has_each_once(void **state)
{
	(void)state;
	struct living l;
	living_begin(&l);
	assert_int_equal(last_of(&l), 0);
	assert_int_equal(do_audit(&l, "one", "{\"a\":1}"), 0);
	assert_int_equal(do_audit(&l, "two", NULL), 0);
	assert_int_equal(do_audit(&l, "three", NULL), 0);
	int64_t last = last_of(&l);
	struct taken t = rows_between(&l, 0, last);
	assert_int_equal(t.n, last);
	assert_string_equal(t.rows[last - 3]->object, "one");
	assert_string_equal(t.rows[last - 3]->after, "{\"a\":1}");
	assert_string_equal(t.rows[last - 3]->user, "sato");
	assert_string_equal(t.rows[last - 3]->origin, "192.0.2.1");
	assert_string_equal(t.rows[last - 3]->role, "admin");
	assert_int_equal(t.rows[last - 3]->session, 5);
	assert_int_equal(strlen(t.rows[last - 1]->hash), 64);
	taken_free(&t);
	t = rows_between(&l, last - 2, last - 1);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.rows[0]->object, "two");
	taken_free(&t);
	living_end(&l);
}

static void what_a_row_has_no_room_for_is_refused_and_not_cut(void **state)
{
	(void)state;
	struct living l;
	static struct audit_row r;
	living_begin(&l);
	memset(r.after, 'x', sizeof(r.after) - 1);
	memset(r.object, 'o', sizeof(r.object) - 1);
	assert_int_equal(do_audit(&l, r.object, r.after), 0);
	struct taken t = rows_between(&l, last_of(&l) - 1, last_of(&l));
	assert_int_equal(t.n, 1);
	assert_string_equal(t.rows[0]->after, r.after);
	assert_string_equal(t.rows[0]->object, r.object);
	taken_free(&t);
	char *longer = calloc(1, sizeof(r.after) + 1);
	assert_non_null(longer);
	memset(longer, 'x', sizeof(r.after));
	int64_t last = last_of(&l);
	assert_int_equal(do_audit(&l, "o", longer), -ERR_RANGE);
	longer[sizeof(r.object)] = '\0';
	assert_int_equal(do_audit(&l, longer, NULL), -ERR_RANGE);
	assert_int_equal(last_of(&l), last);
	free(longer);
	living_end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_oldest_first_and_a_span_has_each_once),
		cmocka_unit_test(what_a_row_has_no_room_for_is_refused_and_not_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
