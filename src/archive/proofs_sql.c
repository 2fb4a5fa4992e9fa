/* SQL of archive_hold, archive_hold_object and archive_verification, and what a take reads: constant text, values
 * bound. An object (o) of a seal (s) is held by a hold (h) where its rows' times or the seal's hours meet the hold's, or
 * where the hold names it. */
#include "proofs_sql.h"

#define MEETS                                                                                \
	"((h.until_ns > h.since_ns AND ((h.since_ns < o.until_ns AND o.since_ns < h.until_ns)" \
	" OR (h.since_ns < s.until_ns AND s.since_ns < h.until_ns)))"                          \
	" OR EXISTS (SELECT 1 FROM archive_hold_object ho WHERE ho.hold = h.id AND ho.key = o.key))"
#define HOLD_COLUMNS \
	"id, name, reason, since_ns, until_ns, keep_until_ns, made_ns, made_by, released_ns, released_by"

const char proofs_sql_hold_add[] =
	"INSERT INTO archive_hold (name, reason, since_ns, until_ns, keep_until_ns, made_ns, made_by)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id";
const char proofs_sql_hold_key[] = "INSERT OR IGNORE INTO archive_hold_object (hold, key) VALUES (?1, ?2)";
const char proofs_sql_hold_list[] = "SELECT " HOLD_COLUMNS " FROM archive_hold ORDER BY released_ns > 0, id DESC LIMIT 500";
const char proofs_sql_hold_get[] = "SELECT " HOLD_COLUMNS " FROM archive_hold WHERE id = ?1";
const char proofs_sql_hold_release[] =
	"UPDATE archive_hold SET released_ns = ?2, released_by = ?3 WHERE id = ?1 AND released_ns = 0";
const char proofs_sql_hold_sum[] = "SELECT count(*), ifnull(sum(o.bytes), 0) FROM archive_hold h, archive_object o"
				   " JOIN archive_seal s ON s.seq = o.seq WHERE h.id = ?1 AND " MEETS;
const char proofs_sql_hold_active[] = "SELECT id, keep_until_ns FROM archive_hold WHERE released_ns = 0 AND id > ?1"
				      " ORDER BY id LIMIT 1";
const char proofs_sql_hold_next[] = "SELECT o.id, o.key, o.seq, s.appliance FROM archive_hold h, archive_object o"
				    " JOIN archive_seal s ON s.seq = o.seq WHERE h.id = ?1 AND o.id > ?2 AND " MEETS
				    " ORDER BY o.id LIMIT ?3";
const char proofs_sql_hold_pins[] = "SELECT 1 FROM archive_object o JOIN archive_seal s ON s.seq = o.seq, archive_hold h"
				    " WHERE o.id = ?1 AND h.released_ns = 0 AND " MEETS " LIMIT 1";

const char proofs_sql_verify_add[] = "INSERT INTO archive_verification (source, asked_by, started_ns, with_rows)"
				     " VALUES (?1, ?2, ?3, ?4) RETURNING id";
const char proofs_sql_verify_end[] =
	"UPDATE archive_verification SET ended_ns = ?2, manifests = ?3, objects = ?4, bytes = ?5, rows = ?6,"
	" elsewhere = ?7, faults = ?8, result = ?9, error = ?10 WHERE id = ?1";
const char proofs_sql_verify_list[] =
	"SELECT id, source, asked_by, started_ns, ended_ns, with_rows, faults, result, error"
	" FROM archive_verification ORDER BY id DESC LIMIT ?1";
const char proofs_sql_verify_last[] = "SELECT max(started_ns) FROM archive_verification WHERE asked_by = '' AND error = ''";
const char proofs_sql_verify_close[] =
	"UPDATE archive_verification SET ended_ns = ?1, error = 'interrupted' WHERE ended_ns = 0";

const char proofs_sql_take_range[] = "SELECT min(o.seq), max(o.seq), count(*), ifnull(sum(o.bytes), 0)"
				     " FROM archive_object o JOIN archive_seal s ON s.seq = o.seq"
				     " WHERE o.since_ns < ?2 AND o.until_ns > ?1 AND instr(?3, ' ' || o.kind || ' ') > 0";
const char proofs_sql_take_objects[] = "SELECT o.id, o.key, o.seq, o.bytes, o.is_local, o.sha256 FROM archive_object o"
				       " WHERE o.id > ?4 AND o.since_ns < ?2 AND o.until_ns > ?1"
				       " AND instr(?3, ' ' || o.kind || ' ') > 0 ORDER BY o.id LIMIT 1";
