/* Finding a key: open addressing over length and four of its characters, filled once before main, constant
 * from then on. And the names that other formats have for FortiOS's keys. Any thread. */
#include "inside.h"

#define SLOTS 1024u /* far more than keys: most look-ups end at the first slot */

static struct slot {
	uint16_t key; /* index into keys + 1; 0: empty */
	uint8_t n, first;
} slots[SLOTS];

static inline uint32_t slot_of(const char *p, size_t n)
{
	uint32_t h = (uint32_t)n;

	h = h * 31 + (uint8_t)p[0];
	h = h * 31 + (uint8_t)p[n / 2];
	h = h * 31 + (uint8_t)p[n - 1];
	h = h * 31 + (uint8_t)p[n / 4];
	return (h * 2654435761u) >> 22;
}

__attribute__((constructor)) static void fill_slots(void)
{
	_Static_assert(SLOTS == 1u << (32 - 22), "slot_of gives as many slots as there are");
	assert(n_keys <= KEYS_MAX);
	for (size_t i = 0; i < n_keys; i++) {
		size_t n = strlen(keys[i].name);
		uint32_t at = slot_of(keys[i].name, n);

		while (slots[at].key)
			at = (at + 1) % SLOTS;
		slots[at] = (struct slot){ (uint16_t)(i + 1), (uint8_t)n,
					   (uint8_t)keys[i].name[0] };
	}
}

const struct key *key_find(struct str name)
{
	if (!name.n)
		return NULL;
	for (uint32_t at = slot_of(name.p, name.n); slots[at].key; at = (at + 1) % SLOTS) {
		const struct slot *s = &slots[at];

		if (s->n == name.n && s->first == (uint8_t)name.p[0] &&
		    memcmp(keys[s->key - 1].name, name.p, name.n) == 0)
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
