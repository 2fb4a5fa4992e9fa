/* A small store with a few rows for the fuzz targets of queries: made once a process, gone with it. */
#ifndef TOMSD_FUZZ_QUERY_STORE_H
#define TOMSD_FUZZ_QUERY_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tomsd/flow_row.h"
#include "tomsd/log_row.h"
#include "tomsd/store.h"

static char query_store_dir[] = "/tmp/tomsd-fuzz-query-XXXXXX";
static struct store *query_store_made;

static void query_store_close(void)
{
	static const char *const files[] = { "tomsd.db", "tomsd.db-wal", "tomsd.db-shm" };
	char path[100];

	store_stop(query_store_made);
	store_free(query_store_made);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", query_store_dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(query_store_dir);
}

static void query_store_row(int64_t i)
{
	struct flow f = {
		.start_ns = (1795305600 + 40000 * i) * NS_PER_S,
		.end_ns = (1795305600 + 40000 * i) * NS_PER_S + i * NS_PER_MS,
		.src = addr_v4(0x0a000001u + (uint32_t)i),
		.dst = addr_v4(0xcb007101u),
		.src_port = (uint16_t)(50000 + i),
		.dst_port = 443,
		.src_bytes = (uint64_t)i * 1000,
		.risks = UINT64_C(1) << i,
		.ip_version = 4,
		.l4 = i % 3 ? 6 : 1,
		.name_kind = (uint8_t)(i % 8),
		.proto = "tls",
		.name = "host.example.com",
		.user_agent = "Agent/1.0 (%_\\*)",
		.medical = "{\"device\":{\"model\":\"CT 1\",\"beds\":[1,2,true,null]}}",
	};

	if (store_put(query_store_made, &flow_record, &f))
		abort();
}

static void query_store_line(int64_t i)
{
	static const char *const lines[] = {
		"<189>date=2026-11-22 time=08:00:00 devname=\"fw1\" type=\"traffic\" action=\"close\" srcip=10.0.0.1",
		"<13>sw1 LINK: port 7 is up \x83\x5c\x83\x41 \xe6\x97\xa5\xe6\x9c\xac\xe8",
		"{\"msg\":\"a\\u0062c\",\"n\":12}",
		"",
	};
	union {
		struct log row;
		char bytes[sizeof(struct log) + 256];
	} g = { .row = { .at_ns = (1795305600 + 40000 * i) * NS_PER_S,
			 .created_ns = 1795305600 * NS_PER_S,
			 .src = addr_v4(0x0a000001u + (uint32_t)i),
			 .src_nat = addr_v4(0xcb007101u),
			 .session = (uint64_t)i * 100,
			 .policy = (uint32_t)i,
			 .kind = (uint8_t)(i % 7),
			 .format = i % 4 == 0 ? LOG_FORMAT_KV :
				   i % 4 == 2 ? LOG_FORMAT_JSON :
						LOG_FORMAT_PLAIN,
			 .type = "traffic",
			 .host = "fw1" } };

	g.row.line_n = (uint32_t)strlen(lines[i % 4]);
	memcpy(g.bytes + offsetof(struct log, line), lines[i % 4], g.row.line_n);
	if (store_put(query_store_made, &log_record, &g))
		abort();
}

static struct store *query_store(void)
{
	struct store_conf conf = { .path = query_store_dir };
	struct err e = ERR_INIT;

	if (query_store_made)
		return query_store_made;
	if (!mkdtemp(query_store_dir) || store_open(&query_store_made, &conf, &e) ||
	    store_start(query_store_made, &e))
		abort();
	(void)atexit(query_store_close);
	for (int64_t i = 0; i < 20; i++) {
		query_store_row(i);
		query_store_line(i);
	}
	if (store_flush(query_store_made, 10000, &e))
		abort();
	return query_store_made;
}

UNUSED static int query_store_seen(void *arg, const void *row)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

#endif
