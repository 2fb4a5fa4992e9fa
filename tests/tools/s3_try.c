/* s3_try: the client of S3 from the command line, for house tests. Prints one JSON object.
 *
 *   s3_try put KEY FILE [LOCK SECONDS]      head KEY [VERSION]      get KEY VERSION PATH [SHA256]
 *          read KEY VERSION OFFSET BYTES    list [BELOW [AFTER]]    retain KEY VERSION LOCK SECONDS
 *          self-test
 *
 * LOCK: NONE GOVERNANCE COMPLIANCE; SECONDS from now; VERSION "-": the latest. The environment says where: S3_ENDPOINT
 * S3_REGION S3_ACCESS S3_SECRET S3_BUCKET, and if wanted S3_PREFIX S3_CA S3_STYLE (host) S3_BYTES_PER_S. S3_TRIES: so many
 * attempts while later may help (1), as the place's thread makes them. S3_CLOCK_S: our clock is off by so much.
 * S3_UPLOAD: file that keeps the upload id between runs. S3_STOP_AT: put gives up after so many bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/s3/sign.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"
#include "tomsd/crypt.h"
#include "tomsd/s3.h"

static struct json j;
static struct s3_client *client;
static struct s3_fault fault;
static struct err err;

static const char *env(const char *name, const char *otherwise)
{
	const char *v = getenv(name);
	return v && v[0] ? v : otherwise;
}

static int64_t number(const char *text)
{
	int64_t v = 0;
	if (num_i64(str_of(text), INT64_MIN, INT64_MAX, &v)) {
		(void)fprintf(stderr, "s3_try: \"%s\" is no number\n", text);
		exit(2);
	}
	return v;
}

static enum s3_lock lock_of(const char *name)
{
	for (int i = 0; i <= S3_LOCK_COMPLIANCE; i++)
		if (strcmp(name, s3_lock_names[i]) == 0)
			return (enum s3_lock)i;
	(void)fprintf(stderr, "s3_try: \"%s\" is no lock\n", name);
	exit(2);
}

static void show_version(const struct s3_version *v)
{
	char hex[2 * CRYPT_SHA256_BYTES + 1];
	json_kv_str(&j, "version_id", v->version_id);
	json_kv_str(&j, "etag", v->etag);
	json_kv_u64(&j, "bytes", v->bytes);
	json_kv_str(&j, "lock", s3_lock_names[v->lock]);
	json_kv_i64(&j, "retain_until_s", v->retain_until_ns / NS_PER_S);
	json_kv_i64(&j, "modified_s", v->modified_ns / NS_PER_S);
	json_kv_bool(&j, "legal_hold", v->legal_hold);
	json_kv_bool(&j, "is_latest", v->is_latest);
	json_kv_bool(&j, "is_delete_marker", v->is_delete_marker);
	hash_hex(v->sha256, sizeof(v->sha256), hex);
	json_kv_str(&j, "sha256", v->has_sha256 ? hex : "");
}

static uint64_t stop_at;
static const char *upload_file;

static int on_part(void *arg, const char *upload_id, uint64_t done_bytes)
{
	(void)arg;
	if (upload_file[0] &&
	    file_write_durable(upload_file, 0600, upload_id, strlen(upload_id), NULL))
		return 1;
	return stop_at > 0 && done_bytes >= stop_at;
}

static int do_put(char **word, int n)
{
	struct s3_version v = { .version_id = "" };
	char upload_id[256] = "";
	uint8_t sha256[CRYPT_SHA256_BYTES];
	struct buf kept;
	enum s3_lock lock = n > 2 ? lock_of(word[2]) : S3_LOCK_NONE;
	int64_t until_ns = n > 3 ? clock_now_ns() + number(word[3]) * NS_PER_S : 0;
	struct s3_put put = {
		.key = word[0],
		.fd = open(word[1], O_RDONLY | O_CLOEXEC),
		.sha256 = sha256,
		.lock = lock,
		.retain_until_ns = until_ns,
		.upload_id = upload_id,
		.part = on_part,
	};
	if (put.fd < 0)
		return err_sys(&err, errno, "%s", word[1]);
	int rc = crypt_sum_file(put.fd, CRYPT_SHA256, &put.bytes, sha256, NULL, &err);
	if (rc)
		return rc;
	/* A sum told in the environment plays a file that rotted since it was sealed. */
	if (env("S3_SHA256", "")[0] &&
	    !s3_from_hex(str_of(env("S3_SHA256", "")), sha256, sizeof(sha256)))
		return err_set(&err, ERR_INVALID, "S3_SHA256");
	buf_init(&kept, sizeof(upload_id) - 1);
	if (upload_file[0] && file_read(upload_file, sizeof(upload_id) - 1, &kept, NULL) == 0)
		(void)str_copy(upload_id, sizeof(upload_id), buf_view(&kept));
	buf_fini(&kept);
	int64_t tries = number(env("S3_TRIES", "1")), made = 0;
	do {
		err = (struct err)ERR_INIT;
		if (made > 0)
			clock_sleep_ms(100); /* as a place's thread backs off */
		rc = s3_put(client, &put, &v, &fault, &err);
	} while (++made < tries && rc && fault.retry && rc != -ERR_CLOSED);
	(void)close(put.fd);
	json_kv_i64(&j, "tries", made);
	json_kv_str(&j, "upload_id", upload_id);
	if (rc == 0)
		show_version(&v);
	return rc;
}

static const char *version_of(const char *word)
{
	return strcmp(word, "-") == 0 ? NULL : word;
}

static int do_head(char **word, int n)
{
	struct s3_version v;
	int rc = s3_head(client, word[0], n > 1 ? version_of(word[1]) : NULL, &v, &fault, &err);
	if (rc == 0)
		show_version(&v);
	return rc;
}

static int do_get(char **word, int n)
{
	uint8_t sha256[CRYPT_SHA256_BYTES];
	if (n > 3 && !s3_from_hex(str_of(word[3]), sha256, sizeof(sha256)))
		return err_set(&err, ERR_INVALID, "%s is no SHA-256", word[3]);
	return s3_get_file(client, word[0], version_of(word[1]), word[2], UINT64_MAX,
			   n > 3 ? sha256 : NULL, &fault, &err);
}

static int do_read(char **word, int n)
{
	(void)n;
	size_t bytes = (size_t)number(word[3]);
	uint8_t sum[CRYPT_SHA256_BYTES];
	char hex[2 * CRYPT_SHA256_BYTES + 1], *p = malloc(bytes + 1);
	if (!p)
		return err_set(&err, ERR_NOMEM, "no memory");
	int rc = s3_read(client, word[0], version_of(word[1]), (uint64_t)number(word[2]), p,
			 bytes, &fault, &err);
	if (rc == 0) {
		crypt_sha256(p, bytes, sum);
		hash_hex(sum, sizeof(sum), hex);
		json_kv_str(&j, "sha256", hex);
	}
	free(p);
	return rc;
}

static int on_listed(void *arg, const struct s3_listed *l)
{
	(void)arg;
	json_obj(&j);
	json_key(&j, "key");
	json_str(&j, l->key);
	show_version(&l->v);
	json_end_obj(&j);
	return 0;
}

static int do_list(char **word, int n)
{
	json_key(&j, "items");
	json_arr(&j);
	int rc = s3_list(client, n > 0 ? word[0] : "", n > 1 ? word[1] : NULL, on_listed, NULL,
			 &fault, &err);
	json_end_arr(&j);
	return rc;
}

static int do_retain(char **word, int n)
{
	(void)n;
	return s3_retain(client, word[0], version_of(word[1]), lock_of(word[2]),
			 clock_now_ns() + number(word[3]) * NS_PER_S, &fault, &err);
}

static void on_step(void *arg, const struct s3_step *s)
{
	static const char *const results[] = { "good", "bad", "skipped", "warning" };
	(void)arg;
	json_obj(&j);
	json_kv_str(&j, "name", s->name);
	json_kv_str(&j, "result", results[s->result]);
	json_kv_str(&j, "words", s->words);
	json_end_obj(&j);
}

static int do_self_test(char **word, int n)
{
	(void)word, (void)n;
	json_key(&j, "steps");
	json_arr(&j);
	int rc = s3_self_test(client, on_step, NULL, &err);
	json_end_arr(&j);
	return rc;
}

static const struct {
	const char *name;
	int least;
	int (*run)(char **word, int n);
} commands[] = {
	{ "put", 2, do_put },
	{ "head", 1, do_head },
	{ "get", 3, do_get },
	{ "read", 4, do_read },
	{ "list", 0, do_list },
	{ "retain", 4, do_retain },
	{ "self-test", 0, do_self_test },
};

static int make_client(void)
{
	struct s3_conf conf = {
		.name = "try",
		.path_style = strcmp(env("S3_STYLE", "path"), "host") != 0,
		.lock = lock_of(env("S3_LOCK", "COMPLIANCE")),
		.keep_ns = 3600 * NS_PER_S,
		.bytes_per_s = (uint64_t)number(env("S3_BYTES_PER_S", "0")),
	};
	const struct {
		char *out;
		size_t cap;
		const char *name;
	} texts[] = {
		{ conf.endpoint, sizeof(conf.endpoint), "S3_ENDPOINT" },
		{ conf.region, sizeof(conf.region), "S3_REGION" },
		{ conf.bucket, sizeof(conf.bucket), "S3_BUCKET" },
		{ conf.prefix, sizeof(conf.prefix), "S3_PREFIX" },
		{ conf.access_key, sizeof(conf.access_key), "S3_ACCESS" },
		{ conf.secret_key, sizeof(conf.secret_key), "S3_SECRET" },
		{ conf.ca_file, sizeof(conf.ca_file), "S3_CA" },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		(void)str_copy(texts[i].out, texts[i].cap, str_of(env(texts[i].name, "")));
	return s3_client_new(&client, &conf, NULL, &err);
}

int main(int argc, char **argv)
{
	int64_t off_s = number(env("S3_CLOCK_S", "0"));
	struct buf out;
	int rc = -1;
	upload_file = env("S3_UPLOAD", "");
	stop_at = (uint64_t)number(env("S3_STOP_AT", "0"));
	if (off_s)
		clock_fix(clock_now_ns() + off_s * NS_PER_S);
	buf_init(&out, 256u << 20);
	json_init(&j, &out);
	json_obj(&j);
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].least) {
			rc = make_client();
			if (rc == 0)
				rc = commands[i].run(argv + 2, argc - 2);
			json_kv_str(&j, "rc", rc ? err_name(-rc) : "ok");
			json_kv_str(&j, "words", err.text);
			json_kv_i64(&j, "status", fault.status);
			json_kv_str(&j, "code", fault.code);
			json_kv_bool(&j, "retry", fault.retry);
			json_kv_i64(&j, "skew_s",
				    client ? s3_client_skew_ns(client) / NS_PER_S : 0);
			json_end_obj(&j);
			(void)printf("%.*s\n", (int)out.n, out.p);
			s3_client_free(client);
			buf_fini(&out);
			return rc ? 1 : 0;
		}
	(void)fputs(
		"s3_try put|head|get|read|list|retain|self-test ...; see tests/tools/s3_try.c\n",
		stderr);
	return 2;
}
