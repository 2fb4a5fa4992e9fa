/* Heads of requests on the control socket. */
#include <stdlib.h>

#include "../../src/control/local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_head h;
	struct str all = { (const char *)data, size };
	size_t end = control_head_end(all);
	if (end > size)
		abort();
	if (control_parse(all, &h) == 0 &&
	    (h.body_bytes > CONTROL_BODY_MAX || h.path.n == 0 || h.path.p[0] != '/'))
		abort();
	return 0;
}
