/* A query asked of rows that lie elsewhere: the same rows as in the store match, and the words of an index never
 * hide one of them. */
#include "logs.h"

#include "../../tools/gen_flows.h"
#include "tomsd/store/cut.h"

enum { ROWS = 3000, QUERIES = 400 };

static uint64_t dice = 7;
static uint64_t any(uint64_t n)
{
	struct gen_flows g = { dice++, 0, 0 };
	return gen_next(&g) % n;
}

static const void **rows; /* of the record under test, with their tails and ids */
static size_t n_rows;
static const struct record *record;

static const struct col *some_col(enum col_type type)
{
	for (size_t at = any(record->n_cols), i = 0; i < record->n_cols; i++) {
		const struct col *c = &record->cols[(at + i) % record->n_cols];
		if (c->type == type && c->ecs && !(c->flags & COL_NOT_STORED))
			return c;
	}
	return NULL;
}

/* As a person may write it: in other letters, with a star. */
static void write_text(struct buf *b, struct str s)
{
	size_t from = any(4) ? 0 : any(s.n + 1), to = any(4) ? s.n : from + any(s.n - from + 1);
	bool up = any(3) == 0;
	buf_char(b, '"');
	if (from)
		buf_char(b, '*');
	for (size_t i = from; i < to; i++) {
		char c = s.p[i];
		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		buf_char(b, up && c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c);
	}
	if (to < s.n)
		buf_char(b, '*');
	buf_char(b, '"');
}

static void write_addr(struct buf *b, const struct addr *a)
{
	static const unsigned v4[] = { 32, 32, 32, 24, 28, 23, 20, 8 }, v6[] = { 128, 64, 60, 100, 48 };
	char text[ADDR_TEXT_MAX];
	addr_text(a, text);
	buf_cstr(b, text);
	if (any(2))
		buf_fmt(b, "/%u", addr_is_v4(a) ? v4[any(8)] : v6[any(5)]);
}

/* One condition that this row, or nearly this row, fulfils. */
static void write_word(struct buf *b, const void *row)
{
	static const char *const addr_keys[] = { "host", "peer", "ip", "src", "dst", "host" };
	const struct col *c;
	char text[MAC_TEXT_MAX];
	if (any(5) == 0)
		buf_char(b, '-');
	switch (any(8)) {
	case 0:
	case 1:
	case 2:
		c = some_col(COL_ADDR);
		buf_fmt(b, "%s:", any(4) ? addr_keys[any(6)] : c->ecs);
		if (any(30) == 0)
			buf_cstr(b, any(2) ? "::/64" : "::/0");
		else
			write_addr(b, col_at(c, row));
		break;
	case 3:
		c = some_col(COL_MAC);
		mac_text(col_at(c, row), text);
		buf_fmt(b, "%s:%s", any(2) ? "host" : any(2) ? "mac" : c->ecs, text);
		break;
	case 4:
		c = some_col(COL_U64);
		buf_fmt(b, "%s>=%lld", c->ecs, (long long)col_int(c, row));
		break;
	case 5:
		c = some_col(COL_U16);
		buf_fmt(b, "%s:%lld", c->ecs, (long long)col_int(c, row));
		break;
	default:
		c = some_col(COL_TEXT);
		buf_fmt(b, "%s:", any(3) || strcmp(c->name, "name") != 0 ? c->ecs : "host");
		write_text(b, col_text(c, row));
	}
	buf_char(b, ' ');
}

static bool asked(struct query *q)
{
	struct err e = ERR_INIT;
	struct buf b;
	const void *row = rows[any(n_rows)];
	buf_init(&b, 8192);
	for (size_t i = 0, n = 1 + any(3); i < n; i++)
		write_word(&b, any(6) ? row : rows[any(n_rows)]);
	*q = (struct query){ .record = record, .until_ns = INT64_MAX };
	int rc = query_parse(q, buf_view(&b), &e);
	buf_fini(&b);
	return rc == 0;
}

static bool has_words(const struct word_groups *g, const uint32_t *words, size_t n)
{
	for (size_t i = 0; i < g->n_groups; i++) {
		bool has = false;
		for (size_t k = 0; k < g->group[i].n; k++)
			for (size_t w = 0; w < n; w++)
				has |= g->word[g->group[i].first + k] == words[w];
		if (!has)
			return false;
	}
	return true;
}

struct found {
	bool *by_number;
	size_t n;
};

static int by_id(const void *a, const void *b)
{
	int64_t x = col_int(record_col(record, record->id_col), *(const void *const *)a);
	int64_t y = col_int(record_col(record, record->id_col), *(const void *const *)b);
	return x < y ? -1 : x > y;
}

static int note_found(void *arg, const void *row)
{
	struct found *f = arg;
	const void **at = bsearch(&row, rows, n_rows, sizeof(*rows), by_id);
	assert_non_null(at);
	f->by_number[at - rows] = true;
	f->n++;
	return 0;
}

/* A row of which only what the matcher asks for is there, as it comes out of a file. */
static void take_what_is_read(const struct matcher *m, const void *row, void *out)
{
	memset(out, 0x55, record->bytes);
	for (size_t i = 0; i < record->n_cols; i++) {
		const struct col *c = &record->cols[i];
		if (matcher_reads(m, c))
			memcpy((char *)out + c->off, col_at(c, row), c->size);
	}
	if (record->tail && matcher_reads_tail(m))
		memcpy((char *)out + record->tail->n_off, (const char *)row + record->tail->n_off,
		       record_bytes(record, row) - record->tail->n_off);
}

static size_t with_words, hidden, shown;

static void check_query(struct box *b, const struct query *q, const char *what)
{
	static union gen_log part;
	static struct flow flow_part;
	void *read = record == &flow_record ? (void *)&flow_part : (void *)&part;
	struct word_groups *g = calloc(1, sizeof(*g));
	struct found f = { calloc(n_rows, sizeof(bool)), 0 };
	struct query_page_info info;
	struct err e = ERR_INIT;
	struct matcher *m = NULL;
	size_t n = 0;
	int rc = store_query(b->st, q, 0, 0, note_found, &f, &info, &e);
	int rc2 = matcher_new(&m, q, &e);
	assert_int_equal(rc, rc2); /* what the one refuses the other refuses */
	if (!rc) {
		matcher_words(m, g);
		with_words += g->n_groups > 0;
	}
	for (size_t i = 0; !rc && i < n_rows; i++) {
		uint32_t words[ROW_WORDS_MAX];
		take_what_is_read(m, rows[i], read);
		bool yes = matcher_row(m, read) &&
			   (!matcher_reads_tail(m) || matcher_tail(m, read));
		if (yes != f.by_number[i])
			fail_msg("%s: row %zu: the store says %d, the matcher %d", what, i,
				 f.by_number[i], yes);
		size_t k = row_words(record, rows[i], words, ROW_WORDS_MAX);
		bool maybe = has_words(g, words, k);
		if (yes && !maybe)
			fail_msg("%s: row %zu is hidden by its words", what, i);
		n += yes;
		hidden += !maybe;
		shown += maybe;
	}
	if (!rc)
		assert_int_equal(n, f.n);
	matcher_free(m);
	free(f.by_number);
	free(g);
}

static void ask_many(struct box *b)
{
	hidden = shown = with_words = 0;
	qsort(rows, n_rows, sizeof(*rows), by_id);
	for (size_t i = 0; i < QUERIES;) {
		struct query q;
		char what[2048];
		struct buf text;
		if (!asked(&q))
			continue;
		buf_init(&text, sizeof(what) - 1);
		for (size_t k = 0; k < q.n_words; k++)
			buf_fmt(&text, "%s%s%s%s ", q.words[k].negate ? "-" : "", q.words[k].key,
				q.words[k].op, q.words[k].value);
		(void)str_copy(what, sizeof(what), buf_view(&text));
		buf_fini(&text);
		check_query(b, &q, what);
		i++;
	}
	assert_true(with_words > QUERIES / 3);
	assert_true(hidden > shown / 3); /* and they are of use */
}

static int keep_row(void *arg, const void *row)
{
	size_t n = record_bytes(record, row);
	(void)arg;
	void *copy = malloc(n > record->bytes ? n : record->bytes);
	assert_non_null(copy);
	memcpy(copy, row, n);
	rows[n_rows++] = copy;
	return 0;
}

static void keep_all(struct box *b, const struct record *r)
{
	struct query q = { .record = r, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct err e = ERR_INIT;
	record = r;
	n_rows = 0;
	rows = calloc(ROWS, sizeof(*rows));
	assert_non_null(rows);
	assert_int_equal(store_query(b->st, &q, 0, 0, keep_row, NULL, &info, &e), 0);
	assert_int_equal(n_rows, ROWS);
}

static void free_rows(void)
{
	for (size_t i = 0; i < n_rows; i++)
		free((void *)(uintptr_t)rows[i]);
	free(rows);
}

static void flows_match_as_in_the_store_and_words_hide_none(void **state)
{
	(void)state;
	struct box b;
	struct gen_flows g = { 11, tiny_noon_ns, NS_PER_MS };
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (size_t i = 0; i < ROWS; i++) {
		struct flow f;
		gen_flow(&g, &f);
		if (i % 9 == 0) { /* IPv6 */
			memset(&f.src, 0x20, 8);
			f.src.b[6] = (uint8_t)(i % 5);
			f.src.b[7] = (uint8_t)(i % 32);
		}
		if (i % 13 == 0)
			f.src = (struct addr){ { 0 } };
		if (i % 17 == 0)
			memset(f.src_mac, 0, sizeof(f.src_mac));
		box_put(&b, &flow_record, &f);
	}
	box_flush(&b);
	keep_all(&b, &flow_record);
	ask_many(&b);
	free_rows();
	box_free(&b);
}

static void lines_match_as_in_the_store_and_words_hide_none(void **state)
{
	(void)state;
	struct box b;
	struct logs l;
	logs_make(&l, 3, ROWS);
	box_new(&b);
	box_open(&b);
	box_start(&b);
	logs_put(&b, &l, 0, ROWS, 0);
	keep_all(&b, &log_record);
	ask_many(&b);
	free_rows();
	logs_free(&l);
	box_free(&b);
}

static struct word_groups groups_of(const struct record *r, const char *text)
{
	struct query q = { .record = r, .until_ns = INT64_MAX };
	static struct word_groups g;
	struct err e = ERR_INIT;
	struct matcher *m = NULL;
	if (query_parse(&q, str_of(text), &e) || matcher_new(&m, &q, &e))
		fail_msg("%s: %s", text, e.text);
	matcher_words(m, &g);
	matcher_free(m);
	return g;
}

static void what_words_can_answer_gives_a_group_and_nothing_else_does(void **state)
{
	static const struct {
		const char *text;
		size_t groups, words;
	} cases[] = {
		{ "host:10.0.0.1", 1, 1 },
		{ "host:10.0.0.0/24", 1, 1 },
		{ "host:10.0.0.0/22", 1, 4 },
		{ "host:10.0.0.0/19", 0, 0 },
		{ "host:10.0.0.1 host:10.0.0.2 peer:20.1.1.1", 2, 3 },
		{ "host:10.0.0.1 host:10.0.0.0/8", 0, 0 },
		{ "-host:10.0.0.1", 0, 0 },
		{ "host:2001:db8::1", 1, 1 },
		{ "host:2001:db8::/64", 1, 1 },
		{ "host:2001:db8::/48", 0, 0 },
		{ "host:::/64", 0, 0 },
		{ "host:00:1b:21:00:00:01", 1, 1 },
		{ "mac:00:00:00:00:00:00", 0, 0 },
		{ "toms.flow.name:pacs.example.jp", 1, 1 },
		{ "toms.flow.name:pacs*", 0, 0 },
		{ "toms.flow.name!=pacs", 0, 0 },
		{ "dns.question.name:a.example.jp app:dns pacs bytes>1000", 1, 1 },
		{ "source.ip:10.0.0.1 source.ip:10.0.0.2", 1, 2 },
		{ "source.ip:*", 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct word_groups g = groups_of(&flow_record, cases[i].text);
		if (g.n_groups != cases[i].groups || g.n_words != cases[i].words)
			fail_msg("%s: %zu groups, %zu words", cases[i].text, g.n_groups, g.n_words);
	}
	assert_int_equal(groups_of(&log_record, "user:Suzuki device:fw1").n_groups, 2);
	assert_int_equal(groups_of(&log_record, "user:suzuki").word[0],
			 groups_of(&log_record, "user:SUZUKI").word[0]);
}

/* Words are in the index of every file there is: these must never change. */
static void words_of_a_row_are_the_same_for_ever(void **state)
{
	uint32_t words[ROW_WORDS_MAX];
	struct flow f = { .src = addr_v4(0x0a000001), .dst = addr_v4(0x0a000002) };
	(void)state;
	f.src_mac[5] = 1;
	(void)str_copy(f.name, sizeof(f.name), STR("PACS.example.jp"));
	size_t n = row_words(&flow_record, &f, words, ROW_WORDS_MAX);
	assert_int_equal(n, 6);
	assert_int_equal(words[1], words[3]); /* one /24 */
	static const uint32_t known[] = { 0xededf9cb, 0x8aa2c485, 0xf0086a75, 0x8aa2c485, 0x8839a483, 0x9a6f3472 };
	for (size_t i = 0; i < n; i++)
		if (words[i] != known[i])
			fail_msg("word %zu is 0x%08x", i, words[i]);
	memset(&f, 0, sizeof(f));
	assert_int_equal(row_words(&flow_record, &f, words, ROW_WORDS_MAX), 0);
}

static void the_words_of_every_record_fit(void **state)
{
	(void)state;
	for (size_t i = 0; records[i]; i++) {
		uint32_t words[ROW_WORDS_MAX + 8];
		size_t n;
		void *row = malloc(records[i]->bytes);
		assert_non_null(row);
		memset(row, 'x', records[i]->bytes); /* all that can be known is known */
		n = row_words(records[i], row, words, ARRAY_LEN(words));
		assert_true(n <= ROW_WORDS_MAX);
		free(row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_match_as_in_the_store_and_words_hide_none),
		cmocka_unit_test(lines_match_as_in_the_store_and_words_hide_none),
		cmocka_unit_test(what_words_can_answer_gives_a_group_and_nothing_else_does),
		cmocka_unit_test(words_of_a_row_are_the_same_for_ever),
		cmocka_unit_test(the_words_of_every_record_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
