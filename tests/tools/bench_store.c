/* bench_store [-n ROWS] [-p FOLDER] [-d FLOWS_A_DAY] [-b ROWS] [-k] [-x]: what a flow row
 * costs the writer. Prints JSON lines. Rows are made before the clock starts; the CPU time is
 * that of the store's thread. -b waits for the commit after so many rows, as a house that is
 * not busy does (50 million flows a day are 116 in 200 ms); bytes_written is what went to the
 * disk, log and checkpoints included. -k keeps the folder (for query benches), -d says how
 * far rows are apart. -x drops that day for want of space afterwards while rows of the next
 * day come in, and says how long they waited for their commit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen_flows.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/base/thread.h"
#include "tomsd/store.h"

enum { CHUNK = 4096, CHUNKS = 16 };

static int64_t store_cpu_ms(void)
{
	struct thread_state list[16];
	size_t n = thread_list(list, ARRAY_LEN(list));
	for (size_t i = 0; i < n && i < ARRAY_LEN(list); i++)
		if (strcmp(list[i].name, "store") == 0)
			return list[i].cpu_ms;
	return 0;
}

/* Bytes this process made the disk write. */
static uint64_t written_bytes(void)
{
	uint64_t n = 0;
	struct buf b;
	buf_init(&b, 4096);
	if (file_read("/proc/self/io", 4096, &b, NULL) == 0) {
		static const char key[] = "\nwrite_bytes: ";
		const char *at = strstr(b.p, key);
		n = at ? strtoull(at + strlen(key), NULL, 10) : 0;
	}
	buf_fini(&b);
	return n;
}

static void die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_store: %s: %s\n", what, e->text);
	exit(1);
}

struct options {
	uint64_t rows, per_day, batch;
	const char *path;
	bool keep, drop;
};

static void usage(void)
{
	(void)fputs(
		"usage: bench_store [-n ROWS] [-p FOLDER] [-d FLOWS_A_DAY] [-b ROWS] [-k] [-x]\n",
		stderr);
	exit(2);
}

static struct options parse(int argc, char **argv)
{
	struct options o = { 1000000, 10000000, CHUNK * CHUNKS, "bench-store", false, false };
	int c;
	while ((c = getopt(argc, argv, "n:p:d:b:kx")) != -1) {
		if (c == 'n' && num_u64(str_of(optarg), 1, UINT64_MAX, &o.rows) == 0)
			continue;
		if (c == 'd' && num_u64(str_of(optarg), 1, 1000000000, &o.per_day) == 0)
			continue;
		if (c == 'b' && num_u64(str_of(optarg), 1, CHUNK * CHUNKS, &o.batch) == 0)
			continue;
		if (c == 'p')
			o.path = optarg;
		else if (c == 'k')
			o.keep = true;
		else if (c == 'x')
			o.drop = true;
		else
			usage();
	}
	return o;
}

static void remove_files(const char *path)
{
	static const char *const names[] = { "tomsd.db", "tomsd.db-wal", "tomsd.db-shm" };
	char file[4200];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, names[i]);
		(void)unlink(file);
	}
	(void)rmdir(path);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* 100 rows every 50 ms, each time until they are durable, while the old day goes. */
static void bench_drop(const struct options *o)
{
	enum { WAITS_MAX = 1 << 16 };
	struct err e = ERR_INIT;
	struct store *st;
	const struct store_conf conf = { .path = o->path, .disk_limit = 1 };
	struct gen_flows g = { 9, clock_day_start(20261123), NS_PER_MS };
	static struct flow rows[100];
	int64_t *waits = malloc(WAITS_MAX * sizeof(*waits));
	if (!waits || store_open(&st, &conf, &e) || store_start(st, &e))
		die("opening", &e);
	struct store_stats s = { .days = 2 };
	size_t n = 0;
	int64_t began = clock_mono_ns(), cpu0 = store_cpu_ms();
	while (n < WAITS_MAX && (n < 40 || s.database_bytes > (64 << 20))) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			gen_flow(&g, &rows[i]);
		int64_t put = clock_mono_ns();
		if (store_put_many(st, &flow_record, rows, ARRAY_LEN(rows)) ||
		    store_flush(st, 60000, &e))
			die("putting", &e);
		waits[n++] = clock_mono_ns() - put;
		clock_sleep_ms(50);
		store_stats(st, &s);
	}
	int64_t took = clock_mono_ns() - began, cpu = store_cpu_ms() - cpu0;
	store_free(st);
	qsort(waits, n, sizeof(*waits), by_size);
	printf("{\"bench\":\"store_drop_day\",\"rows\":%llu,\"seconds\":%.1f,\"cpu_s\":%.1f,\"commit_wait_p50_ms\":%.1f,"
	       "\"commit_wait_p95_ms\":%.1f,\"commit_wait_max_ms\":%.1f}\n",
	       (unsigned long long)o->rows, (double)took / 1e9, (double)cpu / 1e3,
	       (double)waits[n / 2] / 1e6, (double)waits[n * 95 / 100] / 1e6,
	       (double)waits[n - 1] / 1e6);
	free(waits);
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct err e = ERR_INIT;
	struct store *st;
	const struct store_conf conf = { .path = o.path };
	struct flow *rows = malloc(sizeof(*rows) * CHUNK * CHUNKS);
	if (!rows || store_open(&st, &conf, &e) || store_start(st, &e))
		die("opening", &e);
	struct gen_flows g = { 1, clock_day_start(20261122) * 1,
			       (int64_t)(86400e9 / (double)o.per_day) };
	int64_t cpu0 = store_cpu_ms(), wall = 0;
	uint64_t written = written_bytes();
	for (uint64_t done = 0; done < o.rows;) {
		size_t n = (size_t)(o.rows - done < o.batch ? o.rows - done : o.batch);
		for (size_t i = 0; i < n; i++)
			gen_flow(&g, &rows[i]);
		int64_t began = clock_mono_ns();
		for (size_t i = 0; i < n; i += CHUNK)
			if (store_put_many(st, &flow_record, rows + i,
					   n - i < CHUNK ? n - i : CHUNK))
				die("putting", &e);
		if (store_flush(st, 60000, &e))
			die("flushing", &e);
		wall += clock_mono_ns() - began;
		done += n;
	}
	int64_t cpu = store_cpu_ms() - cpu0;
	written = written_bytes() - written;
	struct store_stats s;
	store_stats(st, &s);
	store_stop(st);
	char file[4200];
	(void)snprintf(file, sizeof(file), "%s/tomsd.db", o.path);
	printf("{\"bench\":\"store_put\",\"rows\":%llu,\"commits\":%llu,\"seconds\":%.2f,\"rows_per_s\":%.0f,"
	       "\"cpu_us_per_row\":%.2f,\"bytes_per_row\":%.1f,\"bytes_written_per_row\":%.0f,\"fsync\":true}\n",
	       (unsigned long long)o.rows, (unsigned long long)s.commits_total,
	       (double)wall / 1e9, (double)o.rows / ((double)wall / 1e9),
	       (double)cpu * 1e3 / (double)o.rows, (double)file_size(file) / (double)o.rows,
	       (double)written / (double)o.rows);
	store_free(st);
	free(rows);
	if (o.drop)
		bench_drop(&o);
	if (!o.keep)
		remove_files(o.path);
	return 0;
}
