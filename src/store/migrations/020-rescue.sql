-- Room rescue: whose phrase opens the backups, which backups there are, how rehearsals went (src/rescue). Times are
-- nanoseconds since 1970 UTC, 0: not yet. The phrase itself is nowhere.
CREATE TABLE rescue_key (
	id TEXT PRIMARY KEY,                -- first 16 hex digits of SHA-256 of the public key
	public_key BLOB NOT NULL,
	made_ns INTEGER NOT NULL,
	made_by TEXT NOT NULL,
	retired_ns INTEGER NOT NULL DEFAULT 0 -- a newer phrase was made; older backups still want this one
);

CREATE TABLE rescue_backup (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	key TEXT NOT NULL UNIQUE,           -- below a place's prefix
	path TEXT NOT NULL,                 -- below the state folder; '' once the copy here is deleted
	made_ns INTEGER NOT NULL,
	took_ns INTEGER NOT NULL,
	asked_by TEXT NOT NULL,             -- '' the nightly one
	bytes INTEGER NOT NULL,
	sha256 BLOB NOT NULL,
	database_bytes INTEGER NOT NULL,
	rows INTEGER NOT NULL,
	tables INTEGER NOT NULL,
	oldest_day INTEGER NOT NULL,        -- YYYYMMDD; rows of days before it are not in it; 0: none
	left_out TEXT NOT NULL,             -- files of the configuration that could not be read, a line each
	key_id TEXT NOT NULL
);

CREATE TABLE rescue_rehearsal (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at_ns INTEGER NOT NULL,             -- when it ended
	took_ns INTEGER NOT NULL,
	asked_by TEXT NOT NULL,
	source TEXT NOT NULL,               -- 'local' or 's3:NAME'
	made_ns INTEGER NOT NULL DEFAULT 0, -- the backup it was about; 0: none was found
	rows INTEGER NOT NULL DEFAULT 0,
	tables INTEGER NOT NULL DEFAULT 0,
	good INTEGER NOT NULL,
	code TEXT NOT NULL,                 -- '' where good, else the kind of failure: 'denied' 'corrupt' ...
	words TEXT NOT NULL                 -- and what was wrong
);

-- Facts that are one: 'tried' (a night's backup was begun), 'failed' (why the last one was not made; 0: it was).
CREATE TABLE rescue_state (
	name TEXT PRIMARY KEY,
	at_ns INTEGER NOT NULL,
	words TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
