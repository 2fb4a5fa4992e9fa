/* bench_cold [-n ROWS] [-D DAYS] [-p FOLDER] [-r REPEATS]: what it costs to find an address in a year of archive objects.
 * An archive of DAYS days (default 365) with ROWS flows in each hour's object (default 2,300; 200 million flows a year are
 * 22,831) is made when FOLDER has none, and kept. Its flows are in the archive alone. Rare addresses stand in one to
 * three flows of the whole time.
 * Prints JSON lines: the archive (bytes of objects and index, words an hour), then one a kind of question: p50, p95 and longest
 * in milliseconds of wall time over REPEATS different questions, cpu_ms the mean of the thread's CPU time, and how many row groups
 * were read and passed over. "cold" questions begin with nothing of database and objects in the page cache. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/archive/index.h"
#include "gen_flows.h"
#include "tomsd/archive.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/store/cut.h"

enum { REPEATS_MAX = 1000, PAGE = 50, RARE = 200 };

static struct options {
	uint64_t rows, days, repeats;
	const char *path;
} opt = { 2300, 365, 40, "build/bench/cold" };

static struct store *st;
static char folder[512];
static const int64_t begin_ns = INT64_C(1763769600) * NS_PER_S; /* 2025-11-22 */
static const int64_t hour_ns = 3600 * NS_PER_S;
static struct gen_flows rnd = { .state = 7 };

static void die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_cold: %s: %s\n", what, e ? e->text : "");
	exit(1);
}

/* ---- Making the archive. ---- */

struct object {
	int64_t id;
	int fd;
	uint64_t bytes;
	char key[64];
	struct index_build *index;
};

static int append(void *ctx, const void *p, size_t n, struct err *e)
{
	struct object *o = ctx;
	if (write(o->fd, p, n) != (ssize_t)n)
		return err_sys(e, errno, "writing");
	o->bytes += n;
	return 0;
}

static int read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	struct object *o = ctx;
	return pread(o->fd, p, n, (off_t)off) == (ssize_t)n ? 0 : err_sys(e, errno, "reading");
}

static int put_object(struct sql *db, void *arg, struct err *e)
{
	struct object *o = arg;
	struct stmt *s;
	int rc = sql_prepare(db,
			     "INSERT INTO archive_object (id, seq, kind, key, sha256, bytes, rows, row_groups, first_id,"
			     " last_id, since_ns, until_ns, merkle_root) VALUES (?1, ?1, 'flow', ?2, x'', ?3, 0, 0, 0, 0, 0, 0, x'')",
			     &s, e);
	if (rc)
		return rc;
	stmt_i64(s, 1, o->id);
	stmt_text(s, 2, str_of(o->key));
	stmt_i64(s, 3, (int64_t)o->bytes);
	rc = stmt_step(s, e);
	stmt_done(s);
	return rc < 0 ? rc : index_put(db, o->id, o->index, e);
}

/* Rare address n: in one to three hours of the time. */
static bool has_rare(uint64_t hour, uint64_t hours, uint32_t n)
{
	struct gen_flows g = { 1000 + n, 0, 0 };
	for (uint32_t i = 0; i <= n % 3; i++)
		if (gen_next(&g) % hours == hour)
			return true;
	return false;
}

static struct addr rare_addr(uint32_t n)
{
	return addr_v4(0xc6330000u + n * 257u); /* each in a network of its own */
}

static void put_row(struct parquet_writer *w, struct object *o, struct flow *f, int64_t id)
{
	struct err e = ERR_INIT;
	f->id = id;
	if (parquet_put(w, f, &e))
		die("writing an object", &e);
	index_row(o->index, f);
}

static void write_hour(struct gen_flows *g, uint64_t hour, uint64_t hours)
{
	struct err e = ERR_INIT;
	struct object o = { .id = (int64_t)hour + 1 };
	const struct parquet_conf conf = { .record = &flow_record, .whole_rows = true };
	const struct parquet_sink sink = { append, &o };
	struct parquet_writer *w = NULL;
	struct parquet_file *file = NULL;
	struct flow f;
	char path[600];
	(void)snprintf(o.key, sizeof(o.key), "flow-%06llu.parquet", (unsigned long long)hour);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, o.key);
	o.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (o.fd < 0 || parquet_writer_new(&w, &conf, &sink, &e) || index_new(&o.index, &flow_record, &e))
		die(path, &e);
	g->now_ns = begin_ns + (int64_t)hour * hour_ns;
	int64_t id = g->now_ns / NS_PER_S << 30;
	for (uint64_t i = 0; i < opt.rows; i++) {
		gen_flow(g, &f);
		put_row(w, &o, &f, ++id);
	}
	for (uint32_t n = 0; n < RARE; n++)
		if (has_rare(hour, hours, n)) {
			gen_flow(g, &f);
			f.dst = rare_addr(n);
			put_row(w, &o, &f, ++id);
		}
	struct parquet_source src = { .read_at = read_at, .ctx = &o };
	if (parquet_finish(w, NULL, &e))
		die("writing an object", &e);
	src.size = o.bytes;
	if (parquet_open(&file, &src, &e) || index_groups(o.index, file, &e) || store_write(st, put_object, &o, &e))
		die("index of an object", &e);
	parquet_close(file);
	parquet_writer_free(w);
	index_free(o.index);
	(void)close(o.fd);
}

static int mark_gone(struct sql *db, void *arg, struct err *e)
{
	(void)arg;
	int rc = 0;
	for (uint64_t d = 0; !rc && d < opt.days + 1; d++) {
		int64_t at = begin_ns + (int64_t)d * 24 * hour_ns;
		rc = store_mark_gone(db, &flow_record, clock_day(at), (at / NS_PER_S + 86400) << 30, e);
	}
	return rc;
}

static void make(void)
{
	struct err e = ERR_INIT;
	uint64_t hours = opt.days * 24;
	struct gen_flows g = { 1, begin_ns, hour_ns / (int64_t)(opt.rows ? opt.rows : 1) };
	int64_t began = clock_thread_cpu_ns(), tidy = 0;
	if (store_write(st, mark_gone, NULL, &e))
		die("days that are gone", &e);
	for (uint64_t h = 0; h < hours; h++) {
		write_hour(&g, h, hours);
		int64_t before = clock_thread_cpu_ns();
		if (index_tidy(st, &e))
			die("index", &e);
		tidy += clock_thread_cpu_ns() - before;
		if (isatty(STDERR_FILENO) && h % 100 == 0)
			(void)fprintf(stderr, "\r%llu of %llu hours \033[K", (unsigned long long)h, (unsigned long long)hours);
	}
	if (store_flush(st, 60000, &e))
		die("store", &e);
	(void)printf("{\"bench\":\"cold: making\",\"cpu_s\":%.1f,\"index_tidy_cpu_s\":%.2f}\n",
		     (double)(clock_thread_cpu_ns() - began) / 1e9, (double)tidy / 1e9);
}

/* ---- What it takes. ---- */

static int64_t number(const char *text)
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

static void say_sizes(void)
{
	int64_t objects = number("SELECT count(*) FROM archive_object");
	int64_t data = number("SELECT sum(bytes) FROM archive_object");
	int64_t folded = number("SELECT ifnull(sum(length(words)), 0) FROM archive_word");
	int64_t loose = number("SELECT ifnull(sum(length(words)), 0) FROM archive_index");
	int64_t n_loose = number("SELECT count(*) FROM archive_index WHERE volume IS NULL");
	int64_t database = number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") -
			   4096 * number("SELECT freelist_count FROM pragma_freelist_count");
	double years = (double)opt.days / 365;
	(void)printf("{\"bench\":\"cold: archive\",\"days\":%llu,\"rows_an_hour\":%llu,\"rows\":%llu,\"objects\":%lld,"
		     "\"object_bytes\":%lld,\"words_loose_bytes\":%lld,\"loose_objects\":%lld,\"words_folded_bytes\":%lld,"
		     "\"database_bytes\":%lld,\"index_bytes_a_year\":%.0f,\"bytes_a_row\":%.1f}\n",
		     (unsigned long long)opt.days, (unsigned long long)opt.rows,
		     (unsigned long long)(opt.rows * opt.days * 24), (long long)objects, (long long)data, (long long)loose,
		     (long long)n_loose, (long long)folded, (long long)database, (double)database / years,
		     (double)data / (double)(opt.rows * opt.days * 24));
	(void)fflush(stdout);
}

/* ---- Questions. ---- */

/* Clean pages of a file leave the page cache. */
static void forget_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fdatasync(fd);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)close(fd);
}

static void forget_all(void)
{
	char path[600];
	(void)snprintf(path, sizeof(path), "%s/tomsd.db", opt.path);
	forget_file(path);
	for (uint64_t h = 0; h < opt.days * 24; h++) {
		(void)snprintf(path, sizeof(path), "%s/flow-%06llu.parquet", folder, (unsigned long long)h);
		forget_file(path);
	}
}

static void host(struct query *q, struct addr a)
{
	struct err e = ERR_INIT;
	char text[ADDR_TEXT_MAX];
	addr_text(&a, text);
	if (query_add(q, "host", ":", text, &e))
		die(text, &e);
}

static void ask_rare(struct query *q)
{
	host(q, rare_addr((uint32_t)(gen_next(&rnd) % RARE)));
}

static void ask_nobody(struct query *q)
{
	host(q, addr_v4(0xcb000000u + (uint32_t)(gen_next(&rnd) % 0xffffff)));
}

static void ask_rare_oldest(struct query *q)
{
	ask_rare(q);
	q->sort = QUERY_OLDEST;
}

static void ask_frequent(struct query *q)
{
	host(q, addr_v4(0x0a00010au + gen_skewed(&rnd, 100)));
}

static void ask_newest(struct query *q)
{
	(void)q;
}

static void ask_deep(struct query *q)
{
	q->until_ns = begin_ns + (int64_t)(gen_next(&rnd) % (opt.days * 24)) * hour_ns + 1;
}

static void ask_name(struct query *q)
{
	struct err e = ERR_INIT;
	char text[64];
	uint32_t n = 7000 + (uint32_t)(gen_next(&rnd) % 1000);
	(void)snprintf(text, sizeof(text), "host%u.site%u.example.jp", n, n % 700);
	if (query_add(q, "name", ":", text, &e))
		die(text, &e);
}

static void ask_pair(struct query *q)
{
	ask_frequent(q);
	struct err e = ERR_INIT;
	char text[ADDR_TEXT_MAX];
	struct addr a = rare_addr((uint32_t)(gen_next(&rnd) % RARE));
	addr_text(&a, text);
	if (query_add(q, "peer", ":", text, &e))
		die(text, &e);
}

static const struct kind {
	const char *name;
	void (*ask)(struct query *q);
	bool is_cold;
} kinds[] = {
	{ "rare address", ask_rare, false },
	{ "rare address, oldest first", ask_rare_oldest, false },
	{ "address nobody has", ask_nobody, false },
	{ "rare address, cold", ask_rare, true },
	{ "address nobody has, cold", ask_nobody, true },
	{ "frequent host and a rare peer", ask_pair, false },
	{ "frequent host, first page", ask_frequent, false },
	{ "rare name, first page", ask_name, false },
	{ "newest", ask_newest, false },
	{ "newest before some day", ask_deep, false },
};

static int count_row(void *arg, const void *row)
{
	(void)row;
	++*(uint64_t *)arg;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void run_kind(const struct kind *k)
{
	static double ms[REPEATS_MAX];
	struct cold_sources from = { .folder = folder };
	struct cold_info sum = { 0 };
	uint64_t rows = 0;
	double cpu = 0;
	size_t n = k->is_cold && opt.repeats > 15 ? 15 : opt.repeats;
	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;
		struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
		struct query_page_info info;
		struct cold_info cold;
		k->ask(&q);
		if (k->is_cold)
			forget_all();
		int64_t began = clock_mono_ns(), cpu_began = clock_thread_cpu_ns();
		if (archive_query(st, &from, &q, PAGE, 0, count_row, &rows, &info, &cold, &e))
			die(k->name, &e);
		ms[i] = (double)(clock_mono_ns() - began) / 1e6;
		cpu += (double)(clock_thread_cpu_ns() - cpu_began) / 1e6;
		sum.groups_read += cold.groups_read;
		sum.groups_passed += cold.groups_passed;
		sum.groups_failed += cold.groups_failed;
	}
	qsort(ms, n, sizeof(*ms), by_number);
	(void)printf("{\"bench\":\"cold: %s\",\"p50_ms\":%.1f,\"p95_ms\":%.1f,\"max_ms\":%.1f,\"cpu_ms\":%.1f,"
		     "\"rows\":%.1f,\"groups_read\":%.1f,\"groups_passed\":%.1f,\"failed\":%llu}\n",
		     k->name, ms[n / 2], ms[n * 95 / 100], ms[n - 1], cpu / (double)n, (double)rows / (double)n,
		     (double)sum.groups_read / (double)n, (double)sum.groups_passed / (double)n,
		     (unsigned long long)sum.groups_failed);
	(void)fflush(stdout);
}

static void take_options(int argc, char **argv)
{
	int c;
	while ((c = getopt(argc, argv, "n:D:p:r:")) != -1) {
		uint64_t v = 0;
		if (c != 'p' && num_u64(str_of(optarg), 1, 1000000, &v))
			exit(2);
		if (c == 'n')
			opt.rows = v;
		else if (c == 'D')
			opt.days = v;
		else if (c == 'r')
			opt.repeats = v < REPEATS_MAX ? v : REPEATS_MAX;
		else if (c == 'p')
			opt.path = optarg;
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct store_conf conf = { .inbox_bytes = 1 << 20 };
	take_options(argc, argv);
	conf.path = opt.path;
	(void)snprintf(folder, sizeof(folder), "%s/archive", opt.path);
	if (file_mkdirs(folder, 0700, &e) || store_open(&st, &conf, &e) || store_start(st, &e))
		die(opt.path, &e);
	if (number("SELECT count(*) FROM archive_object") == 0)
		make();
	say_sizes();
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		run_kind(&kinds[i]);
	store_stop(st);
	store_free(st);
	return 0;
}
