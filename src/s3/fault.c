/* What went wrong, in words and as a class: whether later may help. An answer is judged by its status, and by the
 * code of its <Error> where it has one (HEAD has none). Any thread. */
#include <stdio.h>

#include "answers.h"
#include "client.h"

/* Codes that mean something else than their status, and what a person does about them. */
static const struct known {
	const char *code;
	bool retry;
	const char *advice; /* NULL: the server's own words do */
} known[] = {
	{ "SlowDown", true, NULL },
	{ "InternalError", true, NULL },
	{ "RequestTimeout", true, NULL },
	{ "BadDigest", true, "the bytes changed on their way" },
	{ "XAmzContentSHA256Mismatch", true, "the bytes changed on their way" },
	{ "IncompleteBody", true, NULL },
	{ "OperationAborted", true, NULL },
	{ "ExpiredToken", true, NULL },
	{ "InvalidPart", true, NULL },
	{ "NoSuchUpload", true, NULL },
	{ "NoSuchBucket", true,
	  "no bucket of this name at this endpoint: see bucket, endpoint and style" },
	{ "RequestTimeTooSkewed", true,
	  "the appliance's clock is wrong: see its time servers" },
	{ "SignatureDoesNotMatch", true,
	  "the secret key is another: see access_key, secret_key and region" },
	{ "InvalidAccessKeyId", true, "the server does not know this access_key" },
	{ "AccessDenied", true, "the key may not do this: see the policy to paste" },
	{ "AuthorizationHeaderMalformed", false,
	  "the bucket is in another region: see region" },
	{ "PermanentRedirect", false,
	  "the bucket is at another endpoint: see endpoint and region" },
	{ "InvalidBucketName", false, NULL },
	{ "NotImplemented", false, "this server cannot do it" },
	{ "EntityTooLarge", false, NULL },
};

static const struct known *find_known(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].code, code) == 0)
			return &known[i];
	return NULL;
}

/* The class of a status alone. */
static int class_of(int status, bool *retry)
{
	*retry = true;
	switch (status) {
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOTFOUND;
	case 409:
	case 412:
		return ERR_EXISTS;
	case 408:
	case 429:
		return ERR_BUSY;
	case 416:
		*retry = false;
		return ERR_RANGE;
	default:
		*retry = status < 300 || status >= 500;
		return *retry ? ERR_BUSY : ERR_INVALID;
	}
}

/* " (the bucket is in another region: see region: eu-west-1)". S3 says where in a header too: HEAD has no body. */
static void put_advice(const struct http_answer *a, const struct known *k,
		       struct s3_error *said, char *out, size_t cap)
{
	if (!said->region[0])
		str_copy_clean(said->region, sizeof(said->region),
			       http_answer_header(a, "x-amz-bucket-region"));
	const char *where = k->retry ? "" : said->endpoint[0] ? said->endpoint : said->region;
	(void)snprintf(out, cap, " (%s%s%s)", k->advice, where[0] ? ": " : "", where);
}

int s3_fault_of_answer(const struct http_answer *a, struct s3_fault *f, struct err *e)
{
	struct s3_error said = { .code = "" };
	bool has_words = s3_read_error(buf_view(&a->body), &said) == 0;
	int64_t date_ns;
	f->status = a->status;
	f->server_ns = s3_http_date(http_answer_header(a, "date"), &date_ns) ? 0 : date_ns;
	int class = class_of(a->status, &f->retry);
	(void)snprintf(f->code, sizeof(f->code), "%s", has_words ? said.code : "");
	const struct known *k = find_known(f->code);
	if (k)
		f->retry = k->retry;
	char advice[512] = "";
	bool is_locked = str_ifind(str_of(said.message), STR("lock")) >= 0 ||
			 str_ifind(str_of(said.message), STR("retain")) >= 0;
	if (k && k->advice &&
	    !(a->status == 403 &&
	      is_locked)) /* refused because of a lock, that is no matter of keys */
		put_advice(a, k, &said, advice, sizeof(advice));
	return err_set(e, (enum err_code) class, "HTTP %d%s%s%s%s%s", a->status,
		       f->code[0] ? " " : "", f->code, said.message[0] ? ": " : "",
		       said.message, advice);
}

int s3_fault_of_silence(struct s3_fault *f, struct err *e)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
		{ ERR_NOTFOUND, "NoSuchHost" }, { ERR_DENIED, "Certificate" },
		{ ERR_TIMEOUT, "Timeout" },     { ERR_FULL, "AnswerTooLong" },
		{ ERR_CLOSED, "Stopped" },
	};
	const char *name = "Connection";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].code == e->code)
			name = names[i].name;
	f->status = 0;
	f->retry = true;
	(void)snprintf(f->code, sizeof(f->code), "%s", name);
	if (e->code != ERR_CLOSED)
		e->code = ERR_IO; /* "not found" and "denied" speak of objects from here on */
	return -e->code;
}

int s3_fault_own(struct s3_fault *f, bool retry, const char *code, int rc)
{
	f->retry = retry;
	(void)snprintf(f->code, sizeof(f->code), "%s", code);
	return rc;
}
