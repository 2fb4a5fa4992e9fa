/* tomsctl: the table of sub-commands, and the options that stand before them. */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>

#include "ctl.h"
#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"

#define CONF_PATH "/etc/tomsd/tomsd.conf"

#define ROWS_USAGE                                                                                     \
	"[--since T] [--until T] [--host X] [--peer X] [--port N] [--proto P] [--app A] [--action A] " \
	"[--text X] [--sort newest|oldest|bytes|risk|duration] [--limit N] [--json|--csv] [--utc] [--cold] [WORDS]"
#define LOGS_USAGE                                                                                     \
	"[--since T] [--until T] [--host X] [--peer X] [--port N] [--proto P] [--app A] [--action A] " \
	"[--text X] [--sort newest|oldest|bytes|duration] [--limit N] " \
	"[--json|--csv|--raw|--fields] [--utc] [--cold] [WORDS] | --send-test [--json]"

static const struct command commands[] = {
	{ "status", "[--json]", "every room: state, threads, counters, last error", cmd_status,
	  NULL },
	{ "flows", ROWS_USAGE, "conversations on the network, newest first", cmd_rows,
	  &flow_record },
	{ "logs", LOGS_USAGE, "what FortiGates and other devices have logged, newest first",
	  cmd_rows, &log_record },
	{ "audit",
	  "[--since T] [--until T] [--user NAME] [--action A] [--host X] [--text X] "
	  "[--limit N] [--json|--csv] [--utc]",
	  "who did what in the panel and from a shell", cmd_audit, NULL },
	{ "source",
	  "list [--json|--utc] | accept ID | refuse ID | name ID NAME | zone ID ZONE | note ID TEXT |"
	  " forget ID",
	  "who sends logs, and whose are believed", cmd_source, NULL },
	{ "place",
	  "list [--json|--utc] | test NAME [--json] | add NAME KEY=VALUE... | set NAME KEY=VALUE... |"
	  " remove NAME | acknowledge NAME | push | policy [BUCKET [PREFIX]]",
	  "where the archive is kept for years: places of object storage (S3)", cmd_place, NULL },
	{ "user",
	  "list [--json] | add NAME ROLE | role NAME ROLE | disable NAME | enable NAME |"
	  " reset-password NAME",
	  "people who may sign in, and as what: viewer, auditor, operator, admin", cmd_user,
	  NULL },
	{ "token", "list [--json] | add NAME ROLE DAYS [NETWORK]... | revoke ID",
	  "tokens by which programs ask the API", cmd_token, NULL },
	{ "verify",
	  "[--from local|s3:NAME|FOLDER] [--key PEM] [--head SEQ:SHA256] [--rows] [--part] [--appliance ID] [--json]",
	  "prove the evidence archive: sums, chain, signatures, gaps, locks", cmd_verify, NULL },
	{ "archive",
	  "seal [--now] | push | list [--limit N] [--json|--utc] | head | key | rotate |"
	  " get [--raw] [--since T] [--until T] [--kind K] OUT |"
	  " hold [--json] | hold NAME --since T --until T --keep-until T --reason TEXT [OBJECT...] | release ID |"
	  " take --since T --until T --purpose TEXT [--kind K,K] OUT.tar |"
	  " restore [--from s3:NAME|FILE] [--appliance ID] [--at TIME] [--phrase-file F] [--files] [--without-archive]",
	  "the evidence archive by hand; restore: a bare machine becomes the appliance again", cmd_archive, NULL },
	{ "rescue",
	  "phrase [--replace] | now | rehearse [--from local|s3:NAME] [--phrase-file F] | list [--json|--utc]",
	  "the appliance's own backups, which the recovery phrase opens", cmd_rescue, NULL },
	{ "devices", "", "what is on the network", cmd_later, "no inventory is kept" },
	{ "alerts", "", "what the rules found", cmd_later, "no rules are checked" },
	{ "report", "", "reports as PDF", cmd_later, "no reports are made" },
	{ "setting", "", "settings of the panel", cmd_later,
	  "settings stand in the configuration file alone" },
	{ "fortigate", "", "registered FortiGate devices", cmd_later,
	  "no FortiGate is spoken to" },
	{ "block", "", "block lists", cmd_later, "no block lists are kept" },
	{ "backup", "", "backups of servers; the appliance's own: rescue", cmd_later,
	  "no server is backed up; the appliance's own backup is tomsctl rescue" },
	COMMAND_END
};

int ctl_fail(const char *fmt, ...)
{
	va_list ap;
	(void)fputs("tomsctl: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return EXIT_FAILURE;
}

int ctl_usage(const struct command *cmd, const char *fmt, ...)
{
	va_list ap;
	(void)fprintf(stderr, "tomsctl %s: ", cmd->name);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "; see tomsctl %s --help\n", cmd->name);
	return EXIT_USAGE;
}

void ctl_help(const struct command *cmd)
{
	(void)printf("usage: tomsctl [-c FILE] %s %s\n\n%s\n", cmd->name, cmd->usage, cmd->doc);
}

static void help(void)
{
	(void)puts("usage: tomsctl [-c FILE] COMMAND ...\n\n"
		   "  -c, --config FILE   the daemon's configuration (" CONF_PATH
		   "); its [store] path\n"
		   "                      says where the state is\n"
		   "  --help, --version\n\ncommands (tomsctl COMMAND --help says more):");
	for (const struct command *cmd = commands; cmd->name; cmd++)
		if (cmd->run != cmd_later)
			(void)printf("  %-10s %s\n", cmd->name, cmd->doc);
	(void)puts("\nnot in this version yet:");
	for (const struct command *cmd = commands; cmd->name; cmd++)
		if (cmd->run == cmd_later)
			(void)printf("  %-10s %s\n", cmd->name, cmd->doc);
}

int cmd_later(struct ctl *c UNUSED, const struct command *cmd, int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		(void)printf("tomsctl %s (%s) does not work in this version: %s.\n", cmd->name,
			     cmd->doc, (const char *)cmd->arg);
		return EXIT_SUCCESS;
	}
	(void)fprintf(stderr, "tomsctl %s: not in this version: %s\n", cmd->name,
		      (const char *)cmd->arg);
	return EXIT_USAGE;
}

static int run_command(struct ctl *c, int argc, char **argv)
{
	for (const struct command *cmd = commands; cmd->name; cmd++)
		if (!strcmp(cmd->name, argv[0])) {
			optind = 0; /* getopt begins anew, with the command's own options */
			return cmd->run(c, cmd, argc, argv);
		}
	(void)fprintf(stderr, "tomsctl: unknown command %s; see tomsctl --help\n", argv[0]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct ctl c = { .conf_path = CONF_PATH };
	int o;
	while ((o = getopt_long(argc, argv, "+:c:", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			c.conf_path = optarg;
			c.conf_given = true;
			break;
		case 'h':
			help();
			return EXIT_SUCCESS;
		case 'v':
			(void)puts("tomsctl " TOMSD_VERSION);
			return EXIT_SUCCESS;
		default:
			(void)fprintf(stderr, "tomsctl: %s; see tomsctl --help\n",
				      o == ':' ? "an option lacks its value" :
						 "unknown option");
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		(void)fputs("tomsctl: no command; see tomsctl --help\n", stderr);
		return EXIT_USAGE;
	}
	int status = run_command(&c, argc - optind, argv + optind);
	if (fflush(stdout) || ferror(stdout))
		return status ? status : ctl_fail("the output could not be written");
	return status;
}
