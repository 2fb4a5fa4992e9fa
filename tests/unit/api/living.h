/* A house with a store of its own and the room api started, for tests of what needs rows. */
#ifndef TEST_API_LIVING_H
#define TEST_API_LIVING_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "house.h"
#include "tomsd/base/clock.h"
#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"

struct living {
	char path[64];
	struct store *st;
	struct app *a;
};

static const struct room *const living_rooms[] = { &api_room, NULL };

/* On the folder that is there already: a start after an end. */
static inline void living_open(struct living *l)
{
	struct err e = ERR_INIT;
	struct store_conf conf = { .path = l->path, .commit_every_ns = 10 * NS_PER_MS };
	if (store_open(&l->st, &conf, &e) != 0 || store_start(l->st, &e) != 0)
		fail_msg("%s", e.text);
	l->a = house_of(living_rooms);
	app_set_store(l->a, l->st);
}

static inline void living_start(struct living *l)
{
	struct err e = ERR_INIT;
	if (api_room.init(l->a, &e) != 0 || api_room.start(l->a, &e) != 0)
		fail_msg("%s", e.text);
}

static inline void living_begin(struct living *l)
{
	(void)snprintf(l->path, sizeof(l->path), "/tmp/tomsd-api-XXXXXX");
	assert_non_null(mkdtemp(l->path));
	living_open(l);
	living_start(l);
}

static inline void living_stop(struct living *l)
{
	api_room.stop(l->a);
	api_room.fini(l->a);
	store_stop(l->st);
	store_free(l->st);
	app_free(l->a);
}

static inline void living_end(struct living *l)
{
	living_stop(l);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/rm", "rm", "-r", "-f", "--", l->path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Asks as a person; the answer's text is the caller's to free. */
struct said {
	int status;
	char *body;
	char location[128];
};

static inline struct said living_ask(struct living *l, const char *name, enum role role,
				     const char *method, const char *target, const char *body)
{
	struct request rq;
	struct reply rp;
	struct said s = { 0 };
	ask_begin(&rq, &rp, l->a, method, target, role);
	rq.who.session_id = 7;
	(void)str_copy(rq.who.name, sizeof(rq.who.name), str_of(name));
	rq.body = body ? str_of(body) : STR_NULL;
	api_dispatch(&rq, &rp);
	s.status = rp.status;
	for (size_t i = 0; i < rp.n_headers; i++)
		if (strcmp(rp.headers[i][0], "Location") == 0)
			(void)str_copy(s.location, sizeof(s.location),
				       str_of(rp.headers[i][1]));
	struct buf all;
	buf_init(&all, 64u << 20);
	buf_str(&all, buf_view(&rp.body));
	for (int more = rp.more != NULL; more > 0;) {
		struct buf piece;
		buf_init(&piece, 16u << 20);
		more = rp.more(rp.more_arg, &piece);
		buf_str(&all, buf_view(&piece));
		buf_fini(&piece);
	}
	buf_char(&all, '\0');
	s.body = buf_take(&all, NULL);
	assert_non_null(s.body);
	ask_end(&rq, &rp);
	return s;
}

/* Expects a status and, unless NULL, a part of the body; returns the body to free. */
static inline char *living_expect(struct living *l, const char *name, enum role role,
				  const char *method, const char *target, const char *body,
				  int status, const char *part)
{
	struct said s = living_ask(l, name, role, method, target, body);
	if (s.status != status || (part && !strstr(s.body, part)))
		fail_msg("%s %s -> %d %s (wanted %d, %s)", method, target, s.status, s.body,
			 status, part ? part : "-");
	return s.body;
}

static inline void living_check(struct living *l, const char *name, enum role role,
				const char *method, const char *target, const char *body,
				int status, const char *part)
{
	free(living_expect(l, name, role, method, target, body, status, part));
}

/* How often a part stands in the body of GET. */
static inline size_t living_count(struct living *l, enum role role, const char *target,
				  const char *part)
{
	size_t n = 0;
	char *body = living_expect(l, "sato", role, "GET", target, NULL, 200, NULL);
	for (char *at = body; (at = strstr(at, part)); at += strlen(part))
		n++;
	free(body);
	return n;
}

static inline void living_flush(struct living *l)
{
	struct err e = ERR_INIT;
	if (store_flush(l->st, 20000, &e) != 0)
		fail_msg("%s", e.text);
}

/* A row of this line; the struct's columns as given. */
static inline void living_log(struct living *l, const struct log *columns, const char *line)
{
	size_t n = strlen(line);
	struct log *g = calloc(1, sizeof(*g) + n + 16);
	assert_non_null(g);
	memcpy(g, columns, sizeof(*g));
	g->line_n = (uint32_t)n;
	memcpy((char *)g + offsetof(struct log, line), line, n);
	assert_int_equal(store_put(l->st, &log_record, g), 0);
	free(g);
}

#endif
