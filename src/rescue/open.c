/* The room's door for backup files: a look at the head, and opening one whole: unpacked, the copy of the
 * database checked and counted, and its counts held against those the backup tells. One thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/json.h"
#include "tomsd/store/cut.h"
#include "unpack.h"

#define INDEX_NODES_MAX 400000
#define PATH_BYTES 1200

static bool count_read(const struct json_doc *d, const struct json_node *o, const char *name,
		       uint64_t *out)
{
	int64_t v = 0;
	const struct json_node *n = json_get(d, o, name);
	if (!n || !json_int(n, &v) || v < 0)
		return false;
	*out = (uint64_t)v;
	return true;
}

static int no_index(struct err *e)
{
	return err_set(
		e, ERR_CORRUPT,
		"the list of contents of this backup is not understood; take another one");
}

static int tables_read(const struct json_doc *d, uint64_t *tables,
		       int (*table)(void *arg, struct str name, uint64_t rows), void *arg,
		       struct err *e)
{
	const struct json_node *list = json_get(d, d->nodes, "tables");
	char name[256];
	uint64_t rows;
	if (!list || list->type != JSON_ARRAY)
		return no_index(e);
	const struct json_node *n = list + 1;
	for (uint32_t i = 0; i < list->count; i++, n = d->nodes + n->next) {
		const struct json_node *text = json_get(d, n, "name");
		if (!text || !json_text(text, name, sizeof(name)) ||
		    !count_read(d, n, "rows", &rows))
			return no_index(e);
		int rc = table ? table(arg, str_of(name), rows) : 0;
		if (rc != 0)
			return rc;
	}
	*tables = list->count;
	return 0;
}

int index_read(struct str json, struct index_facts *out,
	       int (*table)(void *arg, struct str name, uint64_t rows), void *arg,
	       struct err *e)
{
	struct json_doc d;
	struct index_facts f = { 0 };
	struct err why = ERR_INIT;
	uint64_t day = 0;
	if (json_parse(json, INDEX_NODES_MAX, &d, &why) != 0)
		return no_index(e);
	bool good = count_read(&d, d.nodes, "bytes", &f.bytes) &&
		    count_read(&d, d.nodes, "rows", &f.rows) &&
		    count_read(&d, d.nodes, "oldest_day", &day) && day <= 99991231;
	f.oldest_day = (int32_t)day;
	int rc = good ? tables_read(&d, &f.tables, table, arg, e) : no_index(e);
	json_doc_fini(&d);
	if (rc == 0)
		*out = f;
	return rc;
}

/* Counts of the copy against those told. */
struct told_table {
	char name[128];
	uint64_t rows;
	bool was_found;
};
struct compare {
	struct told_table *told;
	size_t n, room;
	uint64_t rows, found;
	struct err *e;
};

static int note_told(void *arg, struct str name, uint64_t rows)
{
	struct compare *c = arg;
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 256;
		struct told_table *more = realloc(c->told, room * sizeof(*more));
		if (!more)
			return err_set(c->e, ERR_NOMEM, "no memory to compare a backup");
		c->told = more;
		c->room = room;
	}
	struct told_table *t = &c->told[c->n++];
	*t = (struct told_table){ .rows = rows };
	(void)str_copy(t->name, sizeof(t->name), name);
	return 0;
}

static int differs(struct compare *c, const char *name, unsigned long long found,
		   unsigned long long told)
{
	return err_set(c->e, ERR_CORRUPT,
		       "the restored database has %llu rows in %s, the backup tells %llu; take "
		       "another backup",
		       found, name, told);
}

static int compare_one(void *arg, const char *name, uint64_t rows)
{
	struct compare *c = arg;
	c->rows += rows;
	/* Both lists have the same order unless something is wrong. */
	for (size_t i = 0; i < c->n; i++) {
		struct told_table *t = &c->told[(c->found + i) % c->n];
		if (strcmp(t->name, name) != 0)
			continue;
		if (t->was_found || t->rows != rows)
			return differs(c, name, rows, t->rows);
		t->was_found = true;
		c->found++;
		return 0;
	}
	return differs(c, name, rows, 0);
}

/* quick_check and counts; what the index tells must be found, all of it and nothing else. */
static int compare_database(const char *folder, struct str index, struct rescued *out,
			    struct err *e)
{
	char path[PATH_BYTES];
	struct index_facts f = { 0 };
	struct compare c = { .e = e };
	int n = snprintf(path, sizeof(path), "%s/%s", folder, NAME_DATABASE);
	int rc = n > 0 && (size_t)n < sizeof(path) ?
			 index_read(index, &f, note_told, &c, e) :
			 err_set(e, ERR_RANGE, "%s: path too long", folder);
	if (rc == 0)
		rc = store_count_tables(path, compare_one, &c, e);
	if (rc == 0 && c.found != c.n)
		rc = err_set(e, ERR_CORRUPT,
			     "the restored database lacks %zu tables that the backup tells of; "
			     "take another backup",
			     c.n - (size_t)c.found);
	free(c.told);
	if (rc == 0) {
		out->bytes = f.bytes;
		out->rows = c.rows;
		out->tables = c.found;
		out->oldest_day = f.oldest_day;
	}
	return rc;
}

static int keep_index(const char *folder, struct str index, struct err *e)
{
	char path[PATH_BYTES];
	(void)snprintf(path, sizeof(path), "%s/" NAME_INDEX, folder);
	return file_write_durable(path, 0600, index.p, index.n, e);
}

static void take_head(const struct head *h, struct rescued *out)
{
	out->made_ns = h->made_ns;
	(void)str_copy(out->appliance, sizeof(out->appliance), str_of(h->appliance));
	(void)str_copy(out->version, sizeof(out->version), str_of(h->version));
	hash_hex(h->key_id, KEY_ID_BYTES, out->key_id);
}

int backup_open(const char *file, const uint8_t private_key[KEY_BYTES],
		const uint8_t public_key[KEY_BYTES], const char *to_folder,
		bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes),
		void *arg, struct rescued *out, struct err *e)
{
	struct head h = { 0 };
	struct buf index;
	struct rescued got = { 0 };
	int rc = 0, fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rc = err_sys(e, errno, "opening %s", file);
	buf_init(&index, SMALL_FILE_MAX);
	if (rc == 0) {
		struct unpack_ask ask = { .fd = fd,
					  .private_key = private_key,
					  .public_key = public_key,
					  .to_folder = to_folder,
					  .progress = progress,
					  .arg = arg };
		rc = unpack_files(&ask, &h, &index, e);
	}
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	if (rc == 0)
		rc = keep_index(to_folder, buf_view(&index), e);
	if (rc == 0)
		rc = compare_database(to_folder, buf_view(&index), &got, e);
	buf_fini(&index);
	if (rc == 0) {
		take_head(&h, &got);
		*out = got;
	}
	return rc;
}

int rescue_open(const char *file, struct str phrase, const char *to_folder,
		bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes),
		void *arg, struct rescued *out, struct err *e)
{
	uint8_t private_key[KEY_BYTES] = { 0 }, public_key[KEY_BYTES];
	int rc = phrase_keys(phrase, private_key, public_key, e);
	if (rc == 0)
		rc = backup_open(file, private_key, public_key, to_folder, progress, arg, out,
				 e);
	explicit_bzero(private_key, sizeof(private_key));
	return rc;
}

int rescue_phrase_id(struct str phrase, char key_id[KEY_ID_TEXT], struct err *e)
{
	uint8_t private_key[KEY_BYTES] = { 0 }, public_key[KEY_BYTES], id[KEY_ID_BYTES];
	int rc = phrase_keys(phrase, private_key, public_key, e);
	explicit_bzero(private_key, sizeof(private_key));
	if (rc != 0)
		return rc;
	key_id_of(public_key, id);
	hash_hex(id, sizeof(id), key_id);
	return 0;
}

int look_at_bytes(const uint8_t raw[HEAD_BYTES], struct rescued *out, struct err *e)
{
	struct head h;
	int rc = head_read(raw, &h, e);
	if (rc == 0) {
		*out = (struct rescued){ .bytes = h.plain_bytes };
		take_head(&h, out);
	}
	return rc;
}

int rescue_look(const char *file, struct rescued *out, struct err *e)
{
	uint8_t raw[HEAD_BYTES];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "opening %s", file);
	ssize_t n = read(fd, raw, sizeof(raw));
	(void)close(fd); /* nothing was written */
	return n == HEAD_BYTES ? look_at_bytes(raw, out, e) :
				 err_set(e, ERR_INVALID, "this is no backup of tomsd");
}
