/* Keys: made once, sealed at rest, rotated, retired. */
#include "sealed.h"

static int newest(struct sql *db, void *arg, struct err *e)
{
	return keys_newest(db, arg, e);
}

static struct sign_key newest_key(struct works *w)
{
	struct err e = ERR_INIT;
	struct sign_key k;
	if (seal_read(w->box.st, newest, &k, &e))
		fail_msg("%s", e.text);
	return k;
}

static void a_key_is_made_once_and_stays(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	struct sign_key first = newest_key(&w);
	works_close(&w);
	works_open(&w);
	struct sign_key again = newest_key(&w);
	assert_string_equal(first.id, again.id);
	assert_memory_equal(first.public_key, again.public_key, sizeof(first.public_key));
	char id[KEY_ID_MAX];
	archive_key_id(first.public_key, id);
	assert_string_equal(first.id, id);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_key"), 1);
	works_free(&w);
}

static void a_private_key_lies_sealed_and_is_wiped_when_retired(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_key WHERE private_key LIKE 'v1:%'"), 1);
	(void)works_seal(&w);
	works_rotate(&w);
	(void)works_cut(&w, false);
	/* both are wanted until the manifest that tells of it is sealed */
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_key WHERE private_key <> ''"), 2);
	(void)works_finish(&w);
	assert_int_equal(box_number(&w.box, "SELECT count(*) FROM archive_key WHERE private_key <> ''"), 1);
	assert_int_equal(box_number(&w.box, "SELECT since_seq FROM archive_key WHERE private_key <> ''"), 2);
	works_free(&w);
}

static void one_rotation_waits_at_a_time(void **state)
{
	(void)state;
	struct works w;
	struct err e = ERR_INIT;
	works_new(&w);
	(void)works_seal(&w);
	works_rotate(&w);
	struct works_rotation r = { .house_key = w.house_key };
	assert_int_equal(store_write(w.box.st, works_rotate_, &r, &e), -ERR_BUSY);
	(void)works_seal(&w);
	works_rotate(&w);
	works_free(&w);
}

static void another_house_key_seals_nothing_and_says_why(void **state)
{
	(void)state;
	struct works w;
	struct err e = ERR_INIT;
	struct house_key *own;
	char other[160];
	works_new(&w);
	own = w.house_key;
	(void)snprintf(other, sizeof(other), "%s/other", w.box.path);
	assert_int_equal(file_mkdirs(other, 0700, &e), 0);
	assert_int_equal(house_key_load(&w.house_key, other, true, &e), 0);
	w.sealer.house_key = w.house_key;
	works_put(&w, 10, 0);
	(void)works_cut(&w, false);
	assert_true(seal_finish(&w.sealer, NULL, &e) < 0);
	assert_non_null(strstr(e.text, "house.key"));
	w.sealer.house_key = own; /* the right one is back: the same seal goes on */
	house_key_free(w.house_key);
	w.house_key = own;
	assert_int_equal(works_finish(&w).rows, 10);
	works_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_made_once_and_stays),
		cmocka_unit_test(a_private_key_lies_sealed_and_is_wiped_when_retired),
		cmocka_unit_test(one_rotation_waits_at_a_time),
		cmocka_unit_test(another_house_key_seals_nothing_and_says_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
