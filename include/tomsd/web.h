/* Room web (section [panel]): HTTPS, sessions, the panel's pages. */
#ifndef TOMSD_WEB_H
#define TOMSD_WEB_H

#include "tomsd/app.h"

extern const struct room web_room;

#endif
