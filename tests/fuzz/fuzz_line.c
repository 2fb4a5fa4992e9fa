/* Whole lines of any bytes: columns, fields, JSON and members agree. */
#include "line_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_line(data, n);
	return 0;
}
