/* Minutes of capture files: a file was recorded from its first packet to its last, so the minutes in
 * between were watched; a pause of more than ten minutes is taken for one in the recording, since a
 * hospital's network is never that quiet. Thread: capture/files. */
#include "file_minutes.h"

#include "tomsd/base/clock.h"

#define MINUTE_NS (60 * NS_PER_S)

enum {
	PAUSE_MINUTES = 10,
	BACK_MINUTES = 60, /* packets out of order by less belong to the open minute */
	ROWS_MAX = 50000,  /* a month; a file whose times jump about makes no more */
};

static void put(struct file_minutes *m, int64_t from_ns, int64_t to_ns)
{
	int64_t ns = to_ns - from_ns;

	m->now.up_seconds = ns >= MINUTE_NS ? 60 : ns <= 0 ? 1 : (uint32_t)(ns / NS_PER_S) + 1;
	if (m->now.up_seconds > 60)
		m->now.up_seconds = 60;
	if (m->store && m->rows++ < ROWS_MAX &&
	    store_put(m->store, &capture_minute_record, &m->now) < 0)
		m->store = NULL; /* it has closed, and the run ends */
	m->now.packets = m->now.bytes = 0;
}

void file_minutes_begin(struct file_minutes *m, struct store *st, const char *path)
{
	const char *slash = strrchr(path, '/');

	*m = (struct file_minutes){ .store = st };
	str_copy_clean(m->now.interface, sizeof(m->now.interface),
		       str_of(slash ? slash + 1 : path));
}

/* The packet is not of the open minute: that one ends, quiet ones follow, the packet's begins. */
void file_minutes_turn(struct file_minutes *m, int64_t ts_ns)
{
	int64_t at_ns = ts_ns - ts_ns % MINUTE_NS, before_ns = m->now.at_ns;

	if (before_ns && ts_ns < before_ns && before_ns - ts_ns < BACK_MINUTES * MINUTE_NS)
		return;
	bool goes_on = before_ns && at_ns > before_ns &&
		       at_ns - before_ns <= PAUSE_MINUTES * MINUTE_NS;
	if (before_ns)
		put(m, m->from_ns, goes_on ? before_ns + MINUTE_NS : m->to_ns);
	for (int64_t quiet = before_ns + MINUTE_NS; goes_on && quiet < at_ns;
	     quiet += MINUTE_NS) {
		m->now.at_ns = quiet;
		put(m, quiet, quiet + MINUTE_NS);
	}
	m->now.at_ns = at_ns;
	m->from_ns = goes_on ? at_ns : ts_ns;
	m->to_ns = ts_ns;
}

void file_minutes_end(struct file_minutes *m)
{
	if (m->now.at_ns)
		put(m, m->from_ns, m->to_ns);
	m->now.at_ns = 0;
}
