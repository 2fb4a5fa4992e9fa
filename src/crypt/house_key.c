/* The house key: <state>/keys/house.key, 32 random bytes, mode 0600 in a folder of 0700. What it seals is
 * "v1:" and the base64url of nonce (12), AES-256-GCM bytes and tag (16), with the purpose as additional data. A nonce is
 * random: 2^32 secrets under one key would be too many (SP 800-38D, 8.3), a house has dozens. Loading is for one
 * thread, the loaded key is for all. */
#include "tomsd/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

#define PATH_BYTES 4096
#define SECRET_MAX 65536u
#define SEALED_MAX (CRYPT_NONCE_BYTES + SECRET_MAX + CRYPT_TAG_BYTES)
#define PREFIX "v1:"

struct house_key {
	uint8_t key[CRYPT_KEY_BYTES];
};

static int path_of(char out[PATH_BYTES], const char *state_path, const char *name,
		   struct err *e)
{
	int n = snprintf(out, PATH_BYTES, "%s/keys%s", state_path, name);
	return n > 0 && n < PATH_BYTES ? 0 :
					 err_set(e, ERR_RANGE, "%s: path too long", state_path);
}

static int folder_sync(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "opening folder %s", path);
	int rc = fsync(fd) ? err_sys(e, errno, "syncing folder %s", path) : 0;
	(void)close(fd); /* nothing is pending behind fsync */
	return rc;
}

/* A fresh key under a name of this process's own, on disk. */
static int write_new(const char *path, struct err *e)
{
	uint8_t key[CRYPT_KEY_BYTES];
	(void)unlink(path); /* of a process of this number that lost its power */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "creating %s", path);
	file_random(key, sizeof(key));
	ssize_t w = write(fd, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	int rc = 0;
	if (w >= 0 && w < (ssize_t)sizeof(key))
		rc = err_set(e, ERR_IO, "writing %s: the disk is full", path);
	else if (w < 0 || fchmod(fd, 0600) || fsync(fd))
		rc = err_sys(e, errno, "writing %s", path);
	if (close(fd) && rc == 0)
		rc = err_sys(e, errno, "closing %s", path);
	return rc;
}

/* The key gets its name by link(2): whole or not at all, and never in place of another. Where two start at once
 * the first one's key stays, and both read it. */
static int make_key(const char *state_path, const char *path, struct err *e)
{
	char folder[PATH_BYTES], temp[PATH_BYTES], own[32];
	(void)snprintf(own, sizeof(own), "/house.key.%ld", (long)getpid());
	int rc = path_of(folder, state_path, "", e);
	if (rc == 0)
		rc = path_of(temp, state_path, own, e);
	if (rc == 0)
		rc = file_mkdirs(folder, 0700, e);
	if (rc)
		return rc;
	rc = write_new(temp, e);
	if (rc == 0 && link(temp, path) && errno != EEXIST)
		rc = err_sys(e, errno, "naming %s", path);
	(void)unlink(
		temp); /* it was the way only; the next start with this number takes it, too */
	return rc ? rc : folder_sync(folder, e);
}

/* Whether what was opened may be trusted to be a secret of this house. */
static int check_file(int fd, const char *path, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st))
		return err_sys(e, errno, "looking at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "%s is no file; put the key file back there",
			       path);
	if (st.st_mode & 077)
		return err_set(
			e, ERR_DENIED,
			"%s can be read by others (mode %03o), who could open every secret that is "
			"sealed with it; find out who may have read it, then: chmod 600 %s",
			path, (unsigned)st.st_mode & 0777, path);
	if (st.st_size != CRYPT_KEY_BYTES)
		return err_set(
			e, ERR_CORRUPT,
			"%s is damaged: it has %lld bytes, a key has %d; take it from a backup, or "
			"move it away and enter the secrets again",
			path, (long long)st.st_size, CRYPT_KEY_BYTES);
	return 0;
}

static int read_key(const char *path, uint8_t key[CRYPT_KEY_BYTES], struct err *e)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_DENIED,
			       "%s is a symbolic link; put the key file itself there", path);
	if (fd < 0)
		return err_sys(e, errno, "opening %s", path);
	int rc = check_file(fd, path, e);
	ssize_t r = rc ? 0 : pread(fd, key, CRYPT_KEY_BYTES, 0);
	if (rc == 0 && r != CRYPT_KEY_BYTES)
		rc = err_sys(e, r < 0 ? errno : EIO, "reading %s", path);
	(void)close(fd); /* nothing was written */
	return rc;
}

int house_key_load(struct house_key **out, const char *state_path, bool make, struct err *e)
{
	char path[PATH_BYTES];
	struct house_key *k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, ERR_NOMEM, "no memory for the house key");
	int rc = path_of(path, state_path, "/house.key", e);
	if (rc == 0 && make && access(path, F_OK) && errno == ENOENT)
		rc = make_key(state_path, path, e);
	if (rc == 0)
		rc = read_key(path, k->key, e);
	if (rc) {
		house_key_free(k);
		return err_wrap(e, "house key");
	}
	*out = k;
	return 0;
}

void house_key_free(struct house_key *k)
{
	if (!k)
		return;
	explicit_bzero(k, sizeof(*k));
	free(k);
}

/* Wipes and frees what held a secret. */
static void bytes_free(uint8_t *p, size_t n)
{
	if (p)
		explicit_bzero(p, n);
	free(p);
}

int house_key_seal(const struct house_key *k, const char *what_for, struct str secret,
		   struct buf *out, struct err *e)
{
	if (secret.n > SECRET_MAX)
		return err_set(e, ERR_RANGE, "a secret of more than %u bytes", SECRET_MAX);
	size_t n = CRYPT_NONCE_BYTES + secret.n + CRYPT_TAG_BYTES,
	       n_text = 4 * ((n + 2) / 3) + 1;
	uint8_t *bytes = malloc(n);
	char *text = malloc(n_text);
	int rc = bytes && text ? 0 : err_set(e, ERR_NOMEM, "no memory for a secret");
	if (rc == 0) {
		file_random(bytes, CRYPT_NONCE_BYTES);
		rc = crypt_aead_seal(k->key, bytes, str_of(what_for), secret.p, secret.n,
				     bytes + CRYPT_NONCE_BYTES, e);
	}
	if (rc == 0) {
		hash_base64url(bytes, n, text);
		buf_cstr(out, PREFIX);
		buf_cstr(out, text);
		if (buf_failed(out))
			rc = err_set(e, ERR_NOMEM, "no room for a sealed secret");
	}
	free(bytes);
	free(text);
	return rc;
}

static int not_ours(struct err *e, const char *what_for)
{
	return err_set(
		e, ERR_CORRUPT,
		"the secret for %s does not open: it was sealed by another appliance's house key, for "
		"something else, or is damaged; enter it again",
		what_for);
}

/* The secret in the text, into plain, which has room for what the text can hold. */
static int open_text(const struct house_key *k, const char *what_for, struct str text,
		     uint8_t *bytes, size_t room, size_t *n_plain, struct err *e)
{
	int n = hash_base64url_decode(text, bytes, room);
	if (n < CRYPT_NONCE_BYTES + CRYPT_TAG_BYTES)
		return not_ours(e, what_for);
	uint8_t *sealed = bytes + CRYPT_NONCE_BYTES;
	int rc = crypt_aead_open(k->key, bytes, str_of(what_for), sealed,
				 (size_t)n - CRYPT_NONCE_BYTES, sealed, e);
	if (rc == -ERR_CORRUPT)
		return not_ours(e, what_for);
	*n_plain = (size_t)n - CRYPT_NONCE_BYTES - CRYPT_TAG_BYTES;
	return rc;
}

int house_key_open(const struct house_key *k, const char *what_for, struct str sealed,
		   struct buf *out, struct err *e)
{
	struct str text = str_sub(sealed, sizeof(PREFIX) - 1, sealed.n);
	size_t n = 0, room = text.n / 4 * 3 + 3;
	if (!str_starts(sealed, STR(PREFIX)) || room > SEALED_MAX + 3)
		return not_ours(e, what_for);
	uint8_t *bytes = malloc(room);
	int rc = bytes ? open_text(k, what_for, text, bytes, room, &n, e) :
			 err_set(e, ERR_NOMEM, "no memory for a secret");
	if (rc == 0) {
		buf_put(out, bytes + CRYPT_NONCE_BYTES, n);
		if (buf_failed(out))
			rc = err_set(e, ERR_NOMEM, "no room for a secret");
	}
	bytes_free(bytes, room);
	return rc;
}
