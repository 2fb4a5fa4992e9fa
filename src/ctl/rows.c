/* tomsctl flows, tomsctl logs: rows straight from the store, newest first, with the words that the panel
 * and the API take too. Beside a running daemon or without one. */
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "tomsd/api.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/csv.h"
#include "tomsd/base/num.h"
#include "tomsd/log_row.h"

#define LIMIT_DEFAULT 100
#define FLUSH_BYTES (1u << 16)

enum option_id {
	ARG_SINCE,
	ARG_UNTIL,
	ARG_SORT,
	ARG_LIMIT,
	ARG_JSON,
	ARG_CSV,
	ARG_COLD,
	ARG_RAW,
	ARG_FIELDS,
	ARG_SEND_TEST,
	ARG_UTC,
	ARG_HELP,
	ARG_WORD
};

/* Read by hand and not by getopt: a word may begin with a minus (-app:dns). */
static const struct option {
	const char *name;
	enum option_id id;
	bool has_value;
} options[] = {
	{ "since", ARG_SINCE, true },    { "until", ARG_UNTIL, true },
	{ "sort", ARG_SORT, true },      { "limit", ARG_LIMIT, true },
	{ "json", ARG_JSON, false },     { "csv", ARG_CSV, false },
	{ "cold", ARG_COLD, false },     { "help", ARG_HELP, false },
	{ "host", ARG_WORD, true },      { "peer", ARG_WORD, true },
	{ "port", ARG_WORD, true },      { "proto", ARG_WORD, true },
	{ "app", ARG_WORD, true },       { "action", ARG_WORD, true },
	{ "text", ARG_WORD, true },      { "raw", ARG_RAW, false },
	{ "fields", ARG_FIELDS, false }, { "send-test", ARG_SEND_TEST, false },
	{ "utc", ARG_UTC, false },
};
static const char *const sorts[] = { "newest", "oldest", "bytes", "risk", "duration" };

enum form { FORM_TABLE, FORM_JSON, FORM_CSV, FORM_RAW, FORM_FIELDS };

struct ask {
	struct query q;
	size_t limit;
	enum form form;
	bool help, utc, send_test, has_marks, cold;
	const char *zone;
	struct buf out;
	struct json j;
	struct csv csv;
	uint64_t rows;
};

static int take_time(struct str text, int64_t *out, struct err *e)
{
	if (clock_parse_when(text, clock_now_ns(), out))
		return err_set(e, ERR_INVALID,
			       "not a time; say -2h, -7d, 2026-11-22 or 2026-11-22T08:00:00Z");
	return 0;
}

static int take_sort(struct str text, enum query_sort *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(sorts); i++)
		if (str_eq(text, str_of(sorts[i]))) {
			*out = (enum query_sort)i;
			return 0;
		}
	return err_set(e, ERR_INVALID, "one of newest, oldest, bytes, risk, duration");
}

/* A leading minus turns a filter around, as in the panel: --app -dns. */
static int take_word(struct query *q, const char *key, const char *value, struct err *e)
{
	bool negate = value[0] == '-' && value[1] && strcmp(key, "text") != 0;
	size_t before = q->n_words;
	int rc = query_add(q, key, ":", value + negate, e);
	for (size_t i = before; negate && !rc && i < q->n_words; i++)
		q->words[i].negate = !q->words[i].negate;
	return rc;
}

static int take_option(struct ask *k, const struct option *o, const char *value, struct err *e)
{
	uint64_t n;
	switch (o->id) {
	case ARG_SINCE:
		return take_time(str_of(value), &k->q.since_ns, e);
	case ARG_UNTIL:
		return take_time(str_of(value), &k->q.until_ns, e);
	case ARG_SORT:
		return take_sort(str_of(value), &k->q.sort, e);
	case ARG_LIMIT:
		if (num_u64(str_of(value), 0, SIZE_MAX, &n))
			return err_set(e, ERR_INVALID,
				       "not a number of rows; 0 is all of them");
		k->limit = (size_t)n;
		return 0;
	case ARG_JSON:
		k->form = FORM_JSON;
		return 0;
	case ARG_CSV:
		k->form = FORM_CSV;
		return 0;
	case ARG_COLD:
		k->cold = true;
		return 0;
	case ARG_RAW:
	case ARG_FIELDS:
	case ARG_SEND_TEST:
		if (k->q.record != &log_record)
			return err_set(e, ERR_INVALID, "this is for logs alone");
		if (o->id == ARG_SEND_TEST)
			k->send_test = true;
		else
			k->form = o->id == ARG_RAW ? FORM_RAW : FORM_FIELDS;
		return 0;
	case ARG_UTC:
		k->utc = true;
		return 0;
	case ARG_HELP:
		k->help = true;
		return 0;
	case ARG_WORD:
		return take_word(&k->q, o->name, value, e);
	}
	return 0;
}

/* "--name value" or "--name=value"; *at moves over what was taken. */
static int take_long(struct ask *k, const struct command *cmd, char **argv, int *at)
{
	struct err e = ERR_INIT;
	const char *name = argv[*at] + 2, *equals = strchr(name, '=');
	struct str typed = str_n(name, equals ? (size_t)(equals - name) : strlen(name));
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];
		if (!str_eq(typed, str_of(o->name)))
			continue;
		const char *value = equals ? equals + 1 : NULL;
		if (o->has_value && !value && argv[*at + 1])
			value = argv[++*at];
		if (o->has_value != (value != NULL))
			return ctl_usage(cmd, "--%s %s", o->name,
					 o->has_value ? "lacks its value" : "takes no value");
		if (take_option(k, o, value, &e))
			return ctl_usage(cmd, "--%s: %s", o->name, e.text);
		return 0;
	}
	return ctl_usage(cmd, "unknown option %s", argv[*at]);
}

static int take_line(struct ask *k, const struct command *cmd, int argc, char **argv)
{
	struct err e = ERR_INIT;
	int status = 0;
	for (int i = 1; i < argc && !status; i++) {
		if (!strncmp(argv[i], "--", 2))
			status = take_long(k, cmd, argv, &i);
		else if (query_parse(&k->q, str_of(argv[i]), &e))
			status = ctl_usage(cmd, "%s", e.text);
	}
	return status;
}

static bool put_out(struct ask *k, bool all)
{
	if (buf_failed(&k->out))
		return false;
	if (k->out.n < FLUSH_BYTES && !all)
		return true;
	bool good = k->out.n == 0 || fwrite(k->out.p, 1, k->out.n, stdout) == k->out.n;
	buf_reset(&k->out);
	return good;
}

/* Machine forms go through one buffer; people's form is printed row by row. */
static int row_machine(void *arg, const void *row)
{
	struct ask *k = arg;
	k->rows++;
	if (k->form == FORM_CSV) {
		record_csv(k->q.record, row, &k->csv);
	} else {
		json_init(&k->j, &k->out);
		record_json(k->q.record, row, &k->j);
		buf_char(&k->out, '\n');
	}
	return put_out(k, false) ? 0 : -1;
}

/* What was received and nothing else, for other programs; on a terminal made harmless. */
static int row_raw(void *arg, const void *row)
{
	struct ask *k = arg;
	struct str line = record_tail_of(k->q.record, row);
	k->rows++;
	if (isatty(STDOUT_FILENO)) {
		char clean[8192];
		str_copy_clean(clean, sizeof(clean), line);
		buf_cstr(&k->out, clean);
	} else {
		buf_str(&k->out, line);
	}
	buf_char(&k->out, '\n');
	return put_out(k, false) ? 0 : -1;
}

static int row_fields(void *arg, const void *row)
{
	struct ask *k = arg;
	if (k->rows++)
		(void)putchar('\n');
	print_fields(row);
	return ferror(stdout) ? -1 : 0;
}

static int row_person(void *arg, const void *row)
{
	struct ask *k = arg;
	const struct row_table *t = row_table_of(k->q.record);
	if (!k->rows++)
		t->head(k->zone);
	t->row(row);
	k->has_marks = k->has_marks || (t->has_mark && t->has_mark(row));
	return ferror(stdout) ? -1 : 0;
}

static void put_foot(struct ask *k, const struct query_page_info *info)
{
	if (k->has_marks)
		row_table_of(k->q.record)->foot();
	if (!k->rows)
		(void)puts("no rows");
	else if (info->more)
		(void)printf("-- %llu rows shown, there are more: --limit 0 shows all\n",
			     (unsigned long long)k->rows);
}

static int run(struct ctl *c, struct ask *k, struct store *st, struct err *e)
{
	struct query_page_info info = { 0 };
	struct cold_info cold;
	int (*row)(void *, const void *) = k->form == FORM_TABLE  ? row_person :
					   k->form == FORM_RAW    ? row_raw :
					   k->form == FORM_FIELDS ? row_fields :
								    row_machine;
	buf_init(&k->out, 16u << 20);
	csv_init(&k->csv, &k->out);
	if (k->form == FORM_CSV)
		record_csv_header(k->q.record, &k->csv);
	int rc = k->cold ? cold_rows(c, st, &k->q, k->limit, row, k, &info, &cold, e) :
			   store_query(st, &k->q, k->limit, 0, row, k, &info, e);
	if (!rc && !put_out(k, true))
		rc = err_set(e, ERR_IO, "the output could not be written");
	buf_fini(&k->out);
	bool is_table = k->form == FORM_TABLE && isatty(STDOUT_FILENO);
	if (!rc && is_table)
		put_foot(k, &info);
	if (!rc && k->cold)
		rc = cold_foot(is_table ? stdout : isatty(STDERR_FILENO) ? stderr : NULL, &cold, e);
	return rc;
}

int cmd_rows(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct store *st = NULL;
	struct ask *k = calloc(1, sizeof(*k));
	if (!k)
		return ctl_fail("out of memory");
	k->q.record = cmd->arg;
	k->q.until_ns = INT64_MAX;
	k->limit = LIMIT_DEFAULT;
	int status = take_line(k, cmd, argc, argv);
	if (k->help && !status) {
		ctl_help(cmd);
	} else if (k->send_test && !status) {
		status = send_test(c, k->form == FORM_JSON);
	} else if (!status) {
		zone_begin(c, k->utc);
		k->zone = c->zone;
		int rc = state_store(c, &st, &e);
		if (!rc)
			rc = run(c, k, st, &e);
		if (rc == -ERR_INVALID && st)
			status =
				ctl_usage(cmd, "%s",
					  e.text); /* words that make no sense for these rows */
		else if (rc)
			status = ctl_fail("%s", e.text);
	}
	store_free(st);
	free(k);
	return status;
}
