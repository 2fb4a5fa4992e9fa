/* struct web and what the files of this room share. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdatomic.h>

#include "gate.h"
#include "limits.h"
#include "tomsd/api.h"
#include "tomsd/base/thread.h"
#include "tomsd/web.h"

struct assets;
struct https;
struct lanes;
struct listeners;
struct sessions;
struct tls;
struct tokens;

#define NAMES_MAX 32
#define CODE_TEXT_MAX 15 /* "XXXX-XXXX-XXXX" */

/* Counters of the room; any thread adds. */
struct web_counts {
	_Atomic uint64_t requests, problems, refused, connections, streams, sign_ins,
		sign_in_failures, cut;
};
extern struct web_counts web_counts;

struct web {
	struct app *app;
	struct assets *assets;
	struct https *http;
	struct lanes *lanes;
	struct limits *limits;
	struct listeners *listeners;
	struct sessions *sessions;
	struct tls *tls;
	struct tokens *tokens;
	char *names[NAMES_MAX]; /* names that Host may carry; constant after init */
	size_t n_names;
	_Atomic bool setup_open;        /* no administrator exists */
	char setup_code[CODE_TEXT_MAX]; /* constant after start */
	struct thread watch;
	struct mutex m;
	pthread_cond_t wake;
	bool closing; /* lock: m */
};
struct web *web_of(struct app *a);

#endif
