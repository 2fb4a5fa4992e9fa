/* See format.h. Any thread. */
#include "format.h"

#define INFO "tomsd rescue file 1"

/* Where the head's fields lie. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 8,
	AT_HEAD_BYTES = 10,
	AT_CHUNK_BYTES = 12,
	AT_MADE = 16,
	AT_KEY_ID = 24,
	AT_EPHEMERAL = 32,
	AT_NONCE = 64,
	AT_APPLIANCE = 72,
	AT_PROGRAM = 136,
	AT_PLAIN_BYTES = 168,
	AT_REST = 176,
	APPLIANCE_BYTES = 64,
	PROGRAM_BYTES = 32,
};

void be_put(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

uint64_t be_read(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

void head_put(const struct head *h, uint8_t out[HEAD_BYTES])
{
	memset(out, 0, HEAD_BYTES);
	memcpy(out + AT_MAGIC, FORMAT_MAGIC, 8);
	be_put(out + AT_VERSION, FORMAT_VERSION, 2);
	be_put(out + AT_HEAD_BYTES, HEAD_BYTES, 2);
	be_put(out + AT_CHUNK_BYTES, CHUNK_BYTES, 4);
	be_put(out + AT_MADE, (uint64_t)h->made_ns, 8);
	memcpy(out + AT_KEY_ID, h->key_id, KEY_ID_BYTES);
	memcpy(out + AT_EPHEMERAL, h->ephemeral, KEY_BYTES);
	memcpy(out + AT_NONCE, h->nonce_base, NONCE_BASE_BYTES);
	memcpy(out + AT_APPLIANCE, h->appliance, strnlen(h->appliance, APPLIANCE_BYTES));
	memcpy(out + AT_PROGRAM, h->version, strnlen(h->version, PROGRAM_BYTES));
	be_put(out + AT_PLAIN_BYTES, h->plain_bytes, 8);
}

/* Text filled up with zeros: printable, nothing behind its end. */
static bool text_read(const uint8_t *in, size_t n, char *out)
{
	size_t length = strnlen((const char *)in, n);
	for (size_t i = length; i < n; i++)
		if (in[i] != 0)
			return false;
	for (size_t i = 0; i < length; i++)
		if (in[i] < 0x20 || in[i] > 0x7e)
			return false;
	memcpy(out, in, length);
	out[length] = '\0';
	return true;
}

int head_read(const uint8_t in[HEAD_BYTES], struct head *out, struct err *e)
{
	struct head h = { 0 };
	if (memcmp(in + AT_MAGIC, FORMAT_MAGIC, 8) != 0)
		return err_set(e, ERR_INVALID, "this is no backup of tomsd");
	if (be_read(in + AT_VERSION, 2) > FORMAT_VERSION)
		return err_set(
			e, ERR_NEWER,
			"this backup was made by a newer tomsd; install that version and "
			"try again");
	h.made_ns = (int64_t)be_read(in + AT_MADE, 8);
	h.plain_bytes = be_read(in + AT_PLAIN_BYTES, 8);
	memcpy(h.key_id, in + AT_KEY_ID, KEY_ID_BYTES);
	memcpy(h.ephemeral, in + AT_EPHEMERAL, KEY_BYTES);
	memcpy(h.nonce_base, in + AT_NONCE, NONCE_BASE_BYTES);
	bool good = be_read(in + AT_VERSION, 2) == FORMAT_VERSION &&
		    be_read(in + AT_HEAD_BYTES, 2) == HEAD_BYTES &&
		    be_read(in + AT_CHUNK_BYTES, 4) == CHUNK_BYTES &&
		    in[AT_NONCE + NONCE_BASE_BYTES] == 0 && h.made_ns >= 0 &&
		    text_read(in + AT_APPLIANCE, APPLIANCE_BYTES, h.appliance) &&
		    text_read(in + AT_PROGRAM, PROGRAM_BYTES, h.version);
	for (size_t i = AT_REST; i < HEAD_BYTES; i++)
		good &= in[i] == 0;
	if (!good)
		return err_set(e, ERR_CORRUPT, "the head of this backup is damaged");
	*out = h;
	return 0;
}

void file_key(const uint8_t shared[KEY_BYTES], const uint8_t ephemeral[KEY_BYTES],
	      const uint8_t recipient[KEY_BYTES], uint8_t key[KEY_BYTES])
{
	char salt[2 * KEY_BYTES];
	memcpy(salt, ephemeral, KEY_BYTES);
	memcpy(salt + KEY_BYTES, recipient, KEY_BYTES);
	crypt_hkdf(str_n((const char *)shared, KEY_BYTES), str_n(salt, sizeof(salt)), STR(INFO),
		   key, KEY_BYTES);
}

void chunk_nonce(const uint8_t base[NONCE_BASE_BYTES], uint32_t number, bool is_last,
		 uint8_t nonce[CRYPT_NONCE_BYTES])
{
	memcpy(nonce, base, NONCE_BASE_BYTES);
	be_put(nonce + NONCE_BASE_BYTES, number, 4);
	nonce[CRYPT_NONCE_BYTES - 1] = is_last;
}

static bool plain_name_is_fine(struct str name)
{
	if (name.n == 0 || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
		if (!fine)
			return false;
	}
	return true;
}

bool entry_name_is_fine(struct str name)
{
	static const char *const alone[] = { NAME_INDEX, NAME_DATABASE, NAME_CONF };
	static const char *const folders[] = { "keys/", "panel/", "files/" };
	if (name.n > ENTRY_NAME_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(alone); i++)
		if (str_eq(name, str_of(alone[i])))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct str folder = str_of(folders[i]);
		if (str_starts(name, folder))
			return plain_name_is_fine(str_sub(name, folder.n, name.n));
	}
	return false;
}
