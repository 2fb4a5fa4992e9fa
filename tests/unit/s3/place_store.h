/* A real store with places in it, for tests of the room s3. */
#ifndef TEST_S3_PLACE_STORE_H
#define TEST_S3_PLACE_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../src/s3/copies.h"
#include "tomsd/base/clock.h"

#define NOW INT64_C(1795397000000000000) /* 2026-11-23T01:23:20Z */
#define HOUR (3600 * NS_PER_S)
#define DAY (24 * HOUR)

struct kept_store {
	char path[64];
	struct store *st;
};

static inline void store_up(struct kept_store *k)
{
	struct err e = ERR_INIT;
	struct store_conf conf = { .path = k->path, .commit_every_ns = NS_PER_MS };
	if (store_open(&k->st, &conf, &e) != 0 || store_start(k->st, &e) != 0)
		fail_msg("%s", e.text);
}

static inline void store_down(struct kept_store *k)
{
	store_stop(k->st);
	store_free(k->st);
	k->st = NULL;
}

static inline int store_begin(void **state)
{
	struct kept_store *k = calloc(1, sizeof(*k));
	assert_non_null(k);
	(void)snprintf(k->path, sizeof(k->path), "/tmp/tomsd-s3-XXXXXX");
	assert_non_null(mkdtemp(k->path));
	store_up(k);
	*state = k;
	return 0;
}

static inline int store_end(void **state)
{
	struct kept_store *k = *state;
	store_down(k);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/rm", "rm", "-r", "-f", "--", k->path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	free(k);
	return 0;
}

/* In a transaction of its own; fails the test with its words. */
static inline void write_it(struct kept_store *k, int (*fn)(struct sql *, void *, struct err *),
			    void *arg)
{
	struct err e = ERR_INIT;
	if (store_write(k->st, fn, arg, &e) != 0)
		fail_msg("%s", e.text);
}

static inline struct sql *read_begin(struct kept_store *k)
{
	struct err e = ERR_INIT;
	struct sql *db = NULL;
	if (store_read_begin(k->st, clock_mono_ns() + 20 * NS_PER_S, &db, &e) != 0)
		fail_msg("%s", e.text);
	return db;
}

static inline void place_make(struct places *ps, const char *name, const char *bucket)
{
	struct place *p = &ps->all[ps->n++];
	*p = (struct place){ .is_enabled = true };
	(void)str_copy(p->c.name, sizeof(p->c.name), str_of(name));
	(void)str_copy(p->c.endpoint, sizeof(p->c.endpoint), STR("https://s3.example"));
	(void)str_copy(p->c.bucket, sizeof(p->c.bucket), str_of(bucket));
	(void)str_copy(p->c.access_key, sizeof(p->c.access_key), STR("AK"));
	(void)str_copy(p->c.secret_key, sizeof(p->c.secret_key), STR("SK"));
	(void)str_copy(p->object_lock, sizeof(p->object_lock), STR("compliance 1y"));
	place_settle(p);
}

struct settling {
	const struct places *ps;
	int64_t ids[PLACES_MAX];
};

static inline int settle_them(struct sql *db, void *arg, struct err *e)
{
	struct settling *s = arg;
	return targets_settle(db, s->ps, s->ids, e);
}

#endif
