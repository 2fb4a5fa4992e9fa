/* See sender.h. The line is written as a FortiGate would; TCP and TLS get it octet counted. */
#include "sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "room.h"
#include "tls.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

#define PREFIX "toms-test-"

void sender_init(struct sender *t)
{
	mutex_init(&t->m);
	cond_init(&t->came);
}

void sender_fini(struct sender *t)
{
	pthread_cond_destroy(&t->came);
	mutex_fini(&t->m);
}

static struct sent *find(struct sender *t, struct str line) REQUIRES(&t->m)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_find(line, str_of(t->all[i].mark)) >= 0)
			return &t->all[i];
	return NULL;
}

bool sender_is_ours(struct sender *t, struct str line)
{
	if (str_find(line, STR(PREFIX)) < 0)
		return false;
	mutex_lock(&t->m);
	bool ours = find(t, line) != NULL;
	mutex_unlock(&t->m);
	return ours;
}

void sender_put(struct sender *t, struct str line)
{
	mutex_lock(&t->m);
	struct sent *one = find(t, line);
	if (one)
		one->put = true;
	pthread_cond_broadcast(&t->came);
	mutex_unlock(&t->m);
}

/* 0.0.0.0 and [::] receive on the loopback too. */
static void reachable(struct sockaddr_storage *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	memcpy(&in, sa, sizeof(in));
	memcpy(&in6, sa, sizeof(in6));
	if (sa->ss_family == AF_INET && in.sin_addr.s_addr == htonl(INADDR_ANY)) {
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		memcpy(sa, &in, sizeof(in));
	} else if (sa->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr)) {
		in6.sin6_addr = in6addr_loopback;
		memcpy(sa, &in6, sizeof(in6));
	}
}

static void failed(struct sent *one, const char *why, const char *detail)
{
	one->why = why;
	(void)str_copy(one->detail, sizeof(one->detail), str_of(detail));
}

static size_t line_make(char *out, size_t cap, const char *mark)
{
	char at[CLOCK_RFC3339_MAX];
	int64_t now_ns = clock_now_ns();
	clock_rfc3339(now_ns, at);
	int n = snprintf(
		out, cap,
		"<189>date=%.10s time=%.8s devname=\"toms\" devid=\"TOMSTEST\" eventtime=%lld tz=\"+0000\" "
		"logid=\"0100000000\" type=\"event\" subtype=\"system\" level=\"notice\" vd=\"root\" "
		"logdesc=\"Test of the log path\" msg=\"%s\"",
		at, at + 11, (long long)now_ns, mark);
	return (size_t)n < cap ? (size_t)n : cap - 1;
}

static void send_over(struct syslog *s, const struct inlet *in, int fd, struct sent *one)
{
	struct err e = ERR_INIT;
	char line[512], framed[544];
	size_t n = line_make(line, sizeof(line), one->mark);
	int k = snprintf(framed, sizeof(framed), "%zu %s", n, line);
	if (in->transport == LOG_VIA_TLS && syslog_tls_wants_client(s->tls)) {
		failed(one, "test.client_certificate", "");
		return;
	}
	if (in->transport == LOG_VIA_TLS) {
		if (syslog_tls_send(fd, str_n(framed, (size_t)k), &e) != 0)
			failed(one, "test.send", e.text);
	} else {
		bool is_udp = in->transport == LOG_VIA_UDP;
		struct str bytes = is_udp ? str_n(line, n) : str_n(framed, (size_t)k);
		if (send(fd, bytes.p, bytes.n, MSG_NOSIGNAL) != (ssize_t)bytes.n)
			failed(one, "test.send", strerrorname_np(errno));
	}
	one->sent = !one->why;
}

static void send_one(struct syslog *s, const struct inlet *in, struct sent *one)
{
	struct timeval limit = { .tv_sec = 2 };
	struct sockaddr_storage to = in->at;
	reachable(&to);
	int fd = socket(
		to.ss_family,
		(in->transport == LOG_VIA_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		failed(one, "test.send", strerrorname_np(errno));
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
			 sizeof(limit)); /* bounds connect(2) too */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&to, in->at_bytes) != 0)
		failed(one, "test.connect", strerrorname_np(errno));
	else
		send_over(s, in, fd, one);
	(void)close(fd);
}

static void mark_make(char mark[SENDER_MARK_MAX])
{
	uint8_t random[8];
	char digits[17];
	file_random(random, sizeof(random));
	hash_hex(random, sizeof(random), digits);
	(void)snprintf(mark, SENDER_MARK_MAX, PREFIX "%s", digits);
}

static bool begin(struct sender *t, size_t n)
{
	mutex_lock(&t->m);
	bool free = t->n == 0;
	if (free) {
		memset(t->all, 0, sizeof(t->all));
		for (size_t i = 0; i < n; i++)
			mark_make(t->all[i].mark);
		t->n = n;
	}
	mutex_unlock(&t->m);
	if (free)
		atomic_store(&t->is_waiting, true);
	return free;
}

static bool all_put(const struct sender *t, const struct sent *sent) REQUIRES(&t->m)
{
	for (size_t i = 0; i < t->n; i++)
		if (sent[i].sent && !t->all[i].put)
			return false;
	return true;
}

static void wait_for(struct syslog *s, struct sent *sent, size_t n, int64_t began_ns)
{
	struct err e = ERR_INIT;
	struct sender *t = &s->sender;
	int64_t until_ns = began_ns + SENDER_WAIT_MS * NS_PER_MS;
	mutex_lock(&t->m);
	for (int64_t now; !all_put(t, sent) && (now = clock_mono_ns()) < until_ns;)
		(void)cond_wait(&t->came, &t->m,
				(int)((until_ns - now) / NS_PER_MS) + 1); /* looked at above */
	for (size_t i = 0; i < n; i++)
		sent[i].put = t->all[i].put;
	mutex_unlock(&t->m);
	int rc = store_flush(s->store, SENDER_WAIT_MS, &e);
	int ms = (int)((clock_mono_ns() - began_ns) / NS_PER_MS);
	for (size_t i = 0; i < n; i++) {
		sent[i].arrived = sent[i].put && rc == 0;
		sent[i].ms = ms;
		if (sent[i].sent && !sent[i].put)
			failed(&sent[i], "test.not_arrived", "");
		else if (sent[i].put && rc != 0)
			failed(&sent[i], "test.not_durable", e.text);
	}
}

int sender_run(struct syslog *s, struct sent out[INLETS_MAX], size_t *n)
{
	struct sender *t = &s->sender;
	*n = s->inlets.n;
	if (*n == 0)
		return 0;
	if (!begin(t, *n))
		return -ERR_BUSY;
	memcpy(out, t->all, sizeof(t->all));
	int64_t began_ns = clock_mono_ns();
	for (size_t i = 0; i < *n; i++)
		send_one(s, &s->inlets.all[i], &out[i]);
	wait_for(s, out, *n, began_ns);
	atomic_store(&t->is_waiting, false);
	mutex_lock(&t->m);
	t->n = 0;
	mutex_unlock(&t->m);
	return 0;
}
