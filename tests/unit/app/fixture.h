/* A house of made-up rooms in a child process: signals, privileges and exit statuses are those of a
 * real run. What the rooms do is told through a pipe, line by line. */
#ifndef TEST_APP_FIXTURE_H
#define TEST_APP_FIXTURE_H

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tomsd/app.h"
#include "tomsd/base/file.h"

struct house {
	char folder[32], conf[96], state[64];
	pid_t pid;
	int told, err; /* what rooms say, and stderr */
	char text[16384], err_text[32768];
	size_t n, err_n;
};

static int tell_fd = -1; /* in the child */

static inline void tell(const char *fmt, ...) PRINTF_LIKE(1, 2);
static inline void tell(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0 && write(tell_fd, line, (size_t)n) != n)
		_exit(99);
}

static inline void house_conf(struct house *h, const char *text)
{
	struct err e = ERR_INIT;
	assert_int_equal(file_write_durable(h->conf, 0600, text, strlen(text), &e), 0);
}

static inline int house_setup(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	char text[256];
	assert_non_null(h);
	h->told = h->err = -1;
	(void)snprintf(h->folder, sizeof(h->folder), "/tmp/toms-app-XXXXXX");
	assert_non_null(mkdtemp(h->folder));
	(void)snprintf(h->conf, sizeof(h->conf), "%s/conf/tomsd.conf", h->folder);
	(void)snprintf(h->state, sizeof(h->state), "%s/state", h->folder);
	(void)snprintf(text, sizeof(text), "%s/conf", h->folder);
	struct err e = ERR_INIT;
	assert_int_equal(file_mkdirs(text, 0700, &e), 0);
	(void)snprintf(text, sizeof(text), "[store]\npath = %s\n", h->state);
	house_conf(h, text);
	*state = h;
	return 0;
}

static inline int house_teardown(void **state)
{
	struct house *h = *state;
	char line[128];
	if (h->pid > 0) {
		(void)kill(h->pid, SIGKILL);
		(void)waitpid(h->pid, NULL, 0);
	}
	if (h->told >= 0)
		(void)close(h->told);
	if (h->err >= 0)
		(void)close(h->err);
	pid_t rm = fork();
	if (rm == 0) {
		(void)snprintf(line, sizeof(line), "%s", h->folder);
		(void)execlp("rm", "rm", "-rf", line, (char *)NULL);
		_exit(1);
	}
	(void)waitpid(rm, NULL, 0);
	free(h);
	return 0;
}

static inline int run_here(struct house *h, enum app_mode mode, const struct room *const *rooms,
			   const char *const *overrides)
{
	struct err e = ERR_INIT;
	struct app *a = NULL;
	static const char *const none[] = { NULL };
	struct app_setup s = { .mode = mode,
			       .conf_path = h->conf,
			       .rooms = rooms,
			       .overrides = overrides,
			       .replay_files = none };
	if (app_new(&a, &s, &e)) {
		(void)fprintf(stderr, "tomsd: %s\n", e.text);
		return 1;
	}
	int status = app_run(a);
	app_free(a);
	return status;
}

/* The child; both pipes are ours to read. */
static inline void house_start(struct house *h, enum app_mode mode,
			       const struct room *const *rooms)
{
	int told[2], err[2];
	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(err), 0);
	(void)fflush(NULL);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0) {
		(void)close(told[0]);
		(void)close(err[0]);
		(void)dup2(err[1], STDERR_FILENO);
		(void)dup2(err[1], STDOUT_FILENO);
		tell_fd = told[1];
		int status = run_here(h, mode, rooms, NULL);
		(void)fflush(NULL);
		_exit(status);
	}
	(void)close(told[1]);
	(void)close(err[1]);
	h->told = told[0];
	h->err = err[0];
}

static inline bool take_in(int fd, char *text, size_t cap, size_t *n)
{
	ssize_t r = read(fd, text + *n, cap - 1 - *n);
	if (r <= 0)
		return false;
	*n += (size_t)r;
	text[*n] = '\0';
	return true;
}

/* Reads both pipes until text stands in one of them; fails after 60 s. */
static inline void house_says(struct house *h, const char *want)
{
	bool open_told = true, open_err = true;
	while (!strstr(h->text, want) && !strstr(h->err_text, want)) {
		struct pollfd fds[] = { { open_told ? h->told : -1, POLLIN, 0 },
					{ open_err ? h->err : -1, POLLIN, 0 } };
		int n = open_told || open_err ? poll(fds, 2, 60000) : 0;
		if (n <= 0)
			fail_msg("waited in vain for: %s\nrooms: %s\nstderr: %s", want, h->text,
				 h->err_text);
		if (fds[0].revents)
			open_told = take_in(h->told, h->text, sizeof(h->text), &h->n);
		if (fds[1].revents)
			open_err = take_in(h->err, h->err_text, sizeof(h->err_text), &h->err_n);
	}
}

/* Reads both pipes to their ends; the exit status (or 128 + signal). */
static inline int house_end(struct house *h)
{
	int status;
	while (take_in(h->told, h->text, sizeof(h->text), &h->n))
		;
	while (take_in(h->err, h->err_text, sizeof(h->err_text), &h->err_n))
		;
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	h->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Every made-up house has a store: its section names the state folder. */
static const struct opt store_opts[] UNUSED = { { .name = "path",
						  .type = OPT_PATH,
						  .max = 1000,
						  .def = "/nowhere",
						  .doc = "State folder." },
						{ .name = "pace",
						  .type = OPT_INT,
						  .min = 1,
						  .max = 100,
						  .def = "1",
						  .flags = OPT_RELOAD,
						  .doc = "A pace." },
						OPT_END };

#define TELLING_ROOM(nm)                                                  \
	static int nm##_init(struct app *a UNUSED, struct err *e UNUSED)  \
	{                                                                 \
		tell(#nm " init\n");                                      \
		return 0;                                                 \
	}                                                                 \
	static int nm##_start(struct app *a UNUSED, struct err *e UNUSED) \
	{                                                                 \
		tell(#nm " start\n");                                     \
		return 0;                                                 \
	}                                                                 \
	static void nm##_stop(struct app *a UNUSED)                       \
	{                                                                 \
		tell(#nm " stop\n");                                      \
	}                                                                 \
	static void nm##_fini(struct app *a UNUSED)                       \
	{                                                                 \
		tell(#nm " fini\n");                                      \
	}

#endif
