/* What the commands about accounts and tokens share: asking the running daemon, and printing the list it
 * answers with. */
#include <stdlib.h>

#include "ctl.h"

#define NODES_MAX 65536

int ask_daemon(struct ctl *c, const char *what, const char *method, const char *target,
	       const char *body, struct answer *a)
{
	struct err e = ERR_INIT;
	int rc = client_ask(c, method, target, body, a, &e);
	if (rc == -ERR_NOTFOUND && !e.code)
		return ctl_fail(
			"tomsd is not running; %s are kept by the running daemon, start it first",
			what);
	if (rc)
		return ctl_fail("%s", e.text);
	if (a->status < 300)
		return EXIT_SUCCESS;
	int status = answer_fail(a);
	answer_fini(a);
	return status;
}

int print_list(struct ctl *c, const char *what, const char *target, const char *head,
	       void (*print)(const struct json_doc *, const struct json_node *))
{
	struct answer a = { 0 };
	struct err e = ERR_INIT;
	struct json_doc d;
	int status = ask_daemon(c, what, "GET", target, NULL, &a);
	if (status)
		return status;
	if (json_parse(buf_view(&a.body), NODES_MAX, &d, &e)) {
		answer_fini(&a);
		return ctl_fail("the answer is not understood: %s", e.text);
	}
	const struct json_node *items = json_get(&d, d.nodes, "items");
	uint32_t at = items ? (uint32_t)(items - d.nodes) + 1 : 0, n = items ? items->count : 0;
	if (print)
		(void)puts(head);
	for (uint32_t i = 0; i < n; i++, at = d.nodes[at].next) {
		if (print)
			print(&d, &d.nodes[at]);
		else
			(void)printf("%.*s\n", (int)d.nodes[at].raw.n, d.nodes[at].raw.p);
	}
	json_doc_fini(&d);
	answer_fini(&a);
	return EXIT_SUCCESS;
}
