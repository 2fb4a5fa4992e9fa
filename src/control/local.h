/* What the files of room control share: the request's head, and the room's state. */
#ifndef CONTROL_LOCAL_H
#define CONTROL_LOCAL_H

#include <stdatomic.h>
#include <sys/types.h>

#include "tomsd/api.h"
#include "tomsd/base/str.h"
#include "tomsd/base/thread.h"

#define CONTROL_HEAD_MAX 8192
#define CONTROL_BODY_MAX (1u << 20)

/* A request's head, RFC 9112 as far as a local tool needs it. Views into the bytes parsed. */
struct control_head {
	struct str method, path, query;
	size_t body_bytes;
	char lang[3];    /* "ja" when Accept-Language begins so, else "en" */
	struct str etag; /* If-Match, without quotes; empty when absent */
};
/* head: all bytes up to and without the empty line. 0, -ERR_INVALID or -ERR_RANGE (a body too large). */
int control_parse(struct str head, struct control_head *out) MUST_CHECK;
/* Where the head ends (offset behind the empty line), 0 when it has not come yet. */
size_t control_head_end(struct str bytes);

struct control_peer { /* who may come in; names are looked up while /etc/passwd is still readable */
	uid_t uid;
	char name[64]; /* "local:root" */
};

struct control {
	struct app *app;
	int folder_fd, listen_fd, wake_fd;
	char path[1200];
	struct control_peer peers[2];
	struct thread thread;
	_Atomic bool closing;
};

extern _Atomic uint64_t control_requests, control_refused;

/* One connection: reads, answers, closes nothing. thread: control */
void control_serve(struct control *c, int fd, const struct control_peer *who);

#endif
