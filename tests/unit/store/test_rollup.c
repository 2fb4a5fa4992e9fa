/* Roll-ups agree with the rows they count, through late rows, closed hours and closed days. */
#include "tiny.h"

#include "../../../src/store/layout.h"
#include "../../../src/store/rollup.h"
#include "../../../src/store/sqlite.h"
#include "../../tools/gen_flows.h"

#define HOUR_NS (3600 * NS_PER_S)

static struct flow conversation(int64_t start_ns, int64_t end_ns, uint64_t out, uint64_t in)
{
	struct flow f;
	memset(&f, 0, sizeof(f));
	f.start_ns = f.flow_start_ns = start_ns;
	f.end_ns = end_ns;
	f.src = addr_v4(0x0a000001u);
	f.dst = addr_v4(0x08080808u);
	f.src_bytes = out;
	f.dst_bytes = in;
	f.src_packets = 3;
	f.dst_packets = 4;
	f.direction = FLOW_DIR_OUTBOUND;
	(void)snprintf(f.proto, sizeof(f.proto), "tls");
	return f;
}

/* Sum of a column of a roll-up over one dimension. */
static int64_t sum_of(struct box *b, const char *table, int dim, const char *what)
{
	char text[200];
	(void)snprintf(text, sizeof(text), "SELECT sum(%s) FROM %s WHERE dim=%d", what, table,
		       dim);
	return box_number(b, text);
}

static void a_row_is_spread_over_its_minutes_without_losing_a_byte(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	struct flow f = conversation(tiny_noon_ns + 30 * NS_PER_S,
				     tiny_noon_ns + 150 * NS_PER_S, 1201, 7);
	box_put(&b, &flow_record, &f);
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM rollup_minute WHERE dim=0"), 3);
	assert_int_equal(sum_of(&b, "rollup_minute", 0, "bytes_out"), 1201);
	assert_int_equal(sum_of(&b, "rollup_minute", 0, "bytes_in"), 7);
	assert_int_equal(sum_of(&b, "rollup_minute", 0, "packets"), 7);
	assert_int_equal(sum_of(&b, "rollup_minute", 0, "flows"), 1);
	assert_int_equal(
		box_number(
			&b,
			"SELECT bytes_out FROM rollup_minute WHERE dim=2 AND key='tls' ORDER BY at"),
		300);
	assert_int_equal(
		box_number(&b, "SELECT flows FROM rollup_minute WHERE dim=0 ORDER BY at"), 1);
	box_free(&b);
}

static void a_later_slice_of_a_conversation_is_not_counted_as_another_one(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	struct flow f = conversation(tiny_noon_ns, tiny_noon_ns + 299 * NS_PER_S, 100, 100);
	box_put(&b, &flow_record, &f);
	f.start_ns = tiny_noon_ns + 300 * NS_PER_S;
	f.end_ns = tiny_noon_ns + 400 * NS_PER_S;
	box_put(&b, &flow_record, &f);
	box_flush(&b);
	assert_int_equal(sum_of(&b, "rollup_hour", 0, "flows"), 1);
	assert_int_equal(sum_of(&b, "rollup_hour", 3, "bytes_out"), 200);
	box_free(&b);
}

static void hosts_are_counted_from_their_own_side(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	struct flow f = conversation(tiny_noon_ns, tiny_noon_ns + 1, 100, 900);
	f.src = addr_v4(0x08080808u);
	f.dst = addr_v4(0x0a000001u);
	f.direction = FLOW_DIR_INBOUND;
	box_put(&b, &flow_record, &f);
	f.src = addr_v4(0x0a000002u);
	f.direction = FLOW_DIR_INTERNAL;
	box_put(&b, &flow_record, &f);
	box_flush(&b);
	assert_int_equal(
		box_number(&b,
			   "SELECT bytes_out FROM rollup_hour WHERE dim=3 AND key=167772161"),
		1800);
	assert_int_equal(
		box_number(&b,
			   "SELECT bytes_in FROM rollup_hour WHERE dim=3 AND key=167772161"),
		200);
	assert_int_equal(
		box_number(&b,
			   "SELECT bytes_out FROM rollup_hour WHERE dim=3 AND key=167772162"),
		100);
	assert_int_equal(box_number(&b, "SELECT bytes_out FROM rollup_hour WHERE dim=4"), 900);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM rollup_hour WHERE dim=4"), 1);
	box_free(&b);
}

/* Sums of rows and of every roll-up of a made-up hospital. */
static void agree(struct box *b, int64_t rows)
{
	assert_int_equal(box_number(b, "SELECT sum(rows) FROM part WHERE record='flow'"), rows);
	int64_t out = box_number(b, "SELECT sum(src_bytes) FROM flow_20261122");
	for (int dim = 0; dim <= 2; dim++) {
		assert_int_equal(sum_of(b, "rollup_minute", dim, "bytes_out"), out);
		assert_int_equal(sum_of(b, "rollup_hour", dim, "bytes_out"), out);
		assert_int_equal(sum_of(b, "rollup_hour", dim, "flows"), rows);
	}
	int64_t host = sum_of(b, "rollup_hour", 3, "bytes_out+bytes_in");
	int64_t internal = box_number(
		b, "SELECT sum(src_bytes+dst_bytes) FROM flow_20261122 WHERE direction=1");
	int64_t other = box_number(
		b, "SELECT sum(src_bytes+dst_bytes) FROM flow_20261122 WHERE direction<>1");
	assert_int_equal(host, 2 * internal + other);
	assert_int_equal(sum_of(b, "rollup_hour", 4, "bytes_out+bytes_in"), other);
}

static void put_hospital(struct box *b, struct gen_flows *g, int64_t n)
{
	static struct flow f;
	for (int64_t i = 0; i < n; i++) {
		gen_flow(g, &f);
		box_put(b, &flow_record, &f);
	}
	box_flush(b);
}

static void roll_ups_agree_with_the_rows(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	struct gen_flows g = { 5, tiny_noon_ns, 200 * NS_PER_MS };
	put_hospital(&b, &g, 20000);
	agree(&b, 20000);
	box_again(&b);
	put_hospital(&b, &g, 5000);
	agree(&b, 25000);
	box_free(&b);
}

static int tidy_all(struct sql *db, struct rollup *ru, int64_t now_ns)
{
	struct err e = ERR_INIT;
	int n = 0, rc;
	while ((rc = rollup_tidy(ru, db, now_ns, &e)) > 0)
		n++;
	if (rc)
		fail_msg("%s", e.text);
	return n;
}

/* The roll-up's own functions on a writer's connection, with the clock in our hand. */
static void closed_hours_and_days_keep_the_sums(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	struct sql *db;
	struct rollup ru;
	struct flow f;
	char file[128];
	box_new(&b);
	box_open(&b);
	box_close(&b);
	(void)snprintf(file, sizeof(file), "%s/tomsd.db", b.path);
	assert_int_equal(sql_open(&db, file, SQL_WRITER, &e), 0);
	assert_int_equal(rollup_init(&ru, db, &e), 0);
	struct gen_flows g = { 7, tiny_noon_ns, 200 * NS_PER_MS };
	for (int i = 0; i < 40000; i++) { /* 2.2 hours, 20,000 peers */
		gen_flow(&g, &f);
		assert_int_equal(rollup_add(&ru, db, &f, &e), 0);
	}
	assert_int_equal(rollup_flush(&ru, db, &e), 0);
	int64_t before, after, keys;
	static const char sum[] = "SELECT sum(bytes_out) FROM rollup_hour WHERE dim=4";
	assert_int_equal(sql_number(db, sum, 0, &before, &e), 0);
	assert_true(tidy_all(db, &ru, tiny_noon_ns + 5 * HOUR_NS) >= 2);
	assert_int_equal(sql_number(db, sum, 0, &after, &e), 0);
	assert_int_equal(before, after);
	assert_int_equal(
		sql_number(
			db,
			"SELECT max(n) FROM (SELECT count(*) n FROM rollup_hour WHERE dim=4 GROUP BY at)",
			0, &keys, &e),
		0);
	assert_int_equal(keys, ROLLUP_HOUR_PEERS + 1);
	/* the day is over */
	int32_t closed = 0;
	assert_int_equal(tidy_all(db, &ru, tiny_noon_ns + 15 * HOUR_NS) > 0, true);
	assert_int_equal(rollup_closed_day(db, &closed, &e), 0);
	assert_int_equal(closed, 20261122);
	static const char differ[] =
		"SELECT count(*) FROM (SELECT dim,sum(flows) f,sum(packets) p,sum(bytes_out) o,sum(bytes_in) i FROM "
		"rollup_hour GROUP BY dim EXCEPT SELECT dim,sum(flows),sum(packets),sum(bytes_out),sum(bytes_in) FROM "
		"rollup_day GROUP BY dim)";
	assert_int_equal(sql_number(db, differ, -1, &keys, &e), 0);
	assert_int_equal(keys, 0);
	/* a late row of the closed day goes to all three */
	f = conversation(tiny_noon_ns, tiny_noon_ns + 1, 1000, 1);
	assert_int_equal(rollup_add(&ru, db, &f, &e), 0);
	assert_int_equal(rollup_flush(&ru, db, &e), 0);
	assert_int_equal(sql_number(db, differ, -1, &keys, &e), 0);
	assert_int_equal(keys, 0);
	assert_int_equal(tidy_all(db, &ru, tiny_noon_ns + 15 * HOUR_NS), 0);
	/* an import into hours that were cut already: cut again when it is quiet */
	for (uint32_t i = 0; i < 3000; i++) {
		f = conversation(tiny_noon_ns, tiny_noon_ns + 1, 1000, 1);
		f.dst = addr_v4(0x40000000u + i);
		assert_int_equal(rollup_add(&ru, db, &f, &e), 0);
	}
	assert_int_equal(rollup_flush(&ru, db, &e), 0);
	assert_int_equal(tidy_all(db, &ru, tiny_noon_ns + 15 * HOUR_NS), 0);
	ru.late_mono_ns = 0;
	assert_true(tidy_all(db, &ru, tiny_noon_ns + 15 * HOUR_NS) >= 1);
	assert_int_equal(
		sql_number(
			db,
			"SELECT max(n) FROM (SELECT count(*) n FROM rollup_hour WHERE dim=4 GROUP BY at)",
			0, &keys, &e),
		0);
	assert_int_equal(keys, ROLLUP_HOUR_PEERS + 1);
	assert_int_equal(
		sql_number(db,
			   "SELECT max(n) FROM (SELECT count(*) n FROM rollup_day GROUP BY dim)",
			   0, &keys, &e),
		0);
	assert_in_range(keys, 1, ROLLUP_DAY_KEYS + 1);
	assert_int_equal(sql_number(db, differ, -1, &keys, &e), 0);
	assert_int_equal(keys, 0);
	while ((keys = rollup_drop_before(db, tiny_noon_ns + 30 * HOUR_NS, &e)) > 0)
		;
	assert_int_equal(keys, 0);
	assert_int_equal(sql_number(db, "SELECT count(*) FROM rollup_hour", -1, &keys, &e), 0);
	assert_int_equal(keys, 0);
	rollup_fini(&ru);
	sql_close(db);
	box_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_spread_over_its_minutes_without_losing_a_byte),
		cmocka_unit_test(a_later_slice_of_a_conversation_is_not_counted_as_another_one),
		cmocka_unit_test(hosts_are_counted_from_their_own_side),
		cmocka_unit_test(roll_ups_agree_with_the_rows),
		cmocka_unit_test(closed_hours_and_days_keep_the_sums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
