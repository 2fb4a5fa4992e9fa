/* tomsctl archive: its verbs. One file or two may serve a verb. */
#ifndef CTL_ARCHIVE_H
#define CTL_ARCHIVE_H

#include "ctl.h"

struct archive_verb {
	const char *name;
	/* argv[0] is the verb. Exit status. */
	int (*run)(struct ctl *c, const struct command *cmd, int argc, char **argv);
};

int archive_get_run(struct ctl *c, const struct command *cmd, int argc, char **argv);
int archive_hold_run(struct ctl *c, const struct command *cmd, int argc, char **argv);
int archive_release_run(struct ctl *c, const struct command *cmd, int argc, char **argv);
int archive_take_run(struct ctl *c, const struct command *cmd, int argc, char **argv);

#endif
