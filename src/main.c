/* tomsd: options and the table of rooms. Everything else is in the rooms. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/api.h"
#include "tomsd/app.h"
#include "tomsd/archive.h"
#include "tomsd/capture.h"
#include "tomsd/control.h"
#include "tomsd/flow.h"
#include "tomsd/rescue.h"
#include "tomsd/s3.h"
#include "tomsd/store.h"
#include "tomsd/syslog.h"
#include "tomsd/web.h"

#define CONF_PATH "/etc/tomsd/tomsd.conf"
#define OVERRIDES_MAX 64
#define EXIT_USAGE 2

/* Sea first: start walks down, stop walks up, so that springs dry first and each room drains. */
static const struct room *const rooms[] = { &store_room,   &api_room,     &web_room,
					    &control_room, &s3_room,      &archive_room,
					    &rescue_room,  &syslog_room,  &flow_room,
					    &capture_room,
					    NULL };

static const char usage_text[] =
	"usage: tomsd [-c FILE] [--set SECTION.KEY=VALUE]...\n"
	"       tomsd [-c FILE] [--set ...] --check\n"
	"       tomsd [-c FILE] [--set ...] --replay CAPTURE...\n"
	"       tomsd --map | --print-conf-example | --print-man-conf | --help | --version\n"
	"\n"
	"  -c, --config FILE      configuration (" CONF_PATH ")\n"
	"  --set SECTION.KEY=VALUE  as if it stood in the file, and stronger; may be repeated\n"
	"  --check                check the configuration and say every error\n"
	"  --replay CAPTURE...    run capture files (pcap, pcapng, gzip) through the house at full\n"
	"                         speed with the packets' own clock, and print the sums as JSON\n"
	"  --map                  rooms, threads, edges, routes, options and jobs\n"
	"  --print-conf-example   an example configuration with every option\n"
	"  --print-man-conf       the options as a part of tomsd.conf(5)\n";

enum {
	ARG_SET = 256,
	ARG_CHECK,
	ARG_REPLAY,
	ARG_MAP,
	ARG_EXAMPLE,
	ARG_MAN,
	ARG_HELP,
	ARG_VERSION
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, ARG_SET },
	{ "check", no_argument, NULL, ARG_CHECK },
	{ "replay", no_argument, NULL, ARG_REPLAY },
	{ "map", no_argument, NULL, ARG_MAP },
	{ "print-conf-example", no_argument, NULL, ARG_EXAMPLE },
	{ "print-man-conf", no_argument, NULL, ARG_MAN },
	{ "help", no_argument, NULL, ARG_HELP },
	{ "version", no_argument, NULL, ARG_VERSION },
	{ NULL, 0, NULL, 0 },
};

struct line { /* what the command line asks for */
	struct app_setup setup;
	const char *overrides[OVERRIDES_MAX + 1];
	size_t n_overrides;
	int print; /* ARG_MAP, ARG_EXAMPLE, ARG_MAN or 0 */
	bool done; /* --help, --version: nothing more to do */
};

static int usage_error(const char *words)
{
	(void)fprintf(stderr, "tomsd: %s; see tomsd --help\n", words);
	return EXIT_USAGE;
}

static int take_option(struct line *l, int c)
{
	switch (c) {
	case 'c':
		l->setup.conf_path = optarg;
		return 0;
	case ARG_SET:
		if (l->n_overrides == OVERRIDES_MAX)
			return usage_error("too many --set");
		l->overrides[l->n_overrides++] = optarg;
		return 0;
	case ARG_CHECK:
	case ARG_REPLAY:
		if (l->setup.mode != APP_DAEMON)
			return usage_error("--check and --replay do not go together");
		l->setup.mode = c == ARG_CHECK ? APP_CHECK : APP_REPLAY;
		return 0;
	case ARG_MAP:
	case ARG_EXAMPLE:
	case ARG_MAN:
		l->print = c;
		return 0;
	case ARG_HELP:
		(void)fputs(usage_text, stdout);
		l->done = true;
		return 0;
	case ARG_VERSION:
		(void)puts("tomsd " TOMSD_VERSION);
		l->done = true;
		return 0;
	default:
		return usage_error(c == ':' ? "an option lacks its value" : "unknown option");
	}
}

static int take_line(struct line *l, int argc, char **argv)
{
	int c, rc = 0;
	while (!rc && !l->done &&
	       (c = getopt_long(argc, argv, ":c:", long_options, NULL)) != -1)
		rc = take_option(l, c);
	if (rc || l->done || l->print)
		return rc;
	if (l->setup.mode == APP_REPLAY && optind == argc)
		return usage_error("--replay needs at least one capture file");
	if (l->setup.mode != APP_REPLAY && optind < argc)
		return usage_error("too many words on the command line");
	l->setup.replay_files = (const char *const *)(argv + optind);
	return 0;
}

static const char *may_words(unsigned may)
{
	static const struct {
		unsigned set;
		const char *words;
	} sets[] = {
		{ MAY_ALL, "anybody" },
		{ MAY_SIGNED_IN, "signed in" },
		{ MAY_LOOK, "auditor, operator, admin" },
		{ MAY_WORK, "operator, admin" },
		{ MAY_ADMIN, "admin" },
		{ MAY_ADMIN | MAY_AUDITOR, "auditor, admin" },
	};
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		if (sets[i].set == may)
			return sets[i].words;
	return "some roles";
}

static void print_routes(const struct room *r, struct buf *out)
{
	for (const struct route *t = r->routes; t->method; t++)
		buf_fmt(out, "  %-6s %s: %s%s (%s)\n", t->method, t->path, may_words(t->may),
			t->flags & ROUTE_LOCAL ? ", control socket only" : "", r->name);
}

static int print_tables(int what)
{
	struct err e = ERR_INIT;
	struct buf out;
	buf_init(&out, 4u << 20);
	int rc = what == ARG_MAP     ? app_print_map(rooms, print_routes, &out, &e) :
		 what == ARG_EXAMPLE ? app_print_conf_example(rooms, &out, &e) :
				       app_print_man_conf(rooms, &out, &e);
	if (!rc && (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout)))
		rc = err_set(&e, ERR_IO, "cannot write to standard output");
	if (rc)
		(void)fprintf(stderr, "tomsd: %s\n", e.text);
	buf_fini(&out);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct line l = {
		.setup = { .mode = APP_DAEMON, .conf_path = CONF_PATH, .rooms = rooms }
	};
	struct err e = ERR_INIT;
	struct app *a = NULL;
	l.setup.overrides = l.overrides;
	int status = take_line(&l, argc, argv);
	if (status || l.done)
		return status;
	if (l.print)
		return print_tables(l.print);
	if (app_new(&a, &l.setup, &e)) {
		(void)fprintf(stderr, "tomsd: %s\n", e.text);
		return EXIT_FAILURE;
	}
	status = app_run(a);
	if (l.setup.mode == APP_CHECK && !status)
		(void)printf("%s: no errors\n", l.setup.conf_path);
	app_free(a);
	return status;
}
