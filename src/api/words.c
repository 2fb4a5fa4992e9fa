/* Which language, and the words in it. Any thread; tables are constant. */
#include <stdlib.h>

#include "tomsd/api.h"
#include "tomsd/base/num.h"
#include "words.h"

static int compare(const void *key, const void *word)
{
	return strcmp(key, ((const struct word *)word)->key);
}

const char *api_words(const char *lang, const char *key)
{
	bool en = strcmp(lang, "en") == 0;
	const struct word *w = bsearch(key, en ? words_en : words_ja,
				       en ? n_words_en : n_words_ja, sizeof(struct word),
				       compare);
	return w ? w->text : key;
}

const char *api_text(char *out, size_t cap, const char *lang, const char *key, const char *one,
		     const char *two)
{
	struct buf b;
	buf_init(&b, 4096);
	for (const char *p = api_words(lang, key); *p; p++) {
		if (strncmp(p, "{1}", 3) == 0 || strncmp(p, "{2}", 3) == 0) {
			const char *with = p[1] == '1' ? one : two;
			buf_cstr(&b, with ? with : "");
			p += 2;
		} else {
			buf_char(&b, *p);
		}
	}
	(void)str_copy(out, cap, buf_view(&b)); /* a cut sentence is better than none */
	buf_fini(&b);
	return out;
}

static bool take(struct str s, char out[3])
{
	if (!str_ieq(s, STR("ja")) && !str_ieq(s, STR("en")))
		return false;
	return str_copy(out, 3, str_ieq(s, STR("ja")) ? STR("ja") : STR("en"));
}

/* Weight of "en;q=0.8" in thousandths (RFC 9110, section 12.4.2); what is not well-formed weighs 0. */
static uint32_t weight(struct str params)
{
	struct str q = str_trim(params), whole = STR_NULL, part = STR_NULL;
	if (q.n == 0)
		return 1000;
	if (q.n < 3 || (q.p[0] | 0x20) != 'q' || q.p[1] != '=')
		return 0;
	q = str_sub(q, 2, 5);
	part = q;
	(void)str_split(&part, '.', &whole); /* without a dot there is no fraction */
	uint32_t w = 0, thousandths = 0, scale[] = { 1000, 100, 10, 1 };
	if (num_u32(whole, 0, 1, &w) != 0)
		return 0;
	if (part.n > 0 && part.n <= 3 && num_u32(part, 0, 999, &thousandths) == 0)
		w = w * 1000 + thousandths * scale[part.n];
	else
		w *= 1000;
	return w > 1000 ? 0 : w;
}

static void from_header(struct str accept, char out[3])
{
	uint32_t best = 0;
	struct str left = str_sub(accept, 0, 512), item;
	while (str_split(&left, ',', &item)) {
		struct str tag, primary;
		if (!str_split(&item, ';', &tag))
			continue;
		uint32_t w = weight(item);
		struct str rest = str_trim(tag);
		char lang[3];
		if (!str_split(&rest, '-', &primary) || w <= best || !take(primary, lang))
			continue;
		best = w;
		memcpy(out, lang, sizeof(lang));
	}
}

void api_pick_lang(struct str query, const char *user_lang, struct str accept_language,
		   char out[3])
{
	struct str left = query, pair;
	memcpy(out, "ja", 3);
	while (str_split(&left, '&', &pair))
		if (str_starts(pair, STR("lang=")) && take(str_sub(pair, 5, pair.n), out))
			return;
	if (user_lang && take(str_of(user_lang), out))
		return;
	from_header(accept_language, out);
}
