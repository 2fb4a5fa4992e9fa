/* Query parameters: what stands behind '?' against the route's table. All that is wrong is said at
 * once; a parameter nobody knows is wrong too, for a misspelt filter would answer another question. */
#include "params.h"

#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"

/* Says that the parameter is to blame; words have the key "parameter.<code>". */
static void blame(struct request *rq, struct reply *rp, const char *name, const char *code,
		  const char *one, const char *two)
{
	char key[64], words[320];
	(void)snprintf(key, sizeof(key), "parameter.%s", code); /* our own short codes */
	reply_field(rp, "parameter", name, code,
		    api_text(words, sizeof(words), rq->lang, key, one, two));
}

static const struct param *find(const struct param *table, struct str name)
{
	for (const struct param *p = table; p && p->name; p++)
		if (str_eq(str_of(p->name), name))
			return p;
	return NULL;
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool take_text(struct request *rq, struct reply *rp, const struct param *p,
		      struct str text)
{
	char most[24];
	int64_t max = p->max > 0 ? p->max : PARAMS_TEXT_MAX;
	(void)snprintf(most, sizeof(most), "%lld", (long long)max);
	if (text.n > (size_t)max)
		blame(rq, rp, p->name, "too_long", most, NULL);
	else if (has_control(text))
		blame(rq, rp, p->name, "characters", NULL, NULL);
	else
		return true;
	return false;
}

static bool take_int(struct request *rq, struct reply *rp, const struct param *p,
		     struct str text, int64_t *out)
{
	char min[24], max[24];
	int bad = num_i64(text, p->min, p->max, out);
	if (bad == 0)
		return true;
	(void)snprintf(min, sizeof(min), "%lld", (long long)p->min);
	(void)snprintf(max, sizeof(max), "%lld", (long long)p->max);
	blame(rq, rp, p->name, bad == -ERR_RANGE ? "range" : "number", min, max);
	return false;
}

static bool take_enum(struct request *rq, struct reply *rp, const struct param *p,
		      struct str text, int64_t *out)
{
	char list[256];
	size_t n = 0;
	list[0] = '\0';
	for (int64_t i = 0; p->values[i]; i++) {
		if (str_eq(str_of(p->values[i]), text)) {
			*out = i;
			return true;
		}
		int put = snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
				   p->values[i]);
		if (put > 0 && (size_t)put < sizeof(list) - n)
			n += (size_t)put;
	}
	blame(rq, rp, p->name, "one_of", list, NULL);
	return false;
}

static bool take(struct request *rq, struct reply *rp, const struct param *p, struct str text,
		 int64_t now_ns, int64_t *number)
{
	switch (p->type) {
	case PARAM_TEXT:
		return take_text(rq, rp, p, text);
	case PARAM_INT:
		return take_int(rq, rp, p, text, number);
	case PARAM_ENUM:
		return take_enum(rq, rp, p, text, number);
	case PARAM_TIME:
		if (clock_parse_when(text, now_ns, number) == 0)
			return true;
		blame(rq, rp, p->name, "time", NULL, NULL);
		return false;
	}
	return false;
}

/* One name=value. Text is noted as offset in the arena (which may still move) and becomes a view later. */
static bool take_pair(struct request *rq, struct reply *rp, struct str pair, int64_t now_ns,
		      size_t *offset)
{
	struct str name;
	size_t at = rq->arena.n;
	if (!str_split(&pair, '=', &name))
		return true;
	if (str_eq(name, STR("lang"))) /* every route has it, see api_pick_lang */
		return true;
	const struct param *p = find(rq->route->params, name);
	if (!p) {
		char shown[64];
		str_copy_clean(shown, sizeof(shown), name);
		blame(rq, rp, shown, "unknown", NULL, NULL);
		return false;
	}
	if (req_param(rq, p->name)) {
		blame(rq, rp, p->name, "repeated", NULL, NULL);
		return false;
	}
	if (pair.n == 0) /* "host=" asks for nothing */
		return true;
	if (api_unescape(pair, true, &rq->arena) != 0) {
		blame(rq, rp, p->name, "characters", NULL, NULL);
		return false;
	}
	struct param_value v = { .name = p->name,
				 .text = str_sub(buf_view(&rq->arena), at, rq->arena.n) };
	if (!take(rq, rp, p, v.text, now_ns, &v.number))
		return false;
	if (rq->n_params == ARRAY_LEN(rq->params)) {
		blame(rq, rp, p->name, "too_many", NULL, NULL);
		return false;
	}
	*offset = at;
	rq->params[rq->n_params++] = v;
	return true;
}

size_t params_parse(struct request *rq, struct reply *rp, int64_t now_ns)
{
	size_t faults = 0, offsets[ARRAY_LEN(rq->params)] = { 0 };
	struct str left = rq->query, pair;
	while (str_split(&left, '&', &pair)) {
		size_t at = 0, before = rq->n_params;
		if (pair.n > 0 && !take_pair(rq, rp, pair, now_ns, &at))
			faults++;
		if (rq->n_params > before)
			offsets[before] = at;
		if (faults >= 16) /* enough for anybody */
			break;
	}
	for (size_t i = 0; i < rq->n_params; i++)
		rq->params[i].text.p = rq->arena.p + offsets[i];
	return faults;
}

const struct param_value *req_param(const struct request *rq, const char *name)
{
	for (size_t i = 0; i < rq->n_params; i++)
		if (strcmp(rq->params[i].name, name) == 0)
			return &rq->params[i];
	return NULL;
}

int64_t req_int(const struct request *rq, const char *name, int64_t def)
{
	const struct param_value *v = req_param(rq, name);
	return v ? v->number : def;
}

void req_range(const struct request *rq, int64_t def_ns, int64_t *since_ns, int64_t *until_ns)
{
	int64_t until = req_int(rq, "until", clock_now_ns());
	int64_t since = req_int(rq, "since", until - def_ns);
	*until_ns = until;
	*since_ns = since < until ? since : until; /* an empty range, not a negative one */
}
