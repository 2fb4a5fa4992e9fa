/* HL7 over MLLP in pieces of any size, from both sides, with gaps. */
#include "med.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_pieces(data, n, "hl7", false);
	return 0;
}
