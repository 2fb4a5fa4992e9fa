/* Signatures of S3 requests: AWS Signature Version 4. See sign.c. */
#ifndef S3_SIGN_H
#define S3_SIGN_H

#include "tomsd/base/buf.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/str.h"
#include "tomsd/net.h"

struct s3_signer {
	const char *access_key, *secret_key, *region; /* the client's */
	char day[9];         /* "20261122", the day that key is for; "" none yet */
	uint8_t day_key[32]; /* kdate, kregion, kservice, ksigning in one: good for a day */
};

/* One request as it goes over the wire. */
struct s3_signed {
	const char *method;
	struct str path, query; /* escaped; query as s3_query_put made it */
	const struct http_header
		*headers; /* all that are signed, host among them; lower-case names */
	size_t n_headers;
	const char *payload_hex; /* SHA-256 of the body, as in x-amz-content-sha256 */
	const char *amz_date;    /* "20261122T140506Z", as in x-amz-date */
};

#define S3_HEADERS_MAX 16 /* signed ones of a request */

/* Value of the Authorization header, appended to out; canonical is for the work in between and holds the
 * canonical request afterwards. Fails as these do. */
void s3_sign(struct s3_signer *s, const struct s3_signed *rq, struct buf *canonical,
	     struct buf *out);

/* RFC 3986 with upper-case digits; all but unreserved characters, slashes only where asked. */
void s3_escape(struct str s, bool keep_slash, struct buf *out);
struct s3_param {
	const char *name, *value; /* NULL: "name=" */
};
/* "a=1&b=%2F&uploads=": escaped and sorted, so that it is canonical and goes into the URL as it is. At most 8. */
void s3_query_put(const struct s3_param *params, size_t n, struct buf *out);

#define S3_AMZ_DATE_MAX 17
void s3_amz_date(int64_t ns, char out[S3_AMZ_DATE_MAX]);
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7, the fixed form only): 0 or -ERR_INVALID. */
int s3_http_date(struct str s, int64_t *ns) MUST_CHECK;
bool s3_from_hex(struct str s, uint8_t *p, size_t n);

#endif
