/* A whole request to the routes of the room api, behind the gate: first line "METHOD target", the rest is the
 * body. Whatever is asked, the answer has a status, JSON is whole, and a problem says which. The house has a
 * store with a few rows and keeps what is asked of it, so searches and jobs pile up to their limits. */
#include "query_store.h"
#include "tomsd/api.h"
#include "tomsd/log_row.h"

static const struct room *const rooms[] = { &api_room, NULL };

static void put_log(struct store *st)
{
	static const char line[] =
		"<189>date=2026-11-22 time=12:00:00 devid=\"FG1\" type=\"traffic\" srcip=10.0.0.1 msg=\"a \\\"b\\\" \xff\"";
	struct log *g = calloc(1, sizeof(*g) + sizeof(line));
	if (!g)
		abort();
	g->at_ns = g->device_ns = g->created_ns = INT64_C(1795348800) * NS_PER_S;
	g->src = addr_v4(0x0a000001u);
	g->dst = addr_v4(0xcb007101u);
	g->src_port = 50000;
	g->dst_port = 443;
	g->session = 7;
	g->kind = LOG_KIND_TRAFFIC;
	g->format = LOG_FORMAT_KV;
	g->line_n = sizeof(line) - 1;
	(void)str_copy(g->serial, sizeof(g->serial), STR("FG1"));
	memcpy((char *)g + offsetof(struct log, line), line, sizeof(line) - 1);
	struct err e = ERR_INIT;
	if (store_put(st, &log_record, g) || store_flush(st, 10000, &e))
		abort();
	free(g);
}

static struct app *house(void)
{
	static struct app *a;
	struct app_setup setup = { .mode = APP_DAEMON, .rooms = rooms };
	struct err e = ERR_INIT;
	if (a)
		return a;
	if (app_new(&a, &setup, &e))
		abort();
	app_set_store(a, query_store());
	put_log(query_store());
	if (api_room.init(a, &e))
		abort();
	return a;
}

/* Pieces of a long answer, some of them. */
static void take_pieces(struct reply *rp)
{
	struct buf b;
	buf_init(&b, 32u << 20);
	for (int i = 0, more = 1; more > 0 && i < 4; i++)
		more = rp->more(rp->more_arg, &b);
	buf_fini(&b);
}

static void look_at_answer(const struct reply *rp)
{
	struct json_doc doc;
	struct err e = ERR_INIT;
	char code[64];
	bool is_json = !rp->type || strstr(rp->type, "json");
	if (rp->status < 200 || rp->status > 599)
		abort();
	if (rp->more || rp->is_event_stream || rp->status == 204 || !is_json)
		return;
	if (json_parse(buf_view(&rp->body), 1u << 20, &doc, &e))
		abort();
	if (rp->status >= 400 &&
	    !json_text(json_get(&doc, doc.nodes, "code"), code, sizeof(code)))
		abort();
	json_doc_fini(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str left = str_n((const char *)data, size), line, method;
	struct reply rp;
	struct request rq = { .app = house(),
			      .lang = "ja",
			      .request_id = "f",
			      .who = { .role = ROLE_ADMIN,
				       .session_id = 1,
				       .name = "fuzz",
				       .from = "192.0.2.1" } };
	if (!str_split(&left, '\n', &line) || !str_split(&line, ' ', &method))
		return 0;
	(void)str_split(&line, '?', &rq.path);
	rq.method = method;
	rq.query = line;
	rq.body = left.p ? left : STR("");
	buf_init(&rq.arena, 1u << 20);
	reply_init(&rp);
	api_dispatch(&rq, &rp);
	look_at_answer(&rp);
	if (rp.more)
		take_pieces(&rp);
	reply_fini(&rp);
	buf_fini(&rq.arena);
	return 0;
}
