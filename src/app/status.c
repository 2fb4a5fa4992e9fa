/* What the house knows of itself: status as JSON, counters as Prometheus text, health of the rooms.
 * Any thread; nothing here waits for a room. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "house.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/log.h"
#include "tomsd/base/num.h"

#define THREADS_SHOWN 128

const char *const phase_names[] = { "waiting", "initialized", "running", "stopping",
				    "stopped" };
static const char *const mode_names[] = { "daemon", "replay", "check" };

void app_room_health(struct app *a, const struct room *r, bool healthy, const char *fmt, ...)
{
	struct room_slot *s = slot_of(a, r);
	char words[sizeof(s->words)];
	va_list ap;
	va_start(ap, fmt);
	words[0] = '\0';
	if (fmt)
		(void)vsnprintf(words, sizeof(words), fmt, ap); /* cut is fine */
	va_end(ap);
	mutex_lock(&a->m);
	if (s->ill == healthy)
		s->health_since_ns = clock_now_ns();
	s->ill = !healthy;
	if (!healthy) {
		memcpy(s->words, words, sizeof(words));
		s->words_ns = clock_now_ns();
	}
	mutex_unlock(&a->m);
}

bool app_room_is_healthy(struct app *a, const struct room *r, char *words, size_t cap,
			 int64_t *since_ns)
{
	struct room_slot *s = slot_of(a, r);
	mutex_lock(&a->m);
	bool healthy = !s->ill;
	if (words && cap)
		(void)str_copy(words, cap, str_of(s->words));
	if (since_ns)
		*since_ns = s->health_since_ns;
	mutex_unlock(&a->m);
	return healthy;
}

static uint64_t counter_value(const struct counter *c)
{
	return __atomic_load_n((uint64_t *)(uintptr_t)c->value, __ATOMIC_RELAXED);
}

/* Pages in use, from the kernel (proc(5), statm: second number). */
static uint64_t memory_bytes(void)
{
	struct buf b;
	struct str line, part;
	uint64_t pages = 0;
	buf_init(&b, 4096);
	if (file_read("/proc/self/statm", 4096, &b, NULL) == 0) {
		line = buf_view(&b);
		if (!str_split(&line, ' ', &part) || !str_split(&line, ' ', &part) ||
		    num_u64(part, 0, UINT64_MAX >> 16, &pages))
			pages = 0;
	}
	buf_fini(&b);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
	struct rusage u;
	if (getrusage(RUSAGE_SELF, &u))
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void threads_status(struct json *j)
{
	struct thread_state list[THREADS_SHOWN];
	size_t n = thread_list(list, ARRAY_LEN(list));
	json_key(j, "threads");
	json_arr(j);
	for (size_t i = 0; i < n && i < ARRAY_LEN(list); i++) {
		json_obj(j);
		json_kv_str(j, "name", list[i].name);
		json_kv_bool(j, "waiting", list[i].parked);
		json_kv_i64(j, "beat_age_ms", list[i].beat_age_ms);
		json_kv_i64(j, "cpu_ms", list[i].cpu_ms);
		json_end_obj(j);
	}
	json_end_arr(j);
}

static void sandbox_status(const struct sandbox *s, struct json *j)
{
	json_key(j, "sandbox");
	json_obj(j);
	json_kv_bool(j, "no_capabilities", s->no_capabilities);
	json_kv_bool(j, "no_new_privs", s->no_new_privs);
	json_kv_i64(j, "landlock_abi", s->landlock_abi);
	json_kv_bool(j, "seccomp", s->syscalls_filtered);
	json_end_obj(j);
}

static void counters_status(const struct room *r, struct json *j)
{
	if (!r->counters)
		return;
	json_key(j, "counters");
	json_obj(j);
	for (const struct counter *c = r->counters; c->name; c++)
		json_kv_u64(j, c->name, counter_value(c));
	json_end_obj(j);
}

static void room_status(struct app *a, struct room_slot *s, struct json *j)
{
	const struct room *r = s->room;
	enum phase phase = (enum phase)atomic_load(&s->phase);
	char words[sizeof(s->words)];
	mutex_lock(&a->m);
	bool ill = s->ill;
	int64_t since_ns = s->health_since_ns, words_ns = s->words_ns;
	memcpy(words, s->words, sizeof(words));
	mutex_unlock(&a->m);
	json_key(j, r->name);
	json_obj(j);
	json_kv_str(j, "state", phase_names[phase]);
	json_kv_bool(j, "healthy", !ill);
	json_kv_time(j, "since", since_ns);
	json_key(j, "last_error");
	json_cstr(j, words_ns ? words : NULL);
	if (words_ns)
		json_kv_time(j, "last_error_at", words_ns);
	counters_status(r, j);
	if (r->counters)
		rates_status(a, r, j);
	if (r->status &&
	    (phase == PHASE_INIT || phase == PHASE_RUNNING || phase == PHASE_STOPPING))
		r->status(a, j);
	json_end_obj(j);
}

static bool all_healthy(struct app *a)
{
	for (size_t i = 0; i < a->n_slots; i++)
		if (!app_room_is_healthy(a, a->slots[i].room, NULL, 0, NULL))
			return false;
	return true;
}

void app_status_json(struct app *a, struct json *j)
{
	json_obj(j);
	json_kv_str(j, "version", TOMSD_VERSION);
	json_key(j, "appliance");
	json_obj(j);
	json_kv_str(j, "id", a->id);
	json_kv_str(j, "name", a->name);
	json_kv_str(j, "timezone", a->timezone);
	json_end_obj(j);
	json_kv_str(j, "mode", mode_names[a->setup.mode]);
	json_kv_str(j, "state", phase_names[atomic_load(&a->phase)]);
	json_kv_bool(j, "healthy", all_healthy(a));
	json_kv_time(j, "time", clock_now_ns());
	json_kv_time(j, "started", a->started_ns);
	json_kv_i64(j, "uptime_s", (clock_mono_ns() - a->started_mono_ns) / NS_PER_S);
	json_kv_i64(j, "pid", getpid());
	json_kv_u64(j, "memory_bytes", memory_bytes());
	json_key(j, "cpu_seconds");
	json_f64(j, cpu_seconds());
	json_kv_i64(j, "reloads", atomic_load(&a->reloads));
	sandbox_status(&a->sandbox, j);
	threads_status(j);
	jobs_status(a, j);
	json_key(j, "rooms");
	json_obj(j);
	for (size_t i = 0; i < a->n_slots; i++)
		room_status(a, &a->slots[i], j);
	json_end_obj(j);
	json_end_obj(j);
}

/* HELP and TYPE once a family; a name may carry labels: packets_total{interface="eth0"}. */
static void metric_head(struct buf *out, const char *before, const struct counter *c)
{
	int n = (int)strcspn(c->name, "{");
	if (before && !strncmp(before, c->name, (size_t)n) &&
	    (before[n] == '{' || before[n] == '\0'))
		return;
	buf_fmt(out, "# HELP tomsd_%.*s %s\n# TYPE tomsd_%.*s %s\n", n, c->name,
		c->help ? c->help : "", n, c->name, c->gauge ? "gauge" : "counter");
}

static void metric_gauge(struct buf *out, const char *name, const char *help)
{
	buf_fmt(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

void app_metrics(struct app *a, struct buf *out)
{
	metric_gauge(out, "tomsd_info", "Version of the daemon.");
	buf_fmt(out, "tomsd_info{version=\"%s\"} 1\n", TOMSD_VERSION);
	metric_gauge(out, "tomsd_start_time_seconds",
		     "When the daemon started, seconds since 1970.");
	buf_fmt(out, "tomsd_start_time_seconds %lld\n", (long long)(a->started_ns / NS_PER_S));
	metric_gauge(out, "tomsd_memory_bytes", "Resident memory.");
	buf_fmt(out, "tomsd_memory_bytes %llu\n", (unsigned long long)memory_bytes());
	buf_fmt(out,
		"# HELP tomsd_cpu_seconds_total Processor time used.\n# TYPE tomsd_cpu_seconds_total counter\n"
		"tomsd_cpu_seconds_total %.3f\n",
		cpu_seconds());
	metric_gauge(out, "tomsd_room_healthy", "1 while the room has no standing error.");
	for (size_t i = 0; i < a->n_slots; i++)
		buf_fmt(out, "tomsd_room_healthy{room=\"%s\"} %d\n", a->slots[i].room->name,
			app_room_is_healthy(a, a->slots[i].room, NULL, 0, NULL));
	for (size_t i = 0; i < a->n_slots; i++) {
		const char *before = NULL;
		for (const struct counter *c = a->slots[i].room->counters; c && c->name;
		     before = c->name, c++) {
			metric_head(out, before, c);
			buf_fmt(out, "tomsd_%s %llu\n", c->name,
				(unsigned long long)counter_value(c));
		}
	}
}
