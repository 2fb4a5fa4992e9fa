/* The token index against the rows themselves: nothing missed, nothing that is not there. */
#include "tiny.h"

#include "../../../src/store/index.h"
#include "../../../src/store/sqlite.h"

enum { ROWS = 40000 }; /* two full buckets and an open end */

static void put_all(struct box *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct tiny t = tiny_row(tiny_noon_ns + i * 10 * NS_PER_MS, i);
		box_put(b, &tiny_record, &t);
	}
	box_flush(b);
}

/* Rows found by a token over all buckets that satisfy the SQL condition; *false_ones: those
 * that do not. */
static int64_t found(struct box *b, uint32_t token, const char *condition, int64_t *candidates)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *zone, *row;
	uint16_t *at = malloc(STORE_BUCKET_ROWS * sizeof(*at));
	struct bucket_ids *ids = malloc(sizeof(*ids));
	char text[300];
	int64_t n = 0;
	*candidates = 0;
	(void)snprintf(text, sizeof(text), "SELECT 1 FROM tiny_20261122 WHERE id=? AND %s",
		       condition);
	assert_int_equal(store_read_begin(b->st, 0, &db, &e), 0);
	assert_int_equal(
		sql_prepare(db, "SELECT bucket,runs FROM tiny_20261122_zone", &zone, &e), 0);
	assert_int_equal(sql_prepare(db, text, &row, &e), 0);
	while (stmt_step(zone, &e) > 0) {
		assert_int_equal(bucket_ids_decode(stmt_col_blob(zone, 1), ids), 0);
		int k = tok_find(db, "tiny_20261122", stmt_col_i64(zone, 0), token, at, &e);
		assert_true(k >= 0);
		*candidates += k;
		for (int i = 0; i < k; i++) {
			if (i)
				assert_true(at[i] > at[i - 1]);
			int64_t id = bucket_ids_at(ids, at[i]);
			assert_int_equal(bucket_ids_from(ids, id), at[i]);
			stmt_done(row);
			assert_int_equal(sql_prepare(db, text, &row, &e), 0);
			stmt_i64(row, 1, id);
			n += stmt_step(row, &e);
		}
	}
	stmt_done(zone);
	stmt_done(row);
	store_read_end(b->st, db);
	free(at);
	free(ids);
	return n;
}

static void agrees(struct box *b, uint32_t token, const char *condition)
{
	char text[300];
	int64_t candidates;
	(void)snprintf(
		text, sizeof(text),
		"SELECT count(*) FROM tiny_20261122 WHERE id<=(SELECT indexed_id FROM part) AND %s",
		condition);
	int64_t want = box_number(b, text), have = found(b, token, condition, &candidates);
	assert_true(want > 0);
	assert_int_equal(have, want);
	assert_true(candidates <= want + 2); /* another value with the same hash is rare */
}

static void check_all(struct box *b)
{
	uint64_t seed = store_token_seed(b->st);
	struct addr a = addr_v4(0x0a000005u);
	uint8_t mac[6] = { 0, 0, 0, 0, 0, 3 };
	agrees(b, token_host(seed, &a), "who=167772165");
	agrees(b, token_net(seed, &a), "who BETWEEN 167772160 AND 167772415");
	agrees(b, token_mac(seed, mac), "mac=3");
	agrees(b, token_port(seed, 443), "dst_port=443");
	agrees(b, token_text(seed, record_col(&tiny_record, "name"), STR("HOST7.EXAMPLE.JP")),
	       "name=(SELECT id FROM tiny_20261122_text WHERE s='Host7.example.jp')");
}

static void the_index_finds_exactly_the_rows_with_a_value(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_all(&b, ROWS);
	assert_int_equal(box_number(&b, "SELECT buckets FROM part"), 2);
	assert_int_equal(
		box_number(
			&b,
			"SELECT count(*) FROM tiny_20261122 WHERE id>(SELECT indexed_id FROM part)"),
		ROWS - 2 * STORE_BUCKET_ROWS);
	check_all(&b);
	box_check_integrity(&b);
	box_free(&b);
}

static void the_open_end_of_the_index_is_read_again_after_a_restart(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (uint32_t i = 0; i < ROWS; i++) {
		struct tiny t = tiny_row(tiny_noon_ns + i * 10 * NS_PER_MS, i);
		box_put(&b, &tiny_record, &t);
		if (i % 9000 == 8999) {
			box_flush(&b);
			box_again(&b);
		}
	}
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT buckets FROM part"), 2);
	assert_int_equal(box_number(&b, "SELECT sum(rows) FROM tiny_20261122_zone"),
			 2 * STORE_BUCKET_ROWS);
	check_all(&b);
	box_free(&b);
}

static void values_that_are_unknown_have_no_token(void **state)
{
	(void)state;
	struct box b;
	int64_t candidates;
	struct addr none = { { 0 } };
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (uint32_t i = 0; i < STORE_BUCKET_ROWS; i++) {
		struct tiny t = { .at_ns = tiny_noon_ns };
		box_put(&b, &tiny_record, &t);
	}
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122_zone"), 1);
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122_tok"), 0);
	assert_int_equal(found(&b, token_host(store_token_seed(b.st), &none), "1", &candidates),
			 0);
	box_free(&b);
}

static void zones_know_the_largest_rows_of_their_bucket(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	struct sql *db;
	struct stmt *s, *r;
	struct zone_top top[STORE_ZONE_TOP];
	box_new(&b);
	box_open(&b);
	box_start(&b);
	put_all(&b, STORE_BUCKET_ROWS);
	assert_int_equal(store_read_begin(b.st, 0, &db, &e), 0);
	assert_int_equal(
		sql_prepare(db,
			    "SELECT top_bytes,max_bytes,min_ns,max_ns FROM tiny_20261122_zone",
			    &s, &e),
		0);
	assert_int_equal(stmt_step(s, &e), 1);
	assert_int_equal(zone_top_decode(stmt_col_blob(s, 0), top), STORE_ZONE_TOP);
	assert_int_equal((int64_t)top[0].value, stmt_col_i64(s, 1));
	assert_int_equal(stmt_col_i64(s, 2), tiny_noon_ns);
	assert_int_equal(stmt_col_i64(s, 3),
			 tiny_noon_ns + (STORE_BUCKET_ROWS - 1) * 10 * NS_PER_MS);
	stmt_done(s);
	assert_int_equal(
		sql_prepare(db,
			    "SELECT bytes,row_number()OVER(ORDER BY id)-1 FROM tiny_20261122"
			    " ORDER BY bytes DESC,id DESC LIMIT 64",
			    &r, &e),
		0);
	for (size_t i = 0; i < STORE_ZONE_TOP; i++) {
		assert_int_equal(stmt_step(r, &e), 1);
		assert_int_equal(top[i].value, stmt_col_i64(r, 0));
		assert_int_equal(top[i].ordinal, stmt_col_i64(r, 1));
	}
	stmt_done(r);
	store_read_end(b.st, db);
	box_free(&b);
}

/* Tokens of some rows: the mask of the contents has exactly the buckets that tok_find finds
 * them in. */
static void masks_agree(struct box *b, int64_t buckets, int64_t covered)
{
	struct err e = ERR_INIT;
	struct sql *db;
	uint16_t *at = malloc(STORE_BUCKET_ROWS * sizeof(*at));
	uint64_t seed = store_token_seed(b->st);
	assert_int_equal(store_read_begin(b->st, 0, &db, &e), 0);
	assert_int_equal(chapter_exist(db, "tiny_20261122", &e), 1);
	for (uint32_t i = 0; i < 1200; i++) {
		struct addr a = addr_v4(0x0a000000u + i);
		uint32_t token = i < 1100 ? token_host(seed, &a) :
					    token_port(seed, (uint16_t)(i * 37));
		uint64_t mask = 0;
		assert_int_equal(chapter_masks(db, "tiny_20261122", buckets, token, &mask, &e),
				 0);
		for (int64_t n = 0; n < 64; n++) {
			int k = tok_find(db, "tiny_20261122", n, token, at, &e);
			assert_int_equal(mask >> n & 1, n >= covered || k > 0);
		}
	}
	store_read_end(b->st, db);
	free(at);
}

/* Writes the chapter as the store thread would, over so many buckets. */
static void write_chapter(struct box *b, int64_t buckets, int64_t want_full)
{
	struct err e = ERR_INIT;
	struct sql *db;
	char file[128];
	int64_t full;
	(void)snprintf(file, sizeof(file), "%s/tomsd.db", b->path);
	assert_int_equal(sql_open(&db, file, SQL_WRITER, &e), 0);
	assert_int_equal(chapter_write(db, "tiny_20261122", false, 0, buckets, &e), 0);
	assert_int_equal(chapter_count(db, "tiny_20261122", &full, &e), 0);
	assert_int_equal(full, want_full);
	sql_close(db);
}

static void the_contents_say_which_buckets_have_a_token(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (uint32_t i = 0; i < 5 * STORE_BUCKET_ROWS; i++) { /* hosts come and go */
		struct tiny t =
			tiny_row(tiny_noon_ns + i * NS_PER_MS, i % 300 + i / 20000 * 200);
		box_put(&b, &tiny_record, &t);
	}
	box_flush(&b);
	assert_int_equal(box_number(&b, "SELECT buckets FROM part"), 5);
	struct query q = { .record = &tiny_record, .until_ns = INT64_MAX };
	uint64_t before, after;
	bool more;
	assert_int_equal(query_parse(&q, STR("source.ip:10.0.0.20"), &e), 0);
	assert_int_equal(store_count(b.st, &q, 1000000, 0, &before, &more, &e), 0);
	box_close(&b);
	box_open(&b);
	masks_agree(&b, 5, 0); /* none yet: everything may be anywhere */
	box_close(&b);
	write_chapter(&b, 3, 0);
	box_open(&b);
	masks_agree(&b, 5, 3);
	assert_int_equal(store_count(b.st, &q, 1000000, 0, &after, &more, &e), 0);
	assert_int_equal(before, after);
	box_close(&b);
	write_chapter(&b, 5, 0); /* again, when there are more */
	box_open(&b);
	masks_agree(&b, 5, 5);
	assert_int_equal(store_count(b.st, &q, 1000000, 0, &after, &more, &e), 0);
	assert_int_equal(before, after);
	box_check_integrity(&b);
	box_free(&b);
}

static void damaged_lists_are_refused(void **state)
{
	(void)state;
	struct bucket_ids *ids = malloc(sizeof(*ids));
	struct zone_top top[STORE_ZONE_TOP];
	static const char long_run[] = "\x01\xff\xff\x7f";
	assert_int_equal(bucket_ids_decode(STR(long_run), ids), -ERR_CORRUPT);
	assert_int_equal(bucket_ids_decode(STR("\x01"), ids), -ERR_CORRUPT);
	assert_int_equal(
		bucket_ids_decode(STR("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x01"), ids),
		-ERR_CORRUPT);
	assert_int_equal(zone_top_decode(STR("123"), top), -ERR_CORRUPT);
	assert_int_equal(zone_top_decode(STR("12345678\xff\xff"), top), -ERR_CORRUPT);
	free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_finds_exactly_the_rows_with_a_value),
		cmocka_unit_test(the_open_end_of_the_index_is_read_again_after_a_restart),
		cmocka_unit_test(values_that_are_unknown_have_no_token),
		cmocka_unit_test(zones_know_the_largest_rows_of_their_bucket),
		cmocka_unit_test(the_contents_say_which_buckets_have_a_token),
		cmocka_unit_test(damaged_lists_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
