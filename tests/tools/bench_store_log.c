/* bench_store_log [-n ROWS] [-p FOLDER] [-b ROWS] [-k]: what a log line costs the store. Prints JSON lines.
 * Rows are made before the clock starts; the CPU time is that of the store's thread. -b waits for the
 * commit after so many rows, as a house that is not busy does. Then the day is read: the newest page, all
 * rows that a number of a column without index picks, and one line by its id. -k keeps the folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen_logs.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/base/thread.h"
#include "tomsd/store.h"

enum { CHUNK = 8192, ROW_BYTES = sizeof(union gen_log) };

struct options {
	uint64_t rows, batch;
	const char *path;
	bool keep;
};

static void die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_store_log: %s: %s\n", what, e->text);
	exit(1);
}

static struct options parse(int argc, char **argv)
{
	struct options o = { 1000000, CHUNK, "bench-store-log", false };
	int c;
	while ((c = getopt(argc, argv, "n:p:b:k")) != -1) {
		if (c == 'n' && num_u64(str_of(optarg), 1, UINT64_MAX, &o.rows) == 0)
			continue;
		if (c == 'b' && num_u64(str_of(optarg), 1, CHUNK, &o.batch) == 0)
			continue;
		if (c == 'p')
			o.path = optarg;
		else if (c == 'k')
			o.keep = true;
		else {
			(void)fputs("usage: bench_store_log [-n ROWS] [-p FOLDER] [-b ROWS] [-k]\n", stderr);
			exit(2);
		}
	}
	return o;
}

static void remove_files(const char *path)
{
	static const char *const names[] = { "tomsd.db", "tomsd.db-wal", "tomsd.db-shm", "ballast" };
	char file[4200];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, names[i]);
		(void)unlink(file);
	}
	(void)rmdir(path);
}

static int64_t store_cpu_ms(void)
{
	struct thread_state list[16];
	size_t n = thread_list(list, ARRAY_LEN(list));
	for (size_t i = 0; i < n && i < ARRAY_LEN(list); i++)
		if (strcmp(list[i].name, "store") == 0)
			return list[i].cpu_ms;
	return 0;
}

static int64_t number(struct store *st, const char *text)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *s;
	if (store_read_begin(st, 0, &db, &e) || sql_prepare(db, text, &s, &e) || stmt_step(s, &e) < 0)
		die(text, &e);
	int64_t v = stmt_col_i64(s, 0);
	stmt_done(s);
	store_read_end(st, db);
	return v;
}

struct seen {
	uint64_t rows, bytes;
	int64_t id;
};

static int see(void *arg, const void *row)
{
	struct seen *s = arg;
	const struct log *g = row;
	s->rows++;
	s->bytes += g->line_n;
	s->id = g->id;
	return 0;
}

static void ask(struct store *st, const char *what, const char *words, size_t limit, bool count)
{
	struct query q = { .record = &log_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct seen s = { 0 };
	struct err e = ERR_INIT;
	bool more = false;
	if (query_parse(&q, str_of(words), &e))
		die(words, &e);
	int64_t began = clock_mono_ns();
	int64_t cpu = clock_thread_cpu_ns();
	if (count ? store_count(st, &q, UINT64_MAX - 1, 0, &s.rows, &more, &e) :
		    store_query(st, &q, limit, 0, see, &s, &info, &e))
		die(words, &e);
	printf("{\"bench\":\"log_%s\",\"words\":\"%s\",\"rows\":%llu,\"ms\":%.1f,\"cpu_ms\":%.1f}\n", what, words,
	       (unsigned long long)s.rows, (double)(clock_mono_ns() - began) / 1e6, (double)(clock_thread_cpu_ns() - cpu) / 1e6);
}

static void ask_all(struct store *st)
{
	char words[64];
	ask(st, "newest_50", "", 50, false);
	ask(st, "newest_50_again", "", 50, false);
	ask(st, "count_number", "event.duration>250000000000", 0, true);
	ask(st, "count_text", "rule.name:*ward-9*", 0, true);
	ask(st, "largest_50", "source.bytes>1", 50, false);
	int64_t id = number(st, "SELECT id FROM log_20261122 LIMIT 1 OFFSET (SELECT count(*)/2 FROM log_20261122)");
	(void)snprintf(words, sizeof(words), "event.id:%lld", (long long)id);
	ask(st, "by_id", words, 1, false);
}

/* Bytes of the tables, apart. */
static void print_sizes(struct store *st, const struct options *o)
{
	static const struct {
		const char *name, *sql;
	} parts[] = {
		{ "cols", "SELECT sum(length(cols)) FROM log_20261122" },
		{ "lines", "SELECT sum(length(lines)) FROM log_20261122" },
		{ "packs", "SELECT sum(pgsize) FROM dbstat WHERE name='log_20261122'" },
		{ "index", "SELECT sum(pgsize) FROM dbstat WHERE name GLOB 'log_20261122_*'" },
		{ "rollups", "SELECT sum(pgsize) FROM dbstat WHERE name GLOB 'rollup_*'" },
	};
	uint64_t rows = o->rows;
	printf("{\"bench\":\"log_bytes_a_row%s\"", o->batch < CHUNK ? "_small" : "");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		printf(",\"%s\":%.1f", parts[i].name, (double)number(st, parts[i].sql) / (double)rows);
	printf(",\"line\":%.1f,\"rows_a_pack\":%.1f}\n",
	       (double)number(st, "SELECT sum(bytes) FROM log_20261122") / (double)rows,
	       (double)number(st, "SELECT avg(n)*1000 FROM log_20261122") / 1000);
	if (o->batch == CHUNK)
		return;
	/* packs of one commit each, that were not put together yet */
	printf("{\"bench\":\"log_bytes_a_row_untidied\",\"rows\":%lld,\"cols\":%.1f,\"lines\":%.1f}\n",
	       (long long)number(st, "SELECT ifnull(sum(n),0) FROM log_20261122 WHERE n<100"),
	       (double)number(st, "SELECT ifnull(10*sum(length(cols))/sum(n),0) FROM log_20261122 WHERE n<100") / 10,
	       (double)number(st, "SELECT ifnull(10*sum(length(lines))/sum(n),0) FROM log_20261122 WHERE n<100") / 10);
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct err e = ERR_INIT;
	struct store *st;
	const struct store_conf conf = { .path = o.path };
	char *rows = malloc((size_t)ROW_BYTES * CHUNK);
	static const void *each[CHUNK];
	/* everything within one day, however many */
	struct gen_logs g = { { 7, clock_day_start(20261122), 0 }, 1000, 0 };
	g.dice.mean_gap_ns = 86000 * NS_PER_S / (int64_t)o.rows;
	if (!rows || store_open(&st, &conf, &e) || store_start(st, &e))
		die("opening", &e);
	int64_t took = 0, cpu0 = store_cpu_ms();
	for (uint64_t done = 0; done < o.rows;) {
		size_t n = o.rows - done < CHUNK ? (size_t)(o.rows - done) : CHUNK;
		for (size_t i = 0; i < n; i++) {
			each[i] = rows + i * ROW_BYTES;
			gen_log(&g, (union gen_log *)(void *)(rows + i * ROW_BYTES));
		}
		int64_t began = clock_mono_ns();
		for (size_t i = 0; i < n; i += o.batch) {
			size_t k = n - i < o.batch ? n - i : o.batch;
			if (store_put_each(st, &log_record, each + i, k) || store_flush(st, 60000, &e))
				die("putting", &e);
		}
		took += clock_mono_ns() - began;
		done += n;
	}
	int64_t cpu = store_cpu_ms() - cpu0;
	printf("{\"bench\":\"store_log%s\",\"rows\":%llu,\"rows_a_commit\":%llu,\"rows_a_s\":%.0f,\"cpu_us_a_row\":%.2f}\n",
	       o.batch < CHUNK ? "_small" : "", (unsigned long long)o.rows, (unsigned long long)o.batch,
	       (double)o.rows / ((double)took / 1e9),
	       (double)cpu * 1000 / (double)o.rows);
	print_sizes(st, &o);
	if (o.batch == CHUNK)
		ask_all(st);
	store_free(st);
	free(rows);
	if (!o.keep)
		remove_files(o.path);
	return 0;
}
