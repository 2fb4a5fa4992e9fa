/* Large JSON answers go out gzipped where the client takes that: a page of logs is a twentieth. */
#ifndef WEB_SQUEEZE_H
#define WEB_SQUEEZE_H

#include "exchange.h"

/* Replaces the body of ex->rp and adds its headers, or leaves both alone. On the lane's thread. */
void squeeze(struct exchange *ex);

#endif
