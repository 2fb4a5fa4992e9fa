/* The example file, printed from the tables: every option with its sentence, commented out
 * at its default, so that the file says what the daemon does without it. */
#include "opt_conf.h"

static const char *type_name(const struct opt *o)
{
	static const char *const names[] = {
		[OPT_BOOL] = "yes or no",
		[OPT_INT] = "number",
		[OPT_SIZE] = "size (512M, 2G)",
		[OPT_DURATION] = "time (90d, 12h, 5m, 30s)",
		[OPT_TEXT] = "text",
		[OPT_PATH] = "path",
		[OPT_ENUM] = "one of",
	};
	return names[o->type];
}

static void print_limits(const struct opt *o, struct buf *out)
{
	char low[32], high[32];
	bool number = o->type == OPT_INT || o->type == OPT_SIZE || o->type == OPT_DURATION;
	for (size_t i = 0; o->type == OPT_ENUM && o->values[i]; i++)
		buf_fmt(out, "%s %s", i ? "," : "", o->values[i]);
	if (!number || (o->min == 0 && o->max == 0))
		return;
	conf_number_text(o->type, o->min, low);
	conf_number_text(o->type, o->max, high);
	if (o->max == INT64_MAX)
		buf_fmt(out, ", at least %s", low);
	else
		buf_fmt(out, ", %s to %s", low, high);
}

static void print_opt(const struct opt *o, bool active, struct buf *out)
{
	static const struct {
		unsigned flag;
		const char *words;
	} notes[] = {
		{ OPT_LIST, "may be repeated" },
		{ OPT_RELOAD, "taken over on reload" },
		{ OPT_SECRET, "secret: better @/path of a file" },
		{ OPT_REQUIRED, "required" },
	};
	buf_fmt(out, "\n# %s\n# %s", o->doc, type_name(o));
	print_limits(o, out);
	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		if (o->flags & notes[i].flag)
			buf_fmt(out, "; %s", notes[i].words);
	bool needed = active && o->flags & OPT_REQUIRED && !o->def;
	const char *def = o->def && !(o->flags & OPT_SECRET) ? o->def : "";
	buf_fmt(out, "\n%s%s =%s%s\n", needed ? "" : "#", o->name, *def ? " " : "", def);
}

void conf_print_example(const struct conf_section *sections, size_t n, struct buf *out)
{
	buf_cstr(out,
		 "# tomsd.conf: an example with every option at its default.\n"
		 "# Take the # away from what you change. Check with: tomsd -c FILE --check\n");
	for (size_t i = 0; i < n; i++) {
		const struct conf_section *s = &sections[i];
		/* A section with a label is an example only: nothing of it applies unless it
		 * is named. */
		if (s->labelled)
			buf_fmt(out, "\n#[%s \"name\"]\n", s->name);
		else
			buf_fmt(out, "\n[%s]\n", s->name);
		for (const struct opt *o = s->opts; o && o->name; o++)
			print_opt(o, !s->labelled, out);
	}
}
