/* What the appliance's key may do in a bucket, as a policy to paste (IAM JSON, version 2012-10-17): it writes new
 * versions, locks them for longer and reads. It deletes nothing, bypasses nothing, changes no setting. */
#include <stdio.h>

#include "routes.h"
#include "tomsd/base/clock.h"

const struct param policy_params[] = {
	{ "bucket", PARAM_TEXT, 0, 63, NULL, "name of the bucket" },
	{ "prefix", PARAM_TEXT, 0, 255, NULL,
	  "what names of objects begin with, without slash at the end" },
	PARAM_END,
};

static const char *const on_bucket[] = {
	"s3:GetBucketLocation",
	"s3:GetBucketVersioning",
	"s3:GetBucketObjectLockConfiguration",
	"s3:ListBucket",
	"s3:ListBucketVersions",
	"s3:ListBucketMultipartUploads",
	NULL,
};
static const char *const on_objects[] = {
	"s3:PutObject",
	"s3:PutObjectRetention",
	"s3:GetObject",
	"s3:GetObjectVersion",
	"s3:GetObjectRetention",
	"s3:ListMultipartUploadParts",
	NULL,
};

static void statement(struct json *j, const char *sid, const char *const *actions,
		      const char *resource)
{
	json_obj(j);
	json_kv_str(j, "Sid", sid);
	json_kv_str(j, "Effect", "Allow");
	json_key(j, "Action");
	json_arr(j);
	for (; *actions; actions++)
		json_cstr(j, *actions);
	json_end_arr(j);
	json_kv_str(j, "Resource", resource);
	json_end_obj(j);
}

static void blame(struct request *rq, struct reply *rp, const char *name, const struct err *e)
{
	reply_field(rp, "parameter", name, "invalid", e->text);
	reply_problem(rq, rp, 422, "unacceptable", "%s",
		      api_words(rq->lang, "detail.place_fields"));
}

void policy_get(struct request *rq, struct reply *rp)
{
	char arn[512];
	struct err e = ERR_INIT;
	const struct param_value *bucket = req_param(rq, "bucket"),
				 *prefix = req_param(rq, "prefix");
	struct str b = bucket ? bucket->text : STR("BUCKET"),
		   p = prefix ? prefix->text : STR("");
	if (bucket && place_bucket_check(b, &e) != 0) {
		blame(rq, rp, "bucket", &e);
		return;
	}
	if (prefix && place_prefix_check(p, &e) != 0) {
		blame(rq, rp, "prefix", &e);
		return;
	}
	struct json *j = reply_json(rp, 200);
	json_obj(j);
	json_kv_str(j, "Version", "2012-10-17");
	json_key(j, "Statement");
	json_arr(j);
	(void)snprintf(arn, sizeof(arn), "arn:aws:s3:::%.*s", (int)b.n, b.p);
	statement(j, "LookAtTheBucket", on_bucket, arn);
	(void)snprintf(arn, sizeof(arn), "arn:aws:s3:::%.*s/%.*s%s*", (int)b.n, b.p, (int)p.n,
		       p.p, p.n ? "/" : "");
	statement(j, "WriteOnceAndRead", on_objects, arn);
	json_end_arr(j);
	json_end_obj(j);
}
