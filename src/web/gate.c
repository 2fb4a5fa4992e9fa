/* The gate: rules for a request's head. libmicrohttpd in strict mode lets through what two servers
 * may read in two ways (repeated Host or Content-Length, a length beside a coding); those are refused
 * here. RFC 9112 sections 3.2, 6.1 and 6.3, RFC 9110 sections 7.2 and 12.5.3. */
#include "gate.h"

#include "tomsd/base/num.h"
#include "tomsd/record.h"

struct str head_get(const struct head *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (str_ieq(h->fields[i].name, str_of(name)))
			return h->fields[i].value;
	return STR_NULL;
}

static size_t count(const struct head *h, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < h->n; i++)
		n += str_ieq(h->fields[i].name, str_of(name));
	return n;
}

static bool is_token_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return true;
	return false;
}

bool gate_is_change(struct str method)
{
	return !str_eq(method, STR("GET")) && !str_eq(method, STR("HEAD"));
}

static bool has_field(const struct head *h, const char *name)
{
	return count(h, name) > 0;
}

static bool fields_are_sound(const struct head *h)
{
	static const char *const once[] = {
		"Host",          "Content-Length", "Transfer-Encoding",
		"Authorization", "Cookie",         "Content-Type",
		"Origin",        "X-CSRF-Token"
	};
	for (size_t i = 0; i < h->n; i++)
		if (!is_token(h->fields[i].name) || has_control(h->fields[i].value))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(once); i++)
		if (count(h, once[i]) > 1)
			return false;
	if (has_field(h, "Content-Length") && has_field(h, "Transfer-Encoding"))
		return false;
	if (has_field(h, "Transfer-Encoding") &&
	    !str_ieq(str_trim(head_get(h, "Transfer-Encoding")), STR("chunked")))
		return false;
	return has_field(h, "Host") && !has_field(h, "Upgrade");
}

uint64_t gate_length(const struct head *h)
{
	uint64_t n = 0;
	int rc = num_u64(str_trim(head_get(h, "Content-Length")), 0, UINT64_MAX, &n);
	return rc == -ERR_RANGE ? UINT64_MAX : n; /* beyond 64 bits is still a body */
}

static bool has_body(const struct head *h)
{
	return has_field(h, "Transfer-Encoding") || gate_length(h) > 0;
}

static bool is_json(struct str type)
{
	struct str left = type, name, param;
	if (!str_split(&left, ';', &name) || !str_ieq(str_trim(name), STR("application/json")))
		return false;
	while (str_split(&left, ';', &param)) {
		param = str_trim(param);
		if (!str_ieq(param, STR("charset=utf-8")) &&
		    !str_ieq(param, STR("charset=\"utf-8\"")))
			return false;
	}
	return true;
}

/* "/path?query", printable ASCII only: the rest has to be percent-encoded (RFC 3986). */
static bool target_is_sound(struct str t)
{
	if (t.n == 0 || t.p[0] != '/' || t.n > GATE_TARGET_MAX)
		return false;
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] <= 0x20 || (unsigned char)t.p[i] >= 0x7f)
			return false;
	return true;
}

struct verdict gate_head(const struct head *h)
{
	static const struct verdict fine = { 0, NULL, NULL };
	uint64_t n;
	if (h->overflow)
		return (struct verdict){ 431, "header_fields", "detail.header_fields" };
	if (!fields_are_sound(h) || !target_is_sound(h->target))
		return (struct verdict){ 400, "bad_request", "detail.header_fields" };
	if (has_field(h, "Content-Length") &&
	    num_u64(str_trim(head_get(h, "Content-Length")), 0, UINT64_MAX, &n) == -ERR_INVALID)
		return (struct verdict){ 400, "bad_request", "detail.header_fields" };
	if (!has_body(h))
		return fine;
	if (!gate_is_change(h->method))
		return (struct verdict){ 400, "bad_request", "detail.bad_request" };
	if (gate_length(h) > GATE_BODY_MAX)
		return (struct verdict){ 413, "too_large", "detail.too_large" };
	if (has_field(h, "Content-Encoding") || !is_json(head_get(h, "Content-Type")))
		return (struct verdict){ 415, "json_only", "detail.json_only" };
	return fine;
}

bool gate_host_split(struct str host, struct str *name, struct str *port)
{
	struct str rest;
	*port = STR_NULL;
	if (host.n > 0 && host.p[0] == '[') {
		ptrdiff_t end = str_chr(host, ']');
		if (end < 0)
			return false;
		*name = str_sub(host, 1, (size_t)end - 1);
		rest = str_sub(host, (size_t)end + 1, host.n);
		if (rest.n > 0 && rest.p[0] != ':')
			return false;
		*port = str_sub(rest, 1, rest.n);
	} else {
		rest = host;
		(void)str_split(&rest, ':', name);
		if (rest.p && str_chr(rest, ':') >= 0) /* an IPv6 address needs brackets */
			return false;
		*port = rest;
	}
	uint16_t number;
	if (port->n > 0 && num_u16(*port, 0, 65535, &number) != 0)
		return false;
	return name->n > 0 && name->n <= 255;
}

bool gate_host_allowed(struct str host, const char *const *names, size_t n_names,
		       const char *own_address)
{
	struct str name, port;
	struct addr asked, own;
	if (!gate_host_split(str_trim(host), &name, &port))
		return false;
	if (addr_parse(name, &asked) == 0 && addr_parse(str_of(own_address), &own) == 0 &&
	    memcmp(&asked, &own, sizeof(own)) == 0)
		return true;
	for (size_t i = 0; i < n_names; i++)
		if (str_ieq(name, str_of(names[i])))
			return true;
	return false;
}

bool gate_same_origin(const struct head *h, bool required)
{
	struct str origin = str_trim(head_get(h, "Origin")),
		   site = str_trim(head_get(h, "Sec-Fetch-Site"));
	if (site.n > 0 && !str_ieq(site, STR("same-origin")))
		return false;
	if (origin.n == 0)
		return !required;
	return str_starts(origin, STR("https://")) &&
	       str_ieq(str_sub(origin, 8, origin.n), str_trim(head_get(h, "Host")));
}

struct str gate_cookie(struct str cookies, struct str name)
{
	struct str left = cookies, pair, key, found = STR_NULL;
	while (str_split(&left, ';', &pair)) {
		pair = str_trim(pair);
		if (!str_split(&pair, '=', &key) || !str_eq(key, name))
			continue;
		if (found.p)
			return STR_NULL;
		found = pair;
	}
	return found;
}

struct str gate_bearer(struct str authorization)
{
	struct str s = str_trim(authorization);
	if (s.n < 8 || !str_ieq(str_sub(s, 0, 7), STR("Bearer ")))
		return STR_NULL;
	return str_trim(str_sub(s, 7, s.n));
}

/* "gzip;q=0" refuses it. */
static bool is_refused(struct str params)
{
	struct str p = str_trim(params);
	if (p.n < 3 || (p.p[0] | 0x20) != 'q' || p.p[1] != '=')
		return false;
	for (size_t i = 2; i < p.n; i++)
		if (p.p[i] != '0' && p.p[i] != '.')
			return false;
	return true;
}

bool gate_takes_gzip(struct str accept_encoding)
{
	struct str left = accept_encoding, item, name;
	while (str_split(&left, ',', &item))
		if (str_split(&item, ';', &name) && str_ieq(str_trim(name), STR("gzip")))
			return !is_refused(item);
	return false;
}

bool gate_etag_matches(struct str if_none_match, const char *etag)
{
	struct str left = if_none_match, item;
	while (str_split(&left, ',', &item)) {
		item = str_trim(item);
		if (str_eq(item, STR("*")))
			return true;
		if (str_starts(item, STR("W/")))
			item = str_sub(item, 2, item.n);
		if (item.n >= 2 && item.p[0] == '"' && item.p[item.n - 1] == '"' &&
		    str_eq(str_sub(item, 1, item.n - 2), str_of(etag)))
			return true;
	}
	return false;
}
