/* What a place is made of: fields that are checked, secrets that open nowhere else, the file before the panel. */
#include "place_store.h"

static void a_lock_is_a_mode_and_a_time_within_ten_years(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum s3_lock lock;
		int64_t days;
	} good[] = {
		{ "compliance 1y", S3_LOCK_COMPLIANCE, 365 },
		{ "governance 400d", S3_LOCK_GOVERNANCE, 400 },
		{ " compliance  24h ", S3_LOCK_COMPLIANCE, 1 },
		{ "compliance 10y", S3_LOCK_COMPLIANCE, 3650 },
		{ "compliance 2w", S3_LOCK_COMPLIANCE, 14 },
		{ "off", S3_LOCK_NONE, 0 },
	};
	static const char *const bad[] = { "",
					   "compliance",
					   "compliance 1",
					   "compliance 1m",
					   "compliance 11y",
					   "1y",
					   "Compliance 1y",
					   "off 1y",
					   "compliance y",
					   "compliance 1y x",
					   "compliance -1y",
					   "compliance 99999999y" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = ERR_INIT;
		enum s3_lock lock = S3_LOCK_NONE;
		int64_t keep_ns = -1;
		if (place_lock_parse(str_of(good[i].text), &lock, &keep_ns, &e) != 0)
			fail_msg("%s: %s", good[i].text, e.text);
		assert_int_equal(lock, good[i].lock);
		assert_int_equal(keep_ns, good[i].days * DAY);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;
		if (place_lock_check(str_of(bad[i]), &e) == 0)
			fail_msg("%s is taken", bad[i]);
		assert_true(e.text[0] != '\0');
	}
	/* every prefix of a good one is judged, too */
	for (size_t n = 0; n < strlen("compliance 400d"); n++) {
		struct err e = ERR_INIT;
		int rc = place_lock_check(str_n("compliance 400d", n), &e);
		assert_true(rc == 0 || e.text[0]);
	}
}

static void an_endpoint_is_https_and_ends_after_its_port(void **state)
{
	(void)state;
	static const char *const good[] = { "https://s3.ap-northeast-1.amazonaws.com",
					    "https://minio.hospital:9000",
					    "https://[2001:db8::1]:9000",
					    "http://127.0.0.1:9000", "http://localhost:9000",
					    "http://[::1]:9000", "http://127.0.0.1" };
	static const char *const bad[] = { "",
					   "https://",
					   "s3.example",
					   "http://s3.example",
					   "http://127.s3.example",
					   "http://127.0.0.1.s3.example:80",
					   "http://localhost.s3.example",
					   "http://[::1].s3.example",
					   "http://[::1]s3.example",
					   "ftp://x",
					   "https://s3.example/",
					   "https://s3.example/b",
					   "https://u:p@s3.example",
					   "https://s3.example?x",
					   "https://s3 example" };
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (place_endpoint_check(str_of(good[i]), &e) != 0)
			fail_msg("%s: %s", good[i], e.text);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (place_endpoint_check(str_of(bad[i]), &e) == 0)
			fail_msg("%s is taken", bad[i]);
	assert_int_not_equal(place_bucket_check(str_n("ab\0c", 4), &e), 0);
	assert_int_not_equal(place_prefix_check(STR("/a"), &e), 0);
	assert_int_not_equal(place_prefix_check(STR("a/"), &e), 0);
	assert_int_not_equal(place_prefix_check(STR("a//b"), &e), 0);
	assert_int_not_equal(place_prefix_check(STR("../a"), &e), 0);
	assert_int_equal(place_prefix_check(STR("toms/site=one"), &e), 0);
	assert_int_equal(place_prefix_check(STR(""), &e), 0);
	assert_int_not_equal(place_name_check(STR("a/b"), &e), 0);
	assert_int_not_equal(place_name_check(STR(""), &e), 0);
}

static void the_bucket_stands_in_front_of_amazons_host_only(void **state)
{
	(void)state;
	struct places ps = { .n = 0 };
	place_make(&ps, "tokyo", "logs");
	struct place *p = &ps.all[0];
	assert_true(p->c.path_style);
	(void)str_copy(p->c.endpoint, sizeof(p->c.endpoint),
		       STR("https://s3.ap-northeast-1.amazonaws.com"));
	place_settle(p);
	assert_false(p->c.path_style);
	(void)str_copy(p->c.bucket, sizeof(p->c.bucket), STR("with.dot"));
	place_settle(p);
	assert_true(p->c.path_style);
	p->style = STYLE_HOST;
	place_settle(p);
	assert_false(p->c.path_style);
}

static void a_place_says_what_it_lacks(void **state)
{
	(void)state;
	struct places ps = { .n = 0 };
	place_make(&ps, "tokyo", "logs");
	assert_string_equal(ps.all[0].problem, "");
	ps.all[0].c.secret_key[0] = '\0';
	place_settle(&ps.all[0]);
	assert_string_equal(ps.all[0].problem, "secret");
	ps.all[0].c.bucket[0] = '\0';
	place_settle(&ps.all[0]);
	assert_string_equal(ps.all[0].problem, "incomplete");
}

static int put_row(struct sql *db, void *arg, struct err *e)
{
	return place_insert(db, arg, e);
}

static int change_row(struct sql *db, void *arg, struct err *e)
{
	return place_update(db, arg, e);
}

static int drop_row(struct sql *db, void *arg, struct err *e)
{
	return place_delete(db, arg, e);
}

static int take_name(void *arg, const char *name)
{
	struct buf *b = arg;
	buf_fmt(b, "%s ", name);
	return 0;
}

static struct conf *conf_of(const char *text)
{
	struct conf *c = NULL;
	struct buf errors;
	const struct conf_section s3 = { "s3", place_opts, true };
	buf_init(&errors, 1u << 16);
	if (conf_load_text(&c, "test.conf", str_of(text), &s3, 1, NULL, &errors) != 0)
		fail_msg("%s", errors.p);
	buf_fini(&errors);
	return c;
}

static void a_secret_of_the_panel_opens_for_its_own_place_only(void **state)
{
	struct kept_store *k = *state;
	struct err e = ERR_INIT;
	struct house_key *key = NULL;
	struct places ps = { .n = 0 }, back = { .n = 0 };
	struct buf sealed;
	buf_init(&sealed, 4096);
	assert_int_equal(house_key_load(&key, k->path, true, &e), 0);
	place_make(&ps, "osaka", "logs");
	ps.all[0].c.bytes_per_s = 12345;
	ps.all[0].created_ns = ps.all[0].changed_ns = NOW;
	assert_int_equal(place_seal(key, "osaka", STR("geheim/+="), &sealed, &e), 0);
	assert_int_equal(str_find(buf_view(&sealed), STR("geheim")), -1);
	struct place_row row = { &ps.all[0], buf_view(&sealed) };
	write_it(k, put_row, &row);
	/* the same words in another place's row do not open */
	struct places other = { .n = 0 };
	place_make(&other, "nagoya", "logs2");
	struct place_row stolen = { &other.all[0], buf_view(&sealed) };
	write_it(k, put_row, &stolen);
	struct sql *db = read_begin(k);
	assert_int_equal(places_of_panel(db, key, &back, &e), 0);
	assert_int_equal(back.n, 2);
	assert_string_equal(places_find(&back, "osaka")->c.secret_key, "geheim/+=");
	assert_string_equal(places_find(&back, "osaka")->problem, "");
	assert_int_equal(places_find(&back, "osaka")->c.bytes_per_s, 12345);
	assert_string_equal(places_find(&back, "nagoya")->problem, "secret");
	store_read_end(k->st, db);
	/* a change without a secret keeps the old one */
	(void)str_copy(ps.all[0].c.bucket, sizeof(ps.all[0].c.bucket), STR("moved"));
	struct place_row change = { &ps.all[0], STR("") };
	write_it(k, change_row, &change);
	char gone[] = "nagoya";
	write_it(k, drop_row, gone);
	db = read_begin(k);
	back.n = 0;
	assert_int_equal(places_of_panel(db, key, &back, &e), 0);
	assert_int_equal(back.n, 1);
	assert_string_equal(back.all[0].c.bucket, "moved");
	assert_string_equal(back.all[0].c.secret_key, "geheim/+=");
	store_read_end(k->st, db);
	places_fini(&back);
	assert_string_equal(back.all[0].c.secret_key, "");
	buf_fini(&sealed);
	house_key_free(key);
}

static void the_file_comes_before_the_panel(void **state)
{
	struct kept_store *k = *state;
	struct err e = ERR_INIT;
	struct house_key *key = NULL;
	struct places ps = { .n = 0 };
	struct s3_conf out;
	struct buf names, sealed;
	struct conf *c = conf_of(
		"[s3 \"tokyo\"]\nendpoint = https://s3.example\nbucket = of-file\naccess_key = a\n"
		"secret_key = b\nobject_lock = governance 30d\nbandwidth = 2M\n[s3 \"bad name\"]\n");
	assert_int_equal(house_key_load(&key, k->path, true, &e), 0);
	buf_init(&sealed, 4096);
	assert_int_equal(place_seal(key, "osaka", STR("s"), &sealed, &e), 0);
	place_make(&ps, "tokyo", "of-panel");
	place_make(&ps, "osaka", "of-panel");
	for (size_t i = 0; i < ps.n; i++) {
		struct place_row row = { &ps.all[i], buf_view(&sealed) };
		write_it(k, put_row, &row);
	}
	struct sql *db = read_begin(k);
	buf_init(&names, 1024);
	assert_int_equal(s3_places(c, db, take_name, &names, &e), 0);
	assert_string_equal(names.p, "tokyo osaka ");
	assert_int_equal(s3_place_conf(c, db, key, "tokyo", &out, &e), 0);
	assert_string_equal(out.bucket, "of-file");
	assert_int_equal(out.lock, S3_LOCK_GOVERNANCE);
	assert_int_equal(out.keep_ns, 30 * DAY);
	assert_int_equal(out.bytes_per_s, 2 << 20);
	assert_int_equal(s3_place_conf(c, db, key, "osaka", &out, &e), 0);
	assert_string_equal(out.secret_key, "s");
	assert_int_equal(s3_place_conf(c, db, key, "kobe", &out, &e), -ERR_NOTFOUND);
	store_read_end(k->st, db);
	struct places of_file = { .n = 0 };
	struct err words = ERR_INIT;
	assert_int_not_equal(places_of_conf(c, &of_file, &words), 0);
	assert_non_null(strstr(words.text, "bad name"));
	assert_int_equal(of_file.n, 1);
	buf_fini(&names);
	buf_fini(&sealed);
	house_key_free(key);
	conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_is_a_mode_and_a_time_within_ten_years),
		cmocka_unit_test(an_endpoint_is_https_and_ends_after_its_port),
		cmocka_unit_test(the_bucket_stands_in_front_of_amazons_host_only),
		cmocka_unit_test(a_place_says_what_it_lacks),
		cmocka_unit_test_setup_teardown(
			a_secret_of_the_panel_opens_for_its_own_place_only, store_begin,
			store_end),
		cmocka_unit_test_setup_teardown(the_file_comes_before_the_panel, store_begin,
						store_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
