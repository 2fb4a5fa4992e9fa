/* Columns of the archive from a record's outside members. Plain members have the type of their column;
 * what computed members are is told here, since only their function knows. Any thread. */
#include "schema.h"

#include <stdlib.h>

#include "tomsd/base/hash.h"

enum { FIELDS_MAX = 500 };

/* Computed members that are not text. Whatever does not fit its column in some row (another type, too
 * large) stands in toms.extra of that row, so a table that has fallen behind loses nothing. */
static const struct {
	const char *ecs;
	enum parquet_type type;
} computed[] = {
	{ "@timestamp", PARQUET_TIME },
	{ "event.duration", PARQUET_I64 },
	{ "event.original", PARQUET_BYTES },
	{ "source.port", PARQUET_U16 },
	{ "destination.port", PARQUET_U16 },
	{ "network.iana_number", PARQUET_U8 },
	{ "network.bytes", PARQUET_U64 },
	{ "network.packets", PARQUET_U64 },
	{ "rule.id", PARQUET_U32 },
	{ "toms.flow.icmp_type", PARQUET_U8 },
	{ "toms.flow.icmp_code", PARQUET_U8 },
};
/* Members with several values have no column: nested columns are what readers agree on least. */
static const char *const lists[] = { "toms.flow.risks" };

static bool is_list(const struct out_col *o)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (strcmp(lists[i], o->ecs) == 0)
			return true;
	}
	return false;
}

static bool is_left_out(const char *const *leave_out, const char *ecs)
{
	for (; leave_out && *leave_out; leave_out++) {
		if (strcmp(*leave_out, ecs) == 0)
			return true;
	}
	return false;
}

static void computed_field(struct field *f)
{
	f->type = PARQUET_TEXT;
	for (size_t i = 0; i < ARRAY_LEN(computed); i++) {
		if (strcmp(computed[i].ecs, f->name) == 0)
			f->type = computed[i].type;
	}
	f->key = parquet_is_text(f->type) ? KEY_TEXT : KEY_NUMBER;
	f->is_long = f->type == PARQUET_BYTES;
}

/* false: this column has no type of its own in the file. */
static bool plain_field(struct field *f)
{
	switch (f->col->type) {
	case COL_TIME:
		f->type = PARQUET_TIME;
		return true;
	case COL_I64:
		f->type = PARQUET_I64;
		return true;
	case COL_U64:
		f->type = PARQUET_U64;
		return true;
	case COL_U32:
		f->type = PARQUET_U32;
		return true;
	case COL_U16:
		f->type = PARQUET_U16;
		return true;
	case COL_U8:
		f->type = PARQUET_U8;
		return true;
	case COL_TEXT:
	case COL_ENUM:
	case COL_ADDR:
	case COL_MAC:
		f->type = PARQUET_TEXT;
		f->key = f->col->type == COL_ADDR ? KEY_ADDR :
			 f->col->type == COL_MAC  ? KEY_MAC :
						    KEY_TEXT;
		return true;
	case COL_JSON:
		return false;
	}
	return false;
}

static bool make_field(struct field *f, const struct record *r, const struct out_col *o)
{
	*f = (struct field){ .name = o->ecs };
	if (is_list(o))
		return false;
	if (!o->col) {
		f->out = o;
		computed_field(f);
		return true;
	}
	f->col = record_col(r, o->col);
	assert(f->col);
	return plain_field(f);
}

static size_t slot_of(const struct schema *s, struct str name)
{
	return hash_bytes(name.p, name.n, 0) & (s->slots - 1);
}

static void name_fields(struct schema *s)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t at = slot_of(s, str_of(s->fields[i].name));

		while (s->by_name[at])
			at = (at + 1) & (s->slots - 1);
		s->by_name[at] = (uint16_t)(i + 1);
	}
}

const struct field *schema_field(const struct schema *s, struct str name)
{
	for (size_t at = slot_of(s, name); s->by_name[at]; at = (at + 1) & (s->slots - 1)) {
		const struct field *f = &s->fields[s->by_name[at] - 1];

		if (str_eq(name, str_of(f->name)))
			return f;
	}
	return NULL;
}

/* Is the column shown by a member of its own? */
const struct out_col *schema_plain(const struct record *r, const struct col *c)
{
	for (size_t i = 0; i < r->n_out; i++)
		if (r->out[i].col && strcmp(r->out[i].col, c->name) == 0)
			return &r->out[i];
	return NULL;
}

bool schema_is_in_extra(const struct record *r, const struct col *c)
{
	return c->type == COL_JSON && !r->tail && schema_plain(r, c);
}

static bool is_first(const char *needs, const char *name)
{
	size_t n = strlen(name);

	return needs && strncmp(needs, name, n) == 0 && (needs[n] == ' ' || !needs[n]);
}

enum parquet_type schema_row_type(const struct col *c)
{
	struct field f = { .col = c };

	if (c->type == COL_ENUM)
		return PARQUET_U8;
	if (c->type == COL_TEXT || !plain_field(&f))
		return PARQUET_BYTES;
	return f.type;
}

/* A text or a number that the member passes on as it is, mostly. */
const struct out_col *schema_carrier(const struct record *r, const struct col *c)
{
	enum parquet_type type = schema_row_type(c);

	if (type == PARQUET_TEXT || c->type == COL_JSON || c->type == COL_ENUM)
		return NULL;
	for (size_t i = 0; i < r->n_out; i++) {
		const struct out_col *o = &r->out[i];
		struct field f = { .name = o->ecs };

		if (o->col || is_list(o) || !is_first(o->needs, c->name))
			continue;
		computed_field(&f);
		if (f.type == type || (f.type == PARQUET_TEXT && c->type == COL_TEXT))
			return o;
	}
	return NULL;
}

/* The field of a computed member; NULL: it is left out. */
static struct field *field_of(struct schema *s, const struct out_col *o)
{
	unsigned at = o ? s->by_out[o - s->record->out] : 0;

	return at == SCHEMA_EXTRA || at == SCHEMA_LEFT_OUT ? NULL : &s->fields[at - 1];
}

static void row_field(struct schema *s, const struct col *c)
{
	struct field *carrier = field_of(s, schema_carrier(s->record, c));
	struct field *f = &s->fields[s->n++];
	size_t n = strlen(c->name) + 1;

	*f = (struct field){ .name = s->names + s->names_n, .col = c, .is_row = true };
	memcpy(s->names + s->names_n, ROW_NAME, sizeof(ROW_NAME) - 1);
	memcpy(s->names + s->names_n + sizeof(ROW_NAME) - 1, c->name, n);
	s->names_n += sizeof(ROW_NAME) - 1 + n;
	f->type = schema_row_type(c);
	f->key = c->type == COL_ADDR        ? KEY_ADDR :
		 c->type == COL_MAC         ? KEY_MAC :
		 parquet_is_text(f->type)   ? KEY_TEXT :
					      KEY_NUMBER;
	if (carrier) {
		f->carrier = (uint16_t)(carrier - s->fields + 1);
		carrier->row_field = (uint16_t)s->n;
	}
}

static int row_fields(struct schema *s, struct err *e)
{
	const struct record *r = s->record;
	size_t room = 1;

	for (size_t i = 0; i < r->n_cols; i++)
		room += sizeof(ROW_NAME) + strlen(r->cols[i].name);
	s->names = malloc(room);
	if (!s->names)
		return err_set(e, ERR_NOMEM, "no memory for columns");
	for (size_t i = 0; i < r->n_cols; i++) {
		const struct col *c = &r->cols[i];
		bool is_plain = schema_plain(r, c) && c->type != COL_JSON;

		if (!(c->flags & COL_NOT_STORED) && !is_plain && !schema_is_in_extra(r, c))
			row_field(s, c);
	}
	s->fields[s->n++] = (struct field){ .name = EXACT_NAME,
					    .type = PARQUET_BYTES,
					    .key = KEY_TEXT,
					    .is_long = true };
	return 0;
}

/* With whole rows only what other columns give may be missing: computed members, and a second one that shows
 * the same column. */
static bool may_leave_out(const struct schema *s, const struct out_col *o)
{
	const struct col *c = o->col ? record_col(s->record, o->col) : NULL;

	if (!s->whole)
		return true;
	return c ? schema_plain(s->record, c) != o : strcmp(o->ecs, "event.original") != 0;
}

int schema_init(struct schema *s, const struct record *r, const char *const *leave_out, bool whole,
		struct err *e)
{
	size_t room = r->n_out + (whole ? r->n_cols + 1 : 0) + 1;

	*s = (struct schema){ .record = r, .slots = 16, .whole = whole };
	if (room > FIELDS_MAX)
		return err_set(e, ERR_RANGE, "record %s has more than %d members", r->name,
			       FIELDS_MAX);
	while (s->slots < 4 * room)
		s->slots *= 2;
	s->fields = calloc(room, sizeof(*s->fields));
	s->by_out = calloc(r->n_out + 1, sizeof(*s->by_out));
	s->by_name = calloc(s->slots, sizeof(*s->by_name));
	if (!s->fields || !s->by_out || !s->by_name) {
		schema_fini(s);
		return err_set(e, ERR_NOMEM, "no memory for columns");
	}
	for (size_t i = 0; i < r->n_out; i++) {
		if (is_left_out(leave_out, r->out[i].ecs) && may_leave_out(s, &r->out[i])) {
			s->by_out[i] = SCHEMA_LEFT_OUT;
			s->has_left_out = true;
		} else if (make_field(&s->fields[s->n], r, &r->out[i])) {
			s->by_out[i] = (uint16_t)(++s->n);
		}
	}
	s->n_members = s->n;
	if (whole && row_fields(s, e)) {
		schema_fini(s);
		return -ERR_NOMEM;
	}
	s->fields[s->n++] = (struct field){
		.name = EXTRA_NAME, .type = PARQUET_TEXT, .key = KEY_TEXT, .is_long = true
	};
	name_fields(s);
	return 0;
}

void schema_fini(struct schema *s)
{
	free(s->fields);
	free(s->by_out);
	free(s->by_name);
	free(s->names);
	*s = (struct schema){ 0 };
}
