/* The facts room: entries [field][length][bytes] one behind the other. Thread: flow/N. */
#include "facts.h"

#include <string.h>

#include "tomsd/base/buf.h"
#include "tomsd/base/json.h"
#include "tomsd/base/str.h"

struct entry {
	unsigned id;
	const uint8_t *p;
	size_t n;
};

/* Next entry from *at on; false at the end. */
static bool entry_next(const struct facts *f, size_t *at, struct entry *en)
{
	if (*at + 2 > f->used)
		return false;
	en->id = f->bytes[*at];
	en->n = f->bytes[*at + 1];
	en->p = f->bytes + *at + 2;
	*at += 2 + en->n;
	return true;
}

static uint32_t number_of(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* May another value join the field? Not when it is there, nor when the field is full. */
static bool has_room(const struct facts *f, const struct fact_field *field, unsigned id,
		     const void *p, size_t n)
{
	bool list = field->kind == FACT_LIST || field->kind == FACT_NUMBERS;
	unsigned count = 0;
	struct entry en;
	for (size_t at = 0; entry_next(f, &at, &en);) {
		if (en.id != id)
			continue;
		if (!list || ++count >= field->max || (en.n == n && memcmp(en.p, p, n) == 0))
			return false;
	}
	return true;
}

static void facts_add(struct facts *f, const struct fact_field *fields, unsigned id,
		      const void *p, size_t n)
{
	if (!has_room(f, &fields[id], id, p, n))
		return;
	if (f->used + 2 + n > sizeof(f->bytes)) {
		f->full = true;
		return;
	}
	f->bytes[f->used] = (uint8_t)id;
	f->bytes[f->used + 1] = (uint8_t)n;
	if (n)
		memcpy(f->bytes + f->used + 2, p, n);
	f->used = (uint16_t)(f->used + 2 + n);
}

void facts_text(struct facts *f, const struct fact_field *fields, unsigned id, const void *p,
		size_t n)
{
	const char *c = p;
	const char *escape = n ? memchr(c, 0x1b, n) : NULL;
	if (escape)
		n = (size_t)(escape - c);
	while (n && (c[n - 1] == ' ' || c[n - 1] == '\0'))
		n--;
	while (n && (*c == ' ' || *c == '\0')) {
		c++;
		n--;
	}
	if (!n)
		return;
	char clean[DISSECT_VALUE_MAX + 1];
	str_copy_clean(clean, sizeof(clean), str_n(c, n));
	facts_add(f, fields, id, clean, strlen(clean));
}

void facts_word(struct facts *f, const struct fact_field *fields, unsigned id, const char *word)
{
	size_t n = strlen(word);
	facts_add(f, fields, id, word, n < DISSECT_VALUE_MAX ? n : DISSECT_VALUE_MAX);
}

void facts_number(struct facts *f, const struct fact_field *fields, unsigned id, uint32_t v)
{
	facts_add(f, fields, id, &v, sizeof(v));
}

void facts_flag(struct facts *f, const struct fact_field *fields, unsigned id)
{
	facts_add(f, fields, id, "", 0);
}

bool facts_have(const struct facts *f, unsigned id)
{
	struct entry en;
	for (size_t at = 0; entry_next(f, &at, &en);)
		if (en.id == id)
			return true;
	return false;
}

static void write_value(struct json *j, const struct fact_field *field, const struct entry *en)
{
	switch ((enum fact_kind)field->kind) {
	case FACT_TEXT:
	case FACT_LIST:
		json_str(j, str_n((const char *)en->p, en->n));
		break;
	case FACT_NUMBER:
	case FACT_NUMBERS:
		json_u64(j, number_of(en->p));
		break;
	case FACT_FLAG:
		json_bool(j, true);
		break;
	}
}

static void write_member(struct json *j, const struct facts *f, const struct fact_field *field,
			 unsigned id)
{
	bool list = field->kind == FACT_LIST || field->kind == FACT_NUMBERS;
	struct entry en;
	json_key(j, field->name);
	if (list)
		json_arr(j);
	for (size_t at = 0; entry_next(f, &at, &en);)
		if (en.id == id)
			write_value(j, field, &en);
	if (list)
		json_end_arr(j);
}

/* Writes the members of the set (bit n = field n) that are known. */
static void write_object(struct buf *b, const struct facts *f, const struct fact_field *fields,
			 uint32_t set)
{
	struct json j;
	buf_reset(b);
	json_init(&j, b);
	json_obj(&j);
	for (unsigned id = 0; fields[id].name; id++)
		if (set >> id & 1)
			write_member(&j, f, &fields[id], id);
	json_end_obj(&j);
}

/* Members join in the order of the table; one that makes the whole too long stays out, so that
 * a long list costs itself and not what stands behind it. */
size_t facts_json(const struct facts *f, const struct fact_field *fields, char *out, size_t cap)
{
	if (!cap)
		return 0;
	out[0] = '\0';
	if (!f->used)
		return 0;
	if (cap > DISSECT_FACTS_MAX)
		cap = DISSECT_FACTS_MAX;
	struct buf b;
	buf_init(&b, DISSECT_FACTS_MAX * 2);
	uint32_t set = 0;
	size_t n = 0;
	for (unsigned id = 0; fields[id].name; id++) {
		if (!facts_have(f, id))
			continue;
		write_object(&b, f, fields, set | 1u << id);
		if (buf_failed(&b) || b.n >= cap)
			continue;
		set |= 1u << id;
		n = b.n;
		memcpy(out, b.p, n);
		out[n] = '\0';
	}
	buf_fini(&b);
	return n;
}
