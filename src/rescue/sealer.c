/* See sealer.h and format.h. A chunk is held back until more comes or it is the last, for the last one is
 * marked. The ephemeral private key lives only in sealer_new. */
#include "sealer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "tomsd/base/file.h"

#define LEVEL 3 /* 4.5 times the speed of 9 for a fifth more bytes */

struct sealer {
	int fd;
	uint8_t head[HEAD_BYTES], key[KEY_BYTES], nonce_base[NONCE_BASE_BYTES];
	uint32_t chunk;
	uint64_t bytes;
	struct crypt_sum *sum;
	ZSTD_CCtx *zip;
	size_t n_plain;
	uint8_t plain[CHUNK_BYTES];
	uint8_t sealed[SEALED_BYTES];
};

static int put_file(struct sealer *s, const uint8_t *p, size_t n, struct err *e)
{
	crypt_sum_put(s->sum, p, n);
	s->bytes += n;
	while (n > 0) {
		ssize_t w = write(s->fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, errno, "writing the backup");
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int put_chunk(struct sealer *s, bool is_last, struct err *e)
{
	uint8_t nonce[CRYPT_NONCE_BYTES];
	struct str head = str_n((const char *)s->head, HEAD_BYTES);
	if (s->chunk == UINT32_MAX)
		return err_set(e, ERR_FULL, "the backup is longer than its format can be");
	chunk_nonce(s->nonce_base, s->chunk++, is_last, nonce);
	int rc = crypt_aead_seal(s->key, nonce, head, s->plain, s->n_plain, s->sealed, e);
	if (rc == 0)
		rc = put_file(s, s->sealed, s->n_plain + CRYPT_TAG_BYTES, e);
	s->n_plain = 0;
	return rc;
}

/* Runs the compressor until it has taken all (or, at the end, given all). */
static int squeeze(struct sealer *s, const void *p, size_t n, ZSTD_EndDirective what,
		   struct err *e)
{
	ZSTD_inBuffer in = { p, n, 0 };
	for (;;) {
		if (s->n_plain == CHUNK_BYTES) {
			int rc = put_chunk(s, false, e);
			if (rc != 0)
				return rc;
		}
		ZSTD_outBuffer out = { s->plain, CHUNK_BYTES, s->n_plain };
		size_t left = ZSTD_compressStream2(s->zip, &out, &in, what);
		if (ZSTD_isError(left))
			return err_set(e, ERR_NOMEM, "compressing the backup: %s",
				       ZSTD_getErrorName(left));
		s->n_plain = out.pos;
		if (what == ZSTD_e_end ? left == 0 : in.pos == in.size)
			return 0;
	}
}

/* A key for this file alone, that only the private half of recipient leads to. */
static int make_key(struct sealer *s, const uint8_t recipient[KEY_BYTES], struct head *h,
		    struct err *e)
{
	uint8_t secret[KEY_BYTES], shared[KEY_BYTES];
	file_random(secret, sizeof(secret));
	file_random(h->nonce_base, sizeof(h->nonce_base));
	key_id_of(recipient, h->key_id);
	int rc = crypt_x25519_public(secret, h->ephemeral, e);
	if (rc == 0)
		rc = crypt_x25519_shared(secret, recipient, shared, e);
	if (rc == 0)
		file_key(shared, h->ephemeral, recipient, s->key);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(shared, sizeof(shared));
	return rc;
}

int sealer_new(struct sealer **out, int fd, const uint8_t recipient[KEY_BYTES], struct head *h,
	       struct err *e)
{
	struct sealer *s = calloc(1, sizeof(*s));
	if (s)
		s->zip = ZSTD_createCCtx();
	if (!s || !s->zip ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->zip, ZSTD_c_compressionLevel, LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->zip, ZSTD_c_checksumFlag, 0))) {
		sealer_free(s);
		return err_set(e, ERR_NOMEM, "no memory to write a backup");
	}
	s->fd = fd;
	int rc = crypt_sum_new(&s->sum, CRYPT_SHA256, e);
	if (rc == 0)
		rc = make_key(s, recipient, h, e);
	if (rc == 0) {
		memcpy(s->nonce_base, h->nonce_base, NONCE_BASE_BYTES);
		head_put(h, s->head);
		rc = put_file(s, s->head, HEAD_BYTES, e);
	}
	if (rc != 0)
		sealer_free(s);
	else
		*out = s;
	return rc;
}

int sealer_put(struct sealer *s, const void *p, size_t n, struct err *e)
{
	return squeeze(s, p, n, ZSTD_e_continue, e);
}

int sealer_end(struct sealer *s, uint64_t *bytes, uint8_t sha256[CRYPT_SHA256_BYTES],
	       struct err *e)
{
	int rc = squeeze(s, NULL, 0, ZSTD_e_end, e);
	if (rc == 0)
		rc = put_chunk(s, true, e);
	if (rc == 0) {
		*bytes = s->bytes;
		crypt_sum_end(s->sum, sha256, NULL);
	}
	return rc;
}

void sealer_free(struct sealer *s)
{
	if (!s)
		return;
	ZSTD_freeCCtx(s->zip);
	crypt_sum_free(s->sum);
	explicit_bzero(s->key, sizeof(s->key));
	explicit_bzero(s->plain, sizeof(s->plain));
	free(s);
}
