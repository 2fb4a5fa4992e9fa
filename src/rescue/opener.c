/* See opener.h and format.h. Bytes from outside: whoever knows the public half can make a file that opens, so
 * what is in it is held to limits like anything else from outside. */
#include "opener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "tomsd/base/hash.h"

struct opener {
	int fd;
	struct head head;
	uint8_t raw_head[HEAD_BYTES], key[KEY_BYTES];
	uint32_t chunk;
	uint64_t total, done; /* bytes of the file */
	bool last_is_open, frame_is_done;
	ZSTD_DCtx *zip;
	size_t n_plain, at; /* of plain; behind at: not yet taken */
	uint8_t plain[CHUNK_BYTES];
	uint8_t sealed[SEALED_BYTES];
};

static int damaged(struct err *e)
{
	return err_set(e, ERR_CORRUPT,
		       "this backup is damaged or cut off: its bytes are not those that were "
		       "written; take another one");
}

static int read_file(struct opener *o, uint8_t *p, size_t n, struct err *e)
{
	while (n > 0) {
		ssize_t r = read(o->fd, p, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, errno, "reading the backup");
		if (r == 0)
			return damaged(e);
		p += r;
		n -= (size_t)r;
		o->done += (uint64_t)r;
	}
	return 0;
}

static int open_chunk(struct opener *o, struct err *e)
{
	uint64_t left = o->total - o->done;
	bool is_last = left <= SEALED_BYTES;
	size_t n = is_last ? (size_t)left : SEALED_BYTES;
	uint8_t nonce[CRYPT_NONCE_BYTES];
	if (o->last_is_open || n < CRYPT_TAG_BYTES || o->chunk == UINT32_MAX)
		return damaged(e);
	int rc = read_file(o, o->sealed, n, e);
	if (rc != 0)
		return rc;
	chunk_nonce(o->head.nonce_base, o->chunk++, is_last, nonce);
	struct err why = ERR_INIT;
	if (crypt_aead_open(o->key, nonce, str_n((const char *)o->raw_head, HEAD_BYTES),
			    o->sealed, n, o->plain, &why) != 0)
		return damaged(e);
	o->n_plain = n - CRYPT_TAG_BYTES;
	o->at = 0;
	o->last_is_open = is_last;
	return 0;
}

static int take_key(struct opener *o, const uint8_t private_key[KEY_BYTES],
		    const uint8_t public_key[KEY_BYTES], struct err *e)
{
	uint8_t shared[KEY_BYTES], id[KEY_ID_BYTES];
	struct err why = ERR_INIT;
	char wanted[KEY_ID_TEXT], given[KEY_ID_TEXT];
	key_id_of(public_key, id);
	if (memcmp(id, o->head.key_id, KEY_ID_BYTES) != 0) {
		hash_hex(o->head.key_id, KEY_ID_BYTES, wanted);
		hash_hex(id, KEY_ID_BYTES, given);
		return err_set(
			e, ERR_DENIED,
			"this recovery phrase does not open the backup: it was made for the "
			"phrase with the number %s, this one has %s; look for the paper with "
			"that number",
			wanted, given);
	}
	if (crypt_x25519_shared(private_key, o->head.ephemeral, shared, &why) != 0)
		return damaged(e); /* a point of small order: nobody's key */
	file_key(shared, o->head.ephemeral, public_key, o->key);
	explicit_bzero(shared, sizeof(shared));
	return 0;
}

static int read_head(struct opener *o, struct err *e)
{
	struct stat st;
	if (fstat(o->fd, &st) || lseek(o->fd, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "reading the backup");
	if (!S_ISREG(st.st_mode) || st.st_size < HEAD_BYTES + CRYPT_TAG_BYTES)
		return err_set(e, ERR_INVALID, "this is no backup of tomsd");
	o->total = (uint64_t)st.st_size;
	int rc = read_file(o, o->raw_head, HEAD_BYTES, e);
	return rc == 0 ? head_read(o->raw_head, &o->head, e) : rc;
}

int opener_new(struct opener **out, int fd, const uint8_t private_key[KEY_BYTES],
	       const uint8_t public_key[KEY_BYTES], struct err *e)
{
	struct opener *o = calloc(1, sizeof(*o));
	if (o)
		o->zip = ZSTD_createDCtx();
	if (!o || !o->zip ||
	    ZSTD_isError(
		    ZSTD_DCtx_setParameter(o->zip, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
		opener_free(o);
		return err_set(e, ERR_NOMEM, "no memory to read a backup");
	}
	o->fd = fd;
	int rc = read_head(o, e);
	if (rc == 0)
		rc = take_key(o, private_key, public_key, e);
	if (rc != 0)
		opener_free(o);
	else
		*out = o;
	return rc;
}

const struct head *opener_head(const struct opener *o)
{
	return &o->head;
}

uint64_t opener_done_bytes(const struct opener *o)
{
	return o->done;
}

uint64_t opener_total_bytes(const struct opener *o)
{
	return o->total;
}

/* One step of the decompressor: how much it gave is in out->pos. */
static int unsqueeze(struct opener *o, ZSTD_outBuffer *out, struct err *e)
{
	if (o->at == o->n_plain && !o->last_is_open) {
		int rc = open_chunk(o, e);
		if (rc != 0)
			return rc;
	}
	ZSTD_inBuffer in = { o->plain, o->n_plain, o->at };
	size_t before = out->pos, left = ZSTD_decompressStream(o->zip, out, &in);
	if (ZSTD_isError(left))
		return damaged(e);
	bool moved = in.pos > o->at || out->pos > before;
	o->at = in.pos;
	o->frame_is_done = left == 0;
	return moved || o->frame_is_done || !o->last_is_open ? 0 : damaged(e);
}

int opener_read(struct opener *o, void *p, size_t n, struct err *e)
{
	ZSTD_outBuffer out = { p, n, 0 };
	while (out.pos < n) {
		if (o->frame_is_done)
			return damaged(e);
		int rc = unsqueeze(o, &out, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int opener_end(struct opener *o, struct err *e)
{
	uint8_t none[1];
	ZSTD_outBuffer out = { none, 0, 0 };
	while (!o->frame_is_done) {
		uint64_t done = o->done;
		size_t at = o->at;
		int rc = unsqueeze(o, &out, e);
		if (rc != 0)
			return rc;
		if (!o->frame_is_done && o->done == done && o->at == at)
			return damaged(e); /* it has more to give, which nobody announced */
	}
	return o->last_is_open && o->at == o->n_plain ? 0 : damaged(e);
}

void opener_free(struct opener *o)
{
	if (!o)
		return;
	ZSTD_freeDCtx(o->zip);
	explicit_bzero(o->key, sizeof(o->key));
	explicit_bzero(o->plain, sizeof(o->plain));
	free(o);
}
