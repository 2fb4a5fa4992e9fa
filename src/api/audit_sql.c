/* SQL of the table audit: constant text, values bound. */
#include "audit_sql.h"

const char audit_sql_last[] = "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1";
const char audit_sql_insert[] =
	"INSERT INTO audit (id, at_ns, user, role, session, by_token, origin, action, object, before, after, hash)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const char audit_sql_span[] =
	"SELECT id, at_ns, user, role, session, by_token, origin, action, object, before, after, hash FROM audit"
	" WHERE id > ?1 AND id <= ?2 ORDER BY id";
const char audit_sql_list[] =
	"SELECT id, at_ns, user, role, session, by_token, origin, action, object, before, after, hash FROM audit"
	" WHERE id < ?1 AND at_ns >= ?2 AND at_ns < ?3 AND (?4 IS NULL OR action = ?4) AND (?5 IS NULL OR user = ?5)"
	" AND (?7 IS NULL OR origin = ?7 OR"
	"  (substr(?7, -1) IN ('.', ':') AND substr(origin, 1, length(?7)) = ?7))"
	" AND (?8 IS NULL OR instr(lower(action || char(10) || object || char(10) || user || char(10)"
	"  || before || char(10) || after), lower(?8)) > 0)"
	" ORDER BY id DESC LIMIT ?6";
