/* A store with rows in it and a sealer over it, in a folder of its own, for the tests of sealing. */
#ifndef TOMSD_TESTS_ARCHIVE_SEALED_H
#define TOMSD_TESTS_ARCHIVE_SEALED_H

#include "../store/tiny.h"

#include <dirent.h>

#include "../../../src/archive/seal.h"
#include "../../tools/gen_logs.h"
#include "tomsd/base/hash.h"

struct works {
	struct box box;
	struct house_key *house_key;
	char folder[128];
	struct sealer sealer;
	struct gen_flows flows;
	struct gen_logs logs;
};

UNUSED static void works_open(struct works *w)
{
	struct err e = ERR_INIT;
	box_open(&w->box);
	store_keep_unsealed(w->box.st);
	box_start(&w->box);
	w->sealer.store = w->box.st;
	if (seal_begin(&w->sealer, &e))
		fail_msg("%s", e.text);
}

UNUSED static void works_new(struct works *w)
{
	struct err e = ERR_INIT;
	memset(w, 0, sizeof(*w));
	box_new(&w->box);
	(void)snprintf(w->folder, sizeof(w->folder), "%s/archive", w->box.path);
	if (house_key_load(&w->house_key, w->box.path, true, &e))
		fail_msg("%s", e.text);
	w->sealer = (struct sealer){ .house_key = w->house_key,
				     .folder = w->folder,
				     .appliance = "ward-7",
				     .leave_out = "network.community_id" };
	w->flows = (struct gen_flows){ .state = 1, .now_ns = tiny_noon_ns, .mean_gap_ns = NS_PER_MS };
	w->logs = (struct gen_logs){ .dice = w->flows, .last_ns = tiny_noon_ns };
	works_open(w);
}

UNUSED static void works_close(struct works *w)
{
	store_stop(w->box.st);
	box_close(&w->box);
}

UNUSED static void works_free(struct works *w)
{
	works_close(w);
	house_key_free(w->house_key);
	box_remove(w->box.path);
	clock_fix(0);
}

UNUSED static void works_put(struct works *w, size_t flows, size_t logs)
{
	struct flow f;
	for (size_t i = 0; i < flows; i++) {
		gen_flow(&w->flows, &f);
		box_put(&w->box, &flow_record, &f);
	}
	static union gen_log line;
	for (size_t i = 0; i < logs; i++) {
		gen_log(&w->logs, &line);
		box_put(&w->box, &log_record, &line.row);
	}
	box_flush(&w->box);
}

UNUSED static uint64_t works_cut(struct works *w, bool by_hand)
{
	struct err e = ERR_INIT;
	uint64_t seq = 0;
	if (cut_make(&w->sealer, by_hand, &seq, &e))
		fail_msg("%s", e.text);
	return seq;
}

UNUSED static struct seal works_finish(struct works *w)
{
	struct err e = ERR_INIT;
	struct seal s;
	if (seal_finish(&w->sealer, &s, &e))
		fail_msg("%s", e.text);
	return s;
}

UNUSED static struct seal works_seal(struct works *w)
{
	(void)works_cut(w, false);
	return works_finish(w);
}

UNUSED static void works_read(struct works *w, const char *key, struct buf *out)
{
	struct err e = ERR_INIT;
	char path[ARCHIVE_PATH_MAX];
	assert_true(archive_path(path, w->folder, key));
	buf_init(out, 64u << 20);
	if (file_read(path, 64u << 20, out, &e))
		fail_msg("%s", e.text);
}

UNUSED static void works_manifest(struct works *w, uint64_t seq, struct buf *out)
{
	char key[ARCHIVE_KEY_MAX];
	archive_manifest_key(key, w->sealer.appliance, seq, ".json");
	works_read(w, key, out);
}

/* Hash over every name and every byte below the archive's folder, in the order of names. */
static inline void tree_sum(const char *path, struct crypt_sum *sum, size_t *files)
{
	struct dirent **all;
	int n = scandir(path, &all, NULL, alphasort);
	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		char at[ARCHIVE_PATH_MAX];
		struct err e = ERR_INIT;
		struct buf b;
		bool own = strcmp(all[i]->d_name, ".") == 0 || strcmp(all[i]->d_name, "..") == 0;
		(void)snprintf(at, sizeof(at), "%s/%s", path, all[i]->d_name);
		if (!own && all[i]->d_type == DT_DIR) {
			tree_sum(at, sum, files);
		} else if (!own) {
			buf_init(&b, 64u << 20);
			assert_int_equal(file_read(at, 64u << 20, &b, &e), 0);
			crypt_sum_put(sum, at, strlen(at));
			crypt_sum_put(sum, b.p, b.n);
			buf_fini(&b);
			++*files;
		}
		free(all[i]);
	}
	free(all);
}

UNUSED static size_t works_sum(struct works *w, uint8_t out[32])
{
	struct err e = ERR_INIT;
	struct crypt_sum *sum;
	size_t files = 0;
	assert_int_equal(crypt_sum_new(&sum, CRYPT_SHA256, &e), 0);
	tree_sum(w->folder, sum, &files);
	crypt_sum_end(sum, out, NULL);
	crypt_sum_free(sum);
	return files;
}

/* One change by hand, as no product code makes it. */
static inline int works_sql_(struct sql *db, void *arg, struct err *e)
{
	return sql_exec(db, arg, e);
}
UNUSED static void works_sql(struct works *w, const char *text)
{
	struct err e = ERR_INIT;
	if (store_write(w->box.st, works_sql_, (void *)(uintptr_t)text, &e))
		fail_msg("%s", e.text);
}

struct works_rotation {
	const struct house_key *house_key;
	char id[KEY_ID_MAX];
};
static inline int works_rotate_(struct sql *db, void *arg, struct err *e)
{
	struct works_rotation *r = arg;
	return keys_rotate(db, r->house_key, r->id, e);
}
UNUSED static void works_rotate(struct works *w)
{
	struct err e = ERR_INIT;
	struct works_rotation r = { .house_key = w->house_key };
	if (store_write(w->box.st, works_rotate_, &r, &e))
		fail_msg("%s", e.text);
}

#endif
