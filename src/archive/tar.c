/* Writing tar: see tar.h. */
#include "tar.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { BLOCK = 512, NAME = 100, PREFIX = 155 };
#define BYTES_MAX ((UINT64_C(1) << 33) - 1) /* 11 octal digits */

/* The head of an entry, as the standard lays it out. */
struct head {
	char name[NAME], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], typeflag, linkname[100], magic[6],
		version[2], uname[32], gname[32], devmajor[8], devminor[8], prefix[PREFIX], pad[12];
};
static_assert(sizeof(struct head) == BLOCK, "a head is one block");

int tar_begin(struct tar *t, int fd, int64_t mtime_s, struct err *e)
{
	*t = (struct tar){ .fd = fd, .mtime_s = mtime_s < 0 ? 0 : mtime_s };
	return crypt_sum_new(&t->sum, CRYPT_SHA256, e);
}

void tar_fini(struct tar *t)
{
	crypt_sum_free(t->sum);
	t->sum = NULL;
}

int tar_put(struct tar *t, const void *p, size_t n, struct err *e)
{
	const char *from = p;
	crypt_sum_put(t->sum, p, n);
	t->bytes += n;
	while (n > 0) {
		ssize_t put = write(t->fd, from, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == ENOSPC ? err_set(e, ERR_FULL, "no_space") : err_sys(e, errno, "writing a tar");
		from += put;
		n -= (size_t)put;
	}
	return 0;
}

/* Names longer than 100 bytes are cut at a slash into prefix and name. */
static bool put_name(struct head *h, const char *name)
{
	size_t n = strlen(name);
	if (n <= NAME) {
		memcpy(h->name, name, n);
		return true;
	}
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t front = (size_t)(slash - name), back = n - front - 1;
		if (front > PREFIX || back > NAME || back == 0)
			continue;
		memcpy(h->prefix, name, front);
		memcpy(h->name, slash + 1, back);
		return true;
	}
	return false;
}

static void octal(char *to, size_t cap, uint64_t v)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%0*llo", (int)cap - 1, (unsigned long long)v);
	memcpy(to, text, cap - 1); /* with the NUL that is there */
}

int tar_head(struct tar *t, const char *name, uint64_t bytes, struct err *e)
{
	struct head h = { .typeflag = '0' };
	unsigned sum = 0;
	if (!put_name(&h, name) || bytes > BYTES_MAX)
		return err_set(e, ERR_RANGE, "%s: name or size is more than a tar takes", name);
	octal(h.mode, sizeof(h.mode), 0444);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), bytes);
	octal(h.mtime, sizeof(h.mtime), (uint64_t)t->mtime_s);
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	memset(h.chksum, ' ', sizeof(h.chksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const unsigned char *)&h)[i];
	octal(h.chksum, sizeof(h.chksum) - 1, sum); /* six digits, NUL, space */
	h.chksum[6] = '\0';
	return tar_put(t, &h, sizeof(h), e);
}

int tar_pad(struct tar *t, struct err *e)
{
	static const char zeros[BLOCK];
	size_t over = (size_t)(t->bytes % BLOCK);
	return over ? tar_put(t, zeros, BLOCK - over, e) : 0;
}

int tar_file(struct tar *t, const char *name, struct str bytes, struct err *e)
{
	int rc = tar_head(t, name, bytes.n, e);
	if (!rc)
		rc = tar_put(t, bytes.p ? bytes.p : "", bytes.n, e);
	return rc ? rc : tar_pad(t, e);
}

int tar_end(struct tar *t, uint8_t sha256[CRYPT_SHA256_BYTES], struct err *e)
{
	static const char zeros[2 * BLOCK];
	int rc = tar_put(t, zeros, sizeof(zeros), e);
	if (!rc)
		crypt_sum_end(t->sum, sha256, NULL);
	return rc;
}
