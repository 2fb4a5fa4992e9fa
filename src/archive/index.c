/* Building the index of one object: its words in a set while rows go into the file, its row groups out of the
 * finished footer, all of it into the store with the object's own row. */
#include "index.h"

#include <stdlib.h>

#include "index_sql.h"
#include "tomsd/store/cut.h"
#include "words.h"

enum { SLOTS_FIRST = 1 << 12, PACKED_MAX = 5 * INDEX_WORDS_MAX };

struct index_build {
	const struct record *record;
	uint32_t *slots; /* open addressing, 0: free; words are hashes already */
	size_t n, mask;
	bool has_zero, too_many, no_memory;
	struct buf packed;
	struct index_group *groups;
	size_t n_groups;
	int64_t rows;
};

int index_new(struct index_build **out, const struct record *r, struct err *e)
{
	struct index_build *b = calloc(1, sizeof(*b));
	if (b)
		b->slots = calloc(SLOTS_FIRST, sizeof(*b->slots));
	if (!b || !b->slots) {
		free(b);
		return err_set(e, ERR_NOMEM, "no memory for the index of an archive object");
	}
	b->record = r;
	b->mask = SLOTS_FIRST - 1;
	buf_init(&b->packed, PACKED_MAX);
	*out = b;
	return 0;
}

void index_free(struct index_build *b)
{
	if (!b)
		return;
	buf_fini(&b->packed);
	free(b->slots);
	free(b->groups);
	free(b);
}

static void put_slot(uint32_t *slots, size_t mask, uint32_t word)
{
	size_t at = word & mask;
	while (slots[at])
		at = (at + 1) & mask;
	slots[at] = word;
}

static bool grow(struct index_build *b)
{
	size_t mask = 2 * b->mask + 1;
	uint32_t *slots = calloc(mask + 1, sizeof(*slots));
	if (!slots) {
		b->no_memory = true;
		return false;
	}
	for (size_t i = 0; i <= b->mask; i++)
		if (b->slots[i])
			put_slot(slots, mask, b->slots[i]);
	free(b->slots);
	b->slots = slots;
	b->mask = mask;
	return true;
}

static void add_word(struct index_build *b, uint32_t word)
{
	size_t at = word & b->mask;
	if (!word) {
		b->has_zero = true;
		return;
	}
	for (; b->slots[at]; at = (at + 1) & b->mask)
		if (b->slots[at] == word)
			return;
	b->slots[at] = word;
	b->too_many = ++b->n >= INDEX_WORDS_MAX;
	if (2 * b->n > b->mask && !b->too_many)
		(void)grow(b); /* no memory is said at the end */
}

void index_row(struct index_build *b, const void *row)
{
	uint32_t words[ROW_WORDS_MAX];
	if (b->too_many || b->no_memory)
		return;
	size_t n = row_words(b->record, row, words, ARRAY_LEN(words));
	for (size_t i = 0; i < n && !b->too_many && !b->no_memory; i++)
		add_word(b, words[i]);
}

static int by_word(const void *a, const void *b)
{
	uint32_t x, y;
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* The set as a sorted list; the set is used up. */
static int pack_words(struct index_build *b, struct err *e)
{
	size_t n = 0;
	if (b->no_memory)
		return err_set(e, ERR_NOMEM, "no memory for the words of an archive object");
	if (b->too_many)
		return 0;
	for (size_t i = 0; i <= b->mask; i++)
		if (b->slots[i])
			b->slots[n++] = b->slots[i];
	qsort(b->slots, n, sizeof(*b->slots), by_word);
	if (b->has_zero)
		words_put(&b->packed, 0, 0);
	for (size_t i = 0; i < n; i++)
		words_put(&b->packed, b->slots[i], i ? b->slots[i - 1] : 0);
	return buf_failed(&b->packed) ? err_set(e, ERR_NOMEM, "no memory for the words of an archive object") : 0;
}

/* The file's column that a column of the record stands in as it is; -1. */
static ptrdiff_t file_column(const struct record *r, const struct parquet_file *f, const char *name)
{
	for (size_t i = 0; i < r->n_out; i++) {
		if (!r->out[i].col || strcmp(r->out[i].col, name) != 0)
			continue;
		ptrdiff_t at = parquet_column(f, str_of(r->out[i].ecs));
		if (at >= 0)
			return at;
	}
	return -1;
}

/* What the footer says of a column; all there is where it says nothing. */
static void footer_range(const struct parquet_file *f, size_t group, ptrdiff_t col, int64_t *min, int64_t *max)
{
	struct parquet_range r = { 0 };
	*min = INT64_MIN;
	*max = INT64_MAX;
	if (col >= 0 && parquet_column_type(f, (size_t)col) <= PARQUET_I64)
		parquet_range(f, group, (size_t)col, &r);
	if (r.has_range && !(r.has_nulls && r.nulls)) {
		*min = r.min.i;
		*max = r.max.i;
	}
}

int index_groups(struct index_build *b, const struct parquet_file *f, struct err *e)
{
	const struct record *r = b->record;
	ptrdiff_t id = file_column(r, f, r->id_col), time = file_column(r, f, r->time_col);
	size_t n = parquet_groups(f);
	struct index_group *groups = calloc(n ? n : 1, sizeof(*groups));
	if (!groups)
		return err_set(e, ERR_NOMEM, "no memory for the index of an archive object");
	for (size_t i = 0; i < n; i++) {
		groups[i] = (struct index_group){ .place = (uint32_t)i, .rows = (int64_t)parquet_group_rows(f, i) };
		footer_range(f, i, id, &groups[i].first_id, &groups[i].last_id);
		footer_range(f, i, time, &groups[i].min_ns, &groups[i].max_ns);
	}
	free(b->groups);
	b->groups = groups;
	b->n_groups = n;
	b->rows = (int64_t)parquet_rows(f);
	return pack_words(b, e);
}

int index_put(struct sql *db, int64_t object, const struct index_build *b, struct err *e)
{
	int rc = index_sql_put(db, object, b->record->name, b->rows, buf_view(&b->packed), b->too_many, e);
	for (size_t i = 0; !rc && i < b->n_groups; i++) {
		struct index_group g = b->groups[i];
		g.object = object;
		rc = index_sql_put_group(db, b->record->name, &g, e);
	}
	return rc ? err_wrap(e, "index of archive object %lld", (long long)object) : 0;
}

int index_drop(struct sql *db, int64_t object, struct err *e)
{
	return index_sql_drop(db, object, e);
}
