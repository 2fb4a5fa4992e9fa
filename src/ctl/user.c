/* tomsctl user: who may sign in, and a way back in for the one who forgot the password. Both through
 * the running daemon, so that there is one writer and one audit trail. */
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"

#define NODES_MAX 65536
#define PASSWORD_MAX 512

static const char not_running[] =
	"tomsd is not running; users are kept by the running daemon, start it first";

static int ask_daemon(struct ctl *c, const char *method, const char *target, const char *body,
		      struct answer *a)
{
	struct err e = ERR_INIT;
	int rc = client_ask(c, method, target, body, a, &e);
	if (rc)
		return ctl_fail("%s", rc == -ERR_NOTFOUND && !e.code ? not_running : e.text);
	if (a->status < 300)
		return EXIT_SUCCESS;
	int status = answer_fail(a);
	answer_fini(a);
	return status;
}

static void print_user(const struct json_doc *d, const struct json_node *u)
{
	char name[80], role[32], last[64];
	json_member_text(d, u, "name", name, sizeof(name));
	json_member_text(d, u, "role", role, sizeof(role));
	json_member_text(d, json_get(d, u, "last_login"), "at", last, sizeof(last));
	(void)str_copy(last, sizeof(last), str_sub(str_of(last), 0, 19)); /* to the second */
	print_cell(name, 24, false);
	print_cell(role, 10, false);
	(void)printf("%s\n", *last ? last : "never");
}

static int list(struct ctl *c, bool as_json)
{
	struct answer a = { 0 };
	struct err e = ERR_INIT;
	struct json_doc d;
	int status = ask_daemon(c, "GET", "/api/v1/users", NULL, &a);
	if (status)
		return status;
	if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e)) {
		answer_fini(&a);
		return ctl_fail("the answer is not understood: %s", e.text);
	}
	const struct json_node *items = json_get(&d, d.nodes, "items");
	uint32_t at = items ? (uint32_t)(items - d.nodes) + 1 : 0, n = items ? items->count : 0;
	if (!as_json) {
		print_cell("NAME", 24, false);
		print_cell("ROLE", 10, false);
		(void)puts("LAST SIGN-IN");
	}
	for (uint32_t i = 0; i < n; i++, at = d.nodes[at].next) {
		if (as_json)
			(void)printf("%.*s\n", (int)d.nodes[at].raw.n, d.nodes[at].raw.p);
		else
			print_user(&d, &d.nodes[at]);
	}
	json_doc_fini(&d);
	answer_fini(&a);
	return EXIT_SUCCESS;
}

/* A line from standard input without its newline; typed, it is not shown. False at the end. */
static bool read_secret(const char *prompt, char *out, size_t cap)
{
	struct termios before, quiet;
	bool typed = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	if (typed) {
		(void)fputs(prompt, stderr);
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	bool got = fgets(out, (int)cap, stdin) != NULL;
	if (typed) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', stderr);
	}
	if (got)
		out[strcspn(out, "\r\n")] = '\0';
	return got && *out;
}

static int reset_password(struct ctl *c, const char *name)
{
	char once[PASSWORD_MAX], again[PASSWORD_MAX];
	struct buf target, body;
	struct json j;
	struct answer a = { 0 };
	if (!read_secret("New password: ", once, sizeof(once)))
		return ctl_fail(
			"no password was given; type one, or give it as a line on standard input");
	if (isatty(STDIN_FILENO) &&
	    (!read_secret("Once more: ", again, sizeof(again)) || strcmp(once, again) != 0))
		return ctl_fail("the two passwords differ; nothing was changed");
	buf_init(&target, 4096);
	buf_init(&body, 4096);
	buf_cstr(&target, "/api/v1/users/");
	escape_put(&target, name);
	buf_cstr(&target, "/password");
	json_init(&j, &body);
	json_obj(&j);
	json_kv_str(&j, "password", once);
	json_end_obj(&j);
	int status = buf_failed(&target) || buf_failed(&body) ?
			     ctl_fail("name or password too long") :
			     ask_daemon(c, "POST", target.p, body.p, &a);
	explicit_bzero(once, sizeof(once));
	explicit_bzero(again, sizeof(again));
	if (body.p)
		explicit_bzero(body.p, body.n);
	buf_fini(&target);
	buf_fini(&body);
	answer_fini(&a);
	if (!status && isatty(STDOUT_FILENO))
		(void)printf("password of %s set; every session of theirs has ended\n", name);
	return status;
}

int cmd_user(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		ctl_help(cmd);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list(c, false);
	if (argc == 3 && !strcmp(argv[1], "list") && !strcmp(argv[2], "--json"))
		return list(c, true);
	if (argc == 3 && !strcmp(argv[1], "reset-password"))
		return reset_password(c, argv[2]);
	return ctl_usage(cmd, "say list, or reset-password NAME");
}
