/* bench_text: what the words of a line cost when it is stored. One JSON line: bytes and words of a line, words
 * that are new to its 256 lines, and nanoseconds of CPU to fold it, to cut it, and all. */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/store/granule.h"
#include "gen_logs.h"

enum { LINES = STORE_BUCKET_ROWS, ROUNDS = 20 };

static struct str line[LINES];

static size_t make_lines(void)
{
	static union gen_log made;
	struct gen_logs g = { .dice = { 1, INT64_C(1795348800) * NS_PER_S, NS_PER_MS } };
	size_t bytes = 0;

	for (size_t i = 0; i < LINES; i++) {
		gen_log(&g, &made);
		char *copy = malloc(made.row.line_n);
		if (!copy)
			exit(1);
		memcpy(copy, made.row.line, made.row.line_n);
		line[i] = str_n(copy, made.row.line_n);
		bytes += line[i].n;
	}
	return bytes;
}

int main(void)
{
	static uint32_t words[TEXT_WORDS_MAX];
	static struct text text;
	struct granule *granule = NULL;
	struct err e = ERR_INIT;
	const uint32_t *out;
	size_t bytes = make_lines(), n = 0, fresh = 0;
	bool more = false;
	int64_t at[4];

	if (granule_new(&granule, 1, &e))
		return 1;
	at[0] = clock_thread_cpu_ns();
	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < LINES; i++)
			text_set(&text, line[i]);
	at[1] = clock_thread_cpu_ns();
	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < LINES; i++) {
			text_set(&text, line[i]);
			n += text_words(&text, 1, words, TEXT_WORDS_MAX, &more);
		}
	at[2] = clock_thread_cpu_ns();
	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < LINES; i++) {
			if (i % STORE_GRANULE_ROWS == 0)
				granule_clear(granule);
			fresh += granule_add(granule, line[i], &out);
		}
	at[3] = clock_thread_cpu_ns();
	double all = (double)LINES * ROUNDS;
	printf("{\"bench\":\"text\",\"who\":\"words\",\"line_bytes\":%.0f,\"words\":%.1f,\"new_words\":%.2f,\"fold_ns\":%.0f,"
	       "\"cut_ns\":%.0f,\"all_ns\":%.0f}\n",
	       (double)bytes / LINES, (double)n / all, (double)fresh / all, (double)(at[1] - at[0]) / all,
	       (double)(at[2] - at[1]) / all, (double)(at[3] - at[2]) / all);
	granule_free(granule);
	return 0;
}
