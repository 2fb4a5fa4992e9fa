/* tomsctl audit: who did what, newest first, page by page through the route that the panel uses. */
#include <getopt.h>
#include <stdlib.h>

#include "ctl.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/csv.h"
#include "tomsd/base/num.h"

#define PAGE 1000
#define NODES_MAX 131072

struct ask {
	const char *since, *until, *user, *action, *host, *text, *zone;
	uint64_t limit; /* 0: all */
	bool as_json, as_csv;
};

static void member2(const struct json_doc *d, const struct json_node *o, const char *one,
		    const char *two, char *out, size_t cap)
{
	json_member_text(d, json_get(d, o, one), two, out, cap);
}

static void print_row(const struct json_doc *d, const struct json_node *row)
{
	static const char *const said[] = { "purpose",
					    "state" }; /* what for; what became of it */
	char at[64], user[80], from[80], action[80], object[160], more[256];
	const struct json_node *audit = json_get(d, json_get(d, row, "toms"), "audit");
	json_member_text(d, row, "@timestamp", at, sizeof(at));
	member2(d, row, "user", "name", user, sizeof(user));
	member2(d, row, "source", "ip", from, sizeof(from));
	member2(d, row, "event", "action", action, sizeof(action));
	json_member_text(d, audit, "object", object, sizeof(object));
	zone_text(at, at, sizeof(at));
	print_cell(at, 19, false);
	print_cell(user, 16, false);
	print_cell(*from ? from : "local", 15, false);
	print_cell(action, 24, false);
	print_clean(stdout, object);
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		more[0] = '\0';
		member2(d, audit, "after", said[i], more, sizeof(more));
		if (!more[0])
			continue;
		(void)printf(" %s=", said[i]);
		print_clean(stdout, more);
	}
	(void)putchar('\n');
}

static const char *const columns[] = { "@timestamp",       "user.name",    "user.roles",
				       "source.ip",        "event.action", "event.outcome",
				       "toms.audit.object" };

static void print_names(const struct ask *k)
{
	if (k->as_csv) {
		for (size_t i = 0; i < ARRAY_LEN(columns); i++)
			(void)printf("%s%s", i ? "," : "", columns[i]);
		(void)fputs("\r\n", stdout);
	} else if (!k->as_json) {
		char head[96];
		(void)snprintf(head, sizeof(head), "TIME (%s)", k->zone);
		print_cell(head, 19, false);
		print_cell("USER", 16, false);
		print_cell("FROM", 15, false);
		print_cell("ACTION", 24, false);
		(void)puts("OBJECT");
	}
}

/* The member at "a.b.c"; of a list the first. */
static const struct json_node *at_path(const struct json_doc *d, const struct json_node *o,
				       const char *path)
{
	char name[32];
	struct str left = str_of(path), part;
	while (o && str_split(&left, '.', &part)) {
		(void)str_copy(name, sizeof(name), part); /* our own names */
		o = json_get(d, o, name);
	}
	return o && o->type == JSON_ARRAY && o->count > 0 ? o + 1 : o;
}

static void print_csv(const struct json_doc *d, const struct json_node *row)
{
	char text[512];
	struct buf b;
	struct csv csv;
	buf_init(&b, 8192);
	csv_init(&csv, &b);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const struct json_node *n = at_path(d, row, columns[i]);
		bool is_text = n && json_text(n, text, sizeof(text));
		csv_str(&csv, is_text ? str_of(text) : STR(""));
	}
	csv_end(&csv);
	(void)fwrite(b.p, 1, b.n, stdout); /* what fails shows at the end */
	buf_fini(&b);
}

/* One page; how many rows, or -1. next: cursor of the following one, "" at the end. */
static int64_t print_page(const struct answer *a, const struct ask *k, uint64_t left,
			  char *next, size_t cap, struct err *e)
{
	struct json_doc d;
	if (json_parse(buf_view(&a->body), NODES_MAX, &d, e))
		return -1;
	const struct json_node *items = json_get(&d, d.nodes, "items");
	json_member_text(&d, d.nodes, "next", next, cap);
	uint32_t at = items ? (uint32_t)(items - d.nodes) + 1 : 0, n = items ? items->count : 0;
	int64_t shown = 0;
	for (uint32_t i = 0; i < n && (!left || (uint64_t)shown < left); i++, shown++) {
		const struct json_node *row = &d.nodes[at];
		if (k->as_json)
			(void)printf("%.*s\n", (int)row->raw.n, row->raw.p);
		else if (k->as_csv)
			print_csv(&d, row);
		else
			print_row(&d, row);
		at = row->next;
	}
	json_doc_fini(&d);
	return shown;
}

static int show(struct ctl *c, const struct ask *k)
{
	char cursor[32] = "", number[24];
	struct err e = ERR_INIT;
	uint64_t left = k->limit;
	bool has_names = false;
	do {
		struct answer a = { 0 };
		struct buf target;
		buf_init(&target, 4096);
		buf_cstr(&target, "/api/v1/audit");
		(void)snprintf(number, sizeof(number), "%llu",
			       (unsigned long long)(left && left < PAGE ? left : PAGE));
		const char *const params[][2] = {
			{ "limit", number },     { "since", k->since },
			{ "until", k->until },   { "user", k->user },
			{ "action", k->action }, { "host", k->host },
			{ "text", k->text },     { "cursor", *cursor ? cursor : NULL }
		};
		for (size_t i = 0; i < ARRAY_LEN(params); i++)
			if (params[i][1])
				query_put(&target, params[i][0], params[i][1]);
		int rc = buf_failed(&target) ?
				 err_set(&e, ERR_FULL, "the question is too long") :
				 client_ask_any(c, "GET", target.p, &a, &e);
		buf_fini(&target);
		if (rc)
			return ctl_fail("%s", e.text);
		if (a.status != 200) {
			int status = answer_fail(&a);
			answer_fini(&a);
			return status;
		}
		if (!has_names)
			print_names(k);
		has_names = true;
		int64_t n = print_page(&a, k, left, cursor, sizeof(cursor), &e);
		answer_fini(&a);
		if (n < 0)
			return ctl_fail("the answer is not understood: %s", e.text);
		if (left && (left -= (uint64_t)n) == 0)
			break;
	} while (*cursor);
	return EXIT_SUCCESS;
}

int cmd_audit(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' },
		{ "user", required_argument, NULL, 'n' },
		{ "action", required_argument, NULL, 'a' },
		{ "limit", required_argument, NULL, 'l' },
		{ "host", required_argument, NULL, 'o' },
		{ "text", required_argument, NULL, 't' },
		{ "utc", no_argument, NULL, 'z' },
		{ "json", no_argument, NULL, 'j' },
		{ "csv", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct ask k = { .limit = 100 };
	int64_t unused_ns;
	bool utc = false;
	int o;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		switch (o) {
		case 's':
		case 'u':
			if (clock_parse_when(str_of(optarg), clock_now_ns(), &unused_ns))
				return ctl_usage(
					cmd,
					"not a time; say -2h, -7d, 2026-11-22 or 2026-11-22T08:00:00Z");
			*(o == 's' ? &k.since : &k.until) = optarg;
			break;
		case 'n':
			k.user = optarg;
			break;
		case 'a':
			k.action = optarg;
			break;
		case 'o':
			k.host = optarg;
			break;
		case 't':
			k.text = optarg;
			break;
		case 'z':
			utc = true;
			break;
		case 'j':
			k.as_json = true;
			k.as_csv = false;
			break;
		case 'c':
			k.as_csv = true;
			k.as_json = false;
			break;
		case 'l':
			if (num_u64(str_of(optarg), 0, INT64_MAX, &k.limit))
				return ctl_usage(
					cmd, "--limit: not a number of rows; 0 is all of them");
			break;
		case 'h':
			ctl_help(cmd);
			return EXIT_SUCCESS;
		default:
			return ctl_usage(cmd, o == ':' ? "an option lacks its value" :
							 "unknown option");
		}
	}
	if (optind < argc)
		return ctl_usage(cmd, "too many words");
	zone_begin(c, utc);
	k.zone = c->zone;
	return show(c, &k);
}
