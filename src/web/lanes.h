/* Where requests are worked on, so that the server's threads only move bytes: a few threads for most of
 * them, and one for sign-ins, whose hashes take a tenth of a second and 32 MiB each. */
#ifndef WEB_LANES_H
#define WEB_LANES_H

#include "exchange.h"

enum lane { LANE_WORK, LANE_SIGN_IN, LANES };
struct lanes;
struct lanes *lanes_new(void);
void lanes_free(struct lanes *l);
int lanes_start(struct lanes *l, struct err *e) MUST_CHECK;
void lanes_stop(struct lanes *l); /* what waits is done first */
/* Never waits: false when the lane is full or closed. */
bool lanes_push(struct lanes *l, enum lane lane, void (*work)(struct exchange *),
		struct exchange *ex);

#endif
