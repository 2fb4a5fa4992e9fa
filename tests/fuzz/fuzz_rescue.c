/* Backups from outside. The first byte says how: even, the bytes are a file as it lies in a place; odd, three bytes of
 * what the head announces and then the stream inside one that was sealed rightly, for whoever knows the public half can make such a file. Nothing may be
 * written outside the folder, and nothing may be left in it when it is not good. The phrase is read from the
 * same bytes. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/rescue/sealer.h"
#include "../../src/rescue/unpack.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static uint8_t private_key[KEY_BYTES], public_key[KEY_BYTES];
static char folder[64], to[80];
static int file;
static unsigned others; /* names beside "out" */

static void begin(void)
{
	struct err e = ERR_INIT;
	memset(private_key, 7, sizeof(private_key));
	REQUIRE(crypt_x25519_public(private_key, public_key, &e) == 0);
	(void)snprintf(folder, sizeof(folder), "/tmp/tomsd-fuzz-rescue-XXXXXX");
	REQUIRE(mkdtemp(folder));
	(void)snprintf(to, sizeof(to), "%s/out", folder);
	file = memfd_create("backup", MFD_CLOEXEC);
	REQUIRE(file >= 0);
}

static void seal(const uint8_t *data, size_t n, uint64_t plain_bytes)
{
	struct err e = ERR_INIT;
	struct sealer *s = NULL;
	struct head h = { .made_ns = 1, .plain_bytes = plain_bytes };
	uint64_t bytes;
	uint8_t sum[CRYPT_SHA256_BYTES];
	REQUIRE(sealer_new(&s, file, public_key, &h, &e) == 0);
	REQUIRE(sealer_put(s, data, n, &e) == 0);
	REQUIRE(sealer_end(s, &bytes, sum, &e) == 0);
	sealer_free(s);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	if (where->level == 0)
		return 0;
	others += where->level == 1 && strcmp(path + where->base, "out") != 0;
	return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = ERR_INIT;
	struct head h = { .made_ns = 0 };
	struct buf index;
	struct rescued told;
	uint8_t key[KEY_BYTES];
	if (!folder[0])
		begin();
	if (n == 0)
		return 0;
	(void)!rescue_phrase_key(str_n((const char *)data + 1, n - 1), key, &e);
	REQUIRE(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
	if (data[0] & 1 && n >= 4)
		seal(data + 4, n - 4, be_read(data + 1, 3));
	else
		REQUIRE(write(file, data + 1, n - 1) == (ssize_t)(n - 1));
	if (n - 1 >= HEAD_BYTES)
		(void)!look_at_bytes(data + 1, &told, &e);
	buf_init(&index, SMALL_FILE_MAX);
	struct unpack_ask ask = { .fd = file,
				  .private_key = private_key,
				  .public_key = public_key,
				  .to_folder = to };
	int rc = unpack_files(&ask, &h, &index, &e);
	REQUIRE(rc == 0 || e.code != 0);
	REQUIRE((access(to, F_OK) == 0) == (rc == 0));
	struct index_facts facts;
	if (rc == 0)
		(void)!index_read(buf_view(&index), &facts, NULL, NULL, &e);
	(void)!index_read(str_n((const char *)data, n), &facts, NULL, NULL, &e);
	buf_fini(&index);
	others = 0;
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	REQUIRE(others == 0);
	return 0;
}
