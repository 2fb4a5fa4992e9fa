-- Room syslog: who sends lines. Times are nanoseconds since 1970 UTC.
CREATE TABLE log_source (
	id INTEGER PRIMARY KEY,            -- given by the room, never twice
	serial TEXT NOT NULL,              -- devid; '' for devices without
	address TEXT NOT NULL,
	name TEXT NOT NULL,                -- given by people
	host TEXT NOT NULL,                -- as the device calls itself
	state TEXT NOT NULL,               -- new accepted refused
	kind TEXT NOT NULL,                -- fortigate device
	zone TEXT NOT NULL,                -- of lines without one; '' the room's
	note TEXT NOT NULL,
	transport INTEGER NOT NULL,        -- enum log_transport
	format INTEGER NOT NULL,           -- enum log_format
	first_seen_ns INTEGER NOT NULL,
	last_seen_ns INTEGER NOT NULL,
	lines INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	lost INTEGER NOT NULL,             -- lines refused or over the limit
	skew_ns INTEGER NOT NULL,          -- median of our clock less the device's
	sample TEXT NOT NULL,
	habit BLOB NOT NULL,               -- longest quiet time of the last days, see src/syslog/source_sql.c
	UNIQUE (serial, address)
);
-- alive: last sign of life of the daemon; ids: source numbers below it may be in use; unknown_day (YYYYMMDD) and
-- unknown_bytes: what senders nobody has accepted filled on that day.
CREATE TABLE log_state (
	name TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;
