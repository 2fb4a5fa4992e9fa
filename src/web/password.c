/* scrypt by OpenSSL's libcrypto, which no other file includes. N=2^15, r=8, p=1: 32 MiB and about a
 * tenth of a second of one core, which a guess costs too; more would be felt by the capture beside it. */
#include "password.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"

#define COST_LOG2 15
#define BLOCK 8
#define PARALLEL 1
#define SALT_BYTES 16
#define HASH_BYTES 32
#define MEMORY_MAX (UINT64_C(128) << 20)

struct kept {
	uint32_t cost_log2, block, parallel;
	uint8_t salt[SALT_BYTES], hash[HASH_BYTES];
};

static bool run(struct str password, const struct kept *k, uint8_t out[HASH_BYTES])
{
	return EVP_PBE_scrypt(password.p ? password.p : "", password.n, k->salt, SALT_BYTES,
			      UINT64_C(1) << k->cost_log2, k->block, k->parallel, MEMORY_MAX,
			      out, HASH_BYTES) == 1;
}

int password_keep(struct str password, char text[PASSWORD_KEPT_MAX], struct err *e)
{
	struct kept k = { .cost_log2 = COST_LOG2, .block = BLOCK, .parallel = PARALLEL };
	char salt[32], hash[64];
	file_random(k.salt, sizeof(k.salt));
	if (!run(password, &k, k.hash))
		return err_set(e, ERR_NOMEM, "no memory to keep a password");
	hash_base64url(k.salt, sizeof(k.salt), salt);
	hash_base64url(k.hash, sizeof(k.hash), hash);
	(void)snprintf(text, PASSWORD_KEPT_MAX, "scrypt:%d:%d:%d:%s:%s", COST_LOG2, BLOCK,
		       PARALLEL, salt, hash);
	explicit_bzero(&k, sizeof(k));
	return 0;
}

static bool parse(const char *text, struct kept *k)
{
	struct str left = str_of(text), part[6];
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (!str_split(&left, ':', &part[i]))
			return false;
	return left.p == NULL && str_eq(part[0], STR("scrypt")) &&
	       num_u32(part[1], 10, 20, &k->cost_log2) == 0 &&
	       num_u32(part[2], 1, 32, &k->block) == 0 &&
	       num_u32(part[3], 1, 16, &k->parallel) == 0 &&
	       hash_base64url_decode(part[4], k->salt, sizeof(k->salt)) == SALT_BYTES &&
	       hash_base64url_decode(part[5], k->hash, sizeof(k->hash)) == HASH_BYTES;
}

bool password_fits(struct str password, const char *text)
{
	struct kept k = { 0 };
	uint8_t hash[HASH_BYTES];
	bool is_there = parse(text, &k);
	if (!is_there)
		k = (struct kept){ .cost_log2 = COST_LOG2,
				   .block = BLOCK,
				   .parallel = PARALLEL };
	bool fits = run(password, &k, hash) && hash_equal(hash, k.hash, sizeof(hash)) &&
		    is_there;
	explicit_bzero(&k, sizeof(k));
	explicit_bzero(hash, sizeof(hash));
	return fits;
}

bool password_is_old(const char *text)
{
	struct kept k = { 0 };
	return !parse(text, &k) || k.cost_log2 != COST_LOG2 || k.block != BLOCK ||
	       k.parallel != PARALLEL;
}

static size_t characters(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* One character over and over, or a row of the keyboard or the alphabet. */
static bool is_monotone(struct str s)
{
	size_t steps = 0;
	for (size_t i = 1; i < s.n; i++) {
		int d = s.p[i] - s.p[i - 1];
		steps += d == 0 || d == 1 || d == -1;
	}
	return steps + 2 >= s.n;
}

static bool is_common(struct str s)
{
	static const char *const parts[] = { "password",      "passw0rd", "qwerty",
					     "administrator", "hospital", "letmein",
					     "welcome",       "changeme", "tomsd" };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct str part = str_of(parts[i]);
		if (str_ifind(s, part) >= 0 && s.n < part.n + 6)
			return true;
	}
	return is_monotone(s);
}

const char *password_fault(struct str password, struct str user)
{
	if (!str_utf8_valid(password))
		return "characters";
	for (size_t i = 0; i < password.n; i++)
		if ((unsigned char)password.p[i] < 0x20 || password.p[i] == 0x7f)
			return "characters";
	if (characters(password) < PASSWORD_MIN)
		return "too_short";
	if (characters(password) > PASSWORD_MAX)
		return "too_long";
	if (user.n >= 3 && str_ifind(password, user) >= 0)
		return "same_as_user";
	return is_common(password) ? "common" : NULL;
}
