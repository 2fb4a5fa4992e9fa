/* What manifests say, against the rows they speak of and by the reader that proves them. */
#include "sealed.h"

#include "../../../src/archive/manifest_read.h"
#include "tomsd/log_row.h"

struct read_back {
	struct buf json, sig;
	struct manifest m;
	struct manifest_signature s;
};

static void read_back(struct works *w, uint64_t seq, struct read_back *r)
{
	struct err e = ERR_INIT;
	char key[ARCHIVE_KEY_MAX];
	works_manifest(w, seq, &r->json);
	archive_manifest_key(key, w->sealer.appliance, seq, ".sig");
	works_read(w, key, &r->sig);
	assert_true(archive_is_canonical(buf_view(&r->json)));
	assert_true(archive_is_canonical(buf_view(&r->sig)));
	if (manifest_read(&r->m, buf_view(&r->json), &e) || manifest_signature_read(&r->s, buf_view(&r->sig), &e))
		fail_msg("%s", e.text);
}

static void read_free(struct read_back *r)
{
	manifest_fini(&r->m);
	buf_fini(&r->json);
	buf_fini(&r->sig);
}

static bool is_signed_by(const struct read_back *r, const struct manifest_key *k)
{
	for (size_t i = 0; i < r->s.n; i++)
		if (strcmp(r->s.one[i].key_id, k->id) == 0)
			return crypt_ed25519_verify(k->public_key, r->json.p, r->json.n, r->s.one[i].signature);
	return false;
}

static void what_proves_reads_what_seals_wrote(void **state)
{
	(void)state;
	struct works w;
	struct read_back r;
	works_new(&w);
	works_put(&w, 1000, 50);
	struct seal s = works_seal(&w);
	read_back(&w, 1, &r);
	assert_int_equal(r.m.seq, 1);
	assert_true(str_eq(r.m.appliance, STR("ward-7")));
	assert_int_equal(r.m.since_ns, s.since_ns);
	assert_int_equal(r.m.until_ns, s.until_ns);
	assert_int_equal(r.m.sealed_at_ns, s.wall_ns);
	assert_int_equal(r.m.n_keys, 1);
	assert_true(is_signed_by(&r, &r.m.keys[0]));
	assert_memory_equal(r.s.manifest_sha256, s.sha256, 32);
	read_free(&r);
	works_free(&w);
}

static void objects_are_what_lies_in_the_folder(void **state)
{
	(void)state;
	struct works w;
	struct read_back r;
	struct err e = ERR_INIT;
	works_new(&w);
	works_put(&w, 1000, 50);
	(void)works_seal(&w);
	read_back(&w, 1, &r);
	size_t at = 0, n = 0;
	struct manifest_object o;
	while (manifest_object(&r.m, &at, &o, &e) == 1) {
		struct buf file;
		struct object_name name;
		uint8_t sum[32];
		char key[ARCHIVE_KEY_MAX], hex[17];
		(void)str_copy(key, sizeof(key), o.key);
		works_read(&w, key, &file);
		crypt_sha256(file.p, file.n, sum);
		assert_int_equal(file.n, o.bytes);
		assert_memory_equal(sum, o.sha256, 32);
		assert_true(object_name_read(o.key, &name));
		hash_hex(sum, 8, hex);
		assert_true(str_eq(name.sum, str_of(hex)));
		assert_int_equal(o.rows, str_eq(o.kind, STR("flow")) ? 1000 : 50);
		size_t day_at = 0;
		struct manifest_day d;
		uint64_t rows = 0;
		while (manifest_day(&r.m, &o, &day_at, &d, &e) == 1) {
			rows += d.rows;
			assert_true(d.after < d.last);
		}
		assert_int_equal(rows, o.rows);
		assert_true(o.first_id <= o.last_id && o.since_ns < o.until_ns);
		buf_fini(&file);
		n++;
	}
	assert_int_equal(n, 2);
	read_free(&r);
	works_free(&w);
}

static void each_manifest_holds_the_hash_of_the_one_before(void **state)
{
	(void)state;
	struct works w;
	struct read_back r;
	uint8_t before[32] = { 0 };
	works_new(&w);
	for (uint64_t seq = 1; seq <= 4; seq++) {
		works_put(&w, seq % 2 ? 10 : 0, 0);
		struct seal s = works_seal(&w);
		read_back(&w, seq, &r);
		assert_int_equal(r.m.has_previous, seq > 1);
		if (seq > 1) {
			assert_int_equal(r.m.previous_seq, seq - 1);
			assert_memory_equal(r.m.previous_sha256, before, 32);
		}
		memcpy(before, s.sha256, 32);
		read_free(&r);
	}
	works_free(&w);
}

static void gaps_of_the_sealed_rows_stand_in_the_manifest(void **state)
{
	(void)state;
	struct works w;
	works_new(&w);
	struct gap g;
	memset(&g, 0, sizeof(g));
	g.start_ns = tiny_noon_ns;
	g.end_ns = tiny_noon_ns + 60 * NS_PER_S;
	g.kind = GAP_SILENT;
	g.source = 7;
	g.lost = 12;
	(void)snprintf(g.name, sizeof(g.name), "%s", "外来 \"fw1\"");
	box_put(&w.box, &gap_record, &g);
	box_flush(&w.box);
	struct seal s = works_seal(&w);
	assert_int_equal(s.gaps, 1);
	struct buf b;
	works_manifest(&w, 1, &b);
	assert_true(archive_is_canonical(buf_view(&b)));
	assert_true(str_find(buf_view(&b),
			     STR("\"gaps\":[{\"kind\":\"silent\",\"lost\":12,\"name\":\"外来 \\\"fw1\\\"\","
				 "\"ongoing\":false,\"since\":\"2026-11-22T12:00:00Z\",\"source\":7,"
				 "\"until\":\"2026-11-22T12:01:00Z\"}]")) > 0);
	buf_fini(&b);
	works_free(&w);
}

static void a_rotation_is_signed_by_both_keys_and_then_by_the_new_one(void **state)
{
	(void)state;
	struct works w;
	struct read_back r;
	works_new(&w);
	(void)works_seal(&w);
	works_rotate(&w);
	(void)works_seal(&w);
	read_back(&w, 2, &r);
	assert_int_equal(r.m.n_keys, 2);
	assert_int_equal(r.m.keys[1].since_seq, 2);
	assert_int_equal(r.s.n, 2);
	assert_true(is_signed_by(&r, &r.m.keys[0]));
	assert_true(is_signed_by(&r, &r.m.keys[1]));
	read_free(&r);
	(void)works_seal(&w);
	read_back(&w, 3, &r);
	assert_int_equal(r.s.n, 1);
	assert_false(is_signed_by(&r, &r.m.keys[0]));
	assert_true(is_signed_by(&r, &r.m.keys[1]));
	read_free(&r);
	works_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_proves_reads_what_seals_wrote),
		cmocka_unit_test(objects_are_what_lies_in_the_folder),
		cmocka_unit_test(each_manifest_holds_the_hash_of_the_one_before),
		cmocka_unit_test(gaps_of_the_sealed_rows_stand_in_the_manifest),
		cmocka_unit_test(a_rotation_is_signed_by_both_keys_and_then_by_the_new_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
