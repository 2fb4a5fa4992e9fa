/* One log: the line as it came, and its fields in its own order. On the thread that carries the request. */
#include "logs.h"

#include <stdio.h>
#include <stdlib.h>

#include "list.h"
#include "looks.h"
#include "tomsd/base/num.h"
#include "tomsd/line.h"

int look_log(struct request *rq, struct reply *rp)
{
	char what[48];
	int64_t id;
	if (num_i64(rq->path_arg, 1, INT64_MAX, &id) != 0)
		return 0; /* there is no such log, and that is what they will hear */
	(void)snprintf(what, sizeof(what), "log %lld", (long long)id);
	return look_open(rq, rp, what);
}

static int put_line(void *arg, const void *row)
{
	struct reply *rp = arg;
	char name[96];
	(void)snprintf(name, sizeof(name), "attachment; filename=\"log-%lld.bin\"",
		       (long long)((const struct log *)row)->id);
	reply_header(rp, "Content-Disposition", name);
	rp->type = "application/octet-stream";
	buf_str(&rp->body, record_tail_of(&log_record, row));
	return 0;
}

void log_raw_get(struct request *rq, struct reply *rp)
{
	if (look_log(rq, rp) != 0)
		return;
	rp->status = 200;
	(void)list_one(rq, rp, &log_record, put_line, rp); /* what went wrong is in rp */
}

struct fields {
	struct json *j;
	struct line_field f[LINE_FIELDS_MAX];
	char value[LOG_LINE_MAX];
};

static int put_fields(void *arg, const void *row)
{
	struct fields *all = arg;
	struct json *j = all->j;
	const struct log *g = row;
	size_t n = line_fields(record_tail_of(&log_record, row), all->f);
	json_obj(j);
	json_key(j, "fields");
	json_arr(j);
	for (size_t i = 0; i < n; i++) {
		const struct line_field *f = &all->f[i];
		json_obj(j);
		json_key(j, "key");
		json_str(j, f->key);
		json_key(j, "value");
		json_str(j, line_value(f, all->value, sizeof(all->value)));
		json_kv_bool(j, "header", f->is_header);
		json_kv_str(j, "ecs", line_field_ecs(f, (enum log_format)g->format));
		json_end_obj(j);
	}
	json_end_arr(j);
	json_end_obj(j);
	return 0;
}

void log_fields_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct fields *all = malloc(sizeof(*all)); /* too much for a stack */
	if (!all) {
		(void)err_set(&e, ERR_NOMEM, "no memory for the fields of a log");
		reply_failed(rq, rp, &e);
		return;
	}
	all->j = reply_json(rp, 200);
	if (look_log(rq, rp) == 0) /* what goes wrong is in rp */
		(void)list_one(rq, rp, &log_record, put_fields, all);
	free(all);
}

/* clang-format off */
const char log_fields_schema[] =
	"{\"type\":\"object\",\"required\":[\"fields\"],\"properties\":{\"fields\":{\"type\":\"array\",\"items\":{"
	"\"type\":\"object\",\"required\":[\"key\",\"value\",\"header\",\"ecs\"],\"properties\":{\"key\":{\"type\":\"string\"},"
	"\"value\":{\"type\":\"string\"},\"header\":{\"type\":\"boolean\"},\"ecs\":{\"type\":[\"string\",\"null\"]}}}}}}";
