/* Sealing over a real store and real files. */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "sealed.h"

/* ---- Writes, syncs and renames of this process, the n-th of which fails or is the last. ---- */

static struct { /* the store's thread writes, too */
	_Atomic long at, n;    /* at 0: none; counted from 1 */
	_Atomic bool dies;     /* the process ends there, as if the power had gone */
	_Atomic long happened;
} blow;

static bool hit(void)
{
	long n = ++blow.n;
	if (!blow.at || n != blow.at)
		return false;
	if (blow.dies)
		_exit(77);
	blow.happened++;
	errno = EIO;
	return true;
}

ssize_t write(int fd, const void *p, size_t n)
{
	return fd > 2 && hit() ? -1 : syscall(SYS_write, fd, p, n);
}
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return hit() ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}
int fsync(int fd)
{
	return hit() ? -1 : (int)syscall(SYS_fsync, fd);
}
int fdatasync(int fd)
{
	return hit() ? -1 : (int)syscall(SYS_fdatasync, fd);
}
int rename(const char *from, const char *to)
{
	return hit() ? -1 : (int)syscall(SYS_renameat2, -100, from, -100, to, 0);
}

static void fail_at(long n, bool dies)
{
	blow.n = blow.happened = 0;
	blow.dies = dies;
	blow.at = n;
}

/* ---- */

static void rows_become_objects_and_a_signed_manifest(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	works_put(&w, 5000, 300);
	struct seal s = works_seal(&w);
	assert_int_equal(s.seq, 1);
	assert_int_equal(s.rows, 5300);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_object"), 2);
	assert_int_equal(box_number(&w.box, "SELECT sum(rows) FROM archive_span"), 5300);
	struct buf b;
	works_manifest(&w, 1, &b);
	assert_true(archive_is_canonical(buf_view(&b)));
	assert_true(str_find(buf_view(&b), STR("\"previous\":null")) > 0);
	assert_true(str_find(buf_view(&b), STR("\"flow\":5000")) > 0);
	uint8_t sum[32];
	crypt_sha256(b.p, b.n, sum);
	assert_memory_equal(sum, s.sha256, 32);
	buf_fini(&b);
	works_free(&w);
}

static void an_hour_without_rows_is_sealed_as_empty(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		struct seal s = works_seal(&w);
		assert_int_equal(s.seq, seq);
		assert_int_equal(s.rows, 0);
	}
	struct buf b;
	works_manifest(&w, 3, &b);
	assert_true(str_find(buf_view(&b), STR("\"objects\":[]")) > 0);
	assert_true(str_find(buf_view(&b), STR("\"flow\":0")) > 0);
	assert_true(str_find(buf_view(&b), STR("\"previous\":{\"seq\":2,")) > 0);
	buf_fini(&b);
	uint8_t sum[32];
	assert_int_equal(works_sum(&w, sum), 6); /* manifests and signatures */
	works_free(&w);
}

static void late_rows_go_into_the_seal_of_the_hour_in_which_they_came(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	works_put(&w, 100, 0);
	(void)works_seal(&w);
	w.flows.now_ns = tiny_noon_ns - 86400 * NS_PER_S; /* of yesterday */
	works_put(&w, 50, 0);
	w.flows.now_ns = tiny_noon_ns;
	works_put(&w, 25, 0);
	struct seal s = works_seal(&w);
	assert_int_equal(s.rows, 75);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_span WHERE seq = 2"), 2);
	assert_int_equal(works_seal(&w).rows, 0);
	works_free(&w);
}

/* What is there is what a second run from the cut makes. */
static void seals_again_to_the_same_bytes(struct works *w)
{
	uint8_t once[32], again[32];
	size_t files = works_sum(w, once);
	works_sql(w, "UPDATE archive_seal SET state = 'cut' WHERE seq = (SELECT max(seq) FROM archive_seal)");
	(void)works_finish(w);
	assert_int_equal(works_sum(w, again), files);
	assert_memory_equal(once, again, 32);
}

static void whatever_write_fails_the_next_try_comes_to_the_same_bytes(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	works_put(&w, 300, 40);
	(void)works_seal(&w);
	works_put(&w, 300, 40);
	(void)works_cut(&w, false);
	long n = 1, failed = 0;
	for (;; n++) {
		struct err e = ERR_INIT;
		struct seal s;
		fail_at(n, false);
		int rc = seal_finish(&w.sealer, &s, &e);
		bool did = blow.happened > 0;
		fail_at(0, false);
		if (rc == 0 && !did)
			break; /* nothing was left to fail */
		if (rc == 0 || rc == -ERR_NOTFOUND) { /* it came true all the same */
			works_sql(&w, "UPDATE archive_seal SET state = 'cut' WHERE seq = 2");
			continue;
		}
		failed++;
		assert_true(e.text[0]);
		assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_object WHERE seq = 2"),
				 box_number(&w.box, "SELECT count(*) FROM archive_object WHERE seq = 2"));
	}
	assert_true(failed > 10);
	seals_again_to_the_same_bytes(&w);
	assert_int_equal(box_number(&w.box, "SELECT sum(rows) FROM archive_object"), 680);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_seal WHERE state = 'sealed'"), 2);
	works_free(&w);
}

/* The child seals and dies at its n-th write; true: it came to its end. */
static bool dies_at(struct works *w, long n)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		struct seal s;
		(void)signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the next test */
		works_open(w);
		fail_at(n, true);
		int rc = cut_make(&w->sealer, false, NULL, &e);
		if (rc == 0 || rc == -ERR_BUSY)
			rc = seal_finish(&w->sealer, &s, &e);
		fail_at(0, false);
		_exit(rc == 0 ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
	return WEXITSTATUS(status) == 0;
}

static void after_a_death_at_any_write_each_row_is_sealed_once(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	works_put(&w, 200, 20);
	works_close(&w);
	long n = 1;
	while (!dies_at(&w, n))
		n += n < 12 ? 1 : 3;
	assert_true(n > 10);
	works_open(&w);
	struct err e = ERR_INIT;
	struct seal s;
	assert_int_equal(seal_finish(&w.sealer, &s, &e), -ERR_NOTFOUND);
	assert_int_equal(box_number(&w.box, "SELECT sum(rows) FROM archive_object"), 220);
	assert_int_equal(box_number(&w.box, "SELECT max(seq) - count(*) FROM archive_seal"), 0);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_seal WHERE state <> 'sealed'"), 0);
	seals_again_to_the_same_bytes(&w);
	works_free(&w);
}

static void two_seals_in_one_hour_share_nothing(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	works_put(&w, 100, 0);
	clock_fix(tiny_noon_ns + 600 * NS_PER_S);
	struct seal one = works_seal(&w);
	works_put(&w, 70, 0);
	clock_fix(tiny_noon_ns + 900 * NS_PER_S);
	struct seal two = works_seal(&w);
	assert_int_equal(one.rows, 100);
	assert_int_equal(two.rows, 70);
	assert_int_equal(two.since_ns, one.until_ns);
	assert_int_equal(box_number(&w.box, "SELECT count(DISTINCT key) FROM archive_object"), 2);
	works_free(&w);
}

static bool stop_soon(void *arg, uint64_t rows)
{
	(void)arg;
	(void)rows;
	return false;
}

static void a_house_that_closes_goes_on_at_the_next_start(void **state)
{
	(void)state;
	struct works w;
	struct err e = ERR_INIT;
	works_new(&w);
	works_put(&w, 5000, 0);
	(void)works_cut(&w, false);
	w.sealer.breathe = stop_soon;
	assert_int_equal(seal_finish(&w.sealer, NULL, &e), -ERR_CLOSED);
	w.sealer.breathe = NULL;
	assert_int_equal(cut_make(&w.sealer, true, NULL, &e), -ERR_BUSY);
	works_close(&w);
	works_open(&w);
	assert_int_equal(works_finish(&w).rows, 5000);
	works_free(&w);
}

static void rows_that_have_gone_from_the_store_are_told_and_not_passed_over(void **state)
{
	(void)state;
	struct works w;
	struct err e = ERR_INIT;
	works_new(&w);
	works_put(&w, 100, 0);
	(void)works_cut(&w, false);
	works_sql(&w, "UPDATE archive_span SET rows = rows + 1 WHERE kind = 'flow'");
	assert_int_equal(seal_finish(&w.sealer, NULL, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "101 rows arrived, 100 are there"));
	works_free(&w);
}

static void a_damaged_pack_stands_in_the_manifest_and_does_not_end_the_chain(void **state)
{
	(void)state;
	struct works w;
	struct buf b;
	works_new(&w);
	works_put(&w, 100, 50);
	works_put(&w, 0, 70);
	works_sql(&w, "UPDATE log_20261122 SET cols=x'01ff' WHERE id=(SELECT min(id) FROM log_20261122)");
	struct seal s = works_seal(&w);
	assert_true(s.rows >= 100 && s.rows < 220);
	assert_int_equal(s.gaps, 1);
	works_manifest(&w, 1, &b);
	char told[160];
	(void)snprintf(told, sizeof(told), "\"kind\":\"unreadable\",\"lost\":%llu,\"name\":\"log\"",
		       220 - (unsigned long long)s.rows);
	if (str_find(buf_view(&b), str_of(told)) < 0)
		fail_msg("%s is not in %s", told, b.p);
	buf_fini(&b);
	assert_int_equal(box_number(&w.box, "SELECT sum(rows) FROM archive_span"), (int64_t)s.rows);
	works_put(&w, 10, 0);
	assert_int_equal(works_seal(&w).rows, 10);
	works_free(&w);
}

/* ---- A database that is not the folder's. ---- */

static void a_new_database_makes_no_second_chain_over_the_first(void **state)
{
	(void)state;
	struct works w;
	struct err e = ERR_INIT;
	uint8_t before[32], after[32];
	char path[512];
	works_new(&w);
	works_put(&w, 100, 0);
	(void)works_seal(&w);
	(void)works_seal(&w);
	size_t files = works_sum(&w, before);
	works_close(&w);
	/* the database is lost; archive/ and keys/ are not */
	static const char *const parts[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		(void)snprintf(path, sizeof(path), "%s/tomsd.db%s", w.box.path, parts[i]);
		(void)unlink(path);
	}
	works_open(&w);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_seal"), 0);
	works_put(&w, 50, 0);
	assert_int_equal(cut_make(&w.sealer, false, NULL, &e), -ERR_EXISTS);
	assert_non_null(strstr(e.text, "manifest 1 of appliance ward-7"));
	assert_int_equal(works_sum(&w, after), files);
	assert_memory_equal(before, after, 32);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_seal"), 0);
	/* under another name it is another archive */
	w.sealer.appliance = "ward-7-second";
	assert_int_equal(works_seal(&w).rows, 50);
	works_free(&w);
}

static void a_database_set_back_does_not_seal_over_what_came_later(void **state)
{
	(void)state;
	struct works w;
	struct err e = ERR_INIT;
	uint8_t before[32], after[32];
	works_new(&w);
	(void)works_seal(&w);
	(void)works_seal(&w);
	(void)works_seal(&w);
	size_t files = works_sum(&w, before);
	works_sql(&w, "DELETE FROM archive_seal WHERE seq = 3"); /* behind the second seal */
	assert_int_equal(cut_make(&w.sealer, false, NULL, &e), -ERR_EXISTS);
	e = (struct err)ERR_INIT;
	works_sql(&w, "UPDATE archive_seal SET state = 'cut' WHERE seq = 2"); /* and in the middle of it */
	assert_int_equal(seal_finish(&w.sealer, NULL, &e), -ERR_EXISTS);
	assert_int_equal(works_sum(&w, after), files);
	assert_memory_equal(before, after, 32);
	works_free(&w);
}

static void a_manifest_without_its_signature_is_no_manifest(void **state)
{
	(void)state;
	struct works w;
	char key[ARCHIVE_KEY_MAX], path[ARCHIVE_PATH_MAX];
	works_new(&w);
	(void)works_seal(&w);
	works_sql(&w, "DELETE FROM archive_seal; DELETE FROM s3_object");
	archive_manifest_key(key, w.sealer.appliance, 1, ".sig");
	assert_true(archive_path(path, w.folder, key));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(works_seal(&w).seq, 1); /* as after a restore */
	works_free(&w);
}

/* ---- Time. ---- */

static const int64_t noon = INT64_C(1795348800) * NS_PER_S;

static struct seal sealed_at(int64_t until_ns, int64_t wall_ns, int64_t boot_ns)
{
	struct seal s = { .until_ns = until_ns, .wall_ns = wall_ns, .boot_ns = boot_ns, .boot_id = "a" };
	return s;
}

static void a_seal_begins_where_the_one_before_ended(void **state)
{
	(void)state;
	struct seal prev = sealed_at(noon, noon + NS_PER_S, 1000 * NS_PER_S);
	struct cut_time t = cut_time(&prev, 0, noon + HOUR_NS + 3 * NS_PER_S, 1000 * NS_PER_S + HOUR_NS + 2 * NS_PER_S,
				     "a");
	assert_int_equal(t.since_ns, noon);
	assert_int_equal(t.until_ns, noon + HOUR_NS); /* a cut right behind the hour is the hour's */
	assert_string_equal(t.clock, "steady");
	t = cut_time(NULL, noon + 5, noon + 1800 * NS_PER_S, 1, "a");
	assert_int_equal(t.since_ns, noon + 5);
	assert_int_equal(t.until_ns, noon + 1800 * NS_PER_S);
}

static void a_clock_set_back_seals_no_hour_twice(void **state)
{
	(void)state;
	int64_t boot = 5000 * NS_PER_S;
	struct seal prev = sealed_at(noon, noon, boot);
	/* an hour of its own clock later the wall says two hours before */
	struct cut_time t = cut_time(&prev, 0, noon - 2 * HOUR_NS, boot + HOUR_NS, "a");
	assert_string_equal(t.clock, "stepped_back");
	assert_int_equal(t.since_ns, noon);
	assert_int_equal(t.until_ns, noon);
	prev = sealed_at(noon, noon - 2 * HOUR_NS, boot + HOUR_NS);
	t = cut_time(&prev, 0, noon - HOUR_NS, boot + 2 * HOUR_NS, "a");
	assert_string_equal(t.clock, "behind");
	assert_int_equal(t.until_ns, noon);
	/* wrong by a month: the old time is given up */
	t = cut_time(&prev, 0, noon - 720 * HOUR_NS, boot + 2 * HOUR_NS, "a");
	assert_int_equal(t.until_ns, noon - 720 * HOUR_NS);
	/* and another start of the machine with an older clock */
	t = cut_time(&prev, 0, noon - 4 * HOUR_NS, 10 * NS_PER_S, "b");
	assert_string_equal(t.clock, "stepped_back");
}

static void a_clock_set_forth_is_told(void **state)
{
	(void)state;
	struct seal prev = sealed_at(noon, noon, 0);
	struct cut_time t = cut_time(&prev, 0, noon + 50 * HOUR_NS + 1, HOUR_NS, "a");
	assert_string_equal(t.clock, "stepped_forth");
	assert_int_equal(t.since_ns, noon);
	t = cut_time(&prev, 0, noon + HOUR_NS + 3 * NS_PER_S, HOUR_NS, "a");
	assert_string_equal(t.clock, "steady"); /* clocks that are slewed */
}

static void it_is_time_once_an_hour_by_one_clock_or_the_other(void **state)
{
	(void)state;
	int64_t boot = 5000 * NS_PER_S;
	struct seal prev = sealed_at(noon, noon, boot);
	assert_false(cut_is_due(&prev, 0, noon + 1800 * NS_PER_S, boot + 1800 * NS_PER_S, "a", 0));
	assert_true(cut_is_due(&prev, 0, noon + HOUR_NS, boot + HOUR_NS, "a", 0));
	/* the wall stands or goes back: the machine's own clock counts */
	assert_true(cut_is_due(&prev, 0, noon - HOUR_NS, boot + HOUR_NS, "a", 0));
	assert_false(cut_is_due(&prev, 0, noon - HOUR_NS, boot + HOUR_NS / 2, "a", 0));
	/* a clock that runs wild makes no seal every second */
	assert_false(cut_is_due(&prev, 0, noon + 9 * HOUR_NS, boot + 200 * NS_PER_S, "a", 0));
	assert_true(cut_is_due(&prev, 0, noon + 9 * HOUR_NS, boot + 300 * NS_PER_S, "a", 0));
	/* another start: at once when the last seal is of an earlier hour */
	assert_true(cut_is_due(&prev, 0, noon + 3 * HOUR_NS, NS_PER_S, "b", NS_PER_S));
	assert_false(cut_is_due(&prev, 0, noon + 60 * NS_PER_S, NS_PER_S, "b", NS_PER_S));
	/* the hour comes at its time, also when somebody sealed by hand a minute before */
	prev = sealed_at(noon + 3540 * NS_PER_S, noon + 3540 * NS_PER_S, boot);
	prev.by_hand = true;
	assert_true(cut_is_due(&prev, 0, noon + HOUR_NS, boot + 60 * NS_PER_S, "a", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_become_objects_and_a_signed_manifest),
		cmocka_unit_test(an_hour_without_rows_is_sealed_as_empty),
		cmocka_unit_test(late_rows_go_into_the_seal_of_the_hour_in_which_they_came),
		cmocka_unit_test(whatever_write_fails_the_next_try_comes_to_the_same_bytes),
		cmocka_unit_test(after_a_death_at_any_write_each_row_is_sealed_once),
		cmocka_unit_test(two_seals_in_one_hour_share_nothing),
		cmocka_unit_test(a_house_that_closes_goes_on_at_the_next_start),
		cmocka_unit_test(rows_that_have_gone_from_the_store_are_told_and_not_passed_over),
		cmocka_unit_test(a_damaged_pack_stands_in_the_manifest_and_does_not_end_the_chain),
		cmocka_unit_test(a_new_database_makes_no_second_chain_over_the_first),
		cmocka_unit_test(a_database_set_back_does_not_seal_over_what_came_later),
		cmocka_unit_test(a_manifest_without_its_signature_is_no_manifest),
		cmocka_unit_test(a_seal_begins_where_the_one_before_ended),
		cmocka_unit_test(a_clock_set_back_seals_no_hour_twice),
		cmocka_unit_test(a_clock_set_forth_is_told),
		cmocka_unit_test(it_is_time_once_an_hour_by_one_clock_or_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
