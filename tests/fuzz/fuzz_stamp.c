/* What a time stamp authority answers, and tokens and keys from a disk that lies: believed whole or refused, in
 * bounded memory, nothing asked at a terminal. The first byte says which reader gets them; two bytes of length part those
 * that take two. */
#include <stdlib.h>
#include <string.h>

#include "tomsd/crypt.h"

#define SUM_BYTE 7 /* the corpus is for a sum of these */
#define AT_NS INT64_C(1795356306250000000)

/* The first part, as long as its two bytes say; the rest stays in *in. */
static struct str part(struct str *in)
{
	size_t n = in->n < 2 ? 0 : (size_t)(uint8_t)in->p[0] << 8 | (uint8_t)in->p[1];
	struct str first = str_sub(*in, 2, n);
	*in = str_sub(*in, 2 + n, in->n);
	return first;
}

static void try_token(struct str token, struct str trust)
{
	uint8_t sum[CRYPT_SHA256_BYTES];
	int64_t at_ns = AT_NS;
	struct err e = ERR_INIT;
	memset(sum, SUM_BYTE, sizeof(sum));
	int rc = crypt_stamp_read(token, sum, trust, &at_ns, &e);
	assert(rc == -e.code);
	assert(rc == 0 || (at_ns == AT_NS && e.text[0]));
}

static void try_answer(struct str request, struct str answer)
{
	struct buf token;
	int64_t at_ns = 0, again_ns = 0;
	uint8_t sum[CRYPT_SHA256_BYTES];
	memset(sum, SUM_BYTE, sizeof(sum));
	buf_init(&token, 1u << 20);
	int rc = crypt_stamp_answer(request, answer, &token, &at_ns, NULL);
	assert(rc == 0 ? token.n > 0 : token.n == 0 && at_ns == 0);
	/* what was taken is read again, if it is for our sum at all */
	if (rc == 0 && crypt_stamp_read(buf_view(&token), sum, STR_NULL, &again_ns, NULL) == 0)
		assert(again_ns == at_ns);
	buf_fini(&token);
}

static void try_pem(struct str pem)
{
	uint8_t key[CRYPT_KEY_BYTES], again[CRYPT_KEY_BYTES];
	struct buf b;
	if (crypt_ed25519_from_pem(pem, key, NULL))
		return;
	buf_init(&b, 1000);
	crypt_ed25519_pem(key, &b);
	assert(crypt_ed25519_from_pem(buf_view(&b), again, NULL) == 0);
	assert(memcmp(key, again, sizeof(key)) == 0);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = str_n((const char *)data + 1, n ? n - 1 : 0), first;
	if (!n)
		return 0;
	switch (data[0] % 4) {
	case 0:
		try_token(in, STR_NULL);
		break;
	case 1:
		first = part(&in);
		try_answer(first, in);
		break;
	case 2:
		first = part(&in);
		try_token(first, in);
		break;
	default:
		try_pem(in);
	}
	return 0;
}
