/* bench_span [-c FILE] FOLDER...: how fast the rows of a store come for sealing. Cuts the store (nobody else may
 * have it open; benches leave one with -k) and reads every span whole, tails included. Prints a JSON line a
 * record; CPU time is that of the reading thread. -c also copies the store to that file as a backup does. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/store/cut.h"

enum { SPANS_MAX = 1024 };
static struct store_span spans[SPANS_MAX];
static size_t n_spans;

static int note(void *arg, const struct store_span *s)
{
	(void)arg;
	if (n_spans < SPANS_MAX)
		spans[n_spans++] = *s;
	return 0;
}

/* Tells the spans and undoes the cut, so that it can be measured again. */
static int cut(struct sql *db, void *arg, struct err *e)
{
	int rc = store_cut(db, note, arg, e);
	return rc ? rc : -ERR_CLOSED;
}

struct sum {
	const struct record *record;
	uint64_t rows, bytes;
};

static int count(void *arg, const void *row)
{
	struct sum *s = arg;
	s->rows++;
	s->bytes += record_tail_of(s->record, row).n;
	return 0;
}

static double cpu_s(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int copy(struct store *st, const char *file, struct err *e)
{
	struct store_copied out = { 0 };
	int64_t began = clock_mono_ns();
	double cpu = cpu_s();
	int rc = store_copy(st, file, UINT64_MAX, NULL, NULL, &out, e);
	(void)printf("{\"copied_bytes\":%llu,\"rows\":%llu,\"tables\":%llu,\"wall_s\":%.3f,\"cpu_s\":%.3f}\n",
		     (unsigned long long)out.bytes, (unsigned long long)out.rows,
		     (unsigned long long)out.tables, (double)(clock_mono_ns() - began) / 1e9,
		     cpu_s() - cpu);
	(void)unlink(file);
	return rc;
}

static int bench(const char *path, const char *file, struct err *e)
{
	struct store *st = NULL;
	int rc = store_open(&st, &(struct store_conf){ .path = path }, e);
	n_spans = 0;
	if (!rc)
		rc = store_write(st, cut, NULL, e);
	rc = rc == -ERR_CLOSED ? 0 : rc;
	for (size_t i = 0; !rc && i < n_spans; i++) {
		struct sum sum = { .record = spans[i].record };
		int64_t began = clock_mono_ns();
		double cpu = cpu_s();
		rc = store_span_rows(st, &spans[i], count, &sum, e);
		double wall = (double)(clock_mono_ns() - began) / 1e9;
		cpu = cpu_s() - cpu;
		(void)printf("{\"record\":\"%s\",\"day\":%d,\"rows\":%llu,\"told\":%lld,\"bytes\":%llu,"
			     "\"wall_s\":%.3f,\"cpu_s\":%.3f,\"rows_per_cpu_s\":%.0f}\n",
			     sum.record->name, spans[i].day, (unsigned long long)sum.rows,
			     (long long)spans[i].rows, (unsigned long long)sum.bytes, wall, cpu,
			     (double)sum.rows / cpu);
	}
	if (!rc && file)
		rc = copy(st, file, e);
	store_free(st);
	return rc;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *file = NULL;
	int c;
	while ((c = getopt(argc, argv, "c:")) == 'c')
		file = optarg;
	if (c != -1 || optind == argc) {
		(void)fputs("usage: bench_span [-c FILE] FOLDER...\n", stderr);
		return 2;
	}
	for (int i = optind; i < argc; i++) {
		if (bench(argv[i], file, &e)) {
			(void)fprintf(stderr, "bench_span: %s: %s\n", argv[i], e.text);
			return 1;
		}
	}
	return 0;
}
