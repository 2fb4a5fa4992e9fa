-- Room api: searches that people have given a name (src/api/searches.c).
CREATE TABLE saved_search (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	owner TEXT NOT NULL,          -- name of the user, 'token:NAME' or 'local:NAME'
	name TEXT NOT NULL,
	page TEXT NOT NULL,           -- 'logs' or 'traffic'
	q TEXT NOT NULL,              -- words of the search box
	shared INTEGER NOT NULL,      -- 1: everybody who may search sees it
	created_ns INTEGER NOT NULL,
	changed_ns INTEGER NOT NULL,
	UNIQUE (owner, name)
);
