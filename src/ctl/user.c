/* tomsctl user: who may sign in and as what, and a way back in for the one who forgot the password. All through
 * the running daemon, so that there is one writer and one audit trail. */
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"

#define PASSWORD_MAX 512

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
	return print_list(c, "users", "/api/v1/users",
			  "NAME                      ROLE        LAST SIGN-IN (UTC)",
			  as_json ? NULL : print_user);
}

static volatile sig_atomic_t interrupted; /* Ctrl-C while nothing typed is shown */

static void on_interrupt(int sig)
{
	interrupted = sig;
}

/* A line from standard input without its newline; typed, it is not shown. False at the end. Whoever
 * thinks better of it with Ctrl-C gets a terminal back that shows what is typed. */
bool read_secret(const char *prompt, char *out, size_t cap)
{
	struct termios before, quiet;
	struct sigaction note = { .sa_handler = on_interrupt }, usual; /* ends the read, too */
	bool typed = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	if (typed) {
		(void)fputs(prompt, stderr);
		(void)sigaction(SIGINT, &note, &usual);
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	bool got = fgets(out, (int)cap, stdin) != NULL;
	if (typed) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', stderr);
		(void)sigaction(SIGINT, &usual, NULL);
		if (interrupted)
			(void)raise(interrupted);
	}
	if (got)
		out[strcspn(out, "\r\n")] = '\0';
	return got && *out;
}

/* A new password, typed twice, or one line of standard input. */
static int new_password(char *out, size_t cap)
{
	char again[PASSWORD_MAX];
	if (!read_secret("New password: ", out, cap))
		return ctl_fail(
			"no password was given; type one, or give it as a line on standard input");
	if (!isatty(STDIN_FILENO))
		return EXIT_SUCCESS;
	bool is_same = read_secret("Once more: ", again, sizeof(again)) &&
		       strcmp(out, again) == 0;
	explicit_bzero(again, sizeof(again));
	return is_same ? EXIT_SUCCESS :
			 ctl_fail("the two passwords differ; nothing was changed");
}

/* One member of a body; value NULL leaves it out. */
struct member {
	const char *name, *value;
};

/* Sends {members} to /api/v1/users[/NAME[/password]]; the body may hold a password. */
static int send(struct ctl *c, const char *method, const char *name, const char *behind,
		const struct member *members, size_t n)
{
	struct buf target, body;
	struct json j;
	struct answer a = { 0 };
	buf_init(&target, 4096);
	buf_init(&body, 4096);
	buf_cstr(&target, "/api/v1/users");
	if (name) {
		buf_char(&target, '/');
		escape_put(&target, name);
	}
	buf_cstr(&target, behind);
	json_init(&j, &body);
	json_obj(&j);
	for (size_t i = 0; i < n; i++) {
		json_key(&j, members[i].name);
		if (strcmp(members[i].name, "disabled") == 0)
			json_bool(&j, strcmp(members[i].value, "true") == 0);
		else
			json_cstr(&j, members[i].value);
	}
	json_end_obj(&j);
	int status = buf_failed(&target) || buf_failed(&body) ?
			     ctl_fail("name or password too long") :
			     ask_daemon(c, "users", method, target.p, body.p, &a);
	if (body.p)
		explicit_bzero(body.p, body.n);
	buf_fini(&target);
	buf_fini(&body);
	answer_fini(&a);
	return status;
}

static int reset_password(struct ctl *c, const char *name)
{
	char password[PASSWORD_MAX];
	int status = new_password(password, sizeof(password));
	const struct member body[] = { { "password", password } };
	if (!status)
		status = send(c, "POST", name, "/password", body, ARRAY_LEN(body));
	explicit_bzero(password, sizeof(password));
	if (!status && isatty(STDOUT_FILENO))
		(void)printf("password of %s set; every session of theirs has ended\n", name);
	return status;
}

static int add(struct ctl *c, const char *name, const char *role)
{
	char password[PASSWORD_MAX];
	int status = new_password(password, sizeof(password));
	const struct member body[] = { { "user", name },
				       { "role", role },
				       { "password", password } };
	if (!status)
		status = send(c, "POST", NULL, "", body, ARRAY_LEN(body));
	explicit_bzero(password, sizeof(password));
	return status;
}

static int change(struct ctl *c, const char *name, const char *what, const char *value)
{
	const struct member body[] = { { what, value } };
	return send(c, "PATCH", name, "", body, ARRAY_LEN(body));
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
	if (argc == 4 && !strcmp(argv[1], "add"))
		return add(c, argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "role"))
		return change(c, argv[2], "role", argv[3]);
	if (argc == 3 && (!strcmp(argv[1], "disable") || !strcmp(argv[1], "enable")))
		return change(c, argv[2], "disabled", argv[1][0] == 'd' ? "true" : "false");
	return ctl_usage(cmd, "say list, add, role, disable, enable or reset-password");
}
