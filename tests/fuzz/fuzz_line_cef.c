/* CEF: of Fortinet, and of another vendor. */
#include "line_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_behind("<189>CEF:0|Fortinet|Fortigate|v7.4.9|00013|traffic:forward close|3|",
		     data, n);
	check_behind("CEF:0|Other|Thing|", data, n);
	return 0;
}
