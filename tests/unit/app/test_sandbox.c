/* What the daemon can no longer do once it runs. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tomsd/base/thread.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(TOMSD_COVER) || defined(SANITIZED)
#define LANDLOCKED 0
#else
#define LANDLOCKED 1
#endif

static const char *outcome(int rc)
{
	return rc >= 0 ? "works" : errno == EPERM || errno == EACCES ? "refused" : "fails";
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	int errnum = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = errnum;
	return fd;
}

static bool capabilities_left(void)
{
	cap_t now = cap_get_proc(), none = cap_init();
	bool left = cap_compare(now, none) != 0;
	(void)cap_free(now);
	(void)cap_free(none);
	return left;
}

static void hostile_main(void *arg UNUSED)
{
	app_sandbox_thread("flow");
	tell("thread file %s\n", outcome(try_open("/dev/null", O_RDONLY)));
	tell("thread socket %s\n", outcome(socket(AF_INET, SOCK_STREAM, 0)));
	void *p = malloc(1u << 22);
	tell("thread memory %s\n", p ? "works" : "refused");
	free(p);
}

static int look_start(struct app *a, struct err *e)
{
	char path[1200];
	struct thread t = { .started = false };
	tell("capabilities %s\n", capabilities_left() ? "left" : "none");
	tell("new_privs %s\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "off" : "on");
	(void)snprintf(path, sizeof(path), "%s/file", app_state_path(a));
	tell("state %s\n", outcome(try_open(path, O_RDWR | O_CREAT)));
	tell("passwd %s\n", outcome(try_open("/etc/passwd", O_RDONLY)));
	tell("elsewhere %s\n",
	     outcome(try_open("/var/tmp/toms-should-not-be", O_RDWR | O_CREAT)));
	tell("certificates %s\n", outcome(try_open("/etc/ssl", O_RDONLY | O_DIRECTORY)));
	tell("temporary %s\n",
	     strstr(getenv("SQLITE_TMPDIR"), app_state_path(a)) ? "inside" : "outside");
	tell("chown %s\n", outcome(chown(path, 1, 1)));
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	tell("fork %s\n", outcome(child));
	int rc = thread_start(&t, "flow/0", hostile_main, NULL, e);
	if (rc)
		return rc;
	thread_join(&t);
	int fd =
		socket(AF_INET, SOCK_STREAM, 0); /* the thread's filter is the thread's alone */
	tell("main socket %s\n", outcome(fd));
	app_request_stop(a);
	return 0;
}

static void the_running_daemon_keeps_no_privileges(void **state)
{
	static const struct room sea = { .name = "store", .opts = store_opts };
	static const struct room looker = { .name = "flow", .start = look_start };
	static const struct room *const rooms[] = { &sea, &looker, NULL };
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 0);
	assert_non_null(strstr(h->text, "capabilities none\n"));
	assert_non_null(strstr(h->text, "new_privs off\n"));
	assert_non_null(strstr(h->text, "state works\n"));
	assert_non_null(strstr(h->text, "temporary inside\n"));
	assert_non_null(strstr(h->text, "thread memory works\n"));
	assert_non_null(strstr(h->text, "main socket works\n"));
	assert_non_null(
		strstr(h->err_text, "privileges dropped capabilities=none no_new_privs=yes"));
#ifndef SANITIZED
	assert_non_null(strstr(h->text, "fork refused\n"));
	assert_non_null(strstr(h->text, "chown refused\n"));
	assert_non_null(strstr(h->text, "thread file refused\n"));
	assert_non_null(strstr(h->text, "thread socket refused\n"));
	assert_non_null(strstr(h->err_text, "seccomp=yes"));
#endif
	if (!LANDLOCKED || strstr(h->err_text, "landlock=0")) {
		assert_non_null(
			strstr(h->err_text,
			       "no Landlock, the file system stays open")); /* and says so */
		return;
	}
	assert_non_null(strstr(h->text, "passwd refused\n"));
	assert_non_null(strstr(h->text, "elsewhere refused\n"));
	assert_non_null(strstr(h->text, "certificates works\n"));
}

static int early_thread_init(struct app *a UNUSED, struct err *e)
{
	static struct thread t;
	return thread_start(&t, "early", hostile_main, NULL, e);
}

static int just_stop(struct app *a, struct err *e UNUSED)
{
	app_request_stop(a);
	return 0;
}

static int exec_start(struct app *a, struct err *e UNUSED)
{
	static char *const argv[] = { (char *)(uintptr_t) "true", NULL };
	static char *const env[] = { NULL };
	(void)execve("/bin/true", argv, env);
	tell("exec %s\n", outcome(-1));
	app_request_stop(a);
	return 0;
}

static void a_program_cannot_be_started(void **state)
{
#ifdef SANITIZED
	skip();
#endif
	static const struct room sea = { .name = "store", .opts = store_opts };
	static const struct room shell = { .name = "flow", .start = exec_start };
	static const struct room *const rooms[] = { &sea, &shell, NULL };
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	int status = house_end(h);
#ifdef TOMSD_DEBUG
	assert_int_equal(status, 128 + SIGSYS); /* so that a test cannot overlook it */
#else
	assert_int_equal(status, 0);
	assert_non_null(strstr(h->text, "exec refused\n"));
#endif
}

static int allow_init(struct app *a, struct err *e UNUSED)
{
	app_allow_path(a, "/etc/passwd", false);
	return 0;
}

static int allow_start(struct app *a, struct err *e UNUSED)
{
	tell("passwd %s\n", outcome(try_open("/etc/passwd", O_RDONLY)));
	tell("passwd writing %s\n", outcome(try_open("/etc/passwd", O_WRONLY)));
	app_request_stop(a);
	return 0;
}

static void a_room_can_ask_for_a_path(void **state)
{
	static const struct room sea = { .name = "store", .opts = store_opts };
	static const struct room asker = { .name = "flow",
					   .init = allow_init,
					   .start = allow_start };
	static const struct room *const rooms[] = { &sea, &asker, NULL };
	struct house *h = *state;
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 0);
	assert_non_null(strstr(h->text, "passwd works\n"));
	if (LANDLOCKED && !strstr(h->err_text, "landlock=0"))
		assert_non_null(strstr(h->text, "passwd writing refused\n"));
}

static void a_thread_started_too_early_is_told(void **state)
{
#ifdef SANITIZED
	skip();
#endif
	static const struct room sea = { .name = "store", .opts = store_opts };
	static const struct room hasty = { .name = "flow",
					   .init = early_thread_init,
					   .start = just_stop };
	static const struct room *const rooms[] = { &sea, &hasty, NULL };
	struct house *h = *state;
	(void)early_thread_init;
	house_start(h, APP_DAEMON, rooms);
	assert_int_equal(house_end(h), 0);
	/* The thread may be gone already when main looks; then there is nothing to tell. */
	assert_true(strstr(h->err_text,
			   "a thread was started before privileges were dropped threads=2") ||
		    strstr(h->text, "thread memory works\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)
		TEST(the_running_daemon_keeps_no_privileges),
		TEST(a_program_cannot_be_started),
		TEST(a_room_can_ask_for_a_path),
		TEST(a_thread_started_too_early_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
