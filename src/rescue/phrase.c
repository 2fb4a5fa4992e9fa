/* The recovery phrase: 128 random bits and a checksum of 12 in Crockford's base 32
 * (crockford.com/base32.html), in groups of four. The checksum is a CRC of 12 bits over the 128
 * (x^12 + x^11 + x^3 + x^2 + x + 1, preset with ones), so that every wrong letter, and every two
 * neighbours that changed places, are found for sure: both are bursts shorter than the checksum.
 *
 * People type it from paper, perhaps with a Japanese keyboard: small letters, full-width ones, O for 0,
 * I and L for 1, any spaces and dashes are taken. Any thread. */
#include "phrase.h"

#include "tomsd/base/file.h"
#include "tomsd/crypt.h"

#define SECRET_BYTES 16
#define LETTERS 28 /* 5 bits each: 128 + 12 */
#define GROUP 4
#define CRC_BITS 12
#define CRC_MASK 0xfffu
#define CRC_POLY 0x80fu

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char key_info[] = "tomsd rescue key 1";

/* Bits of the secret, highest first. */
static unsigned checksum(const uint8_t secret[SECRET_BYTES])
{
	unsigned crc = CRC_MASK;
	for (size_t i = 0; i < SECRET_BYTES * 8; i++) {
		unsigned bit = ((unsigned)secret[i / 8] >> (7 - i % 8)) & 1u;
		bool top = ((crc >> (CRC_BITS - 1)) ^ bit) & 1u;
		crc = (crc << 1) & CRC_MASK;
		if (top)
			crc ^= CRC_POLY;
	}
	return crc;
}

void rescue_phrase_new(char phrase[RESCUE_PHRASE_MAX])
{
	uint8_t all[SECRET_BYTES + 2]; /* 140 bits and 4 of nothing */
	size_t n = 0;
	file_random(all, SECRET_BYTES);
	unsigned crc = checksum(all);
	all[SECRET_BYTES] = (uint8_t)(crc >> 4);
	all[SECRET_BYTES + 1] = (uint8_t)(crc << 4);
	for (size_t i = 0; i < LETTERS; i++) {
		size_t bit = i * 5;
		unsigned two = (unsigned)all[bit / 8] << 8;
		if (bit / 8 + 1 < sizeof(all))
			two |= all[bit / 8 + 1];
		if (i > 0 && i % GROUP == 0)
			phrase[n++] = '-';
		phrase[n++] = alphabet[(two >> (11 - bit % 8)) & 31u];
	}
	phrase[n] = '\0';
	explicit_bzero(all, sizeof(all));
}

/* The next sign as ASCII; full-width forms (U+FF01..U+FF5E) become what they stand for, dashes and the
 * wide space (U+2010..U+2015, U+2212, U+3000, U+30FC) a dash. 0: nothing that can be meant. */
static char next_sign(struct str *s)
{
	const unsigned char *p = (const unsigned char *)s->p;
	if (p[0] < 0x80) {
		*s = str_sub(*s, 1, s->n);
		return (char)p[0];
	}
	if (s->n < 3 || (p[0] & 0xf0) != 0xe0 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
		return '\0';
	unsigned code = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	*s = str_sub(*s, 3, s->n);
	if (code >= 0xff01 && code <= 0xff5e)
		return (char)(code - 0xff01 + '!');
	bool is_gap = (code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == 0x3000 ||
		      code == 0x30fc;
	return is_gap ? '-' : '\0';
}

/* 0..31, or -1. */
static int value_of(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	const char *at = c ? memchr(alphabet, c, sizeof(alphabet) - 1) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

/* No word of it in the errors: they are shown and kept. */
static int read_secret(struct str phrase, uint8_t all[SECRET_BYTES + 3], struct err *e)
{
	size_t letters = 0;
	memset(all, 0, SECRET_BYTES + 3);
	while (phrase.n > 0) {
		char c = next_sign(&phrase);
		if (c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n')
			continue;
		int v = value_of(c);
		if (v < 0)
			return err_set(
				e, ERR_INVALID,
				"the recovery phrase has only digits and letters without "
				"I, L, O and U; look at what was typed");
		if (letters < LETTERS) {
			size_t bit = letters * 5;
			unsigned three = (unsigned)v << (19 - bit % 8);
			all[bit / 8] = (uint8_t)(all[bit / 8] | three >> 16);
			all[bit / 8 + 1] = (uint8_t)(all[bit / 8 + 1] | (three >> 8 & 0xffu));
		}
		letters++;
	}
	if (letters != LETTERS)
		return err_set(
			e, ERR_INVALID,
			"the recovery phrase has %d letters and digits, these are %zu; look "
			"for what is missing or double",
			LETTERS, letters);
	unsigned found = (unsigned)all[SECRET_BYTES] << 4 | all[SECRET_BYTES + 1] >> 4;
	if (found != checksum(all))
		return err_set(e, ERR_INVALID,
			       "a letter of the recovery phrase is wrong, or two have changed "
			       "places; compare it with the paper, group by group");
	return 0;
}

int rescue_phrase_key(struct str phrase, uint8_t private_key[32], struct err *e)
{
	uint8_t all[SECRET_BYTES + 3];
	int rc = read_secret(phrase, all, e);
	if (rc == 0)
		crypt_hkdf(str_n((const char *)all, SECRET_BYTES), STR_NULL, STR(key_info),
			   private_key, KEY_BYTES);
	explicit_bzero(all, sizeof(all));
	return rc;
}

int phrase_keys(struct str phrase, uint8_t private_key[KEY_BYTES],
		uint8_t public_key[KEY_BYTES], struct err *e)
{
	int rc = rescue_phrase_key(phrase, private_key, e);
	if (rc == 0)
		rc = crypt_x25519_public(private_key, public_key, e);
	return rc;
}

void key_id_of(const uint8_t public_key[KEY_BYTES], uint8_t id[KEY_ID_BYTES])
{
	uint8_t sum[CRYPT_SHA256_BYTES];
	crypt_sha256(public_key, KEY_BYTES, sum);
	memcpy(id, sum, KEY_ID_BYTES);
}
