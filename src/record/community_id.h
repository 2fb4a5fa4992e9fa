/* Community ID v1, seed 0: one short text for a conversation that Zeek, Suricata and Arkime compute
 * too, so that their records join ours. Any thread. */
#ifndef TOMSD_RECORD_COMMUNITY_ID_H
#define TOMSD_RECORD_COMMUNITY_ID_H

#include "tomsd/flow_row.h"

#define COMMUNITY_ID_MAX 32                         /* "1:" and 28 characters of base64 */
void community_id(const struct flow *f, char *out); /* out[COMMUNITY_ID_MAX]; f is IP */

#endif
