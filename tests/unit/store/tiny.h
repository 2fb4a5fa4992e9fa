/* A small record and a store in a folder of its own, for the tests of this room. */
#ifndef TOMSD_TESTS_STORE_TINY_H
#define TOMSD_TESTS_STORE_TINY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/flow_row.h"
#include "tomsd/store.h"

struct tiny {
	int64_t id, at_ns;
	struct addr who;
	uint64_t bytes;
	uint16_t dst_port;
	uint8_t mac[6];
	char name[40];
	char note[80];
};
static const struct col tiny_cols[] = {
	COL(tiny, id, COL_I64, "event.id", "given by the store"),
	COL(tiny, at_ns, COL_TIME, "@timestamp", "when"),
	COLF(tiny, who, COL_ADDR, "source.ip", "who", COL_OMIT_ZERO | COL_TOKEN),
	COL(tiny, bytes, COL_U64, "source.bytes", "how much"),
	COLF(tiny, dst_port, COL_U16, "destination.port", "where", COL_TOKEN),
	COLF(tiny, mac, COL_MAC, "source.mac", "which card", COL_OMIT_ZERO | COL_TOKEN),
	COLF(tiny, name, COL_TEXT, "host.name", "called", COL_OMIT_ZERO | COL_DICT | COL_TOKEN),
	COLF(tiny, note, COL_TEXT, "message", "said", COL_OMIT_ZERO),
};
UNUSED static const struct record tiny_record = {
	"tiny", sizeof(struct tiny), tiny_cols, ARRAY_LEN(tiny_cols), "id", "at_ns", NULL, 0, NULL
};

static const int64_t tiny_noon_ns =
	INT64_C(1795348800) * NS_PER_S; /* 2026-11-22 12:00:00 UTC */

static inline struct tiny tiny_row(int64_t at_ns, uint32_t n)
{
	struct tiny t;
	memset(&t, 0, sizeof(t));
	t.at_ns = at_ns;
	t.who = addr_v4(0x0a000000u | n % 1000);
	t.bytes = (uint64_t)n * 7919 % 100003;
	t.dst_port = (uint16_t)(n % 500);
	t.mac[5] = (uint8_t)(n % 7);
	(void)snprintf(t.name, sizeof(t.name), "Host%u.example.jp", n % 300);
	(void)snprintf(t.note, sizeof(t.note), "row %u", n);
	return t;
}

struct box {
	char path[64];
	struct store *st;
	struct store_conf conf;
};

static inline void box_remove(const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/rm", "rm", "-r", "-f", "--", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

UNUSED static void box_open(struct box *b)
{
	struct err e = ERR_INIT;
	b->conf.path = b->path;
	if (store_open(&b->st, &b->conf, &e))
		fail_msg("%s", e.text);
}

UNUSED static void box_start(struct box *b)
{
	struct err e = ERR_INIT;
	if (store_start(b->st, &e))
		fail_msg("%s", e.text);
}

UNUSED static void box_new(struct box *b)
{
	memset(b, 0, sizeof(*b));
	(void)snprintf(b->path, sizeof(b->path), "%s", "/tmp/tomsd-store-XXXXXX");
	assert_non_null(mkdtemp(b->path));
	b->conf.commit_every_ns = 20 * NS_PER_MS;
	b->conf.inbox_bytes = 4 << 20;
}

UNUSED static void box_close(struct box *b)
{
	store_free(b->st);
	b->st = NULL;
}

UNUSED static void box_again(struct box *b)
{
	box_close(b);
	box_open(b);
	box_start(b);
}

UNUSED static void box_free(struct box *b)
{
	box_close(b);
	box_remove(b->path);
}

UNUSED static void box_put(struct box *b, const struct record *r, const void *row)
{
	assert_int_equal(store_put(b->st, r, row), 0);
}

UNUSED static void box_flush(struct box *b)
{
	struct err e = ERR_INIT;
	if (store_flush(b->st, 20000, &e))
		fail_msg("%s", e.text);
}

/* One number from SQL, through a reader. */
UNUSED static int64_t box_number(struct box *b, const char *text)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *s;
	if (store_read_begin(b->st, 0, &db, &e) || sql_prepare(db, text, &s, &e))
		fail_msg("%s: %s", text, e.text);
	int rc = stmt_step(s, &e);
	if (rc < 0)
		fail_msg("%s: %s", text, e.text);
	int64_t v = rc ? stmt_col_i64(s, 0) : -1;
	stmt_done(s);
	store_read_end(b->st, db);
	return v;
}

UNUSED static void box_check_integrity(struct box *b)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *s;
	assert_int_equal(store_read_begin(b->st, 0, &db, &e), 0);
	assert_int_equal(sql_prepare(db, "PRAGMA integrity_check", &s, &e), 0);
	assert_int_equal(stmt_step(s, &e), 1);
	struct str said = stmt_col_text(s, 0);
	if (!str_eq(said, STR("ok")))
		fail_msg("integrity_check: %.*s", (int)said.n, said.p);
	stmt_done(s);
	store_read_end(b->st, db);
}

#endif
