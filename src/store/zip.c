/* The only file that knows zstd.h. A raw-content dictionary lets a frame of one line refer to bytes that
 * every line has; it costs nothing where the content is long. */
#include "zip.h"

#include <stdlib.h>
#include <zstd.h>

/* Higher levels up to 5 win nothing over 128 KB of lines, 6 a tenth for twice the time: docs/decisions.md. */
enum { LEVEL = 1, DICTS = ZIP_DICT_NEWEST + 1 };

struct zip {
	ZSTD_CCtx *pack;
	ZSTD_DCtx *unpack;
	ZSTD_CDict *into;
	ZSTD_DDict *from[DICTS];
};

int zip_new(struct zip **out, struct err *e)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

void zip_free(struct zip *z)
{
	if (!z)
		return;
	(void)ZSTD_freeCCtx(z->pack); /* cannot fail; NULL is fine */
	(void)ZSTD_freeDCtx(z->unpack);
	(void)ZSTD_freeCDict(z->into);
	for (size_t i = 0; i < DICTS; i++)
		(void)ZSTD_freeDDict(z->from[i]);
	free(z);
}

static int begin_packing(struct zip *z, struct err *e)
{
	struct str dict = zip_dict(ZIP_DICT_NEWEST);
	if (!z->pack)
		z->pack = ZSTD_createCCtx();
	if (!z->into)
		z->into = ZSTD_createCDict(dict.p, dict.n, LEVEL);
	if (!z->pack || !z->into ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z->pack, ZSTD_c_checksumFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z->pack, ZSTD_c_compressionLevel, LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_refCDict(z->pack, z->into)))
		return err_set(e, ERR_NOMEM, "out of memory");
	return 0;
}

/* Room for n more bytes behind what is there. */
static char *room(struct buf *b, size_t n)
{
	static const char zeros[4096];
	size_t at = b->n;
	while (b->n - at < n && !buf_failed(b))
		buf_put(b, zeros,
			n - (b->n - at) < sizeof(zeros) ? n - (b->n - at) : sizeof(zeros));
	return buf_failed(b) ? NULL : b->p + at;
}

int zip_pack(struct zip *z, struct str in, struct buf *out, struct err *e)
{
	int rc = z->into ? 0 : begin_packing(z, e);
	if (rc)
		return rc;
	size_t before = out->n, most = ZSTD_compressBound(in.n);
	buf_char(out, ZIP_DICT_NEWEST);
	char *to = room(out, most);
	if (!to)
		return err_set(e, ERR_NOMEM, "out of memory");
	size_t n = ZSTD_compress2(z->pack, to, most, in.p, in.n);
	if (ZSTD_isError(n)) {
		out->n = before;
		return err_set(e, ERR_NOMEM, "compressing: %s", ZSTD_getErrorName(n));
	}
	out->n = before + 1 + n;
	return 0;
}

static int damaged(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "a compressed block is damaged");
}

static int begin_unpacking(struct zip *z, unsigned dict, struct err *e)
{
	if (!z->unpack)
		z->unpack = ZSTD_createDCtx();
	if (dict && !z->from[dict]) {
		struct str d = zip_dict(dict);
		z->from[dict] = ZSTD_createDDict(d.p, d.n);
	}
	return z->unpack && (!dict || z->from[dict]) ? 0 :
						       err_set(e, ERR_NOMEM, "out of memory");
}

int zip_unpack(struct zip *z, struct str in, size_t max, struct buf *out, struct err *e)
{
	if (!in.n || (uint8_t)in.p[0] >= DICTS)
		return damaged(e);
	unsigned dict = (uint8_t)in.p[0];
	unsigned long long size = ZSTD_getFrameContentSize(in.p + 1, in.n - 1);
	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > max)
		return damaged(e);
	int rc = begin_unpacking(z, dict, e);
	if (rc)
		return rc;
	buf_reset(out);
	char *to = room(out, (size_t)size + 1); /* never NULL, also for an empty content */
	if (!to)
		return err_set(e, ERR_NOMEM, "out of memory");
	size_t n = ZSTD_decompress_usingDDict(z->unpack, to, (size_t)size, in.p + 1, in.n - 1,
					      z->from[dict]);
	if (ZSTD_isError(n) || n != size) {
		buf_reset(out);
		return damaged(e);
	}
	out->n = n;
	return 0;
}
