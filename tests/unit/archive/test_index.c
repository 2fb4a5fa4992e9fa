/* The index of archive objects: lists of words, volumes, row groups; and what damage does to it. */
#include "cold.h"

#include "../../../src/archive/index_ask.h"
#include "../../../src/archive/words.h"

static uint32_t random_word(struct gen_flows *g)
{
	uint32_t w = (uint32_t)gen_next(g);
	return gen_next(g) % 4 ? w : w & 0xff0000ff; /* some close together */
}

static int by_word(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static size_t sorted_words(struct gen_flows *g, uint32_t *out, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		out[i] = random_word(g);
	qsort(out, n, sizeof(*out), by_word);
	for (size_t i = 0; i < n; i++)
		if (!kept || out[kept - 1] != out[i])
			out[kept++] = out[i];
	return kept;
}

static void a_list_of_words_comes_back(void **state)
{
	(void)state;
	struct gen_flows g = { 1, 0, 0 };
	static uint32_t words[5000];
	for (size_t round = 0; round < 40; round++) {
		struct buf b;
		buf_init(&b, 1 << 20);
		size_t n = sorted_words(&g, words, round * 120);
		if (round == 3)
			words[0] = 0;
		for (size_t i = 0; i < n; i++)
			words_put(&b, words[i], i ? words[i - 1] : 0);
		struct words_in in = words_in(buf_view(&b));
		for (size_t i = 0; i < n; i++) {
			assert_true(words_next(&in));
			assert_int_equal(in.word, words[i]);
		}
		assert_false(words_next(&in));
		assert_false(in.damaged);
		buf_fini(&b);
	}
}

static struct places random_places(struct gen_flows *g)
{
	struct places p = { { 0 } };
	for (unsigned n = 1 + (unsigned)(gen_next(g) % (gen_next(g) % 2 ? 5 : 200)); n; n--)
		places_add(&p, (unsigned)(gen_next(g) % WORDS_PLACES));
	return p;
}

enum { SHARD_WORDS = 400 };
struct shard {
	uint32_t low[SHARD_WORDS];
	struct places at[SHARD_WORDS];
	size_t n;
	struct buf b;
};

static void make_shard(struct shard *s, uint64_t seed)
{
	struct gen_flows g = { seed, 0, 0 };
	s->n = sorted_words(&g, s->low, SHARD_WORDS);
	for (size_t i = 0; i < s->n; i++)
		s->low[i] &= 0xffffff;
	qsort(s->low, s->n, sizeof(*s->low), by_word);
	size_t kept = 0;
	for (size_t i = 0; i < s->n; i++)
		if (!kept || s->low[kept - 1] != s->low[i])
			s->low[kept++] = s->low[i];
	s->n = kept;
	buf_init(&s->b, 1 << 20);
	for (size_t i = 0; i < s->n; i++) {
		s->at[i] = random_places(&g);
		shard_put(&s->b, s->low[i], i ? s->low[i - 1] : 0, &s->at[i]);
	}
}

static void a_shard_says_which_objects_have_a_word(void **state)
{
	(void)state;
	static struct shard s;
	make_shard(&s, 3);
	for (size_t i = 0; i < s.n; i += 7) {
		/* one that is there, between two that may not be */
		uint32_t wanted[3] = { s.low[i] ? s.low[i] - 1 : 0, s.low[i], s.low[i] + 1 };
		struct places at[3] = { { { 0 } } };
		assert_int_equal(shard_find(buf_view(&s.b), wanted, 3, at), 0);
		assert_memory_equal(&at[1], &s.at[i], sizeof(at[1]));
	}
	buf_fini(&s.b);
}

static void damaged_bytes_end_in_an_error_and_never_behind_them(void **state)
{
	(void)state;
	static struct shard s;
	struct gen_flows g = { 5, 0, 0 };
	make_shard(&s, 4);
	for (size_t n = 0; n <= s.b.n; n++) { /* every prefix, in memory of its own size */
		char *copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, s.b.p, n);
		struct places at[1] = { { { 0 } } };
		const uint32_t none[1] = { 0xffffff };
		int rc = shard_find(str_n(copy, n), none, 1, at);
		assert_true(rc == 0 || rc == -ERR_CORRUPT);
		struct words_in in = words_in(str_n(copy, n));
		while (words_next(&in))
			;
		free(copy);
	}
	for (unsigned i = 0; i < 20000; i++) {
		size_t off = gen_next(&g) % s.b.n;
		char was = s.b.p[off];
		struct places at[2] = { { { 0 } } };
		const uint32_t wanted[2] = { 5000, 0xffffff };
		s.b.p[off] = (char)gen_next(&g);
		int rc = shard_find(buf_view(&s.b), wanted, 2, at);
		assert_true(rc == 0 || rc == -ERR_CORRUPT);
		struct words_in in = words_in(buf_view(&s.b));
		while (words_next(&in))
			;
		s.b.p[off] = was;
	}
	buf_fini(&s.b);
}

/* ---- In the store. ---- */

static struct cold_box box;

static int setup(void **state)
{
	(void)state;
	cold_open(&box, 50);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	box_free(&box.b);
	return 0;
}

/* Objects that may have one of these words; -1: all. */
static int64_t asked(const char *record, const uint32_t *words, size_t n, int64_t only)
{
	struct err e = ERR_INIT;
	struct sql *db;
	struct index_may may;
	static struct word_groups w;
	w = (struct word_groups){ .n_words = n, .n_groups = 1, .group[0] = { 0, (uint16_t)n } };
	memcpy(w.word, words, n * sizeof(*words));
	if (store_read_begin(box.b.st, 0, &db, &e) || index_ask(&may, db, record, &w, 0, INT64_MAX, &e))
		fail_msg("%s", e.text);
	store_read_end(box.b.st, db);
	int64_t found = only ? index_may_hold(&may, only) : may.all ? -1 : (int64_t)may.objects.n;
	index_may_fini(&may);
	return found;
}

static int do_exec(struct sql *db, void *arg, struct err *e)
{
	return sql_exec(db, arg, e);
}

static void run_sql(const char *text)
{
	struct err e = ERR_INIT;
	char copy[256];
	(void)str_copy(copy, sizeof(copy), str_of(text));
	if (store_write(box.b.st, do_exec, copy, &e))
		fail_msg("%s", e.text);
}

enum { OBJECTS = INDEX_VOLUME_OBJECTS + 20 };
static uint32_t of_object[OBJECTS + 1]; /* a word that only this one's flow has */

static struct flow flow_of(uint32_t object)
{
	struct flow f = { .end_ns = tiny_noon_ns + (int64_t)object * NS_PER_S };
	f.start_ns = f.flow_start_ns = f.end_ns;
	f.src = addr_v4(0x0a010000u + object * 256 + 7);
	f.dst = addr_v4(0x0a000001u); /* everybody's */
	f.l4 = 6;
	f.ip_version = 4;
	return f;
}

/* The words of a flow that another one does not have. */
static uint32_t own_word(const struct flow *f, const struct flow *other)
{
	uint32_t a[ROW_WORDS_MAX], b[ROW_WORDS_MAX];
	size_t n = row_words(&flow_record, f, a, ROW_WORDS_MAX), m = row_words(&flow_record, other, b, ROW_WORDS_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < m && a[i] != b[k])
			k++;
		if (k == m)
			return a[i];
	}
	fail_msg("two hosts with the same words");
	return 0;
}

static void every_object_is_found_by_its_words_before_and_after_folding(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	uint32_t all[ROW_WORDS_MAX];
	struct flow first = flow_of(1), second = flow_of(2);
	for (uint32_t i = 1; i <= OBJECTS; i++) {
		struct flow f = flow_of(i);
		of_object[i] = own_word(&f, i == 1 ? &second : &first);
		box_put(&box.b, &flow_record, &f);
		box_flush(&box.b);
		cold_seal(&box);
	}
	assert_true(row_words(&flow_record, &first, all, ROW_WORDS_MAX) > 1);
	for (unsigned folded = 0; folded < 2; folded++) {
		for (uint32_t i = 1; i <= OBJECTS; i++) {
			assert_int_equal(asked("flow", &of_object[i], 1, i), 1);
			assert_true(asked("flow", &of_object[i], 1, 0) <= 2); /* itself, and hardly ever another one */
		}
		assert_int_equal(asked("log", &of_object[1], 1, 0), 0);
		const uint32_t nobody = 0x12345678;
		assert_int_equal(asked("flow", &nobody, 1, 0), 0);
		assert_int_equal(asked("flow", &of_object[5], 6, 0), 6);
		if (!folded && index_tidy(box.b.st, &e))
			fail_msg("%s", e.text);
	}
	assert_int_equal(box_number(&box.b, "SELECT count(*) FROM archive_volume"), 1);
	assert_int_equal(box_number(&box.b, "SELECT count(*) FROM archive_index WHERE volume IS NULL"),
			 OBJECTS - INDEX_VOLUME_OBJECTS);
	assert_int_equal(box_number(&box.b, "SELECT count(*) FROM archive_group"), OBJECTS);
}

static void an_index_made_of_the_file_is_the_one_that_sealing_made(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char path[192];
	uint32_t i = OBJECTS; /* not folded */
	const char *sum = "SELECT sum(rows * 3 + first_id + last_id + min_ns + max_ns) FROM archive_group WHERE object = 276";
	const char *words = "SELECT length(words) FROM archive_index WHERE object = 276";
	assert_int_equal(i, 276);
	int64_t sum_before = box_number(&box.b, sum), words_before = box_number(&box.b, words);
	assert_true(words_before > 0);
	run_sql("DELETE FROM archive_group WHERE object = 276");
	run_sql("DELETE FROM archive_index WHERE object = 276");
	assert_int_equal(asked("flow", &of_object[i], 1, 0), 0);
	(void)snprintf(path, sizeof(path), "%s/flow-276.parquet", box.folder);
	for (unsigned twice = 0; twice < 2; twice++) {
		if (index_object_from_file(box.b.st, 276, path, &e))
			fail_msg("%s", e.text);
		assert_int_equal(box_number(&box.b, sum), sum_before);
		assert_int_equal(box_number(&box.b, words), words_before);
		assert_int_equal(asked("flow", &of_object[i], 1, i), 1);
	}
	assert_int_equal(index_object_from_file(box.b.st, 276, "/nowhere/x.parquet", &e), -ERR_NOTFOUND);
	assert_int_equal(index_object_from_file(box.b.st, 276, "/etc/hostname", &e), -ERR_CORRUPT);
}

static void a_damaged_index_says_maybe(void **state)
{
	(void)state;
	uint32_t last = OBJECTS;
	run_sql("UPDATE archive_index SET words = x'ffffffffffffff' WHERE volume IS NULL");
	assert_int_equal(asked("flow", &of_object[last], 1, last), 1);
	run_sql("UPDATE archive_word SET words = x'ffffffffffffffffff'");
	for (uint32_t i = 1; i <= OBJECTS; i += 50)
		assert_int_equal(asked("flow", &of_object[i], 1, i), 1);
	run_sql("UPDATE archive_index SET volume = 0, words = NULL WHERE object = 3"); /* more words than are kept */
	const uint32_t nobody = 0x12345678;
	assert_int_equal(asked("flow", &nobody, 1, 3), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_words_comes_back),
		cmocka_unit_test(a_shard_says_which_objects_have_a_word),
		cmocka_unit_test(damaged_bytes_end_in_an_error_and_never_behind_them),
		cmocka_unit_test(every_object_is_found_by_its_words_before_and_after_folding),
		cmocka_unit_test(an_index_made_of_the_file_is_the_one_that_sealing_made),
		cmocka_unit_test(a_damaged_index_says_maybe),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
