/* CSV behind a beginning that says FortiGate. */
#include "line_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_behind("<189>date=2026-11-22,time=14:05:06,logid=\"0000000013\",", data, n);
	return 0;
}
