/* CSV (RFC 4180, CRLF). Cells that a spreadsheet would run as a formula (=, +, -, @, tab, CR first)
 * get a leading apostrophe, numbers excepted. */
#ifndef TOMSD_BASE_CSV_H
#define TOMSD_BASE_CSV_H

#include "tomsd/base/buf.h"

struct csv {
	struct buf *out;
	bool comma;
};
void csv_init(struct csv *c, struct buf *out);
void csv_bom(struct csv *c);
void csv_str(struct csv *c, struct str s);
void csv_name(struct csv *c, const char *name); /* a column's name of ours, as it is: "@timestamp" */
void csv_u64(struct csv *c, uint64_t v);
void csv_i64(struct csv *c, int64_t v);
void csv_empty(struct csv *c);
void csv_end(struct csv *c); /* end of row */

#endif
