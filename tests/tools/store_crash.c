/* store_crash [-r ROUNDS] [-p FOLDER] [-s SEED]: kill -9 at random moments. A child stores
 * flows and log lines and says after every flush how many are acknowledged; the parent kills
 * it, opens the store and checks: every acknowledged row is there once, none is there that
 * was not put, log lines are those that were put byte for byte, roll-ups and index agree with
 * the rows, integrity_check is ok. Then the next child goes on in the same store. One JSON
 * line. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gen_logs.h"
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

/* How many of each there are. */
struct rows {
	uint64_t flows, logs;
};

/* Flows are numbered by src_bytes, log lines by their time, so that each can be missed by name. Now many
 * lines a commit, now few, so that packs are small and put together. */
static void child(const char *path, struct rows from, int say)
{
	struct store *st;
	struct err e = ERR_INIT;
	const struct store_conf conf = { .path = path,
					 .commit_every_ns = 5 * NS_PER_MS,
					 .inbox_bytes = 8 << 20 };
	struct gen_flows g = { from.flows + 1,
			       clock_day_start(20261122) + (int64_t)from.flows * NS_PER_MS,
			       2 * NS_PER_MS };
	static struct flow f;
	static union gen_log line;
	if (store_open(&st, &conf, &e) || store_start(st, &e))
		die("child", e.text);
	for (struct rows n = from;;) {
		uint64_t flush = gen_next(&g) % 3 ? 1 + gen_next(&g) % 50 : 3000;
		for (uint64_t i = 0; i < flush; i++) {
			gen_flow(&g, &f);
			f.src_bytes = n.flows++;
			if (store_put(st, &flow_record, &f))
				die("child", "store closed");
			if (i % 3)
				continue;
			gen_log_number(n.logs++, clock_day_start(20261122) + NS_PER_S, &line);
			if (store_put(st, &log_record, &line))
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

struct walk {
	uint64_t n;
	union gen_log want;
};

static int check_log(void *arg, const void *row)
{
	struct walk *w = arg;
	const struct log *have = row;
	gen_log_number(w->n++, clock_day_start(20261122) + NS_PER_S, &w->want);
	w->want.row.id = have->id;
	return have->line_n != w->want.row.line_n ||
	       memcmp(have, &w->want, record_bytes(&log_record, have)) != 0;
}

/* The lines from this one on are those that were put, without a hole. */
static uint64_t check_logs(struct store *st, uint64_t from)
{
	struct walk w = { .n = from };
	struct query q = { .record = &log_record,
			   .since_ns = clock_day_start(20261122) + (int64_t)from * NS_PER_MS +
				       NS_PER_S - NS_PER_MS,
			   .until_ns = INT64_MAX,
			   .sort = QUERY_OLDEST };
	struct query_page_info info = { .more = false };
	struct err e = ERR_INIT;
	if (store_query(st, &q, 0, 0, check_log, &w, &info, &e))
		die("log lines", e.text);
	if (info.more)
		die("log lines", "not what was put");
	return w.n;
}

/* Returns how many rows there are. */
static struct rows check(const char *path, struct rows acknowledged, bool all)
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
		if (acknowledged.flows)
			die("rows", "all gone");
		return (struct rows){ 0, 0 };
	}
	struct rows rows = {
		(uint64_t)number(st, "SELECT sum(rows) FROM part WHERE record='flow'"),
		(uint64_t)number(st, "SELECT ifnull(sum(rows),0) FROM part WHERE record='log'")
	};
	if (rows.flows < acknowledged.flows || rows.logs < acknowledged.logs)
		die("rows", "acknowledged ones are missing");
	must(st, "SELECT count(*) FROM flow_20261122", (int64_t)rows.flows);
	must(st, "SELECT count(DISTINCT src_bytes) FROM flow_20261122", (int64_t)rows.flows);
	must(st, "SELECT max(src_bytes)+1 FROM flow_20261122", (int64_t)rows.flows);
	if (rows.logs) {
		uint64_t from = all || rows.logs < 20000 ? 0 : rows.logs - 20000;
		must(st, "SELECT sum(n) FROM log_20261122", (int64_t)rows.logs);
		if (check_logs(st, from) != rows.logs)
			die("log lines", "not as many as the part says");
	}
	must(st,
	     "SELECT sum(bytes_out)-(SELECT sum(src_bytes) FROM flow_20261122) FROM rollup_minute WHERE dim=0",
	     0);
	must(st,
	     "SELECT sum(bytes_out)-(SELECT sum(src_bytes) FROM flow_20261122) FROM rollup_hour WHERE dim=2",
	     0);
	must(st,
	     "SELECT count(*)-(SELECT sum(rows) FROM flow_20261122_zone) FROM flow_20261122"
	     " WHERE id<=(SELECT indexed_id FROM part WHERE record='flow')",
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
	struct rows rows = { 0, 0 }, acknowledged = { 0, 0 };
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
		struct rows said;
		acknowledged = rows;
		while (read(pipe_fd[0], &said, sizeof(said)) == (ssize_t)sizeof(said))
			acknowledged = said;
		close(pipe_fd[0]);
		if (waitpid(pid, NULL, 0) != pid)
			die("wait", "failed");
		rows = check(o.path, acknowledged, round % 10 == 9 || round + 1 == o.rounds);
	}
	printf("{\"test\":\"store_crash\",\"kills\":%llu,\"rows\":%llu,\"acknowledged\":%llu,\"log_lines\":%llu,\"lost\":0}\n",
	       (unsigned long long)o.rounds, (unsigned long long)rows.flows,
	       (unsigned long long)acknowledged.flows, (unsigned long long)rows.logs);
	return 0;
}
