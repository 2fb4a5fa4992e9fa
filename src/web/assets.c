/* Pages and files of the panel. Paths without an ending are pages: all are index.html, whose script
 * reads the path. Files are asked for again each time and answered 304 by their hash (RFC 9110, 13.1.2). */
#include "assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "tomsd/base/embed.h"

#define ETAG_MAX 48

struct asset {
	const struct embed *file;
	unsigned char *plain;
	char etag[ETAG_MAX],
		etag_gzip[ETAG_MAX]; /* without quotes; two forms are two entities */
};
struct assets {
	size_t n;
	const struct asset *index;
	struct asset a[];
};

const char *assets_type(const char *name)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".webmanifest", "application/manifest+json" },
	};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ends(str_of(name), str_of(types[i].ending)))
			return types[i].type;
	return "application/octet-stream";
}

/* gzip (RFC 1952) of a file of ours; its size is known. */
static int unpack(struct asset *a, struct err *e)
{
	z_stream z;
	memset(&z, 0, sizeof(z));
	a->plain = malloc(a->file->plain_n + 1);
	if (!a->plain || inflateInit2(&z, 15 + 16) != Z_OK)
		return err_set(e, ERR_NOMEM, "no memory for the panel's files");
	union {
		const unsigned char *c;
		unsigned char *p;
	} in = { .c = a->file->p };
	z.next_in = in.p; /* zlib does not write to it */
	z.avail_in = (unsigned)a->file->n;
	z.next_out = a->plain;
	z.avail_out = (unsigned)a->file->plain_n + 1;
	int rc = inflate(&z, Z_FINISH);
	bool good = rc == Z_STREAM_END && z.total_out == a->file->plain_n;
	(void)inflateEnd(&z);
	return good ? 0 :
		      err_set(e, ERR_CORRUPT, "the panel's file %s is not whole",
			      a->file->name);
}

int assets_new(struct assets **out, struct err *e)
{
	size_t n = 0;
	while (web_assets[n].name)
		n++;
	struct assets *as = calloc(1, sizeof(*as) + n * sizeof(as->a[0]));
	if (!as)
		return err_set(e, ERR_NOMEM, "no memory for the panel's files");
	for (; as->n < n; as->n++) {
		struct asset *a = &as->a[as->n];
		a->file = &web_assets[as->n];
		(void)snprintf(a->etag, sizeof(a->etag), "%s", a->file->etag);
		(void)snprintf(a->etag_gzip, sizeof(a->etag_gzip), "%s-gz", a->file->etag);
		int rc = unpack(a, e);
		if (rc != 0) {
			as->n++;
			assets_free(as);
			return rc;
		}
		if (strcmp(a->file->name, "index.html") == 0)
			as->index = a;
	}
	*out = as;
	return 0;
}

void assets_free(struct assets *as)
{
	if (!as)
		return;
	for (size_t i = 0; i < as->n; i++)
		free(as->a[i].plain);
	free(as);
}

/* A file by its path; a page when the last part has no dot in it. */
static const struct asset *find(const struct assets *as, struct str path)
{
	struct str name = str_sub(path, 1, path.n), left = name, last = STR_NULL;
	for (size_t i = 0; i < as->n; i++)
		if (str_eq(str_of(as->a[i].file->name), name))
			return &as->a[i];
	while (str_split(&left, '/', &last))
		;
	return str_chr(last, '.') < 0 ? as->index : NULL;
}

static void say(struct exchange *ex, int status, const char *code, const char *words)
{
	reply_problem(&ex->rq, &ex->rp, status, code, "%s", api_words(ex->rq.lang, words));
}

void assets_answer(const struct assets *as, struct exchange *ex)
{
	const struct asset *a = find(as, ex->rq.path);
	char etag[ETAG_MAX + 2];
	ex->is_asset = true;
	if (gate_is_change(ex->rq.method)) {
		say(ex, 405, "method_not_allowed", "detail.bad_request");
		reply_header(&ex->rp, "Allow", "GET, HEAD");
		return;
	}
	if (!a) {
		say(ex, 404, "not_found", "detail.no_route");
		return;
	}
	bool gzip = gate_takes_gzip(head_get(&ex->head, "Accept-Encoding"));
	struct str asked = head_get(&ex->head, "If-None-Match");
	bool is_same = asked.n > 0 && (gate_etag_matches(asked, a->etag) ||
				       gate_etag_matches(asked, a->etag_gzip));
	(void)snprintf(etag, sizeof(etag), "\"%s\"", gzip ? a->etag_gzip : a->etag);
	reply_header(&ex->rp, "ETag", etag);
	reply_header(&ex->rp, "Vary", "Accept-Encoding");
	ex->rp.type = assets_type(a->file->name);
	ex->rp.status = is_same ? 304 : 200;
	if (is_same)
		return;
	if (gzip)
		reply_header(&ex->rp, "Content-Encoding", "gzip");
	union {
		const unsigned char *u;
		const char *c;
	} body = { .u = gzip ? a->file->p : a->plain };
	ex->fixed = str_n(body.c, gzip ? a->file->n : a->file->plain_n);
}
