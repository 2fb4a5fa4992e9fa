/* Asking the index: for each wanted word one shard of each volume is read, and the words of the objects that are in
 * no volume yet. Objects are kept that have, of every group, one word. */
#include "index_ask.h"

#include <stdlib.h>

#include "index.h"
#include "words.h"

enum { OBJECTS_MAX = 64 << 20, PAIRS_MAX = ARRAY_LEN(((struct word_groups *)NULL)->word) };

struct pair { /* a wanted word and the group that it is in */
	uint32_t word;
	unsigned group;
};
struct volume {
	int64_t id;
	size_t n;
	int64_t object[INDEX_VOLUME_OBJECTS];
};
struct ask {
	struct index_may *may;
	struct sql *db;
	size_t n_groups, n_pairs;
	struct pair pairs[PAIRS_MAX]; /* by word */
	struct volume *volumes;
	struct places *found; /* n_groups of each volume */
	size_t n_volumes, room;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "no memory to search the index of the archive");
}

static bool keep(struct index_may *m, int64_t object)
{
	bool made;
	return map_put(&m->objects, (uint64_t)object, &made) != NULL;
}

static int by_word(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	return (x->word > y->word) - (x->word < y->word);
}

static void take_words(struct ask *k, const struct word_groups *w)
{
	k->n_groups = w->n_groups;
	for (unsigned g = 0; g < w->n_groups; g++)
		for (size_t i = 0; i < w->group[g].n && k->n_pairs < PAIRS_MAX; i++)
			k->pairs[k->n_pairs++] = (struct pair){ w->word[w->group[g].first + i], g };
	qsort(k->pairs, k->n_pairs, sizeof(k->pairs[0]), by_word);
}

/* ---- Objects that are in no volume. ---- */

static int ask_loose(void *arg, int64_t object, struct str words)
{
	struct ask *k = arg;
	struct words_in in = words_in(words);
	uint64_t missing = k->n_groups < 64 ? (UINT64_C(1) << k->n_groups) - 1 : UINT64_MAX;
	size_t i = 0;
	while (missing && i < k->n_pairs && words_next(&in)) {
		while (i < k->n_pairs && k->pairs[i].word < in.word)
			i++;
		for (size_t at = i; at < k->n_pairs && k->pairs[at].word == in.word; at++)
			missing &= ~(UINT64_C(1) << k->pairs[at].group);
	}
	return missing && !in.damaged ? 0 : keep(k->may, object) ? 0 : -1;
}

static int keep_any(void *arg, int64_t object, struct str words)
{
	struct ask *k = arg;
	(void)words;
	return keep(k->may, object) ? 0 : -1;
}

/* ---- Volumes. ---- */

static int take_volume(void *arg, int64_t id, struct str objects)
{
	struct ask *k = arg;
	if (k->n_volumes == k->room) {
		size_t room = k->room ? 2 * k->room : 64;
		struct volume *v = realloc(k->volumes, room * sizeof(*v));
		if (!v)
			return -1;
		k->volumes = v;
		k->room = room;
	}
	struct volume *v = &k->volumes[k->n_volumes++];
	*v = (struct volume){ .id = id };
	for (; v->n < INDEX_VOLUME_OBJECTS && 8 * (v->n + 1) <= objects.n; v->n++) {
		uint64_t object = 0;
		for (unsigned i = 8; i-- > 0;)
			object = object << 8 | (uint8_t)objects.p[8 * v->n + i];
		v->object[v->n] = (int64_t)object;
	}
	return 0;
}

/* One shard of one volume: pairs [first, end) are in it, of which n words are different ones. */
static int ask_shard(struct ask *k, size_t volume, size_t first, size_t end, const uint32_t *lows, size_t n,
		     struct places *at, struct err *e)
{
	struct stmt *held = NULL;
	struct str words;
	memset(at, 0, n * sizeof(*at));
	int rc = index_sql_words(k->db, k->pairs[first].word >> 24, k->volumes[volume].id, &held, &words, e);
	if (rc)
		return rc;
	if (shard_find(words, lows, n, at) != 0)
		memset(at, 0xff, n * sizeof(*at)); /* damaged: any of them may */
	stmt_done(held);
	for (size_t i = first, word = 0; i < end; i++) {
		word += i > first && k->pairs[i].word != k->pairs[i - 1].word;
		(void)places_or(&k->found[volume * k->n_groups + k->pairs[i].group], &at[word]);
	}
	return 0;
}

static int ask_volumes(struct ask *k, struct err *e)
{
	uint32_t *lows = calloc(PAIRS_MAX, sizeof(*lows));
	struct places *at = calloc(PAIRS_MAX, sizeof(*at));
	int rc = 0;
	k->found = calloc(k->n_volumes * k->n_groups + 1, sizeof(*k->found));
	if (!k->found || !lows || !at)
		rc = no_memory(e);
	for (size_t first = 0, end; !rc && first < k->n_pairs; first = end) {
		size_t n = 0;
		for (end = first; end < k->n_pairs && k->pairs[end].word >> 24 == k->pairs[first].word >> 24; end++)
			if (end == first || k->pairs[end].word != k->pairs[end - 1].word)
				lows[n++] = k->pairs[end].word & 0xffffff;
		for (size_t v = 0; !rc && v < k->n_volumes; v++)
			rc = ask_shard(k, v, first, end, lows, n, at, e);
	}
	free(lows);
	free(at);
	return rc;
}

static int keep_found(struct ask *k, struct err *e)
{
	for (size_t v = 0; v < k->n_volumes; v++) {
		struct places has = k->found[v * k->n_groups];
		for (size_t g = 1; g < k->n_groups; g++)
			(void)places_and(&has, &k->found[v * k->n_groups + g]);
		for (unsigned i = 0; i < k->volumes[v].n; i++)
			if (places_has(&has, i) && !keep(k->may, k->volumes[v].object[i]))
				return no_memory(e);
	}
	return 0;
}

int index_ask(struct index_may *out, struct sql *db, const char *record, const struct word_groups *words,
	      int64_t since_ns, int64_t until_ns, struct err *e)
{
	*out = (struct index_may){ .all = words->n_groups == 0 };
	if (out->all)
		return 0;
	struct ask *k = calloc(1, sizeof(*k));
	if (!k || map_init(&out->objects, OBJECTS_MAX) != 0) {
		free(k);
		out->all = true; /* nothing to free */
		return no_memory(e);
	}
	k->may = out;
	k->db = db;
	take_words(k, words);
	int rc = index_sql_loose(db, record, 0, ask_loose, k, e);
	if (!rc)
		rc = index_sql_any(db, record, keep_any, k, e);
	if (!rc)
		rc = index_sql_volumes(db, record, since_ns, until_ns, take_volume, k, e);
	if (rc == -1)
		rc = no_memory(e);
	if (!rc)
		rc = ask_volumes(k, e);
	if (!rc)
		rc = keep_found(k, e);
	free(k->volumes);
	free(k->found);
	free(k);
	if (rc)
		index_may_fini(out);
	return rc;
}
