/* Words of lines: a line that has a text carries every word that the index is asked for when somebody
 * looks for that text. First byte: length of the text; then text, then line. */
#include <stdlib.h>

#include "../../src/store/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct text line;
	static uint32_t have[TEXT_WORDS_MAX];
	uint32_t asked[32];
	struct text_pattern p;
	bool more = false, any = false;
	size_t wanted, have_n, asked_n;

	if (n < 1)
		return 0;
	wanted = data[0] < n - 1 ? data[0] : n - 1;
	text_pattern_set(&p, str_n((const char *)data + 1, wanted));
	text_set(&line, str_n((const char *)data + 1 + wanted, n - 1 - wanted));
	have_n = text_words(&line, 1, have, ARRAY_LEN(have), &more);
	asked_n = text_pattern_words(&p, 1, asked, ARRAY_LEN(asked));
	if (more || !text_find(&line, &p))
		return 0;
	for (size_t i = 0; i < asked_n; i++, any = false) {
		for (size_t k = 0; k < have_n; k++)
			any |= have[k] == asked[i];
		if (!any)
			abort();
	}
	return 0;
}
