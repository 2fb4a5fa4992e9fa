/* Finding a key: open addressing over its first and last eight bytes, which for keys of up to 16 are all of it.
 * Filled once before main, constant from then on. And the names that other formats have for FortiOS's keys. Any
 * thread. */
#include "inside.h"

#define SLOT_BITS \
	9 /* about three times as many slots as keys: most look-ups end at the first */
#define SLOTS (1u << SLOT_BITS)

static struct slot {
	uint64_t head, tail;
	uint16_t key; /* index into keys + 1; 0: empty */
	uint8_t n;
} slots[SLOTS];

/* Two numbers that together with the length are the name, or its ends. */
static inline void ends_of(const char *p, size_t n, uint64_t *head, uint64_t *tail)
{
	uint32_t head4, tail4;

	if (n >= 8) {
		memcpy(head, p, 8);
		memcpy(tail, p + n - 8, 8);
	} else if (n >= 4) {
		memcpy(&head4, p, 4);
		memcpy(&tail4, p + n - 4, 4);
		*head = head4;
		*tail = tail4;
	} else {
		*head = (uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8;
		*tail = (uint8_t)p[n - 1];
	}
}

static inline uint32_t slot_of(uint64_t head, uint64_t tail, size_t n)
{
	uint64_t h = (head ^ (tail << 23 | tail >> 41) ^ n) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)((h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> (64 - SLOT_BITS));
}

__attribute__((constructor)) static void fill_slots(void)
{
	assert(n_keys <= KEYS_MAX && n_keys < SLOTS / 2);
	for (size_t i = 0; i < n_keys; i++) {
		struct slot s = { .key = (uint16_t)(i + 1),
				  .n = (uint8_t)strlen(keys[i].name) };
		uint32_t at;

		ends_of(keys[i].name, s.n, &s.head, &s.tail);
		at = slot_of(s.head, s.tail, s.n);
		while (slots[at].key)
			at = (at + 1) % SLOTS;
		slots[at] = s;
	}
}

const struct key *key_find(struct str name)
{
	uint64_t head, tail;

	if (!name.n)
		return NULL;
	ends_of(name.p, name.n, &head, &tail);
	for (uint32_t at = slot_of(head, tail, name.n); slots[at].key; at = (at + 1) % SLOTS) {
		const struct slot *s = &slots[at];

		if (s->head == head && s->tail == tail && s->n == name.n &&
		    (name.n <= 16 || memcmp(keys[s->key - 1].name, name.p, name.n) == 0))
			return &keys[s->key - 1];
	}
	return NULL;
}

const char *line_key(size_t i, const char **ecs)
{
	if (i >= n_keys)
		return NULL;
	*ecs = keys[i].ecs;
	return keys[i].name;
}

/* CEF's own names. FortiOS says suser or duser for the user of the source, by version and type. */
static const struct {
	struct str cef, key;
} cef_names[] = {
	{ STR("act"), STR("action") },
	{ STR("app"), STR("service") },
	{ STR("c6a2"), STR("srcip") },
	{ STR("c6a3"), STR("dstip") },
	{ STR("cat"), STR("cef:cat") },
	{ STR("deviceDirection"), STR("direction") },
	{ STR("deviceExternalId"), STR("devid") },
	{ STR("deviceInboundInterface"), STR("srcintf") },
	{ STR("deviceOutboundInterface"), STR("dstintf") },
	{ STR("deviceSeverity"), STR("level") },
	{ STR("destinationTranslatedAddress"), STR("tranip") },
	{ STR("destinationTranslatedPort"), STR("tranport") },
	{ STR("dhost"), STR("hostname") },
	{ STR("dmac"), STR("dstmac") },
	{ STR("dpt"), STR("dstport") },
	{ STR("dst"), STR("dstip") },
	{ STR("duser"), STR("user") },
	{ STR("dvchost"), STR("devname") },
	{ STR("externalId"), STR("sessionid") },
	{ STR("fileHash"), STR("filehash") },
	{ STR("fileType"), STR("filetype") },
	{ STR("fname"), STR("filename") },
	{ STR("fsize"), STR("filesize") },
	{ STR("in"), STR("rcvdbyte") },
	{ STR("out"), STR("sentbyte") },
	{ STR("outcome"), STR("status") },
	{ STR("request"), STR("url") },
	{ STR("requestClientApplication"), STR("agent") },
	{ STR("requestContext"), STR("catdesc") },
	{ STR("requestMethod"), STR("httpmethod") },
	{ STR("shost"), STR("srcname") },
	{ STR("smac"), STR("srcmac") },
	{ STR("sourceTranslatedAddress"), STR("transip") },
	{ STR("sourceTranslatedPort"), STR("transport") },
	{ STR("spt"), STR("srcport") },
	{ STR("sproc"), STR("ui") },
	{ STR("src"), STR("srcip") },
	{ STR("suser"), STR("user") },
	/* FortiOS 5.6 numbers what it has no name for; the label says what it is */
	{ STR("Duration"), STR("duration") },
	{ STR("Packets Received"), STR("rcvdpkt") },
	{ STR("Packets Sent"), STR("sentpkt") },
	{ STR("Policy Id"), STR("policyid") },
};

static bool cef_name(struct str *name)
{
	for (size_t i = 0; i < ARRAY_LEN(cef_names); i++) {
		if (str_eq(*name, cef_names[i].cef)) {
			*name = cef_names[i].key;
			return true;
		}
	}
	return false;
}

static const struct key *cef_key(const struct reader *r, struct str *bare)
{
	static const struct str prefixes[] = { STR("FTNTFGT"), STR("FortinetFortiGate") };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (bare->n > prefixes[i].n && str_starts(*bare, prefixes[i])) {
			*bare = str_sub(*bare, prefixes[i].n, bare->n);
			return key_find(*bare);
		}
	}
	if (r->label.n) {
		struct str named = r->label;

		if (cef_name(&named)) {
			*bare = named;
			return key_find(named);
		}
	}
	(void)cef_name(bare);
	return key_find(*bare);
}

const struct key *key_of(const struct reader *r, const struct line_field *f, struct str *bare)
{
	const struct key *k;

	*bare = f->key;
	if (r->format == LOG_FORMAT_CEF)
		return cef_key(r, bare);
	k = key_find(*bare);
	return k && k->mark == MARK_CAT ? NULL : k; /* JSON can spell "cef:cat" */
}
