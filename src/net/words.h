/* Words for failures that have a number of their own: what happened and what to do. */
#ifndef TOMSD_SRC_NET_WORDS_H
#define TOMSD_SRC_NET_WORDS_H

const char *words_of_connect(long errnum);
const char *words_of_certificate(
	long verify_result); /* of X509_verify_cert, openssl-verification(1) */

#endif
