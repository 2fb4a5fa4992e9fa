/* See answer.h. HTTP/1.1 of RFC 9110 and 9112: names are tokens in any case, values lose the blanks around them,
 * a line that begins with a blank goes on with the one before (obs-fold). Any thread. */
#include "answer.h"

void http_answer_init(struct http_answer *a)
{
	*a = (struct http_answer){ .status = 0 };
	buf_init(&a->body, 0);
	buf_init(&a->headers, ANSWER_HEADERS_MAX);
}

void http_answer_fini(struct http_answer *a)
{
	buf_fini(&a->body);
	buf_fini(&a->headers);
}

struct str http_answer_header(const struct http_answer *a, const char *name)
{
	struct str rest = buf_view(&a->headers), line, wanted = str_of(name);
	while (str_split(&rest, '\n', &line)) {
		if (str_starts(line, wanted) && line.n > wanted.n && line.p[wanted.n] == ':')
			return str_trim(str_sub(line, wanted.n + 1, line.n));
	}
	return STR_NULL;
}

static bool is_token(struct str s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], low = (char)(c | 0x20);
		bool plain = (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z');
		if (!plain && (c == '\0' || !strchr(marks, c)))
			return false;
	}
	return s.n > 0;
}

void answer_head_begin(struct answer_head *h, struct buf *out)
{
	*h = (struct answer_head){ .out = out };
	buf_reset(out);
}

/* What is left of a value: nothing that would end our line or show as another. */
static void value_put(struct buf *out, struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		buf_char(out, (uint8_t)value.p[i] < 0x20 ? ' ' : value.p[i]);
	buf_char(out, '\n');
}

static void folded(struct buf *out, struct str more)
{
	if (out->n == 0 || buf_failed(out))
		return;
	out->n--; /* the end of the line before */
	buf_char(out, ' ');
	value_put(out, more);
}

void answer_head_line(struct answer_head *h, struct str line, int status)
{
	struct str value = line, name;
	if (h->is_done)
		return;
	if (str_starts(line, STR("HTTP/"))) {
		buf_reset(h->out);
		return;
	}
	if (str_trim(line).n == 0) {
		h->is_done = status >= 200;
		return;
	}
	if (line.p[0] == ' ' || line.p[0] == '\t') {
		folded(h->out, str_trim(line));
		return;
	}
	if (!str_split(&value, ':', &name) || !is_token(name))
		return; /* no header of anybody's */
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		buf_char(h->out, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
	}
	buf_cstr(h->out, ": ");
	value_put(h->out, str_trim(value));
}

static struct str after_scheme(struct str url)
{
	ptrdiff_t at = str_find(url, STR("://"));
	return at < 0 ? STR_NULL : str_sub(url, (size_t)at + 3, url.n);
}

struct str request_host(const struct http_request *rq)
{
	struct str rest = after_scheme(str_of(rq->url)), host = rest;
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == '/' || rest.p[i] == '?') {
			host.n = i;
			break;
		}
	return host;
}

static const char *url_fault(const struct http_request *rq, bool plain_allowed)
{
	struct str url = str_of(rq->url);
	bool is_plain = str_starts(url, STR("http://"));
	if (!is_plain && !str_starts(url, STR("https://")))
		return "the address does not begin with https://";
	if (is_plain && !plain_allowed)
		return "the address begins with http://, which is not encrypted; use https://";
	for (size_t i = 0; i < url.n; i++)
		if ((uint8_t)url.p[i] <= 0x20 || (uint8_t)url.p[i] >= 0x7f || url.p[i] == '#' ||
		    url.p[i] == '\\')
			return "the address holds characters that must be escaped (%XX)";
	if (request_host(rq).n == 0)
		return "the address names no server";
	if (str_chr(request_host(rq), '@') >= 0)
		return "the address holds a user name; take it out";
	return NULL;
}

static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((uint8_t)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

const char *request_fault(const struct http_request *rq, bool plain_allowed)
{
	if (!is_token(str_of(rq->method)))
		return "the method is no word of HTTP";
	for (size_t i = 0; i < rq->n_headers; i++) {
		if (!is_token(str_of(rq->headers[i].name)))
			return "a header has a name that HTTP does not allow";
		if (!is_value(str_of(rq->headers[i].value)))
			return "a header's value holds control characters (a line end in a key or name?)";
	}
	return url_fault(rq, plain_allowed);
}
