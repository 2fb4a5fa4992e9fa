/* Asking for an export and fetching its files. On the thread that carries the request. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exports.h"
#include "jobs.h"
#include "list.h"
#include "looks.h"
#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"

#define PIECE_BYTES (1u << 20)
#define ASKED_NODES 64

static const struct {
	const char *name;
	const struct record *record;
} kinds[] = { { "logs", &log_record }, { "flows", &flow_record } };

static const struct record *record_of(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			return kinds[i].record;
	return NULL;
}

static int time_of(const struct json_doc *d, const char *name, int64_t def, int64_t *out)
{
	char text[64];
	const struct json_node *n = json_get(d, d->nodes, name);
	*out = def;
	if (!n || n->type == JSON_NULL)
		return 0;
	return json_text(n, text, sizeof(text)) ?
		       clock_parse_when(str_of(text), clock_now_ns(), out) :
		       -ERR_INVALID;
}

/* Fills all but the purpose; the name of the member that is to blame, or NULL. */
static const char *take_ask(const struct json_doc *d, struct export_ask *ask, struct err *e)
{
	const struct json_node *q = json_get(d, d->nodes, "q"),
			       *bom = json_get(d, d->nodes, "bom"),
			       *cold = json_get(d, d->nodes, "cold");
	if (!json_text(json_get(d, d->nodes, "kind"), ask->kind, sizeof(ask->kind)) ||
	    !(ask->record = record_of(ask->kind)))
		return "/kind";
	ask->q.record = ask->record;
	ask->q.sort = QUERY_OLDEST;
	if (q && q->type != JSON_NULL && !json_text(q, ask->words, sizeof(ask->words)))
		return "/q";
	if (query_parse(&ask->q, str_of(ask->words), e) != 0)
		return "/q";
	if (time_of(d, "since", 0, &ask->q.since_ns) != 0)
		return "/since";
	if (time_of(d, "until", INT64_MAX, &ask->q.until_ns) != 0 ||
	    ask->q.until_ns <= ask->q.since_ns)
		return "/until";
	ask->bom = bom && bom->type == JSON_TRUE;
	ask->cold = cold && cold->type == JSON_TRUE;
	return NULL;
}

int export_ask_read(struct str asked, struct export_ask *out, struct err *e)
{
	struct json_doc d;
	int rc = json_parse(asked, ASKED_NODES, &d, e);
	if (rc != 0)
		return rc;
	if (take_ask(&d, out, e) ||
	    !json_text(json_get(&d, d.nodes, "purpose"), out->purpose, sizeof(out->purpose)))
		rc = err_set(e, ERR_INVALID, "what was asked for is not understood");
	json_doc_fini(&d);
	return rc;
}

/* As it stands in the row of the job, and in the audit log. */
static void put_ask(const struct export_ask *ask, struct buf *b)
{
	struct json j;
	json_init(&j, b);
	json_obj(&j);
	json_kv_str(&j, "kind", ask->kind);
	json_kv_str(&j, "q", ask->words);
	if (ask->q.since_ns > 0)
		json_kv_time(&j, "since", ask->q.since_ns);
	json_kv_time(&j, "until", ask->q.until_ns);
	json_kv_str(&j, "purpose", ask->purpose);
	json_kv_bool(&j, "bom", ask->bom);
	json_kv_bool(&j, "cold", ask->cold);
	json_end_obj(&j);
}

static int row_stop(void *arg, const void *row)
{
	(void)arg;
	(void)row;
	return 1;
}

static void blame(struct request *rq, struct reply *rp, const char *pointer, const char *words)
{
	reply_field(rp, "pointer", pointer, "invalid", words);
	reply_problem(rq, rp, 422, "unacceptable", "%s",
		      api_words(rq->lang, "detail.export_fields"));
}

/* What is wrong is said now, while somebody listens: words that these rows do not have. */
static bool ask_is_good(struct request *rq, struct reply *rp, struct export_ask *ask)
{
	struct err e = ERR_INIT;
	struct query_page_info info;
	int rc = store_query(app_store(rq->app), &ask->q, 1, rq->deadline_mono_ns, row_stop,
			     NULL, &info, &e);
	if (rc == 0 || rc == -ERR_TIMEOUT)
		return true;
	if (rc == -ERR_INVALID || rc == -ERR_RANGE || rc == -ERR_UNSUPPORTED)
		blame(rq, rp, "/q", e.text);
	else
		reply_failed(rq, rp, &e);
	return false;
}

static bool read_body(struct request *rq, struct reply *rp, struct export_ask *ask)
{
	struct err e = ERR_INIT;
	struct json_doc d;
	char purpose[PURPOSE_MAX] = "";
	if (req_body(rq, &d, rp) != 0)
		return false;
	const char *bad = take_ask(&d, ask, &e);
	if (!json_text(json_get(&d, d.nodes, "purpose"), purpose, sizeof(purpose)))
		purpose[0] = '\0';
	json_doc_fini(&d);
	if (bad) {
		blame(rq, rp, bad, e.code ? e.text : api_words(rq->lang, "field.invalid"));
		return false;
	}
	if (!look_purpose(rq, rp, "pointer", "/purpose", str_of(purpose), ask->purpose)) {
		reply_problem(rq, rp, 422, "unacceptable", "%s",
			      api_words(rq->lang, "detail.purpose"));
		return false;
	}
	if (ask->q.until_ns == INT64_MAX)
		ask->q.until_ns =
			clock_now_ns(); /* what comes while it is written is no part */
	return ask_is_good(rq, rp, ask);
}

static bool has_room(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	char key[64];
	int rc = export_room(rq->app, &e);
	if (rc == 0)
		return true;
	if (rc != -ERR_FULL) {
		reply_failed(rq, rp, &e);
		return false;
	}
	(void)snprintf(key, sizeof(key), "job.%.40s", e.text);
	reply_problem(rq, rp, 507, e.text, "%s", api_words(rq->lang, key));
	return false;
}

void export_post(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	struct buf asked;
	struct export_ask *ask = calloc(1, sizeof(*ask));
	if (!ask) {
		(void)err_set(&e, ERR_NOMEM, "no memory for an export");
		reply_failed(rq, rp, &e);
		return;
	}
	buf_init(&asked, 64u << 10);
	if (read_body(rq, rp, ask) && has_room(rq, rp)) {
		put_ask(ask, &asked);
		/* Before the job, so that nothing is written that nobody is known to have asked for. */
		if (buf_failed(&asked) ||
		    api_audit(rq, "export.ask", ask->kind, NULL, asked.p, &e) != 0)
			reply_failed(rq, rp, &e);
		else
			(void)api_job_ask(rq, rp, &export_job,
					  asked.p); /* what it says is in rp */
	}
	buf_fini(&asked);
	free(ask);
}

struct sending {
	int fd;
};

static int send_piece(void *arg, struct buf *b)
{
	struct sending *s = arg;
	char *piece = malloc(PIECE_BYTES);
	ssize_t n = piece ? read(s->fd, piece, PIECE_BYTES) : -1;
	if (n > 0)
		buf_put(b, piece, (size_t)n);
	free(piece);
	return n < 0 ? -ERR_IO : n > 0;
}

static void send_end(void *arg)
{
	struct sending *s = arg;
	(void)close(s->fd);
	free(s);
}

/* Names as export_file_name makes them, and no others. */
static bool is_file_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			     (i > 0 && (c == '-' || c == '.'));
		if (!plain)
			return false;
	}
	return s.n > 0 && s.n < 96;
}

/* "12/logs-20261122-140500.csv" of a job that is theirs; the path, or "". */
static int find_file(struct request *rq, int64_t *id, char name[96], char path[EXPORT_PATH_MAX],
		     struct err *e)
{
	struct str left = rq->path_arg, part;
	struct job_row row;
	if (!str_split(&left, '/', &part) || num_i64(part, 1, INT64_MAX, id) != 0 ||
	    !is_file_name(left))
		return -ERR_NOTFOUND;
	(void)str_copy(name, 96, left); /* checked: fits */
	int rc = job_row_read(app_store(rq->app), *id, rq->deadline_mono_ns, &row, e);
	if (rc != 0)
		return rc;
	const struct job_kind *kind = job_queue_kind(api_of(rq->app)->jobs, str_of(row.kind));
	bool theirs = job_is_theirs(rq, &row) && kind && kind->keeps_files &&
		      strcmp(row.state, "done") == 0 && row.clean_ns > clock_now_ns();
	job_row_fini(&row);
	return theirs && export_path(rq->app, *id, name, path) ? 0 : -ERR_NOTFOUND;
}

static int open_file(const char *path, int *fd, struct err *e)
{
	struct stat st;
	*fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOENT ? -ERR_NOTFOUND : err_sys(e, errno, "opening an export");
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	(void)close(*fd);
	return -ERR_NOTFOUND;
}

static const char *type_of(struct str name)
{
	if (str_ends(name, STR(".csv")))
		return "text/csv; charset=utf-8";
	return str_ends(name, STR(".tar")) ? "application/x-tar" : "text/plain; charset=utf-8";
}

void export_file_get(struct request *rq, struct reply *rp)
{
	struct err e = ERR_INIT;
	char name[96], path[EXPORT_PATH_MAX], object[160];
	int64_t id;
	int fd = -1, rc = find_file(rq, &id, name, path, &e);
	if (rc == 0)
		rc = open_file(path, &fd, &e);
	struct sending *s = rc == 0 ? malloc(sizeof(*s)) : NULL;
	if (rc == 0 && !s)
		rc = err_set(&e, ERR_NOMEM, "no memory for a download");
	if (rc == 0 && !str_eq(rq->method, STR("HEAD"))) {
		(void)snprintf(object, sizeof(object), "%lld/%s", (long long)id, name);
		rc = api_audit(rq, "export.download", object, NULL, NULL, &e);
	}
	if (rc != 0) {
		if (rc == -ERR_NOTFOUND)
			reply_problem(rq, rp, 404, "not_found", "%s",
				      api_words(rq->lang, "detail.no_export"));
		else
			reply_failed(rq, rp, &e);
		free(s);
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	(void)snprintf(object, sizeof(object), "attachment; filename=\"%s\"", name);
	reply_header(rp, "Content-Disposition", object);
	*s = (struct sending){ fd };
	rp->status = 200;
	rp->type = type_of(str_of(name));
	rp->more = send_piece;
	rp->more_free = send_end;
	rp->more_arg = s;
}

const char export_accepts[] =
	"{\"type\":\"object\",\"required\":[\"kind\",\"purpose\"],\"properties\":{\"kind\":{\"enum\":[\"logs\",\"flows\"]},"
	"\"q\":{\"type\":\"string\",\"maxLength\":2048},\"since\":{\"type\":\"string\"},\"until\":{\"type\":\"string\"},"
	"\"purpose\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":200},\"bom\":{\"type\":\"boolean\"},\"cold\":{\"type\":\"boolean\"}}}";
