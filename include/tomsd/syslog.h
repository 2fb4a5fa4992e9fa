/* The room that receives logs: UDP, TCP and TLS syslog in, rows of struct log out. It knows its sources (by
 * serial number and address), measures their clocks and their silence, and writes a row of struct gap for
 * every time of which lines are missing. */
#ifndef TOMSD_SYSLOG_H
#define TOMSD_SYSLOG_H

#include "tomsd/app.h"
#include "tomsd/log_row.h"

extern const struct room syslog_room;

#endif
