/* tomsctl token: how programs get in. Through the running daemon, so that there is one writer and one
 * audit trail. A new token is printed once, alone on its line, and is nowhere else to be had. */
#include <stdlib.h>

#include "ctl.h"
#include "tomsd/base/num.h"

#define NODES_MAX 4096

static void print_token(const struct json_doc *d, const struct json_node *t)
{
	static const struct {
		const char *member;
		int width;
		size_t most;
	} cells[] = {
		{ "id", 5, 20 }, { "name", 24, 60 }, { "role", 10, 20 }, { "expires", 11, 10 }
	};
	char text[80];
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		json_member_text(d, t, cells[i].member, text, sizeof(text));
		(void)str_copy(text, sizeof(text), str_sub(str_of(text), 0, cells[i].most));
		print_cell(text, cells[i].width, false);
	}
	json_member_text(d, json_get(d, t, "last_use"), "at", text, sizeof(text));
	(void)str_copy(text, sizeof(text), str_sub(str_of(text), 0, 19)); /* to the second */
	(void)printf("%s\n", *text ? text : "never");
}

static int list(struct ctl *c, bool as_json)
{
	return print_list(
		c, "tokens", "/api/v1/tokens",
		"ID    NAME                      ROLE        UNTIL        LAST USE (UTC)",
		as_json ? NULL : print_token);
}

/* argv: NAME ROLE DAYS [NETWORK...] */
static int add(struct ctl *c, int argc, char **argv)
{
	struct buf body, networks;
	struct json j;
	struct json_doc d;
	struct answer a = { 0 };
	struct err e = ERR_INIT;
	uint32_t days;
	char text[80];
	if (num_u32(str_of(argv[2]), 1, 365, &days))
		return ctl_fail("%s: days are a number from 1 to 365", argv[2]);
	buf_init(&body, 4096);
	buf_init(&networks, 1024);
	for (int i = 3; i < argc; i++) {
		buf_cstr(&networks, argv[i]);
		buf_char(&networks, ' ');
	}
	json_init(&j, &body);
	json_obj(&j);
	json_kv_str(&j, "name", argv[0]);
	json_kv_str(&j, "role", argv[1]);
	json_kv_u64(&j, "days", days);
	json_key(&j, "networks");
	json_str(&j, buf_view(&networks));
	json_end_obj(&j);
	int status = buf_failed(&body) || buf_failed(&networks) ?
			     ctl_fail("name or networks too long") :
			     ask_daemon(c, "tokens", "POST", "/api/v1/tokens", body.p, &a);
	buf_fini(&body);
	buf_fini(&networks);
	if (status)
		return status;
	if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e)) {
		answer_fini(&a);
		return ctl_fail("the answer is not understood: %s", e.text);
	}
	(void)puts(json_member_text(&d, d.nodes, "token", text, sizeof(text)));
	json_doc_fini(&d);
	explicit_bzero(a.body.p, a.body.n);
	answer_fini(&a);
	return EXIT_SUCCESS;
}

static int revoke(struct ctl *c, const char *id)
{
	struct buf target;
	struct answer a = { 0 };
	buf_init(&target, 256);
	buf_cstr(&target, "/api/v1/tokens/");
	escape_put(&target, id);
	int status = buf_failed(&target) ?
			     ctl_fail("no token has such an id") :
			     ask_daemon(c, "tokens", "DELETE", target.p, NULL, &a);
	buf_fini(&target);
	answer_fini(&a);
	return status;
}

int cmd_token(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		ctl_help(cmd);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list(c, false);
	if (argc == 3 && !strcmp(argv[1], "list") && !strcmp(argv[2], "--json"))
		return list(c, true);
	if (argc >= 5 && !strcmp(argv[1], "add"))
		return add(c, argc - 2, argv + 2);
	if (argc == 3 && !strcmp(argv[1], "revoke"))
		return revoke(c, argv[2]);
	return ctl_usage(cmd, "say list, add or revoke");
}
