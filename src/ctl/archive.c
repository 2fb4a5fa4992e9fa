/* tomsctl archive: the evidence archive by hand. What changes something goes through the running daemon; lists, the
 * head and the key are read from the store, beside it or without it. */
#include "archive.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "tomsd/archive.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"
#include "tomsd/crypt.h"

#define NODES_MAX 65536
#define POLL_MS 200
#define LIST_DEF 50

/* ---- Work of the daemon. ---- */

/* Asks again until the job has ended; its exit status. */
static int wait_for_job(struct ctl *c, const char *id, char *result, size_t cap)
{
	char target[96], state[24], error[512];
	struct json_doc d;
	struct err e = ERR_INIT;
	(void)snprintf(target, sizeof(target), "/api/v1/jobs/%s", id);
	for (;;) {
		struct answer a = { 0 };
		int status = ask_daemon(c, "the archive", "GET", target, NULL, &a);
		if (status)
			return status;
		if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e)) {
			answer_fini(&a);
			return ctl_fail("the answer is not understood: %s", e.text);
		}
		json_member_text(&d, d.nodes, "state", state, sizeof(state));
		json_member_text(&d, d.nodes, "detail", error, sizeof(error));
		if (!error[0])
			json_member_text(&d, d.nodes, "error", error, sizeof(error));
		const struct json_node *r = json_get(&d, d.nodes, "result");
		const struct json_node *seq = r ? json_get(&d, r, "seq") : NULL;
		(void)str_copy(result, cap, seq ? seq->raw : STR(""));
		json_doc_fini(&d);
		answer_fini(&a);
		if (strcmp(state, "done") == 0)
			return EXIT_SUCCESS;
		if (strcmp(state, "running") != 0)
			return ctl_fail("%s", error[0] ? error : "it was not done");
		clock_sleep_ms(POLL_MS);
	}
}

static int run_seal(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	struct answer a = { 0 };
	struct err e = ERR_INIT;
	struct json_doc d;
	char id[32], seq[32];
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--now") != 0))
		return ctl_usage(cmd, "say archive seal [--now]");
	int status = ask_daemon(c, "rows", "POST", "/api/v1/archive/seal", "{}", &a);
	if (status)
		return status;
	if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e)) {
		answer_fini(&a);
		return ctl_fail("the answer is not understood: %s", e.text);
	}
	json_member_text(&d, d.nodes, "id", id, sizeof(id));
	json_doc_fini(&d);
	answer_fini(&a);
	status = wait_for_job(c, id, seq, sizeof(seq));
	if (!status)
		(void)printf("sealed: manifest %s\n", seq);
	return status;
}

/* One POST, and one member of its answer for people. */
static int post(struct ctl *c, const char *target, const char *before, const char *member, const char *behind)
{
	struct answer a = { 0 };
	struct err e = ERR_INIT;
	struct json_doc d;
	char text[64];
	int status = ask_daemon(c, "the archive", "POST", target, "{}", &a);
	if (status)
		return status;
	if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e)) {
		answer_fini(&a);
		return ctl_fail("the answer is not understood: %s", e.text);
	}
	const struct json_node *n = json_get(&d, d.nodes, member);
	(void)str_copy(text, sizeof(text), n ? n->raw : STR("-"));
	(void)printf("%s%s%s\n", before, text, behind);
	json_doc_fini(&d);
	answer_fini(&a);
	return EXIT_SUCCESS;
}

static int run_push(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	(void)argv;
	return argc > 1 ? ctl_usage(cmd, "say archive push") :
			  post(c, "/api/v1/places/push", "tried again now: ", "waiting", " copies wait");
}

static int run_rotate(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	(void)argv;
	return argc > 1 ? ctl_usage(cmd, "say archive rotate") :
			  post(c, "/api/v1/archive/key/rotate", "new key ", "id",
			       ": the manifest sealed now is signed by the old one and by it.\n"
			       "Make a backup now (tomsctl rescue now): the new key is in no earlier one");
}

/* ---- What the store knows. ---- */

static int with_store(struct ctl *c, int (*fn)(struct store *st, void *arg, struct err *e), void *arg)
{
	struct store *st = NULL;
	struct err e = ERR_INIT;
	int rc = state_store(c, &st, &e);
	if (!rc)
		rc = fn(st, arg, &e);
	store_free(st);
	if (rc == -ERR_NOTFOUND && !e.code)
		return ctl_fail("nothing has been sealed yet");
	return rc < 0 ? ctl_fail("%s", e.text) : EXIT_SUCCESS;
}

static int print_key(struct store *st, void *arg, struct err *e)
{
	uint8_t key[CRYPT_KEY_BYTES];
	char id[17];
	struct buf pem;
	(void)arg;
	int rc = archive_public_key(st, key, id, e);
	if (rc)
		return rc;
	buf_init(&pem, 4096);
	crypt_ed25519_pem(key, &pem);
	(void)fwrite(pem.p, 1, pem.n, stdout);
	buf_fini(&pem);
	return 0;
}

static int run_key(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	(void)argv;
	return argc > 1 ? ctl_usage(cmd, "say archive key") : with_store(c, print_key, NULL);
}

/* What verify takes as --head. */
static int take_head(void *arg, const struct archive_manifest *m)
{
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	bool *any = arg;
	hash_hex(m->sha256, sizeof(m->sha256), hex);
	(void)printf("%llu:%s\n", (unsigned long long)m->seq, hex);
	*any = true;
	return 0;
}

static int print_head(struct store *st, void *arg, struct err *e)
{
	bool any = false;
	(void)arg;
	int rc = archive_each_manifest(st, 0, 1, take_head, &any, e);
	return rc || any ? rc : -ERR_NOTFOUND;
}

static int run_head(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	(void)argv;
	return argc > 1 ? ctl_usage(cmd, "say archive head") : with_store(c, print_head, NULL);
}

struct listing {
	size_t limit;
	bool as_json;
};

static void print_manifest_json(const struct archive_manifest *m)
{
	struct buf b;
	struct json j;
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	buf_init(&b, 4096);
	json_init(&j, &b);
	hash_hex(m->sha256, sizeof(m->sha256), hex);
	json_obj(&j);
	json_kv_u64(&j, "seq", m->seq);
	json_kv_time(&j, "since", m->since_ns);
	json_kv_time(&j, "until", m->until_ns);
	json_kv_time(&j, "sealed_at", m->sealed_at_ns);
	json_kv_u64(&j, "rows", m->rows);
	json_kv_u64(&j, "bytes", m->bytes);
	json_kv_u64(&j, "gaps", m->gaps);
	json_kv_str(&j, "clock", m->clock);
	json_kv_str(&j, "sha256", hex);
	json_end_obj(&j);
	(void)printf("%.*s\n", (int)b.n, b.p);
	buf_fini(&b);
}

static int take_manifest(void *arg, const struct archive_manifest *m)
{
	const struct listing *l = arg;
	char since[ZONE_TIME_MAX], until[ZONE_TIME_MAX], bytes[16], hex[17];
	if (l->as_json) {
		print_manifest_json(m);
		return 0;
	}
	zone_time(m->since_ns, since);
	zone_time(m->until_ns, until);
	text_bytes(m->bytes, bytes);
	hash_hex(m->sha256, 8, hex);
	(void)printf("%010llu  %s  %s  %10llu  %9s  %s%s%s\n", (unsigned long long)m->seq, since, until,
		     (unsigned long long)m->rows, bytes, hex, strcmp(m->clock, "steady") == 0 ? "" : "  clock ",
		     strcmp(m->clock, "steady") == 0 ? "" : m->clock);
	return 0;
}

static int print_manifests(struct store *st, void *arg, struct err *e)
{
	const struct listing *l = arg;
	return archive_each_manifest(st, 0, l->limit, take_manifest, arg, e);
}

static int run_list(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = { { "limit", required_argument, NULL, 'l' },
						 { "json", no_argument, NULL, 'j' },
						 { "utc", no_argument, NULL, 'u' },
						 { NULL, 0, NULL, 0 } };
	struct listing l = { .limit = LIST_DEF };
	bool utc = false;
	uint32_t n;
	int o;
	optind = 0;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (o == 'l' && num_u32(str_of(optarg), 0, UINT32_MAX, &n) == 0)
			l.limit = n;
		else if (o == 'j')
			l.as_json = true;
		else if (o == 'u')
			utc = true;
		else
			return ctl_usage(cmd, "say archive list [--limit N] [--json|--utc]");
	}
	if (optind < argc)
		return ctl_usage(cmd, "too many words");
	zone_begin(c, utc);
	if (!l.as_json)
		(void)printf("MANIFEST    SINCE (%s)%*sUNTIL                      ROWS      BYTES  SHA-256\n", c->zone,
			     strlen(c->zone) < 11 ? 13 - (int)strlen(c->zone) : 2, "");
	return with_store(c, print_manifests, &l);
}

/* ---- The table. ---- */

static const struct archive_verb verbs[] = {
	{ "seal", run_seal }, { "push", run_push }, { "list", run_list },     { "head", run_head },
	{ "key", run_key },   { "get", archive_get_run }, { "rotate", run_rotate },
	{ "restore", archive_restore }, { "hold", archive_hold_run }, { "release", archive_release_run },
	{ "take", archive_take_run },
};

int cmd_archive(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		ctl_help(cmd);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(c, cmd, argc - 1, argv + 1);
	return ctl_usage(cmd, argc > 1 ? "no such verb" : "which verb?");
}
