-- Room archive: what was sealed, with which key, where it is held and when it was proven (src/archive). Times are
-- nanoseconds since 1970 UTC, 0: not yet. A row of archive_seal is made in the transaction that cuts, and holds all
-- that the bytes of its files hang on, so that after a crash the same files are written again.
CREATE TABLE archive_seal (
	seq INTEGER PRIMARY KEY,            -- 1 .. without gaps
	state TEXT NOT NULL,                -- 'cut' (its files are being written) 'sealed'
	since_ns INTEGER NOT NULL,          -- the until of the one before
	until_ns INTEGER NOT NULL,
	wall_ns INTEGER NOT NULL,           -- the clock when it was cut
	boot_ns INTEGER NOT NULL,           -- time since the machine started
	boot_id TEXT NOT NULL,
	clock TEXT NOT NULL,                -- 'steady' 'stepped_back' 'stepped_forth' 'behind'
	version TEXT NOT NULL,              -- of the program that cut
	appliance TEXT NOT NULL,
	key_id TEXT NOT NULL,               -- signs
	also_key_id TEXT NOT NULL DEFAULT '', -- the old one of a rotation signs too
	proofs_after INTEGER NOT NULL,      -- proofs of room s3 (after, last] are its receipts
	proofs_last INTEGER NOT NULL,
	lock_mode TEXT NOT NULL,            -- what the places are asked for
	lock_keep_s INTEGER NOT NULL,
	leave_out TEXT NOT NULL,            -- columns not written, apart by spaces
	by_hand INTEGER NOT NULL DEFAULT 0, -- somebody asked for it
	sealed_ns INTEGER NOT NULL DEFAULT 0,
	rows INTEGER NOT NULL DEFAULT 0,    -- of all its objects
	bytes INTEGER NOT NULL DEFAULT 0,
	gaps INTEGER NOT NULL DEFAULT 0,
	manifest_bytes INTEGER NOT NULL DEFAULT 0,
	sha256 BLOB NOT NULL DEFAULT x''    -- of the manifest
);
CREATE INDEX archive_seal_since ON archive_seal (since_ns);

-- Ids (after_id, last_id] of one day and kind of row that a seal took. Kinds without days have day 0.
CREATE TABLE archive_span (
	seq INTEGER NOT NULL,
	kind TEXT NOT NULL,
	day INTEGER NOT NULL,               -- YYYYMMDD of the rows' own times
	after_id INTEGER NOT NULL,
	last_id INTEGER NOT NULL,
	rows INTEGER NOT NULL DEFAULT -1,   -- -1: not counted yet
	PRIMARY KEY (seq, kind, day)
) WITHOUT ROWID;
CREATE INDEX archive_span_day ON archive_span (kind, day, last_id);

-- One file of rows. Manifests, signatures and stamps are not in here: they stay for good.
CREATE TABLE archive_object (
	id INTEGER PRIMARY KEY,
	seq INTEGER NOT NULL,
	kind TEXT NOT NULL,
	key TEXT NOT NULL UNIQUE,           -- below a place's prefix, and below <state>/archive
	sha256 BLOB NOT NULL,
	bytes INTEGER NOT NULL,
	rows INTEGER NOT NULL,
	row_groups INTEGER NOT NULL,
	first_id INTEGER NOT NULL,          -- smallest and largest
	last_id INTEGER NOT NULL,
	since_ns INTEGER NOT NULL,          -- the rows' own times: smallest, and largest + 1
	until_ns INTEGER NOT NULL,
	merkle_root BLOB NOT NULL,
	is_local INTEGER NOT NULL DEFAULT 1,
	gone_ns INTEGER NOT NULL DEFAULT 0  -- when the file here was deleted
);
CREATE INDEX archive_object_seq ON archive_object (seq);
CREATE INDEX archive_object_kind ON archive_object (kind, until_ns);
CREATE INDEX archive_object_local ON archive_object (is_local, seq);

-- Signing keys; the newest signs. The private half is sealed by the house key and wiped when the key is retired.
CREATE TABLE archive_key (
	id TEXT PRIMARY KEY,                -- first 16 hex digits of SHA-256 of the public key
	public_key BLOB NOT NULL,
	private_key TEXT NOT NULL,          -- '' once retired
	since_seq INTEGER NOT NULL,         -- first manifest it signs; 0: none yet
	made_ns INTEGER NOT NULL,
	retired_ns INTEGER NOT NULL DEFAULT 0
);

-- Proofs of time (RFC 3161), one a UTC day; the token lies beside the manifest.
CREATE TABLE archive_stamp (
	day INTEGER PRIMARY KEY,            -- YYYYMMDD
	seq INTEGER NOT NULL,
	tries INTEGER NOT NULL DEFAULT 0,
	tried_ns INTEGER NOT NULL DEFAULT 0,
	at_ns INTEGER NOT NULL DEFAULT 0,   -- what the token says; 0: none yet
	error TEXT NOT NULL DEFAULT ''
);

-- What an investigation pins: nothing of it is deleted here, and it is locked longer in the places. An object is
-- held by a hold that is not released and whose time meets the times of its rows or the hours of its seal, or by
-- its key in archive_hold_object.
CREATE TABLE archive_hold (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL,
	reason TEXT NOT NULL,
	since_ns INTEGER NOT NULL,          -- [since, until); both 0: only what archive_hold_object names
	until_ns INTEGER NOT NULL,
	keep_until_ns INTEGER NOT NULL,     -- locked in the places until then
	made_ns INTEGER NOT NULL,
	made_by TEXT NOT NULL,
	released_ns INTEGER NOT NULL DEFAULT 0,
	released_by TEXT NOT NULL DEFAULT ''
);
CREATE TABLE archive_hold_object (
	hold INTEGER NOT NULL,
	key TEXT NOT NULL,
	PRIMARY KEY (hold, key)
) WITHOUT ROWID;
CREATE INDEX archive_hold_object_key ON archive_hold_object (key);

-- Checks of the whole archive and what they found.
CREATE TABLE archive_verification (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	source TEXT NOT NULL,               -- 'local' or 's3:NAME'
	asked_by TEXT NOT NULL,             -- '' the monthly one
	started_ns INTEGER NOT NULL,
	ended_ns INTEGER NOT NULL DEFAULT 0,
	with_rows INTEGER NOT NULL,
	manifests INTEGER NOT NULL DEFAULT 0,
	objects INTEGER NOT NULL DEFAULT 0,
	bytes INTEGER NOT NULL DEFAULT 0,
	rows INTEGER NOT NULL DEFAULT 0,
	elsewhere INTEGER NOT NULL DEFAULT 0,
	faults INTEGER NOT NULL DEFAULT 0,
	result TEXT NOT NULL DEFAULT '',    -- JSON of verify_result_json
	error TEXT NOT NULL DEFAULT ''      -- it did not come to its end
);
CREATE INDEX archive_verification_ended ON archive_verification (ended_ns);

-- Facts that are one: 'skew' ...
CREATE TABLE archive_state (
	name TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;
