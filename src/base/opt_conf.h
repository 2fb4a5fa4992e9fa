/* What the files of the configuration share: values, the groups that hold them, and the list of
 * errors. One thread until loaded, read-only afterwards. */
#ifndef TOMSD_BASE_OPT_CONF_H
#define TOMSD_BASE_OPT_CONF_H

#include "tomsd/base/opt.h"

#define CONF_FILE_MAX ((size_t)1 << 20)
#define CONF_LINE_MAX 4096
#define CONF_SECRET_MAX ((size_t)64 << 10)
#define CONF_ERRORS_MAX 100
#define CONF_ITEMS_MAX 1024 /* of one list */
#define CONF_LABELS_MAX 256 /* of all sections */
#define CONF_LABEL_MAX 64   /* bytes of a label */
#define CONF_BY_OVERRIDE (-1)

/* One option's value; a scalar has one item, an unset one none. */
struct conf_value {
	const struct opt *opt;
	int line; /* 0: default */
	char **items;
	size_t n;
	int64_t num; /* of the last item: whole number, bytes, ns, 0/1, index into values */
};

/* [section] or [section "label"] with a value for each option of its table. */
struct conf_group {
	const struct conf_section *section;
	char *label; /* NULL: none */
	struct conf_value *values;
	size_t n;
};

struct conf {
	char *path; /* NULL: defaults only */
	struct conf_section *sections;
	size_t n_sections;
	struct conf_group *groups;
	size_t n_groups, n_plain; /* all; those without a label, which come first */
};

/* Where an error happened, and where it is written down. */
struct conf_report {
	struct buf *out;
	const char *file;
	size_t count;
	const struct conf_group *group; /* NULL: outside of one */
};
void conf_complain(struct conf_report *r, int line, const char *key, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* opt.c: adds a group with every value unset; NULL when out of memory. */
struct conf_group *conf_group_add(struct conf *c, const struct conf_section *s,
				  struct str label);
struct conf_group *conf_group_find(const struct conf *c, const char *section, struct str label);

/* opt_value.c: checks text against v->opt and takes it over. literal: it stood in quotes, so
 * an @ is just a character. Lists grow, scalars are replaced. */
int conf_value_set(struct conf_value *v, struct str text, bool literal, int line,
		   struct err *e) MUST_CHECK;
void conf_value_clear(struct conf_value *v); /* wipes what it held */
/* "90d", "2G", "12": v as a person would write it. */
void conf_number_text(enum opt_type type, int64_t v, char out[32]);

/* opt_file.c: reads text into c, complaining to r. */
void conf_read_text(struct conf *c, struct str text, struct conf_report *r);
/* "section.key=value" or "section.label.key=value". */
void conf_read_override(struct conf *c, const char *text, struct conf_report *r);

/* opt_guess.c: the name of the table closest to what was typed, NULL when none is close. */
const char *conf_guess(struct str typed, const char *const *names, size_t n);

#endif
