/* Numbers and outside text for a person at a terminal. */
#include <stdlib.h>

#include "ctl.h"

void text_bytes(uint64_t n, char out[16])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double v = (double)n;
	size_t u = 0;
	while (v >= 999.5 && u + 1 < ARRAY_LEN(units)) {
		v /= 1000;
		u++;
	}
	(void)snprintf(out, 16, u && v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void text_duration(int64_t seconds, char out[32])
{
	long long s = seconds > 0 ? seconds : 0;
	if (s < 120)
		(void)snprintf(out, 32, "%lld s", s);
	else if (s < 7200)
		(void)snprintf(out, 32, "%lld min", s / 60);
	else if (s < 2 * 86400)
		(void)snprintf(out, 32, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		(void)snprintf(out, 32, "%lld d %lld h", s / 86400, s % 86400 / 3600);
}

void print_clean(FILE *to, const char *text)
{
	char clean[1024];
	str_copy_clean(clean, sizeof(clean), str_of(text));
	(void)fputs(clean, to);
}

/* Characters, not bytes, as far as a terminal's columns can be told without tables. */
static int columns_of(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void print_cell(const char *text, int width, bool right)
{
	char clean[256];
	str_copy_clean(clean, sizeof(clean), str_of(text));
	int pad = width - columns_of(clean);
	if (right)
		(void)printf("%*s%s  ", pad > 0 ? pad : 0, "", clean);
	else
		(void)printf("%s%*s  ", clean, pad > 0 ? pad : 0, "");
}

const char *json_member_text(const struct json_doc *d, const struct json_node *o,
			     const char *name, char *out, size_t cap)
{
	const struct json_node *n = json_get(d, o, name);
	if (!n || !json_text(n, out, cap))
		out[0] = '\0';
	return out;
}

int64_t json_member_int(const struct json_doc *d, const struct json_node *o, const char *name)
{
	const struct json_node *n = json_get(d, o, name);
	int64_t v;
	return n && json_int(n, &v) ? v : 0;
}

bool json_member_true(const struct json_doc *d, const struct json_node *o, const char *name)
{
	const struct json_node *n = json_get(d, o, name);
	return n && n->type == JSON_TRUE;
}
