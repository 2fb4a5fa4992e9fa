/* A pull reader for the small XML of S3's answers (XML 1.0, fifth edition): elements, text, CDATA, the five named and
 * all numeric references; attributes, comments and processing instructions are passed over. A document type is
 * refused, so there are no entities to grow. Names and text are bounded, nothing is allocated. Encoding is
 * taken as UTF-8, which is what S3 sends; text is not checked here. Any thread. */
#include "xml.h"

#include "tomsd/base/num.h"

void xml_init(struct xml *x, struct str document)
{
	memset(x, 0, sizeof(*x));
	x->rest = document;
	if (str_starts(x->rest, STR("\xef\xbb\xbf")))
		x->rest = str_sub(x->rest, 3, x->rest.n);
}

static enum xml_event bad(struct xml *x)
{
	x->is_bad = true;
	return XML_BAD;
}

static void skip(struct xml *x, size_t n)
{
	x->rest = str_sub(x->rest, n, x->rest.n);
}

/* Past the end mark that follows the first `from` bytes; false: there is none. */
static bool skip_past(struct xml *x, size_t from, struct str mark)
{
	struct str inside = str_sub(x->rest, from, x->rest.n);
	ptrdiff_t at = str_find(inside, mark);
	if (at < 0)
		return false;
	skip(x, from + (size_t)at + mark.n);
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_space(s.p[i]))
			return false;
	return true;
}

static bool add_text(struct xml *x, const char *p, size_t n)
{
	if (n > sizeof(x->text) - x->n_text)
		return false;
	memcpy(x->text + x->n_text, p, n);
	x->n_text += n;
	return true;
}

static bool add_character(struct xml *x, uint32_t c)
{
	char utf8[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	for (size_t i = n; i-- > 1; c >>= 6)
		utf8[i] = (char)(0x80 | (c & 0x3f));
	utf8[0] = (char)(first[n == 1 ? 0 : n] | c);
	return add_text(x, utf8, n);
}

/* "#10" "#xA" */
static bool number_of(struct str s, uint32_t *out)
{
	bool is_hex = s.n > 1 && s.p[1] == 'x';
	uint32_t base = is_hex ? 16 : 10, sum = 0;
	size_t from = is_hex ? 2 : 1;
	if (s.n <= from || s.n > from + 7)
		return false;
	for (size_t i = from; i < s.n; i++) {
		int digit = num_hex_digit(s.p[i]);
		if (digit < 0 || (uint32_t)digit >= base)
			return false;
		sum = sum * base + (uint32_t)digit;
	}
	*out = sum;
	return true;
}

static bool add_reference(struct xml *x, struct str name)
{
	static const struct {
		struct str name;
		uint32_t c;
	} named[] = { { STR("amp"), '&' },
		      { STR("lt"), '<' },
		      { STR("gt"), '>' },
		      { STR("quot"), '"' },
		      { STR("apos"), '\'' } };
	uint32_t c;
	if (name.n > 0 && name.p[0] == '#')
		return number_of(name, &c) && add_character(x, c);
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (str_eq(name, named[i].name))
			return add_character(x, named[i].c);
	return false;
}

static bool add_escaped(struct xml *x, struct str s)
{
	while (s.n > 0) {
		ptrdiff_t at = str_chr(s, '&');
		size_t plain = at < 0 ? s.n : (size_t)at;
		if (!add_text(x, s.p, plain))
			return false;
		s = str_sub(s, plain, s.n);
		if (s.n == 0)
			break;
		ptrdiff_t end = str_chr(str_sub(s, 0, 12), ';');
		if (end < 0 || !add_reference(x, str_sub(s, 1, (size_t)end - 1)))
			return false;
		s = str_sub(s, (size_t)end + 1, s.n);
	}
	return true;
}

/* Without the prefix of its namespace; empty: no name. */
static struct str name_of(struct str tag)
{
	size_t n = 0;
	while (n < tag.n && !is_space(tag.p[n]) && tag.p[n] != '/' && tag.p[n] != '>')
		n++;
	struct str name = str_sub(tag, 0, n);
	ptrdiff_t colon = str_chr(name, ':');
	name = colon < 0 ? name : str_sub(name, (size_t)colon + 1, name.n);
	return name.n > XML_NAME_MAX ? STR_NULL : name;
}

/* Length of a tag up to its '>', quotes of attributes respected; 0: no end. */
static size_t tag_length(struct str s)
{
	char quote = '\0';
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (quote)
			quote = c == quote ? '\0' : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '<')
			return 0;
		else if (c == '>')
			return i + 1;
	}
	return 0;
}

static enum xml_event close_element(struct xml *x)
{
	x->name = x->names[x->depth - 1];
	x->at_depth = x->depth--;
	x->has_closed = true;
	return XML_CLOSE;
}

static enum xml_event read_open(struct xml *x)
{
	struct str inside = str_sub(x->rest, 1, x->rest.n);
	size_t n = tag_length(inside);
	struct str name = name_of(str_sub(inside, 0, n));
	if (n == 0 || name.n == 0 || x->depth == XML_DEPTH_MAX ||
	    (x->depth == 0 && x->has_begun))
		return bad(x);
	x->close_next = n >= 2 && inside.p[n - 2] == '/';
	x->has_begun = true;
	x->names[x->depth++] = name;
	x->name = name;
	x->at_depth = x->depth;
	x->n_text = 0;
	skip(x, 1 + n);
	return XML_OPEN;
}

static enum xml_event read_close(struct xml *x)
{
	struct str inside = str_sub(x->rest, 2, x->rest.n);
	size_t n = tag_length(inside);
	if (n == 0 || x->depth == 0 ||
	    !str_eq(name_of(str_sub(inside, 0, n)), x->names[x->depth - 1]))
		return bad(x);
	skip(x, 2 + n);
	return close_element(x);
}

/* Comment, instruction or CDATA at '<'; false: none of them, or without an end. */
static bool read_aside(struct xml *x)
{
	if (str_starts(x->rest, STR("<?")))
		return skip_past(x, 2, STR("?>"));
	if (str_starts(x->rest, STR("<!--")))
		return skip_past(x, 4, STR("-->"));
	if (!str_starts(x->rest, STR("<![CDATA[")) || x->depth == 0)
		return false;
	const char *text = x->rest.p + 9;
	if (!skip_past(x, 9, STR("]]>")))
		return false;
	return add_text(x, text, (size_t)(x->rest.p - text) - 3);
}

enum xml_event xml_next(struct xml *x)
{
	if (x->has_closed)
		x->n_text = 0;
	x->has_closed = false;
	if (x->close_next) {
		x->close_next = false;
		return close_element(x);
	}
	while (!x->is_bad) {
		ptrdiff_t at = str_chr(x->rest, '<');
		struct str before = str_sub(x->rest, 0, at < 0 ? x->rest.n : (size_t)at);
		if (x->depth == 0 ? !is_blank(before) : !add_escaped(x, before))
			return bad(x);
		if (at < 0)
			return x->depth == 0 && x->has_begun ? XML_END : bad(x);
		skip(x, before.n);
		char second = x->rest.n > 1 ? x->rest.p[1] : '\0';
		if (second == '/')
			return read_close(x);
		if (second != '?' && second != '!')
			return read_open(x);
		if (!read_aside(x))
			return bad(x);
	}
	return XML_BAD;
}
