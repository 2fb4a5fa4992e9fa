/* Facts of one flow in a fixed room, and their way out as JSON. A dissector describes its
 * members in a table, most important first; what it may keep is what the table has. One flow,
 * one thread. */
#ifndef FLOW_FACTS_H
#define FLOW_FACTS_H

#include "dissect.h"

enum fact_kind {
	FACT_TEXT,    /* the first one seen stays */
	FACT_LIST,    /* different texts, at most max */
	FACT_NUMBER,  /* the first one seen stays */
	FACT_NUMBERS, /* different numbers, at most max */
	FACT_FLAG,    /* true once seen */
};

struct fact_field {
	const char *name; /* JSON member; NULL ends the table */
	uint8_t kind;     /* enum fact_kind */
	uint8_t max;      /* lists: entries kept */
};

/* Outside bytes: spaces and NULs off both ends, cut at DISSECT_VALUE_MAX and at an ISO 2022
 * escape (its bytes would read as other letters), made printable UTF-8. Empty ones are not
 * kept. */
void facts_text(struct facts *f, const struct fact_field *fields, unsigned id, const void *p,
		size_t n);
/* Words of our own. */
void facts_word(struct facts *f, const struct fact_field *fields, unsigned id,
		const char *word);
void facts_number(struct facts *f, const struct fact_field *fields, unsigned id, uint32_t v);
void facts_flag(struct facts *f, const struct fact_field *fields, unsigned id);
bool facts_have(const struct facts *f, unsigned id);

size_t facts_json(const struct facts *f, const struct fact_field *fields, char *out,
		  size_t cap);

#endif
