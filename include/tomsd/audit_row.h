/* struct audit_row: who did what, as it goes into the archive. The table is the room api's (src/api/audit.c says
 * how rows are bound to one another); this is its row with room for the longest there can be, so keep it on the
 * heap. Not in records[]: it lies in no day's table. */
#ifndef TOMSD_AUDIT_ROW_H
#define TOMSD_AUDIT_ROW_H

#include "tomsd/record.h"

struct audit_row {
	int64_t id;    /* without gaps */
	int64_t at_ns; /* UTC */
	int64_t session;  /* 0: none */
	uint8_t by_token; /* 1: a machine's token */
	char user[64];    /* empty where nobody was signed in */
	char role[16];
	char origin[64]; /* address, or "local" */
	char action[64]; /* "session.sign_in" */
	char object[1024];
	char before[65535], after[65535]; /* JSON, or empty */
	char hash[65];                    /* hexadecimal: of the row before and this one */
};
extern const struct record audit_record;

#endif
