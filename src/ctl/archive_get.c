/* tomsctl archive get: files of the archive out of the appliance, as they are, with the manifests that prove them; or the
 * lines of logs as they were received. What is not here any more is fetched from a place that has proven it. */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "tomsd/archive.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/crypt.h"
#include "tomsd/parquet.h"
#include "tomsd/s3.h"

#define PATH_MAX_BYTES 4096
#define PIECE (1u << 20)

struct get {
	struct ctl *c;
	struct store *store;
	int64_t since_ns, until_ns;
	const char *kind, *out;
	bool raw;
	struct archive_object *objects;
	size_t n, room;
	FILE *lines;
	uint64_t files, bytes, n_lines;
	/* The place that was asked last. */
	struct s3_client *client;
	char place[64];
};

static int collect(void *arg, const struct archive_object *o)
{
	struct get *g = arg;
	if (g->n == g->room) {
		size_t room = g->room ? 2 * g->room : 64;
		struct archive_object *all = realloc(g->objects, room * sizeof(*all));
		if (!all)
			return -ERR_NOMEM;
		g->objects = all;
		g->room = room;
	}
	g->objects[g->n++] = *o;
	return 0;
}

static int make_folder(const char *path, struct err *e)
{
	char folder[PATH_MAX_BYTES];
	(void)str_copy(folder, sizeof(folder), str_of(path));
	char *slash = strrchr(folder, '/');
	if (!slash)
		return 0;
	*slash = '\0';
	return file_mkdirs(folder, 0777, e);
}

static int write_all(int fd, const char *p, size_t n, const char *path, struct err *e)
{
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno != EINTR)
			return err_sys(e, errno, "writing %s", path);
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
	return 0;
}

static int copy_bytes(int from, int to, const char *path, struct err *e)
{
	char *piece = malloc(PIECE);
	ssize_t n;
	int rc = piece ? 0 : err_set(e, ERR_NOMEM, "out of memory");
	while (!rc && (n = read(from, piece, PIECE)) != 0)
		rc = n < 0 ? (errno == EINTR ? 0 : err_sys(e, errno, "reading %s", path)) :
			     write_all(to, piece, (size_t)n, path, e);
	free(piece);
	return rc;
}

static int copy_file(const char *from, const char *to, struct err *e)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return err_sys(e, errno, "opening %s", from);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), rc;
	rc = out < 0 ? err_sys(e, errno, "creating %s", to) : copy_bytes(in, out, to, e);
	(void)close(in); /* nothing was written */
	if (out >= 0 && close(out) && !rc)
		rc = err_sys(e, errno, "writing %s", to);
	return rc;
}

/* ---- From a place. ---- */

struct proven {
	const char *key;
	struct s3_kept kept;
	bool is_found;
};

static int take_kept(void *arg, const struct s3_kept *k)
{
	struct proven *p = arg;
	if (k->state != S3_PROVEN || p->is_found)
		return 0;
	p->kept = *k;
	p->is_found = true;
	return 0;
}

static int find_place(struct get *g, struct proven *p, struct err *e)
{
	struct sql *db;
	int rc = store_read_begin(g->store, 0, &db, e);
	if (rc)
		return rc;
	rc = s3_kept(db, p->key, take_kept, p, e);
	store_read_end(g->store, db);
	if (rc >= 0 && !p->is_found)
		return err_set(e, ERR_NOTFOUND, "%s is not here any more, and no place is known to have it", p->key);
	return rc < 0 ? rc : 0;
}

static int client_of(struct get *g, const char *place, struct err *e)
{
	struct s3_conf conf;
	if (g->client && strcmp(g->place, place) == 0)
		return 0;
	s3_client_free(g->client);
	g->client = NULL;
	int rc = place_of(g->c, g->store, place, &conf, e);
	if (!rc)
		rc = s3_client_new(&g->client, &conf, NULL, e);
	explicit_bzero(&conf, sizeof(conf));
	(void)str_copy(g->place, sizeof(g->place), str_of(place));
	return rc;
}

static int fetch(struct get *g, const struct archive_object *o, const char *to, struct err *e)
{
	struct proven p = { .key = o->key };
	struct s3_fault f;
	const char *version;
	int rc = find_place(g, &p, e);
	if (!rc)
		rc = client_of(g, p.kept.place, e);
	if (rc)
		return rc;
	version = p.kept.v.version_id[0] ? p.kept.v.version_id : NULL;
	return s3_get_file(g->client, o->key, version, to, o->bytes, o->sha256, &f, e);
}

/* ---- Lines. ---- */

struct opened {
	int fd;
};

static int read_at(void *ctx, uint64_t off, void *p, size_t n, struct err *e)
{
	const struct opened *f = ctx;
	char *to = p;
	while (n) {
		ssize_t r = pread(f->fd, to, n, (off_t)off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return err_sys(e, r < 0 ? errno : EIO, "reading an archive file");
		to += r;
		off += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

static int put_lines(struct get *g, struct parquet_file *f, size_t group, size_t col, struct err *e)
{
	struct parquet_scan *s = NULL;
	struct parquet_cell v;
	int rc = parquet_scan_new(&s, f, group, col, e);
	while (!rc && (rc = parquet_scan_next(s, &v, e)) == 0) {
		if (!v.known)
			continue;
		if (fwrite(v.text.p, 1, v.text.n, g->lines) != v.text.n || fputc('\n', g->lines) == EOF)
			rc = err_sys(e, errno, "writing %s", g->out);
		g->n_lines++;
	}
	parquet_scan_free(s);
	return rc == -ERR_CLOSED ? 0 : rc;
}

static int lines_of(struct get *g, const char *path, struct err *e)
{
	struct opened o = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	int64_t size = file_size(path);
	if (o.fd < 0 || size < 0)
		return err_sys(e, errno, "opening %s", path);
	const struct parquet_source src = { .read_at = read_at, .ctx = &o, .size = (uint64_t)size };
	struct parquet_file *f = NULL;
	int rc = parquet_open(&f, &src, e);
	ptrdiff_t col = rc ? -1 : parquet_column(f, STR("event.original"));
	for (size_t i = 0; !rc && col >= 0 && i < parquet_groups(f); i++)
		rc = put_lines(g, f, i, (size_t)col, e);
	parquet_close(f);
	(void)close(o.fd); /* nothing was written */
	return rc;
}

/* ---- One object after the other. ---- */

static int local_path(const struct get *g, const char *key, char out[PATH_MAX_BYTES])
{
	int n = snprintf(out, PATH_MAX_BYTES, "%s/archive/%s", g->c->state_path, key);
	return n > 0 && n < PATH_MAX_BYTES ? 0 : -ERR_RANGE;
}

static int get_lines(struct get *g, const struct archive_object *o, struct err *e)
{
	char path[PATH_MAX_BYTES], fetched[PATH_MAX_BYTES + 16];
	if (local_path(g, o->key, path))
		return err_set(e, ERR_RANGE, "the state folder's path is too long");
	if (o->is_local)
		return lines_of(g, path, e);
	(void)snprintf(fetched, sizeof(fetched), "%s.fetched", g->out);
	int rc = fetch(g, o, fetched, e);
	if (!rc)
		rc = lines_of(g, fetched, e);
	(void)unlink(fetched); /* of no more use */
	return rc;
}

static int get_file(struct get *g, const char *key, const struct archive_object *o, struct err *e)
{
	char from[PATH_MAX_BYTES], to[PATH_MAX_BYTES];
	int n = snprintf(to, sizeof(to), "%s/%s", g->out, key);
	if (n < 0 || n >= (int)sizeof(to) || local_path(g, key, from))
		return err_set(e, ERR_RANGE, "a path is too long");
	int rc = make_folder(to, e);
	if (!rc)
		rc = o && !o->is_local ? fetch(g, o, to, e) : copy_file(from, to, e);
	if (rc)
		return rc;
	g->files++;
	g->bytes += o ? o->bytes : 0;
	return 0;
}

static int take_manifest(void *arg, const struct archive_manifest *m)
{
	*(struct archive_manifest *)arg = *m;
	return 0;
}

/* Manifest and signature of each seal that something was taken of. */
static int get_proofs(struct get *g, struct err *e)
{
	struct archive_manifest m = { .seq = 0 };
	char key[512];
	int rc = 0;
	for (size_t i = 0; !rc && i < g->n; i++) {
		if (g->objects[i].seq == m.seq)
			continue;
		rc = archive_each_manifest(g->store, g->objects[i].seq + 1, 1, take_manifest, &m, e);
		archive_manifest_name(&m, ".json", key);
		if (!rc)
			rc = get_file(g, key, NULL, e);
		archive_manifest_name(&m, ".sig", key);
		if (!rc)
			rc = get_file(g, key, NULL, e);
	}
	return rc;
}

static int get_key(struct get *g, struct err *e)
{
	uint8_t key[CRYPT_KEY_BYTES];
	char id[17], path[PATH_MAX_BYTES];
	struct buf pem;
	int rc = archive_public_key(g->store, key, id, e);
	if (rc)
		return rc;
	buf_init(&pem, 4096);
	crypt_ed25519_pem(key, &pem);
	(void)snprintf(path, sizeof(path), "%s/key.pem", g->out);
	rc = file_write_durable(path, 0644, pem.p, pem.n, e);
	buf_fini(&pem);
	return rc;
}

static int get_objects(struct get *g, struct err *e)
{
	int rc = file_mkdirs(g->out, 0777, e);
	for (size_t i = 0; !rc && i < g->n; i++) {
		rc = get_file(g, g->objects[i].key, &g->objects[i], e);
		if (isatty(STDERR_FILENO))
			(void)fprintf(stderr, "\r%zu of %zu", i + 1, g->n);
	}
	if (isatty(STDERR_FILENO))
		(void)fputc('\n', stderr);
	if (!rc)
		rc = get_proofs(g, e);
	return rc ? rc : get_key(g, e);
}

static int get_raw(struct get *g, struct err *e)
{
	bool to_stdout = strcmp(g->out, "-") == 0;
	g->lines = to_stdout ? stdout : fopen(g->out, "we");
	if (!g->lines)
		return err_sys(e, errno, "creating %s", g->out);
	int rc = 0;
	for (size_t i = 0; !rc && i < g->n; i++)
		rc = get_lines(g, &g->objects[i], e);
	if (!to_stdout && fclose(g->lines) && !rc)
		rc = err_sys(e, errno, "writing %s", g->out);
	return rc;
}

static int get_all(struct get *g, struct err *e)
{
	int rc = state_store(g->c, &g->store, e);
	if (!rc)
		rc = archive_each_object(g->store, g->since_ns, g->until_ns, g->raw ? "log" : g->kind, collect, g, e);
	if (!rc && g->n == 0)
		return err_set(e, ERR_NOTFOUND, g->raw ? "no log lines of this time are sealed" :
							 "nothing is sealed of this time");
	if (!rc)
		rc = g->raw ? get_raw(g, e) : get_objects(g, e);
	return rc;
}

static int take_option(struct get *g, const struct command *cmd, int o)
{
	int64_t *when = o == 's' ? &g->since_ns : &g->until_ns;
	switch (o) {
	case 's':
	case 'u':
		return clock_parse_when(str_of(optarg), clock_now_ns(), when) ?
			       ctl_usage(cmd, "%s is no time; say 2026-11-22T09:00:00Z or -2h", optarg) :
			       0;
	case 'k':
		g->kind = optarg;
		return 0;
	case 'r':
		g->raw = true;
		return 0;
	default:
		return ctl_usage(cmd, o == ':' ? "an option lacks its value" : "unknown option");
	}
}

int archive_get_run(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = { { "since", required_argument, NULL, 's' },
						 { "until", required_argument, NULL, 'u' },
						 { "kind", required_argument, NULL, 'k' },
						 { "raw", no_argument, NULL, 'r' },
						 { NULL, 0, NULL, 0 } };
	struct get g = { .c = c, .until_ns = INT64_MAX };
	struct err e = ERR_INIT;
	int o, status;
	optind = 0;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		status = take_option(&g, cmd, o);
		if (status)
			return status;
	}
	if (argc - optind != 1)
		return ctl_usage(cmd, "say archive get [--raw] [--since T] [--until T] [--kind K] OUT");
	g.out = argv[optind];
	int rc = get_all(&g, &e);
	status = rc < 0 ? ctl_fail("%s", e.text) : EXIT_SUCCESS;
	if (!status && strcmp(g.out, "-") != 0)
		(void)printf("%llu %s\n", (unsigned long long)(g.raw ? g.n_lines : g.files),
			     g.raw ? "lines" : "files");
	s3_client_free(g.client);
	store_free(g.store);
	free(g.objects);
	return status;
}
