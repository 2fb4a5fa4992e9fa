/* Files built into the program (packaging/embed.sh). */
#ifndef TOMSD_BASE_EMBED_H
#define TOMSD_BASE_EMBED_H

#include <stddef.h>

struct embed {
	const char *name;       /* relative path; NULL ends a table */
	const unsigned char *p; /* as stored: gzip for web_assets, plain for store_migrations */
	size_t n;               /* bytes at p */
	size_t plain_n;         /* bytes of the file itself */
	const char *etag;       /* first 32 hex digits of its SHA-256 */
};
extern const struct embed web_assets[];
extern const struct embed store_migrations[];

#endif
