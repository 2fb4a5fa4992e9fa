/* Proof of time from outside (RFC 3161): the first manifest of a UTC day is stamped by the authority that is set, and
 * the token lies beside it (.tsr) and goes to the places. Since each manifest holds the hash of the one before, a
 * stamp a day bounds the time of all of them. Without an authority, or while it does not answer, sealing goes on as
 * ever; a day that got none within a week stays without. Thread archive. */
#include <stdio.h>
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/net.h"

#define DAYS_BACK 7
#define RETRY_MIN_NS (60 * NS_PER_S)
#define RETRY_MAX_NS HOUR_NS
#define ANSWER_MAX (256u << 10)
#define TIMEOUT_S 20

/* The oldest day of the last week whose first manifest has no stamp and whose turn it is. */
static const char sql_next[] =
	"SELECT s.seq, s.sha256, s.appliance, ifnull(t.tries, 0) FROM"
	" (SELECT min(seq) AS seq, wall_ns / 86400000000000 AS day FROM archive_seal"
	" WHERE wall_ns > ?1 AND state = 'sealed' GROUP BY wall_ns / 86400000000000) AS f"
	" JOIN archive_seal s ON s.seq = f.seq"
	" LEFT JOIN archive_stamp t ON t.seq = f.seq"
	" WHERE ifnull(t.at_ns, 0) = 0 AND (t.seq IS NULL OR t.tried_ns > ?2"
	" OR t.tried_ns + min(?4, ?3 << min(t.tries, 10)) <= ?2)"
	" ORDER BY s.seq DESC LIMIT 1";
static const char sql_tried[] =
	"INSERT INTO archive_stamp (day, seq, tries, tried_ns, at_ns, error) VALUES (?1, ?2, 1, ?3, ?4, ?5)"
	" ON CONFLICT (day) DO UPDATE SET seq = excluded.seq, tries = tries + 1, tried_ns = excluded.tried_ns,"
	" at_ns = excluded.at_ns, error = excluded.error";

struct stamping {
	const struct stamper *s;
	int64_t now_ns, at_ns, wall_ns;
	uint64_t seq;
	uint8_t sha256[CRYPT_SHA256_BYTES];
	char appliance[ARCHIVE_APPLIANCE_MAX];
	struct buf token;
	const char *error;
	bool is_found;
};

static int load(struct sql *db, void *arg, struct err *e)
{
	struct stamping *p = arg;
	struct stmt *q;
	int rc = sql_prepare(db, sql_next, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, p->now_ns - DAYS_BACK * 24 * HOUR_NS);
	stmt_i64(q, 2, p->now_ns);
	stmt_i64(q, 3, RETRY_MIN_NS);
	stmt_i64(q, 4, RETRY_MAX_NS);
	rc = stmt_step(q, e);
	struct str sum = rc > 0 ? stmt_col_blob(q, 1) : STR_NULL;
	if (sum.n == sizeof(p->sha256)) {
		p->is_found = true;
		p->seq = (uint64_t)stmt_col_i64(q, 0);
		memcpy(p->sha256, sum.p, sum.n);
		(void)str_copy(p->appliance, sizeof(p->appliance), stmt_col_text(q, 2));
	}
	stmt_done(q);
	return rc < 0 ? rc : 0;
}

static int enqueue(struct sql *db, const struct stamping *p, struct err *e)
{
	char key[ARCHIVE_KEY_MAX], path[ARCHIVE_KEY_MAX + sizeof(ARCHIVE_FOLDER)];
	struct s3_object o = { .key = key, .path = path, .owner = "archive", .bytes = p->token.n, .made_ns = p->now_ns };
	archive_manifest_key(key, p->appliance, p->seq, ".tsr");
	(void)snprintf(path, sizeof(path), ARCHIVE_FOLDER "/%s", key);
	crypt_sha256(p->token.p, p->token.n, o.sha256);
	return s3_enqueue(db, &o, e);
}

static int note(struct sql *db, void *arg, struct err *e)
{
	const struct stamping *p = arg;
	struct seal s;
	struct stmt *q;
	int rc = seal_load(db, p->seq, &s, e);
	if (!rc)
		rc = sql_prepare(db, sql_tried, &q, e);
	if (rc)
		return rc;
	stmt_i64(q, 1, clock_day(s.wall_ns));
	stmt_i64(q, 2, (int64_t)p->seq);
	stmt_i64(q, 3, p->now_ns);
	stmt_i64(q, 4, p->at_ns);
	stmt_text(q, 5, str_of(p->error));
	rc = stmt_step(q, e);
	stmt_done(q);
	if (rc < 0)
		return rc;
	return p->at_ns ? enqueue(db, p, e) : 0;
}

static int ask(const struct stamping *p, struct str request, struct http_answer *a, struct err *e)
{
	static const struct http_header headers[] = { { "Content-Type", "application/timestamp-query" },
						      { "Accept", "application/timestamp-reply" } };
	const struct http_conf conf = { .ca_file = p->s->ca_file, .plain_allowed = true };
	const struct http_request rq = { .method = "POST",
					 .url = p->s->url,
					 .headers = headers,
					 .n_headers = ARRAY_LEN(headers),
					 .body = request,
					 .timeout_s = TIMEOUT_S,
					 .answer_max = ANSWER_MAX,
					 .stop = p->s->stop };
	struct http *h = NULL;
	int rc = http_new(&h, &conf, e);
	if (!rc)
		rc = http_ask(h, &rq, a, e);
	if (!rc && a->status != 200)
		rc = err_set(e, ERR_IO, "the time stamping authority answered %d", a->status);
	http_free(h);
	return rc;
}

/* Against the authority's own certificates, where they are given. */
static int check(const struct stamping *p, struct err *e)
{
	struct buf trust;
	int64_t at_ns;
	if (!p->s->ca_file)
		return 0;
	buf_init(&trust, 1u << 20);
	int rc = file_read(p->s->ca_file, 1u << 20, &trust, e);
	if (!rc)
		rc = crypt_stamp_read(buf_view(&p->token), p->sha256, buf_view(&trust), &at_ns, e);
	buf_fini(&trust);
	return rc;
}

static int get_token(struct stamping *p, struct err *e)
{
	struct buf request;
	struct http_answer a;
	buf_init(&request, 4096);
	http_answer_init(&a);
	int rc = crypt_stamp_request(p->sha256, &request, e);
	if (!rc)
		rc = ask(p, buf_view(&request), &a, e);
	if (!rc)
		rc = crypt_stamp_answer(buf_view(&request), buf_view(&a.body), &p->token, &p->at_ns, e);
	if (!rc)
		rc = check(p, e);
	http_answer_fini(&a);
	buf_fini(&request);
	return rc;
}

static int write_token(const struct stamping *p, struct err *e)
{
	char key[ARCHIVE_KEY_MAX], path[ARCHIVE_PATH_MAX];
	archive_manifest_key(key, p->appliance, p->seq, ".tsr");
	if (!archive_path(path, p->s->sealer->folder, key))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	return file_write_durable(path, 0600, p->token.p, p->token.n, e);
}

int stamp_run(const struct stamper *s, int64_t now_ns, struct err *e)
{
	struct stamping p = { .s = s, .now_ns = now_ns, .error = "" };
	struct err noted = ERR_INIT;
	int rc = seal_read(s->sealer->store, load, &p, e);
	if (rc || !p.is_found)
		return rc;
	buf_init(&p.token, ANSWER_MAX);
	rc = get_token(&p, e);
	if (!rc)
		rc = write_token(&p, e);
	if (rc) {
		p.at_ns = 0;
		p.error = e->text;
	}
	int put = rc == -ERR_CLOSED ? 0 : store_write(s->sealer->store, note, &p, &noted);
	buf_fini(&p.token);
	if (rc)
		return rc;
	if (put && e)
		*e = noted;
	return put ? put : 1;
}
