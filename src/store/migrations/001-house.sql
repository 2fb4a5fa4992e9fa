-- The tables every database has. Day tables (flow_20261122 ...) are made by the writer from the
-- records (src/store/part.c), so a new column of a record needs no migration.

CREATE TABLE store_meta (
	name TEXT PRIMARY KEY,
	value
) WITHOUT ROWID;
INSERT INTO store_meta VALUES ('token_seed', random());

CREATE TABLE part (
	record TEXT NOT NULL,
	day INTEGER NOT NULL,              -- YYYYMMDD, UTC
	rows INTEGER NOT NULL DEFAULT 0,
	last_id INTEGER NOT NULL DEFAULT 0,
	indexed_id INTEGER NOT NULL DEFAULT 0,
	buckets INTEGER NOT NULL DEFAULT 0,
	first_ns INTEGER NOT NULL DEFAULT 0,
	last_ns INTEGER NOT NULL DEFAULT 0,
	late_s INTEGER NOT NULL DEFAULT 0,
	touched_ns INTEGER NOT NULL DEFAULT 0, -- wall clock of the last commit into it
	dropping INTEGER NOT NULL DEFAULT 0,   -- retention is taking it away; readers leave it out
	PRIMARY KEY (record, day)
) WITHOUT ROWID;

-- dim: enum rollup_dim; at: first second of the bucket; key: see src/store/layout.h.
CREATE TABLE rollup_minute (
	dim INTEGER NOT NULL, at INTEGER NOT NULL, key NOT NULL,
	flows INTEGER NOT NULL, packets INTEGER NOT NULL,
	bytes_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL,
	PRIMARY KEY (dim, at, key)
) WITHOUT ROWID;
CREATE TABLE rollup_hour (
	dim INTEGER NOT NULL, at INTEGER NOT NULL, key NOT NULL,
	flows INTEGER NOT NULL, packets INTEGER NOT NULL,
	bytes_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL,
	PRIMARY KEY (dim, at, key)
) WITHOUT ROWID;
CREATE TABLE rollup_day (
	dim INTEGER NOT NULL, at INTEGER NOT NULL, key NOT NULL,
	flows INTEGER NOT NULL, packets INTEGER NOT NULL,
	bytes_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL,
	PRIMARY KEY (dim, at, key)
) WITHOUT ROWID;

-- People, their sessions, what they set and what they did. Times are nanoseconds since 1970 UTC.
CREATE TABLE user (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL COLLATE NOCASE UNIQUE,
	role TEXT NOT NULL,
	secret BLOB,
	salt BLOB,
	params TEXT,
	lang TEXT NOT NULL DEFAULT 'ja',
	theme TEXT NOT NULL DEFAULT 'auto',
	created_ns INTEGER NOT NULL,
	last_login_ns INTEGER,
	last_login_from TEXT,
	failures INTEGER NOT NULL DEFAULT 0,
	locked_until_ns INTEGER NOT NULL DEFAULT 0,
	disabled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE session (
	id INTEGER PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,
	user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
	created_ns INTEGER NOT NULL,
	seen_ns INTEGER NOT NULL,
	auth_ns INTEGER NOT NULL,
	expires_ns INTEGER NOT NULL,
	from_addr TEXT,
	agent TEXT,
	csrf BLOB
);
CREATE INDEX session_user ON session (user_id);
CREATE TABLE setting (
	name TEXT PRIMARY KEY,
	value
) WITHOUT ROWID;
CREATE TABLE audit (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at_ns INTEGER NOT NULL,
	who TEXT NOT NULL,
	role TEXT,
	from_addr TEXT,
	action TEXT NOT NULL,
	object TEXT,
	before TEXT,
	after TEXT,
	purpose TEXT,
	result TEXT
);
