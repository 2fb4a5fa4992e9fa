/* tomsctl archive restore: on a bare machine, with the recovery phrase and a place (or a file) alone. The newest backup
 * that the phrase opens is found, fetched and unpacked beside; the archive's manifests since then are taken over
 * into the restored database; and only then everything gets its name, the database last. Ended at any moment it
 * can be begun again. No daemon runs meanwhile: the state folder's lock is held. */
#include "restore.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "tomsd/archive.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"

#define SHOW_EVERY_NS (NS_PER_S / 5)
#define DAMAGED_MAX 5  /* backups that may be broken before it is given up */
#define LOOKED_AT_MAX 2000
#define PHRASE_FILE_MAX 4096

/* ---- The phrase. ---- */

int phrase_ask(const char *file, char *out, size_t cap)
{
	struct buf b;
	struct err e = ERR_INIT;
	if (!file)
		return read_secret("Recovery phrase (not shown while it is typed): ", out, cap) ?
			       EXIT_SUCCESS :
			       ctl_fail("no recovery phrase was given; type it, give it as a line on standard "
					"input, or say --phrase-file F");
	buf_init(&b, PHRASE_FILE_MAX);
	int rc = file_read(file, PHRASE_FILE_MAX, &b, &e);
	struct str left = buf_view(&b), line = STR_NULL;
	bool good = rc == 0 && str_split(&left, '\n', &line) && str_copy(out, cap, str_trim(line));
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return rc   ? ctl_fail("%s", e.text) :
	       good ? EXIT_SUCCESS :
		      ctl_fail("the first line of %s is no recovery phrase", file);
}

/* ---- Progress. ---- */

static void clear_line(void)
{
	if (isatty(STDERR_FILENO))
		(void)fputs("\r\033[K", stderr);
}

static bool show(const char *what, uint64_t done, uint64_t total, bool bytes)
{
	static int64_t shown_ns;
	char a[24], b[24];
	int64_t now_ns = clock_mono_ns();
	if (!isatty(STDERR_FILENO) || now_ns - shown_ns < SHOW_EVERY_NS)
		return true;
	shown_ns = now_ns;
	if (bytes) {
		text_bytes(done, a);
		text_bytes(total, b);
	} else {
		(void)snprintf(a, sizeof(a), "%llu", (unsigned long long)done);
		(void)snprintf(b, sizeof(b), "%llu", (unsigned long long)total);
	}
	(void)fprintf(stderr, "\r\033[K%s  %s of %s", what, a, b);
	return true;
}

static bool show_unpacking(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	return show("unpacking", done, total, true);
}

static bool show_adopting(void *arg, uint64_t done, uint64_t total, const char *key)
{
	(void)arg;
	(void)key;
	return show("manifests", done, total, false);
}

/* ---- Where from. ---- */

static int take_first(void *arg, const char *name)
{
	struct restore *r = arg;
	(void)str_copy(r->place, sizeof(r->place), str_of(name));
	return 1;
}

static int open_place(struct restore *r, struct store *st, struct err *e)
{
	struct s3_conf conf = { .name = "" };
	int rc = place_of(r->c, st, r->place, &conf, e);
	if (rc == 0)
		rc = s3_client_new(&r->client, &conf, NULL, e);
	explicit_bzero(&conf, sizeof(conf));
	return rc;
}

static int find_source(struct restore *r, struct err *e)
{
	int rc = 1;
	if (r->from && strncmp(r->from, "s3:", 3) == 0)
		(void)str_copy(r->place, sizeof(r->place), str_of(r->from + 3));
	else if (!r->from)
		rc = place_each(r->c, NULL, take_first, r, e);
	else
		return 0; /* a file */
	if (rc < 0)
		return rc;
	if (!r->place[0])
		return err_set(e, ERR_NOTFOUND,
			       "%s names no place: put a section [s3 \"name\"] with endpoint, region, bucket, "
			       "prefix, access_key and secret_key into it, or say --from FILE",
			       r->c->conf_path);
	return open_place(r, NULL, e);
}

/* One appliance, or the one that was said. */
static int check_appliances(const struct restore *r, const struct rescue_at *items, size_t n, struct err *e)
{
	char names[512] = "";
	size_t used = 0, others = 0;
	const char *seen[16];
	for (size_t i = 0; i < n && others < ARRAY_LEN(seen); i++) {
		bool is_known = false;
		for (size_t k = 0; k < others; k++)
			is_known = is_known || strcmp(seen[k], items[i].appliance) == 0;
		if (is_known)
			continue;
		seen[others++] = items[i].appliance;
		int w = snprintf(names + used, sizeof(names) - used, "%s%.100s", used ? ", " : "",
				 items[i].appliance);
		used = w > 0 && used + (size_t)w < sizeof(names) ? used + (size_t)w : used;
	}
	if (n == 0)
		return err_set(e, ERR_NOTFOUND,
			       "there is no backup%s%s in the place %s%s; look at bucket and prefix, or try another "
			       "place",
			       r->appliance ? " of " : "", r->appliance ? r->appliance : "", r->place,
			       r->at_ns != INT64_MAX ? " as old as that" : "");
	return others > 1 ? err_set(e, ERR_EXISTS,
				    "the place %s has backups of several appliances: %s; say which by --appliance",
				    r->place, names) :
			    0;
}

static int fetch(struct restore *r, const struct rescue_at *at, struct err *e)
{
	uint64_t free_bytes, total_bytes;
	struct s3_fault f = { 0 };
	char when[ZONE_TIME_MAX], bytes[16];
	int rc = file_space(r->work, &free_bytes, &total_bytes, e);
	if (rc == 0 && free_bytes < 2 * at->bytes)
		rc = err_set(e, ERR_FULL, "the backup has %llu MB, and %s has only %llu MB free; make room first",
			     (unsigned long long)(at->bytes >> 20), r->c->state_path,
			     (unsigned long long)(free_bytes >> 20));
	if (rc != 0)
		return rc;
	zone_time(at->made_ns, when);
	text_bytes(at->bytes, bytes);
	(void)fprintf(stderr, "backup of %s, %s %s, %s: fetching\n", at->appliance, when, r->c->zone, bytes);
	(void)unlink(r->backup);
	rc = s3_get_file(r->client, at->key, at->version_id[0] ? at->version_id : NULL, r->backup, at->bytes,
			 NULL, &f, e);
	return rc == 0 ? rescue_open(r->backup, str_of(r->phrase), r->unpacked, show_unpacking, NULL, &r->got, e) : rc;
}

/* Newest first: of those that this phrase opens the first that is whole. */
static int try_each(struct restore *r, const struct rescue_at *items, size_t n, struct err *e)
{
	size_t damaged = 0, fitting = 0;
	char other[17] = "";
	int rc = 0;
	for (size_t i = 0; i < n && i < LOOKED_AT_MAX && damaged < DAMAGED_MAX; i++) {
		struct rescued told;
		struct err why = ERR_INIT;
		rc = rescue_look_at(r->client, &items[i], &told, &why);
		if (rc == 0 && strcmp(told.key_id, r->key_id) != 0) {
			(void)str_copy(other, sizeof(other), str_of(*other ? other : told.key_id));
			continue;
		}
		fitting += rc == 0;
		if (rc == 0)
			rc = fetch(r, &items[i], &why);
		clear_line();
		if (rc == 0)
			return 0;
		if (rc != -ERR_CORRUPT && rc != -ERR_INVALID && rc != -ERR_NOTFOUND) {
			*e = why;
			return rc;
		}
		damaged++;
		(void)fprintf(stderr, "%s: %s; trying an older one\n", items[i].key, why.text);
	}
	if (fitting == 0 && *other)
		return err_set(e, ERR_DENIED,
			       "this recovery phrase (number %s) opens none of the %zu backups there; the newest was made "
			       "for number %s: look for the paper with that number",
			       r->key_id, n, other);
	return err_set(e, ERR_CORRUPT, "no whole backup was found there; try another place, or --at with an earlier time");
}

static int from_place(struct restore *r, struct err *e)
{
	struct rescue_at *items = NULL;
	size_t n = 0;
	int rc = rescue_find(r->client, r->appliance, r->at_ns, &items, &n, e);
	if (rc == 0)
		rc = check_appliances(r, items, n, e);
	if (rc == 0)
		rc = try_each(r, items, n, e);
	free(items);
	return rc;
}

/* ---- What the archive has since. ---- */

static int adopt_from(struct restore *r, struct store *st, struct err *e)
{
	struct archive_from *from = NULL;
	char folder[sizeof(r->unpacked) + 16];
	(void)snprintf(folder, sizeof(folder), "%s/archive", r->unpacked);
	int rc = archive_from_place(&from, r->client, r->place, e);
	if (rc == 0)
		rc = archive_adopt(st, from, folder, r->got.appliance, show_adopting, r, &r->adopted, e);
	archive_from_free(from);
	clear_line();
	return rc;
}

/* A place to ask: the one the backup came from, else the first of the configuration that was given or restored. */
static int find_archive(struct restore *r, struct store *st, struct err *e)
{
	if (r->client)
		return 0;
	int rc = place_each(r->c, st, take_first, r, e);
	if (rc == 0 && !r->place[0]) {
		struct ctl restored = *r->c;
		char path[sizeof(r->unpacked) + 16];
		(void)snprintf(path, sizeof(path), "%s/tomsd.conf", r->unpacked);
		restored.conf_path = path;
		restored.conf_given = false;
		rc = place_each(&restored, st, take_first, r, e);
		if (rc > 0) {
			struct ctl *given = r->c;
			r->c = &restored;
			rc = open_place(r, st, e);
			r->c = given;
			return rc;
		}
	}
	return rc > 0 ? open_place(r, st, e) : rc;
}

static int look_at_head(void *arg, struct sql *db, struct err *e)
{
	struct restore *r = arg;
	return archive_head(db, &r->has_head, &r->head_seq, &r->head_until_ns, e);
}

static int take_archive(struct restore *r, struct err *e)
{
	struct store *st = NULL;
	struct store_conf conf = { .path = r->unpacked };
	struct ctl inside = *r->c, *given = r->c;
	struct sql *db = NULL;
	int rc = store_open(&st, &conf, e);
	if (rc == 0)
		rc = store_start(st, e);
	/* The house key of the panel's places lies beside the restored database. */
	(void)str_copy(inside.state_path, sizeof(inside.state_path), str_of(r->unpacked));
	r->c = &inside;
	if (rc == 0)
		rc = find_archive(r, st, e);
	r->c = given;
	r->archive_was_seen = rc == 0 && r->client;
	if (r->archive_was_seen)
		rc = adopt_from(r, st, e);
	if (r->archive_was_seen && rc == 0)
		rc = rescue_adopt(st, r->client, r->place, e);
	if (rc == 0)
		rc = store_read_begin(st, 0, &db, e);
	if (db) {
		rc = look_at_head(r, db, e);
		store_read_end(st, db);
	}
	if (st)
		store_stop(st);
	store_free(st);
	return rc;
}

/* ---- What to say. ---- */

static void tell(const struct restore *r)
{
	char when[ZONE_TIME_MAX];
	const struct rescued *g = &r->got;
	int step = 1;
	zone_time(g->made_ns, when);
	(void)printf("restored  %s, as of %s %s (tomsd %s)\n", g->appliance, when, r->c->zone, g->version);
	(void)printf("database  %llu rows in %llu tables, counted and checked", (unsigned long long)g->rows,
		     (unsigned long long)g->tables);
	if (g->oldest_day)
		(void)printf("; days from %04d-%02d-%02d on", g->oldest_day / 10000, g->oldest_day / 100 % 100,
			     g->oldest_day % 100);
	(void)putchar('\n');
	if (r->archive_was_seen && r->has_head) {
		zone_time(r->head_until_ns, when);
		(void)printf("archive   %llu manifests taken over from %s; sealed up to %s %s, the next number is %llu\n",
			     (unsigned long long)r->adopted, r->place, when, r->c->zone,
			     (unsigned long long)r->head_seq + 1);
		(void)puts("          rows since the backup are found by tomsctl flows|logs --cold");
	} else if (r->archive_was_seen) {
		(void)printf("archive   nothing has been sealed in %s yet\n", r->place);
	} else {
		(void)puts("archive   not looked at");
	}
	(void)puts("\nwhat to do next:");
	if (r->conf_at[0] && !r->conf_is_in_place)
		(void)printf("%3d. compare %s with %s, then put it in its place; [store] path must stay %s\n", step++,
			     r->conf_at, r->c->conf_path, r->c->state_path);
	else if (r->conf_at[0])
		(void)printf("%3d. look through %s: interfaces and addresses of this machine may be others\n", step++,
			     r->conf_at);
	restore_files(r);
	(void)printf("%3d. tomsd -c %s --check\n", step++, r->c->conf_path);
	(void)printf("%3d. start it: systemctl start tomsd; people sign in with their passwords as before\n", step++);
	(void)printf("%3d. tomsctl -c %s verify --from %s%s\n", step++, r->c->conf_path,
		     r->place[0] ? "s3:" : "", r->place[0] ? r->place : "local");
	(void)printf("%3d. when it runs: tomsctl rescue now; what the old machine had not sealed before it was lost is "
		     "not in here\n",
		     step);
}

/* ---- The command. ---- */

static int open_backup(struct restore *r, struct err *e)
{
	if (r->client)
		return from_place(r, e);
	int rc = rescue_open(r->from, str_of(r->phrase), r->unpacked, show_unpacking, NULL, &r->got, e);
	clear_line();
	return rc;
}

static int run(struct restore *r, struct err *e)
{
	int rc = find_source(r, e);
	if (rc == 0)
		rc = restore_begin(r, e);
	if (rc == 0)
		rc = open_backup(r, e);
	explicit_bzero(r->phrase, sizeof(r->phrase));
	if (rc == 0 && !r->without_archive) {
		rc = take_archive(r, e);
		if (rc != 0)
			return err_wrap(e,
					"the backup is whole, but the archive could not be taken over, so nothing was put in "
					"its place (--without-archive restores all the same, and sealing would part from "
					"what is in the places)");
	}
	return rc == 0 ? restore_put(r, e) : rc;
}

static int take_options(struct restore *r, const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' },   { "appliance", required_argument, NULL, 'a' },
		{ "at", required_argument, NULL, 't' },	    { "phrase-file", required_argument, NULL, 'p' },
		{ "files", no_argument, NULL, 'F' },	    { "without-archive", no_argument, NULL, 'W' },
		{ NULL, 0, NULL, 0 },
	};
	int o;
	optind = 0;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (o == 'f')
			r->from = optarg;
		else if (o == 'a')
			r->appliance = optarg;
		else if (o == 'p')
			r->phrase_file = optarg;
		else if (o == 'F')
			r->put_files = true;
		else if (o == 'W')
			r->without_archive = true;
		else if (o != 't')
			return ctl_usage(cmd, "restore: an option is unknown or lacks its value");
		else if (clock_parse_when(str_of(optarg), clock_now_ns(), &r->at_ns) != 0)
			return ctl_usage(cmd, "restore: --at wants a time such as 2026-11-22T02:30:00Z or -2d");
	}
	return optind == argc ? EXIT_SUCCESS : ctl_usage(cmd, "restore: too many words");
}

int archive_restore(struct ctl *c, const struct command *cmd, int argc, char **argv)
{
	struct restore *r = calloc(1, sizeof(*r));
	struct err e = ERR_INIT;
	if (!r)
		return ctl_fail("out of memory");
	*r = (struct restore){ .c = c, .at_ns = INT64_MAX, .lock_fd = -1 };
	int status = take_options(r, cmd, argc, argv);
	zone_begin(c, false);
	if (status == EXIT_SUCCESS && state_find(c, &e))
		status = ctl_fail("%s", e.text);
	if (status == EXIT_SUCCESS)
		status = restore_look(r, &e) ? ctl_fail("%s", e.text) : EXIT_SUCCESS;
	if (status == EXIT_SUCCESS)
		status = phrase_ask(r->phrase_file, r->phrase, sizeof(r->phrase));
	if (status == EXIT_SUCCESS && rescue_phrase_id(str_of(r->phrase), r->key_id, &e))
		status = ctl_fail("%s", e.text);
	if (status == EXIT_SUCCESS) {
		status = run(r, &e) ? ctl_fail("%s", e.text) : EXIT_SUCCESS;
		if (status == EXIT_SUCCESS)
			tell(r);
		restore_clear(r);
	}
	explicit_bzero(r->phrase, sizeof(r->phrase));
	s3_client_free(r->client);
	free(r);
	return status;
}
