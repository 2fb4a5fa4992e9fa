-- Room panel: people and where they are signed in. Times are nanoseconds since 1970 UTC.
CREATE TABLE users (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- an id is never given twice
	name TEXT NOT NULL COLLATE NOCASE UNIQUE,
	role TEXT NOT NULL,
	password TEXT NOT NULL,       -- scrypt, see src/web/password.h
	lang TEXT NOT NULL,
	theme TEXT NOT NULL,
	created_ns INTEGER NOT NULL,
	last_login_ns INTEGER NOT NULL DEFAULT 0,
	last_login_from TEXT NOT NULL DEFAULT '',
	failures INTEGER NOT NULL DEFAULT 0, -- since the last sign-in
	disabled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE sessions (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	hash BLOB NOT NULL UNIQUE,    -- SHA-256 of what the browser holds
	created_ns INTEGER NOT NULL,
	seen_ns INTEGER NOT NULL,
	origin TEXT NOT NULL,
	last_login_ns INTEGER NOT NULL,  -- of the sign-in before this one
	last_login_from TEXT NOT NULL,
	failures_since INTEGER NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
