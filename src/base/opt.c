/* The configuration: loading against the tables of the rooms, and typed look-ups. */
#include "tomsd/base/opt.h"

#include <stdlib.h>

#include "opt_conf.h"
#include "tomsd/base/file.h"

static size_t count_opts(const struct opt *o)
{
	size_t n = 0;
	while (o && o[n].name)
		n++;
	return n;
}

struct conf_group *conf_group_add(struct conf *c, const struct conf_section *s,
				  struct str label)
{
	struct conf_group *groups = realloc(c->groups, (c->n_groups + 1) * sizeof(*groups));
	if (!groups)
		return NULL;
	c->groups = groups;
	struct conf_group g = { .section = s, .n = count_opts(s->opts) };
	g.values = calloc(g.n + 1, sizeof(*g.values));
	if (s->labelled)
		g.label = str_dup(label);
	if (!g.values || (s->labelled && !g.label)) {
		free(g.values);
		free(g.label);
		return NULL;
	}
	for (size_t i = 0; i < g.n; i++)
		g.values[i].opt = &s->opts[i];
	groups[c->n_groups] = g;
	return &groups[c->n_groups++];
}

struct conf_group *conf_group_find(const struct conf *c, const char *section, struct str label)
{
	for (size_t i = 0; i < c->n_groups; i++) {
		struct conf_group *g = &c->groups[i];
		if (strcmp(g->section->name, section) != 0)
			continue;
		if (g->label ? label.p && str_eq(label, str_of(g->label)) : !label.p)
			return g;
	}
	return NULL;
}

static void group_fini(struct conf_group *g)
{
	for (size_t i = 0; i < g->n; i++)
		conf_value_clear(&g->values[i]);
	free(g->values);
	free(g->label);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_groups; i++)
		group_fini(&c->groups[i]);
	free(c->groups);
	free(c->sections);
	free(c->path);
	free(c);
}

static struct conf *conf_new(const char *path, const struct conf_section *sections, size_t n)
{
	struct conf *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->path = path ? str_dup(str_of(path)) : NULL;
	c->sections = calloc(n + 1, sizeof(*c->sections));
	if ((path && !c->path) || !c->sections) {
		conf_free(c);
		return NULL;
	}
	if (n > 0)
		memcpy(c->sections, sections, n * sizeof(*sections));
	c->n_sections = n;
	for (size_t i = 0; i < n; i++) {
		if (!sections[i].labelled && !conf_group_add(c, &c->sections[i], STR_NULL)) {
			conf_free(c);
			return NULL;
		}
	}
	c->n_plain = c->n_groups;
	return c;
}

/* Defaults of what nobody set, once file and overrides have been read. */
static void fill_group(struct conf_group *g, struct conf_report *r)
{
	r->group = g;
	for (size_t i = 0; i < g->n; i++) {
		struct conf_value *v = &g->values[i];
		struct err e = ERR_INIT;
		if (v->line != 0)
			continue;
		if (v->opt->flags & OPT_REQUIRED && !v->opt->def)
			conf_complain(r, 0, v->opt->name, "must be set: %s", v->opt->doc);
		else if (v->opt->def && conf_value_set(v, str_of(v->opt->def), true, 0, &e))
			conf_complain(r, 0, v->opt->name, "default %s: %s", v->opt->def,
				      e.text);
	}
}

static int load(struct conf **out, const char *name, struct str text,
		const struct conf_section *sections, size_t n_sections,
		const char *const *overrides, struct conf_report *r)
{
	struct conf *c = conf_new(name, sections, n_sections);
	if (!c) {
		conf_complain(r, 0, NULL, "out of memory");
		return -ERR_NOMEM;
	}
	conf_read_text(c, text, r);
	for (size_t i = 0; overrides && overrides[i]; i++)
		conf_read_override(c, overrides[i], r);
	for (size_t i = 0; i < c->n_groups; i++)
		fill_group(&c->groups[i], r);
	if (r->count > 0) {
		conf_free(c);
		return -ERR_INVALID;
	}
	*out = c;
	return 0;
}

int conf_load_text(struct conf **out, const char *name, struct str text,
		   const struct conf_section *sections, size_t n_sections,
		   const char *const *overrides, struct buf *errors)
{
	struct conf_report r = { .out = errors, .file = name ? name : "defaults" };
	if (text.n > CONF_FILE_MAX) {
		conf_complain(&r, 0, NULL, "more than %zu bytes", CONF_FILE_MAX);
		return -ERR_INVALID;
	}
	return load(out, name, text, sections, n_sections, overrides, &r);
}

int conf_load(struct conf **out, const char *path, const struct conf_section *sections,
	      size_t n_sections, const char *const *overrides, struct buf *errors)
{
	if (!path)
		return conf_load_text(out, NULL, STR_NULL, sections, n_sections, overrides,
				      errors);
	struct conf_report r = { .out = errors, .file = path };
	struct buf text;
	struct err e = ERR_INIT;
	buf_init(&text, CONF_FILE_MAX + 1);
	int rc = file_read(path, CONF_FILE_MAX, &text, &e);
	if (rc)
		conf_complain(&r, 0, NULL, "%s", e.text);
	else
		rc = load(out, path, buf_view(&text), sections, n_sections, overrides, &r);
	if (text.p)
		explicit_bzero(text.p, text.room); /* passwords may stand in it */
	buf_fini(&text);
	return rc ? -ERR_INVALID : 0;
}

/* An option no table has is our own mistake. */
static const struct conf_value *value_of(const struct conf *c, const char *section,
					 struct str label, const char *name)
{
	const struct conf_group *g = conf_group_find(c, section, label);
	const struct conf_value *found = NULL;
	for (size_t i = 0; g && !found && i < g->n; i++)
		if (strcmp(g->values[i].opt->name, name) == 0)
			found = &g->values[i];
	assert(found);
	return found;
}

static const char *text_of(const struct conf_value *v)
{
	return v->n > 0 ? v->items[0] : NULL;
}

static const char *item_of(const struct conf_value *v, size_t i)
{
	assert(i < v->n);
	return v->items[i];
}

bool conf_bool(const struct conf *c, const char *section, const char *name)
{
	return value_of(c, section, STR_NULL, name)->num != 0;
}

int64_t conf_i64(const struct conf *c, const char *section, const char *name)
{
	return value_of(c, section, STR_NULL, name)->num;
}

const char *conf_text(const struct conf *c, const char *section, const char *name)
{
	return text_of(value_of(c, section, STR_NULL, name));
}

size_t conf_count(const struct conf *c, const char *section, const char *name)
{
	return value_of(c, section, STR_NULL, name)->n;
}

const char *conf_item(const struct conf *c, const char *section, const char *name, size_t i)
{
	return item_of(value_of(c, section, STR_NULL, name), i);
}

int conf_line(const struct conf *c, const char *section, const char *name)
{
	return value_of(c, section, STR_NULL, name)->line;
}

const char *conf_path(const struct conf *c)
{
	return c->path;
}

size_t conf_labels(const struct conf *c, const char *section)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n_groups; i++)
		n += c->groups[i].label && strcmp(c->groups[i].section->name, section) == 0;
	return n;
}

const char *conf_label(const struct conf *c, const char *section, size_t i)
{
	for (size_t at = 0; at < c->n_groups; at++) {
		const struct conf_group *g = &c->groups[at];
		if (g->label && strcmp(g->section->name, section) == 0 && i-- == 0)
			return g->label;
	}
	return NULL;
}

const char *conf_label_text(const struct conf *c, const char *section, const char *label,
			    const char *name)
{
	return text_of(value_of(c, section, str_of(label), name));
}

bool conf_label_bool(const struct conf *c, const char *section, const char *label,
		     const char *name)
{
	return value_of(c, section, str_of(label), name)->num != 0;
}

int64_t conf_label_i64(const struct conf *c, const char *section, const char *label,
		       const char *name)
{
	return value_of(c, section, str_of(label), name)->num;
}

size_t conf_label_count(const struct conf *c, const char *section, const char *label,
			const char *name)
{
	return value_of(c, section, str_of(label), name)->n;
}

const char *conf_label_item(const struct conf *c, const char *section, const char *label,
			    const char *name, size_t i)
{
	return item_of(value_of(c, section, str_of(label), name), i);
}
