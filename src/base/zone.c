/* See base/zone.h. Reads TZif files, version 1 or later (RFC 9636 section 3): of a later version the block of
 * 64-bit times. What comes after the last transition keeps its offset: Debian's files reach to 2037. */
#include "tomsd/base/zone.h"

#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/base/rd.h"

#define FOLDER "/usr/share/zoneinfo/"
#define FILE_MAX (256u << 10)
#define TRANSITIONS_MAX 4096u
#define TYPES_MAX 256u
#define OFFSET_MAX (26 * 3600) /* RFC 9636 3.2 */

struct zone {
	int32_t first; /* before the first transition */
	size_t n;
	struct {
		int64_t at_s;
		int32_t offset;
	} t[];
};

struct head {
	uint8_t version;
	uint32_t utc, std, leaps, times, types, chars;
};

static bool head_read(struct rd *r, struct head *h)
{
	const uint8_t *magic = rd_take(r, 4);
	if (!magic || memcmp(magic, "TZif", 4) != 0)
		return false;
	h->version = rd_u8(r);
	(void)rd_take(r, 15);
	h->utc = rd_u32(r);
	h->std = rd_u32(r);
	h->leaps = rd_u32(r);
	h->times = rd_u32(r);
	h->types = rd_u32(r);
	h->chars = rd_u32(r);
	return rd_ok(r) && h->times <= TRANSITIONS_MAX && h->types >= 1 &&
	       h->types <= TYPES_MAX && h->leaps <= TRANSITIONS_MAX && h->utc <= TYPES_MAX &&
	       h->std <= TYPES_MAX && h->chars <= FILE_MAX;
}

static size_t body_bytes(const struct head *h, size_t time_bytes)
{
	return h->times * (time_bytes + 1) + h->types * 6 + h->chars +
	       h->leaps * (time_bytes + 4) + h->std + h->utc;
}

static int64_t time_read(struct rd *r, size_t time_bytes)
{
	return time_bytes == 8 ? (int64_t)rd_u64(r) : (int32_t)rd_u32(r);
}

static struct zone *body_read(struct rd *r, const struct head *h, size_t time_bytes)
{
	int32_t offsets[TYPES_MAX] = { 0 };
	uint8_t types[TRANSITIONS_MAX];
	struct zone *z = calloc(1, sizeof(*z) + h->times * sizeof(z->t[0]));
	if (!z)
		return NULL;
	for (size_t i = 0; i < h->times; i++)
		z->t[i].at_s = time_read(r, time_bytes);
	for (size_t i = 0; i < h->times; i++)
		types[i] = rd_u8(r);
	bool good = true;
	for (size_t i = 0; i < h->types; i++) {
		offsets[i] = (int32_t)rd_u32(r);
		(void)rd_take(r, 2);
		good &= offsets[i] > -OFFSET_MAX && offsets[i] < OFFSET_MAX;
	}
	for (size_t i = 0; good && i < h->times; i++) {
		good = types[i] < h->types && (i == 0 || z->t[i].at_s > z->t[i - 1].at_s);
		z->t[i].offset = good ? offsets[types[i]] : 0;
	}
	z->first = offsets[0];
	z->n = h->times;
	if (good && rd_ok(r))
		return z;
	free(z);
	return NULL;
}

static struct zone *file_parse(struct str text)
{
	struct head h;
	struct rd r;
	r = rd_of(text.p, text.n);
	if (!head_read(&r, &h))
		return NULL;
	if (h.version < '2')
		return body_read(&r, &h, 4);
	(void)rd_take(&r, body_bytes(&h, 4));
	return head_read(&r, &h) ? body_read(&r, &h, 8) : NULL;
}

/* "+09:00", "+0900", "UTC", "Z". */
static bool fixed(struct str name, int32_t *offset)
{
	uint16_t hours, minutes = 0;
	if (str_ieq(name, STR("utc")) || str_eq(name, STR("Z"))) {
		*offset = 0;
		return true;
	}
	if (name.n < 3 || (name.p[0] != '+' && name.p[0] != '-') ||
	    num_u16(str_sub(name, 1, 2), 0, 14, &hours) != 0)
		return false;
	struct str rest = str_sub(name, 3, name.n);
	if (rest.n > 0 && rest.p[0] == ':')
		rest = str_sub(rest, 1, rest.n);
	if (name.n > 3 && (rest.n != 2 || num_u16(rest, 0, 59, &minutes) != 0))
		return false;
	*offset = (hours * 3600 + minutes * 60) * (name.p[0] == '-' ? -1 : 1);
	return true;
}

static bool name_is_safe(struct str name)
{
	if (name.n == 0 || name.n > 40 || name.p[0] == '/')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				 (c >= '0' && c <= '9');
		if (!is_letter && c != '/' && c != '_' && c != '-' && c != '+')
			return false;
	}
	return true;
}

static int unknown(struct str name, struct err *e)
{
	char shown[64];
	str_copy_clean(shown, sizeof(shown), name);
	return err_set(e, ERR_INVALID, "%s is not a time zone, say Asia/Tokyo, UTC or +09:00",
		       shown);
}

int zone_load(struct zone **out, struct str name, struct err *e)
{
	char path[96];
	struct buf b;
	struct zone *z = NULL;
	int32_t offset;
	if (fixed(name, &offset)) {
		z = calloc(1, sizeof(*z));
		if (!z)
			return err_set(e, ERR_NOMEM, "no memory for a time zone");
		z->first = offset;
		*out = z;
		return 0;
	}
	if (!name_is_safe(name))
		return unknown(name, e);
	(void)snprintf(path, sizeof(path), FOLDER "%.*s", (int)name.n, name.p);
	buf_init(&b, FILE_MAX);
	struct err ignored = ERR_INIT;
	if (file_read(path, FILE_MAX, &b, &ignored) == 0)
		z = file_parse(buf_view(&b));
	buf_fini(&b);
	if (!z)
		return unknown(name, e);
	*out = z;
	return 0;
}

void zone_free(struct zone *z)
{
	free(z);
}

int32_t zone_at(const struct zone *z, int64_t utc_ns)
{
	if (!z)
		return 0;
	int64_t s = utc_ns / NS_PER_S;
	size_t low = 0, high = z->n; /* the last transition that is not after s */
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (z->t[mid].at_s <= s)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? z->t[low - 1].offset : z->first;
}

int32_t zone_at_local(const struct zone *z, int64_t local_ns)
{
	if (!z || z->n == 0)
		return z ? z->first : 0;
	int32_t before = zone_at(z, local_ns - 86400 * NS_PER_S);
	int32_t then = zone_at(z, local_ns - before * NS_PER_S);
	return then == before                                 ? before :
	       zone_at(z, local_ns - then * NS_PER_S) == then ? then :
								before;
}

int zone_check(struct str name, struct err *e)
{
	struct zone *z = NULL;
	int rc = zone_load(&z, name, e);
	zone_free(z);
	return rc;
}
