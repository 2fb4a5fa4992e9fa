/* tomsctl archive hold, release and take: what an investigation pins, and what it takes away. Through the running daemon,
 * which writes it down. */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "tomsd/base/clock.h"

#define NODES_MAX 65536
#define POLL_MS 200
#define WHAT "holds and takes"

/* ---- hold, release ---- */

static void print_hold(const struct json_doc *d, const struct json_node *h)
{
	static const struct {
		const char *member;
		int width;
	} cells[] = { { "id", 5 }, { "name", 24 }, { "since", 20 }, { "until", 20 }, { "keep_until", 20 } };
	char text[256], bytes[16];
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		json_member_text(d, h, cells[i].member, text, sizeof(text));
		if (i > 1)
			zone_text(text, text, sizeof(text));
		print_cell(*text ? text : "-", cells[i].width, false);
	}
	text_bytes((uint64_t)json_member_int(d, h, "bytes"), bytes);
	json_member_text(d, h, "released_at", text, sizeof(text));
	(void)printf("%8lld  %9s%s\n", (long long)json_member_int(d, h, "objects"), bytes, *text ? "  released" : "");
}

static int list_holds(struct ctl *c, bool as_json)
{
	char head[320];
	zone_begin(c, false);
	(void)snprintf(head, sizeof(head), "ID    NAME                      SINCE (%s)%*sUNTIL                 KEPT UNTIL"
		       "             OBJECTS      BYTES", c->zone, strlen(c->zone) < 12 ? 13 - (int)strlen(c->zone) : 1, "");
	return print_list(c, WHAT, "/api/v1/archive/holds", head, as_json ? NULL : print_hold);
}

struct words {
	const char *since, *until, *keep_until, *reason, *kinds, *purpose;
	bool as_json;
};

/* Options in any order; what is left begins at optind. False: one is not known. */
static bool take_words(int argc, char **argv, struct words *w)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' },	{ "until", required_argument, NULL, 'u' },
		{ "keep-until", required_argument, NULL, 'k' }, { "reason", required_argument, NULL, 'r' },
		{ "kind", required_argument, NULL, 'K' },	{ "purpose", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },		{ NULL, 0, NULL, 0 },
	};
	int o;
	optind = 0;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		const char **to = o == 's' ? &w->since :
				  o == 'u' ? &w->until :
				  o == 'k' ? &w->keep_until :
				  o == 'r' ? &w->reason :
				  o == 'K' ? &w->kinds :
				  o == 'p' ? &w->purpose :
					     NULL;
		if (o == 'j')
			w->as_json = true;
		else if (!to)
			return false;
		else
			*to = optarg;
	}
	return true;
}

static void put_objects(struct json *j, int argc, char **argv)
{
	if (argc == 0)
		return;
	json_key(j, "objects");
	json_arr(j);
	for (int i = 0; i < argc; i++)
		json_str(j, str_of(argv[i]));
	json_end_arr(j);
}

static int add_hold(struct ctl *c, const struct words *w, const char *name, int argc, char **argv)
{
	struct buf body;
	struct json j;
	struct answer a = { 0 };
	buf_init(&body, 1 << 20);
	json_init(&j, &body);
	json_obj(&j);
	json_kv_str(&j, "name", name);
	json_kv_str(&j, "reason", w->reason);
	json_kv_str(&j, "since", w->since);
	json_kv_str(&j, "until", w->until);
	json_kv_str(&j, "keep_until", w->keep_until);
	put_objects(&j, argc, argv);
	json_end_obj(&j);
	int status = buf_failed(&body) ? ctl_fail("too many objects") :
					 ask_daemon(c, WHAT, "POST", "/api/v1/archive/holds", body.p, &a);
	buf_fini(&body);
	if (status)
		return status;
	struct json_doc d;
	char id[24] = "?";
	struct err e = ERR_INIT;
	if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e) == 0) {
		json_member_text(&d, d.nodes, "id", id, sizeof(id));
		(void)printf("hold %s: %lld objects are pinned\n", id, (long long)json_member_int(&d, d.nodes, "objects"));
		json_doc_fini(&d);
	}
	answer_fini(&a);
	return EXIT_SUCCESS;
}

int archive_hold_run(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	struct words w = { .since = NULL };
	if (!take_words(argc, argv, &w))
		return ctl_usage(cmd, "an option is not known or lacks its value");
	if (optind == argc)
		return list_holds(c, w.as_json);
	if (!w.reason || !w.keep_until)
		return ctl_usage(cmd, "say archive hold NAME --since T --until T --keep-until T --reason TEXT [OBJECT...]");
	return add_hold(c, &w, argv[optind], argc - optind - 1, argv + optind + 1);
}

int archive_release_run(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	struct buf target;
	struct answer a = { 0 };
	if (argc != 2)
		return ctl_usage(cmd, "say archive release ID");
	buf_init(&target, 256);
	buf_cstr(&target, "/api/v1/archive/holds/");
	escape_put(&target, argv[1]);
	int status = buf_failed(&target) ? ctl_fail("no hold has such an id") :
					   ask_daemon(c, WHAT, "DELETE", target.p, NULL, &a);
	buf_fini(&target);
	if (status)
		return status;
	answer_fini(&a);
	(void)printf("released; locks that places were given stay until their date\n");
	return EXIT_SUCCESS;
}

/* ---- take ---- */

/* Asks until the job has ended; its answer. */
static int wait_for(struct ctl *c, const char *id, struct answer *a)
{
	char target[96], state[24] = "", error[512] = "";
	struct json_doc d;
	struct err e = ERR_INIT;
	(void)snprintf(target, sizeof(target), "/api/v1/jobs/%s", id);
	for (;;) {
		int status = ask_daemon(c, WHAT, "GET", target, NULL, a);
		if (status)
			return status;
		if (json_parse(buf_view(&a->body), NODES_MAX, &d, &e) == 0) {
			json_member_text(&d, d.nodes, "state", state, sizeof(state));
			json_member_text(&d, d.nodes, "detail", error, sizeof(error));
			if (!*error)
				json_member_text(&d, d.nodes, "error", error, sizeof(error));
			json_doc_fini(&d);
		}
		if (strcmp(state, "done") == 0)
			return EXIT_SUCCESS;
		answer_fini(a);
		if (strcmp(state, "running") != 0 && strcmp(state, "waiting") != 0)
			return ctl_fail("%s", *error ? error : "it was not done");
		clock_sleep_ms(POLL_MS);
	}
}

static int copy_file(const char *from, const char *to)
{
	static char piece[1 << 20];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return ctl_fail("%s: %s", from, strerror(errno));
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = out < 0 ? -1 : 1;
	while (n > 0) {
		n = read(in, piece, sizeof(piece));
		for (ssize_t done = 0, put; n > 0 && done < n; done += put) {
			put = write(out, piece + done, (size_t)(n - done));
			if (put < 0) {
				n = -1;
				break;
			}
		}
	}
	int saved = errno;
	(void)close(in);
	if (out >= 0 && close(out) && n == 0) {
		saved = errno;
		n = -1;
	}
	return n < 0 ? ctl_fail("%s: %s", to, strerror(saved)) : EXIT_SUCCESS;
}

/* The first file of the job's result, copied to where it was wanted. */
static int fetch(struct ctl *c, const char *id, const struct answer *a, const char *out)
{
	struct json_doc d;
	struct err e = ERR_INIT;
	char name[96] = "", sum[80] = "", path[CTL_PATH_MAX + 200];
	if (json_parse(buf_view(&a->body), NODES_MAX, &d, &e))
		return ctl_fail("the answer is not understood: %s", e.text);
	const struct json_node *files = json_get(&d, json_get(&d, d.nodes, "result"), "files");
	if (files && files->count > 0) {
		json_member_text(&d, files + 1, "name", name, sizeof(name));
		json_member_text(&d, files + 1, "sha256", sum, sizeof(sum));
	}
	json_doc_fini(&d);
	if (!*name || strchr(name, '/'))
		return ctl_fail("the daemon made no file");
	(void)snprintf(path, sizeof(path), "%s/exports/%s/%s", c->state_path, id, name);
	int status = copy_file(path, out);
	if (!status)
		(void)printf("%s  %s\n", sum, out);
	return status;
}

static int ask_take(struct ctl *c, const struct words *w, char id[32])
{
	struct buf body;
	struct json j;
	struct answer a = { 0 };
	struct json_doc d;
	struct err e = ERR_INIT;
	struct str left = str_of(w->kinds ? w->kinds : "flow,log,gap,audit,capture_minute"), kind;
	buf_init(&body, 8192);
	json_init(&j, &body);
	json_obj(&j);
	json_kv_str(&j, "since", w->since);
	json_kv_str(&j, "until", w->until);
	json_kv_str(&j, "purpose", w->purpose);
	json_key(&j, "kinds");
	json_arr(&j);
	while (str_split(&left, ',', &kind))
		json_str(&j, kind);
	json_end_arr(&j);
	json_end_obj(&j);
	int status = buf_failed(&body) ? ctl_fail("too many words") :
					 ask_daemon(c, WHAT, "POST", "/api/v1/archive/take", body.p, &a);
	buf_fini(&body);
	if (status)
		return status;
	if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e)) {
		answer_fini(&a);
		return ctl_fail("the answer is not understood: %s", e.text);
	}
	json_member_text(&d, d.nodes, "id", id, 32);
	json_doc_fini(&d);
	answer_fini(&a);
	return EXIT_SUCCESS;
}

int archive_take_run(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	struct words w = { .since = NULL };
	struct answer a = { 0 };
	char id[32];
	if (!take_words(argc, argv, &w) || optind != argc - 1 || !w.since || !w.until || !w.purpose)
		return ctl_usage(cmd, "say archive take --since T --until T --purpose TEXT [--kind flow,log] OUT.tar");
	const char *out = argv[optind];
	if (access(out, F_OK) == 0)
		return ctl_fail("%s is there already", out);
	int status = ask_take(c, &w, id);
	if (!status)
		status = wait_for(c, id, &a);
	if (status)
		return status;
	status = fetch(c, id, &a, out);
	answer_fini(&a);
	return status;
}
