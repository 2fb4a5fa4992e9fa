/* A log row as one ECS object. Any thread. */
#include "tomsd/log_row.h"

void log_json(const void *row, struct json *j)
{
	struct record plain = log_record;

	plain.tail = NULL;
	record_json(&plain, row, j);
}

bool log_has_member(struct str ecs)
{
	(void)ecs;
	return false;
}

bool log_member(const void *row, struct str ecs, char *buf, size_t cap, struct str *out)
{
	(void)row, (void)ecs, (void)buf, (void)cap, (void)out;
	return false;
}
