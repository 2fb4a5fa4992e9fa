/* Words by which an index of many files is asked: what they are of, and their classes. The same for ever and in
 * every database, since files are read by appliances that did not write them. */
#ifndef TOMSD_STORE_ROW_WORDS_H
#define TOMSD_STORE_ROW_WORDS_H

#include "token.h"

enum word_kind { WORD_NONE, WORD_ADDR, WORD_MAC, WORD_TEXT };
enum word_kind word_kind_of(const struct col *c);
uint32_t word_host(const struct addr *a);
uint32_t word_net(const struct addr *a); /* the /24 or /64 it is in */
uint32_t word_mac(const uint8_t mac[6]);
uint32_t word_text(const struct col *c, struct str text);

#endif
