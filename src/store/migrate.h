/* Schema of the database: numbered steps, forward only, one transaction each. */
#ifndef TOMSD_STORE_MIGRATE_H
#define TOMSD_STORE_MIGRATE_H

#include "tomsd/store.h"

/* Is this file ours, and not newer than we are? 0 (also for an empty file), -ERR_NEWER, -ERR_INVALID. */
int migrate_check(struct sql *db, struct err *e) MUST_CHECK;
/* Brings the schema to this version; each step is one transaction. */
int migrate_run(struct sql *db, struct err *e) MUST_CHECK;
/* Number of the last step this version knows, and of the database. */
int64_t migrate_latest(void);
int migrate_version(struct sql *db, int64_t *version, struct err *e) MUST_CHECK;

#endif
