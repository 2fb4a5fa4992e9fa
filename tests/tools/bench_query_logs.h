/* bench_query's other half: 10 million lines of a firewall, and what people ask of them. */
#ifndef TOMSD_TESTS_BENCH_QUERY_LOGS_H
#define TOMSD_TESTS_BENCH_QUERY_LOGS_H

#include <stdlib.h>

#include "gen_logs.h"
#include "tomsd/store.h"

/* One line in a hundred thousand says "needle" and a number; one in ten "ward". {r} asks for a number. */
enum { NEEDLES = 100000, NEEDLE_KINDS = 50 };

static void bench_log_vary(struct log *g, uint64_t i)
{
	if (i % NEEDLES == 77777)
		gen_log_line(g, " marker=\"needle%u\"", (unsigned)(i / NEEDLES % NEEDLE_KINDS));
	if (i % 10 == 3)
		gen_log_line(g, " area=\"ward%u\"", (unsigned)(i / 10 % 30));
}

static int bench_log_fill(struct store *to, uint64_t rows, int64_t first_ns, int64_t mean_gap_ns)
{
	enum { AT_ONCE = 1024 };
	union gen_log *made = calloc(AT_ONCE, sizeof(*made));
	const void *each[AT_ONCE];
	struct gen_logs g = { .dice = { 1, first_ns, mean_gap_ns } };
	int rc = made ? 0 : -ERR_NOMEM;

	for (uint64_t done = 0; !rc && done < rows;) {
		size_t n = rows - done < AT_ONCE ? (size_t)(rows - done) : AT_ONCE;

		for (size_t i = 0; i < n; i++) {
			gen_log(&g, &made[i]);
			bench_log_vary(&made[i].row, done + i);
			each[i] = &made[i];
		}
		rc = store_put_each(to, &log_record, each, n);
		done += n;
	}
	free(made);
	return rc;
}

#define LOGS(nm, text, ...) { .name = nm, .words = text, .hours = 24, __VA_ARGS__ }
static const struct question log_questions[] = {
	LOGS("log_newest", ""),
	{ .name = "log_newest_deep", .words = "", .kind = NEXT_PAGE, .hours = -1 },
	LOGS("log_oldest", "", .sort = QUERY_OLDEST),
	LOGS("log_kind", "kind:security"),
	LOGS("log_kind_rare", "kind:admin level:alert"),
	LOGS("log_host", "host:{h}"),
	LOGS("log_host_translated", "host:203.0.113.5"),
	LOGS("log_session", "session:{s}"),
	LOGS("log_policy", "policy:{d}"),
	LOGS("log_word_common", "forward"),
	LOGS("log_word_tenth", "ward1{d}"),
	LOGS("log_word_rare", "needle{r}"),
	LOGS("log_word_unknown", "nobodysaysthis"),
	LOGS("log_word_unknown_digits", "99999999{d}"),
	LOGS("log_two_words", "blocked streaming"),
	LOGS("log_two_words_rare", "needle{r} traffic"),
	LOGS("log_phrase", "\"login failed from\""),
	LOGS("log_address_word", "host:{h} blocked"),
	LOGS("log_address_as_text", "text:10.3.{d}7.1{d}"),
	LOGS("log_word_oldest", "needle{r}", .sort = QUERY_OLDEST),
	LOGS("log_excluded", "-forward -blocked"),
	LOGS("log_part_common", "*ocke*"),
	LOGS("log_part_rare_1s", "*eedle{r}*", .limit_ms = 1000),
	LOGS("log_part_200ms", "*nothinglikeit*", .limit_ms = 200),
	LOGS("log_count_word", "ward1{d}", .kind = COUNT),
	LOGS("log_count_rare", "needle{r}", .kind = COUNT),
	LOGS("log_series_kind", "", .kind = SERIES, .dim = ROLLUP_LOG_KIND),
	LOGS("log_series_source", "", .kind = SERIES, .dim = ROLLUP_LOG_SOURCE),
	LOGS("log_series_type", "", .kind = SERIES, .dim = ROLLUP_LOG_TYPE),
	LOGS("log_top_type", "", .kind = TOP, .dim = ROLLUP_LOG_TYPE),
};
#undef LOGS

#endif
