/* Room flow: packets become flow rows; one shard a thread. */
#ifndef TOMSD_FLOW_H
#define TOMSD_FLOW_H

#include "tomsd/app.h"

extern const struct room flow_room;

#endif
