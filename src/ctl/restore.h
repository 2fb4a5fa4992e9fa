/* tomsctl archive restore: what its files share. restore.c finds and opens the backup and takes over the archive,
 * restore_put.c puts everything in its place. One thread. */
#ifndef CTL_RESTORE_H
#define CTL_RESTORE_H

#include "ctl.h"
#include "tomsd/rescue.h"
#include "tomsd/s3.h"

#define RESTORE_FOLDER "restore"     /* below the state folder, while it lasts */
#define RESTORED_FILES "restored-files"

struct restore {
	struct ctl *c;
	const char *from, *appliance, *phrase_file;
	int64_t at_ns;
	bool put_files, without_archive;
	char work[CTL_PATH_MAX + 16]; /* <state>/restore */
	char backup[CTL_PATH_MAX + 32], unpacked[CTL_PATH_MAX + 32];
	char phrase[256], key_id[17];
	char place[64]; /* "" : a file */
	struct s3_client *client;
	struct rescued got;
	uint64_t adopted, head_seq;
	int64_t head_until_ns;
	bool has_head, archive_was_seen;
	char conf_at[CTL_PATH_MAX + 32]; /* where tomsd.conf went; "" none was in the backup */
	bool conf_is_in_place;
	int lock_fd;
};

/* restore_put.c. The state folder: made where it is not there, empty but for what an earlier try has left; locked. */
int restore_look(struct restore *r, struct err *e) MUST_CHECK; /* looks only */
int restore_begin(struct restore *r, struct err *e) MUST_CHECK;
/* Everything from the work folder into the state folder, the database last; the configuration. */
int restore_put(struct restore *r, struct err *e) MUST_CHECK;
void restore_clear(struct restore *r); /* the work folder goes away */
/* Files that the configuration names: says where each belongs, or puts it there. */
void restore_files(const struct restore *r);

#endif
