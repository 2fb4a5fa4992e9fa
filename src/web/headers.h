/* Header fields of every answer. */
#ifndef WEB_HEADERS_H
#define WEB_HEADERS_H

struct header_field {
	const char *name, *value; /* NULL ends a table */
};
extern const struct header_field headers_always[];

#endif
