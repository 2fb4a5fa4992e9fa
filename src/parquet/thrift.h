/* Thrift's compact protocol, as far as Parquet's footer and page headers need it
 * (apache/thrift doc/specs/thrift-compact-protocol.md). One thread. */
#ifndef TOMSD_PARQUET_THRIFT_H
#define TOMSD_PARQUET_THRIFT_H

#include "tomsd/base/buf.h"
#include "tomsd/base/rd.h"

#define THRIFT_DEPTH 16

enum thrift_type {
	THRIFT_STOP,
	THRIFT_TRUE,
	THRIFT_FALSE,
	THRIFT_I8,
	THRIFT_I16,
	THRIFT_I32,
	THRIFT_I64,
	THRIFT_DOUBLE,
	THRIFT_BYTES,
	THRIFT_LIST,
	THRIFT_SET,
	THRIFT_MAP,
	THRIFT_STRUCT,
};

/* Writing: fields of a struct in rising order of id; every struct is closed by thrift_end. Errors stay in
 * the buffer. */
struct thrift_out {
	struct buf *out;
	int depth;
	int last[THRIFT_DEPTH]; /* id of the field before, by depth */
};
void thrift_out(struct thrift_out *t, struct buf *out); /* begins the outermost struct */
void thrift_end(struct thrift_out *t);
void thrift_struct(struct thrift_out *t, int id); /* a field that is a struct, or a union's member */
void thrift_put_bool(struct thrift_out *t, int id, bool v);
void thrift_put_i8(struct thrift_out *t, int id, int8_t v);
void thrift_put_i16(struct thrift_out *t, int id, int16_t v);
void thrift_put_i32(struct thrift_out *t, int id, int32_t v);
void thrift_put_i64(struct thrift_out *t, int id, int64_t v);
void thrift_put_str(struct thrift_out *t, int id, struct str s);
void thrift_list(struct thrift_out *t, int id, enum thrift_type of, size_t n);
void thrift_item_i32(struct thrift_out *t, int32_t v);
void thrift_item_str(struct thrift_out *t, struct str s);
void thrift_item(struct thrift_out *t); /* an element that is a struct */

/* Reading: a cursor that turns bad at the first wrong byte and stays bad. */
struct thrift_in {
	struct rd r;
	int depth;
	int last[THRIFT_DEPTH];
};
struct thrift_in thrift_in(const void *p, size_t n);
void thrift_enter(struct thrift_in *t); /* a struct begins: a field's value or a list's element */
/* Type of the next field and its id; THRIFT_STOP at the end of the struct, which is then left. */
enum thrift_type thrift_next(struct thrift_in *t, int *id);
int64_t thrift_int(struct thrift_in *t, enum thrift_type type); /* I8..I64, else bad */
bool thrift_bool(struct thrift_in *t, enum thrift_type type);
struct str thrift_str(struct thrift_in *t, enum thrift_type type);
/* Elements of a list of this type; 0 and bad when it is none or longer than the bytes that are left. */
size_t thrift_list_of(struct thrift_in *t, enum thrift_type type, enum thrift_type of);
void thrift_skip(struct thrift_in *t, enum thrift_type type);
static inline bool thrift_ok(const struct thrift_in *t) { return rd_ok(&t->r); }
static inline void thrift_bad(struct thrift_in *t) { t->r.bad = true; }

#endif
