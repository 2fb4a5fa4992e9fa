-- Room panel: tokens by which programs ask. Shown once, kept as a hash. Times are nanoseconds since 1970 UTC.
CREATE TABLE tokens (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	hash BLOB NOT NULL UNIQUE,    -- SHA-256 of the token
	created_ns INTEGER NOT NULL,
	expires_ns INTEGER NOT NULL,
	networks TEXT NOT NULL,       -- '10.0.0.0/8 192.0.2.7'; '': from anywhere
	used_ns INTEGER NOT NULL DEFAULT 0,
	used_from TEXT NOT NULL DEFAULT ''
);
