/* Packs from a disk that lies: any bytes are a pack or -ERR_CORRUPT, in bounded memory. The first byte says
 * which reader gets them: a frame of zstd, what is in one, or one column. */
#include <stdlib.h>

#include "../../src/store/pack.h"
#include "../../src/store/zip.h"

static void try_columns(struct str in)
{
	static struct pack_head h;
	static int64_t nums[PACK_ROWS], base[PACK_ROWS];
	static struct str texts[PACK_ROWS];
	struct rd rd = rd_of(in.p, in.n);
	size_t n_cols = in.n % (PACK_COLS_MAX + 1);
	if (pack_get_ids(&rd, &h) || pack_get_cols(&rd, &h, n_cols))
		return;
	for (size_t i = 1; i < h.n; i++)
		assert(h.ids[i] > h.ids[i - 1]);
	for (size_t i = 0; i < n_cols; i++) {
		(void)!pack_get_nums(h.cols[i], h.n, i ? base : NULL, nums);
		if (pack_get_texts(h.cols[i], h.n, texts))
			continue;
		for (size_t k = 0; k < h.n; k++)
			assert(!texts[k].n || (texts[k].p >= in.p && texts[k].p + texts[k].n <= in.p + in.n));
	}
}

static void try_column(struct str in)
{
	static int64_t nums[PACK_ROWS], base[PACK_ROWS];
	static struct str texts[PACK_ROWS];
	size_t n = in.n ? (uint8_t)in.p[0] + 1u : 1;
	struct str rest = str_sub(in, 1, in.n);
	(void)!pack_get_nums(rest, n, base, nums);
	(void)!pack_get_texts(rest, n, texts);
	(void)!pack_get_lines(rest, n, texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct zip *z;
	struct err e = ERR_INIT;
	struct buf out;
	struct str in = str_n((const char *)data + 1, n ? n - 1 : 0);
	if (!n)
		return 0;
	switch (data[0] % 3) {
	case 0:
		if (!z && zip_new(&z, &e))
			abort();
		buf_init(&out, PACK_FRAME_MAX + 8192);
		if (zip_unpack(z, in, PACK_FRAME_MAX, &out, &e) == 0)
			try_columns(buf_view(&out));
		else
			assert(e.code == ERR_CORRUPT);
		buf_fini(&out);
		break;
	case 1:
		try_columns(in);
		break;
	default:
		try_column(in);
	}
	return 0;
}
