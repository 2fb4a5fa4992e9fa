/* Until the parser is here: every line is plain. This file goes when it comes. */
#include "tomsd/line.h"

void line_parse(struct str line, struct log *out, struct line_time *when)
{
	ptrdiff_t at = str_find(line, STR("devid=\""));
	*when = (struct line_time){ .clock = LINE_CLOCK_NONE };
	if (at < 0)
		return;
	struct str rest = str_sub(line, (size_t)at + 7, line.n);
	ptrdiff_t end = str_chr(rest, '"');
	(void)str_copy(out->serial, sizeof(out->serial), str_sub(rest, 0, end < 0 ? 0 : (size_t)end));
}

void line_set_time(struct log *out, const struct line_time *when, int32_t zone_s, int64_t received_ns,
		   int64_t back_ns)
{
	(void)when;
	(void)zone_s;
	(void)back_ns;
	out->at_ns = out->created_ns = received_ns;
	out->flags |= LOG_NO_TIME;
}
