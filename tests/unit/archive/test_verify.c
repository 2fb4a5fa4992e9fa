/* The proof of a small archive: what is good is good, and what was done to it is found and named. */
#include "make.h"

static struct made a;
static struct asked k;

static int setup(void **state)
{
	(void)state;
	made_begin(&a, 130);
	a.rotate_at = 3;
	for (unsigned i = 0; i < 5; i++)
		made_seal(&a, i == 1 ? 0 : 2); /* the second hour is empty */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	made_end(&a);
	return 0;
}

static void ask(struct verify_ask with)
{
	struct err e = ERR_INIT;
	with.objects = true;
	with.rows = true;
	if (ask_folder(&a, with, &k, &e))
		fail_msg("%s", e.text);
}

static void manifest_key(uint64_t seq, const char *suffix, char key[128])
{
	(void)snprintf(key, 128, "_manifest/appliance=" MADE_APPLIANCE "/%010llu%s", (unsigned long long)seq, suffix);
}

static void drop(const char *key)
{
	char path[512];
	made_path(&a, key, path);
	assert_int_equal(unlink(path), 0);
}

static void copy(const char *from, const char *to)
{
	struct buf b;
	buf_init(&b, 1 << 26);
	made_read(&a, from, &b);
	made_write(&a, to, b.p, b.n);
	buf_fini(&b);
}

static void swap(const char *one, const char *two)
{
	copy(one, "x");
	copy(two, one);
	copy("x", two);
	drop("x");
}

static void finds(enum verify_fault fault, uint64_t seq)
{
	if (k.count[fault] == 0)
		fail_msg("no fault \"%s\", but %u others, first %s: %s: %s", verify_fault_names[fault], k.told,
			 verify_fault_names[k.r.first.fault], k.r.first.key, k.r.first.words);
	assert_int_equal(k.r.first.seq, seq);
}

static void a_good_archive_is_proven(void **state)
{
	(void)state;
	ask((struct verify_ask){ .public_key = a.keys[0].public_key, .has_head = true, .head_seq = 5 });
	finds(VERIFY_HEAD, 5); /* of a head that is all zeros */
	struct verify_ask with = { .public_key = a.keys[0].public_key, .has_head = true, .head_seq = 5 };
	memcpy(with.head_sha256, a.head, 32);
	ask(with);
	assert_int_equal(k.told, 0);
	assert_int_equal(k.r.manifests, 5);
	assert_int_equal(k.r.objects, 8);
	assert_int_equal(k.r.rows, 8 * 130);
	assert_int_equal(k.r.first_seq, 1);
	assert_int_equal(k.r.last_seq, 5);
	assert_int_equal(k.r.since_ns, MADE_BEGIN_NS);
	assert_int_equal(k.r.until_ns, MADE_BEGIN_NS + 5 * MADE_HOUR_NS);
	assert_memory_equal(k.r.head_sha256, a.head, 32);
	assert_memory_equal(k.r.root_key, a.keys[0].public_key, 32);
	/* The new key leads back to the first one, as the rotation is signed by both. */
	ask((struct verify_ask){ .public_key = a.keys[1].public_key });
	assert_int_equal(k.told, 0);
	ask((struct verify_ask){ .public_key = NULL });
	assert_int_equal(k.told, 0);
	assert_false(k.r.key_was_given);
}

static void another_key_is_not_this_ones(void **state)
{
	(void)state;
	uint8_t private_key[32], public_key[32];
	crypt_ed25519_new(private_key, public_key);
	ask((struct verify_ask){ .public_key = public_key });
	finds(VERIFY_KEY, 1);
	assert_int_equal(k.told, 1);
	assert_int_equal(k.r.first.since_ns, INT64_MIN);
	assert_int_equal(k.r.first.until_ns, INT64_MAX);
}

static void a_missing_object_is_named_with_its_hours(void **state)
{
	(void)state;
	drop(a.objects[3]);
	ask((struct verify_ask){ 0 });
	assert_int_equal(k.told, 1);
	finds(VERIFY_MISSING, 3);
	assert_string_equal(k.r.first.key, a.objects[3]);
	assert_int_equal(k.r.first.since_ns, MADE_BEGIN_NS + 2 * MADE_HOUR_NS);
	assert_int_equal(k.r.first.until_ns, MADE_BEGIN_NS + 3 * MADE_HOUR_NS);
}

static bool all_but_first(void *arg, const char *key)
{
	(void)arg;
	return strcmp(key, a.objects[0]) != 0;
}

static void what_is_kept_elsewhere_may_be_missing(void **state)
{
	(void)state;
	drop(a.objects[3]);
	drop(a.objects[5]);
	ask((struct verify_ask){ .elsewhere = all_but_first });
	assert_int_equal(k.told, 0);
	assert_int_equal(k.r.elsewhere, 2);
	drop(a.objects[0]);
	ask((struct verify_ask){ .elsewhere = all_but_first });
	finds(VERIFY_MISSING, 1);
}

static void a_missing_manifest_makes_the_hours_between_doubtful(void **state)
{
	(void)state;
	char key[128];
	manifest_key(4, ".json", key);
	drop(key);
	ask((struct verify_ask){ 0 });
	finds(VERIFY_MISSING, 4);
	assert_string_equal(k.r.first.key, key);
	assert_int_equal(k.r.first.since_ns, MADE_BEGIN_NS + 3 * MADE_HOUR_NS);
	assert_int_equal(k.r.first.until_ns, MADE_BEGIN_NS + 4 * MADE_HOUR_NS);
	manifest_key(4, ".sig", key);
	drop(key);
	ask((struct verify_ask){ 0 });
	finds(VERIFY_MISSING, 4);
	assert_int_equal(k.r.first.since_ns, MADE_BEGIN_NS + 3 * MADE_HOUR_NS);
	assert_int_equal(k.r.first.until_ns, MADE_BEGIN_NS + 4 * MADE_HOUR_NS);
}

static void the_first_manifests_may_not_be_missing(void **state)
{
	(void)state;
	char key[128];
	for (uint64_t seq = 1; seq <= 2; seq++) {
		manifest_key(seq, ".json", key);
		drop(key);
		manifest_key(seq, ".sig", key);
		drop(key);
	}
	ask((struct verify_ask){ 0 });
	finds(VERIFY_MISSING, 1);
	assert_true(strstr(k.r.first.words, "1 to 2"));
	assert_int_equal(k.r.first.since_ns, INT64_MIN);
	assert_int_equal(k.r.first.until_ns, MADE_BEGIN_NS + 2 * MADE_HOUR_NS);
}

static void a_missing_signature_is_missed(void **state)
{
	(void)state;
	char key[128];
	for (uint64_t seq = 5; seq >= 1; seq--) {
		manifest_key(seq, ".sig", key);
		drop(key);
		ask((struct verify_ask){ 0 });
		finds(VERIFY_MISSING, seq);
		assert_string_equal(k.r.first.key, key);
	}
}

static void a_cut_tail_shows_by_the_head_known_from_outside(void **state)
{
	(void)state;
	struct verify_ask with = { .has_head = true, .head_seq = 5 };
	char key[128];
	memcpy(with.head_sha256, a.head, 32);
	for (uint64_t seq = 5; seq >= 4; seq--) {
		manifest_key(seq, ".json", key);
		drop(key);
		manifest_key(seq, ".sig", key);
		drop(key);
	}
	for (size_t i = 4; i < 8; i++)
		drop(a.objects[i]);
	ask((struct verify_ask){ 0 });
	assert_int_equal(k.told, 0); /* nothing inside tells */
	ask(with);
	finds(VERIFY_HEAD, 4);
	assert_int_equal(k.r.first.since_ns, MADE_BEGIN_NS + 3 * MADE_HOUR_NS);
	assert_int_equal(k.r.first.until_ns, INT64_MAX);
}

static void a_head_in_front_of_a_part_was_not_held_against_anything(void **state)
{
	(void)state;
	struct verify_ask with = { .part = true, .has_head = true, .head_seq = 1 };
	char key[128];
	made_seal(&a, 1);
	manifest_key(1, ".json", key);
	drop(key);
	manifest_key(1, ".sig", key);
	drop(key);
	ask(with);
	finds(VERIFY_HEAD, 1);
	assert_int_equal(k.count[VERIFY_HEAD], 1);
}

static void swapped_objects_and_manifests_are_found(void **state)
{
	(void)state;
	char one[128], two[128];
	swap(a.objects[0], a.objects[7]);
	ask((struct verify_ask){ 0 });
	assert_int_equal(k.told, 2);
	assert_true(k.count[VERIFY_HASH] + k.count[VERIFY_SIZE] == 2);
	assert_int_equal(k.r.first.seq, 1);
	swap(a.objects[0], a.objects[7]);
	for (int sig = 0; sig < 2; sig++) {
		manifest_key(4, sig ? ".sig" : ".json", one);
		manifest_key(5, sig ? ".sig" : ".json", two);
		swap(one, two);
		ask((struct verify_ask){ 0 });
		if (sig == 0)
			finds(VERIFY_HASH, 4);
		else
			finds(VERIFY_NAME, 4);
	}
}

static void two_manifests_of_one_number_are_found(void **state)
{
	(void)state;
	char from[128], to[128];
	for (int sig = 0; sig < 2; sig++) {
		manifest_key(5, sig ? ".sig" : ".json", from);
		manifest_key(6, sig ? ".sig" : ".json", to);
		copy(from, to);
	}
	ask((struct verify_ask){ 0 });
	finds(VERIFY_NAME, 6);
	/* Or beside it, under a name that is none. */
	for (int sig = 0; sig < 2; sig++) {
		manifest_key(6, sig ? ".sig" : ".json", to);
		drop(to);
	}
	manifest_key(5, ".json", from);
	copy(from, "_manifest/appliance=" MADE_APPLIANCE "/5.json");
	ask((struct verify_ask){ 0 });
	assert_int_equal(k.told, 1);
	assert_int_equal(k.count[VERIFY_STRANGER], 1);
}

static void a_stranger_is_told(void **state)
{
	(void)state;
	static const char *const names[] = {
		"kind=flow/appliance=" MADE_APPLIANCE "/dt=2026-11-22/hour=09/0000000001-0123456789abcdef.parquet",
		"kind=flow/appliance=" MADE_APPLIANCE "/dt=2026-11-22/hour=09/more.parquet",
		"kind=flow/x.parquet",
		"_manifest/x",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		made_write(&a, names[i], "PAR1", 4);
		ask((struct verify_ask){ 0 });
		assert_int_equal(k.told, 1);
		assert_int_equal(k.count[VERIFY_STRANGER], 1);
		drop(names[i]);
	}
	made_write(&a, ".new/flow", "x", 1);
	made_write(&a, "README", "x", 1);
	ask((struct verify_ask){ 0 });
	assert_int_equal(k.told, 0);
	/* Deeper than any name of ours: told once, not gone into. */
	made_write(&a, "kind=flow/appliance=" MADE_APPLIANCE "/dt=2026-11-22/hour=09/a/b/c/d/e/f/g/h/i.parquet", "x", 1);
	ask((struct verify_ask){ 0 });
	assert_int_equal(k.count[VERIFY_STRANGER], 1);
}

static void while_sealing_goes_on_the_next_number_is_no_stranger(void **state)
{
	(void)state;
	char key[128];
	made_write(&a, "kind=flow/appliance=" MADE_APPLIANCE "/dt=2026-11-22/hour=09/0000000006-0123456789abcdef.parquet", "x", 1);
	manifest_key(6, ".json", key);
	made_write(&a, key, "{}", 2);
	ask((struct verify_ask){ .live = true });
	assert_int_equal(k.told, 0);
	assert_int_equal(k.r.last_seq, 5);
	ask((struct verify_ask){ .live = false });
	assert_true(k.count[VERIFY_MISSING] && k.count[VERIFY_STRANGER]);
}

static void a_renamed_object_is_missing_and_a_stranger(void **state)
{
	(void)state;
	char from[512], to[512], name[256];
	(void)snprintf(name, sizeof(name), "%s", a.objects[2]);
	char *dash = strrchr(name, '-');
	dash[1] = dash[1] == '0' ? '1' : '0';
	made_path(&a, a.objects[2], from);
	made_path(&a, name, to);
	assert_int_equal(rename(from, to), 0);
	ask((struct verify_ask){ 0 });
	assert_int_equal(k.told, 2);
	assert_true(k.count[VERIFY_MISSING] && k.count[VERIFY_STRANGER]);
	assert_string_equal(k.r.first.key, a.objects[2]);
}

/* Who owns the appliance makes all of it again, with a key of his own. */
static void an_archive_signed_again_with_another_key_is_found(void **state)
{
	(void)state;
	struct made_key was = a.keys[0];
	struct verify_ask with = { .public_key = was.public_key, .has_head = true, .head_seq = 5 };
	memcpy(with.head_sha256, a.head, 32);
	made_end(&a);
	made_begin(&a, 130);
	for (unsigned i = 0; i < 5; i++)
		made_seal(&a, i == 1 ? 0 : 2);
	ask(with);
	finds(VERIFY_KEY, 1);
	assert_int_equal(k.count[VERIFY_HEAD], 1);
	ask((struct verify_ask){ 0 });
	assert_int_equal(k.told, 0); /* without key and head nothing is known from outside */
}

static void a_key_that_is_slipped_in_is_found(void **state)
{
	(void)state;
	struct buf b;
	char key[128];
	/* The newest manifest, signed by a stranger who says nothing about it. */
	made_key_new(&a);
	buf_init(&b, 1 << 22);
	manifest_key(5, ".json", key);
	made_read(&a, key, &b);
	made_sign(&a, 5, &b, 1);
	ask((struct verify_ask){ 0 });
	finds(VERIFY_KEY, 5);
	assert_int_equal(k.told, 1);
	buf_fini(&b);
	/* A next one that brings the new key, without the old one's signature. */
	a.n_keys--;
	buf_init(&b, 1 << 22);
	made_read(&a, key, &b);
	made_sign(&a, 5, &b, 1);
	buf_fini(&b);
	made_key_new(&a);
	a.rotate_at = 0;
	made_seal(&a, 1);
	ask((struct verify_ask){ 0 });
	finds(VERIFY_KEY, 6);
}

static void a_receipt_that_tells_another_sum_is_found(void **state)
{
	(void)state;
	char receipts[1024];
	(void)snprintf(receipts, sizeof(receipts),
		       "{\"place\":\"tokyo\",\"key\":\"%s\",\"version_id\":\"v1\",\"bytes\":1,\"sha256\":"
		       "\"0000000000000000000000000000000000000000000000000000000000000000\",\"lock\":\"COMPLIANCE\","
		       "\"retain_until\":null,\"proven_at\":\"2026-11-22T10:00:00Z\"},"
		       "{\"place\":\"tokyo\",\"key\":\"_manifest/appliance=" MADE_APPLIANCE "/0000000001.tsr\",\"version_id\":\"\","
		       "\"bytes\":1,\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\","
		       "\"lock\":\"NONE\",\"retain_until\":\"2027-11-22T10:00:00Z\",\"proven_at\":\"2026-11-22T10:00:00Z\"}",
		       a.objects[1]);
	a.receipts = receipts;
	made_seal(&a, 1);
	ask((struct verify_ask){ 0 });
	finds(VERIFY_HASH, 6);
	assert_int_equal(k.count[VERIFY_MISSING], 1); /* the stamp that was proven */
	assert_int_equal(k.told, 2);
}

static void names_that_lead_out_of_the_folder_are_not_opened(void **state)
{
	(void)state;
	static const char *const bad[] = { "/etc/passwd", "kind=flow/../../../etc/passwd", "kind=flow/appliance=ward7/dt=2026-11-22/hour=09/../../0000000001-0123456789abcdef.parquet",
					   "kind=../appliance=ward7/dt=2026-11-22/hour=09/0000000006-0123456789abcdef.parquet", "" };
	char json[2048], key[128];
	struct buf objects;
	manifest_key(6, ".json", key);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		buf_init(&objects, 1 << 16);
		(void)snprintf(json, sizeof(json), "{\"key\":\"%s\",\"kind\":\"flow\",\"sha256\":"
			       "\"0123456789abcdef000000000000000000000000000000000000000000000000\",\"bytes\":1,\"rows\":0,\"first_id\":1,"
			       "\"last_id\":1,\"days\":[],\"since\":\"2026-11-22T10:00:00Z\",\"until\":\"2026-11-22T10:00:00Z\",\"merkle_root\":"
			       "\"0123456789abcdef000000000000000000000000000000000000000000000000\",\"row_groups\":1,"
			       "\"lock\":{\"mode\":\"NONE\",\"keep_s\":0}}", bad[i]);
		buf_cstr(&objects, json);
		a.seq = 6;
		uint8_t head[32];
		memcpy(head, a.head, 32);
		made_manifest(&a, &objects, 0, MADE_BEGIN_NS + 5 * MADE_HOUR_NS, 1);
		memcpy(a.head, head, 32);
		ask((struct verify_ask){ 0 });
		finds(VERIFY_NAME, 6);
		assert_int_equal(k.told, 1);
		buf_fini(&objects);
	}
}

static void a_link_in_the_folder_is_not_followed(void **state)
{
	(void)state;
	char path[512], to[512];
	made_path(&a, a.objects[0], path);
	made_path(&a, "hidden", to);
	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink(to, path), 0);
	ask((struct verify_ask){ 0 });
	finds(VERIFY_MISSING, 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	ask((struct verify_ask){ 0 });
	finds(VERIFY_MISSING, 1);
}

/* Manifests that are signed, but do not say what is in the files. */
static void a_manifest_that_lies_about_rows_is_found(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		enum verify_fault fault;
	} lies[] = {
		{ "\"rows\":130,\"sha256\"", "\"rows\":131,\"sha256\"", VERIFY_ROWS },
		{ "\"row_groups\":3", "\"row_groups\":4", VERIFY_ROWS },
		{ "\"merkle_root\":\"", "\"merkle_root\":\"00000000", VERIFY_MERKLE },
		{ "\"until\":\"2026-11-22T11:02:09.000000001Z\"", "\"until\":\"2026-11-22T11:02:09.000000002Z\"", VERIFY_ROWS },
		{ "\"first_id\":\"261\"", "\"first_id\":\"262\"", VERIFY_ROWS },
		{ "\"after\":\"260\"", "\"after\":\"259\"", VERIFY_ROWS },
		{ "\"capture_minute\":260", "\"capture_minute\":261", VERIFY_ROWS },
		{ "\"previous\":{\"seq\":2", "\"previous\":{\"seq\":1", VERIFY_CHAIN },
		{ "\"since\":\"2026-11-22T11:00:00Z\",\"until\":\"2026-11-22T12", "\"since\":\"2026-11-22T11:00:01Z\",\"until\":\"2026-11-22T12", VERIFY_SEQUENCE },
	};
	char key[128];
	manifest_key(3, ".json", key);
	struct buf was, now;
	buf_init(&was, 1 << 22);
	buf_init(&now, 1 << 22);
	made_read(&a, key, &was);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		ptrdiff_t at = str_find(buf_view(&was), str_of(lies[i].from));
		if (at < 0)
			fail_msg("%s is not in %s", lies[i].from, was.p);
		size_t skip = strlen(lies[i].from);
		if (lies[i].fault == VERIFY_MERKLE)
			skip += 8;
		buf_reset(&now);
		buf_put(&now, was.p, (size_t)at);
		buf_cstr(&now, lies[i].to);
		buf_put(&now, was.p + at + skip, was.n - (size_t)at - skip);
		made_write(&a, key, now.p, now.n);
		made_sign(&a, 3, &now, 2);
		ask((struct verify_ask){ 0 });
		finds(lies[i].fault, 3);
	}
	buf_fini(&was);
	buf_fini(&now);
}

static bool stop_soon(void *arg, uint64_t done, uint64_t total, const char *key)
{
	(void)done;
	(void)total;
	(void)key;
	return --*(int *)arg > 0;
}

static void it_ends_when_told(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	for (int steps = 1; steps < 13; steps++) {
		int left = steps;
		struct verify_ask with = { .objects = true, .progress = stop_soon, .arg = &left };
		assert_int_equal(ask_folder(&a, with, &k, &e), -ERR_CLOSED);
	}
}

static void an_empty_folder_and_two_appliances_are_said(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	copy("_manifest/appliance=" MADE_APPLIANCE "/0000000001.json", "_manifest/appliance=other/0000000001.json");
	assert_int_equal(ask_folder(&a, (struct verify_ask){ .objects = true }, &k, &e), -ERR_INVALID);
	assert_true(strstr(e.text, "other") && strstr(e.text, MADE_APPLIANCE));
	ask((struct verify_ask){ .appliance = MADE_APPLIANCE });
	assert_int_equal(k.told, 0);
	assert_int_equal(ask_folder(&a, (struct verify_ask){ .appliance = "nobody" }, &k, &e), -ERR_NOTFOUND);
	assert_int_equal(archive_from_folder(&(struct archive_from *){ NULL }, "/nowhere/at/all", &e), -ERR_NOTFOUND);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_good_archive_is_proven),
		CASE(another_key_is_not_this_ones),
		CASE(a_missing_object_is_named_with_its_hours),
		CASE(what_is_kept_elsewhere_may_be_missing),
		CASE(a_missing_manifest_makes_the_hours_between_doubtful),
		CASE(the_first_manifests_may_not_be_missing),
		CASE(a_missing_signature_is_missed),
		CASE(a_cut_tail_shows_by_the_head_known_from_outside),
		CASE(a_head_in_front_of_a_part_was_not_held_against_anything),
		CASE(swapped_objects_and_manifests_are_found),
		CASE(two_manifests_of_one_number_are_found),
		CASE(a_stranger_is_told),
		CASE(while_sealing_goes_on_the_next_number_is_no_stranger),
		CASE(a_renamed_object_is_missing_and_a_stranger),
		CASE(an_archive_signed_again_with_another_key_is_found),
		CASE(a_key_that_is_slipped_in_is_found),
		CASE(a_receipt_that_tells_another_sum_is_found),
		CASE(names_that_lead_out_of_the_folder_are_not_opened),
		CASE(a_link_in_the_folder_is_not_followed),
		CASE(a_manifest_that_lies_about_rows_is_found),
		CASE(it_ends_when_told),
		CASE(an_empty_folder_and_two_appliances_are_said),
	};
	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
