/* Search over log rows and their lines against a naive search in memory: random texts cut out of the
 * lines themselves, alone, together, excluded, and beside columns; two buckets and an open end. */
#include "tiny.h"

#include "../../../src/store/layout.h"

#include "../../tools/gen_logs.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"
#include "tomsd/log_row.h"

enum { ROWS = 36000 };

static struct log **rows; /* as put */
static char **folded;     /* their lines in lower case */
static struct box box;
static unsigned queries = 25; /* another number: first argument */
static uint64_t state = 5;

static uint64_t any(uint64_t n)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	return hash_mix64(state) % n;
}

static struct str line_of(const struct log *g)
{
	return str_n(g->line, g->line_n);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* What a generator of tidy lines does not say. */
static void vary(struct log *g, uint32_t i)
{
	static const char *const more[] = {
		" memo=\"\xe6\x82\xa3\xe8\x80\x85\xe7\x95\xaa\xe5\x8f\xb7\"", /* Japanese */
		" memo=\"\xe6\x82\xa3\xe8\x80\x85\" x=\xe7\x95",              /* cut */
		" note=\x8a\xb3\x8e\xd2\x94\xd4\x8d\x86 end",                 /* Shift_JIS */
		" cfgpath=\"firewall.policy\" cfgattr=\"srcaddr[A-B]\"",
		" imei=123456789012345",
	};
	if (any(5) == 0)
		gen_log_line(g, "%s", more[any(ARRAY_LEN(more))]);
	if (any(200) == 0)
		gen_log_line(g, " rare=needle%u", (unsigned)any(20));
	if (any(20) == 0)
		gen_log_line(g, " big=%0200u", i);
	if (any(20) == 0)
		g->at_ns -= (int64_t)any(600) * NS_PER_S; /* late */
}

static int make_rows(void **unused)
{
	static union gen_log made;
	struct gen_logs g = { .dice = { 3, tiny_noon_ns - 6 * 3600 * NS_PER_S,
					500 * NS_PER_MS } };

	(void)unused;
	rows = calloc(ROWS, sizeof(*rows));
	folded = calloc(ROWS, sizeof(*folded));
	box_new(&box);
	box.conf.inbox_bytes = 32 << 20;
	box_open(&box);
	box_start(&box);
	for (uint32_t i = 0; i < ROWS; i++) {
		gen_log(&g, &made);
		vary(&made.row, i);
		made.row.src_packets = i + 1; /* tells the row again */
		rows[i] = malloc(record_bytes(&log_record, &made));
		memcpy(rows[i], &made, record_bytes(&log_record, &made));
		folded[i] = malloc(made.row.line_n + 1);
		for (uint32_t k = 0; k < made.row.line_n; k++)
			folded[i][k] = lower(made.row.line[k]);
		box_put(&box, &log_record, rows[i]);
		if (i == ROWS / 3) { /* the open end is read again */
			box_flush(&box);
			box_again(&box);
		}
	}
	box_flush(&box);
	return 0;
}

static int free_rows(void **unused)
{
	(void)unused;
	box_free(&box);
	for (uint32_t i = 0; i < ROWS; i++) {
		free(rows[i]);
		free(folded[i]);
	}
	free(rows);
	free(folded);
	return 0;
}

/* The naive half. */
struct condition {
	char text[256]; /* as asked */
	bool negate, front, back;
	char part[200];
	bool (*holds)(const struct log *g, const struct condition *c);
	struct addr a;
	int64_t v;
};

static bool is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool text_holds(const struct log *g, const struct condition *c)
{
	const char *text = folded[g->src_packets - 1], *end = text + g->line_n, *at = text;
	struct str part = str_of(c->part);
	char wanted[200];

	for (size_t i = 0; i < part.n; i++)
		wanted[i] = lower(part.p[i]);
	for (; (at = memmem(at, (size_t)(end - at), wanted, part.n)); at++) {
		if (c->front && at > text && is_word_byte(wanted[0]) && is_word_byte(at[-1]))
			continue;
		if (c->back && at + part.n < end && is_word_byte(wanted[part.n - 1]) &&
		    is_word_byte(at[part.n]))
			continue;
		return true;
	}
	return false;
}

static bool same(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}
static bool host_holds(const struct log *g, const struct condition *c)
{
	return same(&g->src, &c->a) || same(&g->dst, &c->a) || same(&g->src_nat, &c->a) ||
	       same(&g->dst_nat, &c->a);
}
static bool kind_holds(const struct log *g, const struct condition *c)
{
	return g->kind == c->v;
}
static bool session_holds(const struct log *g, const struct condition *c)
{
	return g->session == (uint64_t)c->v;
}
static bool policy_holds(const struct log *g, const struct condition *c)
{
	return g->policy == c->v;
}
static bool name_holds(const struct log *g, const struct condition *c)
{
	return str_ieq(str_of(g->name), str_of(c->part));
}
static bool device_holds(const struct log *g, const struct condition *c)
{
	return str_ieq(str_of(g->host), str_of(c->part)) ||
	       str_ieq(str_of(g->serial), str_of(c->part));
}

/* A part of a line that a query can say: valid UTF-8 without '*', quotes, backslashes and NUL. */
static bool cut_part(struct str from, char out[200])
{
	size_t at = any(from.n), n = 1 + any(any(4) ? 12 : 60);
	struct str part = str_sub(from, at, n);

	while (part.n && ((unsigned char)part.p[0] & 0xc0) == 0x80)
		part = str_sub(part, 1, part.n);
	if (any(2)) { /* whole words */
		while (part.n && part.p > from.p && is_word_byte(part.p[0]) &&
		       is_word_byte(part.p[-1]))
			part = str_sub(part, 1, part.n);
		while (part.n && part.p + part.n < from.p + from.n &&
		       is_word_byte(part.p[part.n - 1]) && is_word_byte(part.p[part.n]))
			part.n--;
	}
	while (part.n && !str_utf8_valid(part))
		part.n--;
	for (size_t i = 0; i < part.n; i++) {
		if (!part.p[i] || strchr("*\"\\", part.p[i]))
			return false;
	}
	return part.n && str_copy(out, 200, part);
}

static struct condition text_condition(void)
{
	struct condition c = { .negate = any(12) == 0, .holds = text_holds };

	c.front = any(4) != 0;
	c.back = any(4) != 0;
	if (any(8) == 0)
		(void)snprintf(c.part, sizeof(c.part), "needle%u", (unsigned)any(22));
	else
		while (!cut_part(line_of(rows[any(ROWS)]), c.part))
			;
	(void)snprintf(c.text, sizeof(c.text), "%s\"%s%s%s\"", c.negate ? "-" : "",
		       c.front ? "" : "*", c.part, c.back ? "" : "*");
	return c;
}

static bool says(const struct log *g, const char *text)
{
	return memmem(folded[g->src_packets - 1], g->line_n, text, strlen(text)) != NULL;
}
static bool member_holds(const struct log *g, const struct condition *c)
{
	return g->kind != LOG_KIND_DEVICE && says(g, c->part);
}
static bool policy_number_holds(const struct log *g, const struct condition *c)
{
	return g->policy > c->v;
}

/* Fields that are read out of the line: asked by name, and looked for as the line has them. */
static struct condition member_condition(void)
{
	static const char *const members[][2] = {
		{ "fortinet.firewall.cfgpath:firewall.policy", " cfgpath=\"firewall.policy\"" },
		{ "fortinet.firewall.cfgattr:\"srcaddr[a-b]\"", "cfgattr=\"srcaddr[a-b]\"" },
		{ "fortinet.firewall.cfgattr:*addr*", "cfgattr=\"srcaddr" },
		{ "fortinet.firewall.eventtype:FTGD_BLK", "eventtype=\"ftgd_blk\"" },
		{ "fortinet.firewall.reqtype:*", " reqtype=" },
		{ "fortinet.firewall.nosuchkey:*", " nosuchkey=" },
		{ "fortinet.firewall.imei:123456789012345", " imei=123456789012345" },
		{ "fortinet.firewall.rare:needle7", " rare=needle7" },
		{ "rule.category:\"Streaming Media\"", " catdesc=\"streaming media\"" },
		{ "observer.ingress.interface.name:port2", " srcintf=\"port2\"" },
		{ "message:\"URL belongs to a denied category in policy\"",
		  " msg=\"url belongs to a denied category in policy\"" },
		{ "fortinet.firewall.memo:\"\xe6\x82\xa3\xe8\x80\x85\xe7\x95\xaa\xe5\x8f\xb7\"",
		  " memo=\"\xe6\x82\xa3\xe8\x80\x85\xe7\x95\xaa\xe5\x8f\xb7\"" },
	};
	struct condition c = { .negate = any(6) == 0, .holds = member_holds };
	size_t k = any(ARRAY_LEN(members) + 1);

	if (k == ARRAY_LEN(members)) {
		c.v = (int64_t)any(40);
		c.holds = policy_number_holds;
		(void)snprintf(c.text, sizeof(c.text), "%sfortinet.firewall.policyid>%d",
			       c.negate ? "-" : "", (int)c.v);
		return c;
	}
	(void)snprintf(c.part, sizeof(c.part), "%s", members[k][1]);
	(void)snprintf(c.text, sizeof(c.text), "%s%s", c.negate ? "-" : "", members[k][0]);
	return c;
}

static struct condition column_condition(void)
{
	static const char *const kinds[] = { "",      "traffic", "security", "vpn",
					     "admin", "system",  "device" };
	const struct log *g = rows[any(ROWS)];
	struct condition c = { .negate = any(6) == 0 };
	const char *not = c.negate ? "-" : "";
	char addr[ADDR_TEXT_MAX];

	switch (any(6)) {
	case 0:
		c.holds = host_holds;
		c.a = any(4) ? g->src : any(2) ? g->dst : g->src_nat;
		if (addr_is_zero(&c.a))
			c.a = addr_v4(0xcb007105u);
		addr_text(&c.a, addr);
		(void)snprintf(c.text, sizeof(c.text), "%s%s:%s", not, any(2) ? "host" : "ip",
			       addr);
		break;
	case 1:
		c.holds = kind_holds;
		c.v = 1 + (int64_t)any(6);
		(void)snprintf(c.text, sizeof(c.text), "%skind:%s", not, kinds[c.v]);
		break;
	case 2:
		c.holds = session_holds;
		c.v = g->session ? (int64_t)g->session : 77;
		(void)snprintf(c.text, sizeof(c.text), "%ssession:%lld", not, (long long)c.v);
		break;
	case 3:
		c.holds = policy_holds;
		c.v = 1 + (int64_t)any(40);
		(void)snprintf(c.text, sizeof(c.text), "%spolicy:%lld", not, (long long)c.v);
		break;
	case 4:
		c.holds = name_holds;
		(void)snprintf(c.part, sizeof(c.part), "%s",
			       g->name[0] ? g->name : "nobody.example.com");
		(void)snprintf(c.text, sizeof(c.text), "%shost:%s", not, c.part);
		break;
	default:
		c.holds = device_holds;
		(void)snprintf(c.part, sizeof(c.part), "%s",
			       any(2) ? "SW-floor3" :
			       any(2) ? "fg200ft000000001" :
					"hospital-fw1");
		(void)snprintf(c.text, sizeof(c.text), "%sdevice:%s", not, c.part);
	}
	return c;
}

static bool row_matches(const struct log *g, const struct condition *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (c[i].holds(g, &c[i]) == c[i].negate)
			return false;
	}
	return true;
}

static bool *seen;
static int see(void *arg, const void *row)
{
	const struct log *g = row, *put = rows[g->src_packets - 1];

	assert_false(seen[g->src_packets - 1]);
	seen[g->src_packets - 1] = true;
	assert_int_equal(g->line_n, put->line_n);
	assert_memory_equal(g->line, put->line, put->line_n);
	(*(size_t *)arg)++;
	return 0;
}

static struct query query_of(const char *text)
{
	struct query q = { .record = &log_record, .until_ns = INT64_MAX };
	struct err e = ERR_INIT;

	if (query_parse(&q, str_of(text), &e))
		fail_msg("%s: %s", text, e.text);
	return q;
}

static void check(const char *text, const struct condition *c, size_t n)
{
	struct query q = query_of(text);
	struct query_page_info info;
	struct err e = ERR_INIT;
	size_t given = 0, want = 0;
	uint64_t counted = 0;
	bool more = false;

	q.sort = any(4) ? QUERY_NEWEST : any(2) ? QUERY_OLDEST :
						      any(2) ? QUERY_BYTES :
							       QUERY_DURATION;
	memset(seen, 0, ROWS);
	if (store_query(box.st, &q, 0, 0, see, &given, &info, &e))
		fail_msg("%s: %s", text, e.text);
	assert_true(info.complete && !info.more);
	for (size_t i = 0; i < ROWS; i++) {
		bool is = row_matches(rows[i], c, n);

		want += is;
		if (is != seen[i])
			fail_msg("%s: row %zu %s: %.*s", text, i, is ? "missed" : "too many",
				 (int)rows[i]->line_n, rows[i]->line);
	}
	assert_int_equal(given, want);
	if (any(4) == 0) {
		assert_int_equal(store_count(box.st, &q, 1000000, 0, &counted, &more, &e), 0);
		assert_int_equal(counted, want);
	}
}

/* Lines of one word or text are few, so thousands of questions are asked and few rows come back. */
static void random_searches_find_what_a_naive_one_finds(void **unused)
{
	(void)unused;
	seen = calloc(ROWS, 1);
	for (unsigned i = 0; i < queries; i++) {
		struct condition c[4];
		char text[4200] = "";
		size_t n = 0, texts = 1 + any(3);

		while (n < texts)
			c[n++] = text_condition();
		if (any(3) == 0)
			c[n++] = column_condition();
		for (size_t k = 0; k < n; k++)
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
				       c[k].text);
		check(text, c, n);
	}
	for (unsigned i = 0; i < queries / 2; i++) {
		struct condition c = i % 2 ? column_condition() : member_condition();

		check(c.text, &c, 1);
	}
	free(seen);
}

static int stop_at_once(void *arg, const void *row)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

/* Pages by their cursors with next to no time: every row comes once, and the span is told. */
static void a_search_that_must_scan_goes_on_where_it_stopped(void **unused)
{
	struct query q = query_of("*eedle7*");
	struct query_page_info info = { .more = true };
	struct err e = ERR_INIT;
	size_t given = 0, want = 0, pages = 0;
	int64_t since = INT64_MAX;

	(void)unused;
	for (size_t i = 0; i < ROWS; i++)
		want += text_holds(rows[i], &(struct condition){ .part = "eedle7" });
	for (; info.more && pages < 5000; pages++) {
		if (store_query(box.st, &q, 3, clock_mono_ns() + NS_PER_MS, stop_at_once,
				&given, &info, &e))
			fail_msg("%s", e.text);
		assert_true(info.covered_since_ns <= since);
		since = info.covered_since_ns;
		memcpy(q.cursor, info.next, sizeof(q.cursor));
	}
	assert_int_equal(given, want);
	assert_true(pages > 3);
}

struct sums {
	char key[200][64];
	uint64_t lines[200], bytes[200];
	size_t n;
};

static int add_sum(void *arg, const struct rollup_row *r)
{
	struct sums *s = arg;
	size_t i = 0;

	while (i < s->n && strcmp(s->key[i], r->key) != 0)
		i++;
	s->n += i == s->n;
	assert_true(s->n <= ARRAY_LEN(s->key));
	memcpy(s->key[i], r->key, sizeof(r->key));
	s->lines[i] += r->flows;
	s->bytes[i] += r->bytes_out;
	return 0;
}

static void check_sums(const struct sums *s, bool (*is)(const struct log *g, const char *key))
{
	uint64_t all = 0;

	for (size_t k = 0; k < s->n; k++) {
		uint64_t lines = 0, bytes = 0;

		for (size_t i = 0; i < ROWS; i++) {
			if (!is(rows[i], s->key[k]))
				continue;
			lines++;
			bytes += rows[i]->line_n;
		}
		assert_int_equal(s->lines[k], lines);
		assert_int_equal(s->bytes[k], bytes);
		all += lines;
	}
	assert_int_equal(all, ROWS);
}

static bool is_of_kind(const struct log *g, const char *key)
{
	return str_eq(col_text(record_col(&log_record, "kind"), g), str_of(key));
}
static bool is_of_source(const struct log *g, const char *key)
{
	return g->source == 1 && strcmp(key, "1") == 0;
}
static bool is_of_type(const struct log *g, const char *key)
{
	char text[80];

	if (!g->type[0])
		return strcmp(key, "unknown") == 0;
	(void)snprintf(text, sizeof(text), "%s/%s/%s", g->type, g->subtype, g->action);
	return strcmp(key, text) == 0;
}

static void lines_are_counted_by_kind_source_and_type(void **unused)
{
	static struct sums s;
	struct err e = ERR_INIT;
	int64_t step, since = tiny_noon_ns - 12 * 3600 * NS_PER_S,
		      until = since + 2 * 86400 * NS_PER_S;

	(void)unused;
	assert_int_equal(store_series(box.st, ROLLUP_LOG_KIND, since, until, 720, 10, 0, &step,
				      add_sum, &s, &e),
			 0);
	check_sums(&s, is_of_kind);
	s.n = 0;
	memset(&s, 0, sizeof(s));
	assert_int_equal(
		store_top(box.st, ROLLUP_LOG_SOURCE, since, until, 10, 0, add_sum, &s, &e), 0);
	check_sums(&s, is_of_source);
	memset(&s, 0, sizeof(s));
	assert_int_equal(
		store_top(box.st, ROLLUP_LOG_TYPE, since, until, 100, 0, add_sum, &s, &e), 0);
	check_sums(&s, is_of_type);
	for (size_t i = 1; i < s.n; i++)
		assert_true(s.lines[i - 1] >= s.lines[i]);
	memset(&s, 0, sizeof(s));
	assert_int_equal(store_series(box.st, ROLLUP_LOG_TYPE, since, until, 48, 100, 0, &step,
				      add_sum, &s, &e),
			 0);
	assert_int_equal(step, 3600 * NS_PER_S);
	check_sums(&s, is_of_type);
}

static void types_that_a_device_makes_up_end_in_other(void **unused)
{
	struct box b;
	struct log *g = calloc(1, sizeof(*g) + 10);

	(void)unused;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (uint32_t i = 0; i < 5000; i++) {
		g->at_ns = tiny_noon_ns + i * NS_PER_MS;
		(void)snprintf(g->type, sizeof(g->type), "t%u", i);
		box_put(&b, &log_record, g);
	}
	box_flush(&b);
	assert_true(box_number(&b, "SELECT count(*) FROM rollup_hour WHERE dim=7") <= 501);
	assert_int_equal(box_number(&b, "SELECT sum(flows) FROM rollup_hour WHERE dim=7"),
			 5000);
	box_free(&b);
	free(g);
}

static void expect_refusal(const char *text, const struct record *r, const char *part)
{
	struct query q = { .record = r, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (query_parse(&q, str_of(text), &e) == 0)
		assert_int_equal(store_query(box.st, &q, 1, 0, stop_at_once, &n, &info, &e),
				 -ERR_INVALID);
	if (!strstr(e.text, part))
		fail_msg("%s: %s", text, e.text);
}

static void what_cannot_be_is_refused_in_words(void **unused)
{
	(void)unused;
	expect_refusal("port=1-70000", &flow_record, "0 to 65535");
	expect_refusal("port:70000", &log_record, "0 to 65535");
	expect_refusal("host=x/-1", &flow_record, "not a range");
	expect_refusal("host:10.0.0.0/64", &log_record, "not a range");
	expect_refusal("kind:nonsense", &log_record, "traffic");
	expect_refusal("text>5", &log_record, "looked for");
	expect_refusal("nosuchkey:5", &log_record, "no such field");
	expect_refusal("srcip:10.0.0.1", &log_record, "fortinet.firewall.srcip:10.0.0.1");
}

static void short_words_are_fields(void **unused)
{
	static const char *const of_logs[] = {
		"kind:vpn level:warning code:0000000013 logid:* policy:3 policy:\"ward-3 to internet\"",
		"vdom:root device:hospital-fw1 session:5 source:1 trust:accepted threat:* service:dns",
		"rule:x user:admin src:10.0.0.0/8 dst:10.0.0.1 nat:203.0.113.5 rule.id:4 dir:outbound",
		"fortinet.firewall.anything.at_all:* url.domain:* event.original:forward port:443-445",
	};
	static const char *const of_flows[] = { "dir:outbound -direction:inbound src:10.0.0.1",
						"port:1-65535 host:10.0.0.0/8" };

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(of_logs) + ARRAY_LEN(of_flows); i++) {
		bool logs = i < ARRAY_LEN(of_logs);
		const char *text = logs ? of_logs[i] : of_flows[i - ARRAY_LEN(of_logs)];
		struct query q = { .record = logs ? &log_record : &flow_record,
				   .until_ns = INT64_MAX };
		struct query_page_info info;
		struct err e = ERR_INIT;
		size_t n = 0;

		if (query_parse(&q, str_of(text), &e) ||
		    store_query(box.st, &q, 1, 0, stop_at_once, &n, &info, &e))
			fail_msg("%s: %s", text, e.text);
	}
}

/* A policy may have a name of 35 characters, which are 105 bytes in Japanese. */
static void a_value_longer_than_its_column_is_found_by_all_of_it(void **unused)
{
	static const char *const keys[] = { "rule.name",       "rule",   "policy", "user.name",
					    "toms.log.threat", "threat", "host" };
	struct box b;
	struct log *g = calloc(1, sizeof(*g) + 10);
	char whole[220] = "", other[220];

	(void)unused;
	while (strlen(whole) < 210)
		memcpy(whole + strlen(whole), "\xe6\x82\xa3", 4);
	memcpy(other, whole, sizeof(other));
	memcpy(other, "xyz", 3);
	assert_false(str_copy(g->rule, sizeof(g->rule), str_of(whole)));
	assert_false(str_copy(g->user, sizeof(g->user), str_of(whole)));
	assert_false(str_copy(g->threat, sizeof(g->threat), str_of(whole)));
	assert_false(str_copy(g->name, sizeof(g->name), str_of(whole)));
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (uint32_t i = 0; i < STORE_BUCKET_ROWS; i++) { /* in the index */
		g->at_ns = tiny_noon_ns + i * NS_PER_MS;
		box_put(&b, &log_record, g);
		memset(g->rule, 0, 4);
		memset(g->user, 0, 4);
		memset(g->threat, 0, 4);
		memset(g->name, 0, 4);
	}
	box_flush(&b);
	for (size_t i = 0; i < 2 * ARRAY_LEN(keys); i++) {
		struct query q = { .record = &log_record, .until_ns = INT64_MAX };
		struct query_page_info info;
		struct err e = ERR_INIT;
		size_t n = 0;

		if (query_add(&q, keys[i / 2], ":", i % 2 ? other : whole, &e) ||
		    store_query(b.st, &q, 0, 0, stop_at_once, &n, &info, &e))
			fail_msg("%s: %s", keys[i / 2], e.text);
		if (n != (i % 2 ? 0 : 1))
			fail_msg("%s: %zu rows", keys[i / 2], n);
	}
	box_free(&b);
	free(g);
}

/* A hostile sender: a line that is nothing but words must be found, cost little and harm nobody. */
static void a_line_of_64_kib_of_words_is_found(void **unused)
{
	struct box b;
	struct log *g = calloc(1, sizeof(*g) + LOG_LINE_MAX);
	struct query q = { .record = &log_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct err e = ERR_INIT;
	size_t given = 0;

	(void)unused;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (uint32_t i = 0; i < 400; i++) {
		g->at_ns = g->created_ns = tiny_noon_ns + i * NS_PER_MS;
		g->line_n = LOG_LINE_MAX;
		for (size_t k = 0; k < g->line_n; k++)
			g->line[k] = k % 4 == 3 ? ' ' : (char)('a' + any(26));
		memcpy(g->line + LOG_LINE_MAX - 11, " lastword99", 11);
		box_put(&b, &log_record, g);
	}
	box_flush(&b);
	for (uint32_t i = 0; i < STORE_BUCKET_ROWS; i++) {
		g->at_ns = tiny_noon_ns + NS_PER_S + i * NS_PER_MS;
		g->line_n = (uint32_t)snprintf(g->line, 100, "plain %u", i);
		box_put(&b, &log_record, g);
	}
	box_flush(&b);
	assert_true(box_number(&b, "SELECT buckets FROM part") > 0);
	assert_int_equal(query_parse(&q, STR("lastword99"), &e), 0);
	assert_int_equal(store_query(b.st, &q, 0, 0, stop_at_once, &given, &info, &e), 0);
	assert_int_equal(given, 400);
	box_check_integrity(&b);
	box_free(&b);
	free(g);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_searches_find_what_a_naive_one_finds),
		cmocka_unit_test(a_search_that_must_scan_goes_on_where_it_stopped),
		cmocka_unit_test(lines_are_counted_by_kind_source_and_type),
		cmocka_unit_test(types_that_a_device_makes_up_end_in_other),
		cmocka_unit_test(what_cannot_be_is_refused_in_words),
		cmocka_unit_test(short_words_are_fields),
		cmocka_unit_test(a_value_longer_than_its_column_is_found_by_all_of_it),
		cmocka_unit_test(a_line_of_64_kib_of_words_is_found),
	};

	if (argc > 1 && num_u32(str_of(argv[1]), 1, 1000000, &queries))
		return 2;
	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
