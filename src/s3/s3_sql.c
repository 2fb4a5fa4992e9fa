/* SQL of the tables s3_place, s3_target, s3_object, s3_copy and s3_proof: constant text, values bound. States are
 * enum s3_state (2 proven, 3 failed), wants enum wants (1 sending, 2 a longer lock). Nearly all rows of s3_copy
 * are proven and want nothing: what is asked often names the index of the few. */
#include "s3_sql.h"

const char s3_sql_places[] =
	"SELECT name, endpoint, region, bucket, prefix, access_key, secret, object_lock, style, bandwidth,"
	" enabled, created_ns, changed_ns FROM s3_place ORDER BY name";
const char s3_sql_place_insert[] =
	"INSERT INTO s3_place (name, endpoint, region, bucket, prefix, access_key, secret, object_lock, style,"
	" bandwidth, enabled, created_ns, changed_ns)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const char s3_sql_place_update[] =
	"UPDATE s3_place SET endpoint = ?2, region = ?3, bucket = ?4, prefix = ?5, access_key = ?6,"
	" secret = CASE WHEN ?7 = '' THEN secret ELSE ?7 END, object_lock = ?8, style = ?9, bandwidth = ?10,"
	" enabled = ?11, changed_ns = ?13 WHERE name = ?1";
const char s3_sql_place_delete[] = "DELETE FROM s3_place WHERE name = ?1";

/* Targets. A place that comes back is filled anew: what was made meanwhile has no rows there. */
const char s3_sql_present_names[] = "SELECT name FROM s3_target WHERE is_present = 1";
const char s3_sql_absent[] =
	"UPDATE s3_target SET is_present = 0 WHERE name = ?1 AND home <> ?2"
	" AND is_present = 1";
const char s3_sql_target_make[] =
	"INSERT INTO s3_target (name, home, is_present, is_enabled, lock) VALUES (?1, ?2, 0, 0, 'NONE')"
	" ON CONFLICT (name, home) DO NOTHING";
const char s3_sql_present[] =
	"UPDATE s3_target SET is_enabled = ?3, lock = ?4,"
	" filled = CASE WHEN is_present THEN filled ELSE 0 END,"
	" fill_until = CASE WHEN is_present THEN fill_until ELSE ?5 END, is_present = 1"
	" WHERE name = ?1 AND home = ?2 RETURNING id";
const char s3_sql_object_max[] = "SELECT coalesce(max(id), 0) FROM s3_object";
#define TARGET                                                                                                    \
	"SELECT id, name, filled, fill_until, proven, proven_bytes, last_proven_ns, fails, next_try_ns, problem," \
	" detail, problem_ns, skew_ns, alarm, alarm_ns, looked_ns, test_ns, test_result, test_steps FROM s3_target"
const char s3_sql_target[] = TARGET " WHERE id = ?1";
const char s3_sql_target_named[] = TARGET " WHERE name = ?1 AND is_present = 1";
const char s3_sql_sums[] =
	"SELECT count(*), coalesce(sum(o.bytes), 0), coalesce(min(o.made_ns), 0)"
	" FROM s3_copy c INDEXED BY s3_copy_wants JOIN s3_object o ON o.id = c.object"
	" WHERE c.target = ?1 AND c.wants > 0";
const char s3_sql_findings[] =
	"SELECT count(*) FROM s3_copy INDEXED BY s3_copy_finding WHERE target = ?1 AND finding <> '' AND is_seen = 0";
const char s3_sql_failed_ones[] =
	"SELECT count(*) FROM s3_copy INDEXED BY s3_copy_lacking WHERE target = ?1 AND state = 3 AND wants = 0";

/* Objects. */
const char s3_sql_object_find[] = "SELECT id, sha256, bytes FROM s3_object WHERE key = ?1";
const char s3_sql_object_insert[] =
	"INSERT INTO s3_object (key, path, owner, bytes, sha256, keep_ns, made_ns, priority)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id";
const char s3_sql_copies_insert[] =
	"INSERT OR IGNORE INTO s3_copy (target, object, priority, state, wants)"
	" SELECT t.id, ?1, ?2, 0, 1 FROM s3_target t WHERE t.is_present = 1";
const char s3_sql_hold[] =
	"UPDATE s3_object SET hold_ns = max(hold_ns, ?2) WHERE key = ?1 RETURNING id";
const char s3_sql_hold_copies[] =
	"UPDATE s3_copy SET wants = 2, next_try_ns = 0 WHERE object = ?1 AND state = 2 AND wants = 0"
	" AND (SELECT p.retain_until_ns < ?2 AND p.lock <> 'NONE' FROM s3_proof p WHERE p.n = s3_copy.proof)";

/* The queue of a place. A try that lies further ahead than any back-off was set by another clock: it is due. */
#define ITEM                                                                                                       \
	"SELECT c.object, c.wants, c.tries, c.upload_id, c.done_bytes, c.proof, o.key, o.path, o.bytes, o.sha256," \
	" o.keep_ns, o.hold_ns, o.made_ns, p.version_id, p.lock, p.retain_until_ns, p.bytes"                       \
	" FROM s3_copy c JOIN s3_object o ON o.id = c.object LEFT JOIN s3_proof p ON p.n = c.proof"
const char s3_sql_next[] = ITEM
	" WHERE c.target = ?1 AND c.wants > 0 AND (c.next_try_ns <= ?2 OR c.next_try_ns > ?3)"
	" ORDER BY c.priority, c.object LIMIT 1";
const char s3_sql_due[] =
	"SELECT min(next_try_ns) FROM s3_copy INDEXED BY s3_copy_wants WHERE target = ?1 AND wants > 0";
#define LOOKABLE                                                               \
	" WHERE c.target = ?1 AND c.state = 2 AND c.wants = 0 AND c.proof > 0" \
	" AND (p.lock = 'NONE' OR p.retain_until_ns > ?2)"
const char s3_sql_sample_old[] = ITEM LOOKABLE " ORDER BY c.looked_ns LIMIT ?3";
const char s3_sql_sample_random[] = ITEM LOOKABLE
	" AND c.object >= ?3 ORDER BY c.object LIMIT 1";

/* A place that is new, or here again. */
const char s3_sql_fill_rows[] =
	"SELECT id, path FROM s3_object WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
const char s3_sql_fill_one[] =
	"INSERT OR IGNORE INTO s3_copy (target, object, priority, state, wants, words)"
	" SELECT ?1, id, priority, CASE WHEN ?3 THEN 0 ELSE 3 END, ?3, ?4 FROM s3_object WHERE id = ?2";
const char s3_sql_filled[] = "UPDATE s3_target SET filled = ?2 WHERE id = ?1";

/* What became of it. */
const char s3_sql_proof_insert[] =
	"INSERT INTO s3_proof (target, object, version_id, etag, bytes, lock, retain_until_ns, legal_hold,"
	" modified_ns, proven_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING n";
const char s3_sql_copy_proven[] =
	"UPDATE s3_copy SET state = 2, tries = 0, next_try_ns = 0, upload_id = '', done_bytes = 0,"
	" wants = CASE WHEN ?5 AND (SELECT hold_ns FROM s3_object WHERE id = ?2) > ?4 THEN 2 ELSE 0 END,"
	" proof = ?3, looked_ns = ?6, words = '', finding = CASE WHEN is_seen THEN '' ELSE finding END"
	" WHERE target = ?1 AND object = ?2";
const char s3_sql_target_proven[] =
	"UPDATE s3_target SET proven = proven + ?2, proven_bytes = proven_bytes + ?3, last_proven_ns = ?4,"
	" fails = 0, next_try_ns = 0, problem = '', detail = '', problem_ns = 0, skew_ns = ?5 WHERE id = ?1";
const char s3_sql_due_again[] =
	"UPDATE s3_copy INDEXED BY s3_copy_wants SET next_try_ns = 0 WHERE target = ?1 AND wants > 0 AND next_try_ns > 0";
const char s3_sql_copy_failed[] =
	"UPDATE s3_copy SET state = CASE WHEN wants = 1 THEN 3 ELSE state END,"
	" wants = CASE WHEN ?3 THEN 0 ELSE wants END, tries = tries + 1, next_try_ns = ?4, words = ?5"
	" WHERE target = ?1 AND object = ?2";
const char s3_sql_target_failed[] =
	"UPDATE s3_target SET fails = ?2, next_try_ns = ?3, detail = ?5, skew_ns = ?7,"
	" problem_ns = CASE WHEN problem = '' THEN ?6 ELSE problem_ns END, problem = ?4 WHERE id = ?1";
const char s3_sql_copy_part[] =
	"UPDATE s3_copy SET state = CASE WHEN wants = 1 THEN 1 ELSE state END, upload_id = ?3, done_bytes = ?4"
	" WHERE target = ?1 AND object = ?2";
const char s3_sql_copy_settled[] =
	"UPDATE s3_copy SET wants = 0, tries = 0, next_try_ns = 0, words = '' WHERE target = ?1 AND object = ?2";

/* Looks at what was proven, and tests. A finding stays until somebody has taken note of it. What is wanted of the
 * object may have changed while it was looked at (a hold): that stays. */
const char s3_sql_copy_finding[] =
	"UPDATE s3_copy SET looked_ns = ?3,"
	" is_seen = CASE WHEN ?4 <> '' AND ?4 <> finding THEN 0 ELSE is_seen END,"
	" finding = CASE WHEN ?4 <> '' THEN ?4 WHEN is_seen THEN '' ELSE finding END,"
	" wants = CASE WHEN ?5 > 0 THEN ?5 ELSE wants END,"
	" next_try_ns = CASE WHEN ?5 > 0 THEN 0 ELSE next_try_ns END,"
	" words = CASE WHEN ?4 <> '' THEN ?6 ELSE words END,"
	" state = CASE WHEN ?5 = 1 THEN 0 WHEN ?7 THEN 3 ELSE state END"
	" WHERE target = ?1 AND object = ?2";
const char s3_sql_target_alarm[] =
	"UPDATE s3_target SET alarm = ?2, alarm_ns = ?3 WHERE id = ?1";
const char s3_sql_looked[] = "UPDATE s3_target SET looked_ns = ?2 WHERE id = ?1";
const char s3_sql_acknowledge[] =
	"UPDATE s3_copy INDEXED BY s3_copy_finding SET is_seen = 1 WHERE target = ?1 AND finding <> ''";
const char s3_sql_acknowledge_rest[] =
	"UPDATE s3_copy INDEXED BY s3_copy_finding SET finding = '' WHERE target = ?1 AND finding <> '' AND finding <> 'shadowed' AND state = 2"
	" AND wants = 0";
const char s3_sql_tested[] =
	"UPDATE s3_target SET test_ns = ?2, test_result = ?3, test_steps = ?4 WHERE id = ?1";
const char s3_sql_push[] =
	"UPDATE s3_copy INDEXED BY s3_copy_wants SET next_try_ns = 0 WHERE wants > 0 AND next_try_ns > 0"
	" AND target IN (SELECT id FROM s3_target WHERE is_present = 1)";
const char s3_sql_push_lacking[] =
	"UPDATE s3_copy INDEXED BY s3_copy_lacking SET next_try_ns = 0, wants = 1 WHERE state = 3 AND wants = 0"
	" AND target IN (SELECT id FROM s3_target WHERE is_present = 1)";
const char s3_sql_push_targets[] = "UPDATE s3_target SET next_try_ns = 0 WHERE is_present = 1";

/* What others ask. */
#define PROOF                                                                                    \
	"p.version_id, p.etag, p.bytes, p.lock, p.retain_until_ns, p.legal_hold, p.modified_ns," \
	" p.proven_ns"
const char s3_sql_kept[] =
	"SELECT t.name, c.state, c.wants, c.tries, c.next_try_ns, c.words, o.sha256, " PROOF
	" FROM s3_object o JOIN s3_copy c ON c.object = o.id JOIN s3_target t ON t.id = c.target"
	" LEFT JOIN s3_proof p ON p.n = c.proof WHERE o.key = ?1 AND t.is_present = 1 ORDER BY t.name";
const char s3_sql_kept_everywhere[] =
	"SELECT EXISTS (SELECT 1 FROM s3_target WHERE is_present = 1 AND is_enabled = 1)"
	" AND NOT EXISTS (SELECT 1 FROM s3_target t WHERE t.is_present = 1 AND t.is_enabled = 1"
	" AND NOT EXISTS (SELECT 1 FROM s3_object o JOIN s3_copy c ON c.object = o.id AND c.target = t.id"
	" WHERE o.key = ?1 AND c.state = 2 AND c.wants = 0))";
const char s3_sql_proofs[] =
	"SELECT t.name, p.n, o.key, o.sha256, " PROOF
	" FROM s3_proof p JOIN s3_object o ON o.id = p.object JOIN s3_target t ON t.id = p.target"
	" WHERE p.n > ?1 ORDER BY p.n";
