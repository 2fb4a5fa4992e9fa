/* One log: the line as it came. On the thread that carries the request. */
#include "logs.h"

#include <stdio.h>

#include "list.h"

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
	rp->status = 200;
	(void)list_one(rq, rp, &log_record, put_line, rp); /* what went wrong is in rp */
}
