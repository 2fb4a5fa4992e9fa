/* The text beside a CSV: what it is, in the language of whoever asked. Times are UTC, as in the CSV. */
#include "exports_page.h"

#include <stdio.h>

#include "gaps.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"

void export_file_name(const struct export_ask *ask, int64_t asked_ns, const char *ending,
		      char *out, size_t cap)
{
	char time[CLOCK_RFC3339_MAX], digits[16];
	size_t n = 0;
	clock_rfc3339(asked_ns - asked_ns % NS_PER_S, time);
	for (const char *p = time; *p && n < 14; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	digits[n] = '\0';
	(void)snprintf(out, cap, "%s-%.8s-%s.%s", ask->kind, digits, digits + 8, ending);
}

static void put(struct buf *out, const char *lang, const char *key, const char *value)
{
	char clean[4096]; /* what people typed is one line here */
	str_copy_clean(clean, sizeof(clean), str_of(value));
	buf_fmt(out, "%s: %s\r\n", api_words(lang, key), clean);
}

static void put_time(struct buf *out, const char *lang, const char *key, int64_t ns)
{
	char text[CLOCK_RFC3339_MAX];
	if (ns <= 0 || ns == INT64_MAX) {
		put(out, lang, key, api_words(lang, "export.open"));
		return;
	}
	clock_rfc3339(ns, text);
	put(out, lang, key, text);
}

static void put_number(struct buf *out, const char *lang, const char *key, uint64_t v)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	put(out, lang, key, text);
}

struct gap_lines {
	struct buf *out;
	const char *lang;
	size_t n;
};

static void put_gap(void *arg, const struct gap_said *g)
{
	struct gap_lines *l = arg;
	char since[CLOCK_RFC3339_MAX], until[CLOCK_RFC3339_MAX], key[64];
	clock_rfc3339(g->since_ns, since);
	clock_rfc3339(g->until_ns, until);
	(void)snprintf(key, sizeof(key), "gap.%s", g->reason);
	buf_fmt(l->out, "  %s - %s  %s", since, until, api_words(l->lang, key));
	if (g->name[0])
		buf_fmt(l->out, "  %s", g->name);
	if (g->lost)
		buf_fmt(l->out, "  %llu", (unsigned long long)g->lost);
	buf_cstr(l->out, "\r\n");
	l->n++;
}

/* What is missing within the span; that it could not be read is said too. */
static void put_gaps(const struct job_work *w, const struct export_ask *ask, struct buf *out)
{
	struct gap_lines l = { out, w->lang, 0 };
	buf_fmt(out, "%s:\r\n", api_words(w->lang, "export.gaps"));
	bool read = gaps_each(w->app, ask->record, ask->q.since_ns, ask->q.until_ns,
			      clock_mono_ns() + 10 * NS_PER_S, put_gap, &l);
	if (!read)
		buf_fmt(out, "  %s\r\n", api_words(w->lang, "export.gaps_unknown"));
	else if (l.n == 0)
		buf_fmt(out, "  %s\r\n", api_words(w->lang, "export.gaps_none"));
	else if (l.n >= GAPS_SHOWN)
		buf_cstr(out, "  ...\r\n");
}

void export_page(const struct job_work *w, const struct export_ask *ask,
		 const struct export_facts *f, const char *csv_name, struct buf *out)
{
	char hex[65], key[32], text[160];
	const char *lang = w->lang;
	hash_hex(f->hash, 32, hex);
	if (ask->bom)
		buf_cstr(out, "\xef\xbb\xbf");
	(void)snprintf(key, sizeof(key), "export.title_%s", ask->kind);
	buf_fmt(out, "%s\r\n\r\n", api_words(lang, key));
	(void)snprintf(text, sizeof(text), "%s (%s)", app_appliance_name(w->app),
		       app_appliance_id(w->app));
	put(out, lang, "export.appliance", text);
	put(out, lang, "export.version", "tomsd " TOMSD_VERSION);
	put(out, lang, "export.file", csv_name);
	put_number(out, lang, "export.bytes", f->bytes);
	put(out, lang, "export.sha256", hex);
	put_number(out, lang, "export.rows", f->rows);
	put(out, lang, "export.times", api_words(lang, "export.times_utc"));
	put(out, lang, "export.query", *ask->words ? ask->words : "-");
	put_time(out, lang, "export.since", ask->q.since_ns);
	put_time(out, lang, "export.until", ask->q.until_ns);
	(void)snprintf(text, sizeof(text), "%s (%s), %s", w->who.name, role_names[w->who.role],
		       w->who.from);
	put(out, lang, "export.who", text);
	put(out, lang, "export.purpose", ask->purpose);
	put_time(out, lang, "export.asked", w->asked_ns);
	put_time(out, lang, "export.written", clock_now_ns());
	put_gaps(w, ask, out);
}
