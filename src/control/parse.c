/* The head of a local request (RFC 9112, sections 3 and 5): request line and the few fields that
 * matter. Strict: what is not understood is refused. Any thread. */
#include "local.h"
#include "tomsd/base/num.h"

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 'A' || s.p[i] > 'Z')
			return false;
	return s.n > 0 && s.n <= 10;
}

static bool is_target(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return s.n > 0 && s.p[0] == '/';
}

/* "GET /path?query HTTP/1.1"; the version may be left out. */
static int parse_line(struct str line, struct control_head *out)
{
	struct str target, version = STR_NULL;
	if (!str_split(&line, ' ', &out->method) || !str_split(&line, ' ', &target))
		return -ERR_INVALID;
	if (str_split(&line, ' ', &version) && !str_starts(version, STR("HTTP/1.")))
		return -ERR_INVALID;
	struct str rest;
	if (str_split(&line, ' ', &rest) || !is_token(out->method) || !is_target(target))
		return -ERR_INVALID;
	ptrdiff_t mark = str_chr(target, '?');
	out->path = mark < 0 ? target : str_sub(target, 0, (size_t)mark);
	out->query = mark < 0 ? STR_NULL : str_sub(target, (size_t)mark + 1, target.n);
	return 0;
}

static int parse_field(struct str name, struct str value, struct control_head *out)
{
	uint64_t n;
	if (str_ieq(name, STR("Content-Length"))) {
		int rc = num_u64(value, 0, CONTROL_BODY_MAX, &n);
		if (rc)
			return rc;
		out->body_bytes = (size_t)n;
	} else if (str_ieq(name, STR("Transfer-Encoding"))) {
		return -ERR_INVALID; /* bodies come with their length */
	} else if (str_ieq(name, STR("Accept-Language"))) {
		if (str_ieq(str_sub(value, 0, 2), STR("ja")))
			memcpy(out->lang, "ja", sizeof("ja"));
	} else if (str_ieq(name, STR("If-Match"))) {
		if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
			value = str_sub(value, 1, value.n - 2);
		out->etag = value;
	}
	return 0;
}

int control_parse(struct str head, struct control_head *out)
{
	struct str line;
	*out = (struct control_head){ .lang = "en" };
	for (bool first = true; str_split(&head, '\n', &line); first = false) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (first) {
			int rc = parse_line(line, out);
			if (rc)
				return rc;
			continue;
		}
		ptrdiff_t colon = str_chr(line, ':');
		if (colon <= 0)
			return -ERR_INVALID;
		struct str name = str_sub(line, 0, (size_t)colon);
		int rc = parse_field(name, str_trim(str_sub(line, (size_t)colon + 1, line.n)),
				     out);
		if (rc)
			return rc;
	}
	return 0;
}

size_t control_head_end(struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		if (bytes.p[i] != '\n')
			continue;
		if (i + 1 < bytes.n && bytes.p[i + 1] == '\n')
			return i + 2;
		if (i + 2 < bytes.n && bytes.p[i + 1] == '\r' && bytes.p[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}
