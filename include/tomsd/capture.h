/* Room capture: live interfaces and capture files, decoded, to the flow threads. */
#ifndef TOMSD_CAPTURE_H
#define TOMSD_CAPTURE_H

#include "tomsd/app.h"

extern const struct room capture_room;

#endif
