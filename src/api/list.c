/* Any record as a list: filters, cursor, sort, limit, JSON or CSV. A route whose argument is the record
 * needs no code of its own. On the thread that carries the request; CSV goes out in pieces, each
 * with a reader of its own, so that a slow client holds none. */
#include <stdio.h>
#include <stdlib.h>

#include "cold.h"
#include "gaps.h"
#include "list.h"
#include "logs.h"
#include "looks.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/log_row.h"

#define JSON_LIMIT_DEFAULT 50
#define JSON_LIMIT_MAX 1000
#define CSV_LIMIT_DEFAULT 10000
#define CSV_LIMIT_MAX 1000000
#define CSV_PIECE_ROWS 4000 /* about 2 MB; less would look for its place in the day too often */
#define CSV_PIECE_BYTES (2u << 20)
#define PAGE_BYTES (8u << 20) /* half of what an answer may have: a row is below 1 MiB */
#define COUNT_AT_MOST 10000
#define COUNT_TIME_NS (NS_PER_S / 10) /* counting must not be felt; then it says "at least" */

static const char *const sorts[] = { "newest", "oldest", "bytes", "risk", "duration", NULL };
static const char *const formats[] = { "json", "csv", NULL };
static const char *const yes_no[] = { "true", "false", NULL };

const struct param api_list_params[] = {
	{ "since", PARAM_TIME, 0, 0, NULL,
	  "from this time on: RFC 3339, or relative as in -24h" },
	{ "until", PARAM_TIME, 0, 0, NULL, "up to this time, not included" },
	{ "host", PARAM_TEXT, 0, 255, NULL, "either end: address, CIDR, MAC or name" },
	{ "peer", PARAM_TEXT, 0, 255, NULL, "the other end of host, or either end" },
	{ "port", PARAM_TEXT, 0, 32, NULL, "port of either end" },
	{ "proto", PARAM_TEXT, 0, 64, NULL,
	  "protocol: tcp, udp, or what was recognised (tls, dicom)" },
	{ "app", PARAM_TEXT, 0, 64, NULL, "application" },
	{ "action", PARAM_TEXT, 0, 64, NULL, "what was done: allow, deny" },
	{ "text", PARAM_TEXT, 0, 255, NULL, "plain text: of flows in names and details, of logs in the line" },
	{ "q", PARAM_TEXT, 0, 2048, NULL, "words of the search box, all of which must hold" },
	{ "sort", PARAM_ENUM, 0, 0, sorts, "order; newest when absent" },
	{ "limit", PARAM_INT, 1, CSV_LIMIT_MAX, NULL,
	  "rows: JSON 50, at most 1,000; CSV 10,000, at most 1,000,000" },
	{ "cursor", PARAM_TEXT, 0, 127, NULL, "next of the page before" },
	{ "total", PARAM_ENUM, 0, 0, yes_no, "false saves counting" },
	{ "cold", PARAM_ENUM, 0, 0, yes_no,
	  "true goes on in the archive where the store's rows end; newest and oldest only" },
	{ "format", PARAM_ENUM, 0, 0, formats, "json or csv" },
	{ "bom", PARAM_ENUM, 0, 0, yes_no,
	  "true puts a byte order mark before CSV, for spreadsheets" },
	{ "purpose", PARAM_TEXT, 0, 800, NULL,
	  "what CSV is for, 3 to 200 characters; needed for logs, kept in the audit log" },
	PARAM_END,
};

static const char *const filters[] = {
	"host", "peer", "port", "proto", "app", "action", "text"
};

static bool is_true(const struct request *rq, const char *name, bool def)
{
	const struct param_value *v = req_param(rq, name);
	return v ? v->number == 0 : def; /* yes_no */
}

/* One filter; its words become the reply_field of the parameter. */
static bool add_filter(struct request *rq, struct reply *rp, struct query *q, const char *name)
{
	struct err e = ERR_INIT;
	char value[256];
	const struct param_value *v = req_param(rq, name);
	if (!v)
		return true;
	bool negate = v->text.n > 1 && v->text.p[0] == '-' && strcmp(name, "text") != 0;
	(void)str_copy(value, sizeof(value), str_sub(v->text, negate, v->text.n));
	size_t before = q->n_words;
	if (query_add(q, name, ":", value, &e) != 0) {
		reply_field(rp, "parameter", name, "filter", e.text);
		return false;
	}
	for (size_t i = before; negate && i < q->n_words; i++)
		q->words[i].negate = !q->words[i].negate;
	return true;
}

int list_query(struct request *rq, struct reply *rp, const struct record *record,
	       struct query *q)
{
	struct err e = ERR_INIT;
	bool good = true;
	memset(q, 0, sizeof(*q));
	q->record = record;
	q->sort = (enum query_sort)req_int(rq, "sort", QUERY_NEWEST);
	q->since_ns = req_int(rq, "since", 0);
	q->until_ns = req_int(rq, "until", INT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		good = add_filter(rq, rp, q, filters[i]) && good;
	const struct param_value *words = req_param(rq, "q"), *cursor = req_param(rq, "cursor");
	if (words && query_parse(q, words->text, &e) != 0) {
		reply_field(rp, "parameter", "q", "query", e.text);
		good = false;
	}
	if (cursor)
		(void)str_copy(q->cursor, sizeof(q->cursor),
			       cursor->text); /* its length was checked */
	if (good)
		return 0;
	reply_problem(rq, rp, 400, "invalid_query", "%s",
		      api_words(rq->lang, "detail.invalid_query"));
	return -ERR_INVALID;
}

void list_query_failed(struct request *rq, struct reply *rp, const struct err *e)
{
	if (e->code == ERR_INVALID || e->code == ERR_RANGE || e->code == ERR_UNSUPPORTED)
		reply_problem(rq, rp, 400, "invalid_query", "%s (%s)",
			      api_words(rq->lang, "detail.invalid_query"), e->text);
	else
		reply_failed(rq, rp, e);
}

struct json_rows {
	const struct record *record;
	struct json *j;
};

static int row_json(void *arg, const void *row)
{
	struct json_rows *r = arg;
	record_json(r->record, row, r->j);
	return buf_failed(r->j->out) ? -1 : 0;
}

/* How many rows there are, as far as that is known in time. A page that is the first and the last
 * counts itself. */
static void put_total(struct request *rq, struct json *j, const struct query *q, bool cold,
		      size_t rows, const struct query_page_info *info)
{
	uint64_t n = rows;
	bool more = false;
	struct err e = ERR_INIT;
	json_key(j, "total");
	bool is_all = q->cursor[0] == '\0' && !info->more && info->complete;
	int64_t deadline = clock_mono_ns() + COUNT_TIME_NS;
	if (deadline > rq->deadline_mono_ns)
		deadline = rq->deadline_mono_ns;
	if (!is_all &&
	    (cold || !is_true(rq, "total", true) || /* nobody has counted the archive */
	     store_count(app_store(rq->app), q, COUNT_AT_MOST, deadline, &n, &more, &e) != 0)) {
		json_null(j);
		return;
	}
	json_obj(j);
	json_kv_u64(j, "value", n);
	json_kv_str(j, "relation", more ? "gte" : "eq");
	json_end_obj(j);
}

static void put_info(struct request *rq, struct json *j, const struct query *q, bool cold,
		     size_t rows, const struct query_page_info *info)
{
	json_kv_str(j, "next", info->more && info->next[0] ? info->next : NULL);
	json_kv_time(j, "as_of", info->as_of_ns ? info->as_of_ns : clock_now_ns());
	put_total(rq, j, q, cold, rows, info);
	json_kv_bool(j, "complete", info->complete);
	json_key(j, "covered");
	json_obj(j);
	if (info->covered_since_ns > 0)
		json_kv_time(j, "since", info->covered_since_ns);
	if (info->covered_until_ns > 0 && info->covered_until_ns < INT64_MAX)
		json_kv_time(j, "until", info->covered_until_ns);
	json_end_obj(j);
	gaps_put(rq, j, q->record, q->since_ns, q->until_ns);
}

struct counted {
	struct json_rows rows;
	size_t n;
};

static int row_counted(void *arg, const void *row)
{
	struct counted *c = arg;
	c->n++;
	int rc = row_json(&c->rows, row);
	return rc == 0 && c->rows.j->out->n > PAGE_BYTES ?
		       1 :
		       rc; /* long rows: the page ends early */
}

static void list_json(struct request *rq, struct reply *rp, const struct query *q, size_t limit)
{
	struct err e = ERR_INIT;
	struct cold_info cold;
	bool is_cold = is_true(rq, "cold", false);
	struct query_page_info info = { .complete = true };
	struct json *j = reply_json(rp, 200);
	struct counted c = { { q->record, j }, 0 };
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	int rc = rows_query(rq->app, q, is_cold, limit, rq->deadline_mono_ns, row_counted, &c,
			    &info, &cold, &e);
	if (rc != 0 && rc != -ERR_TIMEOUT) {
		list_query_failed(rq, rp, &e);
		return;
	}
	if (rc != 0)
		info.complete =
			false; /* what was found in time is an answer too, marked as such */
	json_end_arr(j);
	put_info(rq, j, q, is_cold, c.n, &info);
	if (is_cold)
		cold_put(j, &cold);
	json_end_obj(j);
}

/* A CSV on its way out: one page of the query a piece. */
struct csv_out {
	struct store *store;
	struct query q;
	size_t left;
	bool header_is_out, bom;
};

struct csv_rows {
	const struct record *record;
	struct csv csv;
	size_t n;
};

static int row_csv(void *arg, const void *row)
{
	struct csv_rows *r = arg;
	record_csv(r->record, row, &r->csv);
	r->n++;
	return buf_failed(r->csv.out) ? -1 : r->csv.out->n > CSV_PIECE_BYTES;
}

static int csv_more(void *arg, struct buf *b)
{
	struct csv_out *o = arg;
	struct err e = ERR_INIT;
	struct query_page_info info = { 0 };
	struct csv_rows rows = { .record = o->q.record };
	csv_init(&rows.csv, b);
	if (!o->header_is_out) {
		if (o->bom)
			csv_bom(&rows.csv);
		record_csv_header(o->q.record, &rows.csv);
		o->header_is_out = true;
	}
	size_t want = o->left < CSV_PIECE_ROWS ? o->left : CSV_PIECE_ROWS;
	int rc = store_query(o->store, &o->q, want, clock_mono_ns() + 20 * NS_PER_S, row_csv,
			     &rows, &info, &e);
	if (rc != 0 || !info.complete || buf_failed(b))
		return -ERR_IO; /* the connection breaks: half a file must not look whole */
	o->left -= rows.n < o->left ? rows.n : o->left;
	if (!info.more || o->left == 0 || info.next[0] == '\0')
		return 0;
	(void)str_copy(o->q.cursor, sizeof(o->q.cursor), str_of(info.next));
	return 1;
}

static int row_stop(void *arg, const void *row)
{
	(void)arg;
	(void)row;
	return 1;
}

static void list_csv(struct request *rq, struct reply *rp, const struct query *q, size_t limit)
{
	struct err e = ERR_INIT;
	struct query_page_info info;
	/* What is wrong with the query is said as a problem, while there still is a status to say it with. */
	int rc = store_query(app_store(rq->app), q, 1, rq->deadline_mono_ns, row_stop, NULL,
			     &info, &e);
	struct csv_out *o = rc < 0 && rc != -ERR_TIMEOUT ? NULL : calloc(1, sizeof(*o));
	if (!o) {
		if (rc == 0)
			(void)err_set(&e, ERR_NOMEM, "no memory for an export");
		list_query_failed(rq, rp, &e);
		return;
	}
	*o = (struct csv_out){ .store = app_store(rq->app),
			       .q = *q,
			       .left = limit,
			       .bom = is_true(rq, "bom", false) };
	if (o->q.until_ns ==
	    INT64_MAX) /* rows that come while it is written are not part of it */
		o->q.until_ns = clock_now_ns();
	char name[128];
	(void)snprintf(name, sizeof(name), "attachment; filename=\"%s-%d.csv\"",
		       q->record->name, (int)clock_day(clock_now_ns()));
	rp->status = 200;
	rp->type = "text/csv; charset=utf-8";
	reply_header(rp, "Content-Disposition", name);
	rp->more = csv_more;
	rp->more_free = free;
	rp->more_arg = o;
}

/* The archive knows one order, and a CSV of it is a job's work. */
static bool cold_is_good(struct request *rq, struct reply *rp, const struct query *q, bool csv)
{
	if (!is_true(rq, "cold", false))
		return true;
	bool is_sorted = q->sort != QUERY_NEWEST && q->sort != QUERY_OLDEST;
	if (is_sorted)
		reply_field(rp, "parameter", "sort", "cold",
			    api_words(rq->lang, "parameter.cold_sort"));
	if (csv)
		reply_field(rp, "parameter", "format", "cold",
			    api_words(rq->lang, "parameter.cold_csv"));
	if (is_sorted || csv)
		reply_problem(rq, rp, 400, "invalid_parameter", "%s",
			      api_words(rq->lang, "detail.invalid_parameter"));
	return !is_sorted && !csv;
}

void api_list(struct request *rq, struct reply *rp)
{
	struct query q;
	bool csv = req_int(rq, "format", 0) == 1;
	int64_t limit = req_int(rq, "limit", csv ? CSV_LIMIT_DEFAULT : JSON_LIMIT_DEFAULT);
	if (!csv && limit > JSON_LIMIT_MAX) {
		char words[256];
		reply_field(rp, "parameter", "limit", "range",
			    api_text(words, sizeof(words), rq->lang, "parameter.range", "1",
				     "1000"));
		reply_problem(rq, rp, 400, "invalid_parameter", "%s",
			      api_words(rq->lang, "detail.invalid_parameter"));
		return;
	}
	if (list_query(rq, rp, rq->route->arg, &q) != 0 || !cold_is_good(rq, rp, &q, csv) ||
	    look_list(rq, rp, q.record, csv) != 0)
		return;
	if (csv)
		list_csv(rq, rp, &q, (size_t)limit);
	else
		list_json(rq, rp, &q, (size_t)limit);
}

struct one {
	int (*row)(void *arg, const void *row);
	void *arg;
	bool found;
};

static int row_one(void *arg, const void *row)
{
	struct one *one = arg;
	if (!one->found)
		(void)one->row(one->arg, row); /* a full answer shows at its end */
	one->found = true;
	return 1;
}

/* Ids hold the second of their row's time or a later one of the same day (see store.h), which is where
 * to look. */
int list_one(struct request *rq, struct reply *rp, const struct record *record,
	     int (*row)(void *arg, const void *row), void *arg)
{
	struct err e = ERR_INIT;
	struct query q = { .record = record, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct cold_info cold_info;
	struct one one = { row, arg, false };
	char id[24];
	int64_t number;
	int rc = num_i64(rq->path_arg, 1, INT64_MAX, &number) != 0 ? -ERR_NOTFOUND : 0;
	if (rc == 0) {
		int64_t second = (number >> 30) * NS_PER_S;
		q.since_ns = clock_day_start(clock_day(second));
		q.until_ns = second + NS_PER_S;
		(void)snprintf(id, sizeof(id), "%lld", (long long)number);
		rc = query_add(&q, "event.id", "=", id, &e);
	}
	/* What the store has dropped is read from the archive, where there is one. */
	for (int cold = 0; cold < 2 && rc == 0 && !one.found; cold++)
		rc = rows_query(rq->app, &q, cold, 1, rq->deadline_mono_ns, row_one, &one, &info,
				&cold_info, &e);
	if (rc == 0 && one.found)
		return 0;
	if (rc != 0 && rc != -ERR_NOTFOUND)
		list_query_failed(rq, rp, &e);
	else
		reply_problem(rq, rp, 404, "not_found", "%s",
			      api_words(rq->lang, "detail.no_row"));
	return rc != 0 ? rc : -ERR_NOTFOUND;
}

void api_item(struct request *rq, struct reply *rp)
{
	if (rq->route->arg == &log_record && look_log(rq, rp) != 0)
		return;
	struct json_rows rows = { rq->route->arg, reply_json(rp, 200) };
	/* what went wrong is in rp already */
	(void)list_one(rq, rp, rq->route->arg, row_json, &rows);
}
