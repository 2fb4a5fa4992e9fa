/* Addresses of pages out of url=, hostname= and service=. Nothing is refused: a device cuts them anywhere, and
 * clients put anything into them. Any thread. */
#include "inside.h"

static bool is_scheme(struct str s)
{
	if (s.n < 2 || s.n > 10)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] | 0x20) < 'a' || (s.p[i] | 0x20) > 'z')
			return false;
	}
	return true;
}

/* "user@host:port", "[v6]:port" into host and port. */
static void take_authority(struct str authority, struct url *u)
{
	ptrdiff_t at = str_chr(authority, '@'), colon;

	if (at >= 0)
		authority = str_sub(authority, (size_t)at + 1, authority.n);
	at = authority.n && authority.p[0] == '[' ? str_chr(authority, ']') : 0;
	colon = at < 0 ? -1 : str_chr(str_sub(authority, (size_t)at, authority.n), ':');
	u->domain = colon < 0 ? authority : str_sub(authority, 0, (size_t)(at + colon));
	u->port = colon < 0 ? STR("") :
			      str_sub(authority, (size_t)(at + colon) + 1, authority.n);
	if (at > 0)
		u->domain = str_sub(authority, 1, (size_t)at - 1);
}

/* url= is a path beside hostname= mostly, a whole address at times; it may be cut anywhere and hold anything. */
bool facts_url(const struct facts *f, struct url *u)
{
	struct str url = f->v[MARK_URL], service = f->v[MARK_SERVICE];
	ptrdiff_t at = str_find(url, STR("://"));

	*u = (struct url){ .domain = f->v[MARK_HOSTNAME] };
	if (value_is_none(url))
		return false;
	if (at > 0 && is_scheme(str_sub(url, 0, (size_t)at))) {
		struct str rest = str_sub(url, (size_t)at + 3, url.n);
		size_t n = 0;

		u->is_full = true;
		u->scheme = str_sub(url, 0, (size_t)at);
		while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
			n++;
		take_authority(str_sub(rest, 0, n), u);
		url = str_sub(rest, n, rest.n);
	} else if (str_ieq(service, STR("HTTP")) || str_ieq(service, STR("HTTPS"))) {
		u->scheme = str_ieq(service, STR("HTTP")) ? STR("http") : STR("https");
	}
	at = str_chr(url, '?');
	u->path = at < 0 ? url : str_sub(url, 0, (size_t)at);
	u->query = at < 0 ? STR("") : str_sub(url, (size_t)at + 1, url.n);
	return true;
}
