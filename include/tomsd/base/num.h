/* Numbers from text, strictly: the whole string, no sign for unsigned, no spaces. Any thread. */
#ifndef TOMSD_BASE_NUM_H
#define TOMSD_BASE_NUM_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/str.h"

/* 0, -ERR_INVALID (not a number) or -ERR_RANGE; *out untouched on failure. */
int num_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out) MUST_CHECK;
int num_i64(struct str s, int64_t min, int64_t max, int64_t *out) MUST_CHECK;
int num_u32(struct str s, uint32_t min, uint32_t max, uint32_t *out) MUST_CHECK;
int num_u16(struct str s, uint16_t min, uint16_t max, uint16_t *out) MUST_CHECK;
/* Value of a hexadecimal digit, or -1. */
int num_hex_digit(char c);
/* "512", "64K", "512M", "2G", "1T": powers of 1024; "100KB" "100MB" "2GB": powers of 1000. */
int num_size(struct str s, uint64_t *bytes) MUST_CHECK;
/* "90d", "12h", "5m", "30s", "250ms", "2w"; a bare number is an error. Nanoseconds. */
int num_duration(struct str s, int64_t *ns) MUST_CHECK;

#endif
