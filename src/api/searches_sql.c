/* SQL of the table saved_search: constant text, values bound. */
#include "searches_sql.h"

#define COLUMNS "id, owner, name, page, q, shared, created_ns, changed_ns"

const char searches_sql_list[] =
	"SELECT " COLUMNS " FROM saved_search WHERE (owner = ?1 OR shared = 1)"
	" AND (?2 IS NULL OR page = ?2) ORDER BY owner <> ?1, name, id LIMIT 1000";
const char searches_sql_get[] = "SELECT " COLUMNS " FROM saved_search WHERE id = ?1";
const char searches_sql_count[] = "SELECT count(*) FROM saved_search WHERE owner = ?1";
const char searches_sql_taken[] =
	"SELECT 1 FROM saved_search WHERE owner = ?1 AND name = ?2 AND id <> ?3";
const char searches_sql_insert[] =
	"INSERT INTO saved_search (owner, name, page, q, shared, created_ns, changed_ns)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING id";
const char searches_sql_update[] =
	"UPDATE saved_search SET name = ?2, q = ?3, shared = ?4, changed_ns = ?5 WHERE id = ?1";
const char searches_sql_delete[] = "DELETE FROM saved_search WHERE id = ?1";
