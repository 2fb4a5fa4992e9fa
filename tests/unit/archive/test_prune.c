/* Keeping within the disk: what goes, in which order, and what never goes. */
#include "sealed.h"

#include "../../../src/archive/room.h"

static uint64_t free_now;

static int space(void *arg, uint64_t *free_bytes, struct err *e)
{
	(void)arg;
	(void)e;
	*free_bytes = free_now;
	return 0;
}

/* One place that has proven all of these seals' objects and manifests. */
static void place_has(struct works *w, const char *which)
{
	char sql[700];
	works_sql(w, "INSERT OR IGNORE INTO s3_target (id, name, home, is_present, is_enabled, lock, fill_until)"
		     " VALUES (1, 'tokyo', 'x', 1, 1, 'NONE', 0)");
	(void)snprintf(sql, sizeof(sql),
		       "INSERT OR IGNORE INTO s3_copy (target, object, priority, state, wants)"
		       " SELECT 1, id, priority, 0, 1 FROM s3_object");
	works_sql(w, sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO s3_proof (target, object, version_id, etag, bytes, lock, retain_until_ns, legal_hold,"
		       " modified_ns, proven_ns) SELECT 1, o.id, 'v', 'e', o.bytes, 'NONE', 0, 0, 0, 1 FROM s3_object o"
		       " WHERE %s", which);
	works_sql(w, sql);
	(void)snprintf(sql, sizeof(sql),
		       "UPDATE s3_copy SET state = 2, wants = 0, proof = (SELECT max(n) FROM s3_proof p WHERE p.object ="
		       " s3_copy.object) WHERE object IN (SELECT o.id FROM s3_object o WHERE %s)", which);
	works_sql(w, sql);
}

/* Five hours with an object each. */
static void five_hours(struct works *w)
{
	clock_fix(tiny_noon_ns);
	works_new(w);
	for (int i = 0; i < 5; i++) {
		clock_fix(tiny_noon_ns + (i + 1) * HOUR_NS);
		w->flows.now_ns = tiny_noon_ns + i * HOUR_NS;
		works_put(w, 100, 0);
		(void)works_seal(w);
	}
	free_now = 100 << 20;
}

static struct prune prune_of(struct works *w)
{
	return (struct prune){ .store = w->box.st,
			       .folder = w->folder,
			       .now_ns = tiny_noon_ns + 6 * HOUR_NS,
			       .space = space };
}

static struct pruned prune(struct works *w, const struct prune *p)
{
	struct err e = ERR_INIT;
	struct pruned gone = { 0 };
	(void)w;
	if (prune_run(p, &gone, &e))
		fail_msg("%s", e.text);
	return gone;
}

static int64_t here(struct works *w)
{
	uint8_t sum[32];
	int64_t n = box_number(&w->box, "SELECT count(*) FROM archive_object WHERE is_local = 1");
	/* what the database says is what lies there: objects, five manifests, five signatures */
	assert_int_equal(works_sum(w, sum), n + 10);
	return n;
}

static void what_no_place_has_proven_never_goes(void **state)
{
	(void)state;
	struct works w;
	five_hours(&w);
	struct prune p = prune_of(&w);
	p.keep_ns = 1;
	p.limit = 1;
	p.reserve = UINT64_MAX;
	assert_int_equal(prune(&w, &p).objects, 0);
	assert_int_equal(here(&w), 5);
	place_has(&w, "o.key LIKE '%/0000000002-%'");
	assert_int_equal(prune(&w, &p).objects, 1); /* the others still wait */
	assert_int_equal(here(&w), 4);
	works_free(&w);
}

static void old_ones_go_oldest_first_and_manifests_stay(void **state)
{
	(void)state;
	struct works w;
	five_hours(&w);
	place_has(&w, "1");
	struct prune p = prune_of(&w);
	p.keep_ns = 3 * HOUR_NS + HOUR_NS / 2; /* sealed at 13 and 14 o'clock; now 18 */
	assert_int_equal(prune(&w, &p).objects, 2);
	assert_int_equal(here(&w), 3);
	assert_int_equal(box_number(&w.box, "SELECT min(seq) FROM archive_object WHERE is_local = 1"), 3);
	assert_int_equal(prune(&w, &p).objects, 0);
	works_free(&w);
}

static void a_limit_and_a_reserve_take_no_more_than_they_must(void **state)
{
	(void)state;
	struct works w;
	five_hours(&w);
	place_has(&w, "1");
	struct prune p = prune_of(&w);
	p.limit = (uint64_t)box_number(&w.box, "SELECT sum(bytes) FROM archive_object WHERE seq > 1");
	assert_int_equal(prune(&w, &p).objects, 1);
	assert_int_equal(here(&w), 4);
	p.limit = 0;
	p.reserve = 200 << 20; /* more than is free, whatever goes */
	assert_int_equal(prune(&w, &p).objects, 4);
	assert_int_equal(here(&w), 0);
	works_free(&w);
}

static void what_a_hold_pins_stays(void **state)
{
	(void)state;
	struct works w;
	five_hours(&w);
	place_has(&w, "1");
	struct prune p = prune_of(&w);
	p.keep_ns = 1;
	works_sql(&w, "INSERT INTO archive_hold (id, name, reason, since_ns, until_ns, keep_until_ns, made_ns, made_by)"
		      " SELECT 1, 'case 7', '', since_ns, until_ns, 0, 1, 'sato' FROM archive_object WHERE seq = 2");
	works_sql(&w, "INSERT INTO archive_hold (id, name, reason, since_ns, until_ns, keep_until_ns, made_ns, made_by)"
		      " VALUES (2, 'case 8', '', 0, 0, 0, 1, 'sato')");
	works_sql(&w, "INSERT INTO archive_hold_object SELECT 2, key FROM archive_object WHERE seq = 4");
	(void)prune(&w, &p);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_object WHERE is_local = 1 AND seq IN (2, 4)"), 2);
	struct archive_disk d;
	struct err e = ERR_INIT;
	assert_int_equal(prune_look(&p, &d, &e), 0);
	assert_int_equal(d.held, d.objects);
	works_sql(&w, "UPDATE archive_hold SET released_ns = 1");
	(void)prune(&w, &p);
	assert_int_equal(here(&w), 0);
	works_free(&w);
}

struct patience {
	unsigned left;
};

static bool until_it_closes(void *arg)
{
	struct patience *p = arg;
	return p->left > 0 && p->left-- > 0;
}

static void a_house_that_closes_waits_for_one_object_at_most(void **state)
{
	(void)state;
	struct works w;
	struct patience two = { 2 };
	five_hours(&w);
	place_has(&w, "1");
	struct prune p = prune_of(&w);
	p.keep_ns = 1;
	p.goes_on = until_it_closes;
	p.goes_on_arg = &two;
	assert_int_equal(prune(&w, &p).objects, 2);
	assert_int_equal(here(&w), 3);
	works_free(&w);
}

/* An investigation of a whole year pins more than any run used to look at. */
static void what_must_stay_does_not_shield_what_lies_behind_it(void **state)
{
	(void)state;
	struct works w;
	five_hours(&w);
	place_has(&w, "1");
	works_sql(&w, "UPDATE archive_object SET id = id + 100000");
	works_sql(&w, "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20001) INSERT INTO archive_object (id,"
		      " seq, kind, key, sha256, bytes, rows, row_groups, first_id, last_id, since_ns, until_ns, merkle_root)"
		      " SELECT i, 1, 'log', 'kind=log/unproven/' || i, x'00', 1, 1, 1, 1, 1, 1, 2, x'00' FROM n");
	struct prune p = prune_of(&w);
	p.keep_ns = 1;
	assert_int_equal(prune(&w, &p).objects, 5);
	works_free(&w);
}

static void a_crash_between_marking_and_deleting_is_mended_at_the_start(void **state)
{
	(void)state;
	struct works w;
	struct err e = ERR_INIT;
	five_hours(&w);
	works_sql(&w, "UPDATE archive_object SET is_local = 2 WHERE seq = 3");
	struct prune p = prune_of(&w);
	if (prune_begin(&p, &e))
		fail_msg("%s", e.text);
	assert_int_equal(here(&w), 4);
	assert_int_equal(box_number(&w.box, "SELECT is_local FROM archive_object WHERE seq = 3"), 0);
	works_free(&w);
}

static void days_until_full_are_foretold(void **state)
{
	(void)state;
	struct works w;
	struct archive_disk d;
	struct err e = ERR_INIT;
	five_hours(&w);
	struct prune p = prune_of(&w);
	assert_int_equal(prune_look(&p, &d, &e), 0);
	assert_int_equal(d.objects, 5);
	assert_int_equal(d.unproven, 5);
	assert_int_equal(d.may_go, 0);
	assert_true(d.bytes_per_day > 0);
	assert_true(d.days_until_full > 0);
	free_now = p.reserve;
	assert_int_equal(prune_look(&p, &d, &e), 0);
	assert_int_equal(d.days_until_full, 0);
	works_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_no_place_has_proven_never_goes),
		cmocka_unit_test(old_ones_go_oldest_first_and_manifests_stay),
		cmocka_unit_test(a_limit_and_a_reserve_take_no_more_than_they_must),
		cmocka_unit_test(what_a_hold_pins_stays),
		cmocka_unit_test(a_house_that_closes_waits_for_one_object_at_most),
		cmocka_unit_test(what_must_stay_does_not_shield_what_lies_behind_it),
		cmocka_unit_test(a_crash_between_marking_and_deleting_is_mended_at_the_start),
		cmocka_unit_test(days_until_full_are_foretold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
