/* What the tests of the dissectors share: a conversation fed in pieces of any size, and its
 * facts. */
#ifndef TEST_MED_H
#define TEST_MED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/flow/dissect.h"
#include "gen_dicom.h"
#include "gen_hl7.h"

/* What both sides say, in turns. */
struct talk {
	struct gen bytes;
	struct turn {
		unsigned side;
		size_t from, to;
	} turns[64];
	size_t n;
};

/* Opens a turn; bytes go to &t->bytes until the next one. */
UNUSED static struct gen *talk_turn(struct talk *t, unsigned side)
{
	if (t->n)
		t->turns[t->n - 1].to = t->bytes.n;
	assert_true(t->n < ARRAY_LEN(t->turns));
	t->turns[t->n++] = (struct turn){ side, t->bytes.n, t->bytes.n };
	return &t->bytes;
}

UNUSED static void talk_end(struct talk *t)
{
	t->turns[t->n - 1].to = t->bytes.n;
}

/* Feeds all turns in pieces of at most `piece` bytes. Pieces are copies of exact size, so that
 * a sanitizer sees a byte read too many. */
UNUSED static enum dissect_answer talk_feed(const struct talk *t, struct dissect *d,
					    size_t piece)
{
	enum dissect_answer a = DISSECT_LOOKING;
	dissect_init(d);
	for (size_t i = 0; i < t->n; i++)
		for (size_t at = t->turns[i].from; at < t->turns[i].to; at += piece) {
			size_t n = t->turns[i].to - at < piece ? t->turns[i].to - at : piece;
			uint8_t *copy = malloc(n);
			assert_non_null(copy);
			memcpy(copy, t->bytes.p + at, n);
			a = dissect_tcp(d, t->turns[i].side, copy, n);
			free(copy);
		}
	return a;
}

UNUSED static void talk_free(struct talk *t)
{
	gen_free(&t->bytes);
	*t = (struct talk){ 0 };
}

UNUSED static void assert_has(const char *facts, const char *member)
{
	if (!strstr(facts, member))
		fail_msg("no %s in %s", member, facts);
}

UNUSED static void assert_has_not(const char *facts, const char *word)
{
	if (strstr(facts, word))
		fail_msg("%s in %s", word, facts);
}

/* Neither the facts nor a byte of the state may hold a trace of the patient once the talk is
 * over. */
UNUSED static void assert_no_patient(const struct dissect *d, const struct gen_patient *who)
{
	const char *traces[] = { who->name->family,
				 who->name->given,
				 who->name->family_kanji,
				 who->name->given_kanji,
				 who->name->family_kana,
				 who->name->given_kana,
				 who->id,
				 who->birth };
	char facts[DISSECT_FACTS_MAX];
	(void)dissect_facts(d, facts, sizeof(facts));
	for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
		size_t n = strlen(traces[i]);
		assert_has_not(facts, traces[i]);
		if (memmem(d, sizeof(*d), traces[i], n))
			fail_msg("%s in the state", traces[i]);
		/* Without the escapes around it, as a careless reader would keep it. */
		if (traces[i][0] == 0x1b && memmem(d, sizeof(*d), traces[i] + 3, n - 6))
			fail_msg("kanji %zu in the state", i);
	}
}

/* Every piece size gives the same answer and the same facts; every prefix is survived, and
 * never knows more than the whole. */
UNUSED static void assert_any_split(const struct talk *t)
{
	struct dissect d;
	char whole[DISSECT_FACTS_MAX], facts[DISSECT_FACTS_MAX];
	enum dissect_answer a = talk_feed(t, &d, SIZE_MAX / 2);
	(void)dissect_facts(&d, whole, sizeof(whole));
	for (size_t piece = 1; piece <= t->bytes.n; piece += piece < 100 ? 1 : piece / 2) {
		assert_int_equal(talk_feed(t, &d, piece), a);
		(void)dissect_facts(&d, facts, sizeof(facts));
		assert_string_equal(facts, whole);
	}
	struct talk cut = *t;
	for (size_t n = 0; n < t->bytes.n; n++) {
		for (size_t i = 0; i < t->n; i++) {
			cut.turns[i].from = t->turns[i].from < n ? t->turns[i].from : n;
			cut.turns[i].to = t->turns[i].to < n ? t->turns[i].to : n;
		}
		(void)talk_feed(&cut, &d, 97);
		assert_true(dissect_facts(&d, facts, sizeof(facts)) < sizeof(facts));
		assert_int_equal(facts[0] ? facts[strlen(facts) - 1] : '}', '}');
	}
}

#endif
