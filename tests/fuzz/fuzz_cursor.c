/* Cursors come back from outside: what is not ours is refused, and nothing else happens. */
#include <string.h>

#include "query_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct store *st = query_store();
	struct query q = { .record = &flow_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct err e = ERR_INIT;
	size_t seen = 0;

	if (n < 1 || n > sizeof(q.cursor) || !data[0])
		return 0;
	memcpy(q.cursor, data, n); /* 128 bytes may come without a NUL */
	if (store_query(st, &q, 5, 0, query_store_seen, &seen, &info, &e))
		assert(e.code == ERR_INVALID && e.text[0]);
	else
		assert(seen <= 5);
	return 0;
}
