/* How much one session or address may ask for, and how long a name has to wait after failures. Fixed
 * tables; when they are full the longest unused entry goes. Any thread. */
#ifndef WEB_LIMITS_H
#define WEB_LIMITS_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/str.h"
#include "tomsd/base/thread.h"

struct limits;
struct limits *limits_new(void);
void limits_free(struct limits *l);

enum limit_kind {
	LIMIT_REQUESTS, /* of a session, or an address that nobody is signed in from: 20/s, 60 at once */
	LIMIT_SIGN_IN,     /* of an address: 5 a minute */
	LIMIT_SIGN_IN_NET, /* of an IPv6 network, where a machine has any number of addresses: 30 */
	LIMIT_KINDS
};
/* Takes one; 0, or how many seconds to wait for the next. */
int limits_take(struct limits *l, enum limit_kind kind, struct str who, int64_t now_mono_ns);
void limits_give_back(struct limits *l, enum limit_kind kind, struct str who);

/* Sign-in failures of one account: nothing for the first three, then 1 s, 2 s, 4 s ... up to a minute;
 * never for ever. known: from the address of the last sign-in, which is counted apart, so that others'
 * guesses do not lock its owner out. Names nobody has are counted alike. */
int limits_wait_s(struct limits *l, struct str account, bool known, int64_t now_mono_ns);
void limits_failed(struct limits *l, struct str account, bool known, int64_t now_mono_ns);
void limits_succeeded(struct limits *l, struct str account);

#endif
