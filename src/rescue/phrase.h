/* Keys that come from the recovery phrase. */
#ifndef RESCUE_PHRASE_H
#define RESCUE_PHRASE_H

#include "tomsd/rescue.h"

#define KEY_BYTES 32
#define KEY_ID_BYTES 8
#define KEY_ID_TEXT (2 * KEY_ID_BYTES + 1)

/* First bytes of the SHA-256 of a public key: what a backup says of the phrase that opens it. */
void key_id_of(const uint8_t public_key[KEY_BYTES], uint8_t id[KEY_ID_BYTES]);
/* Both halves of a phrase's key; private_key is wiped by who asked. */
int phrase_keys(struct str phrase, uint8_t private_key[KEY_BYTES],
		uint8_t public_key[KEY_BYTES], struct err *e) MUST_CHECK;

#endif
