/* Following a job of the daemon: asked for, looked at until it ends, with progress on a terminal. */
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "tomsd/base/clock.h"

#define NODES_MAX 4096
#define LOOK_MS 200

static void show(const struct json_doc *d)
{
	char phase[32], done[16], total[16];
	int64_t n = json_member_int(d, d->nodes, "done"), all = json_member_int(d, d->nodes, "total");
	if (!isatty(STDERR_FILENO))
		return;
	json_member_text(d, d->nodes, "phase", phase, sizeof(phase));
	text_bytes(n > 0 ? (uint64_t)n : 0, done);
	text_bytes(all > 0 ? (uint64_t)all : 0, total);
	if (all > 0)
		(void)fprintf(stderr, "\r\033[K%s  %s of %s", phase, done, total);
	else
		(void)fprintf(stderr, "\r\033[K%s", phase);
}

/* 1: it runs still, 0: it has ended and is in a, else the exit status of a failure that has been told. */
static int look(struct ctl *c, const char *what, const char *target, struct answer *a)
{
	struct json_doc d;
	char state[16];
	struct err e = ERR_INIT;
	int status = ask_daemon(c, what, "GET", target, NULL, a);
	if (status)
		return -status;
	if (json_parse(buf_view(&a->body), NODES_MAX, &d, &e)) {
		answer_fini(a);
		return -ctl_fail("the answer is not understood: %s", e.text);
	}
	json_member_text(&d, d.nodes, "state", state, sizeof(state));
	bool runs = strcmp(state, "running") == 0;
	if (runs) {
		show(&d);
		answer_fini(a);
	}
	json_doc_fini(&d);
	return runs;
}

int job_follow(struct ctl *c, const char *what, const char *path, const char *body, struct answer *a)
{
	struct json_doc d;
	struct err e = ERR_INIT;
	char id[32], target[64];
	int rc, status = ask_daemon(c, what, "POST", path, body, a);
	if (status)
		return status;
	if (json_parse(buf_view(&a->body), NODES_MAX, &d, &e)) {
		answer_fini(a);
		return ctl_fail("the answer is not understood: %s", e.text);
	}
	json_member_text(&d, d.nodes, "id", id, sizeof(id));
	json_doc_fini(&d);
	answer_fini(a);
	(void)snprintf(target, sizeof(target), "/api/v1/jobs/%s", id);
	while ((rc = look(c, what, target, a)) == 1)
		clock_sleep_ms(LOOK_MS);
	if (isatty(STDERR_FILENO))
		(void)fputs("\r\033[K", stderr);
	return -rc;
}
