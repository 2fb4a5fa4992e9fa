/* Lists that go on in the archive: the hook of room archive, and what an answer says of it. On the thread that carries
 * the request, or a job's. */
#include "cold.h"

#include "room.h"

const char cold_schema[] =
	"{\"type\":[\"object\",\"null\"],\"properties\":{"
	"\"searched_since\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},"
	"\"searched_until\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},"
	"\"oldest\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},"
	"\"groups_read\":{\"type\":\"integer\"},\"groups_passed\":{\"type\":\"integer\"},"
	"\"groups_from_places\":{\"type\":\"integer\"},\"groups_failed\":{\"type\":\"integer\"},"
	"\"failed\":{\"type\":[\"string\",\"null\"]}}}";

void api_set_cold(struct app *a, const struct api_cold *c)
{
	struct api *api = api_of(a);
	if (api)
		api->cold = *c;
}

int rows_query(struct app *a, const struct query *q, bool cold, size_t limit, int64_t deadline_mono_ns,
	       int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
	       struct cold_info *cold_info, struct err *e)
{
	const struct api *api = api_of(a);
	*cold_info = (struct cold_info){ .oldest_ns = INT64_MAX };
	if (cold && api && api->cold.list)
		return api->cold.list(api->cold.ctx, q, limit, deadline_mono_ns, row, arg, info, cold_info, e);
	return store_query(app_store(a), q, limit, deadline_mono_ns, row, arg, info, e);
}

static void put_time(struct json *j, const char *name, int64_t ns)
{
	if (ns > 0 && ns < INT64_MAX)
		json_kv_time(j, name, ns);
	else
		json_kv_str(j, name, NULL);
}

void cold_put(struct json *j, const struct cold_info *c)
{
	json_key(j, "archive");
	json_obj(j);
	put_time(j, "searched_since", c->asked ? c->searched_since_ns : 0);
	put_time(j, "searched_until", c->asked ? c->searched_until_ns : 0);
	put_time(j, "oldest", c->oldest_ns);
	json_kv_u64(j, "groups_read", c->groups_read);
	json_kv_u64(j, "groups_passed", c->groups_passed);
	json_kv_u64(j, "groups_from_places", c->groups_from_places);
	json_kv_u64(j, "groups_failed", c->groups_failed);
	json_kv_str(j, "failed", c->groups_failed ? c->failed : NULL);
	json_end_obj(j);
}
