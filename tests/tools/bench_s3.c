/* bench_s3 FOLDER [-p PREFIX] [-l LOCK]: puts every file of a folder with the client of S3, as a place's thread does: looked for,
 * sent with both sums, read back and compared. Prints one JSON line. The environment says where, as for s3_try:
 * S3_ENDPOINT S3_REGION S3_ACCESS S3_SECRET S3_BUCKET [S3_CA]. The SHA-256 that sealing has made is made before the clock
 * starts; both sums that s3_put makes anew from the file are within it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/crypt.h"
#include "tomsd/s3.h"

struct totals {
	uint64_t files, bytes;
	int64_t took_ns, longest_ns;
	double cpu_s;
};

static double cpu_s(void)
{
	struct rusage use;
	(void)getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_s3: %s: %s\n", what, why);
	exit(1);
}

static int go_on(void *arg, const char *upload_id, uint64_t done_bytes)
{
	(void)arg, (void)upload_id, (void)done_bytes;
	return 0;
}

static void put_file(struct s3_client *c, int folder, const char *name, const char *prefix,
		     enum s3_lock lock, struct totals *t)
{
	struct err e = ERR_INIT;
	struct s3_fault f;
	struct s3_version v;
	uint8_t sha256[CRYPT_SHA256_BYTES];
	char key[512], upload_id[256] = "";
	struct s3_put put = { .key = key,
			      .sha256 = sha256,
			      .lock = lock,
			      .upload_id = upload_id,
			      .part = go_on };
	put.fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	if (put.fd < 0)
		die(name, strerror(errno));
	(void)snprintf(key, sizeof(key), "%s/%s", prefix, name);
	put.retain_until_ns = lock == S3_LOCK_NONE ? 0 : clock_now_ns() + 600 * NS_PER_S;
	if (crypt_sum_file(put.fd, CRYPT_SHA256, &put.bytes, sha256, NULL, &e))
		die(name, e.text);
	double cpu_before_s = cpu_s();
	int64_t began_mono_ns = clock_mono_ns();
	if (s3_put(c, &put, &v, &f, &e))
		die(name, e.text);
	int64_t took_ns = clock_mono_ns() - began_mono_ns;
	t->cpu_s += cpu_s() - cpu_before_s;
	t->took_ns += took_ns;
	(void)close(put.fd);
	t->files++;
	t->bytes += put.bytes;
	t->longest_ns = took_ns > t->longest_ns ? took_ns : t->longest_ns;
}

int main(int argc, char **argv)
{
	struct s3_conf conf = { .name = "bench", .path_style = true };
	struct err e = ERR_INIT;
	struct s3_client *c = NULL;
	struct totals t = { 0 };
	const char *prefix = "bench";
	enum s3_lock lock = S3_LOCK_COMPLIANCE;
	for (int option; (option = getopt(argc, argv, "p:l:")) != -1;)
		if (option == 'p')
			prefix = optarg;
		else if (option == 'l' && strcmp(optarg, "NONE") == 0)
			lock = S3_LOCK_NONE;
	if (optind >= argc)
		die("usage", "bench_s3 [-p PREFIX] [-l NONE] FOLDER");
	const struct {
		char *out;
		size_t cap;
		const char *name;
	} texts[] = {
		{ conf.endpoint, sizeof(conf.endpoint), "S3_ENDPOINT" },
		{ conf.region, sizeof(conf.region), "S3_REGION" },
		{ conf.bucket, sizeof(conf.bucket), "S3_BUCKET" },
		{ conf.access_key, sizeof(conf.access_key), "S3_ACCESS" },
		{ conf.secret_key, sizeof(conf.secret_key), "S3_SECRET" },
		{ conf.ca_file, sizeof(conf.ca_file), "S3_CA" },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		(void)str_copy(texts[i].out, texts[i].cap, str_of(getenv(texts[i].name)));
	conf.lock = lock;
	conf.keep_ns = 600 * NS_PER_S;
	if (s3_client_new(&c, &conf, NULL, &e))
		die("client", e.text);
	DIR *folder = opendir(argv[optind]);
	if (!folder)
		die(argv[optind], strerror(errno));
	for (const struct dirent *d; (d = readdir(folder));)
		if (d->d_name[0] != '.')
			put_file(c, dirfd(folder), d->d_name, prefix, lock, &t);
	(void)closedir(folder);
	s3_client_free(c);
	double wall_s = (double)t.took_ns / 1e9, gb = (double)t.bytes / 1e9;
	struct rusage use;
	(void)getrusage(RUSAGE_SELF, &use);
	(void)printf(
		"{\"bench\": \"s3\", \"files\": %llu, \"bytes\": %llu, \"mb_per_s\": %.1f, \"cpu_s_per_gb\": %.2f, \"longest_ms\": %.1f, "
		"\"peak_mib\": %ld}\n",
		(unsigned long long)t.files, (unsigned long long)t.bytes, gb * 1000 / wall_s,
		t.cpu_s / gb, (double)t.longest_ns / 1e6, use.ru_maxrss / 1024);
	return 0;
}
