/* Proof of what a place has: HEAD of one version, and the lock put on where it is missing.
 *
 * Why after every upload: servers take lock headers with 200 and drop them. Ceph's radosgw 16.2 does so with
 * CreateMultipartUpload (PutObject keeps them); other servers had releases that dropped all. A 200 proves nothing,
 * what HEAD reads back does. radosgw tells dates with nine zeros of a second, AWS with three, cloudserver as asked. */
#include <stdio.h>

#include "client.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"

#define HEAD_TIMEOUT_S 60

void s3_lock_date(int64_t ns, char out[S3_DATE_MAX])
{
	int64_t over = ns % NS_PER_S;
	clock_rfc3339(ns - over + (over > 0 ? NS_PER_S : 0), out);
}

static enum s3_lock lock_of(struct str mode)
{
	for (int i = S3_LOCK_GOVERNANCE; i <= S3_LOCK_COMPLIANCE; i++)
		if (str_ieq(mode, str_of(s3_lock_names[i])))
			return (enum s3_lock)i;
	return S3_LOCK_NONE;
}

void s3_version_of(const struct http_answer *a, struct s3_version *out)
{
	struct s3_version v = { .version_id = "" };
	struct str etag = http_answer_header(a, "etag"),
		   id = http_answer_header(a, "x-amz-version-id");
	if (etag.n >= 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"')
		etag = str_sub(etag, 1, etag.n - 2);
	str_copy_clean(v.etag, sizeof(v.etag), etag);
	if (!str_copy(v.version_id, sizeof(v.version_id), id))
		v.version_id[0] = '\0'; /* a cut one would name nothing */
	if (num_u64(http_answer_header(a, "content-length"), 0, UINT64_MAX, &v.bytes))
		v.bytes = 0;
	v.lock = lock_of(http_answer_header(a, "x-amz-object-lock-mode"));
	if (clock_parse_rfc3339(http_answer_header(a, "x-amz-object-lock-retain-until-date"),
				&v.retain_until_ns))
		v.retain_until_ns = 0;
	v.legal_hold =
		str_ieq(http_answer_header(a, "x-amz-object-lock-legal-hold"), STR("ON"));
	v.is_delete_marker = str_ieq(http_answer_header(a, "x-amz-delete-marker"), STR("true"));
	if (s3_http_date(http_answer_header(a, "last-modified"), &v.modified_ns))
		v.modified_ns = 0;
	v.has_sha256 = s3_from_hex(http_answer_header(a, "x-amz-meta-sha256"), v.sha256,
				   sizeof(v.sha256));
	*out = v;
}

static void ask_version(struct s3_ask *ask, const char *version_id)
{
	if (version_id && version_id[0])
		s3_ask_param(ask, "versionId", version_id);
}

int s3_head(struct s3_client *c, const char *key, const char *version_id,
	    struct s3_version *out, struct s3_fault *f, struct err *e)
{
	struct s3_ask ask = { .method = "HEAD", .key = key, .timeout_s = HEAD_TIMEOUT_S };
	struct http_answer a;
	ask_version(&ask, version_id);
	http_answer_init(&a);
	int rc = s3_ask(c, &ask, &a, f, e);
	if (rc == 0) {
		s3_version_of(&a, out);
		/* Asked for by its id it need not be told again. */
		if (!out->version_id[0] && version_id)
			(void)snprintf(out->version_id, sizeof(out->version_id), "%s",
				       version_id);
		out->is_latest = !version_id || !version_id[0];
	}
	http_answer_fini(&a);
	return rc;
}

int s3_retain(struct s3_client *c, const char *key, const char *version_id, enum s3_lock lock,
	      int64_t until_ns, struct s3_fault *f, struct err *e)
{
	struct s3_ask ask = { .method = "PUT", .key = key, .timeout_s = HEAD_TIMEOUT_S };
	struct http_answer a;
	char date[S3_DATE_MAX], body[256];
	*f = (struct s3_fault){ .status = 0 };
	if (lock == S3_LOCK_NONE)
		return s3_fault_own(f, false, "Request",
				    err_set(e, ERR_INVALID, "retention of %s: no mode", key));
	s3_lock_date(until_ns, date);
	int n = snprintf(
		body, sizeof(body),
		"<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>%s</Mode>"
		"<RetainUntilDate>%s</RetainUntilDate></Retention>",
		s3_lock_names[lock], date);
	ask.body = str_n(body, (size_t)n);
	s3_ask_param(&ask, "retention", NULL);
	ask_version(&ask, version_id);
	s3_ask_header(&ask, "content-type", "application/xml");
	http_answer_init(&a);
	int rc = s3_ask(c, &ask, &a, f, e);
	http_answer_fini(&a);
	return rc ? err_wrap(e, "retention until %s", date) : 0;
}

void s3_ask_lock(struct s3_ask *ask, enum s3_lock lock, int64_t until_ns,
		 char date[S3_DATE_MAX])
{
	if (lock == S3_LOCK_NONE)
		return;
	s3_lock_date(until_ns, date);
	s3_ask_header(ask, "x-amz-object-lock-mode", s3_lock_names[lock]);
	s3_ask_header(ask, "x-amz-object-lock-retain-until-date", date);
}

bool s3_lock_holds(const struct s3_version *v, enum s3_lock lock, int64_t until_ns)
{
	/* A stronger mode and a later date do; the server's date has no fraction that matters. */
	return lock == S3_LOCK_NONE || (v->lock >= lock && v->retain_until_ns >= until_ns);
}

static int differs(const char *what, const char *key, struct s3_fault *f, struct err *e)
{
	return s3_fault_own(f, true, "Different",
			    err_set(e, ERR_CORRUPT,
				    "%s: what the place has is not what was sent: %s", key,
				    what));
}

static int compare(const char *key, const struct s3_wanted *w, const struct s3_version *v,
		   struct s3_fault *f, struct err *e)
{
	if (v->bytes != w->bytes)
		return differs("another size", key, f, e);
	if (v->has_sha256 && memcmp(v->sha256, w->sha256, sizeof(v->sha256)) != 0)
		return differs("another SHA-256", key, f, e);
	if (w->etag && w->etag[0] && strcmp(w->etag, v->etag) != 0)
		return differs("another ETag", key, f, e);
	return 0;
}

static int repair_lock(struct s3_client *c, const char *key, const struct s3_wanted *w,
		       struct s3_version *v, struct s3_fault *f, struct err *e)
{
	enum s3_lock lock = v->lock > w->lock ? v->lock : w->lock;
	int64_t until_ns = v->retain_until_ns > w->until_ns ? v->retain_until_ns : w->until_ns;
	char id[sizeof(v->version_id)];
	memcpy(id, v->version_id, sizeof(id));
	int rc = s3_retain(c, key, id, lock, until_ns, f, e);
	if (rc)
		return err_wrap(e, "the server dropped the lock, and took none afterwards");
	rc = s3_head(c, key, id, v, f, e);
	if (rc)
		return rc;
	if (!s3_lock_holds(v, w->lock, w->until_ns))
		return s3_fault_own(
			f, true, "LockDropped",
			err_set(e, ERR_DENIED,
				"%s: the server says yes to a lock and keeps none (or the key may not read it: "
				"GetObjectRetention)",
				key));
	return 0;
}

int s3_prove(struct s3_client *c, const char *key, const char *version_id,
	     const struct s3_wanted *w, struct s3_version *out, struct s3_fault *f,
	     struct err *e)
{
	struct s3_version v;
	int rc = s3_head(c, key, version_id, &v, f, e);
	if (rc == 0)
		rc = compare(key, w, &v, f, e);
	if (rc)
		return rc;
	if (!s3_lock_holds(&v, w->lock, w->until_ns)) {
		if (!v.version_id[0])
			return s3_fault_own(
				f, true, "NoVersions",
				err_set(e, ERR_UNSUPPORTED,
					"%s: the bucket keeps no versions, so nothing can be "
					"locked in it",
					key));
		rc = repair_lock(c, key, w, &v, f, e);
		if (rc == 0)
			rc = compare(key, w, &v, f, e);
		if (rc)
			return rc;
	}
	v.is_latest = true;
	*out = v;
	return 0;
}
