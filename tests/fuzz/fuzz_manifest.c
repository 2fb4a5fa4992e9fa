/* Manifests and signatures from any bytes: canonical JSON is its own canonical form, and what is read of a manifest lies
 * within it. First byte: which of the readers. */
#include <stdlib.h>
#include <string.h>

#include "../../src/archive/manifest_read.h"
#include "tomsd/archive.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static void within(struct str all, struct str s)
{
	REQUIRE(s.n == 0 || (s.p >= all.p && s.n <= all.n && (size_t)(s.p - all.p) <= all.n - s.n));
}

static void canonical(struct str s)
{
	struct buf once, twice;
	struct err e = ERR_INIT;
	buf_init(&once, 1 << 22);
	buf_init(&twice, 1 << 22);
	if (archive_canonical(s, &once, &e) == 0) {
		REQUIRE(once.n <= s.n);
		REQUIRE(archive_canonical(buf_view(&once), &twice, &e) == 0);
		REQUIRE(str_eq(buf_view(&once), buf_view(&twice)));
		REQUIRE(archive_is_canonical(buf_view(&once)));
		REQUIRE(archive_is_canonical(s) == str_eq(s, buf_view(&once)));
	} else {
		REQUIRE(e.text[0] && once.n == 0 && !archive_is_canonical(s));
	}
	buf_fini(&once);
	buf_fini(&twice);
}

static void objects(const struct manifest *m, struct str all)
{
	struct manifest_object o;
	struct manifest_day d;
	struct object_name n;
	struct err e = ERR_INIT;
	size_t at = 0;
	while (manifest_object(m, &at, &o, &e) == 1) {
		within(all, o.key);
		within(all, o.kind);
		if (object_name_read(o.key, &n)) {
			within(o.key, n.kind);
			REQUIRE(o.key.p[0] == 'k' && str_find(o.key, STR("..")) < 0 && str_find(o.key, STR("//")) < 0);
		}
		size_t day = 0;
		while (manifest_day(m, &o, &day, &d, &e) == 1)
			;
	}
}

static void manifest(struct str s)
{
	struct manifest m;
	struct manifest_receipt p;
	struct err e = ERR_INIT;
	struct str kind;
	uint64_t rows;
	size_t at = 0;
	if (manifest_read(&m, s, &e)) {
		REQUIRE(e.text[0]);
		return;
	}
	within(s, m.appliance);
	REQUIRE(m.n_keys > 0 && m.n_keys <= MANIFEST_KEYS_MAX);
	objects(&m, s);
	while (manifest_receipt(&m, &at, &p, &e) == 1)
		within(s, p.version_id);
	at = 0;
	while (manifest_rows(&m, &at, &kind, &rows, &e) == 1)
		within(s, kind);
	manifest_fini(&m);
}

static void signature(struct str s)
{
	struct manifest_signature g;
	struct err e = ERR_INIT;
	if (manifest_signature_read(&g, s, &e))
		REQUIRE(e.text[0]);
	else
		REQUIRE(g.n > 0 && g.n <= SIGNATURES_MAX);
}

static void names(struct str s)
{
	struct object_name o;
	struct manifest_name m;
	if (object_name_read(s, &o))
		REQUIRE(o.sum.n == 16 && o.kind.n && o.kind.p[0] != '.' && o.appliance.p[0] != '.' && o.seq > 0);
	if (manifest_name_read(s, &m))
		REQUIRE(m.seq > 0 && m.appliance.n && m.appliance.p[0] != '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct str) = { canonical, manifest, signature, names };
	if (size == 0)
		return 0;
	char *p = malloc(size); /* of its own, so that a read behind the end shows */
	REQUIRE(p);
	memcpy(p, data + 1, size - 1);
	readers[data[0] % 4](str_n(p, size - 1));
	free(p);
	return 0;
}
