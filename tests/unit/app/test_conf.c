/* The configuration of the whole house: all errors in one go, sections of rooms to come, reload. */
#include "fixture.h"

static int pace_seen(struct app *a)
{
	return (int)conf_i64(app_conf(a), "store", "pace");
}

static void told_of_reload(struct app *a)
{
	tell("reload pace=%d\n", pace_seen(a));
}

static void flow_told(struct app *a UNUSED)
{
	tell("flow reload\n");
}

static const struct opt flow_opts[] = { { .name = "internal",
					  .type = OPT_TEXT,
					  .max = 64,
					  .flags = OPT_LIST | OPT_RELOAD,
					  .def = "10.0.0.0/8",
					  .doc = "Internal ranges." },
					{ .name = "threads",
					  .type = OPT_INT,
					  .min = 1,
					  .max = 64,
					  .def = "2",
					  .doc = "Threads." },
					OPT_END };
static const struct room sea = { .name = "store",
				 .opts = store_opts,
				 .reload = told_of_reload };
static const struct room river = { .name = "flow", .opts = flow_opts, .reload = flow_told };
static void places_told(struct app *a)
{
	const struct conf *c = app_conf(a);
	tell("places");
	for (size_t i = 0; i < conf_labels(c, "place"); i++)
		tell(" %s=%s", conf_label(c, "place", i),
		     conf_label_text(c, "place", conf_label(c, "place", i), "bucket"));
	tell("\n");
}

static const struct opt place_opts[] = { { .name = "bucket",
					   .type = OPT_TEXT,
					   .max = 64,
					   .def = "b",
					   .flags = OPT_RELOAD,
					   .doc = "Bucket." },
					 OPT_END };
static const struct room places = { .name = "place",
				    .opts = place_opts,
				    .opts_labelled = true,
				    .reload = places_told };
static const struct room *const rooms[] = { &sea, &river, &places, NULL };

static void conf(struct house *h, const char *rest)
{
	char text[4096];
	(void)snprintf(text, sizeof(text), "[store]\npath = %s\n%s", h->state, rest);
	house_conf(h, text);
}

static void sections_of_later_rooms_are_read_and_said_to_be_inactive(void **state)
{
	struct house *h = *state;
	conf(h,
	     "[appliance]\nid = toms-1\nname = 第一病院\ntimezone = Asia/Tokyo\n"
	     "[mail]\nserver = mail.example\nfrom = a@b.example\nto = c@d.example\nto = e@f.example\n"
	     "[fortigate \"fw1\"]\nurl = https://fw\ntoken = t\nverify = yes\n");
	house_start(h, APP_CHECK, rooms);
	assert_int_equal(house_end(h), 0);
	assert_non_null(strstr(h->err_text, "section not active in this version section=mail"));
	assert_non_null(
		strstr(h->err_text, "section not active in this version section=fortigate"));
}

static void every_error_is_told_in_one_go(void **state)
{
	struct house *h = *state;
	conf(h,
	     "pace = fast\n[flow]\nthreads = 65\n[fliw]\nx = 1\n[appliance]\nid = a b\ntimezone = Asia Tokyo\n");
	house_start(h, APP_CHECK, rooms);
	assert_int_equal(house_end(h), 1);
	assert_non_null(strstr(h->err_text, "tomsd.conf:3: [store] pace: "));
	assert_non_null(strstr(h->err_text, "tomsd.conf:5: [flow] threads: "));
	assert_non_null(strstr(h->err_text, "tomsd.conf:6:"));
	assert_non_null(strstr(h->err_text, "[appliance] id: "));
	assert_non_null(strstr(h->err_text, "[appliance] timezone: "));
	assert_non_null(
		strstr(h->err_text, ": 5 errors in the configuration, each on a line above\n"));
}

static void a_changed_option_reaches_its_room_and_only_it(void **state)
{
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "ready");
	conf(h, "pace = 7\n[flow]\nthreads = 3\n");
	(void)kill(h->pid, SIGHUP);
	house_says(h, "configuration read again rooms_told=1");
	(void)kill(h->pid, SIGTERM);
	assert_int_equal(house_end(h), 0);
	assert_string_equal(h->text, "reload pace=7\n");
	assert_non_null(
		strstr(h->err_text, "changed option needs a restart option=flow.threads"));
}

static void a_changed_list_is_a_change(void **state)
{
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "ready");
	conf(h, "[flow]\ninternal = 10.0.0.0/8\ninternal = 192.168.0.0/16\n");
	(void)kill(h->pid, SIGHUP);
	house_says(h, "flow reload\n");
	(void)kill(h->pid, SIGTERM);
	assert_int_equal(house_end(h), 0);
}

static void sections_with_labels_that_come_go_or_change_reach_their_room(void **state)
{
	struct house *h = *state;
	conf(h, "[place \"a\"]\n[place \"b\"]\n");
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "ready");
	conf(h, "[place \"a\"]\n[place \"b\"]\nbucket = b2\n");
	(void)kill(h->pid, SIGHUP);
	house_says(h, "places a=b b=b2\n");
	conf(h, "[place \"b\"]\nbucket = b2\n");
	(void)kill(h->pid, SIGHUP);
	house_says(h, "places b=b2\n");
	conf(h, "[place \"b\"]\nbucket = b2\n[place \"c\"]\n");
	(void)kill(h->pid, SIGHUP);
	house_says(h, "places b=b2 c=b\n");
	(void)kill(h->pid, SIGTERM);
	assert_int_equal(house_end(h), 0);
}

static void a_broken_file_is_refused_and_the_old_one_stays(void **state)
{
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "ready");
	conf(h, "pace = 700\n");
	(void)kill(h->pid, SIGHUP);
	house_says(h, "reload refused, the old configuration stays in force");
	conf(h, "pace = 70\n");
	(void)kill(h->pid, SIGHUP);
	house_says(h, "reload pace=70\n");
	(void)kill(h->pid, SIGTERM);
	assert_int_equal(house_end(h), 0);
	assert_string_equal(h->text, "reload pace=70\n");
	assert_non_null(strstr(h->err_text, "tomsd.conf:3: [store] pace: "));
}

static void a_file_that_is_not_there_is_an_error_with_its_name(void **state)
{
	struct house *h = *state;
	assert_int_equal(unlink(h->conf), 0);
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 1);
	assert_non_null(strstr(h->err_text, h->conf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)
		TEST(sections_of_later_rooms_are_read_and_said_to_be_inactive),
		TEST(every_error_is_told_in_one_go),
		TEST(a_changed_option_reaches_its_room_and_only_it),
		TEST(a_changed_list_is_a_change),
		TEST(sections_with_labels_that_come_go_or_change_reach_their_room),
		TEST(a_broken_file_is_refused_and_the_old_one_stays),
		TEST(a_file_that_is_not_there_is_an_error_with_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
