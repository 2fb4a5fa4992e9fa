/* AWS Signature Version 4 for service "s3", header form, one signed payload. Source: AWS, "Signature Calculations
 * for the Authorization Header: Transferring Payload in a Single Chunk" (Amazon S3 API Reference); its four
 * examples are tests, and so are 100 requests that botocore signed.
 *
 * What stands in the URL is what is signed: path and query are escaped once, here, and no library touches them
 * afterwards. A '=' of a key goes as %3D; S3 neither folds "//" nor ".." of a path. Any thread. */
#include "sign.h"

#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/crypt.h"

static const char upper_hex[] = "0123456789ABCDEF";

bool s3_from_hex(struct str s, uint8_t *p, size_t n)
{
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = num_hex_digit(s.p[2 * i]), low = num_hex_digit(s.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		p[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void s3_escape(struct str s, bool keep_slash, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (is_unreserved(s.p[i]) || (c == '/' && keep_slash)) {
			buf_char(out, s.p[i]);
			continue;
		}
		char escaped[3] = { '%', upper_hex[c >> 4], upper_hex[c & 15] };
		buf_put(out, escaped, sizeof(escaped));
	}
}

void s3_query_put(const struct s3_param *params, size_t n, struct buf *out)
{
	const struct s3_param *sorted[8];
	assert(n <= ARRAY_LEN(sorted));
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0 && strcmp(sorted[at - 1]->name, params[i].name) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &params[i];
	}
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(out, '&');
		s3_escape(str_of(sorted[i]->name), false, out);
		buf_char(out, '=');
		s3_escape(str_of(sorted[i]->value), false, out);
	}
}

void s3_amz_date(int64_t ns, char out[S3_AMZ_DATE_MAX])
{
	char text[CLOCK_RFC3339_MAX];
	size_t n = 0;
	clock_rfc3339(ns - ns % NS_PER_S, text);
	for (const char *p = text; *p && n < S3_AMZ_DATE_MAX - 1; p++)
		if (*p != '-' && *p != ':')
			out[n++] = *p;
	out[n] = '\0';
}

int s3_http_date(struct str s, int64_t *ns)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	uint32_t day, year, hour, minute, second;
	s = str_trim(s);
	/* 0    5  8   12   17 20 23 26
	 * Sun, 06 Nov 1994 08:49:37 GMT */
	if (s.n != 29 || s.p[3] != ',' || s.p[4] != ' ' || s.p[7] != ' ' || s.p[11] != ' ' ||
	    s.p[16] != ' ' || s.p[19] != ':' || s.p[22] != ':' || !str_ends(s, STR(" GMT")))
		return -ERR_INVALID;
	ptrdiff_t month = str_find(STR(months), str_sub(s, 8, 3));
	if (month < 0 || month % 3 || num_u32(str_sub(s, 5, 2), 1, 31, &day) ||
	    num_u32(str_sub(s, 12, 4), 1970, 2261, &year) ||
	    num_u32(str_sub(s, 17, 2), 0, 23, &hour) ||
	    num_u32(str_sub(s, 20, 2), 0, 59, &minute) ||
	    num_u32(str_sub(s, 23, 2), 0, 60, &second))
		return -ERR_INVALID;
	int32_t date = (int32_t)(year * 10000 + (uint32_t)(month / 3 + 1) * 100 + day);
	*ns = clock_day_start(date) + (int64_t)(hour * 3600 + minute * 60 + second) * NS_PER_S;
	return 0;
}

/* Header value without space at the ends and with single ones inside (the standard's Trimall). */
static void put_trimmed(const char *value, struct buf *out)
{
	struct str v = str_trim(str_of(value));
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != ' ' || v.p[i - 1] != ' ')
			buf_char(out, v.p[i]);
}

static void put_names(const struct http_header *const *sorted, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(out, ';');
		buf_cstr(out, sorted[i]->name);
	}
}

static void put_canonical(const struct s3_signed *rq, const struct http_header *const *sorted,
			  struct buf *out)
{
	buf_cstr(out, rq->method);
	buf_char(out, '\n');
	buf_str(out, rq->path);
	buf_char(out, '\n');
	buf_str(out, rq->query);
	buf_char(out, '\n');
	for (size_t i = 0; i < rq->n_headers; i++) {
		buf_cstr(out, sorted[i]->name);
		buf_char(out, ':');
		put_trimmed(sorted[i]->value, out);
		buf_char(out, '\n');
	}
	buf_char(out, '\n');
	put_names(sorted, rq->n_headers, out);
	buf_char(out, '\n');
	buf_cstr(out, rq->payload_hex);
}

static void hmac(const uint8_t key[32], struct str s, uint8_t out[32])
{
	uint8_t sum[32];
	crypt_hmac_sha256(key, 32, s.p, s.n, sum);
	memcpy(out, sum, 32);
}

/* The chain of four HMACs is the same all day: made once. */
static void take_day(struct s3_signer *s, const char *amz_date)
{
	char first[4 + 256];
	if (strncmp(s->day, amz_date, 8) == 0)
		return;
	(void)snprintf(s->day, sizeof(s->day), "%.8s", amz_date);
	int n = snprintf(first, sizeof(first), "AWS4%s", s->secret_key);
	assert(n > 0 && (size_t)n < sizeof(first));
	crypt_hmac_sha256(first, (size_t)n, s->day, 8, s->day_key);
	explicit_bzero(first, sizeof(first));
	hmac(s->day_key, str_of(s->region), s->day_key);
	hmac(s->day_key, STR("s3"), s->day_key);
	hmac(s->day_key, STR("aws4_request"), s->day_key);
}

void s3_sign(struct s3_signer *s, const struct s3_signed *rq, struct buf *canonical,
	     struct buf *out)
{
	const struct http_header *sorted[S3_HEADERS_MAX];
	uint8_t sum[CRYPT_SHA256_BYTES];
	char hex[2 * CRYPT_SHA256_BYTES + 1], to_sign[256];

	assert(rq->n_headers <= S3_HEADERS_MAX);
	for (size_t i = 0; i < rq->n_headers; i++) {
		size_t at = i;
		for (; at > 0 && strcmp(sorted[at - 1]->name, rq->headers[i].name) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &rq->headers[i];
	}
	buf_reset(canonical);
	put_canonical(rq, sorted, canonical);
	if (buf_failed(canonical)) {
		out->failed = true;
		return;
	}
	crypt_sha256(canonical->p, canonical->n, sum);
	hash_hex(sum, sizeof(sum), hex);
	take_day(s, rq->amz_date);
	int n = snprintf(to_sign, sizeof(to_sign),
			 "AWS4-HMAC-SHA256\n%s\n%s/%s/s3/aws4_request\n%s", rq->amz_date,
			 s->day, s->region, hex);
	assert(n > 0 && (size_t)n < sizeof(to_sign));
	crypt_hmac_sha256(s->day_key, sizeof(s->day_key), to_sign, (size_t)n, sum);
	hash_hex(sum, sizeof(sum), hex);
	buf_fmt(out, "AWS4-HMAC-SHA256 Credential=%s/%s/%s/s3/aws4_request,SignedHeaders=",
		s->access_key, s->day, s->region);
	put_names(sorted, rq->n_headers, out);
	buf_fmt(out, ",Signature=%s", hex);
}
