/* The query language, first half: text into words. What the words mean for a record is filter.c.
 *
 *   query  = word *( space word )
 *   word   = [ "-" ] ( key op value | value )
 *   key    = letter or "@" *( letter / digit / "_" / "." / "@" )
 *   op     = ":" / "=" / "!=" / ">=" / ">" / "<=" / "<"
 *   value  = *( any but space ) / DQUOTE *( any / "\" any ) DQUOTE
 *
 * A value alone is text to look for, or a host when it reads as an address, a range or a MAC. Pure
 * functions; any thread. */
#include <stdio.h>

#include "tomsd/base/num.h"
#include "tomsd/store.h"

enum { SHOWN_MAX = 60 }; /* of a wrong part in an error */

static const char *const ops[] = { "!=", ">=", "<=", ":", "=", ">", "<" }; /* longer first */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '@' || c == '_';
}

static bool is_key_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '.';
}

static int wrong(struct err *e, struct str part, const char *what)
{
	char shown[SHOWN_MAX];

	str_copy_clean(shown, sizeof(shown), part);
	return err_set(e, ERR_INVALID, "\"%s\": %s", shown, what);
}

/* The operator at the front of s, or NULL. */
static const char *op_at(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (str_starts(s, str_of(ops[i])))
			return ops[i];
	}
	return NULL;
}

/* Takes a quoted value off *s; out[cap] gets it without quotes and backslashes. */
static int take_quoted(struct str *s, char *out, size_t cap, struct err *e)
{
	struct str whole = *s;
	size_t n = 0, i = 1;

	for (; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && i + 1 < s->n)
			i++;
		if (n + 1 >= cap)
			return wrong(e, whole, "too long, at most 255 bytes");
		out[n++] = s->p[i];
	}
	if (i >= s->n)
		return wrong(e, whole, "the closing quotation mark is missing");
	out[n] = '\0';
	*s = str_sub(*s, i + 1, s->n);
	if (s->n && !is_space(s->p[0]))
		return wrong(e, whole, "a space belongs behind the closing quotation mark");
	return 0;
}

static int take_value(struct str *s, char *out, size_t cap, struct err *e)
{
	size_t n = 0;

	if (s->n && s->p[0] == '"')
		return take_quoted(s, out, cap, e);
	while (n < s->n && !is_space(s->p[n]))
		n++;
	if (n >= cap)
		return wrong(e, *s, "too long, at most 255 bytes");
	(void)str_copy(out, cap,
		       str_sub(*s, 0, n)); /* fits; may end at a broken UTF-8 sequence */
	*s = str_sub(*s, n, s->n);
	return 0;
}

/* A bare word that is an address, a range or a MAC is meant as one. */
static bool reads_as_host(struct str s)
{
	struct cidr range;
	uint8_t mac[6];

	return cidr_parse(s, &range) == 0 || (s.n != 12 && mac_parse(s, mac) == 0);
}

/* Length of "key" when "key op" stands at the front, else 0. */
static size_t key_length(struct str s)
{
	size_t n = 0;

	if (!s.n || !is_letter(s.p[0]))
		return 0;
	while (n < s.n && is_key_char(s.p[n]))
		n++;
	return op_at(str_sub(s, n, s.n)) ? n : 0;
}

static struct str first_part(struct str s)
{
	size_t n = 0;

	while (n < s.n && !is_space(s.p[n]))
		n++;
	return str_sub(s, 0, n);
}

/* Fills *w from the front of *s, which stands on no space. */
static int take_word(struct str *s, struct query_word *w, struct err *e)
{
	struct str whole = first_part(*s);
	size_t key_n;
	const char *op;

	*w = (struct query_word){ .op = ":" };
	if (s->p[0] == '-') {
		w->negate = true;
		*s = str_sub(*s, 1, s->n);
		if (!s->n || is_space(s->p[0]))
			return wrong(e, whole,
				     "a minus excludes what follows it, and nothing does");
	}
	key_n = reads_as_host(first_part(*s)) ? 0 : key_length(*s);
	if (!key_n) {
		bool quoted = s->p[0] == '"';

		if (take_value(s, w->value, sizeof(w->value), e))
			return -e->code;
		(void)str_copy(w->key, sizeof(w->key),
			       !quoted && reads_as_host(str_of(w->value)) ? STR("host") :
									    STR("text"));
	} else {
		op = op_at(str_sub(*s, key_n, s->n));
		if (!str_copy(w->key, sizeof(w->key), str_sub(*s, 0, key_n)))
			return wrong(e, whole, "no field has such a long name");
		(void)str_copy(w->op, sizeof(w->op), str_of(op));
		*s = str_sub(*s, key_n + strlen(op), s->n);
		if (take_value(s, w->value, sizeof(w->value), e))
			return -e->code;
	}
	return w->value[0] ?
		       0 :
		       wrong(e, whole, "there is no value; write key:value or key:\"a value\"");
}

int query_parse(struct query *q, struct str text, struct err *e)
{
	struct query made = *q;
	struct err own = ERR_INIT;

	if (!str_utf8_valid(text))
		return err_set(e, ERR_INVALID, "the query is not UTF-8 text");
	if (memchr(text.p ? text.p : "", 0, text.n))
		return err_set(e, ERR_INVALID, "the query has a NUL byte in it");
	for (text = str_trim(text); text.n; text = str_trim(text)) {
		if (made.n_words == QUERY_WORDS_MAX)
			return err_set(e, ERR_INVALID, "more than %d filters; leave some out",
				       QUERY_WORDS_MAX);
		if (take_word(&text, &made.words[made.n_words], &own))
			return err_set(e, ERR_INVALID, "%s", own.text);
		made.n_words++;
	}
	*q = made;
	return 0;
}

static bool is_op(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (strcmp(op, ops[i]) == 0)
			return true;
	}
	return false;
}

int query_add(struct query *q, const char *key, const char *op, const char *value,
	      struct err *e)
{
	struct query_word w = { .negate = false };
	struct str name = str_of(key);

	if (name.n && name.p[0] == '-') {
		w.negate = true;
		name = str_sub(name, 1, name.n);
	}
	if (q->n_words == QUERY_WORDS_MAX)
		return err_set(e, ERR_INVALID, "more than %d filters; leave some out",
			       QUERY_WORDS_MAX);
	if (!name.n || !str_copy(w.key, sizeof(w.key), name))
		return wrong(e, name, "no field has such a name");
	if (!is_op(op))
		return wrong(e, str_of(op),
			     "no such comparison; write one of : = != > >= < <=");
	(void)str_copy(w.op, sizeof(w.op), str_of(op)); /* is_op: fits */
	if (!value[0] || !str_utf8_valid(str_of(value)))
		return wrong(e, name, "there is no value, or it is not UTF-8 text");
	if (!str_copy(w.value, sizeof(w.value), str_of(value)))
		return wrong(e, str_of(value), "too long, at most 255 bytes");
	q->words[q->n_words++] = w;
	return 0;
}
