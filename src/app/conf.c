/* The configuration as the house sees it: sections are the rooms' tables, [appliance], and those of
 * rooms to come. A broken file is told in full and never taken over. Main thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "house.h"
#include "tomsd/base/log.h"

static int check_timezone(struct str v, struct err *e)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		bool fine = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			    (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' ||
			    c == '+';
		if (!fine)
			return err_set(e, ERR_INVALID,
				       "not the name of a time zone, say Asia/Tokyo");
	}
	if (v.n && (v.p[0] == '/' || v.p[v.n - 1] == '/'))
		return err_set(e, ERR_INVALID, "not the name of a time zone, say Asia/Tokyo");
	/* Where the system has the list of zones, a misspelt one is found. */
	char path[128];
	(void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", (int)v.n, v.p);
	if (access("/usr/share/zoneinfo", F_OK) == 0 && access(path, F_OK) != 0)
		return err_set(e, ERR_INVALID,
			       "no time zone of this name is known here, say Asia/Tokyo");
	return 0;
}

/* The id stands in archive paths (appliance=ID) and in every exported row. */
static int check_id(struct str v, struct err *e)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		bool fine = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
		if (!fine)
			return err_set(e, ERR_INVALID,
				       "letters, digits, '.', '_' and '-' only");
	}
	return 0;
}

const struct opt appliance_opts[] = {
	{ .name = "id",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 63,
	  .check = check_id,
	  .doc = "Short name of this appliance in rows, archives and reports: letters, digits, '.', '_', '-'. "
		 "The host's name when not set." },
	{ .name = "name",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 120,
	  .doc = "Name for people, on pages and reports. The id when not set." },
	{ .name = "timezone",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 63,
	  .def = "Asia/Tokyo",
	  .check = check_timezone,
	  .doc = "Time zone of pages and reports (IANA name). Rows are in UTC always." },
	OPT_END
};

static int section_add(struct conf_section *out, size_t max, size_t *n, struct conf_section s,
		       struct err *e)
{
	if (*n == max)
		return err_set(e, ERR_FULL, "more than %zu sections", max);
	out[(*n)++] = s;
	return 0;
}

static bool section_is_known(const struct conf_section *s, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(s[i].name, name))
			return true;
	return false;
}

int conf_sections_of(const struct room *const *rooms, struct conf_section *out, size_t max,
		     size_t *n, struct err *e)
{
	*n = 0;
	int rc = section_add(out, max, n,
			     (struct conf_section){ "appliance", appliance_opts, false }, e);
	for (size_t i = 0; !rc && rooms[i]; i++)
		if (rooms[i]->opts)
			rc = section_add(out, max, n,
					 (struct conf_section){ rooms[i]->name, rooms[i]->opts,
								rooms[i]->opts_labelled },
					 e);
	for (size_t i = 0; !rc && i < n_conf_later; i++)
		if (!section_is_known(out, *n, conf_later[i].name))
			rc = section_add(out, max, n, conf_later[i], e);
	return rc;
}

bool conf_has(const struct app *a, const char *section, const char *option)
{
	for (size_t i = 0; i < a->n_sections; i++) {
		if (strcmp(a->sections[i].name, section) != 0)
			continue;
		for (const struct opt *o = a->sections[i].opts; o->name; o++)
			if (!strcmp(o->name, option))
				return true;
	}
	return false;
}

int conf_read(const struct app *a, struct conf **out, struct err *e)
{
	struct buf errors;
	const char *path = a->setup.conf_path;
	if (path && access(path, R_OK))
		return err_sys(
			e, errno,
			"%s cannot be read; say -c FILE (tomsd --print-conf-example prints one)",
			path);
	buf_init(&errors, 1u << 20);
	int rc = conf_load(out, a->setup.conf_path, a->sections, a->n_sections,
			   a->setup.overrides, &errors);
	if (rc) {
		size_t lines = 0;
		for (size_t i = 0; i < errors.n; i++)
			lines += errors.p[i] == '\n';
		if (errors.n)
			(void)fwrite(errors.p, 1, errors.n,
				     stderr); /* nobody left to tell otherwise */
		const char *file = a->setup.conf_path ? a->setup.conf_path : "the options";
		rc = err_set(e, ERR_INVALID,
			     "%s: %zu error%s in the configuration, each on a line above", file,
			     lines, lines == 1 ? "" : "s");
	}
	buf_fini(&errors);
	return rc;
}

static bool section_is_used(const struct conf *c, const struct conf_section *s)
{
	if (s->labelled)
		return conf_labels(c, s->name) > 0;
	for (const struct opt *o = s->opts; o->name; o++)
		if (conf_line(c, s->name, o->name))
			return true;
	return false;
}

void conf_notice_later(const struct app *a)
{
	for (size_t i = 0; i < n_conf_later; i++)
		for (size_t k = 0; k < a->n_sections; k++)
			if (a->sections[k].opts == conf_later[i].opts &&
			    section_is_used(a->conf, &conf_later[i]))
				log_notice("app",
					   "section not active in this version section=%s",
					   conf_later[i].name);
}

static void take_text(const struct conf *c, const char *option, const char *otherwise,
		      char *out, size_t cap)
{
	const char *t = conf_text(c, "appliance", option);
	(void)str_copy(out, cap,
		       str_of(t && *t ? t : otherwise)); /* lengths are checked by the table */
}

void conf_take_appliance(struct app *a)
{
	char host[64] = "";
	if (gethostname(host, sizeof(host)) || !*host)
		(void)str_copy(host, sizeof(host), STR("tomsd"));
	host[sizeof(host) - 1] = '\0';
	struct err unused = ERR_INIT;
	if (check_id(str_of(host), &unused))
		(void)str_copy(host, sizeof(host), STR("tomsd"));
	take_text(a->conf, "id", host, a->id, sizeof(a->id));
	take_text(a->conf, "name", a->id, a->name, sizeof(a->name));
	take_text(a->conf, "timezone", "Asia/Tokyo", a->timezone, sizeof(a->timezone));
}

static bool texts_equal(const char *x, const char *y)
{
	return x == y || (x && y && !strcmp(x, y));
}

static bool option_changed(const struct conf *was, const struct conf *is, const char *section,
			   const struct opt *o)
{
	if (o->flags & OPT_LIST) {
		size_t n = conf_count(was, section, o->name);
		if (n != conf_count(is, section, o->name))
			return true;
		for (size_t i = 0; i < n; i++)
			if (!texts_equal(conf_item(was, section, o->name, i),
					 conf_item(is, section, o->name, i)))
				return true;
		return false;
	}
	switch (o->type) {
	case OPT_TEXT:
	case OPT_PATH:
		return !texts_equal(conf_text(was, section, o->name),
				    conf_text(is, section, o->name));
	case OPT_BOOL:
		return conf_bool(was, section, o->name) != conf_bool(is, section, o->name);
	case OPT_INT:
	case OPT_SIZE:
	case OPT_DURATION:
	case OPT_ENUM:
		return conf_i64(was, section, o->name) != conf_i64(is, section, o->name);
	}
	return false;
}

static bool has_label(const struct conf *c, const char *section, const char *label)
{
	for (size_t i = 0; i < conf_labels(c, section); i++)
		if (!strcmp(conf_label(c, section, i), label))
			return true;
	return false;
}

static bool label_changed(const struct conf *was, const struct conf *is,
			  const struct conf_section *s, const char *label)
{
	for (const struct opt *o = s->opts; o->name; o++) {
		size_t n = conf_label_count(was, s->name, label, o->name);
		if (n != conf_label_count(is, s->name, label, o->name))
			return true;
		for (size_t i = 0; i < n; i++)
			if (!texts_equal(conf_label_item(was, s->name, label, o->name, i),
					 conf_label_item(is, s->name, label, o->name, i)))
				return true;
	}
	return false;
}

/* Sections with labels come and go as a whole: how many came, went or changed. */
static unsigned labels_changes(const struct conf *was, const struct conf *is,
			       const struct conf_section *s)
{
	unsigned n = 0;
	for (size_t i = 0; i < conf_labels(is, s->name); i++) {
		const char *label = conf_label(is, s->name, i);
		n += !has_label(was, s->name, label) || label_changed(was, is, s, label);
	}
	for (size_t i = 0; i < conf_labels(was, s->name); i++)
		n += !has_label(is, s->name, conf_label(was, s->name, i));
	return n;
}

/* What changed in one section: how many options may be taken over now; the others are named. */
static unsigned section_changes(const struct conf *was, const struct conf *is,
				const struct conf_section *s)
{
	unsigned now = 0;
	if (s->labelled)
		return labels_changes(was, is, s);
	for (const struct opt *o = s->opts; o->name; o++) {
		/* what a file holds may have changed where its name has not: renewed certificates */
		bool is_file = o->type == OPT_PATH && (o->flags & OPT_RELOAD) &&
			       !(o->flags & OPT_LIST) && conf_text(is, s->name, o->name);
		if (!is_file && !option_changed(was, is, s->name, o))
			continue;
		if (o->flags & OPT_RELOAD)
			now++;
		else
			log_warning("app", "changed option needs a restart option=%s.%s",
				    s->name, o->name);
	}
	return now;
}

void conf_reload(struct app *a)
{
	struct err e = ERR_INIT;
	struct conf *next = NULL;
	if (conf_read(a, &next, &e)) {
		log_err("app", "reload refused, the old configuration stays in force: %s",
			e.text);
		return;
	}
	struct conf *was = a->conf;
	bool changed[SECTIONS_MAX] = { false };
	for (size_t i = 0; i < a->n_sections; i++)
		changed[i] = section_changes(was, next, &a->sections[i]) > 0;
	a->conf = next;
	unsigned rooms = 0;
	for (size_t i = 0; i < a->n_slots; i++) {
		const struct room *r = a->slots[i].room;
		bool told = false;
		for (size_t k = 0; k < a->n_sections; k++)
			told |= changed[k] && a->sections[k].opts == r->opts;
		if (told && r->reload) {
			r->reload(a);
			rooms++;
		}
	}
	conf_free(a->conf_before);
	a->conf_before = was;
	atomic_fetch_add(&a->reloads, 1);
	log_notice("app", "configuration read again rooms_told=%u", rooms);
}
