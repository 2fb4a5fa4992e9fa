/* How a place is, in one word and in a sentence. Any thread; views are copies. */
#include <stdio.h>

#include "tomsd/base/clock.h"
#include "worker.h"

#define GLITCH_FAILS 3
#define SKEW_TOLD_NS (60 * NS_PER_S)

const char *const place_state_names[] = { "ok", "waiting", "failed", "unproven", "off", NULL };

static bool has_failed(const struct view *v)
{
	return v->problem[0] && (v->fails >= GLITCH_FAILS || problem_is_grave(v->problem));
}

static bool is_skewed(const struct view *v)
{
	return v->skew_ns > SKEW_TOLD_NS || v->skew_ns < -SKEW_TOLD_NS;
}

enum place_state view_state(const struct view *v)
{
	if (!v->is_enabled)
		return PLACE_OFF;
	if (v->findings > 0 || v->test_result == TEST_NOT_WRITE_ONCE ||
	    strcmp(v->problem, "unlocked") == 0 || strcmp(v->problem, "no_versions") == 0)
		return PLACE_UNPROVEN;
	if (has_failed(v) || v->test_result == TEST_NOT_TRIED)
		return PLACE_FAILED;
	bool waits = v->waiting > 0 || v->fills || v->problem[0] || v->test_result == TEST_NONE;
	return waits ? PLACE_WAITING : PLACE_OK;
}

bool view_is_ill(const struct view *v)
{
	enum place_state state = view_state(v);
	return state == PLACE_FAILED || state == PLACE_UNPROVEN ||
	       (v->is_enabled && is_skewed(v));
}

/* The sentence for what is worst: a finding, a test that did not pass, a problem, what is lacking. */
static const char *key_of(const struct view *v, char out[40])
{
	if (!v->is_enabled)
		return "place.off";
	if (v->findings > 0)
		return "place.finding";
	if (v->test_result == TEST_NOT_WRITE_ONCE)
		return "place.not_write_once";
	if (v->problem[0] && (has_failed(v) || view_state(v) == PLACE_UNPROVEN)) {
		(void)snprintf(out, 40, "place.%s", v->problem);
		return out;
	}
	if (v->test_result == TEST_NOT_TRIED)
		return "place.test_failed";
	if (is_skewed(v))
		return "place.clock";
	return v->failed > 0 ? "place.lacking" : NULL;
}

void view_words(const struct view *v, const char *lang, char *out, size_t cap)
{
	char key[40], count[48];
	const char *k = key_of(v, key), *two = v->detail;
	out[0] = '\0';
	if (!k)
		return;
	if (v->findings > 0)
		two = v->alarm;
	else if (strcmp(k, "place.clock") == 0 && !v->problem[0]) {
		(void)snprintf(count, sizeof(count), "%+lld s",
			       (long long)(v->skew_ns / NS_PER_S));
		two = count;
	} else if (strcmp(k, "place.lacking") == 0) {
		(void)snprintf(count, sizeof(count), "%llu", (unsigned long long)v->failed);
		two = count;
	}
	(void)api_text(out, cap, lang, k, v->name, two);
}
