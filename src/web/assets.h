/* The panel's own files, built into the program. */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include "exchange.h"

struct assets;
/* Unpacks every file once, for clients that take no gzip. */
int assets_new(struct assets **out, struct err *e) MUST_CHECK;
void assets_free(struct assets *as);
/* Answers GET and HEAD of a page or file: 200, 304, 404 or 405. Any thread, never waits. */
void assets_answer(const struct assets *as, struct exchange *ex);
/* Content type by the name's ending. */
const char *assets_type(const char *name);

#endif
