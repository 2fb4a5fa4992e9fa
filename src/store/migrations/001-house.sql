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
