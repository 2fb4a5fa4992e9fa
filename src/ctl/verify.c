/* tomsctl verify: proves an archive. On the appliance with what its database knows; anywhere else with a folder and a
 * public key alone, without configuration or database. Each fault is a line; the last line, on stderr, names the
 * first one. */
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "tomsd/archive.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"
#include "tomsd/crypt.h"
#include "tomsd/s3.h"

enum { PEM_MAX = 64 << 10, FOUND_MAX = 10000 };
#define SHOW_EVERY_NS (NS_PER_S / 5)

struct verify {
	struct ctl *c;
	const char *from, *key_file;
	bool as_json;
	struct verify_ask ask;
	uint8_t key[CRYPT_KEY_BYTES];
	char appliance[128];

	struct store *store;
	struct s3_client *client;
	struct archive_known *known;

	struct verify_result result;
	struct buf found; /* JSON elements */
	uint64_t n_found;
	int64_t shown_ns; /* progress */
	bool is_shown;
};

/* ---- Words of the command line. ---- */

/* "42:<64 hexadecimal digits>" */
static bool read_head(struct verify_ask *ask, const char *text)
{
	struct str left = str_of(text), seq;
	if (!str_split(&left, ':', &seq) || num_u64(seq, 1, INT64_MAX, &ask->head_seq) ||
	    left.n != 2 * CRYPT_SHA256_BYTES)
		return false;
	for (size_t i = 0; i < left.n; i++) {
		int digit = num_hex_digit(left.p[i]);
		if (digit < 0)
			return false;
		uint8_t *to = &ask->head_sha256[i / 2];
		*to = (uint8_t)(i % 2 ? *to | digit : digit << 4);
	}
	ask->has_head = true;
	return true;
}

static int read_key(struct verify *v, struct err *e)
{
	struct buf b;
	if (!v->key_file)
		return 0;
	buf_init(&b, PEM_MAX);
	int rc = file_read(v->key_file, PEM_MAX, &b, e);
	if (rc == 0)
		rc = crypt_ed25519_from_pem(buf_view(&b), v->key, e);
	buf_fini(&b);
	if (rc)
		return err_wrap(e, "public key %s", v->key_file);
	v->ask.public_key = v->key;
	return 0;
}

/* ---- Progress. ---- */

static void clear_line(struct verify *v)
{
	if (v->is_shown)
		(void)fputs("\r\033[K", stderr);
	v->is_shown = false;
}

static bool show(void *arg, uint64_t done, uint64_t total, const char *key)
{
	struct verify *v = arg;
	char done_text[16], total_text[16];
	int64_t now_ns = clock_mono_ns();
	if (now_ns - v->shown_ns < SHOW_EVERY_NS)
		return true;
	v->shown_ns = now_ns;
	v->is_shown = true;
	text_bytes(done, done_text);
	text_bytes(total, total_text);
	if (*key)
		(void)fprintf(stderr, "\r\033[K%3.0f %%  %s of %s  %.60s",
			      total ? 100.0 * (double)done / (double)total : 0.0, done_text, total_text, key);
	else
		(void)fputs("\r\033[Kreading manifests", stderr);
	return true;
}

static bool progress(void *arg, uint64_t done, uint64_t total, const char *key)
{
	return isatty(STDERR_FILENO) ? show(arg, done, total, key) : true;
}

static bool is_elsewhere(void *arg, const char *key)
{
	struct verify *v = arg;
	return v->known && archive_known_elsewhere(v->known, key);
}

/* ---- What is found. ---- */

static void hours(const struct verify_found *f, char *out, size_t cap)
{
	char since[CLOCK_RFC3339_MAX] = "the beginning", until[CLOCK_RFC3339_MAX] = "now";
	if (f->since_ns != INT64_MIN)
		clock_rfc3339(f->since_ns, since);
	if (f->until_ns != INT64_MAX)
		clock_rfc3339(f->until_ns, until);
	(void)snprintf(out, cap, "%s to %s", since, until);
}

static void take_found(void *arg, const struct verify_found *f)
{
	struct verify *v = arg;
	char span[2 * CLOCK_RFC3339_MAX + 8];
	clear_line(v);
	if (!v->as_json) {
		hours(f, span, sizeof(span));
		(void)printf("%-10s %llu  ", verify_fault_names[f->fault], (unsigned long long)f->seq);
		print_clean(stdout, f->key);
		(void)fputs(": ", stdout);
		print_clean(stdout, f->words);
		(void)printf("; doubtful: %s\n", span);
		return;
	}
	if (v->n_found++ >= FOUND_MAX)
		return;
	struct json j;
	json_init(&j, &v->found);
	if (v->n_found > 1)
		buf_char(&v->found, ',');
	verify_found_json(f, &j);
}

static void print_result(const struct verify *v)
{
	const struct verify_result *r = &v->result;
	char bytes[16], hex[2 * CRYPT_SHA256_BYTES + 1], sum[CRYPT_SHA256_BYTES * 2 + 1];
	char since[CLOCK_RFC3339_MAX], until[CLOCK_RFC3339_MAX];
	uint8_t id[CRYPT_SHA256_BYTES];
	text_bytes(r->bytes, bytes);
	clock_rfc3339(r->since_ns, since);
	clock_rfc3339(r->until_ns, until);
	crypt_sha256(r->root_key, CRYPT_KEY_BYTES, id);
	hash_hex(id, 8, hex);
	hash_hex(r->head_sha256, CRYPT_SHA256_BYTES, sum);
	(void)printf("manifests  %llu (%llu to %llu), %s to %s\n", (unsigned long long)r->manifests,
		     (unsigned long long)r->first_seq, (unsigned long long)r->last_seq, since, until);
	(void)printf("objects    %llu good, %s", (unsigned long long)r->objects, bytes);
	if (r->elsewhere)
		(void)printf("; %llu are kept elsewhere", (unsigned long long)r->elsewhere);
	(void)printf("\nrows       ");
	if (v->ask.rows)
		(void)printf("%llu read, Merkle roots built again\n", (unsigned long long)r->rows);
	else
		(void)puts("not read (--rows reads them)");
	(void)printf("key        %s%s\n", hex,
		     v->key_file ? "" :
		     v->known	 ? " (of this appliance's database: compare it with the one that was printed)" :
				   " (the first manifest's own: compare it with the one that was printed)");
	(void)printf("head       %llu:%s\n", (unsigned long long)r->last_seq, sum);
}

static void print_json(struct verify *v)
{
	struct buf b;
	struct json j;
	buf_init(&b, 1 << 20);
	json_init(&j, &b);
	verify_result_json(&v->result, &j);
	if (b.n > 0)
		(void)printf("%.*s,\"found\":[%s]}\n", (int)b.n - 1, b.p, v->found.p ? v->found.p : "");
	buf_fini(&b);
}

static int end_words(const struct verify *v)
{
	const struct verify_result *r = &v->result;
	char span[2 * CLOCK_RFC3339_MAX + 8];
	if (r->faults == 0) {
		if (!v->as_json)
			(void)puts("good       no fault was found");
		return EXIT_SUCCESS;
	}
	hours(&r->first, span, sizeof(span));
	return ctl_fail("%llu fault%s; the first: %s: %s: %s; doubtful are %s", (unsigned long long)r->faults,
			r->faults == 1 ? "" : "s", r->first.key, verify_fault_names[r->first.fault], r->first.words, span);
}

/* ---- Where from. ---- */

static int open_store(struct verify *v, const char *place, struct err *e)
{
	int rc = state_store(v->c, &v->store, e);
	return rc ? rc : archive_known_new(&v->known, v->store, place, e);
}

static int from_local(struct verify *v, struct err *e)
{
	char path[CTL_PATH_MAX + 16];
	int rc = open_store(v, NULL, e);
	if (rc)
		return rc;
	(void)snprintf(path, sizeof(path), "%s/archive", v->c->state_path);
	return archive_from_folder(&v->ask.from, path, e);
}

static int from_s3(struct verify *v, const char *name, struct err *e)
{
	struct s3_conf conf;
	int rc = open_store(v, name, e);
	if (rc == 0)
		rc = place_of(v->c, v->store, name, &conf, e);
	if (rc == 0) {
		rc = s3_client_new(&v->client, &conf, NULL, e);
		explicit_bzero(&conf, sizeof(conf));
	}
	return rc ? rc : archive_from_place(&v->ask.from, v->client, name, e);
}

/* A copy of a place or of the archive's folder, or a whole state folder. */
static int from_folder(struct verify *v, const char *path, struct err *e)
{
	char below[CTL_PATH_MAX + 32];
	(void)snprintf(below, sizeof(below), "%s/_manifest", path);
	if (access(below, F_OK) == 0)
		return archive_from_folder(&v->ask.from, path, e);
	(void)snprintf(below, sizeof(below), "%s/archive/_manifest", path);
	bool is_state = access(below, F_OK) == 0;
	(void)snprintf(below, sizeof(below), "%s%s", path, is_state ? "/archive" : "");
	return archive_from_folder(&v->ask.from, below, e);
}

static int open_from(struct verify *v, struct err *e)
{
	if (strcmp(v->from, "local") == 0)
		return from_local(v, e);
	if (strncmp(v->from, "s3:", 3) == 0)
		return from_s3(v, v->from + 3, e);
	return from_folder(v, v->from, e);
}

/* ---- The whole. ---- */

static int prove(struct verify *v)
{
	struct err e = ERR_INIT;
	int rc = read_key(v, &e);
	if (rc == 0)
		rc = open_from(v, &e);
	if (rc)
		return ctl_fail("%s", e.text);
	v->ask.objects = true;
	v->ask.progress = progress;
	v->ask.elsewhere = is_elsewhere;
	v->ask.arg = v;
	if (v->known)
		archive_known_ask(v->known, &v->ask);
	rc = archive_verify(&v->ask, take_found, v, &v->result, &e);
	clear_line(v);
	if (rc)
		return ctl_fail("%s", e.text);
	if (v->as_json)
		print_json(v);
	else
		print_result(v);
	(void)fflush(stdout);
	return end_words(v);
}

static int run(struct verify *v)
{
	buf_init(&v->found, 64 << 20);
	int status = prove(v);
	archive_from_free(v->ask.from);
	s3_client_free(v->client);
	archive_known_free(v->known);
	store_free(v->store);
	buf_fini(&v->found);
	return status;
}

static int take_option(struct verify *v, const struct command *cmd, int o)
{
	switch (o) {
	case 'f':
		v->from = optarg;
		return 0;
	case 'k':
		v->key_file = optarg;
		return 0;
	case 'a':
		(void)str_copy(v->appliance, sizeof(v->appliance), str_of(optarg));
		v->ask.appliance = v->appliance;
		return 0;
	case 'H':
		return read_head(&v->ask, optarg) ? 0 : ctl_usage(cmd, "--head is SEQ:SHA256, with 64 hexadecimal digits");
	case 'r':
		v->ask.rows = true;
		return 0;
	case 'p':
		v->ask.part = true;
		return 0;
	case 'j':
		v->as_json = true;
		return 0;
	default:
		return ctl_usage(cmd, o == ':' ? "an option lacks its value" : "unknown option");
	}
}

int cmd_verify(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' },      { "key", required_argument, NULL, 'k' },
		{ "head", required_argument, NULL, 'H' },      { "rows", no_argument, NULL, 'r' },
		{ "part", no_argument, NULL, 'p' },	       { "json", no_argument, NULL, 'j' },
		{ "appliance", required_argument, NULL, 'a' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct verify v = { .c = c, .from = "local" };
	int o;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (o == 'h') {
			ctl_help(cmd);
			return EXIT_SUCCESS;
		}
		int status = take_option(&v, cmd, o);
		if (status)
			return status;
	}
	return optind < argc ? ctl_usage(cmd, "unexpected word %s", argv[optind]) : run(&v);
}
