/* Options and the configuration file: INI with [section], [section "label"], key = value, # comments,
 * repeated keys for lists, sizes 512M, times 90d, @file values. All errors are found in one go.
 * Rooms describe their options in tables; parser, man page, settings page and status follow. */
#ifndef TOMSD_BASE_OPT_H
#define TOMSD_BASE_OPT_H

#include "tomsd/base/buf.h"
#include "tomsd/base/compiler.h"
#include "tomsd/base/err.h"
#include "tomsd/base/str.h"

enum opt_type { OPT_BOOL, OPT_INT, OPT_SIZE /* bytes */, OPT_DURATION /* ns */, OPT_TEXT, OPT_PATH, OPT_ENUM };
enum opt_flag {
	OPT_LIST = 1,   /* may be repeated (OPT_TEXT, OPT_PATH) */
	OPT_RELOAD = 2, /* taken over by SIGHUP; others need a restart */
	OPT_SECRET = 4, /* never printed; "@/path" reads a file */
	OPT_REQUIRED = 8,
};

struct opt {
	const char *name;
	enum opt_type type;
	int64_t min, max;          /* numbers; text: shortest and longest in bytes */
	const char *def;           /* default as it would be written; NULL: none */
	unsigned flags;
	const char *doc;           /* one English sentence for the man page; says the unit */
	const char *const *values; /* OPT_ENUM: names, NULL at the end */
	/* Further check of one value; words go to e. May be NULL. */
	int (*check)(struct str value, struct err *e);
};
#define OPT_END { .name = NULL }

struct conf_section { /* one room's share */
	const char *name;
	const struct opt *opts;
	bool labelled; /* [s3 "tokyo"] */
};

struct conf;

/* Reads path (NULL: defaults only) against the sections. Every error is appended to errors as
 * "file:line: [section] key: words" with a newline; returns 0 or -ERR_INVALID when there was any.
 * overrides: NULL or an array of "section.key=value" strings ended by NULL, applied last. */
int conf_load(struct conf **out, const char *path, const struct conf_section *sections, size_t n_sections,
	      const char *const *overrides, struct buf *errors) MUST_CHECK;
/* As conf_load over text in memory; name stands for the file in errors and conf_path. */
int conf_load_text(struct conf **out, const char *name, struct str text, const struct conf_section *sections,
		   size_t n_sections, const char *const *overrides, struct buf *errors) MUST_CHECK;
void conf_free(struct conf *c);
/* Typed look-ups; asking for an option that no table has is our own mistake (assert). label NULL: none. */
bool conf_bool(const struct conf *c, const char *section, const char *name);
int64_t conf_i64(const struct conf *c, const char *section, const char *name); /* int, size, duration, enum index */
const char *conf_text(const struct conf *c, const char *section, const char *name); /* NULL when unset */
size_t conf_count(const struct conf *c, const char *section, const char *name);     /* list length */
const char *conf_item(const struct conf *c, const char *section, const char *name, size_t i);
/* Line in the file that set it, 0 when it is the default, -1 when an override did. */
int conf_line(const struct conf *c, const char *section, const char *name);
const char *conf_path(const struct conf *c);
size_t conf_labels(const struct conf *c, const char *section);
const char *conf_label(const struct conf *c, const char *section, size_t i);
/* As above, for one labelled section; label must be one of conf_label(). */
const char *conf_label_text(const struct conf *c, const char *section, const char *label, const char *name);
bool conf_label_bool(const struct conf *c, const char *section, const char *label, const char *name);
int64_t conf_label_i64(const struct conf *c, const char *section, const char *label, const char *name);
size_t conf_label_count(const struct conf *c, const char *section, const char *label, const char *name);
const char *conf_label_item(const struct conf *c, const char *section, const char *label, const char *name,
			    size_t i);
/* One value of a file that may be broken elsewhere, appended to out; nothing else is judged. For tools
 * that look for the state folder. 0, -ERR_NOTFOUND (also when the file is not there), -ERR_X. */
int conf_find(const char *path, const char *section, const char *name, struct buf *out, struct err *e) MUST_CHECK;
/* The whole of it as an annotated example file, from the tables (etc/tomsd.conf.example). */
void conf_print_example(const struct conf_section *sections, size_t n, struct buf *out);

#endif
