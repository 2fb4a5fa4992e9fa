/* tomsctl: what its files share. One thread; a command runs and the process ends. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdio.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/err.h"
#include "tomsd/base/json.h"
#include "tomsd/store.h"

#define EXIT_USAGE 2
#define CTL_PATH_MAX 1024

struct ctl {
	const char *conf_path;
	bool conf_given; /* -c was said: then the file must be there */
	char state_path[CTL_PATH_MAX];
	char zone[64]; /* of zone_begin: "JST" */
};

struct command {
	const char *name;
	const char *usage; /* behind the name */
	const char *doc;   /* one line of --help */
	/* argv[0] is the command's name. Exit status. */
	int (*run)(struct ctl *c, const struct command *cmd, int argc, char **argv);
	const void *arg;
};
#define COMMAND_END          \
	{                    \
		.name = NULL \
	}

/* One line on stderr, "tomsctl: ...". Returns the exit status of a failure, of wrong usage. */
int ctl_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
int ctl_usage(const struct command *cmd, const char *fmt, ...) PRINTF_LIKE(2, 3);
void ctl_help(const struct command *cmd);

/* state.c: where the state is. Fills c->state_path; words in e. */
int state_find(struct ctl *c, struct err *e) MUST_CHECK;
int state_store(struct ctl *c, struct store **out, struct err *e) MUST_CHECK; /* read-only */

/* client.c: the running daemon. */
struct answer {
	int status;
	char type[80];
	struct buf body;
};
/* 0; -ERR_NOTFOUND when no daemon runs on this state folder; -ERR_X with words. body NULL: none. */
int client_ask(struct ctl *c, const char *method, const char *target, const char *body,
	       struct answer *out, struct err *e) MUST_CHECK;
/* As client_ask; a GET without a daemon is answered here, from the store, by the same routes. */
int client_ask_any(struct ctl *c, const char *method, const char *target, struct answer *out,
		   struct err *e) MUST_CHECK;
void answer_fini(struct answer *a);
/* What a problem (RFC 9457) says, as the exit status' one line. */
int answer_fail(const struct answer *a);
/* Percent-escapes (RFC 3986) into a path; appends "?name=value" or "&name=value" to one. */
void escape_put(struct buf *b, const char *text);
void query_put(struct buf *b, const char *name, const char *value);

/* place_of.c: a place by its name, of the configuration or the panel, with its secret. */
struct s3_conf;
int place_of(struct ctl *c, struct store *st, const char *name, struct s3_conf *out, struct err *e) MUST_CHECK;
/* Names of all; one() non-zero ends it with that. For both: st NULL: those of the configuration alone. */
int place_each(struct ctl *c, struct store *st, int (*one)(void *arg, const char *name), void *arg,
	       struct err *e) MUST_CHECK;

/* list.c: 0 and an answer below 300 in a, else the exit status of a failure that has been told. what:
 * "users", for the sentence when no daemon runs. */
int ask_daemon(struct ctl *c, const char *what, const char *method, const char *target,
	       const char *body, struct answer *a);
/* The items of a list under a head line; print NULL: as JSON, one object a line. Exit status. */
int print_list(struct ctl *c, const char *what, const char *target, const char *head,
	       void (*print)(const struct json_doc *, const struct json_node *));

/* zone.c: times for people. zone_begin once, before the first; what stands in c->zone belongs in the
 * head of the table. */
#define ZONE_TIME_MAX 24
void zone_begin(struct ctl *c, bool utc);
void zone_time(int64_t ns, char out[ZONE_TIME_MAX]); /* "2026-11-22 14:05:06" */
/* The same of RFC 3339 text; as it stands where it is none. May be in place. */
void zone_text(const char *rfc3339, char *out, size_t cap);

/* rows_table.c: rows for people; NULL: this record has none. */
struct row_table {
	const struct record *record;
	void (*head)(const char *zone);
	void (*row)(const void *row);
	bool (*has_mark)(const void *row); /* shows a mark that foot explains; may be NULL */
	void (*foot)(void);
};
const struct row_table *row_table_of(const struct record *r);
void print_fields(const void *log_row); /* every field of a log's line, in its order */

/* rows_cold.c: rows of the store and of the archive, with progress on a terminal. */
struct cold_info;
int cold_rows(struct ctl *c, struct store *st, const struct query *q, size_t limit,
	      int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
	      struct cold_info *cold, struct err *e) MUST_CHECK;
/* Says which span of the archive was searched (to NULL: nowhere); -ERR_IO: a part of it could not be. */
int cold_foot(FILE *to, const struct cold_info *cold, struct err *e) MUST_CHECK;

/* user.c: a line that is not shown while it is typed, or the next of standard input. False: none. */
bool read_secret(const char *prompt, char *out, size_t cap);
/* restore.c: the recovery phrase, from the first line of a file, the terminal or standard input. Exit status. The
 * caller wipes it. */
int phrase_ask(const char *file, char *out, size_t cap);
/* restore.c: tomsctl archive restore. */
int archive_restore(struct ctl *c, const struct command *cmd, int argc, char **argv);
/* job.c: asks for a job and waits for its end; 0: that is in a, else the exit status of a failure that has been told. */
int job_follow(struct ctl *c, const char *what, const char *path, const char *body, struct answer *a);

/* text.c: numbers and names for people. */
void text_bytes(uint64_t n, char out[16]);         /* "1.2 MB": powers of 1000 */
void text_duration(int64_t seconds, char out[32]); /* "2 d 3 h" */
/* Prints outside text so that a terminal shows it and obeys none of it. */
void print_clean(FILE *to, const char *text);
void print_cell(const char *text, int width, bool right);
const char *json_member_text(const struct json_doc *d, const struct json_node *o,
			     const char *name, char *out, size_t cap);
int64_t json_member_int(const struct json_doc *d, const struct json_node *o, const char *name);
bool json_member_true(const struct json_doc *d, const struct json_node *o, const char *name);

int cmd_status(struct ctl *, const struct command *, int, char **);
int cmd_rows(struct ctl *, const struct command *, int, char **); /* arg: struct record */
int cmd_audit(struct ctl *, const struct command *, int, char **);
int cmd_user(struct ctl *, const struct command *, int, char **);
int cmd_token(struct ctl *, const struct command *, int, char **);
int cmd_source(struct ctl *, const struct command *, int, char **);
int cmd_rescue(struct ctl *, const struct command *, int, char **);
int cmd_archive(struct ctl *, const struct command *, int, char **);
int cmd_place(struct ctl *, const struct command *, int, char **);
int send_test(struct ctl *c, bool as_json); /* source.c: a marked line through each listener */
int cmd_verify(struct ctl *, const struct command *, int, char **);
int cmd_later(struct ctl *, const struct command *, int, char **); /* arg: what it will do */

#endif
