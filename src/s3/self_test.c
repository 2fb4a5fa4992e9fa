/* Does this place keep what it is given, and let nobody take it away? Tried with a small object of its own, locked for a
 * minute, below <prefix>/_selftest/. "Takes the lock header" proves nothing: four servers had releases that
 * answered 200 and deleted anyway, so the deletion is tried. It is the one DELETE of the house, names that
 * version, and must be refused; where the lock was not seen before, it is not even tried.
 *
 * The steps go on as far as they make sense; those behind a failed one are told as skipped. */
#include <stdio.h>
#include <string.h>

#include "answers.h"
#include "client.h"
#include "tomsd/base/file.h"

#define STEP_TIMEOUT_S 60
#define LOCKED_NS (60 * NS_PER_S)
#define SHORTER_NS (30 * NS_PER_S)
#define TRIED_WITHIN_NS (40 * NS_PER_S) /* later than that a deletion may rightly succeed */

static const char content[] =
	"tomsd tries whether this place keeps what it is given. Nobody needs this object.\n";

struct trial {
	struct s3_client *c;
	void (*step)(void *arg, const struct s3_step *s);
	void *arg;
	char key[128], until[S3_DATE_MAX];
	uint8_t sha256[CRYPT_SHA256_BYTES];
	struct s3_version v; /* the object, as it was read back */
	int64_t until_ns, began_mono_ns;
	bool is_bad;
	struct s3_fault f;
	struct err e;
};

static int told(struct trial *t, const char *name, enum s3_step_result result,
		const char *words)
{
	struct s3_step s = { .name = name, .result = result };
	(void)str_copy(s.words, sizeof(s.words), str_of(words));
	t->is_bad |= result == S3_STEP_BAD;
	t->step(t->arg, &s);
	return result == S3_STEP_BAD ? -1 : 0;
}

static int good(struct trial *t, const char *name, const char *words)
{
	return told(t, name, S3_STEP_GOOD, words);
}

static int bad(struct trial *t, const char *name)
{
	return told(t, name, S3_STEP_BAD, t->e.text);
}

static bool code_is(const struct trial *t, const char *code)
{
	return strcmp(t->f.code, code) == 0;
}

/* One small request; its answer is left in a. */
static int ask(struct trial *t, const struct s3_ask *rq, struct http_answer *a)
{
	t->e = (struct err)ERR_INIT;
	http_answer_init(a);
	return s3_ask(t->c, rq, a, &t->f, &t->e);
}

/* A first, harmless question tells five things by how it fails. */
static int try_to_ask(struct trial *t)
{
	struct s3_ask rq = { .method = "GET",
			     .timeout_s = STEP_TIMEOUT_S,
			     .answer_max = 1u << 20 };
	struct http_answer a;
	bool is_plain = strcmp(t->c->scheme, "http://") == 0;
	s3_ask_param(&rq, "list-type", "2");
	s3_ask_param(&rq, "max-keys", "1");
	int rc = ask(t, &rq, &a);
	http_answer_fini(&a);
	if (rc && t->f.status == 0) {
		if (code_is(t, "NoSuchHost"))
			return bad(t, "name");
		(void)good(t, "name", "");
		return bad(t, code_is(t, "Certificate") ? "certificate" : "connection");
	}
	(void)good(t, "name", "");
	(void)told(t, "certificate", is_plain ? S3_STEP_WARNING : S3_STEP_GOOD,
		   is_plain ? "http: nothing is encrypted and nobody proves who answers" : "");
	if (code_is(t, "SignatureDoesNotMatch") || code_is(t, "InvalidAccessKeyId") ||
	    code_is(t, "RequestTimeTooSkewed"))
		return bad(t, "signature");
	char words[160];
	long long off_s = (long long)(t->c->ahead_ns / NS_PER_S);
	bool is_off = t->c->knows_ahead && (off_s > 60 || off_s < -60);
	(void)snprintf(words, sizeof(words), "the server's clock is %lld s ahead of ours",
		       off_s);
	(void)told(t, "signature", is_off ? S3_STEP_WARNING : S3_STEP_GOOD,
		   is_off ? words : "");
	return rc ? bad(t, "bucket") : good(t, "bucket", "");
}

/* What the bucket says of itself; a key that may not ask is no fault: the object will show it. */
static int try_bucket(struct trial *t)
{
	struct s3_ask rq = { .method = "GET", .timeout_s = STEP_TIMEOUT_S };
	struct http_answer a;
	char status[16] = "";
	enum s3_step_result without = t->c->conf.lock == S3_LOCK_NONE ? S3_STEP_WARNING :
									S3_STEP_BAD;
	s3_ask_param(&rq, "versioning", NULL);
	int rc = ask(t, &rq, &a);
	if (rc == 0)
		rc = s3_read_versioning(buf_view(&a.body), status);
	http_answer_fini(&a);
	if (rc == 0 && strcmp(status, "Enabled") != 0)
		return told(t, "versions", without,
			    "the bucket keeps no versions: what is overwritten is gone");
	/* Verification lists them, whatever the bucket says of itself. */
	struct s3_ask list = { .method = "GET",
			       .timeout_s = STEP_TIMEOUT_S,
			       .answer_max = 1u << 20 };
	s3_ask_param(&list, "versions", NULL);
	s3_ask_param(&list, "max-keys", "1");
	rc = ask(t, &list, &a);
	http_answer_fini(&a);
	if (rc == 0)
		return good(t, "versions", "");
	return told(t, "versions", without, t->e.text);
}

static int try_bucket_lock(struct trial *t)
{
	struct s3_ask rq = { .method = "GET", .timeout_s = STEP_TIMEOUT_S };
	struct http_answer a;
	bool is_on = false;
	if (t->c->conf.lock == S3_LOCK_NONE)
		return told(t, "object_lock", S3_STEP_WARNING,
			    "this place is set up without a lock: whoever has a key that "
			    "deletes can delete here");
	s3_ask_param(&rq, "object-lock", NULL);
	int rc = ask(t, &rq, &a);
	bool is_none = rc == -ERR_NOTFOUND; /* ObjectLockConfigurationNotFoundError */
	if (rc == 0)
		rc = s3_read_object_lock(buf_view(&a.body), &is_on);
	http_answer_fini(&a);
	if (is_none || (rc == 0 && !is_on))
		return told(t, "object_lock", S3_STEP_BAD,
			    "the bucket has no Object Lock: make a new one that has it from "
			    "the beginning");
	return told(t, "object_lock", rc ? S3_STEP_SKIPPED : S3_STEP_GOOD, rc ? t->e.text : "");
}

static int try_write(struct trial *t)
{
	struct s3_ask rq = {
		.method = "PUT",
		.key = t->key,
		.body = STR(content),
		.timeout_s = STEP_TIMEOUT_S,
	};
	struct http_answer a;
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	crypt_sha256(content, sizeof(content) - 1, t->sha256);
	hash_hex(t->sha256, sizeof(t->sha256), hex);
	s3_ask_header(&rq, "content-type", "text/plain");
	s3_ask_header(&rq, "x-amz-meta-sha256", hex);
	t->began_mono_ns = clock_mono_ns();
	t->until_ns = s3_server_now_ns(t->c) + LOCKED_NS;
	t->until_ns -= t->until_ns % NS_PER_S;
	if (t->c->conf.lock != S3_LOCK_NONE)
		s3_ask_lock(&rq, S3_LOCK_COMPLIANCE, t->until_ns, t->until);
	int rc = ask(t, &rq, &a);
	if (rc == 0)
		s3_version_of(&a, &t->v);
	http_answer_fini(&a);
	if (rc)
		return bad(t, "write");
	if (t->c->conf.lock != S3_LOCK_NONE && !t->v.version_id[0])
		return told(t, "write", S3_STEP_BAD,
			    "no version id in the answer: the bucket keeps no versions");
	return good(t, "write", t->v.version_id);
}

static int try_read_back(struct trial *t)
{
	char back[sizeof(content)] = "";
	t->e = (struct err)ERR_INIT;
	int rc = s3_read(t->c, t->key, t->v.version_id, 0, back, sizeof(content) - 1, &t->f,
			 &t->e);
	if (rc)
		return bad(t, "read_back");
	if (memcmp(back, content, sizeof(content)) != 0)
		return told(t, "read_back", S3_STEP_BAD, "other bytes came back");
	return good(t, "read_back", "");
}

static int look(struct trial *t, struct s3_version *v)
{
	t->e = (struct err)ERR_INIT;
	return s3_head(t->c, t->key, t->v.version_id, v, &t->f, &t->e);
}

/* Is the lock there? Where the server dropped it, it is put on afterwards, which is good enough. */
static int try_lock(struct trial *t)
{
	struct s3_version v;
	if (look(t, &v))
		return bad(t, "lock");
	bool was_there = s3_lock_holds(&v, S3_LOCK_COMPLIANCE, t->until_ns);
	if (!was_there) {
		t->e = (struct err)ERR_INIT;
		if (s3_retain(t->c, t->key, t->v.version_id, S3_LOCK_COMPLIANCE, t->until_ns,
			      &t->f, &t->e) ||
		    look(t, &v))
			return bad(t, "lock");
	}
	if (!s3_lock_holds(&v, S3_LOCK_COMPLIANCE, t->until_ns))
		return told(
			t, "lock", S3_STEP_BAD,
			"the server takes the lock and keeps none (or the key may not read it: "
			"GetObjectRetention)");
	t->v = v;
	return told(
		t, "lock", was_there ? S3_STEP_GOOD : S3_STEP_WARNING,
		was_there ?
			"" :
			"the server dropped the lock of the upload; it was put on afterwards");
}

static bool is_late(const struct trial *t)
{
	return clock_mono_ns() - t->began_mono_ns > TRIED_WITHIN_NS;
}

static int try_delete(struct trial *t)
{
	struct s3_ask rq = { .method = "DELETE", .key = t->key, .timeout_s = STEP_TIMEOUT_S };
	struct http_answer a;
	struct s3_version v;
	if (is_late(t))
		return told(t, "delete_refused", S3_STEP_SKIPPED,
			    "the place answers too slowly for a lock of a minute");
	s3_ask_param(&rq, "versionId", t->v.version_id);
	int rc = ask(t, &rq, &a);
	http_answer_fini(&a);
	if (rc == 0)
		return told(t, "delete_refused", S3_STEP_BAD,
			    "the server deleted a locked version");
	if (rc != -ERR_DENIED)
		return bad(t, "delete_refused"); /* not refused: something else went wrong */
	char refused[sizeof(t->e.text)];
	(void)snprintf(refused, sizeof(refused), "%s", t->e.text);
	if (look(t, &v))
		return bad(t, "delete_refused");
	return good(t, "delete_refused", refused);
}

static int try_shorten(struct trial *t)
{
	struct s3_version v;
	if (is_late(t))
		return told(t, "shorten_refused", S3_STEP_SKIPPED,
			    "the place answers too slowly for a lock of a minute");
	t->e = (struct err)ERR_INIT;
	int rc = s3_retain(t->c, t->key, t->v.version_id, S3_LOCK_COMPLIANCE,
			   t->until_ns - SHORTER_NS, &t->f, &t->e);
	if (rc && rc != -ERR_DENIED)
		return bad(t, "shorten_refused");
	char refused[sizeof(t->e.text)];
	(void)snprintf(refused, sizeof(refused), "%s", t->e.text);
	if (look(t, &v))
		return bad(t, "shorten_refused");
	if (!s3_lock_holds(&v, S3_LOCK_COMPLIANCE, t->v.retain_until_ns))
		return told(t, "shorten_refused", S3_STEP_BAD,
			    "the server let the retention be shortened");
	return good(t, "shorten_refused", rc ? refused : "answered with yes, and not done");
}

/* In their order; those of the lock last. A step answers -1 where the ones behind it make no sense. */
static const struct {
	const char *name; /* told as skipped */
	int (*try)(struct trial *t);
	bool needs_lock, goes_on; /* goes_on: others may follow a bad one */
} steps[] = {
	{ "bucket", try_to_ask, false, false },
	{ "versions", try_bucket, false, true },
	{ "object_lock", try_bucket_lock, false, true },
	{ "write", try_write, false, false },
	{ "read_back", try_read_back, false, false },
	{ "lock", try_lock, true, false },
	{ "delete_refused", try_delete, true, true },
	{ "shorten_refused", try_shorten, true, true },
};

int s3_self_test(struct s3_client *c, void (*step)(void *arg, const struct s3_step *s),
		 void *arg, struct err *e)
{
	struct trial t = { .c = c, .step = step, .arg = arg };
	uint8_t random[4];
	char date[S3_AMZ_DATE_MAX], hex[2 * sizeof(random) + 1];
	file_random(random, sizeof(random));
	hash_hex(random, sizeof(random), hex);
	s3_amz_date(clock_now_ns(), date);
	(void)snprintf(t.key, sizeof(t.key), "_selftest/%s-%s.txt", date, hex);

	bool has_ended = false;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (has_ended)
			(void)told(&t, steps[i].name, S3_STEP_SKIPPED, "");
		else if (steps[i].needs_lock && c->conf.lock == S3_LOCK_NONE)
			(void)told(&t, steps[i].name, S3_STEP_WARNING,
				   "this place is set up without a lock");
		else if (steps[i].try(&t) && !steps[i].goes_on)
			has_ended = true;
	}
	return t.is_bad ? err_set(e, ERR_DENIED,
				  "place %s: not every step that write-once needs is good",
				  c->conf.name) :
			  0;
}
