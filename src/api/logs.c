/* One log: the line as it came. On the thread that carries the request. */
#include "logs.h"

#include <stdio.h>

#include "list.h"
#include "looks.h"
#include "tomsd/base/num.h"

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
