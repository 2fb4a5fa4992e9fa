/* See conn.h: who may have a connection. */
#include "conn.h"
#include "tomsd/base/hash.h"

#define DOORS_ADDRESSES 65536

int doors_init(struct doors *d, size_t max, size_t per_address)
{
	*d = (struct doors){ .max = max, .per_address = per_address };
	mutex_init(&d->m);
	return map_init(&d->by_address, DOORS_ADDRESSES);
}

void doors_fini(struct doors *d)
{
	map_fini(&d->by_address);
	mutex_fini(&d->m);
}

/* IPv6 senders count by their /64, of which one machine has all addresses. */
static uint64_t key_of(const struct doors *d, const struct addr *a)
{
	return hash_bytes(a->b, addr_is_v4(a) ? 16 : 8, d->by_address.seed);
}

bool doors_enter(struct doors *d, const struct addr *a, bool is_known, bool is_tls)
{
	bool made, entered = false;
	mutex_lock(&d->m);
	size_t max = is_known ? d->max : d->max - d->max / 8, tls = d->max / 8 + 1;
	if (!is_known)
		tls -= tls / 8;
	uint64_t *mine = d->n < max && (!is_tls || d->n_tls < tls) ?
				 map_put(&d->by_address, key_of(d, a), &made) :
				 NULL;
	if (mine && *mine < d->per_address) {
		++*mine;
		d->n++;
		d->n_tls += is_tls;
		entered = true;
	}
	mutex_unlock(&d->m);
	return entered;
}

void doors_leave(struct doors *d, const struct addr *a, bool is_tls)
{
	mutex_lock(&d->m);
	uint64_t *mine = map_get(&d->by_address, key_of(d, a));
	if (mine && --*mine == 0)
		(void)map_del(&d->by_address, key_of(d, a));
	d->n--;
	d->n_tls -= is_tls;
	mutex_unlock(&d->m);
}
