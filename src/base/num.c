/* Numbers from text, strictly. Any thread. */
#include "tomsd/base/num.h"

#include "tomsd/base/err.h"

/* All of s as decimal digits; overflow is ERR_RANGE only when the rest are digits too. */
static int digits(struct str s, uint64_t *out)
{
	uint64_t v = 0;
	bool too_big = false;
	if (s.n == 0)
		return -ERR_INVALID;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -ERR_INVALID;
		too_big |= ckd_mul(&v, v, UINT64_C(10));
		too_big |= ckd_add(&v, v, (uint64_t)(s.p[i] - '0'));
	}
	if (too_big)
		return -ERR_RANGE;
	*out = v;
	return 0;
}

int num_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int rc = digits(s, &v);
	if (rc)
		return rc;
	if (v < min || v > max)
		return -ERR_RANGE;
	*out = v;
	return 0;
}

int num_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;
	int rc = digits(minus ? str_sub(s, 1, s.n) : s, &v);
	if (rc)
		return rc;
	if (v > (uint64_t)INT64_MAX + minus)
		return -ERR_RANGE;
	int64_t i = minus ? (int64_t)(0 - v) : (int64_t)v;
	if (i < min || i > max)
		return -ERR_RANGE;
	*out = i;
	return 0;
}

int num_u32(struct str s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t v;
	int rc = num_u64(s, min, max, &v);
	if (rc == 0)
		*out = (uint32_t)v;
	return rc;
}

int num_u16(struct str s, uint16_t min, uint16_t max, uint16_t *out)
{
	uint64_t v;
	int rc = num_u64(s, min, max, &v);
	if (rc == 0)
		*out = (uint16_t)v;
	return rc;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits and then one of the units, exactly. */
static int with_unit(struct str s, const struct unit *units, size_t n_units, uint64_t *out)
{
	size_t n = 0;
	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	struct str unit = str_sub(s, n, s.n);
	for (size_t i = 0; i < n_units; i++) {
		if (!str_ieq(unit, str_of(units[i].name)))
			continue;
		uint64_t v;
		int rc = digits(str_sub(s, 0, n), &v);
		if (rc)
			return rc;
		if (ckd_mul(&v, v, units[i].factor))
			return -ERR_RANGE;
		*out = v;
		return 0;
	}
	return -ERR_INVALID;
}

int num_size(struct str s, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "K", UINT64_C(1) << 10 },
		{ "M", UINT64_C(1) << 20 },
		{ "G", UINT64_C(1) << 30 },
		{ "T", UINT64_C(1) << 40 },
		{ "KB", UINT64_C(1000) },
		{ "MB", UINT64_C(1000000) },
		{ "GB", UINT64_C(1000000000) },
		{ "TB", UINT64_C(1000000000000) },
	};
	return with_unit(s, units, ARRAY_LEN(units), bytes);
}

int num_duration(struct str s, int64_t *ns)
{
	static const struct unit units[] = {
		{ "ms", NS_PER_MS },       { "s", NS_PER_S },
		{ "m", 60 * NS_PER_S },    { "h", 3600 * NS_PER_S },
		{ "d", 86400 * NS_PER_S }, { "w", 7 * 86400 * NS_PER_S },
	};
	uint64_t v;
	int rc = with_unit(s, units, ARRAY_LEN(units), &v);
	if (rc)
		return rc;
	if (v > INT64_MAX)
		return -ERR_RANGE;
	*ns = (int64_t)v;
	return 0;
}

int num_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
