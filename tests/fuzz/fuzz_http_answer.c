/* Headers of an answer, line by line as libcurl hands them over: whatever they are, what is kept are lines
 * "name: value" of plain text, within the limit, each found by its name. */
#include <stdlib.h>

#include "../../src/net/answer.h"

static void check_line(const struct http_answer *a, struct str line)
{
	char name[256];
	struct str rest = line, first;
	assert(str_split(&rest, ':', &first) && first.n > 0);
	for (size_t i = 0; i < line.n; i++)
		assert((uint8_t)line.p[i] >= 0x20);
	for (size_t i = 0; i < first.n; i++)
		assert(first.p[i] > 0x20 && !(first.p[i] >= 'A' && first.p[i] <= 'Z'));
	if (str_copy(name, sizeof(name), first))
		assert(http_answer_header(a, name).n <= a->headers.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = str_n((const char *)data + 1, n ? n - 1 : 0), line;
	struct http_answer a;
	struct answer_head h;
	if (!n)
		return 0;
	http_answer_init(&a);
	answer_head_begin(&h, &a.headers);
	for (const char *end; in.n > 0; in = str_sub(in, line.n, in.n)) {
		end = memchr(in.p, '\n', in.n);
		line = str_n(in.p, end ? (size_t)(end + 1 - in.p) : in.n);
		answer_head_line(&h, line, data[0] < 128 ? 200 : 100);
	}
	assert(a.headers.n <= ANSWER_HEADERS_MAX);
	in = buf_view(&a.headers);
	while (!buf_failed(&a.headers) && in.n > 0 && str_split(&in, '\n', &line))
		if (line.n > 0)
			check_line(&a, line);
	http_answer_fini(&a);
	return 0;
}
