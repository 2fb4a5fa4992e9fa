/* Asking the running daemon over its control socket: one HTTP/1.1 request a connection. Without a
 * daemon, questions (GET) that the store can answer are answered here, by the daemon's own routes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "tomsd/api.h"
#include "tomsd/base/num.h"

#define ANSWER_MAX (256u << 20)
#define ANSWER_WAIT_S 60

static int socket_connect(struct ctl *c, int *out, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char path[CTL_PATH_MAX + 16];
	(void)snprintf(path, sizeof(path), "%s/control.sock", c->state_path);
	int folder = open(c->state_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 && errno == ENOENT)
		return -ERR_NOTFOUND;
	if (!str_copy(at.sun_path, sizeof(at.sun_path), str_of(path)))
		(void)snprintf(at.sun_path, sizeof(at.sun_path),
			       "/proc/self/fd/%d/control.sock", folder);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval wait = { .tv_sec = ANSWER_WAIT_S };
	int rc = 0;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)))
		rc = err_sys(e, errno, "making a socket");
	else if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		rc = errno == ENOENT || errno == ECONNREFUSED ?
			     -ERR_NOTFOUND :
		     errno == EACCES ?
			     err_set(e, ERR_DENIED, "%s may not be used; try sudo", path) :
			     err_sys(e, errno, "connecting to %s", path);
	if (folder >= 0)
		(void)close(folder);
	if (rc && fd >= 0)
		(void)close(fd);
	else if (!rc)
		*out = fd;
	return rc;
}

static int send_all(int fd, const char *p, size_t n, struct err *e)
{
	while (n) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
		if (w < 0 && errno != EINTR)
			return err_sys(e, errno, "asking the daemon");
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
	return 0;
}

static int receive_all(int fd, struct buf *b, struct err *e)
{
	char piece[65536];
	for (;;) {
		ssize_t n = recv(fd, piece, sizeof(piece), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "waiting for the daemon's answer");
		if (n == 0)
			break;
		buf_put(b, piece, (size_t)n);
	}
	return buf_failed(b) ? err_set(e, ERR_FULL, "the daemon's answer is too large") : 0;
}

/* "HTTP/1.1 200 OK", fields, empty line, body to the end. */
static int take_answer(struct str all, struct answer *out, struct err *e)
{
	ptrdiff_t end = str_find(all, STR("\r\n\r\n"));
	struct str head = str_sub(all, 0, end < 0 ? 0 : (size_t)end), line, word;
	uint32_t status;
	if (!str_split(&head, '\n', &line) || !str_split(&line, ' ', &word) ||
	    !str_split(&line, ' ', &word) || num_u32(word, 100, 599, &status))
		return err_set(e, ERR_INVALID, "the daemon's answer is not understood");
	out->status = (int)status;
	while (str_split(&head, '\n', &line))
		if (str_ieq(str_sub(line, 0, 13), STR("Content-Type:")))
			(void)str_copy(out->type, sizeof(out->type),
				       str_trim(str_sub(line, 13, line.n)));
	buf_str(&out->body, str_sub(all, (size_t)end + 4, all.n));
	return buf_failed(&out->body) ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

int client_ask(struct ctl *c, const char *method, const char *target, const char *body,
	       struct answer *out, struct err *e)
{
	struct buf b;
	int fd = -1, rc = state_find(c, e);
	if (!rc)
		rc = socket_connect(c, &fd, e);
	if (rc)
		return rc;
	buf_init(&out->body, ANSWER_MAX);
	buf_init(&b, ANSWER_MAX);
	buf_fmt(&b, "%s %s HTTP/1.1\r\nHost: local\r\nContent-Length: %zu\r\n\r\n", method,
		target, body ? strlen(body) : 0);
	if (body)
		buf_cstr(&b, body);
	rc = send_all(fd, b.p, b.n, e);
	if (b.p)
		explicit_bzero(b.p, b.n); /* passwords go this way */
	buf_reset(&b);
	if (!rc)
		rc = receive_all(fd, &b, e);
	if (!rc)
		rc = take_answer(buf_view(&b), out, e);
	buf_fini(&b);
	(void)close(fd);
	if (rc)
		answer_fini(out);
	return rc;
}

/* The routes, without a daemon: a house of one room with the store opened for reading. */
static int answer_here(struct ctl *c, const char *method, const char *target,
		       struct answer *out, struct err *e)
{
	static const struct room *const rooms[] = { &api_room, NULL };
	struct app_setup setup = { .mode = APP_CHECK, .rooms = rooms };
	struct app *a = NULL;
	struct store *st = NULL;
	struct request rq = { .lang = "en", .who = { .role = ROLE_ADMIN, .from = "local" } };
	struct reply rp;
	int rc = state_store(c, &st, e);
	if (!rc)
		rc = app_new(&a, &setup, e);
	if (!rc) {
		app_set_store(a, st);
		struct str all = str_of(target);
		ptrdiff_t mark = str_chr(all, '?');
		rq.app = a;
		rq.method = str_of(method);
		rq.path = mark < 0 ? all : str_sub(all, 0, (size_t)mark);
		rq.query = mark < 0 ? STR_NULL : str_sub(all, (size_t)mark + 1, all.n);
		buf_init(&rq.arena, 1u << 20);
		reply_init(&rp);
		api_dispatch(&rq, &rp);
		out->status = rp.status;
		(void)str_copy(out->type, sizeof(out->type),
			       str_of(rp.type ? rp.type : "application/json"));
		buf_init(&out->body, ANSWER_MAX);
		buf_str(&out->body, buf_view(&rp.body));
		reply_fini(&rp);
		buf_fini(&rq.arena);
	}
	app_free(a);
	store_free(st);
	return rc;
}

int client_ask_any(struct ctl *c, const char *method, const char *target, struct answer *out,
		   struct err *e)
{
	int rc = client_ask(c, method, target, NULL, out, e);
	if (rc != -ERR_NOTFOUND || e->code)
		return rc;
	return answer_here(c, method, target, out, e);
}

void answer_fini(struct answer *a)
{
	buf_fini(&a->body);
}

int answer_fail(const struct answer *a)
{
	struct json_doc d;
	char words[512], field[512] = "", name[128] = "";
	struct err e = ERR_INIT;
	if (json_parse(buf_view(&a->body), 4096, &d, &e))
		return ctl_fail("the daemon said no (%d)", a->status);
	json_member_text(&d, d.nodes, "detail", words, sizeof(words));
	const struct json_node *errors = json_get(&d, d.nodes, "errors");
	if (errors && errors->count > 0) { /* the first one names what to mend */
		json_member_text(&d, errors + 1, "detail", field, sizeof(field));
		json_member_text(&d, errors + 1, "pointer", name, sizeof(name));
	}
	json_doc_fini(&d);
	const char *say = *field ? field : *words ? words : "the daemon said no";
	if (*field && name[0] == '/' && name[1])
		return ctl_fail("%s: %s (%d)", name + 1, say, a->status);
	return ctl_fail("%s (%d)", say, a->status);
}

void escape_put(struct buf *b, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
			     c == '~';
		if (plain) {
			buf_char(b, (char)c);
			continue;
		}
		buf_char(b, '%');
		buf_char(b, hex[c >> 4]);
		buf_char(b, hex[c & 15]);
	}
}

void query_put(struct buf *b, const char *name, const char *value)
{
	buf_fmt(b, "%c%s=", b->n && memchr(b->p, '?', b->n) ? '&' : '?', name);
	escape_put(b, value);
}
