/* What the house says of itself: status, counters, health, jobs, map. */
#include "fixture.h"

#include "tomsd/base/json.h"

static _Atomic uint64_t packets, backlog, drops_a, drops_b;
static const struct counter counters[] = {
	{ "capture_packets_total", "Packets taken.", false, &packets },
	{ "capture_backlog", "Waiting.", true, &backlog },
	{ "capture_drops_total{interface=\"eth0\"}", "Dropped.", false, &drops_a },
	{ "capture_drops_total{interface=\"eth1\"}", "Dropped.", false, &drops_b },
	COUNTER_END
};

static void room_says(struct app *a UNUSED, struct json *j)
{
	json_kv_u64(j, "interfaces", 2);
}

static int job_runs;
static int good_job(struct app *a UNUSED, struct err *e UNUSED)
{
	return 0;
}
static int bad_job(struct app *a, struct err *e)
{
	if (++job_runs == 2)
		app_request_stop(a);
	return err_set(e, ERR_IO, "no paper");
}
static const struct job jobs[] = { { "tidy", NS_PER_MS, good_job },
				   { "print", 2 * NS_PER_MS, bad_job },
				   JOB_END };

static const struct thread_doc threads[] = { { "capture/I", "reads frames" }, THREAD_END };
static const struct edge edges[] = {
	{ "kernel -> capture", "frames", "the kernel drops and counts" }, EDGE_END
};
static const struct room sea = { .name = "store", .opts = store_opts };
static const struct room spring = { .name = "capture",
				    .counters = counters,
				    .status = room_says,
				    .jobs = jobs,
				    .threads = threads,
				    .edges = edges };
static const struct room *const rooms[] = { &sea, &spring, NULL };

static struct app *new_app(struct house *h)
{
	struct app *a = NULL;
	struct err e = ERR_INIT;
	struct app_setup s = { .mode = APP_DAEMON, .conf_path = h->conf, .rooms = rooms };
	assert_int_equal(app_new(&a, &s, &e), 0);
	return a;
}

static void status_is_one_json_object_with_every_room(void **state)
{
	struct app *a = new_app(*state);
	struct buf b;
	struct json j;
	struct json_doc d;
	struct err e = ERR_INIT;
	buf_init(&b, 1u << 20);
	json_init(&j, &b);
	counter_add(&packets, 5);
	app_room_health(a, &spring, false, "eth0: %s", "gone");
	app_status_json(a, &j);
	assert_int_equal(json_parse(buf_view(&b), 4096, &d, &e), 0);
	const struct json_node *list = json_get(&d, d.nodes, "rooms");
	assert_non_null(json_get(&d, list, "store"));
	const struct json_node *room = json_get(&d, list, "capture");
	char text[64];
	int64_t n;
	assert_true(json_text(json_get(&d, room, "last_error"), text, sizeof(text)));
	assert_string_equal(text, "eth0: gone");
	assert_int_equal(json_get(&d, room, "healthy")->type, JSON_FALSE);
	assert_true(json_int(
		json_get(&d, json_get(&d, room, "counters"), "capture_packets_total"), &n));
	assert_int_equal(n, 5);
	assert_non_null(json_get(&d, json_get(&d, room, "per_second"), "capture_packets"));
	assert_null(json_get(&d, json_get(&d, room, "per_second"), "capture_backlog"));
	assert_int_equal(json_get(&d, d.nodes, "healthy")->type, JSON_FALSE);
	assert_true(json_int(json_get(&d, d.nodes, "memory_bytes"), &n));
	assert_true(n > 100000);
	json_doc_fini(&d);
	buf_fini(&b);
	app_free(a);
}

static void a_room_that_is_well_again_keeps_its_last_error(void **state)
{
	struct app *a = new_app(*state);
	char words[64];
	int64_t ill_ns, well_ns;
	app_room_health(a, &spring, false, "eth0: gone");
	assert_false(app_room_is_healthy(a, &spring, words, sizeof(words), &ill_ns));
	app_room_health(a, &spring, false, "eth0: still gone");
	assert_false(app_room_is_healthy(a, &spring, words, sizeof(words), &well_ns));
	assert_true(well_ns == ill_ns); /* since: when it fell ill */
	app_room_health(a, &spring, true, NULL);
	assert_true(app_room_is_healthy(a, &spring, words, sizeof(words), &well_ns));
	assert_string_equal(words, "eth0: still gone");
	assert_true(well_ns >= ill_ns);
	app_free(a);
}

static size_t times(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void metrics_are_prometheus_text(void **state)
{
	struct app *a = new_app(*state);
	struct buf b;
	buf_init(&b, 1u << 20);
	counter_add(&drops_b, 3);
	app_metrics(a, &b);
	assert_non_null(strstr(b.p, "# TYPE tomsd_capture_packets_total counter\n"));
	assert_non_null(
		strstr(b.p, "# TYPE tomsd_capture_backlog gauge\ntomsd_capture_backlog 0\n"));
	assert_non_null(strstr(b.p, "tomsd_capture_drops_total{interface=\"eth0\"} 0\n"
				    "tomsd_capture_drops_total{interface=\"eth1\"} 3\n"));
	assert_int_equal(times(b.p, "# TYPE tomsd_capture_drops_total counter\n"), 1);
	assert_non_null(strstr(b.p, "tomsd_room_healthy{room=\"capture\"} 1\n"));
	buf_fini(&b);
	app_free(a);
}

static void jobs_run_again_after_a_failure_and_say_why_it_failed(void **state)
{
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 0);
	assert_true(times(h->err_text, "capture: job failed job=print: no paper\n") >= 2);
}

static void no_routes(const struct room *r UNUSED, struct buf *out UNUSED) {}

static void the_map_shows_rooms_threads_edges_jobs_and_options(void **state)
{
	(void)state;
	struct buf b;
	struct err e = ERR_INIT;
	buf_init(&b, 1u << 20);
	assert_int_equal(app_print_map(rooms, no_routes, &b, &e), 0);
	assert_non_null(strstr(b.p, "\n  store\n  capture\n"));
	assert_non_null(strstr(b.p, "reads frames (capture)\n"));
	assert_non_null(strstr(
		b.p, "  kernel -> capture: frames; when full: the kernel drops and counts\n"));
	assert_non_null(strstr(b.p, "  [store] path pace\n"));
	assert_non_null(
		strstr(b.p, "  [fortigate \"...\"] (not active in this version) url token"));
	buf_fini(&b);
}

static void the_manual_names_every_option_with_type_and_default(void **state)
{
	(void)state;
	struct buf b;
	struct err e = ERR_INIT;
	buf_init(&b, 1u << 20);
	assert_int_equal(app_print_man_conf(rooms, &b, &e), 0);
	assert_non_null(strstr(b.p, ".SS [store]\n"));
	assert_non_null(strstr(
		b.p,
		".TP\n\\fBpace\\fR = \\fInumber\\fR\nA pace.\nDefault: 1.\nTaken over on SIGHUP.\n"));
	assert_non_null(strstr(
		b.p, ".SS [fortigate \\(dqNAME\\(dq]\nRead and checked, but not active"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)
		TEST(status_is_one_json_object_with_every_room),
		TEST(a_room_that_is_well_again_keeps_its_last_error),
		TEST(metrics_are_prometheus_text),
		TEST(jobs_run_again_after_a_failure_and_say_why_it_failed),
		TEST(the_map_shows_rooms_threads_edges_jobs_and_options),
		TEST(the_manual_names_every_option_with_type_and_default),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
