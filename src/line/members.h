/* A log row as ECS members: what log_json writes and log_member finds, made in one place so that both say the
 * same. On the caller's stack. Any thread. */
#ifndef TOMSD_LINE_MEMBERS_H
#define TOMSD_LINE_MEMBERS_H

#include "inside.h"

enum member_type {
	MEMBER_STR,   /* s as it is */
	MEMBER_FIELD, /* value of f, its escapes taken off */
	MEMBER_LOWER, /* the same in lower case */
	MEMBER_U64,
	MEMBER_TIME,
	MEMBER_IP,      /* ip */
	MEMBER_WORDS,   /* words: a list */
	MEMBER_IPS,     /* s: a list of addresses, apart by commas */
	MEMBER_ONE,     /* f, as a list of one: ECS knows only lists here */
	MEMBER_SD,      /* structured data of RFC 5424: objects by element */
	MEMBER_ADDRESS, /* url: scheme, domain and the rest put together */
	MEMBER_BASE64,  /* s */
};
struct member {
	const char *ecs;
	enum member_type type;
	struct str s;
	struct line_field f;
	uint64_t u;
	int64_t ns;
	struct addr ip;
	const char *words[10];
};
/* A key without an ECS home, or one that is kept besides. */
struct own {
	struct str key;
	struct line_field f;
	bool number;
};
#define MEMBERS_MAX 192 /* more than there are names; a test counts them */
struct members {
	struct member m[MEMBERS_MAX];
	uint8_t order[MEMBERS_MAX]; /* by name: members of one parent stand together */
	size_t n;
	struct own own[LINE_FIELDS_MAX];
	uint16_t own_slots[2 * LINE_FIELDS_MAX]; /* index + 1 by name */
	size_t n_own;
	struct str told_as[KEYS_MAX]; /* how the line spelt the keys it told */
	struct split split;
	struct facts facts;
	struct url url;
	const struct log *row;
	struct str line;
	char id_text[24], dataset[32], proto_text[4];
	bool fortinet;
};
void members_of(const struct log *row, struct members *ms);
/* Parts of members_of, in this order. */
void members_read(
	struct members *ms); /* members_fields.c; calls members_facts for a Fortinet device */
void members_facts(struct members *ms); /* members_facts.c */
void members_head(struct members *ms);  /* members_row.c */
void members_row(struct members *ms);
/* A new member of this name; NULL (false) where the line has told it already, or the value says nothing: the
 * first wins. */
struct member *members_put(struct members *ms, const char *ecs, enum member_type type);
bool members_str(struct members *ms, const char *ecs, struct str s);
void members_cstr(struct members *ms, const char *ecs, const char *c); /* NULL: none */
bool members_u64(struct members *ms, const char *ecs, uint64_t u);
void members_time(struct members *ms, const char *ecs, int64_t ns);
bool members_field(struct members *ms, const char *ecs, enum member_type type,
		   const struct line_field *f);
bool members_fact(struct members *ms, const char *ecs,
		  struct str value); /* as the body wrote it */
/* Keys without a home. They are objects' members as they are written: a dot in one opens no object. */
void members_own(struct members *ms, struct str key, const struct line_field *f, bool number);
void members_own_drop(struct members *ms, const char *key); /* it found a home after all */
const struct member *members_find(const struct members *ms, struct str ecs);
/* Names that members_of can give beside those of the key table; NULL behind the last. */
extern const char *const derived_names[];
#define OWN_FORTINET "fortinet.firewall"
#define OWN_CEF "toms.cef" /* keys of other vendors' CEF */

#endif
