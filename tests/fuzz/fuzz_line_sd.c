/* Structured data of RFC 5424, with fields of FortiOS in it and without. */
#include "line_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_behind("<189>1 2026-11-22T14:05:06Z host app 1 id [f@1 logid=\"0000000013\" ",
		     data, n);
	check_behind("<13>1 - - - - - ", data, n);
	return 0;
}
