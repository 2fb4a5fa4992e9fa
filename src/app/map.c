/* What the tables say, printed for people: the map of the house (docs/ARCHITECTURE.md is held to it),
 * the example configuration, the options' part of tomsd.conf(5). Main thread; nothing runs. */
#include "house.h"
#include "tomsd/base/buf.h"

static const char *const type_words[] = {
	[OPT_BOOL] = "yes or no", [OPT_INT] = "number", [OPT_SIZE] = "size",
	[OPT_DURATION] = "time",  [OPT_TEXT] = "text",  [OPT_PATH] = "path",
	[OPT_ENUM] = "one of",
};

static void print_rooms(const struct room *const *rooms, struct buf *out)
{
	buf_cstr(out, "rooms, sea first (start walks down, stop walks up)\n");
	for (size_t i = 0; rooms[i]; i++)
		buf_fmt(out, "  %s\n", rooms[i]->name);
}

static void print_threads(const struct room *const *rooms, struct buf *out)
{
	buf_cstr(out, "\nthreads\n  main         signals, start and stop walk, watchdog (app)\n"
		      "  job          what rooms list as jobs (app)\n");
	for (size_t i = 0; rooms[i]; i++)
		for (const struct thread_doc *t = rooms[i]->threads; t && t->name; t++)
			buf_fmt(out, "  %-12s %s (%s)\n", t->name, t->does, rooms[i]->name);
}

static void print_edges(const struct room *const *rooms, struct buf *out)
{
	buf_cstr(out, "\nedges: what they carry, and what happens when they are full\n");
	for (size_t i = 0; rooms[i]; i++)
		for (const struct edge *ed = rooms[i]->edges; ed && ed->name; ed++)
			buf_fmt(out, "  %s: %s; when full: %s\n", ed->name, ed->carries,
				ed->when_full);
}

static void print_routes(const struct room *const *rooms,
			 void (*routes)(const struct room *, struct buf *), struct buf *out)
{
	buf_cstr(out, "\nroutes\n");
	for (size_t i = 0; rooms[i]; i++)
		if (rooms[i]->routes)
			routes(rooms[i], out);
}

static void print_jobs(const struct room *const *rooms, struct buf *out)
{
	buf_cstr(out, "\njobs\n");
	for (size_t i = 0; rooms[i]; i++)
		for (const struct job *j = rooms[i]->jobs; j && j->name; j++)
			buf_fmt(out, "  %s %s every %lld s\n", rooms[i]->name, j->name,
				(long long)(j->every_ns / NS_PER_S));
}

static bool is_later(const struct conf_section *s)
{
	for (size_t i = 0; i < n_conf_later; i++)
		if (conf_later[i].opts == s->opts)
			return true;
	return false;
}

static void print_options(const struct conf_section *s, size_t n, struct buf *out)
{
	buf_cstr(out, "\noptions\n");
	for (size_t i = 0; i < n; i++) {
		buf_fmt(out, "  [%s%s]%s", s[i].name, s[i].labelled ? " \"...\"" : "",
			is_later(&s[i]) ? " (not active in this version)" : "");
		for (const struct opt *o = s[i].opts; o->name; o++)
			buf_fmt(out, " %s", o->name);
		buf_char(out, '\n');
	}
}

int app_print_map(const struct room *const *rooms,
		  void (*routes)(const struct room *, struct buf *), struct buf *out,
		  struct err *e)
{
	struct conf_section s[SECTIONS_MAX];
	size_t n;
	int rc = conf_sections_of(rooms, s, SECTIONS_MAX, &n, e);
	if (rc)
		return rc;
	print_rooms(rooms, out);
	print_threads(rooms, out);
	print_edges(rooms, out);
	print_routes(rooms, routes, out);
	print_jobs(rooms, out);
	print_options(s, n, out);
	return 0;
}

int app_print_conf_example(const struct room *const *rooms, struct buf *out, struct err *e)
{
	struct conf_section s[SECTIONS_MAX];
	size_t n;
	int rc = conf_sections_of(rooms, s, SECTIONS_MAX, &n, e);
	if (!rc)
		conf_print_example(s, n, out);
	return rc;
}

/* roff: a backslash starts an escape, a dot or a quote at the start of a line a request. */
static void roff_text(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_cstr(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			buf_cstr(out, "\\e");
		else if (*text == '-')
			buf_cstr(out, "\\-");
		else
			buf_char(out, *text);
	}
}

static void man_option(struct buf *out, const struct opt *o)
{
	buf_fmt(out, ".TP\n\\fB%s\\fR = \\fI%s", o->name, type_words[o->type]);
	for (size_t i = 0; o->type == OPT_ENUM && o->values[i]; i++)
		buf_fmt(out, "%s %s", i ? "," : "", o->values[i]);
	buf_cstr(out, "\\fR\n");
	roff_text(out, o->doc);
	if (o->def) {
		buf_cstr(out, "\nDefault: ");
		roff_text(out, *o->def ? o->def : "empty");
		buf_char(out, '.');
	}
	if (o->flags & OPT_REQUIRED)
		buf_cstr(out, "\nMust be set.");
	if (o->flags & OPT_LIST)
		buf_cstr(out, "\nMay be repeated.");
	if (o->flags & OPT_SECRET)
		buf_cstr(out, "\nA secret: @/path reads it from a file.");
	if (o->flags & OPT_RELOAD)
		buf_cstr(out, "\nTaken over on SIGHUP.");
	buf_char(out, '\n');
}

int app_print_man_conf(const struct room *const *rooms, struct buf *out, struct err *e)
{
	struct conf_section s[SECTIONS_MAX];
	size_t n;
	int rc = conf_sections_of(rooms, s, SECTIONS_MAX, &n, e);
	for (size_t i = 0; !rc && i < n; i++) {
		buf_fmt(out, ".SS [%s%s]\n", s[i].name, s[i].labelled ? " \\(dqNAME\\(dq" : "");
		if (is_later(&s[i]))
			buf_cstr(out, "Read and checked, but not active in this version.\n");
		if (!s[i].opts->name)
			buf_cstr(out, "No keys yet.\n");
		for (const struct opt *o = s[i].opts; o->name; o++)
			man_option(out, o);
	}
	return rc;
}
