/* archive_make FOLDER HOURS ROWS [ROTATE_AT]: an archive with two objects of so many rows an hour (every fourth hour is
 * empty), made by the page and not by the product's sealing; for tests of verifiers. Beside it public_key.pem, the first
 * key's, and another_key.pem, a stranger's. Prints the head, SEQ:SHA256. */
#define MADE_PLAIN
#include "../unit/archive/make.h"

#include "tomsd/base/num.h"

static struct made a;

static uint64_t number(const char *text)
{
	uint64_t v = 0;
	if (num_u64(str_of(text), 0, 1000000, &v)) {
		(void)fputs("usage: archive_make FOLDER HOURS ROWS [ROTATE_AT]\n", stderr);
		exit(2);
	}
	return v;
}

static void write_pem(const char *name, const uint8_t public_key[32])
{
	struct buf b;
	buf_init(&b, 4096);
	crypt_ed25519_pem(public_key, &b);
	made_write(&a, name, b.p, b.n);
	buf_fini(&b);
}

int main(int argc, char **argv)
{
	char hex[65];
	uint8_t private_key[32], public_key[32];
	if (argc < 4)
		(void)number("");
	if (!str_copy(a.path, sizeof(a.path), str_of(argv[1])))
		(void)number("");
	uint64_t hours = number(argv[2]);
	a.rows = (unsigned)number(argv[3]);
	a.rotate_at = argc > 4 ? number(argv[4]) : 0;
	for (uint64_t i = 0; i < hours; i++)
		made_seal(&a, i % 4 == 1 ? 0 : 2);
	crypt_ed25519_new(private_key, public_key);
	write_pem("public_key.pem", a.keys[0].public_key);
	write_pem("another_key.pem", public_key);
	hash_hex(a.head, 32, hex);
	(void)printf("%llu:%s\n", (unsigned long long)a.seq, hex);
	return 0;
}
