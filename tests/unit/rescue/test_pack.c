/* A backup gives back what went in, for its phrase alone, or nothing at all. */
#include "packing.h"

static const char index_text[] =
	"{\"format\":\"tomsd-rescue-1\",\"bytes\":1,\"rows\":2,\"oldest_day\":0,\"tables\":[]}";

/* Four chunks and a bit of bytes that do not compress, and small files. */
enum { BIG = 4 * CHUNK_BYTES + 4321 };

static size_t parts_of(struct pack_part parts[8], struct str database)
{
	static const struct {
		const char *name, *bytes;
	} small[] = {
		{ NAME_INDEX, index_text },
		{ NAME_CONF, "[store]\npath = /x\n" },
		{ "keys/house.key", "0123456789abcdef0123456789abcdef" },
		{ "panel/panel.pem", "" },
		{ "files/007-ca_1.pem", "certificate" },
	};
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(small); i++) {
		parts[n] = (struct pack_part){ .bytes = str_of(small[i].bytes) };
		(void)str_copy(parts[n++].name, sizeof(parts[0].name), str_of(small[i].name));
	}
	parts[n] = (struct pack_part){ .bytes = database };
	(void)str_copy(parts[n++].name, sizeof(parts[0].name), STR(NAME_DATABASE));
	return n;
}

static void small_backup(const struct packing *p, const char *name, struct packed *out)
{
	struct pack_part parts[8];
	size_t n = parts_of(parts, STR("no real database"));
	packing_write(p, name, parts, n, out);
}

static uint8_t *big_backup(const struct packing *p, const char *name, struct packed *out)
{
	struct pack_part parts[8];
	uint8_t *bytes = malloc(BIG);
	assert_non_null(bytes);
	fill(bytes, BIG, 7);
	size_t n = parts_of(parts, str_n((const char *)bytes, BIG));
	packing_write(p, name, parts, n, out);
	return bytes;
}

static bool is_there(const struct packing *p, const char *name)
{
	return access(in(p, name), F_OK) == 0;
}

static void what_went_in_comes_out(void **state)
{
	(void)state;
	struct packing p;
	struct packed made;
	struct err e = ERR_INIT;
	struct buf index;
	uint8_t sum[CRYPT_SHA256_BYTES], *bytes;
	packing_begin(&p);
	bytes = big_backup(&p, "b", &made);
	struct buf file = slurp(in(&p, "b"));
	assert_int_equal(file.n, made.bytes);
	crypt_sha256(file.p, file.n, sum);
	assert_memory_equal(sum, made.sha256, sizeof(sum));
	buf_init(&index, SMALL_FILE_MAX);
	assert_int_equal(
		packing_open_as(&p, "b", p.private_key, p.public_key, "out", &index, &e), 0);
	assert_string_equal(index.p, index_text);
	struct buf database = slurp(in(&p, "out/tomsd.db"));
	assert_int_equal(database.n, BIG);
	assert_memory_equal(database.p, bytes, BIG);
	struct buf key = slurp(in(&p, "out/keys/house.key"));
	assert_string_equal(key.p, "0123456789abcdef0123456789abcdef");
	struct stat st;
	assert_int_equal(stat(in(&p, "out/panel/panel.pem"), &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(is_there(&p, "out/files/007-ca_1.pem"));
	assert_true(is_there(&p, "out/tomsd.conf"));
	assert_false(is_there(&p, "b.new"));
	buf_fini(&database);
	buf_fini(&key);
	buf_fini(&index);
	buf_fini(&file);
	free(bytes);
	packing_end(&p);
}

static void the_head_tells_whose_it_is_without_a_phrase(void **state)
{
	(void)state;
	struct packing p;
	struct packed made;
	struct rescued told = { 0 };
	struct err e = ERR_INIT;
	packing_begin(&p);
	small_backup(&p, "b", &made);
	assert_int_equal(rescue_look(in(&p, "b"), &told, &e), 0);
	assert_string_equal(told.appliance, "toms-1");
	assert_string_equal(told.version, "9.9");
	assert_true(told.made_ns == INT64_C(1795500000123456789));
	spill(in(&p, "no"), "hello", 5);
	assert_int_equal(rescue_look(in(&p, "no"), &told, &e), -ERR_INVALID);
	assert_int_equal(rescue_look(in(&p, "none"), &told, &e), -ERR_NOTFOUND);
	packing_end(&p);
}

static void another_phrase_does_not_open_it_and_leaves_nothing(void **state)
{
	(void)state;
	struct packing p, other;
	struct packed made;
	struct rescued got;
	struct err e = ERR_INIT;
	packing_begin(&p);
	packing_begin(&other);
	small_backup(&p, "b", &made);
	assert_int_equal(rescue_open(in(&p, "b"), str_of(other.phrase), in(&p, "out"), NULL,
				     NULL, &got, &e),
			 -ERR_DENIED);
	assert_false(is_there(&p, "out"));
	/* another key that claims to be the right one */
	struct buf index;
	buf_init(&index, SMALL_FILE_MAX);
	assert_int_equal(packing_open_as(&p, "b", other.private_key, p.public_key, "out",
					 &index, &e),
			 -ERR_CORRUPT);
	buf_fini(&index);
	assert_false(is_there(&p, "out"));
	packing_end(&other);
	packing_end(&p);
}

static void every_flipped_byte_is_found(void **state)
{
	(void)state;
	struct packing p;
	struct packed made;
	packing_begin(&p);
	small_backup(&p, "b", &made);
	struct buf file = slurp(in(&p, "b"));
	for (size_t i = 0; i < file.n; i++) {
		static const uint8_t flips[] = { 0x01, 0x80, 0xff };
		struct err e = ERR_INIT;
		uint8_t flip = flips[i % 3];
		file.p[i] = (char)((uint8_t)file.p[i] ^ flip);
		spill(in(&p, "bad"), file.p, file.n);
		if (packing_open(&p, "bad", "out", &e) == 0)
			fail_msg("byte %zu of %zu was flipped and nobody saw it", i, file.n);
		assert_false(is_there(&p, "out"));
		file.p[i] = (char)((uint8_t)file.p[i] ^ flip);
	}
	buf_fini(&file);
	packing_end(&p);
}

static void every_cut_and_every_tail_is_found(void **state)
{
	(void)state;
	struct packing p;
	struct packed made;
	packing_begin(&p);
	small_backup(&p, "b", &made);
	struct buf file = slurp(in(&p, "b"));
	for (size_t n = 0; n < file.n; n++) {
		struct err e = ERR_INIT;
		spill(in(&p, "bad"), file.p, n);
		if (packing_open(&p, "bad", "out", &e) == 0)
			fail_msg("%zu of %zu bytes were enough", n, file.n);
		assert_false(is_there(&p, "out"));
	}
	for (size_t n = 1; n < 40; n++) {
		struct err e = ERR_INIT;
		struct buf more;
		buf_init(&more, 1u << 20);
		buf_put(&more, file.p, file.n);
		for (size_t i = 0; i < n; i++)
			buf_char(&more, '\0');
		spill(in(&p, "bad"), more.p, more.n);
		assert_int_equal(packing_open(&p, "bad", "out", &e), -ERR_CORRUPT);
		buf_fini(&more);
	}
	buf_fini(&file);
	packing_end(&p);
}

static void chunks_that_are_swapped_doubled_dropped_or_lent_are_found(void **state)
{
	(void)state;
	enum { CHUNKS = 5 }; /* four whole ones and a rest */
	static const int orders[][7] = {
		{ 1, 0, 2, 3, 4, -1 },
		{ 0, 2, 1, 3, 4, -1 },
		{ 0, 1, 2, 4, -1 },
		{ 0, 1, 2, 3, -1 },
		{ 1, 2, 3, 4, -1 },
		{ 0, 0, 1, 2, 3, 4, -1 },
		{ 0, 1, 2, 3, 3, 4, -1 },
		{ 0, 1, 2, 3, 4, 4, -1 },
		{ 4, -1 },
		{ -1 },
	};
	struct packing p;
	struct packed made, lent;
	packing_begin(&p);
	free(big_backup(&p, "b", &made));
	free(big_backup(&p, "lender", &lent));
	struct buf file = slurp(in(&p, "b")), other = slurp(in(&p, "lender"));
	assert_true(file.n > HEAD_BYTES + 4 * SEALED_BYTES);
	assert_true(file.n < HEAD_BYTES + CHUNKS * (size_t)SEALED_BYTES);
	for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
		struct err e = ERR_INIT;
		struct buf bad;
		buf_init(&bad, 64u << 20);
		buf_put(&bad, file.p, HEAD_BYTES);
		for (size_t i = 0; orders[o][i] >= 0; i++) {
			size_t at = HEAD_BYTES + (size_t)orders[o][i] * SEALED_BYTES;
			size_t n = file.n - at < SEALED_BYTES ? file.n - at : SEALED_BYTES;
			buf_put(&bad, file.p + at, n);
		}
		spill(in(&p, "bad"), bad.p, bad.n);
		assert_true(packing_open(&p, "bad", "out", &e) < 0);
		assert_false(is_there(&p, "out"));
		buf_fini(&bad);
	}
	/* a chunk of another backup, the head of another backup */
	struct err e = ERR_INIT;
	memcpy(file.p + HEAD_BYTES + SEALED_BYTES, other.p + HEAD_BYTES + SEALED_BYTES,
	       SEALED_BYTES);
	spill(in(&p, "bad"), file.p, file.n);
	assert_int_equal(packing_open(&p, "bad", "out", &e), -ERR_CORRUPT);
	memcpy(other.p + HEAD_BYTES, file.p + HEAD_BYTES, SEALED_BYTES);
	spill(in(&p, "bad"), other.p, other.n);
	assert_int_equal(packing_open(&p, "bad", "out", &e), -ERR_CORRUPT);
	buf_fini(&other);
	buf_fini(&file);
	packing_end(&p);
}

/* Who knows the public half can make a file that opens: entries of any kind, sealed rightly. */
struct entry {
	unsigned kind;
	const char *name;
	uint64_t bytes, told; /* told: by the entry's head */
};

static void forge(const struct packing *p, const char *file, const struct entry *entries,
		  uint64_t plain_bytes)
{
	struct err e = ERR_INIT;
	struct head h = { .made_ns = 1, .plain_bytes = plain_bytes };
	struct sealer *s = NULL;
	uint64_t bytes;
	uint8_t sum[32];
	int fd = open(in(p, file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(sealer_new(&s, fd, p->public_key, &h, &e), 0);
	for (; entries->name; entries++) {
		uint8_t head[ENTRY_HEAD_BYTES] = { (uint8_t)entries->kind };
		be_put(head + 2, strlen(entries->name), 2);
		be_put(head + 4, entries->told, 8);
		assert_int_equal(sealer_put(s, head, sizeof(head), &e), 0);
		assert_int_equal(sealer_put(s, entries->name, strlen(entries->name), &e), 0);
		for (uint64_t i = 0; i < entries->bytes; i++)
			assert_int_equal(sealer_put(s, "x", 1, &e), 0);
	}
	assert_int_equal(sealer_end(s, &bytes, sum, &e), 0);
	sealer_free(s);
	assert_int_equal(close(fd), 0);
}

#define FILE_OF(n, b)               \
	{                           \
		ENTRY_FILE, n, b, b \
	}
#define END_OF                      \
	{                           \
		ENTRY_END, "", 0, 0 \
	}

static void a_forged_backup_writes_nowhere_else(void **state)
{
	(void)state;
	static const char *const names[] = {
		"../x",
		"/etc/x",
		"keys/../../x",
		"keys/",
		"keys",
		"keys/.x",
		"keys/a/b",
		"x",
		"tomsd.db-wal",
		"",
		".",
		"..",
		"files/a b",
		"files/a\nb",
		"panel/\xc3\xa9",
		"./tomsd.db",
		"tomsd.db/",
		"KEYS/x",
		"control.sock",
		"files/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct packing p;
	packing_begin(&p);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err e = ERR_INIT;
		struct entry entries[] = { FILE_OF(NAME_INDEX, 2),
					   FILE_OF(NAME_DATABASE, 3),
					   FILE_OF(names[i], 4),
					   END_OF,
					   { 0 } };
		forge(&p, "b", entries, 9);
		assert_int_equal(packing_open(&p, "b", "out", &e), -ERR_CORRUPT);
		assert_false(is_there(&p, "out"));
		assert_false(is_there(&p, "x"));
	}
	packing_end(&p);
}

static void a_forged_backup_is_held_to_what_it_announces(void **state)
{
	(void)state;
	struct packing p;
	packing_begin(&p);
	const uint64_t huge = SMALL_FILE_MAX + 1;
	struct {
		struct entry entries[6];
		uint64_t plain;
		int rc;
	} cases[] = {
		{ { FILE_OF(NAME_INDEX, 2), FILE_OF(NAME_DATABASE, 3), END_OF }, 5, 0 },
		/* no database, no index, the index not first, no end, content behind the end */
		{ { FILE_OF(NAME_INDEX, 2), END_OF }, 2, -ERR_CORRUPT },
		{ { FILE_OF(NAME_DATABASE, 3), END_OF }, 3, -ERR_CORRUPT },
		{ { FILE_OF(NAME_DATABASE, 3), FILE_OF(NAME_INDEX, 2), END_OF },
		  5,
		  -ERR_CORRUPT },
		{ { FILE_OF(NAME_INDEX, 2), FILE_OF(NAME_DATABASE, 3) }, 5, -ERR_CORRUPT },
		{ { FILE_OF(NAME_INDEX, 2), FILE_OF(NAME_DATABASE, 3), END_OF,
		    FILE_OF(NAME_CONF, 1) },
		  6,
		  -ERR_CORRUPT },
		/* twice the same, more or less than the head says, an unknown kind */
		{ { FILE_OF(NAME_INDEX, 2), FILE_OF(NAME_DATABASE, 3),
		    FILE_OF(NAME_DATABASE, 3), END_OF },
		  8,
		  -ERR_CORRUPT },
		{ { FILE_OF(NAME_INDEX, 2), FILE_OF(NAME_DATABASE, 3), END_OF },
		  4,
		  -ERR_CORRUPT },
		{ { FILE_OF(NAME_INDEX, 2), FILE_OF(NAME_DATABASE, 3), END_OF },
		  6,
		  -ERR_CORRUPT },
		{ { FILE_OF(NAME_INDEX, 2), { 3, NAME_DATABASE, 3, 3 }, END_OF },
		  5,
		  -ERR_CORRUPT },
		/* longer than what follows, than a small file may be, than the disk */
		{ { FILE_OF(NAME_INDEX, 2), { ENTRY_FILE, NAME_DATABASE, 3, 4000 }, END_OF },
		  4002,
		  -ERR_CORRUPT },
		{ { FILE_OF(NAME_INDEX, 2), { ENTRY_FILE, NAME_CONF, 3, huge }, END_OF },
		  huge + 2,
		  -ERR_CORRUPT },
		{ { FILE_OF(NAME_INDEX, 2),
		    { ENTRY_FILE, NAME_DATABASE, 3, UINT64_MAX - 2 },
		    END_OF },
		  UINT64_MAX,
		  -ERR_FULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		forge(&p, "b", cases[i].entries, cases[i].plain);
		int rc = packing_open(&p, "b", "out", &e);
		if (rc != cases[i].rc)
			fail_msg("case %zu: %d %s", i, rc, e.text);
		assert_int_equal(is_there(&p, "out"), rc == 0);
		if (rc == 0)
			wipe_folder(in(&p, "out"));
	}
	packing_end(&p);
}

static void a_folder_with_something_in_it_stays_as_it_is(void **state)
{
	(void)state;
	struct packing p;
	struct packed made;
	struct err e = ERR_INIT;
	packing_begin(&p);
	small_backup(&p, "b", &made);
	assert_int_equal(mkdir(in(&p, "out"), 0700), 0);
	spill(in(&p, "out/tomsd.db"), "mine", 4);
	assert_int_equal(packing_open(&p, "b", "out", &e), -ERR_EXISTS);
	struct buf mine = slurp(in(&p, "out/tomsd.db"));
	assert_string_equal(mine.p, "mine");
	buf_fini(&mine);
	assert_int_equal(unlink(in(&p, "out/tomsd.db")), 0);
	assert_int_equal(packing_open(&p, "b", "out", &e), 0); /* empty is fine */
	packing_end(&p);
}

static bool not_any_more(void *arg, uint64_t done, uint64_t total)
{
	assert_true(done <= total);
	return ++*(int *)arg < 3;
}

static void who_ends_it_early_finds_nothing_left(void **state)
{
	(void)state;
	struct packing p;
	struct packed made;
	struct err e = ERR_INIT;
	struct rescued got;
	struct pack_part parts[8];
	int calls = 0;
	packing_begin(&p);
	free(big_backup(&p, "b", &made));
	assert_int_equal(rescue_open(in(&p, "b"), str_of(p.phrase), in(&p, "out"), not_any_more,
				     &calls, &got, &e),
			 -ERR_CLOSED);
	assert_int_equal(calls, 3);
	assert_false(is_there(&p, "out"));
	calls = 0;
	struct pack_ask ask = { .recipient = p.public_key,
				.appliance = "a",
				.version = "1",
				.parts = parts,
				.n_parts = parts_of(parts, STR("x")),
				.progress = not_any_more,
				.arg = &calls };
	assert_int_equal(pack_write(in(&p, "c"), &ask, &made, &e), -ERR_CLOSED);
	assert_false(is_there(&p, "c"));
	assert_false(is_there(&p, "c.new"));
	packing_end(&p);
}

static void two_backups_of_the_same_have_nothing_in_common(void **state)
{
	(void)state;
	struct packing p;
	struct packed made;
	packing_begin(&p);
	small_backup(&p, "a", &made);
	small_backup(&p, "b", &made);
	struct buf a = slurp(in(&p, "a")), b = slurp(in(&p, "b"));
	assert_memory_not_equal(a.p + 32, b.p + 32, 32); /* ephemeral key */
	size_t same = 0;
	for (size_t i = HEAD_BYTES; i < a.n && i < b.n; i++)
		same += a.p[i] == b.p[i];
	assert_true(same < (a.n - HEAD_BYTES) / 10);
	buf_fini(&a);
	buf_fini(&b);
	packing_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_in_comes_out),
		cmocka_unit_test(the_head_tells_whose_it_is_without_a_phrase),
		cmocka_unit_test(another_phrase_does_not_open_it_and_leaves_nothing),
		cmocka_unit_test(every_flipped_byte_is_found),
		cmocka_unit_test(every_cut_and_every_tail_is_found),
		cmocka_unit_test(chunks_that_are_swapped_doubled_dropped_or_lent_are_found),
		cmocka_unit_test(a_forged_backup_writes_nowhere_else),
		cmocka_unit_test(a_forged_backup_is_held_to_what_it_announces),
		cmocka_unit_test(a_folder_with_something_in_it_stays_as_it_is),
		cmocka_unit_test(who_ends_it_early_finds_nothing_left),
		cmocka_unit_test(two_backups_of_the_same_have_nothing_in_common),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
