/* tomsctl rescue: the appliance's own backups, through the running daemon. A phrase that is typed goes to the daemon
 * and nowhere else; one that is made is printed once. */
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "tomsd/rescue.h"

#define NODES_MAX 65536
#define WHAT "backups"

static int parse(struct answer *a, struct json_doc *d)
{
	struct err e = ERR_INIT;
	if (json_parse(buf_view(&a->body), NODES_MAX, d, &e) == 0)
		return EXIT_SUCCESS;
	answer_fini(a);
	return ctl_fail("the answer is not understood: %s", e.text);
}

static int make_phrase(struct ctl *c, bool replace)
{
	struct answer a = { 0 };
	struct json_doc d;
	char phrase[RESCUE_PHRASE_MAX], id[32];
	int status = ask_daemon(c, WHAT, "POST", "/api/v1/rescue/phrase",
				replace ? "{\"replace\":true}" : "{}", &a);
	if (status == EXIT_SUCCESS)
		status = parse(&a, &d);
	if (status != EXIT_SUCCESS)
		return status;
	json_member_text(&d, d.nodes, "phrase", phrase, sizeof(phrase));
	json_member_text(&d, d.nodes, "key_id", id, sizeof(id));
	(void)printf("%s\n", phrase);
	(void)fflush(stdout);
	explicit_bzero(phrase, sizeof(phrase));
	(void)fprintf(stderr,
		      "\nThis is the recovery phrase, number %s. It is shown once and kept nowhere.\n"
		      "Write it on paper with its number, two copies, and keep them away from the appliance.\n"
		      "With it and the S3 place alone the appliance can be restored; without it nobody can.\n",
		      id);
	json_doc_fini(&d);
	if (a.body.p)
		explicit_bzero(a.body.p, a.body.n);
	answer_fini(&a);
	return EXIT_SUCCESS;
}

/* The end of a job: done, or why not. */
static int job_status(const struct json_doc *d)
{
	char state[16], detail[1024];
	json_member_text(d, d->nodes, "state", state, sizeof(state));
	if (strcmp(state, "done") == 0)
		return EXIT_SUCCESS;
	json_member_text(d, d->nodes, "detail", detail, sizeof(detail));
	return ctl_fail("%s", *detail ? detail : state);
}

static int make_now(struct ctl *c)
{
	struct answer a = { 0 };
	struct json_doc d;
	char bytes[16], key[512];
	int status = job_follow(c, WHAT, "/api/v1/rescue/backup", "{}", &a);
	if (status == EXIT_SUCCESS)
		status = parse(&a, &d);
	if (status != EXIT_SUCCESS)
		return status;
	status = job_status(&d);
	if (status == EXIT_SUCCESS) {
		const struct json_node *r = json_get(&d, d.nodes, "result");
		text_bytes((uint64_t)json_member_int(&d, r, "bytes"), bytes);
		json_member_text(&d, r, "key", key, sizeof(key));
		(void)printf("%s, %lld rows: %s\n", bytes, (long long)json_member_int(&d, r, "rows"), key);
	}
	json_doc_fini(&d);
	answer_fini(&a);
	return status;
}

static int print_rehearsal(const struct json_doc *d)
{
	char text[768], when[40];
	const struct json_node *r = json_get(d, d->nodes, "result");
	json_member_text(d, r, "backup_at", when, sizeof(when));
	zone_text(when, when, sizeof(when));
	if (!json_member_true(d, r, "good"))
		return ctl_fail("%s", json_member_text(d, r, "words", text, sizeof(text)));
	(void)printf("good: the backup of %s opens with this phrase, %lld rows in %lld tables, %lld s\n", when,
		     (long long)json_member_int(d, r, "rows"), (long long)json_member_int(d, r, "tables"),
		     (long long)json_member_int(d, r, "took_s"));
	return EXIT_SUCCESS;
}

static int rehearse(struct ctl *c, const char *from, const char *phrase_file)
{
	char phrase[256];
	struct answer a = { 0 };
	struct buf body;
	struct json j;
	struct json_doc d;
	int status = phrase_ask(phrase_file, phrase, sizeof(phrase));
	if (status != EXIT_SUCCESS)
		return status;
	buf_init(&body, 4096);
	json_init(&j, &body);
	json_obj(&j);
	json_kv_str(&j, "phrase", phrase);
	json_kv_str(&j, "from", from);
	json_end_obj(&j);
	explicit_bzero(phrase, sizeof(phrase));
	status = buf_failed(&body) ? ctl_fail("out of memory") :
				     job_follow(c, WHAT, "/api/v1/rescue/rehearse", body.p, &a);
	if (body.p)
		explicit_bzero(body.p, body.n);
	buf_fini(&body);
	if (status == EXIT_SUCCESS)
		status = parse(&a, &d);
	if (status != EXIT_SUCCESS)
		return status;
	status = job_status(&d);
	if (status == EXIT_SUCCESS)
		status = print_rehearsal(&d);
	json_doc_fini(&d);
	answer_fini(&a);
	return status;
}

static void print_places(const struct json_doc *d, const struct json_node *places)
{
	uint32_t at = places ? (uint32_t)(places - d->nodes) + 1 : 0;
	char name[80], state[32];
	for (uint32_t i = 0; places && i < places->count; i++) {
		(void)str_copy(name, sizeof(name), d->nodes[at].raw);
		if (!json_text(&d->nodes[at + 1], state, sizeof(state)))
			state[0] = '\0';
		(void)printf("%s", i ? ", " : "");
		print_clean(stdout, name);
		(void)printf(" %s", state);
		at = d->nodes[at + 1].next;
	}
}

static void print_backup(const struct json_doc *d, const struct json_node *b)
{
	char text[64], bytes[16], rows[24];
	json_member_text(d, b, "at", text, sizeof(text));
	zone_text(text, text, sizeof(text));
	print_cell(text, 19, false);
	text_bytes((uint64_t)json_member_int(d, b, "bytes"), bytes);
	print_cell(bytes, 8, true);
	(void)snprintf(rows, sizeof(rows), "%lld", (long long)json_member_int(d, b, "rows"));
	print_cell(rows, 11, true);
	json_member_text(d, b, "oldest_day", text, sizeof(text));
	print_cell(*text ? text : "-", 10, false);
	json_member_text(d, b, "key_id", text, sizeof(text));
	print_cell(text, 16, false);
	print_cell(json_member_true(d, b, "local") ? "yes" : "-", 4, false);
	print_places(d, json_get(d, b, "places"));
	(void)putchar('\n');
}

static void print_all(struct ctl *c, const struct json_doc *d)
{
	char text[64], words[768];
	const struct json_node *phrase = json_get(d, d->nodes, "phrase"),
			       *list = json_get(d, d->nodes, "backups"),
			       *rehearsal = json_get(d, d->nodes, "rehearsal"),
			       *failed = json_get(d, d->nodes, "failed");
	(void)printf("MADE (%s)           BYTES         ROWS  SINCE       PHRASE            HERE  PLACES\n", c->zone);
	uint32_t at = list ? (uint32_t)(list - d->nodes) + 1 : 0;
	for (uint32_t i = 0; list && i < list->count; i++, at = d->nodes[at].next)
		print_backup(d, &d->nodes[at]);
	if (phrase && phrase->type == JSON_OBJECT)
		(void)printf("phrase     number %s\n", json_member_text(d, phrase, "key_id", text, sizeof(text)));
	else
		(void)puts("phrase     none: no backup is made; tomsctl rescue phrase makes one");
	if (rehearsal && rehearsal->type == JSON_OBJECT) {
		json_member_text(d, rehearsal, "at", text, sizeof(text));
		zone_text(text, text, sizeof(text));
		(void)printf("rehearsal  %s, %s", text, json_member_true(d, rehearsal, "good") ? "good" : "");
		print_clean(stdout, json_member_text(d, rehearsal, "words", words, sizeof(words)));
		(void)putchar('\n');
	} else {
		(void)puts("rehearsal  never");
	}
	json_member_text(d, d->nodes, "next_at", text, sizeof(text));
	if (*text) {
		zone_text(text, text, sizeof(text));
		(void)printf("next       %s\n", text);
	}
	if (failed && failed->type == JSON_OBJECT) {
		(void)fputs("failed     ", stdout);
		print_clean(stdout, json_member_text(d, failed, "words", words, sizeof(words)));
		(void)putchar('\n');
	}
}

static int list(struct ctl *c, bool as_json)
{
	struct answer a = { 0 };
	struct json_doc d;
	int status = ask_daemon(c, WHAT, "GET", "/api/v1/rescue", NULL, &a);
	if (status != EXIT_SUCCESS)
		return status;
	if (as_json) {
		(void)printf("%.*s\n", (int)a.body.n, a.body.p);
		answer_fini(&a);
		return EXIT_SUCCESS;
	}
	status = parse(&a, &d);
	if (status != EXIT_SUCCESS)
		return status;
	print_all(c, &d);
	json_doc_fini(&d);
	answer_fini(&a);
	return EXIT_SUCCESS;
}

/* The words behind "rehearse"; false: not understood. */
static bool read_rehearse(int argc, char **argv, const char **from, const char **file)
{
	for (int i = 2; i < argc; i += 2) {
		if (i + 1 == argc)
			return false;
		if (strcmp(argv[i], "--from") == 0)
			*from = argv[i + 1];
		else if (strcmp(argv[i], "--phrase-file") == 0)
			*file = argv[i + 1];
		else
			return false;
	}
	return true;
}

int cmd_rescue(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	const char *from = "local", *file = NULL;
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		ctl_help(cmd);
		return EXIT_SUCCESS;
	}
	const char *verb = argc > 1 ? argv[1] : "";
	bool utc = argc == 3 && strcmp(argv[2], "--utc") == 0,
	     as_json = argc == 3 && strcmp(argv[2], "--json") == 0,
	     replace = argc == 3 && strcmp(argv[2], "--replace") == 0;
	zone_begin(c, utc);
	if (strcmp(verb, "phrase") == 0 && (argc == 2 || replace))
		return make_phrase(c, replace);
	if (strcmp(verb, "now") == 0 && argc == 2)
		return make_now(c);
	if (strcmp(verb, "list") == 0 && (argc == 2 || utc || as_json))
		return list(c, as_json);
	if (strcmp(verb, "rehearse") == 0 && read_rehearse(argc, argv, &from, &file))
		return rehearse(c, from, file);
	return ctl_usage(cmd, "say phrase, now, rehearse or list");
}
