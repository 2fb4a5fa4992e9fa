/* Names of the archive's files. They are made of what cannot climb out of a folder: an appliance's id that has other
 * signs is written with '_' in their place. Any thread. */
#include <stdio.h>
#include <unistd.h>

#include "inside.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/num.h"

#define SEQ_DIGITS 10

void archive_appliance(char out[ARCHIVE_APPLIANCE_MAX], const char *id)
{
	size_t n = 0;
	for (; id[n] && n < ARCHIVE_APPLIANCE_MAX - 1; n++) {
		char c = id[n];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			     c == '-' || c == '_' || (c == '.' && n > 0);
		out[n] = plain ? c : '_';
	}
	if (n == 0)
		out[n++] = '_';
	out[n] = '\0';
}

void archive_manifest_key(char out[ARCHIVE_KEY_MAX], const char *appliance, uint64_t seq, const char *suffix)
{
	(void)snprintf(out, ARCHIVE_KEY_MAX, "_manifest/appliance=%s/%010llu%s", appliance,
		       (unsigned long long)seq, suffix);
}

void archive_object_key(char out[ARCHIVE_KEY_MAX], const char *kind, const char *appliance, int64_t hour_ns,
			uint64_t seq, const uint8_t sha256[CRYPT_SHA256_BYTES])
{
	char at[CLOCK_RFC3339_MAX], hex[2 * 8 + 1];
	clock_rfc3339(hour_ns, at);
	hash_hex(sha256, 8, hex);
	(void)snprintf(out, ARCHIVE_KEY_MAX, "kind=%s/appliance=%s/dt=%.10s/hour=%.2s/%010llu-%s.parquet", kind,
		       appliance, at, at + 11, (unsigned long long)seq, hex);
}

bool archive_seq_of(struct str file_name, uint64_t *seq)
{
	size_t n = 0;
	while (n < file_name.n && file_name.p[n] >= '0' && file_name.p[n] <= '9')
		n++;
	return n >= SEQ_DIGITS && num_u64(str_n(file_name.p, n), 1, INT64_MAX, seq) == 0;
}

bool archive_path(char out[ARCHIVE_PATH_MAX], const char *folder, const char *key)
{
	int n = snprintf(out, ARCHIVE_PATH_MAX, "%s/%s", folder, key);
	return n > 0 && n < ARCHIVE_PATH_MAX;
}

bool archive_manifest_is_there(const char *folder, const char *appliance, uint64_t seq)
{
	static const char *const suffixes[] = { ".json", ".sig" };
	char key[ARCHIVE_KEY_MAX], path[ARCHIVE_PATH_MAX];
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		archive_manifest_key(key, appliance, seq, suffixes[i]);
		if (!archive_path(path, folder, key) || access(path, F_OK) != 0)
			return false; /* without a signature it was never told to anybody */
	}
	return true;
}

void archive_key_id(const uint8_t public_key[CRYPT_KEY_BYTES], char out[KEY_ID_MAX])
{
	uint8_t sum[CRYPT_SHA256_BYTES];
	crypt_sha256(public_key, CRYPT_KEY_BYTES, sum);
	hash_hex(sum, 8, out);
}
