/* The thread archive/search and how questions get to it. A question belongs to both sides until its answer is there: who
 * asked may give up at the deadline, and the thread then throws the answer away. */
#include "search.h"

#include <stdlib.h>

#include "source.h"
#include "tomsd/base/clock.h"

enum { WAITING_MAX = 8, ROWS_BYTES_MAX = 32 << 20 };
static const int64_t longest_ns = 60 * NS_PER_S, grace_ns = NS_PER_S / 2;

_Atomic uint64_t cold_searches, cold_refused, cold_failed_groups;

struct question {
	struct query q;
	size_t limit;
	int64_t deadline_mono_ns;
	_Atomic bool is_abandoned;
	bool is_done; /* lock: cold_search.m */
	struct question *next; /* lock: cold_search.m */
	/* The answer. */
	char **rows;
	size_t n, room, bytes;
	struct query_page_info info;
	struct cold_info cold;
	struct err e;
	int rc;
};

struct cold_search {
	struct app *app;
	struct store *st;
	struct cold_sources from;
	struct cold_places *places;
	struct thread thread;
	bool stop; /* for what waits on the network */
	struct mutex m;
	pthread_cond_t asked, done;
	struct question *first, **last; /* lock: m */
	size_t waiting;                 /* lock: m */
	bool closing;                   /* lock: m */
};

static void question_free(struct question *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->rows[i]);
	free(k->rows);
	free(k);
}

/* ---- The thread. ---- */

static int keep_row(void *arg, const void *row)
{
	struct question *k = arg;
	size_t n = record_bytes(k->q.record, row);
	if (k->n == k->room) {
		size_t room = k->room ? 2 * k->room : 64;
		char **rows = realloc(k->rows, room * sizeof(*rows));
		if (!rows)
			return 1; /* a shorter page */
		k->rows = rows;
		k->room = room;
	}
	k->rows[k->n] = malloc(n);
	if (!k->rows[k->n])
		return 1;
	memcpy(k->rows[k->n++], row, n);
	k->bytes += n;
	return k->bytes > ROWS_BYTES_MAX || k->is_abandoned;
}

static void answer(struct cold_search *s, struct question *k)
{
	cold_places_begin(s->places);
	k->rc = archive_query(s->st, &s->from, &k->q, k->limit, k->deadline_mono_ns, keep_row, k, &k->info, &k->cold,
			      &k->e);
	counter_add(&cold_searches, 1);
	counter_add(&cold_failed_groups, k->cold.groups_failed);
}

static struct question *next_question(struct cold_search *s)
{
	mutex_lock(&s->m);
	while (!s->first && !s->closing)
		(void)cond_wait(&s->asked, &s->m, -1);
	struct question *k = s->closing ? NULL : s->first;
	if (k) {
		s->first = k->next;
		if (!s->first)
			s->last = &s->first;
		s->waiting--;
	}
	mutex_unlock(&s->m);
	return k;
}

static void run(void *arg)
{
	struct cold_search *s = arg;
	struct question *k;
	ON_THREAD("archive");
	while ((k = next_question(s)) != NULL) {
		thread_beat();
		if (!k->is_abandoned)
			answer(s, k);
		mutex_lock(&s->m);
		k->is_done = true;
		bool is_abandoned = k->is_abandoned;
		pthread_cond_broadcast(&s->done);
		mutex_unlock(&s->m);
		if (is_abandoned)
			question_free(k);
	}
}

/* ---- Who asks. ---- */

static int enqueue(struct cold_search *s, struct question *k, struct err *e)
{
	int rc = 0;
	mutex_lock(&s->m);
	if (s->closing)
		rc = err_set(e, ERR_CLOSED, "the daemon ends");
	else if (s->waiting >= WAITING_MAX)
		rc = err_set(e, ERR_BUSY, "%d searches of the archive wait already; ask again in some seconds",
			     WAITING_MAX);
	if (!rc) {
		*s->last = k;
		s->last = &k->next;
		s->waiting++;
		pthread_cond_signal(&s->asked);
	}
	mutex_unlock(&s->m);
	if (rc == -ERR_BUSY)
		counter_add(&cold_refused, 1);
	return rc;
}

/* False: the answer did not come in time; the question is the thread's from now on. */
static bool wait_for(struct cold_search *s, struct question *k)
{
	int64_t until = k->deadline_mono_ns + grace_ns;
	mutex_lock(&s->m);
	while (!k->is_done && !s->closing) {
		int64_t left = until - clock_mono_ns();
		if (left <= 0)
			break;
		(void)cond_wait(&s->done, &s->m, (int)(left / NS_PER_MS) + 1);
	}
	bool is_done = k->is_done;
	if (!is_done)
		k->is_abandoned = true;
	mutex_unlock(&s->m);
	return is_done;
}

/* cold_ask.query, on a thread of web, control or api. */
static int ask(void *ctx, const struct query *q, size_t limit, int64_t deadline_mono_ns,
	       int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info, struct cold_info *cold,
	       struct err *e)
{
	struct cold_search *s = ctx;
	struct question *k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, ERR_NOMEM, "no memory to search the archive");
	k->q = *q;
	k->limit = limit;
	k->deadline_mono_ns = deadline_mono_ns ? deadline_mono_ns : clock_mono_ns() + longest_ns;
	int rc = enqueue(s, k, e);
	if (rc) {
		question_free(k);
		return rc;
	}
	if (!wait_for(s, k)) { /* nothing was searched: the same cursor again */
		*info = (struct query_page_info){ .more = true };
		(void)str_copy(info->next, sizeof(info->next), str_of(q->cursor)); /* as long */
		*cold = (struct cold_info){ .oldest_ns = INT64_MAX };
		return 0;
	}
	*info = k->info;
	*cold = k->cold;
	rc = k->rc;
	if (rc)
		*e = k->e;
	for (size_t i = 0; !rc && i < k->n && row(arg, k->rows[i]) == 0; i++)
		;
	question_free(k);
	return rc;
}

static int list(void *ctx, const struct query *q, size_t limit, int64_t deadline_mono_ns,
		int (*row)(void *arg, const void *row), void *arg, struct query_page_info *info,
		struct cold_info *cold, struct err *e)
{
	struct cold_search *s = ctx;
	const struct cold_ask how = { ask, s };
	return archive_list(s->st, &how, q, limit, deadline_mono_ns, row, arg, info, cold, e);
}

/* ---- Life. ---- */

static const struct conf *conf_of(void *arg)
{
	return app_conf(arg);
}

int cold_search_new(struct cold_search **out, struct app *a, const char *folder, const struct house_key *key,
		    struct err *e)
{
	struct cold_search *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NOMEM, "no memory to search the archive");
	mutex_init(&s->m);
	cond_init(&s->asked);
	cond_init(&s->done);
	s->app = a;
	s->st = app_store(a);
	s->last = &s->first;
	int rc = cold_places_new(&s->places, conf_of, a, s->st, key, &s->stop, e);
	s->from = (struct cold_sources){ .folder = folder, .place = cold_places_get, .arg = s->places };
	if (!rc)
		rc = source_cache_new(&s->from.cache, e);
	if (rc) {
		cold_search_free(s);
		return rc;
	}
	const struct api_cold how = { list, s };
	api_set_cold(a, &how);
	*out = s;
	return 0;
}

int cold_search_start(struct cold_search *s, struct err *e)
{
	return thread_start(&s->thread, "archive/search", run, s, e);
}

void cold_search_stop(struct cold_search *s)
{
	if (!s)
		return;
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	mutex_lock(&s->m);
	s->closing = true;
	pthread_cond_broadcast(&s->asked);
	pthread_cond_broadcast(&s->done);
	mutex_unlock(&s->m);
	thread_join(&s->thread);
}

void cold_search_free(struct cold_search *s)
{
	if (!s)
		return;
	while (s->first) {
		struct question *k = s->first;
		s->first = k->next;
		question_free(k);
	}
	source_cache_free(s->from.cache);
	cold_places_free(s->places);
	pthread_cond_destroy(&s->asked);
	pthread_cond_destroy(&s->done);
	mutex_fini(&s->m);
	free(s);
}
