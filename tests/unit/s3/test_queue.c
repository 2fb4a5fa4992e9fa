/* What waits for a place, in which order, and what is known of it after everything that may happen. */
#include "place_store.h"

#include "../../../src/s3/worker.h"

struct adding {
	const char *key;
	int priority;
	int64_t keep_ns;
	uint8_t first; /* of its sum */
};

static int add_object(struct sql *db, void *arg, struct err *e)
{
	const struct adding *a = arg;
	struct s3_object o = { .key = a->key,
			       .path = a->key,
			       .owner = "archive",
			       .bytes = 100,
			       .sha256 = { a->first },
			       .keep_ns = a->keep_ns,
			       .made_ns = NOW,
			       .priority = a->priority };
	return s3_enqueue(db, &o, e);
}

static void add(struct kept_store *k, const char *key, int priority)
{
	struct adding a = { .key = key, .priority = priority };
	write_it(k, add_object, &a);
}

/* Two places; their targets. */
static void two_places(struct kept_store *k, int64_t ids[2])
{
	struct places ps = { .n = 0 };
	struct settling s = { .ps = &ps };
	place_make(&ps, "tokyo", "logs");
	place_make(&ps, "osaka", "logs2");
	write_it(k, settle_them, &s);
	ids[0] = s.ids[0];
	ids[1] = s.ids[1];
}

static bool next(struct kept_store *k, int64_t target, int64_t now_ns, struct item *it)
{
	struct err e = ERR_INIT;
	struct sql *db = read_begin(k);
	int rc = copies_next(db, target, now_ns, it, &e);
	store_read_end(k->st, db);
	if (rc < 0)
		fail_msg("%s", e.text);
	return rc == 1;
}

static int do_proven(struct sql *db, void *arg, struct err *e)
{
	return copies_proven(db, arg, e);
}

static int do_failed(struct sql *db, void *arg, struct err *e)
{
	return copies_failed(db, arg, e);
}

static int do_finding(struct sql *db, void *arg, struct err *e)
{
	return copies_finding(db, arg, e);
}

static void prove(struct kept_store *k, int64_t target, const struct item *it,
		  const char *version, int64_t until_ns)
{
	struct s3_version v = { .bytes = it->bytes,
				.lock = S3_LOCK_COMPLIANCE,
				.retain_until_ns = until_ns };
	struct proof p = { .target = target, .item = it, .v = &v, .now_ns = NOW };
	(void)str_copy(v.version_id, sizeof(v.version_id), str_of(version));
	write_it(k, do_proven, &p);
}

static void prove_all(struct kept_store *k, int64_t target)
{
	struct item it;
	while (next(k, target, NOW, &it))
		prove(k, target, &it, "v1", NOW + 365 * DAY);
}

static int everywhere(struct kept_store *k, const char *key)
{
	struct err e = ERR_INIT;
	struct sql *db = read_begin(k);
	int rc = s3_is_kept_everywhere(db, key, &e);
	store_read_end(k->st, db);
	return rc;
}

static struct sums sums_of(struct kept_store *k, int64_t target)
{
	struct err e = ERR_INIT;
	struct sums s = { 0 };
	struct sql *db = read_begin(k);
	assert_int_equal(target_sums(db, target, &s, &e), 0);
	store_read_end(k->st, db);
	return s;
}

static void manifests_go_first_and_then_the_oldest(void **state)
{
	struct kept_store *k = *state;
	struct item it;
	int64_t ids[2];
	two_places(k, ids);
	add(k, "data-1", 1);
	add(k, "data-2", 1);
	add(k, "manifest-1", 0);
	static const char *const order[] = { "manifest-1", "data-1", "data-2" };
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		assert_true(next(k, ids[0], NOW, &it));
		assert_string_equal(it.key, order[i]);
		prove(k, ids[0], &it, "v", NOW + DAY);
	}
	assert_false(next(k, ids[0], NOW, &it));
	/* the other place has a state of its own */
	assert_true(next(k, ids[1], NOW, &it));
	assert_string_equal(it.key, "manifest-1");
	assert_int_equal(sums_of(k, ids[1]).waiting, 3);
	assert_int_equal(sums_of(k, ids[1]).waiting_bytes, 300);
}

static void an_object_is_known_once_and_never_with_other_bytes(void **state)
{
	struct kept_store *k = *state;
	struct err e = ERR_INIT;
	struct adding other = { .key = "data-1", .first = 7 };
	int64_t ids[2];
	two_places(k, ids);
	add(k, "data-1", 1);
	add(k, "data-1", 1);
	assert_int_equal(sums_of(k, ids[0]).waiting, 1);
	assert_int_equal(store_write(k->st, add_object, &other, &e), -ERR_EXISTS);
}

static void a_local_copy_may_go_when_every_place_has_proven_it(void **state)
{
	struct kept_store *k = *state;
	int64_t ids[2];
	add(k, "before", 1);
	assert_int_equal(everywhere(k, "before"), 0); /* no place at all */
	two_places(k, ids);
	add(k, "data-1", 1);
	assert_int_equal(everywhere(k, "data-1"), 0);
	prove_all(k, ids[0]);
	assert_int_equal(everywhere(k, "data-1"), 0);
	prove_all(k, ids[1]);
	assert_int_equal(everywhere(k, "data-1"), 1);
	assert_int_equal(everywhere(k, "nobody knows this"), 0);
	assert_int_equal(everywhere(k, "before"), 0); /* not filled in yet */
}

static void a_disabled_place_holds_nothing_up(void **state)
{
	struct kept_store *k = *state;
	struct places ps = { .n = 0 };
	struct settling s = { .ps = &ps };
	place_make(&ps, "tokyo", "logs");
	place_make(&ps, "osaka", "logs2");
	ps.all[1].is_enabled = false;
	write_it(k, settle_them, &s);
	add(k, "data-1", 1);
	prove_all(k, s.ids[0]);
	assert_int_equal(everywhere(k, "data-1"), 1);
	/* switched on again it has all that came meanwhile to do */
	ps.all[1].is_enabled = true;
	write_it(k, settle_them, &s);
	assert_int_equal(everywhere(k, "data-1"), 0);
	assert_int_equal(sums_of(k, s.ids[1]).waiting, 1);
}

static int do_fill(struct sql *db, void *arg, struct err *e)
{
	return copies_fill(db, arg, e);
}

static void a_place_added_later_gets_what_is_still_here(void **state)
{
	struct kept_store *k = *state;
	struct err e = ERR_INIT;
	struct fill_row rows[8];
	struct target t;
	int64_t ids[2];
	struct item it;
	add(k, "old-gone", 1);
	add(k, "old-here", 1);
	two_places(k, ids);
	add(k, "new", 1);
	struct sql *db = read_begin(k);
	assert_int_equal(target_read(db, ids[0], &t, &e), 0);
	assert_int_equal(copies_fill_rows(db, &t, rows, ARRAY_LEN(rows), &e), 2);
	store_read_end(k->st, db);
	assert_string_equal(rows[0].path, "old-gone");
	rows[1].is_here = true;
	struct fill f = { .target = ids[0], .rows = rows, .n = 2, .filled = t.fill_until };
	write_it(k, do_fill, &f);
	target_fini(&t);
	assert_true(next(k, ids[0], NOW, &it));
	assert_string_equal(it.key, "old-here");
	assert_int_equal(sums_of(k, ids[0]).waiting, 2);
	assert_int_equal(sums_of(k, ids[0]).failed, 1); /* it says what it cannot get */
	write_it(k, do_fill, &f);                       /* after a crash: once more */
	assert_int_equal(sums_of(k, ids[0]).waiting, 2);
}

static void another_bucket_begins_anew_and_the_old_one_is_known_again(void **state)
{
	struct kept_store *k = *state;
	struct places ps = { .n = 0 }, moved = { .n = 0 };
	struct settling s = { .ps = &ps }, m = { .ps = &moved };
	struct err e = ERR_INIT;
	struct target t;
	place_make(&ps, "tokyo", "logs");
	place_make(&moved, "tokyo", "elsewhere");
	write_it(k, settle_them, &s);
	add(k, "data-1", 1);
	prove_all(k, s.ids[0]);
	assert_int_equal(everywhere(k, "data-1"), 1);
	write_it(k, settle_them, &m);
	assert_int_not_equal(m.ids[0], s.ids[0]);
	assert_int_equal(everywhere(k, "data-1"), 0);
	add(k, "data-2", 1);
	int64_t first = s.ids[0];
	write_it(k, settle_them, &s);
	assert_int_equal(s.ids[0], first);
	assert_int_equal(everywhere(k, "data-1"), 1);
	struct sql *db = read_begin(k);
	assert_int_equal(target_named(db, "tokyo", &t, &e), 0);
	assert_int_equal(t.id, first);
	assert_true(t.filled < t.fill_until); /* data-2 came while it was away */
	target_fini(&t);
	store_read_end(k->st, db);
	/* and with no place at all nothing is kept anywhere */
	struct places none = { .n = 0 };
	struct settling n = { .ps = &none };
	write_it(k, settle_them, &n);
	assert_int_equal(everywhere(k, "data-1"), 0);
}

static void what_failed_comes_back_later_and_after_a_restart(void **state)
{
	struct kept_store *k = *state;
	struct item it;
	struct err e = ERR_INIT;
	struct target t;
	int64_t ids[2];
	two_places(k, ids);
	add(k, "data-1", 1);
	add(k, "data-2", 1);
	assert_true(next(k, ids[0], NOW, &it));
	struct failure f = { .target = ids[0],
			     .item = &it,
			     .item_next_ns = NOW + HOUR / 2,
			     .place_fails = 4,
			     .place_next_ns = NOW + HOUR / 4,
			     .now_ns = NOW,
			     .problem = "unreachable",
			     .detail = "nobody answers" };
	write_it(k, do_failed, &f);
	store_down(k);
	store_up(k);
	assert_true(next(k, ids[0], NOW, &it));
	assert_string_equal(it.key, "data-2");
	assert_true(next(k, ids[0], NOW + HOUR / 2, &it));
	assert_string_equal(it.key, "data-1");
	assert_int_equal(it.tries, 1);
	struct sql *db = read_begin(k);
	assert_int_equal(target_read(db, ids[0], &t, &e), 0);
	assert_int_equal(t.fails, 4);
	assert_int_equal(t.next_try_ns, NOW + HOUR / 4);
	assert_string_equal(t.problem, "unreachable");
	target_fini(&t);
	store_read_end(k->st, db);
	/* A clock that went back a year does not make it wait for a year. */
	assert_true(next(k, ids[0], NOW - 365 * DAY, &it));
	assert_string_equal(it.key, "data-1");
	/* Behind an outage everything is due at once. */
	assert_true(next(k, ids[0], NOW, &it));
	struct s3_version v = { .bytes = 100 };
	struct proof p = {
		.target = ids[0], .item = &it, .v = &v, .now_ns = NOW, .ends_outage = true
	};
	write_it(k, do_proven, &p);
	assert_true(next(k, ids[0], NOW, &it));
	assert_string_equal(it.key, "data-1");
	db = read_begin(k);
	assert_int_equal(target_read(db, ids[0], &t, &e), 0);
	assert_int_equal(t.fails, 0);
	assert_string_equal(t.problem, "");
	target_fini(&t);
	store_read_end(k->st, db);
}

static int do_push(struct sql *db, void *arg, struct err *e)
{
	(void)arg;
	return copies_push(db, e);
}

static void what_was_given_up_never_loops_but_may_be_pushed(void **state)
{
	struct kept_store *k = *state;
	struct item it;
	int64_t ids[2];
	two_places(k, ids);
	add(k, "data-1", 1);
	assert_true(next(k, ids[0], NOW, &it));
	struct failure f = { .target = ids[0],
			     .item = &it,
			     .gives_up = true,
			     .now_ns = NOW,
			     .problem = "local",
			     .detail = "the local file is no longer here" };
	write_it(k, do_failed, &f);
	assert_false(next(k, ids[0], NOW + 1000 * DAY, &it));
	assert_int_equal(sums_of(k, ids[0]).failed, 1);
	write_it(k, do_push, NULL);
	assert_true(next(k, ids[0], NOW, &it));
}

static int do_part(struct sql *db, void *arg, struct err *e)
{
	return copies_part(db, arg, e);
}

static void an_upload_in_parts_is_remembered(void **state)
{
	struct kept_store *k = *state;
	struct item it;
	int64_t ids[2];
	two_places(k, ids);
	add(k, "data-1", 1);
	assert_true(next(k, ids[0], NOW, &it));
	struct part p = { ids[0], it.object, "upload-7", 48 };
	write_it(k, do_part, &p);
	store_down(k);
	store_up(k);
	assert_true(next(k, ids[0], NOW, &it));
	assert_string_equal(it.upload_id, "upload-7");
	assert_int_equal(it.done_bytes, 48);
	prove(k, ids[0], &it, "v1", NOW + DAY);
	assert_false(next(k, ids[0], NOW, &it));
}

struct proofs {
	size_t n;
	struct s3_proof all[8];
};

static int take_proof(void *arg, const struct s3_proof *p)
{
	struct proofs *ps = arg;
	ps->all[ps->n++] = *p;
	return 0;
}

static int hold(struct sql *db, void *arg, struct err *e)
{
	return s3_extend(db, "data-1", *(int64_t *)arg, e);
}

static void proofs_are_numbered_in_their_order_and_a_hold_makes_another(void **state)
{
	struct kept_store *k = *state;
	struct err e = ERR_INIT;
	struct item it;
	struct proofs ps = { 0 };
	int64_t ids[2], until = NOW + 4000 * DAY, sooner = NOW;
	two_places(k, ids);
	add(k, "data-1", 1);
	prove_all(k, ids[0]);
	prove_all(k, ids[1]);
	write_it(k, hold, &sooner); /* locked for longer already */
	assert_false(next(k, ids[0], NOW, &it));
	write_it(k, hold, &until);
	assert_true(next(k, ids[0], NOW, &it));
	assert_int_equal(it.wants, WANTS_LONGER_LOCK);
	assert_string_equal(it.version_id, "v1");
	assert_int_equal(it.hold_ns, until);
	assert_int_equal(everywhere(k, "data-1"), 0);
	prove(k, ids[0], &it, "v1", until);
	assert_false(next(k, ids[0], NOW, &it));
	struct sql *db = read_begin(k);
	assert_int_equal(s3_proofs(db, 0, take_proof, &ps, &e), 0);
	assert_int_equal(ps.n, 3);
	assert_string_equal(ps.all[0].k.place, "tokyo");
	assert_string_equal(ps.all[1].k.place, "osaka");
	assert_string_equal(ps.all[2].k.place, "tokyo");
	assert_string_equal(ps.all[2].key, "data-1");
	assert_int_equal(ps.all[2].k.v.retain_until_ns, until);
	assert_true(ps.all[0].n < ps.all[1].n && ps.all[1].n < ps.all[2].n);
	ps.n = 0;
	assert_int_equal(s3_proofs(db, ps.all[1].n, take_proof, &ps, &e), 0);
	assert_int_equal(ps.n, 1);
	store_read_end(k->st, db);
	/* proven once, counted once */
	struct target t;
	db = read_begin(k);
	assert_int_equal(target_read(db, ids[0], &t, &e), 0);
	assert_int_equal(t.proven, 1);
	assert_int_equal(t.proven_bytes, 100);
	target_fini(&t);
	store_read_end(k->st, db);
}

static void a_hold_that_came_while_it_was_sent_is_not_forgotten(void **state)
{
	struct kept_store *k = *state;
	struct item it;
	int64_t ids[2], until = NOW + 4000 * DAY;
	two_places(k, ids);
	add(k, "data-1", 1);
	assert_true(next(k, ids[0], NOW, &it));
	write_it(k, hold, &until);
	prove(k, ids[0], &it, "v1", NOW + DAY); /* with the old date */
	assert_true(next(k, ids[0], NOW, &it));
	assert_int_equal(it.wants, WANTS_LONGER_LOCK);
}

static int take_note(struct sql *db, void *arg, struct err *e)
{
	return copies_acknowledge(db, *(int64_t *)arg, e);
}

static void find_it(struct kept_store *k, int64_t target, const struct item *it,
		    const char *what, enum wants wants)
{
	struct finding f = { .target = target,
			     .now_ns = NOW,
			     .item = it,
			     .what = what,
			     .words = what,
			     .wants = wants };
	write_it(k, do_finding, &f);
}

static void a_finding_stays_until_somebody_has_taken_note(void **state)
{
	struct kept_store *k = *state;
	struct item it;
	int64_t ids[2];
	two_places(k, ids);
	add(k, "data-1", 1);
	assert_true(next(k, ids[0], NOW, &it));
	prove(k, ids[0], &it, "v1", NOW + 365 * DAY);
	prove_all(k, ids[1]);
	struct err e = ERR_INIT;
	struct item sample[4];
	struct sql *db = read_begin(k);
	assert_int_equal(copies_sample(db, ids[0], NOW, sample, ARRAY_LEN(sample), &e), 1);
	/* when its lock has ended nothing is expected of it any more */
	struct item none[4];
	assert_int_equal(copies_sample(db, ids[0], NOW + 366 * DAY, none, ARRAY_LEN(none), &e),
			 0);
	store_read_end(k->st, db);
	find_it(k, ids[0], &sample[0], "gone", WANTS_SENDING);
	assert_int_equal(sums_of(k, ids[0]).findings, 1);
	assert_int_equal(everywhere(k, "data-1"), 0);
	/* sent again it is there, but that it was gone is still to be known */
	assert_true(next(k, ids[0], NOW, &it));
	prove(k, ids[0], &it, "v2", NOW + 365 * DAY);
	assert_int_equal(everywhere(k, "data-1"), 1);
	assert_int_equal(sums_of(k, ids[0]).findings, 1);
	write_it(k, take_note, &ids[0]);
	assert_int_equal(sums_of(k, ids[0]).findings, 0);
	/* the same again is a finding again */
	find_it(k, ids[0], &it, "gone", WANTS_SENDING);
	assert_int_equal(sums_of(k, ids[0]).findings, 1);
	/* what lies on top cannot be taken away: told once */
	prove(k, ids[0], &it, "v3", NOW + 365 * DAY);
	find_it(k, ids[0], &it, "shadowed", WANTS_NOTHING);
	write_it(k, take_note, &ids[0]);
	find_it(k, ids[0], &it, "shadowed", WANTS_NOTHING);
	assert_int_equal(sums_of(k, ids[0]).findings, 0);
	assert_int_equal(everywhere(k, "data-1"), 1);
}

static int take_kept(void *arg, const struct s3_kept *kept)
{
	struct buf *b = arg;
	buf_fmt(b, "%s:%s:%s ", kept->place, s3_state_names[kept->state], kept->v.version_id);
	return 0;
}

static void others_see_what_each_place_has(void **state)
{
	struct kept_store *k = *state;
	struct err e = ERR_INIT;
	struct buf b;
	int64_t ids[2];
	two_places(k, ids);
	add(k, "data-1", 1);
	prove_all(k, ids[0]);
	buf_init(&b, 1024);
	struct sql *db = read_begin(k);
	assert_int_equal(s3_kept(db, "data-1", take_kept, &b, &e), 0);
	store_read_end(k->st, db);
	assert_string_equal(b.p, "osaka:waiting: tokyo:proven:v1 ");
	buf_fini(&b);
}

static void tries_grow_apart_up_to_an_hour(void **state)
{
	(void)state;
	for (uint32_t tries = 1; tries < 100; tries++)
		for (int i = 0; i < 50; i++) {
			int64_t ns = backoff_ns(tries);
			int64_t most = tries > 12 ? HOUR : (2 * NS_PER_S) << (tries - 1);
			if (most > HOUR)
				most = HOUR;
			assert_true(ns >= most / 2 && ns <= most);
		}
}

static void faults_have_names_and_say_who_is_to_blame(void **state)
{
	(void)state;
	static const struct {
		struct s3_fault f;
		int rc;
		const char *problem;
		bool is_place;
	} cases[] = {
		{ { .status = 0, .code = "Connection" }, -ERR_IO, "unreachable", true },
		{ { .status = 0, .code = "NoSuchHost" }, -ERR_IO, "name", true },
		{ { .status = 0, .code = "Certificate" }, -ERR_IO, "certificate", true },
		{ { .status = 403, .code = "SignatureDoesNotMatch" }, -ERR_DENIED, "key", true },
		{ { .status = 403, .code = "RequestTimeTooSkewed" },
		  -ERR_DENIED,
		  "clock",
		  true },
		{ { .status = 403 }, -ERR_DENIED, "denied", true },
		{ { .status = 404, .code = "NoSuchBucket" }, -ERR_NOTFOUND, "bucket", true },
		{ { .status = 503, .code = "SlowDown" }, -ERR_BUSY, "busy", true },
		{ { .status = 429 }, -ERR_BUSY, "busy", true },
		{ { .status = 400, .code = "InvalidRequest" }, -ERR_INVALID, "refused", false },
		{ { .code = "LocalFile" }, -ERR_CORRUPT, "local", false },
		{ { .status = 200, .code = "LockDropped" }, -ERR_CORRUPT, "unlocked", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_place = !cases[i].is_place;
		assert_string_equal(fault_problem(&cases[i].f, cases[i].rc, &is_place),
				    cases[i].problem);
		assert_int_equal(is_place, cases[i].is_place);
	}
}

static void a_place_has_one_state_and_a_sentence_in_both_languages(void **state)
{
	(void)state;
	char ja[1024], en[1024];
	struct view v = { .name = "tokyo", .is_enabled = true, .test_result = TEST_GOOD };
	assert_int_equal(view_state(&v), PLACE_OK);
	view_words(&v, "en", en, sizeof(en));
	assert_string_equal(en, "");
	v.waiting = 3;
	assert_int_equal(view_state(&v), PLACE_WAITING);
	(void)str_copy(v.problem, sizeof(v.problem), STR("busy"));
	(void)str_copy(v.detail, sizeof(v.detail), STR("HTTP 503"));
	v.fails = 1;
	assert_int_equal(view_state(&v), PLACE_WAITING); /* one 503 is no news */
	v.fails = 3;
	assert_int_equal(view_state(&v), PLACE_FAILED);
	view_words(&v, "en", en, sizeof(en));
	view_words(&v, "ja", ja, sizeof(ja));
	assert_non_null(strstr(en, "tokyo"));
	assert_non_null(strstr(en, "HTTP 503"));
	assert_non_null(strstr(ja, "HTTP 503"));
	assert_string_not_equal(en, ja);
	(void)str_copy(v.problem, sizeof(v.problem), STR("key"));
	v.fails = 1;
	assert_int_equal(view_state(&v), PLACE_FAILED); /* a wrong key does not heal */
	v.findings = 1;
	assert_int_equal(view_state(&v), PLACE_UNPROVEN);
	v.is_enabled = false;
	assert_int_equal(view_state(&v), PLACE_OFF);
	/* every problem has words */
	static const char *const problems[] = {
		"unreachable", "name",  "certificate", "clock",  "key",       "denied",
		"bucket",      "busy",  "refused",     "region", "unlocked",  "no_versions",
		"different",   "local", "ca",          "secret", "incomplete"
	};
	struct view p = {
		.name = "tokyo", .is_enabled = true, .test_result = TEST_GOOD, .fails = 9
	};
	for (size_t i = 0; i < ARRAY_LEN(problems); i++) {
		(void)str_copy(p.problem, sizeof(p.problem), str_of(problems[i]));
		view_words(&p, "ja", ja, sizeof(ja));
		if (strncmp(ja, "place.", 6) == 0 || !strstr(ja, "tokyo"))
			fail_msg("%s has no words: %s", problems[i], ja);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, store_begin, store_end)
		TEST(manifests_go_first_and_then_the_oldest),
		TEST(an_object_is_known_once_and_never_with_other_bytes),
		TEST(a_local_copy_may_go_when_every_place_has_proven_it),
		TEST(a_disabled_place_holds_nothing_up),
		TEST(a_place_added_later_gets_what_is_still_here),
		TEST(another_bucket_begins_anew_and_the_old_one_is_known_again),
		TEST(what_failed_comes_back_later_and_after_a_restart),
		TEST(what_was_given_up_never_loops_but_may_be_pushed),
		TEST(an_upload_in_parts_is_remembered),
		TEST(proofs_are_numbered_in_their_order_and_a_hold_makes_another),
		TEST(a_hold_that_came_while_it_was_sent_is_not_forgotten),
		TEST(a_finding_stays_until_somebody_has_taken_note),
		TEST(others_see_what_each_place_has),
		cmocka_unit_test(tries_grow_apart_up_to_an_hour),
		cmocka_unit_test(faults_have_names_and_say_who_is_to_blame),
		cmocka_unit_test(a_place_has_one_state_and_a_sentence_in_both_languages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
