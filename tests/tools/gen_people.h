/* Patients who never lived, as the made-up hospital has them. Family and given name in romaji,
 * kanji and kana, the latter two in ISO-2022-JP as Japanese DICOM and HL7 carry them. */
#ifndef GEN_PEOPLE_H
#define GEN_PEOPLE_H

#include "gen_bytes.h"

struct gen_name {
	const char *family, *given;
	const char *family_kanji, *given_kanji;
	const char *family_kana, *given_kana;
};

static const struct gen_name gen_names[] = {
	{ "YAMADA", "HANAKO", "\033$B;3ED\033(B", "\033$B2V;R\033(B", "\033$B$d$^$@\033(B",
	  "\033$B$O$J$3\033(B" },
	{ "SUZUKI", "ICHIRO", "\033$BNkLZ\033(B", "\033$B0lO:\033(B", "\033$B$9$:$-\033(B",
	  "\033$B$$$A$m$&\033(B" },
	{ "SATO", "YOSHIKO", "\033$B:4F#\033(B", "\033$BNI;R\033(B", "\033$B$5$H$&\033(B",
	  "\033$B$h$7$3\033(B" },
	{ "TAKAHASHI", "MAKOTO", "\033$B9b66\033(B", "\033$B@\?\033(B", "\033$B$\?$+$O$7\033(B",
	  "\033$B$^$3$H\033(B" },
	{ "TANAKA", "SETSUKO", "\033$BEDCf\033(B", "\033$B@a;R\033(B", "\033$B$\?$J$+\033(B",
	  "\033$B$;$D$3\033(B" },
	{ "ITO", "KENJI", "\033$B0KF#\033(B", "\033$B7rFs\033(B", "\033$B$$$H$&\033(B",
	  "\033$B$1$s$8\033(B" },
	{ "WATANABE", "FUMI", "\033$BEOJU\033(B", "\033$BIYH~\033(B", "\033$B$o$\?$J$Y\033(B",
	  "\033$B$U$_\033(B" },
	{ "NAKAMURA", "TAKESHI", "\033$BCfB<\033(B", "\033$BIp\033(B", "\033$B$J$+$`$i\033(B",
	  "\033$B$\?$1$7\033(B" },
	{ "KOBAYASHI", "AKIRA", "\033$B>.NS\033(B", "\033$BL@\033(B", "\033$B$3$P$d$7\033(B",
	  "\033$B$\"$-$i\033(B" },
	{ "KATO", "MICHIKO", "\033$B2CF#\033(B", "\033$BH~CR;R\033(B", "\033$B$+$H$&\033(B",
	  "\033$B$_$A$3\033(B" },
	{ "YOSHIDA", "HIROSHI", "\033$B5HED\033(B", "\033$BGn\033(B", "\033$B$h$7$@\033(B",
	  "\033$B$R$m$7\033(B" },
	{ "SASAKI", "KIYOSHI", "\033$B:4!9LZ\033(B", "\033$B@6\033(B", "\033$B$5$5$-\033(B",
	  "\033$B$-$h$7\033(B" },
	{ "YAMAGUCHI", "TOMIKO", "\033$B;38}\033(B", "\033$BIY;R\033(B", "\033$B$d$^$0$A\033(B",
	  "\033$B$H$_$3\033(B" },
	{ "MATSUMOTO", "SHIGERU", "\033$B>>K\\\033(B", "\033$BLP\033(B", "\033$B$^$D$b$H\033(B",
	  "\033$B$7$2$k\033(B" },
	{ "INOUE", "CHIYO", "\033$B0f>e\033(B", "\033$B@iBe\033(B", "\033$B$$$N$&$(\033(B",
	  "\033$B$A$h\033(B" },
	{ "KIMURA", "MASAO", "\033$BLZB<\033(B", "\033$B@5M:\033(B", "\033$B$-$`$i\033(B",
	  "\033$B$^$5$*\033(B" },
	{ "HAYASHI", "KAZUKO", "\033$BNS\033(B", "\033$BOB;R\033(B", "\033$B$O$d$7\033(B",
	  "\033$B$+$:$3\033(B" },
	{ "SHIMIZU", "YUTAKA", "\033$B@6\?e\033(B", "\033$BK-\033(B", "\033$B$7$_$:\033(B",
	  "\033$B$f$\?$+\033(B" },
	{ "YAMAZAKI", "SACHIKO", "\033$B;3:j\033(B", "\033$B9,;R\033(B", "\033$B$d$^$6$-\033(B",
	  "\033$B$5$A$3\033(B" },
	{ "MORI", "TETSUYA", "\033$B\?9\033(B", "\033$BE/Li\033(B", "\033$B$b$j\033(B",
	  "\033$B$F$D$d\033(B" },
};

struct gen_patient {
	const struct gen_name *name;
	char id[11];
	char birth[9]; /* YYYYMMDD */
	char sex;
};

UNUSED static struct gen_patient gen_patient(struct gen_random *r)
{
	struct gen_patient p = { .name = &gen_names[gen_below(r, ARRAY_LEN(gen_names))],
				 .sex = gen_below(r, 2) ? 'F' : 'M' };
	snprintf(p.id, sizeof(p.id), "00%08u", gen_below(r, 90000000) + 10000000);
	snprintf(p.birth, sizeof(p.birth), "%04u%02u%02u", 1930 + gen_below(r, 85),
		 1 + gen_below(r, 12), 1 + gen_below(r, 28));
	return p;
}

#endif
