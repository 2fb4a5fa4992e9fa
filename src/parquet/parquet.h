/* Numbers of the Parquet format (apache/parquet-format parquet.thrift 2.10) that our files use, and what
 * writer and reader agree on beyond it. */
#ifndef TOMSD_PARQUET_PARQUET_H
#define TOMSD_PARQUET_PARQUET_H

#include "tomsd/parquet.h"

#define PARQUET_MAGIC "PAR1"
#define PARQUET_SCHEMA "1" /* of our columns: what a reader must understand */
#define PARQUET_CREATED_BY "tomsd version " /* parsers of other readers want "NAME version NUMBER" */
/* Keys of the metadata that are ours. */
#define META_SCHEMA "toms.schema"
#define META_RECORD "toms.record"
#define META_BLOOMS "toms.blooms" /* XXH64 of every bloom filter, 16 hexadecimal digits each */
#define META_CHECK "toms.check"   /* XXH64 of the footer, counted with zeros in its place */
#define CHECK_DIGITS 16

enum { PHYSICAL_INT32 = 1, PHYSICAL_INT64 = 2, PHYSICAL_BYTES = 6 };
enum { CONVERTED_UTF8 = 0, CONVERTED_UINT_8 = 11, CONVERTED_UINT_16, CONVERTED_UINT_32, CONVERTED_UINT_64 };
enum { LOGICAL_STRING = 1, LOGICAL_TIMESTAMP = 8, LOGICAL_INTEGER = 10 };
enum { REPEAT_REQUIRED, REPEAT_OPTIONAL };
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_DELTA = 5, ENCODING_RLE_DICTIONARY = 8 };
enum { CODEC_NONE = 0, CODEC_ZSTD = 6 };
enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };

static inline bool parquet_is_text(enum parquet_type t) { return t >= PARQUET_TEXT; }
static inline bool parquet_is_signed(enum parquet_type t) { return t <= PARQUET_I64; }
/* Bytes of a number in the file; 0: text. */
static inline unsigned parquet_width(enum parquet_type t)
{
	return parquet_is_text(t) ? 0 : t <= PARQUET_U64 ? 8 : 4;
}

#endif
