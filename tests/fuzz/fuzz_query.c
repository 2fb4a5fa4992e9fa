/* The query language: any text is words or a refusal, and any words are a search or a refusal. A page
 * and a count of the same query must agree. First byte: sort and record. */
#include "query_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct store *st = query_store();
	struct query q = { .until_ns = INT64_MAX };
	struct query_page_info info;
	struct err e = ERR_INIT;
	size_t seen = 0;
	uint64_t counted;
	bool more;

	if (n < 1)
		return 0;
	q.sort = (enum query_sort)(data[0] % 5);
	q.record = data[0] & 0x80 ? &capture_minute_record :
		   data[0] & 0x40 ? &log_record :
				    &flow_record;
	if (query_parse(&q, str_n((const char *)data + 1, n - 1), &e)) {
		assert(e.code == ERR_INVALID && e.text[0]);
		return 0;
	}
	if (store_query(st, &q, 100, 0, query_store_seen, &seen, &info, &e)) {
		assert((e.code == ERR_INVALID || e.code == ERR_FULL) && e.text[0]);
		return 0;
	}
	assert(store_count(st, &q, 100, 0, &counted, &more, &e) == 0);
	assert(counted == seen && !more && info.complete && !info.more);
	return 0;
}
