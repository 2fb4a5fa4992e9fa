/* What --replay prints at its end: one JSON object on stdout, members that the contract names first,
 * then what rooms had to add. Main thread, but for adding. */
#include <stdio.h>

#include "house.h"
#include "tomsd/base/json.h"
#include "tomsd/base/log.h"

static const char *const first[] = {
	"files", "packets", "bytes", "flows", "dropped", "seconds"
};

static void add(struct app *a, const char *name, struct result r)
{
	mutex_lock(&a->m);
	struct result *at = NULL;
	for (size_t i = 0; i < a->n_results; i++)
		if (!strcmp(a->results[i].name, name))
			at = &a->results[i];
	if (!at && a->n_results < RESULTS_MAX)
		at = &a->results[a->n_results++];
	if (at) {
		*at = r;
		(void)str_copy(at->name, sizeof(at->name), str_of(name));
	}
	mutex_unlock(&a->m);
	assert(at); /* more kinds of results than RESULTS_MAX: our own mistake */
}

void app_result_u64(struct app *a, const char *name, uint64_t v)
{
	add(a, name, (struct result){ .u = v });
}

void app_result_f64(struct app *a, const char *name, double v)
{
	add(a, name, (struct result){ .is_float = true, .f = v });
}

static const struct result *find(const struct app *a, const char *name) REQUIRES(&a->m)
{
	for (size_t i = 0; i < a->n_results; i++)
		if (!strcmp(a->results[i].name, name))
			return &a->results[i];
	return NULL;
}

static bool is_first(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		if (!strcmp(first[i], name))
			return true;
	return false;
}

static void write_one(struct json *j, const char *name, const struct result *r)
{
	json_key(j, name);
	if (r && r->is_float)
		json_f64(j, r->f);
	else
		json_u64(j, r ? r->u : 0);
}

void result_print(struct app *a, int64_t took_ns)
{
	struct buf b;
	struct json j;
	app_result_f64(a, "seconds", (double)took_ns / (double)NS_PER_S);
	buf_init(&b, 65536);
	json_init(&j, &b);
	json_obj(&j);
	mutex_lock(&a->m);
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		write_one(&j, first[i], find(a, first[i]));
	for (size_t i = 0; i < a->n_results; i++)
		if (!is_first(a->results[i].name))
			write_one(&j, a->results[i].name, &a->results[i]);
	mutex_unlock(&a->m);
	json_end_obj(&j);
	if (printf("%.*s\n", (int)b.n, b.p) < 0 || fflush(stdout))
		app_fail(a, "the result could not be written to standard output");
	buf_fini(&b);
}
