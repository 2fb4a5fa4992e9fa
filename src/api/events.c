/* What has changed, for pages that are open: a ring of 1,000 events, and for topics that only say "now"
 * the newest one instead. Events are told after the commit. Any thread, never blocks for long. */
#include <stdlib.h>

#include "room.h"
#include "tomsd/base/clock.h"

#define RING 1000
#define EVENT_BYTES 232

/* Topics of which only the newest counts: a second of them would push everything else off the ring. */
static const char *const latest_only[] = { "flows", "logs", "rate" };

struct event {
	uint64_t id;
	char topic[16];
	char json[EVENT_BYTES];
};

struct events {
	struct mutex m;
	struct event ring[RING]; /* lock: m; at id % RING is not needed: by count */
	uint64_t n;              /* lock: m; events ever put into the ring */
	uint64_t first_id, last_id,
		dropped_id; /* lock: m; dropped_id: newest that left the ring */
	struct event latest[ARRAY_LEN(latest_only)]; /* lock: m */
	void (*wake)(void *);
	void *wake_arg;
};

/* Ids go on from the time of start in microseconds, so that an id of the run before is known as old. */
struct events *events_new(int64_t now_ns)
{
	struct events *ev = calloc(1, sizeof(*ev));
	if (!ev)
		return NULL;
	mutex_init(&ev->m);
	ev->first_id = ev->last_id = ev->dropped_id = (uint64_t)now_ns / 1000;
	return ev;
}

void events_free(struct events *ev)
{
	if (!ev)
		return;
	mutex_fini(&ev->m);
	free(ev);
}

static struct event *slot_for(struct events *ev, const char *topic) REQUIRES(&ev->m);
static struct event *slot_for(struct events *ev, const char *topic)
{
	for (size_t i = 0; i < ARRAY_LEN(latest_only); i++)
		if (strcmp(latest_only[i], topic) == 0)
			return &ev->latest[i];
	struct event *e = &ev->ring[ev->n++ % RING];
	if (e->id > ev->dropped_id)
		ev->dropped_id = e->id;
	return e;
}

void api_event(struct app *a, const char *topic, const char *json_text)
{
	struct api *api = api_of(a);
	if (!api || !api->events)
		return;
	struct events *ev = api->events;
	assert(strlen(json_text) < EVENT_BYTES); /* events say only what changed */
	mutex_lock(&ev->m);
	struct event *e = slot_for(ev, topic);
	e->id = ++ev->last_id;
	(void)str_copy(e->topic, sizeof(e->topic), str_of(topic));
	(void)str_copy(e->json, sizeof(e->json), str_of(json_text));
	void (*wake)(void *) = ev->wake;
	void *arg = ev->wake_arg;
	mutex_unlock(&ev->m);
	if (wake)
		wake(arg);
}

/* topics: names with commas between them; "" takes all. */
static bool wants(const char *topics, const char *topic)
{
	struct str left = str_of(topics), part;
	if (left.n == 0)
		return true;
	while (str_split(&left, ',', &part))
		if (str_eq(str_trim(part), str_of(topic)))
			return true;
	return false;
}

static void write_event(struct buf *b, const struct event *e)
{
	buf_fmt(b, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)e->id, e->topic,
		e->json);
}

bool api_events_read(struct app *a, const char *topics, uint64_t *last_id, struct buf *b)
{
	struct api *api = api_of(a);
	if (!api || !api->events)
		return true;
	struct events *ev = api->events;
	bool has_all = true;
	mutex_lock(&ev->m);
	if (*last_id == 0) { /* a new client has just read everything */
		*last_id = ev->last_id;
	} else if (*last_id < ev->dropped_id || *last_id > ev->last_id ||
		   *last_id < ev->first_id) {
		*last_id = ev->last_id;
		has_all = false;
	}
	uint64_t from = ev->n > RING ? ev->n - RING : 0;
	while (from < ev->n && ev->ring[from % RING].id <= *last_id)
		from++;
	for (uint64_t i = from; i < ev->n; i++)
		if (wants(topics, ev->ring[i % RING].topic))
			write_event(b, &ev->ring[i % RING]);
	for (size_t i = 0; i < ARRAY_LEN(ev->latest); i++)
		if (ev->latest[i].id > *last_id && wants(topics, ev->latest[i].topic))
			write_event(b, &ev->latest[i]);
	*last_id = ev->last_id;
	mutex_unlock(&ev->m);
	return has_all;
}

void api_events_on_publish(struct app *a, void (*wake)(void *), void *arg)
{
	struct api *api = api_of(a);
	if (!api || !api->events)
		return;
	mutex_lock(&api->events->m);
	api->events->wake = wake;
	api->events->wake_arg = arg;
	mutex_unlock(&api->events->m);
}
