/* Room control: the routes over a Unix socket in the state folder, for tomsctl. */
#ifndef TOMSD_CONTROL_H
#define TOMSD_CONTROL_H

#include "tomsd/app.h"

extern const struct room control_room;

#endif
