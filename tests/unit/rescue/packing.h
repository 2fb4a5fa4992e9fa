/* Backup files for tests: a folder, a key, parts of any bytes. */
#ifndef TEST_RESCUE_PACKING_H
#define TEST_RESCUE_PACKING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../src/rescue/opener.h"
#include "../../../src/rescue/pack.h"
#include "../../../src/rescue/sealer.h"
#include "../../../src/rescue/unpack.h"
#include "tomsd/base/file.h"

struct packing {
	char folder[64];
	char phrase[RESCUE_PHRASE_MAX];
	uint8_t private_key[KEY_BYTES], public_key[KEY_BYTES];
};

static inline const char *in(const struct packing *p, const char *name)
{
	static char path[8][256];
	static unsigned at;
	at = (at + 1) % 8;
	(void)snprintf(path[at], sizeof(path[at]), "%s/%s", p->folder, name);
	return path[at];
}

static inline void packing_begin(struct packing *p)
{
	struct err e = ERR_INIT;
	(void)snprintf(p->folder, sizeof(p->folder), "/tmp/tomsd-rescue-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	rescue_phrase_new(p->phrase);
	assert_int_equal(phrase_keys(str_of(p->phrase), p->private_key, p->public_key, &e), 0);
}

static inline void wipe_folder(const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/rm", "rm", "-r", "-f", "--", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static inline void packing_end(struct packing *p)
{
	wipe_folder(p->folder);
}

/* Bytes that do not compress, the same for a seed. */
static inline void fill(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		p[i] = (uint8_t)(seed >> 56);
	}
}

static inline void packing_write(const struct packing *p, const char *name,
				 const struct pack_part *parts, size_t n, struct packed *out)
{
	struct err e = ERR_INIT;
	struct pack_ask ask = { .recipient = p->public_key,
				.made_ns = INT64_C(1795500000123456789),
				.appliance = "toms-1",
				.version = "9.9",
				.parts = parts,
				.n_parts = n };
	if (pack_write(in(p, name), &ask, out, &e) != 0)
		fail_msg("%s", e.text);
}

static inline int packing_open_as(const struct packing *p, const char *name,
				  const uint8_t *private_key, const uint8_t *public_key,
				  const char *to, struct buf *index, struct err *e)
{
	struct head h = { 0 };
	struct unpack_ask ask = { .fd = open(in(p, name), O_RDONLY | O_CLOEXEC),
				  .private_key = private_key,
				  .public_key = public_key,
				  .to_folder = in(p, to) };
	assert_true(ask.fd >= 0);
	int rc = unpack_files(&ask, &h, index, e);
	(void)close(ask.fd);
	return rc;
}

static inline int packing_open(const struct packing *p, const char *name, const char *to,
			       struct err *e)
{
	struct buf index;
	buf_init(&index, SMALL_FILE_MAX);
	int rc = packing_open_as(p, name, p->private_key, p->public_key, to, &index, e);
	buf_fini(&index);
	return rc;
}

static inline struct buf slurp(const char *path)
{
	struct err e = ERR_INIT;
	struct buf b;
	buf_init(&b, 64u << 20);
	if (file_read(path, 64u << 20, &b, &e) != 0)
		fail_msg("%s", e.text);
	return b;
}

static inline void spill(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	assert_int_equal(close(fd), 0);
}

#endif
