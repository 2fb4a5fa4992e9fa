/* store_crash [-r ROUNDS] [-p FOLDER] [-s SEED]: kill -9 at random moments. A child stores
 * rows and says after every flush how many are acknowledged; the parent kills it, opens the
 * store and checks: every acknowledged row is there once, none is there that was not put,
 * roll-ups and index agree with the rows, integrity_check is ok. Then the next child goes on
 * in the same store. One JSON line. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gen_flows.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/store.h"

struct options {
	uint64_t rounds, seed;
	const char *path;
};

static void die(const char *what, const char *words)
{
	(void)fprintf(stderr, "store_crash: %s: %s\n", what, words);
	exit(1);
}

/* Rows are numbered by src_bytes, so that each can be missed by name. */
static void child(const char *path, uint64_t from, int say)
{
	struct store *st;
	struct err e = ERR_INIT;
	const struct store_conf conf = { .path = path,
					 .commit_every_ns = 5 * NS_PER_MS,
					 .inbox_bytes = 8 << 20 };
	struct gen_flows g = { from + 1, clock_day_start(20261122) + (int64_t)from * NS_PER_MS,
			       2 * NS_PER_MS };
	static struct flow f;
	if (store_open(&st, &conf, &e) || store_start(st, &e))
		die("child", e.text);
	for (uint64_t n = from;;) {
		for (int i = 0; i < 3000; i++) {
			gen_flow(&g, &f);
			f.src_bytes = n++;
			if (store_put(st, &flow_record, &f))
				die("child", "store closed");
		}
		if (store_flush(st, 60000, &e))
			die("child", e.text);
		if (write(say, &n, sizeof(n)) != (ssize_t)sizeof(n))
			_exit(1);
	}
}

static int64_t number(struct store *st, const char *text)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *s;
	if (store_read_begin(st, 0, &db, &e) || sql_prepare(db, text, &s, &e) ||
	    stmt_step(s, &e) < 0)
		die(text, e.text);
	int64_t v = stmt_col_i64(s, 0);
	stmt_done(s);
	store_read_end(st, db);
	return v;
}

static void must(struct store *st, const char *text, int64_t want)
{
	int64_t have = number(st, text);
	if (have == want)
		return;
	(void)fprintf(stderr, "store_crash: %s: %lld, not %lld\n", text, (long long)have,
		      (long long)want);
	exit(1);
}

/* Returns how many rows there are. */
static uint64_t check(const char *path, uint64_t acknowledged)
{
	struct store *st;
	struct err e = ERR_INIT;
	const struct store_conf conf = { .path = path };
	if (store_open(&st, &conf, &e))
		die("opening after the kill", e.text);
	must(st, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check<>'ok'", 0);
	must(st, "SELECT count(*) FROM sqlite_schema WHERE name='part'", 1);
	if (!number(st, "SELECT count(*) FROM part")) {
		store_free(st);
		if (acknowledged)
			die("rows", "all gone");
		return 0;
	}
	uint64_t rows = (uint64_t)number(st, "SELECT sum(rows) FROM part WHERE record='flow'");
	if (rows < acknowledged)
		die("rows", "acknowledged ones are missing");
	must(st, "SELECT count(*) FROM flow_20261122", (int64_t)rows);
	must(st, "SELECT count(DISTINCT src_bytes) FROM flow_20261122", (int64_t)rows);
	must(st, "SELECT max(src_bytes)+1 FROM flow_20261122", (int64_t)rows);
	must(st,
	     "SELECT sum(bytes_out)-(SELECT sum(src_bytes) FROM flow_20261122) FROM rollup_minute WHERE dim=0",
	     0);
	must(st,
	     "SELECT sum(bytes_out)-(SELECT sum(src_bytes) FROM flow_20261122) FROM rollup_hour WHERE dim=2",
	     0);
	must(st,
	     "SELECT count(*)-(SELECT sum(rows) FROM flow_20261122_zone) FROM flow_20261122"
	     " WHERE id<=(SELECT indexed_id FROM part)",
	     0);
	store_free(st);
	return rows;
}

static struct options parse(int argc, char **argv)
{
	struct options o = { 50, 1, "crash-store" };
	int c;
	while ((c = getopt(argc, argv, "r:p:s:")) != -1) {
		if (c == 'p')
			o.path = optarg;
		else if ((c != 'r' || num_u64(str_of(optarg), 1, 100000, &o.rounds)) &&
			 (c != 's' || num_u64(str_of(optarg), 0, UINT64_MAX, &o.seed)))
			die("usage", "store_crash [-r ROUNDS] [-p FOLDER] [-s SEED]");
	}
	return o;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct gen_flows dice = { o.seed, 0, 0 };
	uint64_t rows = 0, acknowledged_all = 0;
	for (uint64_t round = 0; round < o.rounds; round++) {
		int pipe_fd[2];
		if (pipe(pipe_fd))
			die("pipe", "failed");
		pid_t pid = fork();
		if (pid < 0)
			die("fork", "failed");
		if (pid == 0) {
			close(pipe_fd[0]);
			child(o.path, rows, pipe_fd[1]);
		}
		close(pipe_fd[1]);
		clock_sleep_ms(10 + (int64_t)(gen_next(&dice) % 500));
		kill(pid, SIGKILL);
		uint64_t said, acknowledged = rows;
		while (read(pipe_fd[0], &said, sizeof(said)) == (ssize_t)sizeof(said))
			acknowledged = said;
		close(pipe_fd[0]);
		if (waitpid(pid, NULL, 0) != pid)
			die("wait", "failed");
		acknowledged_all = acknowledged;
		rows = check(o.path, acknowledged);
	}
	printf("{\"test\":\"store_crash\",\"kills\":%llu,\"rows\":%llu,\"acknowledged\":%llu,\"lost\":0}\n",
	       (unsigned long long)o.rounds, (unsigned long long)rows,
	       (unsigned long long)acknowledged_all);
	return 0;
}
