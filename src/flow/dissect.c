/* The table of dissectors and the few lines that choose one by the first byte. A flow has at
 * most one: no two rows share a first byte, so no byte is read twice. Thread: flow/N. */
#include "dissect.h"

#include <string.h>

#include "facts.h"
#include "med.h"

const struct dissector dissectors[] = {
	{ "dicom", "\x01\x02\x04", false, med_dicom_feed, med_dicom_gap, med_dicom_fields },
	{ "hl7", "\x0bM", false, med_hl7_feed, med_hl7_gap, med_hl7_fields },
	{ "bacnet", "\x81", true, med_bacnet_feed, NULL, med_bacnet_fields },
};
const size_t n_dissectors = ARRAY_LEN(dissectors);

static_assert(sizeof(struct dissect) <= 1024, "one for every undecided flow: keep it small");

void dissect_init(struct dissect *d)
{
	memset(d, 0, sizeof(*d));
}

static bool is_final(const struct dissect *d)
{
	return d->answer == DISSECT_NOT_MEDICAL || d->answer == DISSECT_FINISHED;
}

static const struct dissector *chosen(const struct dissect *d)
{
	return d->dissector ? &dissectors[d->dissector - 1] : NULL;
}

static const struct dissector *choose(struct dissect *d, bool udp, uint8_t first)
{
	for (uint8_t i = 0; i < ARRAY_LEN(dissectors); i++)
		if (dissectors[i].udp == udp && first && strchr(dissectors[i].first, first)) {
			d->dissector = (uint8_t)(i + 1);
			return &dissectors[i];
		}
	return NULL;
}

static enum dissect_answer feed(struct dissect *d, bool udp, unsigned side, const uint8_t *p,
				size_t n)
{
	if (is_final(d) || !n)
		return d->answer;
	const struct dissector *one = chosen(d);
	if (!one)
		one = choose(d, udp, p[0]);
	d->answer = one ? (uint8_t)one->feed(d, side & 1, p, n) : DISSECT_NOT_MEDICAL;
	return d->answer;
}

enum dissect_answer dissect_tcp(struct dissect *d, unsigned side, const uint8_t *p, size_t n)
{
	return feed(d, false, side, p, n);
}

enum dissect_answer dissect_udp(struct dissect *d, unsigned side, const uint8_t *p, size_t n)
{
	return feed(d, true, side, p, n);
}

enum dissect_answer dissect_gap(struct dissect *d, unsigned side)
{
	const struct dissector *one = chosen(d);
	if (is_final(d) || !one || !one->gap)
		return d->answer;
	/* What was undecided stays so for good: the bytes that would tell are gone. */
	d->answer = d->answer == DISSECT_LOOKING ? DISSECT_NOT_MEDICAL :
						   (uint8_t)one->gap(d, side & 1);
	return d->answer;
}

const char *dissect_proto(const struct dissect *d)
{
	bool known = d->answer == DISSECT_RECOGNISED || d->answer == DISSECT_FINISHED;
	return known && d->dissector ? dissectors[d->dissector - 1].name : "";
}

size_t dissect_facts(const struct dissect *d, char *out, size_t cap)
{
	const struct dissector *one = dissect_proto(d)[0] ? chosen(d) : NULL;
	if (one)
		return facts_json(&d->facts, one->fields, out, cap);
	if (cap)
		out[0] = '\0';
	return 0;
}
