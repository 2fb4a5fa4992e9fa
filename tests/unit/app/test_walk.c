/* The walk through the rooms, its end, and what is said about it. */
#include "fixture.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tomsd/base/thread.h"

TELLING_ROOM(store)
TELLING_ROOM(flow)
TELLING_ROOM(capture)

static const struct room sea = { .name = "store",
				 .opts = store_opts,
				 .init = store_init,
				 .start = store_start,
				 .stop = store_stop,
				 .fini = store_fini };
static const struct room river = { .name = "flow",
				   .init = flow_init,
				   .start = flow_start,
				   .stop = flow_stop,
				   .fini = flow_fini };
static const struct room spring = { .name = "capture",
				    .init = capture_init,
				    .start = capture_start,
				    .stop = capture_stop,
				    .fini = capture_fini };

static void rooms_start_from_the_sea_and_stop_from_the_springs(void **state)
{
	static const struct room *const rooms[] = { &sea, &river, &spring, NULL };
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "tomsd: ready");
	assert_int_equal(kill(h->pid, SIGTERM), 0);
	assert_int_equal(house_end(h), 0);
	assert_string_equal(h->text, "store init\nflow init\ncapture init\n"
				     "store start\nflow start\ncapture start\n"
				     "capture stop\nflow stop\nstore stop\n"
				     "capture fini\nflow fini\nstore fini\n");
}

static int cannot_start(struct app *a UNUSED, struct err *e)
{
	return err_set(e, ERR_IO, "no such wire");
}

static void a_failed_start_is_the_same_walk_back(void **state)
{
	static const struct room broken = { .name = "capture",
					    .init = capture_init,
					    .start = cannot_start,
					    .stop = capture_stop,
					    .fini = capture_fini };
	static const struct room *const rooms[] = { &sea, &river, &broken, NULL };
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 1);
	assert_string_equal(h->text,
			    "store init\nflow init\ncapture init\nstore start\nflow start\n"
			    "flow stop\nstore stop\ncapture fini\nflow fini\nstore fini\n");
	assert_non_null(strstr(h->err_text, "tomsd: capture: no such wire\n"));
	assert_null(strstr(h->err_text, "ready"));
}

static void a_failed_init_starts_nothing(void **state)
{
	static const struct room broken = { .name = "flow",
					    .init = cannot_start,
					    .start = flow_start,
					    .stop = flow_stop,
					    .fini = flow_fini };
	static const struct room *const rooms[] = { &sea, &broken, &spring, NULL };
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 1);
	assert_string_equal(h->text, "store init\nstore fini\n");
	assert_non_null(strstr(h->err_text, "tomsd: flow: no such wire\n"));
}

static int asked_to_end_init(struct app *a UNUSED, struct err *e UNUSED)
{
	tell("flow init\n");
	return kill(getpid(), SIGTERM);
}

static void a_signal_during_the_start_ends_it_in_order(void **state)
{
	static const struct room asked = { .name = "flow",
					   .init = asked_to_end_init,
					   .start = flow_start,
					   .stop = flow_stop,
					   .fini = flow_fini };
	static const struct room *const rooms[] = { &sea, &asked, &spring, NULL };
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 1);
	assert_string_equal(h->text, "store init\nflow init\nflow fini\nstore fini\n");
	assert_non_null(strstr(h->err_text, "tomsd: asked to end while starting\n"));
	assert_null(strstr(h->err_text, "second signal"));
}

static void a_state_folder_that_cannot_be_made_comes_with_advice(void **state)
{
	static const struct room *const rooms[] = { &sea, NULL };
	struct house *h = *state;
	struct err e = ERR_INIT;
	assert_int_equal(file_write_durable(h->state, 0600, "x", 1, &e), 0);
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 1);
	assert_non_null(strstr(h->err_text, "choose another [store] path\n"));
}

static int write_init(struct app *a, struct err *e)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/rows", app_state_path(a));
	FILE *f = fopen(path, "w"); /* as a library would, which knows no modes */
	return f && fclose(f) == 0 ? 0 : err_set(e, ERR_IO, "no file");
}

static void what_is_kept_is_for_us_alone_even_in_an_open_folder(void **state)
{
	static const struct room careless = { .name = "flow", .init = write_init };
	static const struct room *const rooms[] = { &sea, &careless, NULL };
	struct house *h = *state;
	struct stat st;
	char path[96];
	(void)umask(0022);
	assert_int_equal(mkdir(h->state, 0755), 0);
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "ready");
	(void)kill(h->pid, SIGTERM);
	assert_int_equal(house_end(h), 0);
	(void)snprintf(path, sizeof(path), "%s/rows", h->state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static int lock_out_init(struct app *a, struct err *e UNUSED)
{
	app_ready_line(a, "panel %s", "https://127.0.0.1:8443");
	app_ready_line(a, "control %s/control.sock", app_state_path(a));
	return 0;
}

static void the_ready_line_names_every_address(void **state)
{
	static const struct room talker = { .name = "panel", .init = lock_out_init };
	static const struct room *const rooms[] = { &sea, &talker, NULL };
	struct house *h = *state;
	char want[256];
	(void)snprintf(want, sizeof(want),
		       "tomsd: ready panel https://127.0.0.1:8443 control %s/control.sock\n",
		       h->state);
	house_start(h, APP_DAEMON, rooms);
	house_says(h, want);
	(void)kill(h->pid, SIGINT);
	assert_int_equal(house_end(h), 0);
}

static void a_second_daemon_on_the_same_state_folder_is_refused(void **state)
{
	static const struct room *const rooms[] = { &sea, NULL };
	struct house *h = *state, other = *h;
	other.n = other.err_n = 0;
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "ready");
	house_start(&other, APP_DAEMON, rooms);
	assert_int_equal(house_end(&other), 1);
	assert_non_null(strstr(other.err_text, "tomsd: another tomsd already runs on "));
	assert_string_equal(other.text, "");
	(void)close(other.told);
	(void)close(other.err);
	(void)kill(h->pid, SIGTERM);
	assert_int_equal(house_end(h), 0);
}

static void never_stop(struct app *a UNUSED)
{
	tell("stuck\n");
	for (;;)
		(void)poll(NULL, 0, 1000);
}

static void a_second_signal_ends_at_once_and_names_the_stuck_room(void **state)
{
	static const struct room stuck = { .name = "flow", .stop = never_stop };
	static const struct room *const rooms[] = { &sea, &stuck, NULL };
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	house_says(h, "ready");
	(void)kill(h->pid, SIGTERM);
	house_says(h, "stuck\n");
	(void)kill(h->pid, SIGTERM);
	assert_int_equal(house_end(h), 1);
	assert_non_null(strstr(h->err_text, "second signal; stuck while stopping room=flow\n"));
}

static int replay_start(struct app *a, struct err *e UNUSED)
{
	app_result_u64(a, "packets", 12);
	app_result_u64(a, "bytes", 3400);
	app_result_u64(a, "evicted", 1);
	app_request_stop(a);
	return 0;
}

static void a_replay_ends_by_itself_and_prints_its_sums(void **state)
{
	static const struct room reader = { .name = "capture", .start = replay_start };
	static const struct room *const rooms[] = { &sea, &reader, NULL };
	struct house *h = *state;
	house_start(h, APP_REPLAY, rooms);
	assert_int_equal(house_end(h), 0);
	assert_non_null(
		strstr(h->err_text,
		       "{\"files\":0,\"packets\":12,\"bytes\":3400,\"flows\":0,\"dropped\":0,"
		       "\"seconds\":"));
	assert_non_null(strstr(h->err_text, ",\"evicted\":1}\n"));
	assert_null(strstr(h->err_text, "ready"));
}

static int replay_fails(struct app *a, struct err *e UNUSED)
{
	app_fail(a, "reading %s: not a capture file", "x.pcap");
	app_fail(a, "and another thing");
	app_request_stop(a);
	return 0;
}

static void a_replay_that_failed_exits_with_1_and_the_first_cause(void **state)
{
	static const struct room reader = { .name = "capture", .start = replay_fails };
	static const struct room *const rooms[] = { &sea, &reader, NULL };
	struct house *h = *state;
	house_start(h, APP_REPLAY, rooms);
	assert_int_equal(house_end(h), 1);
	assert_non_null(strstr(h->err_text, "tomsd: reading x.pcap: not a capture file\n"));
	assert_null(strstr(h->err_text, "another thing"));
}

static void take_notice(int fd, const char *want)
{
	char text[512];
	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		assert_int_equal(poll(&p, 1, 60000), 1);
		ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
		assert_true(n > 0);
		text[n] = '\0';
		if (strstr(text, want))
			return;
	}
}

static void systemd_hears_of_ready_watchdog_reload_and_stop(void **state)
{
	static const struct room *const rooms[] = { &sea, NULL };
	struct house *h = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", h->folder);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	setenv("WATCHDOG_USEC", "150000", 1);
	house_start(h, APP_DAEMON, rooms);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	take_notice(fd, "READY=1");
	take_notice(fd, "WATCHDOG=1");
	take_notice(fd, "WATCHDOG=1");
	(void)kill(h->pid, SIGHUP);
	take_notice(fd, "RELOADING=1\nMONOTONIC_USEC=");
	take_notice(fd, "READY=1");
	(void)kill(h->pid, SIGTERM);
	take_notice(fd, "STOPPING=1");
	assert_int_equal(house_end(h), 0);
	(void)close(fd);
}

static void hang(void *arg UNUSED)
{
	for (;;)
		(void)poll(NULL, 0, 1000);
}

static int hang_start(struct app *a UNUSED, struct err *e)
{
	static struct thread t;
	return thread_start(&t, "flow/1", hang, NULL, e);
}

static void a_thread_that_hangs_is_named_and_starves_the_watchdog(void **state)
{
	static const struct room hanging = { .name = "flow", .start = hang_start };
	static const struct room *const rooms[] = { &sea, &hanging, NULL };
	struct house *h = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char text[512];
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", h->folder);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	setenv("WATCHDOG_USEC", "300000", 1);
	house_start(h, APP_DAEMON, rooms);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	house_says(h, "thread hangs thread=flow/1 silent_ms=");
	while (recv(fd, text, sizeof(text), MSG_DONTWAIT) > 0)
		; /* what was said before it hung */
	struct pollfd p = { fd, POLLIN, 0 };
	assert_int_equal(poll(&p, 1, 600),
			 0); /* twice the watchdog's patience: systemd would act */
	(void)kill(h->pid, SIGKILL);
	assert_int_equal(house_end(h), 128 + SIGKILL);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)
		TEST(rooms_start_from_the_sea_and_stop_from_the_springs),
		TEST(a_failed_start_is_the_same_walk_back),
		TEST(a_failed_init_starts_nothing),
		TEST(a_signal_during_the_start_ends_it_in_order),
		TEST(a_state_folder_that_cannot_be_made_comes_with_advice),
		TEST(what_is_kept_is_for_us_alone_even_in_an_open_folder),
		TEST(the_ready_line_names_every_address),
		TEST(a_second_daemon_on_the_same_state_folder_is_refused),
		TEST(a_second_signal_ends_at_once_and_names_the_stuck_room),
		TEST(a_replay_ends_by_itself_and_prints_its_sums),
		TEST(a_replay_that_failed_exits_with_1_and_the_first_cause),
		TEST(systemd_hears_of_ready_watchdog_reload_and_stop),
		TEST(a_thread_that_hangs_is_named_and_starves_the_watchdog),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
