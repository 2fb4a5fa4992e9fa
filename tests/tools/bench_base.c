/* What the tools on hot paths cost, in nanoseconds of CPU a call: one JSON line each. bench_base */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/hash.h"
#include "tomsd/base/json.h"
#include "tomsd/base/map.h"
#include "tomsd/base/queue.h"
#include "tomsd/base/str.h"

#define ENTRIES 1000000u

static uint8_t bytes[1 << 20];
static char text[256];
static struct map map;
static struct queue *queue;
static struct buf buf;
static uint64_t sink; /* keeps the compiler from leaving calls out */

static void sha1_community_id(uint64_t i)
{
	uint8_t sum[20];
	bytes[0] = (uint8_t)i;
	hash_sha1(bytes, 45, sum);
	sink = sum[0];
}

/* The same by the library, its context made once: the peer. */
static void sha1_openssl(uint64_t i)
{
	static EVP_MD_CTX *ctx;
	uint8_t sum[20];
	if (!ctx)
		ctx = EVP_MD_CTX_new();
	bytes[0] = (uint8_t)i;
	(void)(EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) && EVP_DigestUpdate(ctx, bytes, 45) &&
	       EVP_DigestFinal_ex(ctx, sum, NULL));
	sink = sum[0];
}

static void sha256_mebibyte(uint64_t i)
{
	uint8_t sum[32];
	bytes[0] = (uint8_t)i;
	hash_sha256(bytes, sizeof(bytes), sum);
	sink = sum[0];
}

static void hash_flow_key(uint64_t i)
{
	sink = hash_bytes(bytes, 37, i);
}

static void write_time(uint64_t i)
{
	clock_rfc3339(INT64_C(1795356306123456789) + (int64_t)i, text);
}

static void read_time(uint64_t i)
{
	int64_t ns = (int64_t)i;
	sink = (uint64_t)clock_parse_rfc3339(STR("2026-11-22T14:05:06.123456789Z"), &ns);
}

static void clean_text(uint64_t i)
{
	(void)i;
	str_copy_clean(
		text, sizeof(text),
		STR("intranet.hospital.example, 66 bytes of text that is ASCII and clean"));
}

static void map_find(uint64_t i)
{
	sink = map_get(&map, i * 7919 % ENTRIES * 64) != NULL;
}

static void queue_one(uint64_t i)
{
	/* Alone in it: never full, never empty. */
	sink = (uint64_t)queue_try_push(queue, &i) + (uint64_t)queue_pop(queue, &i, 0);
}

static void json_flow(uint64_t i)
{
	static const char *const paths[] = { "source.ip",        "source.port",
					     "source.bytes",     "destination.ip",
					     "destination.port", "network.bytes",
					     "network.vlan.id",  "tls.client.server_name" };
	struct json j;
	buf_reset(&buf);
	json_init(&j, &buf);
	json_obj(&j);
	for (size_t at = 0; at < ARRAY_LEN(paths); at++) {
		json_path(&j, paths[at]);
		json_u64(&j, i);
	}
	json_path_end(&j);
	json_end_obj(&j);
}

static void measure(const char *what, const char *who, void (*call)(uint64_t), uint64_t times)
{
	double best = 0;
	for (int round = 0; round < 5; round++) {
		int64_t before = clock_thread_cpu_ns();
		for (uint64_t i = 0; i < times; i++)
			call(i);
		double ns = (double)(clock_thread_cpu_ns() - before) / (double)times;
		best = round == 0 || ns < best ? ns : best;
	}
	printf("{\"bench\":\"base %s\",\"who\":\"%s\",\"cpu_ns\":%.1f}\n", what, who, best);
}

int main(void)
{
	bool made;
	queue = queue_new(64, 1024);
	buf_init(&buf, 1 << 16);
	if (!queue || map_init(&map, ENTRIES))
		return 1;
	for (uint64_t i = 0; i < ENTRIES; i++)
		*map_put(&map, i * 64, &made) = i;
	measure("SHA-1 of 45 bytes", "ours", sha1_community_id, 1000000);
	measure("SHA-1 of 45 bytes", "OpenSSL", sha1_openssl, 1000000);
	measure("SHA-256 of 1 MiB", "ours", sha256_mebibyte, 20);
	measure("hash of 37 bytes", "ours", hash_flow_key, 10000000);
	measure("time to text", "ours", write_time, 2000000);
	measure("text to time", "ours", read_time, 2000000);
	measure("clean copy of 66 bytes", "ours", clean_text, 5000000);
	measure("map look-up among 1 M", "ours", map_find, 4000000);
	measure("queue push and pop", "ours", queue_one, 2000000);
	measure("JSON of 8 nested names", "ours", json_flow, 300000);
	return 0;
}
