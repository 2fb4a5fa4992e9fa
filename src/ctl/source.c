/* tomsctl source, tomsctl logs --send-test: who sends logs, and whether they arrive. Through the running
 * daemon, so that there is one writer and one audit trail. */
#include <stdlib.h>

#include "ctl.h"

#define NODES_MAX 65536

static void print_source(const struct json_doc *d, const struct json_node *s)
{
	static const struct {
		const char *member;
		int width;
	} cells[] = {
		{ "state", 9 }, { "kind", 10 }, { "serial", 17 }, { "address", 15 }
	};
	char text[256], when[40], lines[40];
	(void)snprintf(text, sizeof(text), "%lld", (long long)json_member_int(d, s, "id"));
	print_cell(text, 4, false);
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		json_member_text(d, s, cells[i].member, text, sizeof(text));
		print_cell(*text ? text : "-", cells[i].width, false);
	}
	(void)snprintf(lines, sizeof(lines), "%lld", (long long)json_member_int(d, s, "lines"));
	print_cell(lines, 10, true);
	json_member_text(d, s, "last_seen", when, sizeof(when));
	zone_text(when, when, sizeof(when));
	print_cell(when, 19, false);
	json_member_text(d, s, "name", text, sizeof(text));
	print_clean(stdout, text);
	(void)puts(json_member_true(d, s, "silent") ? " (SILENT)" : "");
}

static int list(struct ctl *c, bool as_json)
{
	char head[256];
	(void)snprintf(
		head, sizeof(head),
		"ID    STATE      KIND        SERIAL             ADDRESS               LINES  "
		"LAST SEEN (%s)%*s  NAME",
		c->zone, strlen(c->zone) < 7 ? 7 - (int)strlen(c->zone) : 0, "");
	return print_list(c, "sources of logs", "/api/v1/sources", head,
			  as_json ? NULL : print_source);
}

static int change(struct ctl *c, const char *method, const char *id, const char *name,
		  const char *value)
{
	struct buf target, body;
	struct json j;
	struct answer a = { 0 };
	buf_init(&target, 256);
	buf_init(&body, 4096);
	buf_cstr(&target, "/api/v1/sources/");
	escape_put(&target, id);
	json_init(&j, &body);
	json_obj(&j);
	if (name)
		json_kv_str(&j, name, value);
	json_end_obj(&j);
	int status = buf_failed(&target) || buf_failed(&body) ?
			     ctl_fail("no source has such an id, or the name is too long") :
			     ask_daemon(c, "sources of logs", method, target.p,
					name ? body.p : NULL, &a);
	buf_fini(&target);
	buf_fini(&body);
	answer_fini(&a);
	return status;
}

int cmd_source(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	static const struct {
		const char *verb;
		int argc;
		const char *method, *name, *value; /* value NULL: the last word */
	} verbs[] = {
		{ "accept", 3, "PATCH", "state", "accepted" },
		{ "refuse", 3, "PATCH", "state", "refused" },
		{ "name", 4, "PATCH", "name", NULL },
		{ "zone", 4, "PATCH", "zone", NULL },
		{ "note", 4, "PATCH", "note", NULL },
		{ "forget", 3, "DELETE", NULL, NULL },
	};
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		ctl_help(cmd);
		return EXIT_SUCCESS;
	}
	bool as_json = argc == 3 && !strcmp(argv[2], "--json"),
	     utc = argc == 3 && !strcmp(argv[2], "--utc");
	if (argc >= 2 && !strcmp(argv[1], "list") && (argc == 2 || as_json || utc)) {
		zone_begin(c, utc);
		return list(c, as_json);
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (argc == verbs[i].argc && !strcmp(argv[1], verbs[i].verb))
			return change(c, verbs[i].method, argv[2], verbs[i].name,
				      verbs[i].value ? verbs[i].value : argv[argc - 1]);
	return ctl_usage(cmd,
			 "say list, accept ID, refuse ID, name ID NAME, zone ID ZONE, note ID "
			 "TEXT or forget ID");
}

/* One line a listener; true when the marked line went through it and arrived. */
static bool print_result(const struct json_doc *d, const struct json_node *r)
{
	char transport[16], address[80], detail[300], what[64];
	bool arrived = json_member_true(d, r, "arrived"), sent = json_member_true(d, r, "sent");
	json_member_text(d, r, "transport", transport, sizeof(transport));
	json_member_text(d, r, "address", address, sizeof(address));
	json_member_text(d, r, "detail", detail, sizeof(detail));
	if (arrived)
		(void)snprintf(what, sizeof(what), "arrived after %lld ms",
			       (long long)json_member_int(d, r, "ms"));
	else
		(void)str_copy(what, sizeof(what),
			       sent ? STR("sent, did NOT arrive") : STR("could NOT be sent"));
	print_cell(transport, 4, false);
	print_cell(address, 24, false);
	(void)fputs(what, stdout);
	if (*detail)
		(void)fputs(": ", stdout);
	print_clean(stdout, detail);
	(void)putchar('\n');
	return arrived;
}

int send_test(struct ctl *c, bool as_json)
{
	struct answer a = { 0 };
	struct err e = ERR_INIT;
	struct json_doc d;
	int status = ask_daemon(c, "listeners for logs", "POST", "/api/v1/logs/test", "{}", &a);
	if (status)
		return status;
	if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e)) {
		answer_fini(&a);
		return ctl_fail("the answer is not understood: %s", e.text);
	}
	const struct json_node *items = json_get(&d, d.nodes, "results");
	uint32_t at = items ? (uint32_t)(items - d.nodes) + 1 : 0, n = items ? items->count : 0;
	bool all = n > 0;
	for (uint32_t i = 0; i < n; i++, at = d.nodes[at].next) {
		if (as_json) {
			(void)printf("%.*s\n", (int)d.nodes[at].raw.n, d.nodes[at].raw.p);
			all = all && json_member_true(&d, &d.nodes[at], "arrived");
		} else if (!print_result(&d, &d.nodes[at])) {
			all = false;
		}
	}
	json_doc_fini(&d);
	answer_fini(&a);
	if (n == 0)
		return ctl_fail("no listener is set; see [syslog] udp, tcp and tls of the "
				"configuration");
	return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
