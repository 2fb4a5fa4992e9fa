/* The configuration file, line by line: [section], [section "label"], key = value, # comment.
 * Every line is judged by itself, so that one run tells of all errors. */
#include <stdio.h>

#include "opt_conf.h"
#include "tomsd/base/file.h"

/* Outside text on its way into an error: short, clean, on one line. */
struct shown {
	char text[48];
};

static struct shown show(struct str s)
{
	struct shown sh;
	str_copy_clean(sh.text, sizeof(sh.text), str_sub(s, 0, sizeof(sh.text) - 1));
	return sh;
}

void conf_complain(struct conf_report *r, int line, const char *key, const char *fmt, ...)
{
	if (r->count++ >= CONF_ERRORS_MAX)
		return;
	if (line == CONF_BY_OVERRIDE)
		buf_cstr(r->out, "command line:");
	else if (line > 0)
		buf_fmt(r->out, "%s:%d:", r->file, line);
	else
		buf_fmt(r->out, "%s:", r->file);
	if (r->group && r->group->label)
		buf_fmt(r->out, " [%s \"%s\"]", r->group->section->name, r->group->label);
	else if (r->group)
		buf_fmt(r->out, " [%s]", r->group->section->name);
	if (key)
		buf_fmt(r->out, " %s:", key);
	buf_char(r->out, ' ');
	va_list ap;
	va_start(ap, fmt);
	buf_vfmt(r->out, fmt, ap);
	va_end(ap);
	buf_char(r->out, '\n');
	if (r->count == CONF_ERRORS_MAX)
		buf_fmt(r->out, "%s: %d errors are enough, the rest is left out\n", r->file,
			CONF_ERRORS_MAX);
}

/* The value ends at the line's end or at a # behind white space; one in quotes at the second
 * quote, \" and \\ inside standing for themselves. out holds at least the text's length. */
static int unquote(struct str *value, char out[CONF_LINE_MAX], bool *quoted, struct err *e)
{
	struct str v = *value;
	*quoted = v.n > 0 && v.p[0] == '"';
	if (!*quoted) {
		for (size_t i = 0; i < v.n; i++)
			if (v.p[i] == '#' &&
			    (i == 0 || v.p[i - 1] == ' ' || v.p[i - 1] == '\t'))
				v.n = i;
		*value = str_trim(v);
		return 0;
	}
	size_t n = 0, i = 1;
	for (; i < v.n && v.p[i] != '"'; i++) {
		if (v.p[i] == '\\' && i + 1 < v.n && (v.p[i + 1] == '"' || v.p[i + 1] == '\\'))
			i++;
		out[n++] = v.p[i];
	}
	if (i >= v.n)
		return err_set(e, ERR_INVALID, "the closing quote is missing");
	struct str rest = str_trim(str_sub(v, i + 1, v.n));
	if (rest.n > 0 && rest.p[0] != '#')
		return err_set(e, ERR_INVALID, "text behind the closing quote");
	*value = str_n(out, n);
	return 0;
}

static const struct conf_section *find_section(const struct conf *c, struct str name,
					       bool labelled)
{
	for (size_t i = 0; i < c->n_sections; i++)
		if (c->sections[i].labelled == labelled &&
		    str_eq(name, str_of(c->sections[i].name)))
			return &c->sections[i];
	return NULL;
}

static void complain_section(const struct conf *c, struct str name, bool labelled, int line,
			     struct conf_report *r)
{
	const char *names[64], *guess;
	size_t n = 0;
	struct shown sh = show(name);
	r->group = NULL;
	if (find_section(c, name, !labelled)) {
		if (labelled)
			conf_complain(r, line, NULL, "[%s] takes no label", sh.text);
		else
			conf_complain(r, line, NULL, "[%s] needs a label: [%s \"name\"]",
				      sh.text, sh.text);
		return;
	}
	for (size_t i = 0; i < c->n_sections && n < ARRAY_LEN(names); i++)
		names[n++] = c->sections[i].name;
	guess = conf_guess(name, names, n);
	if (guess)
		conf_complain(r, line, NULL, "unknown section [%s], did you mean [%s]?",
			      sh.text, guess);
	else
		conf_complain(r, line, NULL, "unknown section [%s]", sh.text);
}

static bool label_is_fine(struct str label)
{
	return label.n > 0 && label.n <= CONF_LABEL_MAX && str_chr(label, '"') < 0 &&
	       str_chr(label, '\\') < 0;
}

/* The group of that name, made when it is a labelled one and new; NULL after a complaint. */
static struct conf_group *enter_group(struct conf *c, struct str name, bool labelled,
				      struct str label, int line, struct conf_report *r)
{
	const struct conf_section *s = find_section(c, name, labelled);
	r->group = NULL;
	if (!s) {
		complain_section(c, name, labelled, line, r);
		return NULL;
	}
	if (labelled && !label_is_fine(label)) {
		conf_complain(r, line, NULL,
			      "a label has 1 to %d bytes and no quotes or backslashes",
			      CONF_LABEL_MAX);
		return NULL;
	}
	struct conf_group *g = conf_group_find(c, s->name, labelled ? label : STR_NULL);
	if (g)
		return g;
	if (c->n_groups - c->n_plain >= CONF_LABELS_MAX) {
		conf_complain(r, line, NULL, "more than %d sections with labels",
			      CONF_LABELS_MAX);
		return NULL;
	}
	g = conf_group_add(c, s, label);
	if (!g)
		conf_complain(r, line, NULL, "out of memory");
	return g;
}

/* "[name]" or "[name "label"]", perhaps with a comment behind it. */
static struct conf_group *read_header(struct conf *c, struct str text, int line,
				      struct conf_report *r)
{
	ptrdiff_t end = -1;
	bool in_label = false;
	for (size_t i = 1; i < text.n && end < 0; i++) {
		in_label ^= text.p[i] == '"';
		if (text.p[i] == ']' && !in_label)
			end = (ptrdiff_t)i;
	}
	r->group = NULL;
	struct str rest = end < 0 ? STR_NULL : str_trim(str_sub(text, (size_t)end + 1, text.n));
	if (end < 0 || (rest.n > 0 && rest.p[0] != '#')) {
		conf_complain(r, line, NULL, "a section is written [name] or [name \"label\"]");
		return NULL;
	}
	struct str name = str_trim(str_sub(text, 1, (size_t)end - 1)), label = STR_NULL;
	ptrdiff_t quote = str_chr(name, '"');
	if (quote >= 0) {
		label = str_sub(name, (size_t)quote + 1, name.n);
		name = str_trim(str_sub(name, 0, (size_t)quote));
		if (!str_ends(label, STR("\""))) {
			conf_complain(r, line, NULL,
				      "a section is written [name] or [name \"label\"]");
			return NULL;
		}
		label.n--;
	}
	return enter_group(c, name, quote >= 0, label, line, r);
}

static struct conf_value *find_value(struct conf_group *g, struct str key)
{
	for (size_t i = 0; i < g->n; i++)
		if (str_eq(key, str_of(g->values[i].opt->name)))
			return &g->values[i];
	return NULL;
}

/* A slip of the finger, or the right key in the wrong section? */
static void complain_key(const struct conf *c, const struct conf_group *g, struct str key,
			 int line, struct conf_report *r)
{
	const char *names[128];
	size_t n = 0;
	struct shown sh = show(key);
	for (size_t i = 0; i < g->n && n < ARRAY_LEN(names); i++)
		names[n++] = g->values[i].opt->name;
	const char *guess = conf_guess(key, names, n);
	if (guess) {
		conf_complain(r, line, sh.text, "unknown key, did you mean %s?", guess);
		return;
	}
	for (size_t i = 0; i < c->n_sections; i++)
		for (const struct opt *o = c->sections[i].opts; o && o->name; o++)
			if (str_eq(key, str_of(o->name))) {
				conf_complain(r, line, sh.text,
					      "unknown key here, it belongs to [%s]",
					      c->sections[i].name);
				return;
			}
	conf_complain(r, line, sh.text, "unknown key");
}

static void set_key(struct conf *c, struct conf_group *g, struct str key, struct str text,
		    int line, struct conf_report *r)
{
	char plain[CONF_LINE_MAX];
	bool quoted = false;
	struct err e = ERR_INIT;
	r->group = g;
	struct conf_value *v = find_value(g, key);
	if (!v) {
		complain_key(c, g, key, line, r);
		return;
	}
	if (line > 0 && v->line > 0 && !(v->opt->flags & OPT_LIST)) {
		conf_complain(r, line, v->opt->name, "already set in line %d", v->line);
		return;
	}
	int rc = line == CONF_BY_OVERRIDE ? 0 : unquote(&text, plain, &quoted, &e);
	if (rc == 0)
		rc = conf_value_set(v, text, quoted, line, &e);
	if (rc)
		conf_complain(r, line, v->opt->name, "%s", e.text);
	explicit_bzero(plain, sizeof(plain)); /* may have been a secret */
}

static bool is_text(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return false;
	return str_utf8_valid(line);
}

/* Reading goes on below a section that is not known; what stands in it is not judged. */
struct place {
	struct conf_group *group;
	bool after_header;
};

static void read_line(struct conf *c, struct str text, int line, struct place *at,
		      struct conf_report *r)
{
	if (text.n > CONF_LINE_MAX) {
		conf_complain(r, line, NULL, "longer than %d bytes", CONF_LINE_MAX);
		return;
	}
	if (!is_text(text)) {
		conf_complain(r, line, NULL, "not plain UTF-8 text");
		return;
	}
	text = str_trim(text);
	if (text.n == 0 || text.p[0] == '#')
		return;
	if (text.p[0] == '[') {
		at->group = read_header(c, text, line, r);
		at->after_header = true;
		r->group = at->group;
		return;
	}
	ptrdiff_t equals = str_chr(text, '=');
	if (equals <= 0) {
		conf_complain(r, line, NULL, "expected [section], key = value or # comment");
		return;
	}
	struct str key = str_trim(str_sub(text, 0, (size_t)equals));
	struct str value = str_trim(str_sub(text, (size_t)equals + 1, text.n));
	if (at->group)
		set_key(c, at->group, key, value, line, r);
	else if (!at->after_header)
		conf_complain(r, line, show(key).text, "stands before the first [section]");
}

void conf_read_text(struct conf *c, struct str text, struct conf_report *r)
{
	struct place at = { NULL, false };
	struct str line;
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_sub(text, 3, text.n);
	for (int number = 1; str_split(&text, '\n', &line); number++) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		read_line(c, line, number, &at, r);
	}
	r->group = NULL;
}

void conf_read_override(struct conf *c, const char *text, struct conf_report *r)
{
	struct str all = str_of(text), value = STR_NULL, label = STR_NULL;
	ptrdiff_t equals = str_chr(all, '=');
	struct str where = str_sub(all, 0, equals < 0 ? 0 : (size_t)equals);
	ptrdiff_t first = str_chr(where, '.'), last = first;
	r->group = NULL;
	if (!is_text(all)) {
		conf_complain(r, CONF_BY_OVERRIDE, NULL, "%s: not plain UTF-8 text",
			      show(all).text);
		return;
	}
	if (first <= 0) {
		conf_complain(r, CONF_BY_OVERRIDE, NULL, "%s: expected section.key=value",
			      show(all).text);
		return;
	}
	for (size_t i = (size_t)first; i < where.n; i++)
		if (where.p[i] == '.')
			last = (ptrdiff_t)i;
	if (last > first)
		label = str_sub(where, (size_t)first + 1, (size_t)(last - first) - 1);
	value = str_sub(all, (size_t)equals + 1, all.n);
	struct conf_group *g = enter_group(c, str_sub(where, 0, (size_t)first), last > first,
					   label, CONF_BY_OVERRIDE, r);
	if (g)
		set_key(c, g, str_sub(where, (size_t)last + 1, where.n), value,
			CONF_BY_OVERRIDE, r);
	r->group = NULL;
}

int conf_find(const char *path, const char *section, const char *name, struct buf *out,
	      struct err *e)
{
	struct buf file;
	struct str rest, line;
	char plain[CONF_LINE_MAX], header[80];
	bool inside = false, quoted, found = false;
	buf_init(&file, CONF_FILE_MAX + 1);
	int rc = file_read(path, CONF_FILE_MAX, &file, e);
	(void)snprintf(header, sizeof(header), "[%s]", section);
	rest = rc ? STR_NULL : buf_view(&file);
	if (str_starts(rest, STR("\xef\xbb\xbf")))
		rest = str_sub(rest, 3, rest.n);
	while (!found && str_split(&rest, '\n', &line)) {
		line = str_trim(line);
		if (line.n > 0 && line.p[0] == '[')
			inside = str_starts(line, str_of(header));
		ptrdiff_t equals = str_chr(line, '=');
		if (!inside || equals < 0 || line.n > CONF_LINE_MAX ||
		    !str_eq(str_trim(str_sub(line, 0, (size_t)equals)), str_of(name)))
			continue;
		struct str value = str_trim(str_sub(line, (size_t)equals + 1, line.n));
		rc = unquote(&value, plain, &quoted, e);
		found = rc == 0;
		if (found)
			buf_str(out, value);
	}
	if (file.p)
		explicit_bzero(file.p, file.room); /* passwords may stand in it */
	buf_fini(&file);
	return rc || found ? rc : -ERR_NOTFOUND;
}
