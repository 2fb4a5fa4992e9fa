/* log_send: sends lines of files to a syslog door, as a firewall does. Prints one JSON object.
 *
 *   log_send --to ADDRESS:PORT [--via tcp|udp|tls] [--from ADDRESS] [--framing octet|lf|nul]
 *            [--connections N] [--rate LINES/S] [--count N] FILE...
 *
 * A file has a line a row. --count goes round the lines until so many are sent; --rate is of all
 * connections together (0: as fast as it goes); --from is the local address, so that loopback can
 * play several devices. Lines are framed before the clock starts. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"

#define CHUNK 65536
#define BATCH 64 /* datagrams a system call */
#define MOST_CONNECTIONS 1024

enum via { VIA_TCP, VIA_UDP, VIA_TLS };

static struct options {
	struct sockaddr_in to, from;
	enum via via;
	char framing; /* o l n */
	uint64_t connections, rate, count;
} opt = { .via = VIA_TCP, .framing = 'o', .connections = 1 };

/* Framed lines, one behind the other; line i is [at[i], at[i + 1]). */
static char *text;
static size_t *at, n_lines;

struct sender {
	pthread_t thread;
	uint64_t first, lines, bytes; /* its share: lines first .. first + lines */
};

static void die(const char *what)
{
	(void)fprintf(stderr, "log_send: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	(void)fputs(
		"usage: log_send --to ADDRESS:PORT [--via tcp|udp|tls] [--from ADDRESS]\n"
		"       [--framing octet|lf|nul] [--connections N] [--rate N] [--count N] FILE...\n",
		stderr);
	exit(2);
}

static uint64_t number(const char *word, uint64_t max)
{
	uint64_t v;
	if (num_u64(str_of(word), 0, max, &v) < 0)
		usage();
	return v;
}

static void address(const char *word, struct sockaddr_in *out)
{
	char ip[32];
	const char *colon = strchr(word, ':');
	size_t n = colon ? (size_t)(colon - word) : strlen(word);
	if (n >= sizeof(ip))
		usage();
	memcpy(ip, word, n);
	ip[n] = '\0';
	*out = (struct sockaddr_in){ .sin_family = AF_INET };
	if (colon)
		out->sin_port = htons((uint16_t)number(colon + 1, UINT16_MAX));
	if (inet_pton(AF_INET, ip, &out->sin_addr) != 1)
		usage();
}

static void options_read(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "to", 1, NULL, 't' },    { "via", 1, NULL, 'v' },
		{ "from", 1, NULL, 'f' },  { "framing", 1, NULL, 'm' },
		{ "rate", 1, NULL, 'r' },  { "connections", 1, NULL, 'c' },
		{ "count", 1, NULL, 'n' }, { NULL, 0, NULL, 0 },
	};
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		switch (c) {
		case 't':
			address(optarg, &opt.to);
			break;
		case 'f':
			address(optarg, &opt.from);
			break;
		case 'v':
			opt.via = optarg[0] == 'u' ? VIA_UDP :
				  optarg[1] == 'l' ? VIA_TLS :
						     VIA_TCP;
			break;
		case 'm':
			opt.framing = optarg[0];
			break;
		case 'r':
			opt.rate = number(optarg, UINT32_MAX);
			break;
		case 'c':
			opt.connections = number(optarg, MOST_CONNECTIONS);
			break;
		case 'n':
			opt.count = number(optarg, UINT64_MAX);
			break;
		default:
			usage();
		}
	if (!opt.to.sin_port || optind == argc || !opt.connections)
		usage();
}

static void line_add(const char *line, size_t n)
{
	static size_t room, lines_room, used;
	if (used + n + 32 > room) {
		room = (used + n) * 2 + CHUNK;
		text = realloc(text, room);
	}
	if (n_lines + 2 > lines_room) {
		lines_room = lines_room * 2 + 1024;
		at = realloc(at, lines_room * sizeof(*at));
	}
	if (!text || !at)
		die("memory");
	at[n_lines++] = used;
	if (opt.via != VIA_UDP && opt.framing == 'o')
		used += (size_t)snprintf(text + used, 32, "%zu ", n);
	memcpy(text + used, line, n);
	used += n;
	if (opt.via != VIA_UDP && opt.framing != 'o')
		text[used++] = opt.framing == 'l' ? '\n' : '\0';
	at[n_lines] = used;
}

static void file_read_lines(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *line = NULL;
	size_t room = 0;
	if (!f)
		die(path);
	for (ssize_t n; (n = getline(&line, &room, f)) > 0;)
		line_add(line, (size_t)n - (line[n - 1] == '\n'));
	free(line);
	(void)fclose(f);
}

static int door_open(void)
{
	int fd = socket(AF_INET, opt.via == VIA_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (fd < 0)
		die("socket");
	if (opt.from.sin_family &&
	    bind(fd, (const struct sockaddr *)&opt.from, sizeof(opt.from)) < 0)
		die("bind");
	if (connect(fd, (const struct sockaddr *)&opt.to, sizeof(opt.to)) < 0)
		die("connect");
	return fd;
}

/* Waits until this sender may have sent so many lines. */
static void keep_pace(int64_t began, uint64_t sent)
{
	if (!opt.rate)
		return;
	double share = (double)opt.rate / (double)opt.connections;
	int64_t due = began + (int64_t)((double)sent / share * 1e9);
	int64_t wait = due - clock_mono_ns();
	if (wait > 0)
		(void)usleep((useconds_t)(wait / 1000));
}

/* Lines until CHUNK bytes, the pace's next millisecond, or the end of the corpus. */
static uint64_t run_of(uint64_t line, uint64_t left)
{
	uint64_t i = line % n_lines,
		 most = opt.rate ? opt.rate / opt.connections / 500 + 1 : left;
	uint64_t n = 1;
	while (n < left && n < most && i + n < n_lines && at[i + n + 1] - at[i] <= CHUNK)
		n++;
	return n;
}

static void stream_write(int fd, SSL *tls, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = tls ? SSL_write(tls, p, (int)n) : write(fd, p, n);
		if (sent <= 0)
			die("write");
		p += sent;
		n -= (size_t)sent;
	}
}

static void send_stream(struct sender *s, int64_t began)
{
	int fd = door_open();
	SSL_CTX *ctx = NULL;
	SSL *tls = NULL;
	if (opt.via == VIA_TLS) { /* a bench's client: it asks for no name */
		ctx = SSL_CTX_new(TLS_client_method());
		tls = ctx ? SSL_new(ctx) : NULL;
		if (!tls || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1)
			die("TLS");
	}
	for (uint64_t sent = 0; sent < s->lines;) {
		uint64_t i = (s->first + sent) % n_lines;
		uint64_t n = run_of(i, s->lines - sent);
		stream_write(fd, tls, text + at[i], at[i + n] - at[i]);
		s->bytes += at[i + n] - at[i];
		sent += n;
		keep_pace(began, sent);
	}
	if (tls)
		(void)SSL_shutdown(tls);
	SSL_free(tls);
	SSL_CTX_free(ctx);
	(void)shutdown(fd, SHUT_WR);
	(void)close(fd);
}

static void send_datagrams(struct sender *s, int64_t began)
{
	static _Thread_local struct mmsghdr m[BATCH];
	static _Thread_local struct iovec v[BATCH];
	int fd = door_open();
	for (uint64_t sent = 0; sent < s->lines;) {
		uint64_t i = (s->first + sent) % n_lines;
		uint64_t n = run_of(i, s->lines - sent);
		n = n > BATCH ? BATCH : n;
		for (uint64_t k = 0; k < n; k++) {
			v[k] = (struct iovec){ text + at[i + k], at[i + k + 1] - at[i + k] };
			m[k].msg_hdr = (struct msghdr){ .msg_iov = &v[k], .msg_iovlen = 1 };
			s->bytes += v[k].iov_len;
		}
		for (uint64_t done = 0; done < n;) {
			int did = sendmmsg(fd, m + done, (unsigned)(n - done), 0);
			if (did < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
				die("sendmmsg");
			done += did < 0 ? 0 : (uint64_t)did;
		}
		sent += n;
		keep_pace(began, sent);
	}
	(void)close(fd);
}

static int64_t began_ns;

static void *sender_run(void *arg)
{
	if (opt.via == VIA_UDP)
		send_datagrams(arg, began_ns);
	else
		send_stream(arg, began_ns);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct sender senders[MOST_CONNECTIONS];
	uint64_t bytes = 0, done = 0;
	struct rusage use;
	(void)signal(SIGPIPE, SIG_IGN);
	options_read(argc, argv);
	for (int i = optind; i < argc; i++)
		file_read_lines(argv[i]);
	if (!n_lines)
		return puts("{\"lines\":0,\"bytes\":0,\"seconds\":0}") < 0;
	if (!opt.count)
		opt.count = n_lines;
	began_ns = clock_mono_ns();
	for (uint64_t i = 0; i < opt.connections; i++) {
		senders[i].first = done;
		senders[i].lines = opt.count * (i + 1) / opt.connections - done;
		done += senders[i].lines;
		if (pthread_create(&senders[i].thread, NULL, sender_run, &senders[i]) != 0)
			die("thread");
	}
	for (uint64_t i = 0; i < opt.connections; i++) {
		(void)pthread_join(senders[i].thread, NULL);
		bytes += senders[i].bytes;
	}
	double seconds = (double)(clock_mono_ns() - began_ns) / 1e9;
	(void)getrusage(RUSAGE_SELF, &use);
	printf("{\"lines\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"lines_per_s\":%.0f,"
	       "\"cpu_s\":%.3f}\n",
	       (unsigned long long)opt.count, (unsigned long long)bytes, seconds,
	       (double)opt.count / (seconds > 0 ? seconds : 1e-9),
	       (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	free(text);
	free(at);
	return 0;
}
