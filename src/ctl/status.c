/* tomsctl status: what the running daemon says of itself; without one, what the store knows. */
#include <getopt.h>
#include <stdlib.h>

#include "ctl.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/flow_row.h"

#define NODES_MAX 65536

static void print_head(const struct json_doc *d)
{
	char version[64], id[64], name[160], state[32], up[32], memory[16];
	const struct json_node *o = json_get(d, d->nodes, "appliance");
	json_member_text(d, d->nodes, "version", version, sizeof(version));
	json_member_text(d, d->nodes, "state", state, sizeof(state));
	json_member_text(d, o, "id", id, sizeof(id));
	json_member_text(d, o, "name", name, sizeof(name));
	text_duration(json_member_int(d, d->nodes, "uptime_s"), up);
	text_bytes((uint64_t)json_member_int(d, d->nodes, "memory_bytes"), memory);
	(void)printf("tomsd %s on ", version);
	print_clean(stdout, id);
	if (strcmp(id, name) != 0) {
		(void)fputs(" (", stdout);
		print_clean(stdout, name);
		(void)putchar(')');
	}
	(void)printf(": %s for %s, %s of memory, %s\n", state, up, memory,
		     json_member_true(d, d->nodes, "healthy") ? "well" : "NOT WELL");
}

/* The logs in a sentence, before their numbers. */
static void print_logs(const struct json_doc *d)
{
	const struct json_node *room = json_get(d, json_get(d, d->nodes, "rooms"), "syslog"),
			       *sources = json_get(d, room, "sources"),
			       *counts = json_get(d, room, "counters"),
			       *listeners = json_get(d, room, "listeners");
	static const char *const losses[] = { "syslog_kernel_drops_total",
					      "syslog_queue_drops_total",
					      "syslog_limit_drops_total",
					      "syslog_refused_lines_total",
					      "syslog_store_drops_total" };
	long long lost = 0, fresh = json_member_int(d, sources, "new"),
		  silent = json_member_int(d, sources, "silent");
	if (!room || !sources)
		return;
	if (!listeners || listeners->count == 0) {
		(void)puts("logs: no listener is set; see [syslog] of the configuration");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(losses); i++)
		lost += json_member_int(d, counts, losses[i]);
	(void)printf("logs: %lld lines since the start, %lld not kept; sources: %lld accepted",
		     (long long)json_member_int(d, counts, "syslog_lines_total"), lost,
		     (long long)json_member_int(d, sources, "accepted"));
	if (silent > 0)
		(void)printf(", %lld SILENT", silent);
	if (fresh > 0)
		(void)printf(", %lld to accept or refuse (tomsctl source list)", fresh);
	(void)putchar('\n');
}

/* What has been received and may not be on disk yet. */
static void print_window(const struct json_doc *d)
{
	const struct json_node *store = json_get(d, json_get(d, d->nodes, "rooms"), "store");
	long long ms = json_member_int(d, store, "commit_window_ms");
	if (store && ms > 0)
		(void)printf(
			"a power cut can take what came in the last %lld.%lld s, and nothing "
			"before\n",
			ms / 1000, ms % 1000 / 100);
}

/* What a room says beside its state, one fact a line: "    interfaces.0.name   eth0". Counters that
 * never counted are left out. */
struct facts {
	const struct json_doc *d;
	char path[160];
};

static bool is_quiet(const char *path)
{
	static const char *const said[] = { "state", "healthy", "since", "last_error",
					    "last_error_at" };
	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (!strcmp(path, said[i]))
			return true;
	return false;
}

static void print_fact(const struct facts *f, const struct json_node *n)
{
	char text[300];
	bool counted = !strncmp(f->path, "counters.", 9) ||
		       !strncmp(f->path, "per_second.", 11);
	if (n->type == JSON_NULL || is_quiet(f->path) || (counted && str_eq(n->raw, STR("0"))))
		return;
	if (!json_text(n, text, sizeof(text)))
		(void)str_copy(text, sizeof(text),
			       n->raw); /* a number, true or false: as it stands */
	(void)printf("    %-46s ", strncmp(f->path, "counters.", 9) ? f->path : f->path + 9);
	print_clean(stdout, text);
	(void)putchar('\n');
}

static void print_facts(struct facts *f, const struct json_node *n, int depth)
{
	size_t here = strlen(f->path);
	if (n->type != JSON_OBJECT && n->type != JSON_ARRAY) {
		print_fact(f, n);
		return;
	}
	uint32_t at = (uint32_t)(n - f->d->nodes) + 1;
	for (uint32_t i = 0; i < n->count && depth < 8; i++) {
		char name[80];
		(void)snprintf(name, sizeof(name), "%u", (unsigned)i);
		if (n->type == JSON_OBJECT) {
			(void)json_text(&f->d->nodes[at], name,
					sizeof(name)); /* too long: its number does */
			at = f->d->nodes[at].next;
		}
		(void)snprintf(f->path + here, sizeof(f->path) - here, "%s%s", here ? "." : "",
			       name);
		print_facts(f, &f->d->nodes[at], depth + 1);
		f->path[here] = '\0';
		at = f->d->nodes[at].next;
	}
}

static void print_rooms(const struct json_doc *d)
{
	const struct json_node *o = json_get(d, d->nodes, "rooms");
	if (!o || o->type != JSON_OBJECT)
		return;
	(void)puts("\nrooms");
	uint32_t at = (uint32_t)(o - d->nodes) + 1;
	for (uint32_t i = 0; i < o->count; i++) {
		char name[64], state[32], words[300], when[64];
		const struct json_node *key = &d->nodes[at], *room = &d->nodes[key->next];
		(void)json_text(key, name, sizeof(name)); /* our own room names */
		json_member_text(d, room, "state", state, sizeof(state));
		json_member_text(d, room, "last_error", words, sizeof(words));
		json_member_text(d, room, "last_error_at", when, sizeof(when));
		bool well = json_member_true(d, room, "healthy");
		(void)printf("  %-10s %s, %s", name, state, well ? "well" : "NOT WELL: ");
		if (*words && well)
			(void)printf("; last error %s: ", when);
		print_clean(stdout, words);
		(void)putchar('\n');
		print_facts(&(struct facts){ .d = d }, room, 0);
		at = room->next;
	}
}

static void print_threads(const struct json_doc *d)
{
	const struct json_node *o = json_get(d, d->nodes, "threads");
	if (!o || o->type != JSON_ARRAY)
		return;
	(void)puts("\nthreads            state    silent ms   cpu ms");
	uint32_t at = (uint32_t)(o - d->nodes) + 1;
	for (uint32_t i = 0; i < o->count; i++) {
		char name[64];
		const struct json_node *t = &d->nodes[at];
		json_member_text(d, t, "name", name, sizeof(name));
		(void)printf("  %-16s %-8s %9lld %8lld\n", name,
			     json_member_true(d, t, "waiting") ? "waiting" : "busy",
			     (long long)json_member_int(d, t, "beat_age_ms"),
			     (long long)json_member_int(d, t, "cpu_ms"));
		at = t->next;
	}
}

static int show_running(const struct answer *a, bool as_json)
{
	struct err e = ERR_INIT;
	struct json_doc d;
	if (a->status != 200)
		return answer_fail(a);
	if (as_json) {
		(void)printf("%.*s\n", (int)a->body.n, a->body.p);
		return EXIT_SUCCESS;
	}
	if (json_parse(buf_view(&a->body), NODES_MAX, &d, &e))
		return ctl_fail("the daemon's status is not understood: %s", e.text);
	print_head(&d);
	print_logs(&d);
	print_window(&d);
	print_rooms(&d);
	print_threads(&d);
	json_doc_fini(&d);
	return EXIT_SUCCESS;
}

static void stale_json(const struct store_stats *s)
{
	struct buf b;
	struct json j;
	buf_init(&b, 65536);
	json_init(&j, &b);
	json_obj(&j);
	json_kv_str(&j, "version", TOMSD_VERSION);
	json_kv_str(&j, "state", "not running");
	json_kv_bool(&j, "stale", true);
	json_kv_time(&j, "time", clock_now_ns());
	json_key(&j, "threads");
	json_arr(&j);
	json_end_arr(&j);
	json_key(&j, "rooms");
	json_obj(&j);
	json_key(&j, "store");
	json_obj(&j);
	json_kv_str(&j, "state", "stopped");
	json_kv_u64(&j, "database_bytes", s->database_bytes);
	json_kv_u64(&j, "wal_bytes", s->wal_bytes);
	json_kv_i64(&j, "oldest_day", s->oldest_day);
	json_kv_i64(&j, "newest_day", s->newest_day);
	json_kv_u64(&j, "disk_free_bytes", s->disk_free_bytes);
	json_end_obj(&j);
	json_end_obj(&j);
	json_end_obj(&j);
	(void)printf("%.*s\n", (int)b.n, b.p);
	buf_fini(&b);
}

static void stale_text(const struct ctl *c, const struct store_stats *s)
{
	char size[16], space[16];
	text_bytes(s->database_bytes + s->wal_bytes, size);
	text_bytes(s->disk_free_bytes, space);
	(void)printf("tomsd is not running; what follows is from its store, not from now\n"
		     "store in %s: %s",
		     c->state_path, size);
	if (s->newest_day)
		(void)printf(", flows of %lld to %lld", (long long)s->oldest_day,
			     (long long)s->newest_day);
	else
		(void)fputs(", no flows", stdout);
	(void)printf(", %s of disk free\n", space);
}

/* What a reader's store does not keep count of, from outside. */
static void look_at_files(const struct ctl *c, struct store_stats *s)
{
	char path[CTL_PATH_MAX + 16];
	uint64_t total;
	(void)snprintf(path, sizeof(path), "%s/tomsd.db", c->state_path);
	int64_t bytes = file_size(path);
	s->database_bytes = bytes > 0 ? (uint64_t)bytes : 0;
	(void)snprintf(path, sizeof(path), "%s/tomsd.db-wal", c->state_path);
	bytes = file_size(path);
	s->wal_bytes = bytes > 0 ? (uint64_t)bytes : 0;
	if (file_space(c->state_path, &s->disk_free_bytes, &total, NULL))
		s->disk_free_bytes = 0;
}

static int take_time(void *arg, const void *row)
{
	int64_t *at_ns = arg;
	*at_ns = ((const struct flow *)row)->end_ns;
	return 1; /* one is enough */
}

/* Days of the oldest and of the newest flow; 0 when there is none. */
static void look_at_rows(struct store *st, struct store_stats *s)
{
	static const enum query_sort sorts[] = { QUERY_OLDEST, QUERY_NEWEST };
	int64_t at_ns[2] = { 0, 0 };
	struct query *q = calloc(1, sizeof(*q));
	for (size_t i = 0; q && i < ARRAY_LEN(sorts); i++) {
		struct query_page_info info = { 0 };
		*q = (struct query){ .record = &flow_record,
				     .until_ns = INT64_MAX,
				     .sort = sorts[i] };
		if (store_query(st, q, 1, 0, take_time, &at_ns[i], &info, NULL))
			at_ns[i] = 0; /* status says what it can */
	}
	free(q);
	s->oldest_day = at_ns[0] ? clock_day(at_ns[0]) : 0;
	s->newest_day = at_ns[1] ? clock_day(at_ns[1]) : 0;
}

/* No daemon is no failure: what there is to know is said. */
static int show_stale(struct ctl *c, bool as_json)
{
	struct err e = ERR_INIT;
	struct store *st = NULL;
	struct store_stats s = { 0 };
	if (state_store(c, &st, &e)) {
		if (e.code == ERR_DENIED)
			return ctl_fail("%s", e.text);
		if (as_json)
			stale_json(&s);
		else
			(void)printf("tomsd is not running, and %s\n", e.text);
		return EXIT_SUCCESS;
	}
	store_stats(st, &s);
	look_at_files(c, &s);
	look_at_rows(st, &s);
	if (as_json)
		stale_json(&s);
	else
		stale_text(c, &s);
	store_free(st);
	return EXIT_SUCCESS;
}

int cmd_status(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool as_json = false;
	int o;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (o == 'h') {
			ctl_help(cmd);
			return EXIT_SUCCESS;
		}
		if (o != 'j')
			return ctl_usage(cmd, "unknown option");
		as_json = true;
	}
	if (optind < argc)
		return ctl_usage(cmd, "too many words");
	struct err e = ERR_INIT;
	struct answer a = { 0 };
	int rc = client_ask(c, "GET", "/api/v1/status", NULL, &a, &e);
	if (rc == -ERR_NOTFOUND && !e.code)
		return show_stale(c, as_json);
	if (rc)
		return ctl_fail("%s", e.text);
	int status = show_running(&a, as_json);
	answer_fini(&a);
	return status;
}
