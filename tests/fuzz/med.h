/* What the targets of the dissectors share. Input: pieces, each behind a byte that says whose
 * it is (bit 7) and how long (bits 0-6; 127: all that is left). Whatever comes, the facts are
 * one complete JSON object. */
#ifndef FUZZ_MED_H
#define FUZZ_MED_H

#include <stdlib.h>
#include <string.h>

#include "../../src/flow/dissect.h"
#include "tomsd/base/json.h"

UNUSED static void fuzz_facts(const struct dissect *d)
{
	char facts[DISSECT_FACTS_MAX];
	struct json_doc doc;
	size_t n = dissect_facts(d, facts, sizeof(facts));
	if (!n)
		return;
	if (strlen(facts) != n || json_parse(str_n(facts, n), 512, &doc, NULL) < 0)
		abort();
	if (doc.nodes[0].type != JSON_OBJECT)
		abort();
	json_doc_fini(&doc);
}

UNUSED static void fuzz_pieces(const uint8_t *data, size_t n, const char *proto, bool udp)
{
	struct dissect d;
	dissect_init(&d);
	while (n) {
		unsigned side = data[0] >> 7;
		size_t piece = data[0] & 0x7f;
		data++;
		n--;
		if (piece == 127 || piece > n)
			piece = n;
		if (!piece) {
			(void)dissect_gap(&d, side);
			continue;
		}
		uint8_t *copy = malloc(piece);
		if (!copy)
			abort();
		memcpy(copy, data, piece);
		(void)(udp ? dissect_udp(&d, side, copy, piece) :
			     dissect_tcp(&d, side, copy, piece));
		free(copy);
		data += piece;
		n -= piece;
	}
	if (dissect_proto(&d)[0] && strcmp(dissect_proto(&d), proto) != 0)
		return; /* another's first byte */
	fuzz_facts(&d);
}

#endif
