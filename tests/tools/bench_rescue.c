/* bench_rescue [-n ROWS] [-p FOLDER]: what a backup and its opening cost. A database with ROWS flows (default 2,000,000) is
 * made when FOLDER has none, and kept. Prints one JSON line a step: copy (online, of the database), check (quick_check and
 * counts of the copy), seal (zstd and AES-256-GCM), open (unsealed, written, checked and counted: a restore without the
 * network). mb_s is in plain bytes, 10^6, of wall time,
 * mb_cpu_s of CPU time; everything ends on the disk. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../src/rescue/contents.h"
#include "../../src/rescue/unpack.h"
#include "gen_flows.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/store/cut.h"

static uint64_t n_rows = 2000000;
static const char *folder = "build/bench/rescue";
static char path[8][600];

static void die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_rescue: %s: %s\n", what, e->text);
	exit(1);
}

static const char *in(unsigned at, const char *name)
{
	(void)snprintf(path[at], sizeof(path[at]), "%s/%s", folder, name);
	return path[at];
}

static double cpu_s(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t began_ns;
static double began_cpu;

static void begin(void)
{
	began_ns = clock_mono_ns();
	began_cpu = cpu_s();
}

static void end(const char *step, uint64_t plain, uint64_t made)
{
	double wall = (double)(clock_mono_ns() - began_ns) / 1e9, cpu = cpu_s() - began_cpu;
	(void)printf(
		"{\"bench\":\"rescue\",\"step\":\"%s\",\"rows\":%llu,\"mb\":%.1f,\"made_mb\":%.1f,\"wall_s\":%.2f,"
		"\"cpu_s\":%.2f,\"mb_s\":%.0f,\"mb_cpu_s\":%.0f}\n",
		step, (unsigned long long)n_rows, (double)plain / 1e6, (double)made / 1e6, wall,
		cpu, (double)plain / 1e6 / wall, (double)plain / 1e6 / cpu);
	(void)fflush(stdout);
}

static void fill(struct store *st)
{
	struct err e = ERR_INIT;
	struct gen_flows g = { 1, INT64_C(1795000000) * NS_PER_S, 40 * NS_PER_MS };
	struct flow f;
	for (uint64_t i = 0; i < n_rows; i++) {
		gen_flow(&g, &f);
		if (store_put(st, &flow_record, &f))
			die("putting a row", &e);
	}
	if (store_flush(st, 600000, &e))
		die("flushing", &e);
}

static void remove_out(void)
{
	static const char *const names[] = { "out/tomsd.db", "out/index.json", "out" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)remove(in(7, names[i]));
}

static void measure(struct store *st)
{
	struct err e = ERR_INIT;
	struct store_copied copied = { 0 };
	struct contents *c = contents_new();
	struct packed packed = { 0 };
	struct rescued got = { 0 };
	char phrase[RESCUE_PHRASE_MAX];
	uint8_t private_key[KEY_BYTES], public_key[KEY_BYTES];
	rescue_phrase_new(phrase);
	if (!c || phrase_keys(str_of(phrase), private_key, public_key, &e))
		die("making a phrase", &e);
	begin();
	if (store_copy(st, in(0, "copy.db"), UINT64_MAX >> 1, NULL, NULL, &copied, &e))
		die("copying", &e);
	end("copy", copied.bytes, copied.bytes);
	begin();
	if (contents_database(c, in(0, "copy.db"), &copied, "bench", "1", 1, &e) ||
	    contents_end(c, &e))
		die("checking", &e);
	end("check", copied.bytes, 0);
	struct pack_ask ask = { .recipient = public_key,
				.made_ns = 1,
				.appliance = "bench",
				.version = "1",
				.parts = c->parts,
				.n_parts = c->n };
	begin();
	if (pack_write(in(1, "backup"), &ask, &packed, &e))
		die("sealing", &e);
	end("seal", copied.bytes, packed.bytes);
	remove_out();
	begin();
	if (rescue_open(in(1, "backup"), str_of(phrase), in(2, "out"), NULL, NULL, &got, &e))
		die("opening", &e);
	end("open", copied.bytes, packed.bytes);
	remove_out();
	(void)unlink(in(0, "copy.db"));
	(void)unlink(in(1, "backup"));
	contents_free(c);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct store *st = NULL;
	int o;
	while ((o = getopt(argc, argv, "n:p:")) != -1) {
		if (o == 'p')
			folder = optarg;
		else if (o != 'n' || num_u64(str_of(optarg), 1, UINT64_C(1) << 32, &n_rows))
			return 2;
	}
	if (file_mkdirs(folder, 0700, &e))
		die("making the folder", &e);
	bool is_new = access(in(3, "tomsd.db"), F_OK) != 0;
	if (store_open(&st, &(struct store_conf){ .path = folder }, &e) || store_start(st, &e))
		die("opening the store", &e);
	if (is_new)
		fill(st);
	measure(st);
	store_stop(st);
	store_free(st);
	return 0;
}
