/* Headers of syslog: any bytes in front of a FortiGate's fields, and alone. */
#include "line_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char fields[] =
		" date=2026-11-22 time=14:05:06 devid=\"FG100\" logid=\"0000000013\"";
	uint8_t *all = malloc(n + sizeof(fields));

	REQUIRE(all);
	if (n)
		memcpy(all, data, n);
	memcpy(all + n, fields, sizeof(fields));
	check_line(all, n + sizeof(fields) - 1);
	check_line(data, n);
	free(all);
	return 0;
}
