/* Top lists: the keys with most bytes over a span, from the roll-ups. Any thread. */
#include <stdlib.h>

#include "rollup_read.h"

static struct rollup_row row_of(const struct rollup_key *k)
{
	struct rollup_row r = { .flows = k->sum.flows,
				.packets = k->sum.packets,
				.bytes_out = k->sum.bytes_out,
				.bytes_in = k->sum.bytes_in };

	(void)str_copy(r.key, sizeof(r.key), str_of(k->text)); /* same size */
	return r;
}

static int give(const struct rollup_keys *keys, size_t n,
		int (*row)(void *arg, const struct rollup_row *r), void *arg, struct err *e)
{
	size_t *order = NULL, have = 0;

	if (rollup_largest(keys, &order, &have))
		return err_set(e, ERR_NOMEM, "out of memory while adding up");
	for (size_t i = 0; i < have && i < n; i++) {
		struct rollup_row r = row_of(&keys->key[order[i]]);

		if (row(arg, &r))
			break;
	}
	free(order);
	return 0;
}

int store_top(struct store *st, enum rollup_dim dim, int64_t since_ns, int64_t until_ns,
	      size_t n, int64_t deadline_mono_ns,
	      int (*row)(void *arg, const struct rollup_row *r), void *arg, struct err *e)
{
	struct rollup_keys keys;
	struct rollup_span span;
	struct sql *db = NULL;
	int rc;

	if (since_ns >= until_ns)
		return err_set(e, ERR_INVALID, "the range is empty: it ends before it begins");
	if (rollup_keys_init(&keys, dim, store_token_seed(st)))
		return err_set(e, ERR_NOMEM, "out of memory while adding up");
	rc = store_read_begin(st, deadline_mono_ns, &db, e);
	if (!rc) {
		rc = rollup_span_of(db, dim, since_ns, until_ns, MINUTE_S, DAY_S, &span, e);
		if (!rc)
			rc = rollup_read(db, &span, &keys, NULL, NULL, e);
		store_read_end(st, db);
	}
	if (!rc)
		rc = give(&keys, n, row, arg, e);
	rollup_keys_fini(&keys);
	return rc;
}
