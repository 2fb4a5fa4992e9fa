/* A place whose server, or whoever owns it, lies: locks that are weaker than they were proven, versions that are gone,
 * lengths without end. The place here is a folder with answers made up. */
#include "make.h"

#include "../../../src/archive/from.h"

struct liar {
	struct archive_from from;
	struct archive_from *folder;
	enum s3_lock lock;
	int64_t until_ns;
	const char *about; /* what the lie is about; all others are as they should be */
	uint64_t told_bytes;
	bool is_gone;
	unsigned opened;
};

static struct liar *liar_of(struct archive_from *f)
{
	return (struct liar *)f;
}

static bool is_about(const struct liar *l, const char *key)
{
	return l->about && strcmp(l->about, key) == 0;
}

static int liar_list(struct archive_from *f, int (*one)(void *arg, struct str key, uint64_t bytes), void *arg, struct err *e)
{
	return from_list(liar_of(f)->folder, one, arg, e);
}

static size_t liar_versions(struct archive_from *f, const char *key)
{
	return from_versions(liar_of(f)->folder, key);
}

static int liar_open(struct archive_from *f, const char *key, size_t nth, int *fd, uint64_t *bytes, struct err *e)
{
	struct liar *l = liar_of(f);
	l->opened += is_about(l, key);
	return from_open(l->folder, key, nth, fd, bytes, e);
}

static size_t liar_version(struct archive_from *f, const char *key, struct str version_id)
{
	(void)version_id;
	return liar_of(f)->is_gone && is_about(liar_of(f), key) ? SIZE_MAX : 0;
}

static bool liar_hidden(struct archive_from *f, const char *key, size_t nth, char *words, size_t cap)
{
	(void)f;
	(void)key;
	(void)nth;
	(void)words;
	(void)cap;
	return false;
}

static uint64_t liar_bytes(struct archive_from *f, const char *key, size_t nth)
{
	struct liar *l = liar_of(f);
	struct err e = ERR_INIT;
	uint64_t bytes = 0;
	int fd;
	if (l->told_bytes && is_about(l, key))
		return l->told_bytes;
	if (from_open(l->folder, key, nth, &fd, &bytes, &e) == 0)
		(void)close(fd);
	return bytes;
}

static int liar_lock(struct archive_from *f, const char *key, size_t nth, struct s3_version *out, struct err *e)
{
	const struct liar *l = liar_of(f);
	(void)nth;
	(void)e;
	*out = (struct s3_version){ .lock = S3_LOCK_COMPLIANCE, .retain_until_ns = INT64_MAX };
	if (is_about(l, key) && !l->told_bytes && !l->is_gone) {
		out->lock = l->lock;
		out->retain_until_ns = l->until_ns;
	}
	return 0;
}

static const struct from_ways liar_ways = {
	.list = liar_list, .versions = liar_versions, .open = liar_open, .version = liar_version,
	.hidden = liar_hidden, .lock = liar_lock, .bytes = liar_bytes,
};

static struct made a;
static struct asked k;
static char manifest_1[128], receipts[2048];

static int setup(void **state)
{
	(void)state;
	static const char sum[] = "0000000000000000000000000000000000000000000000000000000000000000";
	struct buf b;
	uint8_t sha256[32];
	char hex[65];
	made_begin(&a, 3);
	made_seal(&a, 1);
	buf_init(&b, 1 << 22);
	made_read(&a, a.objects[0], &b);
	crypt_sha256(b.p, b.n, sha256);
	hash_hex(sha256, 32, hex);
	buf_fini(&b);
	(void)snprintf(manifest_1, sizeof(manifest_1), "_manifest/appliance=" MADE_APPLIANCE "/0000000001.json");
	(void)snprintf(receipts, sizeof(receipts),
		       "{\"place\":\"tokyo\",\"key\":\"%s\",\"version_id\":\"v1\",\"bytes\":1,\"sha256\":\"%s\",\"lock\":"
		       "\"COMPLIANCE\",\"retain_until\":\"2199-11-22T10:00:00Z\",\"proven_at\":\"2026-11-22T10:00:00Z\"},"
		       "{\"place\":\"tokyo\",\"key\":\"%s\",\"version_id\":\"v1\",\"bytes\":1,\"sha256\":\"%s\",\"lock\":"
		       "\"COMPLIANCE\",\"retain_until\":\"2199-11-22T10:00:00Z\",\"proven_at\":\"2026-11-22T10:00:00Z\"}",
		       a.objects[0], hex, manifest_1, sum);
	a.receipts = receipts;
	made_seal(&a, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	made_end(&a);
	return 0;
}

static void ask(struct liar *l)
{
	struct err e = ERR_INIT;
	l->from = (struct archive_from){ .ways = &liar_ways, .is_place = true, .name = "tokyo" };
	assert_int_equal(archive_from_folder(&l->folder, a.path, &e), 0);
	const struct verify_ask how = { .from = &l->from, .public_key = a.keys[0].public_key, .objects = true };
	k = (struct asked){ .told = 0 };
	if (archive_verify(&how, asked_found, &k, &k.r, &e))
		fail_msg("%s", e.text);
	archive_from_free(l->folder);
}

static void finds_one(enum verify_fault fault, const char *key)
{
	if (k.told != 1 || k.last.fault != fault || strcmp(k.last.key, key) != 0 || k.last.seq != 1)
		fail_msg("%u told, the last: %s %s: %s", k.told, verify_fault_names[k.last.fault], k.last.key, k.last.words);
}

static void an_honest_place_is_proven(void **state)
{
	(void)state;
	struct liar l = { .lock = S3_LOCK_COMPLIANCE };
	ask(&l);
	assert_int_equal(k.told, 0);
	assert_int_equal(k.r.objects, 1);
}

static void a_lock_that_somebody_may_lift_is_not_the_one_that_was_proven(void **state)
{
	(void)state;
	struct liar l = { .lock = S3_LOCK_GOVERNANCE, .until_ns = INT64_MAX, .about = a.objects[0] };
	ask(&l);
	finds_one(VERIFY_UNLOCKED, a.objects[0]);
}

static void the_lock_of_a_manifest_is_asked_for_too(void **state)
{
	(void)state;
	struct liar l = { .lock = S3_LOCK_NONE, .about = manifest_1 };
	ask(&l);
	finds_one(VERIFY_UNLOCKED, manifest_1);
	l = (struct liar){ .lock = S3_LOCK_GOVERNANCE, .until_ns = INT64_MAX, .about = manifest_1 };
	ask(&l);
	finds_one(VERIFY_UNLOCKED, manifest_1);
	l = (struct liar){ .lock = S3_LOCK_COMPLIANCE, .until_ns = MADE_BEGIN_NS, .about = manifest_1 };
	ask(&l);
	finds_one(VERIFY_LOCK_SHORT, manifest_1);
	assert_int_equal(k.last.since_ns, MADE_BEGIN_NS); /* its own hours */
	assert_int_equal(k.last.until_ns, MADE_BEGIN_NS + MADE_HOUR_NS);
}

static void a_manifest_whose_proven_version_is_gone_is_missed(void **state)
{
	(void)state;
	struct liar l = { .about = manifest_1, .is_gone = true };
	ask(&l);
	finds_one(VERIFY_MISSING, manifest_1);
}

static void what_is_not_as_long_as_it_must_be_is_never_fetched(void **state)
{
	(void)state;
	struct liar l = { .about = a.objects[0], .told_bytes = UINT64_C(1) << 50 };
	ask(&l);
	finds_one(VERIFY_SIZE, a.objects[0]);
	assert_int_equal(l.opened, 0);
	l = (struct liar){ .about = manifest_1, .told_bytes = UINT64_C(1) << 50 };
	ask(&l);
	assert_true(k.told > 0);
	assert_string_equal(k.r.first.key, manifest_1);
	assert_int_equal(l.opened, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_honest_place_is_proven),
		CASE(a_lock_that_somebody_may_lift_is_not_the_one_that_was_proven),
		CASE(the_lock_of_a_manifest_is_asked_for_too),
		CASE(a_manifest_whose_proven_version_is_gone_is_missed),
		CASE(what_is_not_as_long_as_it_must_be_is_never_fetched),
	};
	return cmocka_run_group_tests_name("liar", tests, NULL, NULL);
}
