/* One JSON object behind a beginning that says FortiGate, and alone. */
#include "line_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_behind("<189>{\"logid\":\"0000000013\",", data, n);
	check_behind("{", data, n);
	return 0;
}
