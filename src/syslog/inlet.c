/* Sockets of the room: addresses out of the configuration, bound while the process may. Main thread. */
#include "inlet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "tomsd/base/log.h"
#include "tomsd/base/num.h"

#define BACKLOG 1024

const char *const inlet_names[] = { "", "udp", "tcp", "tls", "file" };

static int bad_address(struct err *e, struct str text)
{
	char shown[80];
	str_copy_clean(shown, sizeof(shown), text);
	return err_set(
		e, ERR_INVALID,
		"%s is not an address and port, say 192.0.2.1:514, 0.0.0.0:514 or [::]:514",
		shown);
}

static bool split(struct str text, char host[64], struct str *port)
{
	ptrdiff_t colon = -1;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == ':')
			colon = (ptrdiff_t)i;
	if (colon < 0)
		return false;
	struct str name = str_sub(text, 0, (size_t)colon);
	*port = str_sub(text, (size_t)colon + 1, text.n);
	bool is_bracketed = name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
	if (!is_bracketed && str_chr(name, ':') >= 0)
		return false;
	return str_copy(host, 64, is_bracketed ? str_sub(name, 1, name.n - 2) : name);
}

int inlet_parse(struct str text, struct sockaddr_storage *sa, socklen_t *n, struct err *e)
{
	char host[64];
	struct str port;
	uint16_t number = 0;
	if (!split(text, host, &port) || num_u16(port, 0, 65535, &number) != 0)
		return bad_address(e, text);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(number) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(number) };
	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memcpy(sa, &in, sizeof(in));
		*n = sizeof(in);
	} else if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
		memcpy(sa, &in6, sizeof(in6));
		*n = sizeof(in6);
	} else {
		return bad_address(e, text);
	}
	return 0;
}

int inlet_check(struct str text, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t n;
	return inlet_parse(text, &sa, &n, e);
}

void inlet_addr(const struct sockaddr_storage *sa, struct addr *out, uint16_t *port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	memcpy(&in, sa, sizeof(in)); /* the port lies at the same place in both */
	memcpy(&in6, sa, sizeof(in6));
	*port = ntohs(in.sin_port);
	if (sa->ss_family == AF_INET)
		*out = addr_v4(ntohl(in.sin_addr.s_addr));
	else
		memcpy(out->b, in6.sin6_addr.s6_addr, sizeof(out->b));
}

/* Why an address cannot be bound, with what to do about it. */
static int bad_bind(struct err *e, int errnum, const char *option, const char *text)
{
	static const struct {
		int errnum;
		const char *advice;
	} known[] = {
		{ EADDRINUSE,
		  "another program receives there (rsyslog, syslog-ng?); stop it or choose another port" },
		{ EADDRNOTAVAIL, "no interface has this address; ip address shows which have" },
		{ EACCES,
		  "ports below 1024 need CAP_NET_BIND_SERVICE; the systemd unit gives it" },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].errnum == errnum)
			return err_set(e, ERR_DENIED, "[syslog] %s %s: %s", option, text,
				       known[i].advice);
	return err_sys(e, errnum, "[syslog] %s %s", option, text);
}

/* As large as asked for where privileges allow, else as large as the kernel's limit allows. */
static void buffer_set(struct inlet *in, int64_t bytes)
{
	int want = (int)(bytes / 2), got = 0; /* the kernel doubles what it is told */
	socklen_t n = sizeof(got);
	if (setsockopt(in->fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof(want)) != 0)
		(void)setsockopt(in->fd, SOL_SOCKET, SO_RCVBUF, &want,
				 sizeof(want)); /* looked at below */
	(void)getsockopt(in->fd, SOL_SOCKET, SO_RCVBUF, &got, &n);
	in->buffer_bytes = (uint64_t)got;
	if (got < want)
		log_warning(
			"syslog",
			"receive buffer is small address=%s bytes=%d wanted=%lld: raise net.core.rmem_max",
			in->text, got, (long long)bytes);
}

static int options_set(struct inlet *in, int64_t buffer)
{
	int on = 1;
	if (in->transport != LOG_VIA_UDP) /* else a restart waits a minute */
		(void)setsockopt(in->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (in->at.ss_family == AF_INET6)
		(void)setsockopt(in->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				 sizeof(on)); /* each address is asked for by name */
	if (in->transport == LOG_VIA_UDP) {
		if (setsockopt(in->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) != 0)
			return errno;
		buffer_set(in, buffer);
	}
	return 0;
}

static void text_make(struct inlet *in)
{
	char host[ADDR_TEXT_MAX];
	struct addr a;
	uint16_t port;
	inlet_addr(&in->at, &a, &port);
	if (in->at.ss_family == AF_INET6 && !addr_is_zero(&a))
		addr_text(&a, host);
	else
		(void)str_copy(host, sizeof(host), str_of("::"));
	if (in->at.ss_family == AF_INET)
		addr_text(&a, host);
	(void)snprintf(in->text, sizeof(in->text),
		       in->at.ss_family == AF_INET ? "%s:%u" : "[%s]:%u", host, (unsigned)port);
}

static int open_one(struct inlets *l, enum log_transport transport, const char *text,
		    int64_t buffer, struct err *e)
{
	struct inlet *in = &l->all[l->n];
	const char *option = inlet_names[transport];
	int type = transport == LOG_VIA_UDP ? SOCK_DGRAM : SOCK_STREAM;
	if (l->n == INLETS_MAX)
		return err_set(e, ERR_RANGE, "[syslog] more than %d addresses", INLETS_MAX);
	int rc = inlet_parse(str_of(text), &in->at, &in->at_bytes, e);
	if (rc != 0)
		return rc;
	in->transport = transport;
	(void)str_copy(in->text, sizeof(in->text), str_of(text));
	in->fd = socket(in->at.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (in->fd < 0)
		return err_sys(e, errno, "[syslog] %s %s", option, text);
	l->n++;
	int errnum = options_set(in, buffer);
	if (errnum)
		return err_sys(e, errnum, "[syslog] %s %s", option, text);
	if (bind(in->fd, (const struct sockaddr *)&in->at, in->at_bytes) != 0 ||
	    (type == SOCK_STREAM && listen(in->fd, BACKLOG) != 0))
		return bad_bind(e, errno, option, text);
	in->at_bytes = sizeof(in->at);
	if (getsockname(in->fd, (struct sockaddr *)&in->at, &in->at_bytes) != 0)
		return err_sys(e, errno, "[syslog] %s %s", option, text);
	text_make(in);
	return 0;
}

int inlets_open(struct inlets *l, const struct conf *c, struct err *e)
{
	static const enum log_transport transports[] = { LOG_VIA_UDP, LOG_VIA_TCP,
							 LOG_VIA_TLS };
	int64_t buffer = conf_i64(c, "syslog", "receive_buffer");
	int rc = 0;
	for (size_t t = 0; t < ARRAY_LEN(transports); t++) {
		const char *option = inlet_names[transports[t]];
		size_t n = conf_count(c, "syslog", option);
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = open_one(l, transports[t], conf_item(c, "syslog", option, i),
				      buffer, e);
	}
	return rc;
}

void inlets_close(struct inlets *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->all[i].fd >= 0)
			(void)close(l->all[i].fd);
	l->n = 0;
}
