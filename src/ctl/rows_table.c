/* Rows for people at a terminal: one line each, what matters of it. JSON and CSV carry everything. */
#include <netinet/in.h>

#include "ctl.h"
#include "tomsd/flow_row.h"
#include "tomsd/line.h"
#include "tomsd/log_row.h"

#define WHAT_MAX 512
#define MESSAGE_MAX 200 /* of a line that says no more than its text */

static void endpoint_text(const struct addr *a, uint16_t port, bool ported, char *out,
			  size_t cap)
{
	char text[ADDR_TEXT_MAX];
	addr_text(a, text);
	if (!ported)
		(void)snprintf(out, cap, "%s", text);
	else
		(void)snprintf(out, cap, addr_is_v4(a) ? "%s:%u" : "[%s]:%u", text, port);
}

/* ICMP keeps type, code and identifier in these fields. */
static bool has_ports(uint8_t l4)
{
	return l4 == IPPROTO_TCP || l4 == IPPROTO_UDP || l4 == IPPROTO_SCTP ||
	       l4 == IPPROTO_DCCP || l4 == IPPROTO_UDPLITE;
}

static void print_time(int64_t ns)
{
	char text[ZONE_TIME_MAX];
	zone_time(ns, text);
	print_cell(text, 20, false);
}

static void print_time_head(const char *what, const char *zone)
{
	char text[96];
	(void)snprintf(text, sizeof(text), "%s (%s)", what, zone);
	print_cell(text, 20, false);
}

static void flow_head(const char *zone)
{
	print_time_head("LAST PACKET", zone);
	print_cell("SOURCE", 21, false);
	print_cell("DESTINATION", 21, false);
	print_cell("PROTOCOL", 16, false);
	print_cell("SENT", 7, true);
	print_cell("BACK", 7, true);
	(void)puts("NAME");
}

static void flow_line(const void *row)
{
	const struct flow *f = row;
	char sent[16], back[16], proto[64], end[80];
	bool ported = has_ports(f->l4);
	print_time(f->end_ns);
	endpoint_text(&f->src, f->src_port, ported, end, sizeof(end));
	print_cell(end, 21, false);
	endpoint_text(&f->dst, f->dst_port, ported, end, sizeof(end));
	print_cell(end, 21, false);
	const char *transport = flow_transport_name(f->l4);
	(void)snprintf(proto, sizeof(proto), "%s/%s", transport ? transport : "other",
		       *f->app   ? f->app :
		       *f->proto ? f->proto :
				   "unknown");
	print_cell(proto, 16, false);
	text_bytes(f->src_bytes, sent);
	text_bytes(f->dst_bytes, back);
	print_cell(sent, 7, true);
	print_cell(back, 7, true);
	print_clean(stdout, f->name);
	(void)putchar('\n');
}

static void log_head(const char *zone)
{
	print_time_head("TIME", zone);
	print_cell("DEVICE", 12, false);
	print_cell("KIND", 8, false);
	print_cell("ACTION", 9, false);
	(void)puts("WHAT");
}

/* Appends " name" or " label=name" where there is a name. */
static void put_word(struct buf *b, const char *label, const char *name)
{
	if (!*name)
		return;
	if (b->n)
		buf_char(b, ' ');
	buf_cstr(b, label);
	buf_cstr(b, name);
}

static void put_message(struct buf *b, const struct log *g)
{
	char text[MESSAGE_MAX + 1];
	struct str said, line = record_tail_of(&log_record, g);
	if (!log_member(g, STR("message"), text, sizeof(text), &said))
		said = line;
	if (b->n)
		buf_char(b, ' ');
	buf_str(b, str_sub(said, 0, MESSAGE_MAX));
}

static void put_ends(struct buf *b, const struct log *g)
{
	char end[80];
	bool ported = has_ports(g->l4) || g->src_port || g->dst_port;
	endpoint_text(&g->src, g->src_port, ported, end, sizeof(end));
	buf_cstr(b, end);
	if (addr_is_zero(&g->dst))
		return;
	endpoint_text(&g->dst, g->dst_port, ported, end, sizeof(end));
	buf_cstr(b, " > ");
	buf_cstr(b, end);
}

static void log_foot(void)
{
	(void)puts(
		"-- ? the sender has not been accepted yet, FALSE: the serial number is another "
		"device's; see tomsctl source list");
}

/* Who to whom and what it was; a line without addresses says its message. */
static void put_what(struct buf *b, const struct log *g)
{
	static const char *const doubts[] = { "unknown sender:", "",
					      "refused sender:", "false sender:" };
	if (g->trust < ARRAY_LEN(doubts))
		put_word(b, "", doubts[g->trust]);
	if (b->n && !addr_is_zero(&g->src))
		buf_char(b, ' ');
	if (!addr_is_zero(&g->src))
		put_ends(b, g);
	put_word(b, "", g->service);
	if (!str_ieq(str_of(g->app), str_of(g->service)))
		put_word(b, "", g->app);
	put_word(b, "user=", g->user);
	put_word(b, "", g->threat);
	put_word(b, "", g->name);
	put_word(b, "", g->program);
	if (addr_is_zero(&g->dst) || g->kind == LOG_KIND_DEVICE)
		put_message(b, g);
}

static bool log_is_doubtful(const void *row)
{
	return ((const struct log *)row)->trust != LOG_TRUST_ACCEPTED;
}

static void log_line(const void *row)
{
	const struct log *g = row;
	struct buf what;
	buf_init(&what, 2 * WHAT_MAX);
	print_time(g->device_ns ? g->device_ns : g->at_ns);
	print_cell(*g->host ? g->host : g->serial, 12, false);
	char kind[24];
	(void)str_copy(kind, sizeof(kind), col_text(record_col(&log_record, "kind"), g));
	print_cell(*kind ? kind : "-", 8, false);
	print_cell(*g->action ? g->action : "-", 9, false);
	put_what(&what, g);
	char text[WHAT_MAX];
	str_copy_clean(text, sizeof(text), buf_view(&what));
	(void)puts(text);
	buf_fini(&what);
}

void print_fields(const void *log_row)
{
	const struct log *g = log_row;
	static struct line_field f[LINE_FIELDS_MAX]; /* one thread */
	static char value[LOG_LINE_MAX], clean[LOG_LINE_MAX];
	char time[ZONE_TIME_MAX], key[128];
	size_t n = line_fields(record_tail_of(&log_record, g), f);
	zone_time(g->device_ns ? g->device_ns : g->at_ns, time);
	(void)printf("%s  log %lld\n", time, (long long)g->id);
	for (size_t i = 0; i < n; i++) {
		str_copy_clean(key, sizeof(key), f[i].key);
		str_copy_clean(clean, sizeof(clean), line_value(&f[i], value, sizeof(value)));
		(void)fputs("  ", stdout);
		print_cell(key, 20, false);
		(void)puts(clean);
	}
}

const struct row_table *row_table_of(const struct record *r)
{
	static const struct row_table tables[] = {
		{ &flow_record, flow_head, flow_line, NULL, NULL },
		{ &log_record, log_head, log_line, log_is_doubtful, log_foot },
	};
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (tables[i].record == r)
			return &tables[i];
	return NULL;
}
