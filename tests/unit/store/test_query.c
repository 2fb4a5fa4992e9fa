/* The query half against a naive search in memory: random rows (late ones, many in one second, three
 * days, some not in a bucket yet), random filters, all sorts, cursors walked to the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/flow_row.h"
#include "tomsd/store.h"

enum { ROWS = 60000, QUERIES = 60, NAMES = 40 };

static const int64_t day0 = INT64_C(1795305600) * NS_PER_S; /* 2026-11-22T00:00:00Z */
static struct flow *rows; /* as put; src_packets is the row's number + 1 */
static struct store *st;
static char dir[] = "/tmp/tomsd-test-query-XXXXXX";
static uint64_t random_state = 42;

static uint64_t any(uint64_t n)
{
	random_state += UINT64_C(0x9e3779b97f4a7c15);
	return hash_mix64(random_state) % n;
}

static struct addr internal(uint64_t i)
{
	return addr_v4(0x0a000000u | (uint32_t)(i / 200) << 8 | (uint32_t)(i % 200 + 1));
}
static struct addr external(uint64_t i)
{
	struct addr a = { { 0x20, 0x01, 0x0d, 0xb8 } };

	if (i % 5)
		return addr_v4(0xcb007100u + (uint32_t)i * 37);
	a.b[7] = (uint8_t)(i % 3);
	a.b[15] = (uint8_t)(i + 1);
	return a;
}

static const char *const protos[] = { "tls", "dns", "http", "dicom", "hl7", "smb" };
static const char *const apps[] = { "", "", "youtube", "windowsupdate", "line" };
static const char *const agents[] = { "", "", "Mozilla/5.0 (X11)", "curl/8", "Agent_100%" };

static void make_name(struct flow *f)
{
	static const char *const tails[] = { "example.com", "Hospital.example.jp",
					     "update.example.net", "a_b.example" };
	uint64_t n = any(NAMES);

	if (any(3) == 0)
		return;
	f->name_kind = (uint8_t)(1 + any(7));
	(void)snprintf(f->name, sizeof(f->name), "%s%llu.%s", n % 7 ? "host" : "HOST",
		       (unsigned long long)n, tails[n % 4]);
}

static struct flow make_row(uint64_t i)
{
	struct flow f = { .src_packets = i + 1 };
	int64_t at = day0 + (int64_t)i * (3 * INT64_C(86400) * NS_PER_S / ROWS) +
		     (int64_t)any(NS_PER_S);
	uint64_t late = any(100);
	static const uint8_t l4s[] = { 6, 6, 6, 17, 17, 1, 58 };
	static const uint16_t ports[] = { 80, 443, 53, 104, 2575, 445, 51000, 8 << 8 };

	if (late < 30)
		at -= (int64_t)any(300) * NS_PER_S;
	if (late == 0)
		at -= (int64_t)any(40000) * NS_PER_S;
	if (i % 5000 < 400) /* many in one second */
		at = day0 + (int64_t)(i / 5000) * 3600 * NS_PER_S;
	f.end_ns = at;
	f.start_ns = f.flow_start_ns =
		at - (int64_t)(any(4) ? any(100) * NS_PER_MS : any(300) * NS_PER_S);
	f.src = any(10) ? internal(any(300)) : external(any(500));
	f.dst = any(2) ? external(any(500)) : internal(any(300));
	f.src_mac[5] = (uint8_t)any(50);
	f.dst_mac[4] = (uint8_t)any(3);
	f.l4 = l4s[any(7)];
	f.ip_version = addr_is_v4(&f.src) ? 4 : 6;
	f.src_port = (uint16_t)(any(20) ? 32768 + any(32768) : ports[any(8)]);
	f.dst_port = ports[any(8)];
	f.src_bytes = any(1000) ? any(5000) : any(10) * 100 * 1000 * 1000;
	f.dst_bytes = any(3) ? any(100000) : 0;
	f.dst_packets = any(100);
	f.vlan = (uint16_t)(any(4) ? 0 : 10 + any(3));
	if (any(50) == 0) {
		f.risks = UINT64_C(1) << any(42) | UINT64_C(1) << (1 + any(41));
		f.risk_score = (uint16_t)(any(3) * 50 + 10);
	}
	f.end_reason = (uint8_t)(1 + any(8));
	f.direction = (uint8_t)any(5);
	(void)snprintf(f.proto, sizeof(f.proto), "%s", protos[any(100) ? any(3) : any(6)]);
	(void)snprintf(f.app, sizeof(f.app), "%s", apps[any(5)]);
	(void)snprintf(f.user_agent, sizeof(f.user_agent), "%s", agents[any(5)]);
	make_name(&f);
	if (any(200) == 0)
		(void)snprintf(f.medical, sizeof(f.medical),
			       "{\"device\":{\"model\":\"CT %u\",\"beds\":%u}}",
			       (unsigned)any(3), (unsigned)any(5));
	return f;
}

/* One condition, said in the language and once more in C. */
struct condition {
	char text[300];
	bool (*holds)(const struct flow *f, const struct condition *c);
	bool negate;
	struct cidr range, range2;
	char value[100];
	int64_t lo, hi;
	uint8_t mac[6];
};

static bool side_has(const struct flow *f, const struct cidr *r, unsigned end)
{
	return cidr_has(r, end ? &f->dst : &f->src);
}
static bool host_holds(const struct flow *f, const struct condition *c)
{
	return side_has(f, &c->range, 0) || side_has(f, &c->range, 1);
}
static bool pair_holds(const struct flow *f, const struct condition *c)
{
	return (side_has(f, &c->range, 0) && side_has(f, &c->range2, 1)) ||
	       (side_has(f, &c->range, 1) && side_has(f, &c->range2, 0));
}
static bool not_pair_holds(const struct flow *f, const struct condition *c)
{
	return (side_has(f, &c->range, 0) && !side_has(f, &c->range2, 1)) ||
	       (side_has(f, &c->range, 1) && !side_has(f, &c->range2, 0));
}
static bool mac_holds(const struct flow *f, const struct condition *c)
{
	return memcmp(f->src_mac, c->mac, 6) == 0 || memcmp(f->dst_mac, c->mac, 6) == 0;
}
static bool has_ports(const struct flow *f)
{
	return f->l4 == 6 || f->l4 == 17;
}
static bool port_holds(const struct flow *f, const struct condition *c)
{
	return has_ports(f) && ((f->src_port >= c->lo && f->src_port <= c->hi) ||
				(f->dst_port >= c->lo && f->dst_port <= c->hi));
}
static bool same(const char *a, const char *b)
{
	return str_ieq(str_of(a), str_of(b));
}
static bool app_holds(const struct flow *f, const struct condition *c)
{
	return same(f->app, c->value) || same(f->proto, c->value);
}
static bool proto_holds(const struct flow *f, const struct condition *c)
{
	return (same(c->value, "tcp") && f->l4 == 6) ||
	       (same(c->value, "icmp") && f->l4 == 1) || same(f->proto, c->value);
}
static bool name_holds(const struct flow *f, const struct condition *c)
{
	return same(f->name, c->value);
}
static bool dns_holds(const struct flow *f, const struct condition *c)
{
	return same(f->name, c->value) &&
	       (f->name_kind == FLOW_NAME_DNS || f->name_kind == FLOW_NAME_MDNS ||
		f->name_kind == FLOW_NAME_NETBIOS);
}
static bool within(const char *text, const char *part)
{
	return str_ifind(str_of(text), str_of(part)) >= 0;
}
static bool text_holds(const struct flow *f, const struct condition *c)
{
	return within(f->name, c->value) || within(f->proto, c->value) ||
	       within(f->app, c->value) || within(f->user_agent, c->value) ||
	       within(f->medical, c->value);
}
static bool glob_holds(const struct flow *f, const struct condition *c)
{
	return str_ieq(str_sub(str_of(f->name), 0, 4), STR("host")) &&
	       within(f->name, c->value) && str_ends(str_of(f->name), str_of(c->value));
}
static bool bytes_hold(const struct flow *f, const struct condition *c)
{
	return (int64_t)f->src_bytes > c->lo;
}
static bool total_holds(const struct flow *f, const struct condition *c)
{
	return (int64_t)(f->src_bytes + f->dst_bytes) >= c->lo;
}
static bool duration_holds(const struct flow *f, const struct condition *c)
{
	return f->end_ns - f->start_ns > c->lo;
}
static bool score_holds(const struct flow *f, const struct condition *c)
{
	return f->risk_score >= c->lo;
}
static bool low_score_holds(const struct flow *f, const struct condition *c)
{
	return f->risk_score < c->lo;
}
static bool risk_holds(const struct flow *f, const struct condition *c)
{
	return f->risks >> c->lo & 1;
}
static bool direction_holds(const struct flow *f, const struct condition *c)
{
	return f->direction == c->lo;
}
static bool vlan_holds(const struct flow *f, const struct condition *c)
{
	return f->vlan == c->lo;
}
static bool model_holds(const struct flow *f, const struct condition *c)
{
	return within(f->medical, c->value);
}
static bool beds_hold(const struct flow *f, const struct condition *c)
{
	char text[20];

	(void)snprintf(text, sizeof(text), "\"beds\":%u}", (unsigned)c->lo);
	return within(f->medical, text);
}

static struct cidr some_range(char text[64])
{
	static const unsigned lengths4[] = { 32, 32, 32, 24, 26, 23, 13, 8 },
			      lengths6[] = { 128, 64, 55, 32 };
	struct addr a = any(2) ? internal(any(300)) : external(any(500));
	char addr[ADDR_TEXT_MAX];
	struct cidr c;

	addr_text(&a, addr);
	(void)snprintf(text, 64, "%s/%u", addr,
		       addr_is_v4(&a) ? lengths4[any(8)] : lengths6[any(4)]);
	assert_int_equal(cidr_parse(str_of(text), &c), 0);
	return c;
}

static struct condition some_condition(void)
{
	struct condition c = { .negate = any(5) == 0 };
	char a[64], b[64];
	const char *not = c.negate ? "-" : "";
	uint64_t kind = any(24);

#define SAY(fn, ...)                                                 \
	do {                                                         \
		c.holds = fn;                                        \
		(void)snprintf(c.text, sizeof(c.text), __VA_ARGS__); \
	} while (0)
#define VALUE(...) (void)snprintf(c.value, sizeof(c.value), __VA_ARGS__)
	c.range = some_range(a);
	c.range2 = some_range(b);
	switch (kind) {
	case 0:
	case 1:
	case 2:
		SAY(host_holds, "%shost:%s", not, a);
		break;
	case 3:
		c.negate = false;
		SAY(pair_holds, "host:%s peer:%s", a, b);
		break;
	case 4:
		c.negate = false;
		SAY(not_pair_holds, "host:%s -peer:%s", a, b);
		break;
	case 5:
		c.mac[5] = (uint8_t)any(50);
		SAY(mac_holds, "%shost:00:00:00:00:00:%02x", not, c.mac[5]);
		break;
	case 6:
		c.lo = c.hi = any(2) ? 443 : 104;
		SAY(port_holds, "%sport:%d", not, (int)c.lo);
		break;
	case 7:
		c.lo = 100, c.hi = 100 + (int64_t)any(60000);
		SAY(port_holds, "%sport:%d-%d", not, (int)c.lo, (int)c.hi);
		break;
	case 8:
	case 9:
		VALUE("%s", any(2) ? protos[any(6)] : "YouTube");
		SAY(app_holds, "%sapp:%s", not, c.value);
		break;
	case 10:
		VALUE("%s", any(3) == 0 ? "icmp" : any(2) ? "TCP" : protos[any(6)]);
		SAY(proto_holds, "%sproto:%s", not, c.value);
		break;
	case 11:
	case 12:
		VALUE("HOST%u.hospital.EXAMPLE.jp", (unsigned)any(NAMES));
		SAY(name_holds, "%sname:\"%s\"", not, c.value);
		break;
	case 13:
		VALUE("host%u.example.com", (unsigned)any(NAMES));
		SAY(dns_holds, "%sdns.question.name=%s", not, c.value);
		break;
	case 14:
		VALUE("%s", any(2) ? "hospital" : any(2) ? "host1" : any(2) ? "_100%" : "a_b");
		SAY(text_holds, "%s\"%s\"", not, c.value);
		break;
	case 15:
		VALUE("%s", any(2) ? "1.example.com" : ".net");
		SAY(glob_holds, "%stoms.flow.name:host*%s", not, c.value);
		break;
	case 16:
		c.lo = any(2) ? 100 * 1000 * 1000 : 4500;
		SAY(bytes_hold, "%ssource.bytes>%lld", not, (long long)c.lo);
		break;
	case 17:
		c.lo = any(2) ? 300 * 1000 * 1000 : 100 * 1000;
		SAY(total_holds, "%snetwork.bytes>=%lldKB", not, (long long)c.lo / 1000);
		break;
	case 18:
		c.lo = (int64_t)(1 + any(280)) * NS_PER_S;
		SAY(duration_holds, "%sduration>%llds", not, (long long)(c.lo / NS_PER_S));
		break;
	case 19:
		c.lo = any(2) ? 60 : 10;
		if (any(2))
			SAY(score_holds, "%sscore>=%d", not, (int)c.lo);
		else
			SAY(low_score_holds, "%sevent.risk_score<%d", not, (int)c.lo);
		break;
	case 20:
		c.lo = 5;
		SAY(risk_holds, "%srisk:known_protocol*standard_port", not );
		break;
	case 21:
		c.lo = 3;
		SAY(direction_holds, "%snetwork.direction:inbound", not );
		break;
	case 22:
		c.lo = 11;
		SAY(vlan_holds, "%svlan=11", not );
		break;
	default:
		if (any(2)) {
			VALUE("\"CT 2\"");
			SAY(model_holds, "%stoms.medical.device.model:\"ct 2\"", not );
		} else {
			c.lo = (int64_t)any(5);
			SAY(beds_hold, "%stoms.medical.device.beds=%d", not, (int)c.lo);
		}
	}
	return c;
}

static int64_t key_of(const struct flow *f, enum query_sort sort)
{
	switch (sort) {
	case QUERY_NEWEST:
		return f->end_ns;
	case QUERY_OLDEST:
		return -f->end_ns;
	case QUERY_BYTES:
		return (int64_t)(f->src_bytes + f->dst_bytes);
	case QUERY_RISK:
		return f->risk_score;
	case QUERY_DURATION:
		return f->end_ns - f->start_ns;
	}
	return 0;
}

static enum query_sort sorting;
static int in_order(const void *a, const void *b)
{
	const struct flow *x = *(const struct flow *const *)a,
			  *y = *(const struct flow *const *)b;
	int64_t kx = key_of(x, sorting), ky = key_of(y, sorting);
	int64_t ix = sorting == QUERY_OLDEST ? -x->id : x->id,
		iy = sorting == QUERY_OLDEST ? -y->id : y->id;

	if (kx != ky)
		return kx > ky ? -1 : 1;
	return ix > iy ? -1 : ix < iy;
}

struct list {
	uint64_t *number;
	size_t n;
};

static int take(void *arg, const void *row)
{
	const struct flow *f = row;
	struct list *l = arg;

	assert_true(l->n < ROWS);
	assert_true(f->src_packets >= 1 && f->src_packets <= ROWS);
	l->number[l->n++] = f->src_packets - 1;
	return 0;
}

/* All pages after one another; ms > 0: each gets a deadline, and may come back incomplete. */
static void walk(struct query *q, size_t page, int64_t ms, struct list *got)
{
	struct query_page_info info;
	struct err e = ERR_INIT;
	size_t idle = 0;

	got->n = 0;
	do {
		size_t before = got->n;
		int rc = store_query(st, q, page, ms ? clock_mono_ns() + ms * NS_PER_MS : 0,
				     take, got, &info, &e);

		if (rc)
			fail_msg("query: %s", e.text);
		assert_true(ms || info.complete);
		assert_true(!page || got->n - before <= page);
		assert_true(info.covered_since_ns <= info.covered_until_ns);
		idle = got->n == before ? idle + 1 : 0;
		if (idle > 2000)
			fail_msg("no row and no end after %zu pages", idle);
		memcpy(q->cursor, info.next, sizeof(q->cursor));
	} while (info.more);
	q->cursor[0] = '\0';
}

static size_t expect(const struct query *q, const struct condition *c, size_t n,
		     const struct flow **out)
{
	size_t found = 0;

	for (size_t i = 0; i < ROWS; i++) {
		bool all = rows[i].end_ns >= q->since_ns && rows[i].end_ns < q->until_ns;

		for (size_t k = 0; k < n && all; k++)
			all = c[k].holds(&rows[i], &c[k]) != c[k].negate;
		if (all)
			out[found++] = &rows[i];
	}
	sorting = q->sort;
	qsort(out, found, sizeof(*out), in_order);
	return found;
}

static void compare(const struct query *q, const char *text, const struct flow **want, size_t n,
		    const struct list *got)
{
	if (n != got->n)
		fail_msg("[%s] sort %d: %zu rows, %zu expected", text, q->sort, got->n, n);
	for (size_t i = 0; i < n; i++) {
		if (want[i]->src_packets - 1 != got->number[i])
			fail_msg("[%s] sort %d: row %zu of %zu is number %llu, expected %llu",
				 text, q->sort, i, n, (unsigned long long)got->number[i],
				 (unsigned long long)want[i]->src_packets - 1);
	}
}

static void one_random_query(struct list *got, const struct flow **want)
{
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct condition c[3];
	size_t n = any(4), found, at = 0;
	char text[1000] = "";
	struct err e = ERR_INIT;
	uint64_t counted;
	bool more;

	for (size_t i = 0; i < n; i++) {
		c[i] = some_condition();
		/* each key once: the same key twice has a meaning of its own, tested elsewhere */
		for (size_t k = 0; k < i; k++) {
			if (c[i].holds == c[k].holds ||
			    strncmp(c[i].text + (c[i].text[0] == '-'), "host", 4) == 0)
				n = i;
		}
	}
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, " %.299s", c[i].text);
	if (any(2)) {
		q.since_ns = day0 + (int64_t)any(3 * 86400) * NS_PER_S;
		q.until_ns = q.since_ns + (int64_t)(1 + any(86400)) * NS_PER_S;
	}
	q.sort = (enum query_sort)any(5);
	if (query_parse(&q, str_of(text), &e))
		fail_msg("[%s] %s", text, e.text);
	found = expect(&q, c, n, want);
	walk(&q, any(3) ? found / 7 + 1 + any(50) : 0, 0, got);
	compare(&q, text, want, found, got);
	assert_int_equal(store_count(st, &q, ROWS, 0, &counted, &more, &e), 0);
	if (counted != found || more)
		fail_msg("[%s] counts %llu, expected %zu", text, (unsigned long long)counted,
			 found);
	assert_int_equal(store_count(st, &q, found / 2 + 1, 0, &counted, &more, &e), 0);
	assert_int_equal(counted, found < found / 2 + 1 ? found : found / 2 + 1);
	assert_int_equal(more, found > found / 2 + 1);
}

static void every_row_that_matches_comes_once_and_in_order(void **state)
{
	struct list got = { calloc(ROWS, sizeof(*got.number)), 0 };
	const struct flow **want = calloc(ROWS, sizeof(*want));

	(void)state;
	for (unsigned i = 0; i < QUERIES; i++)
		one_random_query(&got, want);
	free(got.number);
	free(want);
}

static void a_query_that_meets_its_deadline_goes_on_where_it_was(void **state)
{
	static const char *const texts[] = { "-app:tls duration>1ms",
					     "network.community_id:nothing*", "",
					     "host:10.0.0.7" };
	struct list got = { calloc(ROWS, sizeof(*got.number)), 0 },
		    all = { calloc(ROWS, sizeof(*all.number)), 0 };
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		for (unsigned sort = QUERY_NEWEST; sort <= QUERY_OLDEST; sort++) {
			struct query q = { .record = &flow_record,
					   .until_ns = INT64_MAX,
					   .sort = (enum query_sort)sort };

			assert_int_equal(query_parse(&q, str_of(texts[i]), &e), 0);
			walk(&q, 0, 0, &all);
			walk(&q, 1000, 30, &got);
			assert_int_equal(got.n, all.n);
			assert_memory_equal(got.number, all.number,
					    all.n * sizeof(*all.number));
		}
	}
	free(got.number);
	free(all.number);
}

static uint64_t count_of(const char *text)
{
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct err e = ERR_INIT;
	uint64_t n;
	bool more;

	if (query_parse(&q, str_of(text), &e) ||
	    store_count(st, &q, 2 * ROWS, 0, &n, &more, &e))
		fail_msg("[%s] %s", text, e.text);
	return n;
}

static void the_same_key_twice_means_either_and_different_keys_mean_both(void **state)
{
	(void)state;
	assert_int_equal(count_of("vlan:10 vlan:11"),
			 count_of("vlan:10") + count_of("vlan:11"));
	assert_int_equal(count_of("vlan:10 vlan:11 vlan:12"), count_of("vlan>0"));
	assert_int_equal(count_of("vlan:10 proto:tcp") + count_of("vlan:10 -proto:tcp"),
			 count_of("vlan:10"));
	assert_int_equal(count_of("-vlan:10 -vlan:11"),
			 count_of("") - count_of("vlan:10") - count_of("vlan:11"));
	assert_int_equal(count_of("vlan!=10"), count_of("-vlan:10"));
	assert_int_equal(count_of("vlan>=11 vlan<=12"), count_of("vlan:11-12"));
	assert_int_equal(count_of("host:10.0.0.1 host:10.0.0.2 peer:10.0.0.3"),
			 count_of("host:10.0.0.1 peer:10.0.0.3") +
				 count_of("host:10.0.0.2 peer:10.0.0.3"));
	assert_int_equal(count_of("10.0.0.0/8"), count_of("host:10.0.0.0/8"));
	assert_int_equal(count_of("user_agent:*"), count_of("user_agent.original:*"));
	assert_int_equal(count_of("user_agent:*") + count_of("-user_agent:*"), ROWS);
}

static void a_host_is_found_by_its_name_too(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		n += same(rows[i].name, "host1.hospital.example.jp");
	assert_int_equal(count_of("host:HOST1.hospital.example.jp"), n);
	assert_true(n > 0);
}

static void wrong_filters_say_what_to_write(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "source.bytes>abc", "not a size" },
		{ "port:https", "not a number" },
		{ "source.ip:10.0.0", "not an address" },
		{ "nonsense:1", "no such field" },
		{ "action:deny", "no such field" },
		{ "network.direction:sideways", "inbound" },
		{ "duration>soon", "not a duration" },
		{ "event.start>yesterday-ish", "not a time" },
		{ "app>tls", "compared" },
		{ "mac:zz", "not a MAC" },
		{ "network.transport:carrier-pigeon", "no such transport" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
		struct err e = ERR_INIT;
		uint64_t n;
		bool more;

		assert_int_equal(query_parse(&q, str_of(cases[i].text), &e), 0);
		if (store_count(st, &q, 10, 0, &n, &more, &e) != -ERR_INVALID)
			fail_msg("[%s] is taken", cases[i].text);
		if (!strstr(e.text, cases[i].words))
			fail_msg("[%s] says only: %s", cases[i].text, e.text);
	}
}

static int nothing(void *arg, const void *row)
{
	(void)arg;
	(void)row;
	return 0;
}

static void a_cursor_that_was_touched_is_refused(void **state)
{
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX }, other;
	struct query_page_info info;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(store_query(st, &q, 10, 0, nothing, NULL, &info, &e), 0);
	assert_true(info.more && info.next[0]);
	for (size_t i = 0; info.next[i]; i++) {
		memcpy(q.cursor, info.next, sizeof(q.cursor));
		q.cursor[i] = q.cursor[i] == 'A' ? 'B' : 'A';
		assert_int_equal(store_query(st, &q, 10, 0, nothing, NULL,
					     &(struct query_page_info){ 0 }, &e),
				 -ERR_INVALID);
		q.cursor[i] = '\0';
		if (i)
			assert_int_equal(store_query(st, &q, 10, 0, nothing, NULL,
						     &(struct query_page_info){ 0 }, &e),
					 -ERR_INVALID);
	}
	/* of another query: other words, another order */
	memcpy(q.cursor, info.next, sizeof(q.cursor));
	other = q;
	assert_int_equal(query_parse(&other, STR("app:tls"), &e), 0);
	assert_int_equal(store_query(st, &other, 10, 0, nothing, NULL, &info, &e),
			 -ERR_INVALID);
	other = q;
	other.sort = QUERY_BYTES;
	assert_int_equal(store_query(st, &other, 10, 0, nothing, NULL, &info, &e),
			 -ERR_INVALID);
	/* "-24h" moves between two pages: the range of the first one stays */
	other = q;
	other.since_ns = 12345;
	assert_int_equal(store_query(st, &other, 10, 0, nothing, NULL, &info, &e), 0);
}

static void rows_that_come_after_the_first_page_are_not_on_later_ones(void **state)
{
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX, .sort = QUERY_BYTES };
	struct query_page_info info;
	struct err e = ERR_INIT;
	struct flow late = make_row(ROWS - 1);
	uint64_t before = count_of("");

	(void)state;
	assert_int_equal(store_query(st, &q, ROWS / 2, 0, nothing, NULL, &info, &e), 0);
	late.src_bytes = late.dst_bytes = 0;
	late.src_packets = ROWS + 1; /* take() would refuse it */
	assert_int_equal(store_put(st, &flow_record, &late), 0);
	assert_int_equal(store_flush(st, 10000, &e), 0);
	assert_int_equal(count_of(""), before + 1);
	struct list got = { calloc(ROWS, sizeof(*got.number)), 0 };

	memcpy(q.cursor, info.next, sizeof(q.cursor));
	walk(&q, 10000, 0, &got);
	assert_int_equal(got.n, ROWS - ROWS / 2);
	free(got.number);
}

static void minutes_of_capture_are_found_as_well(void **state)
{
	struct query q = { .record = &capture_minute_record, .until_ns = INT64_MAX };
	struct err e = ERR_INIT;
	uint64_t n;
	bool more;

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		struct capture_minute m = { .at_ns = day0 + i * 60 * NS_PER_S,
					    .packets = (uint64_t)i,
					    .kernel_drops = i % 10 == 0 };

		(void)snprintf(m.interface, sizeof(m.interface), "eth%d", (int)(i % 2));
		assert_int_equal(store_put(st, &capture_minute_record, &m), 0);
	}
	assert_int_equal(store_flush(st, 10000, &e), 0);
	assert_int_equal(query_parse(&q, STR("interface:eth0 kernel_drops>0"), &e), 0);
	assert_int_equal(store_count(st, &q, 1000, 0, &n, &more, &e), 0);
	assert_int_equal(n, 10);
	q.sort = QUERY_RISK;
	assert_int_equal(store_query(st, &q, 10, 0, nothing, NULL,
				     &(struct query_page_info){ 0 }, &e),
			 -ERR_INVALID);
}

static int by_number(void *arg, const void *row)
{
	const struct flow *f = row;
	size_t *seen = arg;

	(*seen)++;
	assert_int_equal(rows[f->src_packets - 1].id, 0);
	rows[f->src_packets - 1].id = f->id;
	/* what was put is what comes back */
	struct flow want = rows[f->src_packets - 1];

	want.id = f->id;
	assert_memory_equal(&want, f, sizeof(want));
	return 0;
}

static int fill(void **state)
{
	struct store_conf conf = { .path = dir };
	struct err e = ERR_INIT;
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	size_t seen = 0;

	(void)state;
	if (!mkdtemp(dir) || store_open(&st, &conf, &e) || store_start(st, &e))
		return -1;
	rows = calloc(ROWS, sizeof(*rows));
	for (uint64_t i = 0; i < ROWS; i++)
		rows[i] = make_row(i);
	for (size_t i = 0; i < ROWS; i += 1000) {
		if (store_put_many(st, &flow_record, rows + i, 1000))
			return -1;
	}
	if (store_flush(st, 60000, &e) ||
	    store_query(st, &q, 0, 0, by_number, &seen, &info, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	return seen == ROWS ? 0 : -1;
}

static int clear(void **state)
{
	char command[200];

	(void)state;
	store_stop(st);
	store_free(st);
	free(rows);
	(void)snprintf(command, sizeof(command), "%s/tomsd.db", dir);
	(void)unlink(command);
	(void)snprintf(command, sizeof(command), "%s/tomsd.db-wal", dir);
	(void)unlink(command);
	(void)snprintf(command, sizeof(command), "%s/tomsd.db-shm", dir);
	(void)unlink(command);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_that_matches_comes_once_and_in_order),
		cmocka_unit_test(a_query_that_meets_its_deadline_goes_on_where_it_was),
		cmocka_unit_test(the_same_key_twice_means_either_and_different_keys_mean_both),
		cmocka_unit_test(a_host_is_found_by_its_name_too),
		cmocka_unit_test(wrong_filters_say_what_to_write),
		cmocka_unit_test(a_cursor_that_was_touched_is_refused),
		cmocka_unit_test(minutes_of_capture_are_found_as_well),
		cmocka_unit_test(rows_that_come_after_the_first_page_are_not_on_later_ones),
	};

	return cmocka_run_group_tests(tests, fill, clear);
}
