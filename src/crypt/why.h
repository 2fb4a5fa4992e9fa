/* What OpenSSL says of a failure, as a struct err. */
#ifndef TOMSD_SRC_CRYPT_WHY_H
#define TOMSD_SRC_CRYPT_WHY_H

#include "tomsd/base/err.h"

/* Sets code and "<words>: <OpenSSL's reason>", and empties this thread's queue of OpenSSL's errors. Returns -code. */
int crypt_why(struct err *e, enum err_code code, const char *words) MUST_CHECK;

#endif
