/* Token buckets and growing delays, each in a fixed set-associative table keyed by a seeded hash. */
#include "limits.h"

#include <stdlib.h>

#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

#define SETS 256
#define WAYS 4
#define FREE_FAILURES 3
#define DELAY_MAX_S 60
#define FORGET_NS (24 * 3600 * NS_PER_S)

struct slot {
	uint64_t key; /* 0: free */
	int64_t at_ns;
	double tokens;     /* buckets */
	uint32_t failures; /* delays */
};
struct table {
	struct slot slots[SETS][WAYS];
};
struct limits {
	struct mutex m;
	uint64_t seed;
	struct table buckets[LIMIT_KINDS], delays; /* lock: m */
};

static const struct {
	double per_s, burst;
} rates[LIMIT_KINDS] = {
	[LIMIT_REQUESTS] = { 20.0, 60.0 },
	[LIMIT_SIGN_IN] = { 5.0 / 60.0, 5.0 },
	[LIMIT_SIGN_IN_NET] = { 30.0 / 60.0, 30.0 },
};

struct limits *limits_new(void)
{
	struct limits *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	mutex_init(&l->m);
	file_random(&l->seed, sizeof(l->seed));
	return l;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	mutex_fini(&l->m);
	free(l);
}

/* The entry of this key, made in place of the longest unused one of its set when there is none. */
static struct slot *slot_of(struct table *t, uint64_t key)
{
	struct slot *set = t->slots[key % SETS], *oldest = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].key == 0 || (oldest->key != 0 && set[i].at_ns < oldest->at_ns))
			oldest = &set[i];
	}
	*oldest = (struct slot){ .key = key };
	return oldest;
}

static uint64_t key_of(const struct limits *l, struct str who, uint64_t salt)
{
	uint64_t key = hash_bytes(who.p, who.n, l->seed + salt);
	return key ? key : 1;
}

int limits_take(struct limits *l, enum limit_kind kind, struct str who, int64_t now)
{
	int wait_s = 0;
	mutex_lock(&l->m);
	struct slot *s = slot_of(&l->buckets[kind], key_of(l, who, 0));
	double per_s = rates[kind].per_s, burst = rates[kind].burst;
	s->tokens = s->at_ns == 0 ? burst : s->tokens + per_s * (double)(now - s->at_ns) / 1e9;
	if (s->tokens > burst)
		s->tokens = burst;
	s->at_ns = now;
	if (s->tokens >= 1.0)
		s->tokens -= 1.0;
	else
		wait_s = 1 + (int)((1.0 - s->tokens) / per_s);
	mutex_unlock(&l->m);
	return wait_s;
}

void limits_give_back(struct limits *l, enum limit_kind kind, struct str who)
{
	mutex_lock(&l->m);
	slot_of(&l->buckets[kind], key_of(l, who, 0))->tokens +=
		1.0; /* taken just before: stays within the burst */
	mutex_unlock(&l->m);
}

static int64_t delay_ns(uint32_t failures)
{
	if (failures < FREE_FAILURES)
		return 0;
	uint32_t doublings = failures - FREE_FAILURES;
	return (doublings < 6 ? INT64_C(1) << doublings : DELAY_MAX_S) * NS_PER_S;
}

/* Names are not told apart by case. */
static uint64_t account_key(const struct limits *l, struct str account, bool known)
{
	char folded[128];
	size_t n = account.n < sizeof(folded) ? account.n : sizeof(folded);
	for (size_t i = 0; i < n; i++)
		folded[i] = (char)(account.p[i] >= 'A' && account.p[i] <= 'Z' ?
					   account.p[i] | 0x20 :
					   account.p[i]);
	return key_of(l, str_n(folded, n), known ? 2 : 1);
}

int limits_wait_s(struct limits *l, struct str account, bool known, int64_t now)
{
	mutex_lock(&l->m);
	struct slot *s = slot_of(&l->delays, account_key(l, account, known));
	if (now - s->at_ns > FORGET_NS)
		s->failures = 0;
	int64_t left = s->at_ns + delay_ns(s->failures) - now;
	mutex_unlock(&l->m);
	return left > 0 ? (int)(left / NS_PER_S) + 1 : 0;
}

void limits_failed(struct limits *l, struct str account, bool known, int64_t now)
{
	mutex_lock(&l->m);
	struct slot *s = slot_of(&l->delays, account_key(l, account, known));
	s->failures++;
	s->at_ns = now;
	mutex_unlock(&l->m);
}

void limits_succeeded(struct limits *l, struct str account)
{
	mutex_lock(&l->m);
	slot_of(&l->delays, account_key(l, account, false))->failures = 0;
	slot_of(&l->delays, account_key(l, account, true))->failures = 0;
	mutex_unlock(&l->m);
}
