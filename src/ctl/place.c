/* tomsctl place: places of object storage. Through the running daemon, so that there is one writer and one audit
 * trail. */
#include <stdlib.h>

#include "ctl.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"

#define NODES_MAX 65536
#define SECRET_MAX 4096
#define POLL_MS 200

static void print_place(const struct json_doc *d, const struct json_node *p)
{
	char text[1100], bytes[16];
	print_cell(json_member_text(d, p, "name", text, sizeof(text)), 12, false);
	print_cell(json_member_text(d, p, "state", text, sizeof(text)), 8, false);
	print_cell(json_member_text(d, p, "from", text, sizeof(text)), 5, false);
	print_cell(json_member_text(d, p, "object_lock", text, sizeof(text)), 16, false);
	(void)snprintf(text, sizeof(text), "%lld", (long long)json_member_int(d, p, "proven"));
	print_cell(text, 8, true);
	(void)snprintf(text, sizeof(text), "%lld", (long long)json_member_int(d, p, "waiting"));
	print_cell(text, 8, true);
	text_bytes((uint64_t)json_member_int(d, p, "waiting_bytes"), bytes);
	print_cell(bytes, 8, true);
	json_member_text(d, p, "last_proven_at", text, sizeof(text));
	zone_text(text, text, sizeof(text));
	print_cell(*text ? text : "-", 19, false);
	print_clean(stdout, json_member_text(d, p, "words", text, sizeof(text)));
	(void)putchar('\n');
}

static int list(struct ctl *c, bool as_json)
{
	char head[256];
	(void)snprintf(
		head, sizeof(head),
		"NAME          STATE     FROM   LOCK                PROVEN   WAITING     BYTES  "
		"LAST PROVEN (%s)",
		c->zone);
	return print_list(c, "places of object storage", "/api/v1/places", head,
			  as_json ? NULL : print_place);
}

/* "/api/v1/places/NAME" and what follows. */
static int ask_place(struct ctl *c, const char *method, const char *name, const char *behind,
		     const char *body, struct answer *a)
{
	struct buf target;
	buf_init(&target, 512);
	buf_cstr(&target, "/api/v1/places");
	if (name) {
		buf_char(&target, '/');
		escape_put(&target, name);
	}
	buf_cstr(&target, behind);
	int status = buf_failed(&target) ? ctl_fail("no place has such a name") :
					   ask_daemon(c, "places of object storage", method,
						      target.p, body, a);
	buf_fini(&target);
	return status;
}

/* A secret is not given on the command line, where others see it: @FILE, or - for standard input. */
static int secret_read(const char *value, char *out, size_t cap)
{
	struct buf b;
	struct err e = ERR_INIT;
	int status = EXIT_SUCCESS;
	if (value[0] != '@' && strcmp(value, "-") != 0)
		return ctl_fail(
			"others see what stands on a command line: say secret_key=@FILE, or "
			"secret_key=- and give it on standard input");
	buf_init(&b, SECRET_MAX);
	if (file_read(value[0] == '@' ? value + 1 : "/dev/stdin", SECRET_MAX, &b, &e) != 0)
		status = ctl_fail("%s", e.text);
	else if (!str_copy(out, cap, str_trim(buf_view(&b))))
		status = ctl_fail("%s is too long for a secret key", value);
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return status;
}

static bool is_yes(const char *v)
{
	return !strcmp(v, "yes") || !strcmp(v, "true") || !strcmp(v, "on");
}

/* "key=value" as a member of the body. */
static int setting_put(struct json *j, const char *word)
{
	char key[32], secret[512];
	const char *value = strchr(word, '=');
	uint64_t bytes;
	if (!value || (size_t)(value - word) >= sizeof(key))
		return ctl_fail("%s is no setting: say KEY=VALUE, as in bucket=logs", word);
	(void)str_copy(key, sizeof(key), str_n(word, (size_t)(value - word)));
	value++;
	if (!strcmp(key, "secret_key")) {
		int status = secret_read(value, secret, sizeof(secret));
		if (status == EXIT_SUCCESS)
			json_kv_str(j, key, secret);
		explicit_bzero(secret, sizeof(secret));
		return status;
	}
	if (!strcmp(key, "enabled")) {
		json_kv_bool(j, key, is_yes(value));
	} else if (!strcmp(key, "bandwidth")) {
		if (num_size(str_of(value), &bytes) != 0)
			return ctl_fail("%s is no number of bytes a second, say 2M", value);
		json_kv_u64(j, key, bytes);
	} else {
		json_kv_str(j, key, value);
	}
	return EXIT_SUCCESS;
}

static int change(struct ctl *c, bool is_new, const char *name, char **words, int n)
{
	struct buf body;
	struct json j;
	struct answer a = { 0 };
	int status = EXIT_SUCCESS;
	buf_init(&body, 16384);
	json_init(&j, &body);
	json_obj(&j);
	if (is_new)
		json_kv_str(&j, "name", name);
	for (int i = 0; i < n && status == EXIT_SUCCESS; i++)
		status = setting_put(&j, words[i]);
	json_end_obj(&j);
	if (status == EXIT_SUCCESS && buf_failed(&body))
		status = ctl_fail("the settings are too long");
	if (status == EXIT_SUCCESS)
		status = ask_place(c, is_new ? "POST" : "PATCH", is_new ? NULL : name, "",
				   body.p, &a);
	if (body.p)
		explicit_bzero(body.p, body.n);
	buf_fini(&body);
	answer_fini(&a);
	return status;
}

static int simple(struct ctl *c, const char *method, const char *name, const char *behind)
{
	struct answer a = { 0 };
	int status =
		ask_place(c, method, name, behind, strcmp(method, "POST") ? NULL : "{}", &a);
	answer_fini(&a);
	return status;
}

static int push(struct ctl *c)
{
	struct answer a = { 0 };
	struct err e = ERR_INIT;
	struct json_doc d;
	int status = ask_place(c, "POST", NULL, "/push", "{}", &a);
	if (status == EXIT_SUCCESS && json_parse(buf_view(&a.body), NODES_MAX, &d, &e) == 0) {
		(void)printf("%lld waiting, tried now\n",
			     (long long)json_member_int(&d, d.nodes, "waiting"));
		json_doc_fini(&d);
	}
	answer_fini(&a);
	return status;
}

static int policy(struct ctl *c, const char *bucket, const char *prefix)
{
	struct buf target;
	struct answer a = { 0 };
	buf_init(&target, 1024);
	buf_cstr(&target, "/policy");
	if (bucket)
		query_put(&target, "bucket", bucket);
	if (prefix)
		query_put(&target, "prefix", prefix);
	int status = buf_failed(&target) ? ctl_fail("bucket or prefix is too long") :
					   ask_place(c, "GET", NULL, target.p, NULL, &a);
	if (status == EXIT_SUCCESS)
		(void)printf("%.*s\n", (int)a.body.n, a.body.p);
	buf_fini(&target);
	answer_fini(&a);
	return status;
}

/* ---- The test: a job, watched to its end. ---- */

static int print_steps(const struct json_doc *d, const struct json_node *job)
{
	char text[600], state[16];
	const struct json_node *result = json_get(d, job, "result"),
			       *steps = json_get(d, result, "steps");
	json_member_text(d, job, "state", state, sizeof(state));
	if (strcmp(state, "done") != 0)
		return ctl_fail("the test did not end: %s",
				json_member_text(d, job, "detail", text, sizeof(text)));
	uint32_t at = steps ? (uint32_t)(steps - d->nodes) + 1 : 0;
	for (uint32_t i = 0; steps && i < steps->count; i++, at = d->nodes[at].next) {
		print_cell(json_member_text(d, &d->nodes[at], "result", text, sizeof(text)), 8,
			   false);
		print_cell(json_member_text(d, &d->nodes[at], "name", text, sizeof(text)), 16,
			   false);
		print_clean(stdout,
			    json_member_text(d, &d->nodes[at], "words", text, sizeof(text)));
		(void)putchar('\n');
	}
	return json_member_true(d, result, "good") ?
		       EXIT_SUCCESS :
		       ctl_fail("the place did not pass: mend the first step above that is bad, then test again");
}

/* One look at the job. 0: it has ended, its exit status in *status; 1: it goes on. */
static int look(struct ctl *c, const char *target, bool as_json, int *status)
{
	char state[16];
	struct err e = ERR_INIT;
	struct json_doc d;
	struct answer a = { 0 };
	*status = ask_daemon(c, "places of object storage", "GET", target, NULL, &a);
	if (*status != EXIT_SUCCESS || json_parse(buf_view(&a.body), NODES_MAX, &d, &e) != 0) {
		if (*status == EXIT_SUCCESS)
			*status = ctl_fail("the answer is not understood: %s", e.text);
		answer_fini(&a);
		return 0;
	}
	json_member_text(&d, d.nodes, "state", state, sizeof(state));
	bool runs = strcmp(state, "running") == 0;
	if (!runs && as_json)
		(void)printf("%.*s\n", (int)a.body.n, a.body.p);
	else if (!runs)
		*status = print_steps(&d, d.nodes);
	json_doc_fini(&d);
	answer_fini(&a);
	return runs;
}

static int test(struct ctl *c, const char *name, bool as_json)
{
	char id[32], target[64];
	struct err e = ERR_INIT;
	struct json_doc d;
	struct answer a = { 0 };
	int status = ask_place(c, "POST", name, "/test", "{}", &a);
	if (status == EXIT_SUCCESS && json_parse(buf_view(&a.body), NODES_MAX, &d, &e) == 0) {
		json_member_text(&d, d.nodes, "id", id, sizeof(id));
		json_doc_fini(&d);
		(void)snprintf(target, sizeof(target), "/api/v1/jobs/%s", id);
		while (look(c, target, as_json, &status))
			clock_sleep_ms(POLL_MS);
	} else if (status == EXIT_SUCCESS) {
		status = ctl_fail("the answer is not understood: %s", e.text);
	}
	answer_fini(&a);
	return status;
}

int cmd_place(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	const char *verb = argc >= 2 ? argv[1] : "";
	bool as_json = argc >= 3 && !strcmp(argv[argc - 1], "--json"),
	     utc = argc == 3 && !strcmp(argv[2], "--utc");
	if (argc == 2 && !strcmp(verb, "--help")) {
		ctl_help(cmd);
		return EXIT_SUCCESS;
	}
	if (!strcmp(verb, "list") && (argc == 2 || (argc == 3 && (as_json || utc)))) {
		zone_begin(c, utc);
		return list(c, as_json);
	}
	if (!strcmp(verb, "test") && (argc == 3 || (argc == 4 && as_json)))
		return test(c, argv[2], as_json);
	if ((!strcmp(verb, "add") || !strcmp(verb, "set")) && argc >= 4)
		return change(c, verb[0] == 'a', argv[2], argv + 3, argc - 3);
	if (!strcmp(verb, "remove") && argc == 3)
		return simple(c, "DELETE", argv[2], "");
	if (!strcmp(verb, "acknowledge") && argc == 3)
		return simple(c, "POST", argv[2], "/acknowledge");
	if (!strcmp(verb, "push") && argc == 2)
		return push(c);
	if (!strcmp(verb, "policy") && argc <= 4)
		return policy(c, argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL);
	return ctl_usage(
		cmd,
		"say list, test NAME, add NAME KEY=VALUE..., set NAME KEY=VALUE..., remove "
		"NAME, acknowledge NAME, push or policy [BUCKET [PREFIX]]");
}
