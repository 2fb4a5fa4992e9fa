/* See budget.h. IPv6 senders count by their /64, of which one machine has all addresses. */
#include "budget.h"

#include "tomsd/base/hash.h"

int budget_init(struct budget *b, uint64_t limit_bytes)
{
	*b = (struct budget){ .limit_bytes = limit_bytes };
	return map_init(&b->by_address, BUDGET_ADDRESSES);
}

void budget_fini(struct budget *b)
{
	map_fini(&b->by_address);
}

static void day_begins(struct budget *b, int32_t day)
{
	b->day = day;
	b->used_bytes = b->others_bytes = 0;
	b->kept_lines = b->dropped_lines = b->dropped_bytes = 0;
	map_clear(&b->by_address);
}

bool budget_take(struct budget *b, const struct addr *sender, uint64_t bytes, int32_t day)
{
	bool made;
	if (day != b->day)
		day_begins(b, day);
	uint64_t key = hash_bytes(sender->b, addr_is_v4(sender) ? 16 : 8, b->by_address.seed);
	uint64_t *place = map_put(&b->by_address, key, &made);
	uint64_t *mine = place ? place : &b->others_bytes;
	uint64_t of_others = b->used_bytes > *mine ? b->used_bytes - *mine : 0;
	uint64_t left = b->limit_bytes > of_others ? b->limit_bytes - of_others : 0;
	if (*mine + bytes > left / 2) {
		b->dropped_lines++;
		b->dropped_bytes += bytes;
		return false;
	}
	*mine += bytes;
	b->used_bytes += bytes;
	b->kept_lines++;
	return true;
}
