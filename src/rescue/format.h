/* The file of a backup; docs/rescue.md tells it for people.
 *
 *   head     192 bytes in clear, below
 *   chunks   each AES-256-GCM over 1 MiB (the last: 0 to 1 MiB) of a zstd stream, with its tag behind it;
 *            nonce = nonce_base || number of the chunk, 32 bits || 1 for the last, else 0; the head is the
 *            further data of each (STREAM, Hoang et al., CRYPTO 2015). What is cut off, swapped, doubled
 *            or appended does not open.
 *   stream   entries: kind (1 file, 2 end), 0, length of the name, bytes of the content; name; content
 *
 * The key: HKDF-SHA-256(X25519(ephemeral, recipient), salt = ephemeral public || recipient's public, info).
 * All numbers big-endian. */
#ifndef RESCUE_FORMAT_H
#define RESCUE_FORMAT_H

#include "phrase.h"
#include "tomsd/crypt.h"

#define FORMAT_MAGIC "TOMSRESC"
#define FORMAT_VERSION 1
#define HEAD_BYTES 192
#define CHUNK_BYTES (1u << 20)
#define SEALED_BYTES (CHUNK_BYTES + CRYPT_TAG_BYTES)
#define NONCE_BASE_BYTES 7
#define ENTRY_HEAD_BYTES 12
#define ENTRY_FILE 1
#define ENTRY_END 2
#define ENTRIES_MAX 160
#define ENTRY_NAME_MAX 96
#define SMALL_FILE_MAX (4u << 20) /* of everything but the database */
#define ZSTD_WINDOW_LOG 23        /* 8 MiB: what is needed to read it */

#define NAME_INDEX "index.json"
#define NAME_DATABASE "tomsd.db"
#define NAME_CONF "tomsd.conf"

struct head {
	int64_t made_ns;
	uint64_t plain_bytes; /* contents of all entries */
	uint8_t key_id[KEY_ID_BYTES];
	uint8_t ephemeral[KEY_BYTES];
	uint8_t nonce_base[NONCE_BASE_BYTES];
	char appliance[65], version[33];
};
void head_put(const struct head *h, uint8_t out[HEAD_BYTES]);
/* -ERR_INVALID: no backup; -ERR_NEWER; -ERR_CORRUPT. */
int head_read(const uint8_t in[HEAD_BYTES], struct head *out, struct err *e) MUST_CHECK;
/* The key of the file, from the shared secret of ephemeral and recipient. */
void file_key(const uint8_t shared[KEY_BYTES], const uint8_t ephemeral[KEY_BYTES],
	      const uint8_t recipient[KEY_BYTES], uint8_t key[KEY_BYTES]);
void chunk_nonce(const uint8_t base[NONCE_BASE_BYTES], uint32_t number, bool is_last,
		 uint8_t nonce[CRYPT_NONCE_BYTES]);
/* "tomsd.db", "keys/house.key", "files/003-panel.pem": a closed list of places, one level deep. */
bool entry_name_is_fine(struct str name);

void be_put(uint8_t *p, uint64_t v, size_t n);
uint64_t be_read(const uint8_t *p, size_t n);

#endif
