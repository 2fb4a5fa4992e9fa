/* See contents.h. Everything but the database is read into memory: small files, of which the backup has one
 * state. Files that cannot be read are told in the backup's row and are no reason to make none. */
#include "contents.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/json.h"
#include "tomsd/base/thread.h"

#define NAMED_FILE_MAX (1u << 20)
#define CONF_MAX (1u << 20)
#define LEFT_OUT_MAX (16u << 10)
#define PATH_BYTES 1200

/* A value is a file when it begins with "@/", or with "/" under a key that says so. */
static bool key_is_file(struct str key)
{
	static const char *const keys[] = { "cert", "key", "client_ca", "ca_file",
					    "timestamp_ca" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(key, str_of(keys[i])))
			return true;
	return false;
}

static void walk(struct str conf, bool at_only, size_t max,
		 void (*one)(void *arg, const char *path), void *arg)
{
	struct str line, key;
	char path[256];
	size_t n = 0;
	while (n < max && str_split(&conf, '\n', &line)) {
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == '[' ||
		    str_chr(line, '=') < 0 || !str_split(&line, '=', &key))
			continue;
		struct str value = str_trim(line);
		bool is_at = str_starts(value, STR("@/"));
		if (is_at)
			value = str_sub(value, 1, value.n);
		else if (at_only || !str_starts(value, STR("/")) || !key_is_file(str_trim(key)))
			continue;
		if (!str_copy(path, sizeof(path), value))
			continue;
		one(arg, path);
		n++;
	}
}

void conf_named_files(struct str conf, void (*one)(void *arg, const char *path), void *arg)
{
	walk(conf, false, NAMED_MAX, one, arg);
}

void conf_at_files(struct str conf, void (*one)(void *arg, const char *path), void *arg)
{
	walk(conf, true, CONF_AT_MAX, one, arg);
}

struct contents *contents_new(void)
{
	struct contents *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		buf_init(&c->texts[i], SMALL_FILE_MAX);
	buf_init(&c->left_out, LEFT_OUT_MAX);
	buf_init(&c->index, SMALL_FILE_MAX);
	c->n = 1; /* the index */
	(void)str_copy(c->parts[0].name, sizeof(c->parts[0].name), STR(NAME_INDEX));
	return c;
}

static void wipe(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->room);
	buf_fini(b);
}

void contents_free(struct contents *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		wipe(&c->texts[i]);
	buf_fini(&c->left_out);
	buf_fini(&c->index);
	free(c);
}

static void leave_out(struct contents *c, const char *path)
{
	buf_fmt(&c->left_out, "%s%s", c->left_out.n ? "\n" : "", path);
}

/* A small file as a part; one that is missing, no file, or too large is left out, and told when it should be
 * there. */
static void add_file(struct contents *c, const char *name, const char *path, size_t max,
		     bool must)
{
	struct stat st;
	struct err why = ERR_INIT;
	struct buf *text = &c->texts[c->n];
	bool good = c->n < ENTRIES_MAX - 1 && entry_name_is_fine(str_of(name)) &&
		    stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    file_read(path, max, text, &why) == 0;
	if (!good) {
		buf_reset(text);
		if (must)
			leave_out(c, path);
		return;
	}
	struct pack_part *p = &c->parts[c->n];
	(void)str_copy(p->name, sizeof(p->name), str_of(name));
	(void)str_copy(c->paths[c->n], sizeof(c->paths[c->n]), str_of(path));
	p->bytes = text->n ? buf_view(text) : STR("");
	c->n++;
}

struct counting {
	struct contents *c;
	struct json j;
	uint64_t rows, tables;
};

static int count_table(void *arg, const char *name, uint64_t rows)
{
	struct counting *t = arg;
	json_obj(&t->j);
	json_kv_str(&t->j, "name", name);
	json_kv_u64(&t->j, "rows", rows);
	json_end_obj(&t->j);
	t->rows += rows;
	t->tables++;
	return 0;
}

int contents_database(struct contents *c, const char *path, const struct store_copied *copied,
		      const char *appliance, const char *version, int64_t made_ns,
		      struct err *e)
{
	struct counting t = { .c = c };
	struct buf tables;
	buf_init(&tables, SMALL_FILE_MAX);
	json_init(&t.j, &tables);
	json_arr(&t.j);
	thread_park(); /* minutes on a slow disk, without a word in between */
	int rc = store_count_tables(path, count_table, &t, e);
	thread_unpark();
	json_end_arr(&t.j);
	if (rc == 0 && buf_failed(&tables))
		rc = err_set(e, ERR_NOMEM, "no memory for the list of tables");
	if (rc != 0) {
		buf_fini(&tables);
		return err_wrap(e, "checking the copy of the database");
	}
	struct json j;
	json_init(&j, &c->index);
	json_obj(&j);
	json_kv_str(&j, "format", "tomsd-rescue-1");
	json_kv_str(&j, "appliance", appliance);
	json_kv_str(&j, "version", version);
	json_kv_time(&j, "made_at", made_ns);
	json_kv_u64(&j, "bytes", copied->bytes);
	json_kv_u64(&j, "rows", t.rows);
	json_kv_i64(&j, "oldest_day", copied->oldest_day);
	json_key(&j, "tables");
	json_raw(&j, buf_view(&tables));
	json_end_obj(&j);
	buf_fini(&tables);
	struct pack_part *p = &c->parts[c->n++];
	(void)str_copy(p->name, sizeof(p->name), STR(NAME_DATABASE));
	p->path = path;
	c->n_tables = t.tables;
	c->n_rows = t.rows;
	return 0;
}

/* Every plain file of a folder; no folder: none. */
static int add_folder(struct contents *c, const char *state_path, const char *folder,
		      struct err *e)
{
	char path[PATH_BYTES], name[ENTRY_NAME_MAX + 1];
	(void)snprintf(path, sizeof(path), "%s/%s", state_path, folder);
	DIR *d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, errno, "reading %s", path);
	for (const struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_name[0] == '.' || str_ends(str_of(entry->d_name), STR(".new")))
			continue;
		int n = snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(name))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", state_path, name);
		add_file(c, name, path, SMALL_FILE_MAX, true);
	}
	(void)closedir(d);
	return 0;
}

int contents_state(struct contents *c, const char *state_path, struct err *e)
{
	int rc = add_folder(c, state_path, "keys", e);
	return rc == 0 ? add_folder(c, state_path, "panel", e) : rc;
}

/* "/etc/tomsd/panel.pem" -> "files/003-panel.pem": no name of theirs decides where we write. */
static void add_named(void *arg, const char *path)
{
	struct contents *c = arg;
	char name[ENTRY_NAME_MAX + 1];
	const char *slash = strrchr(path, '/');
	for (size_t i = 1; i < c->n; i++) /* named twice */
		if (strcmp(c->paths[i], path) == 0)
			return;
	int n = snprintf(name, sizeof(name), "files/%03zu-%.80s", c->n, slash + 1);
	for (int i = 6; i < n; i++) {
		char ch = name[i];
		bool fine = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9') || ch == '.' || ch == '-';
		if (!fine)
			name[i] = '_';
	}
	add_file(c, name, path, NAMED_FILE_MAX, true);
}

int contents_conf(struct contents *c, const char *conf_path, struct err *e)
{
	(void)e;
	if (!conf_path)
		return 0;
	size_t at = c->n;
	add_file(c, NAME_CONF, conf_path, CONF_MAX, true);
	if (c->n > at)
		conf_named_files(buf_view(&c->texts[at]), add_named, c);
	return 0;
}

/* Adds the list of files to the index, whose object is open at its end. */
int contents_end(struct contents *c, struct err *e)
{
	struct buf all;
	struct json j;
	buf_init(&all, SMALL_FILE_MAX);
	assert(c->index.n > 2 && c->index.p[c->index.n - 1] == '}');
	buf_put(&all, c->index.p, c->index.n - 1);
	buf_cstr(&all, ",\"files\":");
	json_init(&j, &all);
	json_arr(&j);
	for (size_t i = 1; i < c->n; i++) {
		const struct pack_part *p = &c->parts[i];
		if (p->path)
			continue;
		json_obj(&j);
		json_kv_str(&j, "name", p->name);
		json_kv_str(&j, "path", c->paths[i]);
		json_kv_u64(&j, "bytes", p->bytes.n);
		json_end_obj(&j);
	}
	json_end_arr(&j);
	buf_char(&all, '}');
	if (buf_failed(&all) || buf_failed(&c->index)) {
		buf_fini(&all);
		return err_set(e, ERR_NOMEM, "no memory for the list of contents");
	}
	buf_fini(&c->index);
	c->index = all;
	c->parts[0].bytes = buf_view(&c->index);
	return 0;
}
