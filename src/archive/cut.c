/* Step A: which rows belong to the next seal. One transaction moves the store's cut to now and writes down all that
 * the seal's files hang on; from then on its bytes are fixed, whenever they are written.
 *
 * Time. Seals follow each other in wall clock time, [since, until), and since is always the until of the one
 * before. A clock that goes back makes no second seal of an hour: until then stays where it was ('behind') until the
 * clock has caught up, while every 3,600 s of the machine's own clock another seal is made; only when the clock is
 * behind by more than a day the old time is given up as wrong. clock.sealed_at in the manifest is what the
 * clock really said. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "seal.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/hash.h"

#define SKEW_NS (5 * NS_PER_S)          /* of two clocks, and a thousandth of the time between */
#define BEHIND_MAX_NS (24 * HOUR_NS)
#define HOUR_LATE_NS (60 * NS_PER_S)    /* a cut so soon after the hour is the hour's */
#define CUT_EVERY_MIN_NS (300 * NS_PER_S)

static int64_t hour_of(int64_t ns)
{
	return ns / HOUR_NS * HOUR_NS;
}

/* What happened to the wall clock since the seal before, against the time since the machine started. */
static const char *clock_word(const struct seal *prev, int64_t wall_ns, int64_t boot_ns, const char *boot_id)
{
	int64_t wall = wall_ns - prev->wall_ns, boot = boot_ns - prev->boot_ns;
	if (strcmp(boot_id, prev->boot_id) != 0)
		return wall < -SKEW_NS ? "stepped_back" : "steady";
	int64_t may = SKEW_NS + boot / 1000;
	return wall - boot > may ? "stepped_forth" : boot - wall > may ? "stepped_back" : "steady";
}

struct cut_time cut_time(const struct seal *prev, int64_t begun_ns, int64_t wall_ns, int64_t boot_ns,
			 const char *boot_id)
{
	struct cut_time t = { .since_ns = prev ? prev->until_ns : begun_ns,
			      .until_ns = wall_ns,
			      .clock = prev ? clock_word(prev, wall_ns, boot_ns, boot_id) : "steady" };
	int64_t hour_ns = hour_of(wall_ns);
	if (wall_ns >= t.since_ns) {
		if (hour_ns > t.since_ns && wall_ns - hour_ns <= HOUR_LATE_NS)
			t.until_ns = hour_ns;
		return t;
	}
	if (strcmp(t.clock, "steady") == 0)
		t.clock = "behind";
	if (t.since_ns - wall_ns <= BEHIND_MAX_NS)
		t.until_ns = t.since_ns;
	return t;
}

bool cut_is_due(const struct seal *prev, int64_t begun_ns, int64_t wall_ns, int64_t boot_ns, const char *boot_id,
		int64_t began_boot_ns)
{
	bool same_boot = prev && strcmp(boot_id, prev->boot_id) == 0;
	int64_t quiet_ns = boot_ns - (same_boot && prev->boot_ns > began_boot_ns ? prev->boot_ns : began_boot_ns);
	if (same_boot && !prev->by_hand && boot_ns - prev->boot_ns < CUT_EVERY_MIN_NS)
		return false;
	return hour_of(wall_ns) > hour_of(prev ? prev->until_ns : begun_ns) || quiet_ns >= HOUR_NS;
}

int64_t cut_next_ns(const struct seal *prev, int64_t begun_ns, int64_t wall_ns)
{
	int64_t last = prev ? prev->until_ns : begun_ns;
	return hour_of(last > wall_ns ? wall_ns : last) + HOUR_NS;
}

const char *cut_boot_id(void)
{
	static char id[40];
	uint8_t own[8];
	if (id[0])
		return id;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, id, sizeof(id) - 1);
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	id[n > 0 ? n : 0] = '\0';
	id[strcspn(id, "\n")] = '\0';
	if (!id[0]) { /* not to be seen from in here: each start of the daemon counts as one of the machine */
		file_random(own, sizeof(own));
		(void)str_copy(id, sizeof(id), STR("process-"));
		hash_hex(own, sizeof(own), id + strlen(id));
	}
	return id;
}

struct cut {
	const struct sealer *sl;
	bool by_hand;
	struct seal seal;
	/* For what is called back. */
	struct sql *db;
	struct err *e;
	int64_t receipts;
};

static int take_span(void *arg, const struct store_span *s)
{
	struct cut *c = arg;
	struct seal_span row = { .day = s->day, .after = s->after, .last = s->last, .rows = s->rows };
	(void)str_copy(row.kind, sizeof(row.kind), str_of(s->record->name));
	return seal_span_insert(c->db, c->seal.seq, &row, c->e);
}

/* Rows without days: up to which id they were taken stands in archive_state under their kind. */
static int cut_more(struct cut *c)
{
	const struct sealer_rows *more = c->sl->more;
	struct seal_span row = { .day = 0 };
	if (!more)
		return 0;
	(void)str_copy(row.kind, sizeof(row.kind), str_of(more->record->name));
	int rc = archive_state_get(c->db, row.kind, &row.after, c->e);
	if (!rc)
		rc = more->last(c->db, &row.last, c->e);
	row.rows = row.last - row.after;
	if (rc || row.rows <= 0)
		return rc;
	rc = archive_state_put(c->db, row.kind, row.last, c->e);
	return rc ? rc : seal_span_insert(c->db, c->seal.seq, &row, c->e);
}

static int take_proof(void *arg, const struct s3_proof *p)
{
	struct cut *c = arg;
	c->seal.proofs_last = p->n;
	return ++c->receipts == SEAL_RECEIPTS_MAX;
}

/* Which proofs the manifest will tell, and what the places are asked for today. */
static int cut_places(struct cut *c)
{
	int rc = s3_proofs(c->db, c->seal.proofs_after, take_proof, c, c->e);
	(void)str_copy(c->seal.lock_mode, sizeof(c->seal.lock_mode), str_of(s3_lock_names[c->sl->lock]));
	c->seal.lock_keep_s = c->sl->lock_keep_ns / NS_PER_S;
	return rc < 0 ? rc : 0;
}

static int fill_seal(struct cut *c, const struct seal *prev)
{
	struct seal *s = &c->seal;
	int64_t begun_ns = 0;
	int rc = archive_state_get(c->db, "begun", &begun_ns, c->e);
	if (rc)
		return rc;
	*s = (struct seal){ .seq = prev ? prev->seq + 1 : 1,
			    .by_hand = c->by_hand,
			    .wall_ns = clock_now_ns(),
			    .boot_ns = clock_boot_ns(),
			    .proofs_after = prev ? prev->proofs_last : 0,
			    .proofs_last = prev ? prev->proofs_last : 0,
			    .version = TOMSD_VERSION };
	struct cut_time t = cut_time(prev, begun_ns ? begun_ns : s->wall_ns, s->wall_ns, s->boot_ns,
				     cut_boot_id());
	s->since_ns = t.since_ns;
	s->until_ns = t.until_ns;
	(void)str_copy(s->clock, sizeof(s->clock), str_of(t.clock));
	(void)str_copy(s->boot_id, sizeof(s->boot_id), str_of(cut_boot_id()));
	(void)str_copy(s->appliance, sizeof(s->appliance), str_of(c->sl->appliance));
	(void)str_copy(s->leave_out, sizeof(s->leave_out), str_of(c->sl->leave_out));
	rc = keys_for_cut(c->db, s->seq, s->key_id, s->also_key_id, c->e);
	return rc ? rc : cut_places(c);
}

/* The folder has this manifest already, whole, and the database does not know it: one of the two was lost or set
 * back. A second chain over the first would be the end of both. */
static int check_folder(const struct cut *c)
{
	unsigned long long seq = c->seal.seq;
	if (!archive_manifest_is_there(c->sl->folder, c->seal.appliance, seq))
		return 0;
	return err_set(c->e, ERR_EXISTS,
		       "manifest %llu of appliance %s lies in the archive folder and the database does not know it: restore "
		       "the database from a backup (tomsctl archive restore), or give the new one another [appliance] id",
		       seq, c->seal.appliance);
}

static int cut(struct sql *db, void *arg, struct err *e)
{
	struct cut *c = arg;
	struct seal prev;
	c->db = db;
	c->e = e;
	int rc = seal_load_last(db, &prev, e);
	if (rc && rc != -ERR_NOTFOUND)
		return rc;
	bool is_first = rc != 0;
	if (!is_first && !prev.is_sealed)
		return err_set(e, ERR_BUSY, "manifest %llu is not sealed yet", (unsigned long long)prev.seq);
	rc = fill_seal(c, is_first ? NULL : &prev);
	if (!rc)
		rc = check_folder(c);
	if (!rc)
		rc = seal_insert(db, &c->seal, e);
	if (!rc)
		rc = store_cut(db, take_span, c, e);
	return rc ? rc : cut_more(c);
}

int cut_make(const struct sealer *sl, bool by_hand, uint64_t *seq, struct err *e)
{
	struct cut c = { .sl = sl, .by_hand = by_hand };
	int rc = store_write(sl->store, cut, &c, e);
	if (!rc && seq)
		*seq = c.seal.seq;
	return rc;
}
