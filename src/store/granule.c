/* Words of a granule, each once: an open hash set that is emptied every 256 rows. Store thread. */
#include "granule.h"

#include <stdlib.h>

#include "inside.h"

enum {
	SLOTS_FIRST = 1 << 13, /* 32 KiB: stays in the nearest cache for lines as they are */
	SLOTS_MOST = 1 << 16,
};

struct granule {
	uint64_t class_seed;
	uint32_t *slot; /* 0: empty */
	size_t mask, n;
	bool loose;
	uint32_t found[TEXT_WORDS_MAX + 1];
	struct text text;
};

int granule_new(struct granule **out, uint64_t seed, struct err *e)
{
	struct granule *g = calloc(1, sizeof(*g));

	if (g) {
		g->class_seed = word_seed(seed);
		g->mask = SLOTS_FIRST - 1;
		g->slot = calloc(SLOTS_FIRST, sizeof(*g->slot));
	}
	if (!g || !g->slot) {
		free(g);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	*out = g;
	return 0;
}

void granule_free(struct granule *g)
{
	if (!g)
		return;
	free(g->slot);
	free(g);
}

void granule_clear(struct granule *g)
{
	memset(g->slot, 0, (g->mask + 1) * sizeof(*g->slot));
	g->n = 0;
	g->loose = false;
}

/* true: it is new. There is an empty slot. */
static inline bool put(uint32_t *slot, size_t mask, uint32_t token)
{
	size_t at = token >> WORD_SHIFT & mask;

	while (slot[at]) {
		if (slot[at] == token)
			return false;
		at = (at + 1) & mask;
	}
	slot[at] = token;
	return true;
}

/* Twice the slots; false: there are as many as there may be. */
static bool grow(struct granule *g)
{
	size_t slots = 2 * (g->mask + 1);
	uint32_t *more = slots > SLOTS_MOST ? NULL : calloc(slots, sizeof(*more));

	if (!more)
		return false;
	for (size_t i = 0; i <= g->mask; i++) {
		if (g->slot[i])
			(void)put(more, slots - 1, g->slot[i]);
	}
	free(g->slot);
	g->slot = more;
	g->mask = slots - 1;
	return true;
}

size_t granule_add(struct granule *g, struct str line, const uint32_t **out)
{
	bool more = line.n > TEXT_MAX;
	size_t n, kept = 0;

	*out = g->found;
	text_set(&g->text, line);
	n = text_words(&g->text, g->class_seed, g->found, TEXT_WORDS_MAX, &more);
	for (size_t i = 0; i < n; i++) {
		if (2 * (g->n + kept) > g->mask && !grow(g)) {
			more = true;
			break;
		}
		uint32_t token = g->found[i];

		g->found[kept] = token;
		kept += put(g->slot, g->mask, token);
	}
	g->n += kept;
	if (more && !g->loose) {
		g->loose = true;
		counter_add(&store_counters.loose_granules, 1);
		g->found[kept++] = word_loose(g->class_seed);
	}
	return kept;
}
