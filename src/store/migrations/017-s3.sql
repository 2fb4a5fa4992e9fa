-- Room s3: places of object storage, and what is known of every object there. Times are nanoseconds since 1970 UTC,
-- 0: not yet.

-- Places set in the panel; those of tomsd.conf stand in no table.
CREATE TABLE s3_place (
	name TEXT PRIMARY KEY,
	endpoint TEXT NOT NULL,
	region TEXT NOT NULL,
	bucket TEXT NOT NULL,
	prefix TEXT NOT NULL,
	access_key TEXT NOT NULL,
	secret TEXT NOT NULL,              -- sealed with the house key for 's3/NAME/secret_key'
	object_lock TEXT NOT NULL,         -- 'compliance 1y'
	style TEXT NOT NULL,               -- auto path host
	bandwidth INTEGER NOT NULL,        -- bytes a second, 0: no limit
	enabled INTEGER NOT NULL,
	created_ns INTEGER NOT NULL,
	changed_ns INTEGER NOT NULL
) WITHOUT ROWID;

-- What is known of a place, of file or panel. A name that leads to another bucket is another target: what was proven
-- there is not proven here, and is known again when the old one comes back.
CREATE TABLE s3_target (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL,
	home TEXT NOT NULL,                -- 'endpoint/bucket/prefix'
	is_present INTEGER NOT NULL,       -- in the configuration now
	is_enabled INTEGER NOT NULL,
	lock TEXT NOT NULL,                -- NONE GOVERNANCE COMPLIANCE, as configured
	filled INTEGER NOT NULL DEFAULT 0,     -- objects up to here have their rows in s3_copy
	fill_until INTEGER NOT NULL DEFAULT 0, -- those after it get theirs from who makes them
	proven INTEGER NOT NULL DEFAULT 0,
	proven_bytes INTEGER NOT NULL DEFAULT 0,
	last_proven_ns INTEGER NOT NULL DEFAULT 0,
	fails INTEGER NOT NULL DEFAULT 0,      -- in a row, of the place itself
	next_try_ns INTEGER NOT NULL DEFAULT 0,
	problem TEXT NOT NULL DEFAULT '',      -- '' or the end of the key of words place.<problem>
	detail TEXT NOT NULL DEFAULT '',       -- what the other side said
	problem_ns INTEGER NOT NULL DEFAULT 0, -- since when
	skew_ns INTEGER NOT NULL DEFAULT 0,    -- the place's clock less ours
	alarm TEXT NOT NULL DEFAULT '',        -- the last finding of a look at proofs, in words
	alarm_ns INTEGER NOT NULL DEFAULT 0,
	looked_ns INTEGER NOT NULL DEFAULT 0,  -- last look at a sample of proofs
	test_ns INTEGER NOT NULL DEFAULT 0,
	test_result INTEGER NOT NULL DEFAULT 0, -- enum test_result
	test_steps TEXT NOT NULL DEFAULT '',   -- JSON array of {name, result, words}
	UNIQUE (name, home)
);

CREATE TABLE s3_object (
	id INTEGER PRIMARY KEY AUTOINCREMENT,  -- rises with age
	key TEXT NOT NULL UNIQUE,              -- without a place's prefix
	path TEXT NOT NULL,                    -- of the local file, below the state folder
	owner TEXT NOT NULL,                   -- room that made it
	bytes INTEGER NOT NULL,
	sha256 BLOB NOT NULL,
	keep_ns INTEGER NOT NULL,              -- 0: the place's own
	hold_ns INTEGER NOT NULL DEFAULT 0,    -- locked at least until then, by a hold
	made_ns INTEGER NOT NULL,
	priority INTEGER NOT NULL
);

-- Proofs of all places, numbered as they came; never changed. Manifests carry them on.
CREATE TABLE s3_proof (
	n INTEGER PRIMARY KEY AUTOINCREMENT,
	target INTEGER NOT NULL,
	object INTEGER NOT NULL,
	version_id TEXT NOT NULL,
	etag TEXT NOT NULL,
	bytes INTEGER NOT NULL,
	lock TEXT NOT NULL,
	retain_until_ns INTEGER NOT NULL,
	legal_hold INTEGER NOT NULL,
	modified_ns INTEGER NOT NULL,
	proven_ns INTEGER NOT NULL
);

-- An object in a place.
CREATE TABLE s3_copy (
	target INTEGER NOT NULL,
	object INTEGER NOT NULL,
	priority INTEGER NOT NULL,             -- the object's
	state INTEGER NOT NULL,                -- enum s3_state
	wants INTEGER NOT NULL,                -- 0 nothing, 1 to be sent, 2 a longer lock
	tries INTEGER NOT NULL DEFAULT 0,
	next_try_ns INTEGER NOT NULL DEFAULT 0,
	upload_id TEXT NOT NULL DEFAULT '',    -- of an upload in parts that was begun
	done_bytes INTEGER NOT NULL DEFAULT 0,
	proof INTEGER NOT NULL DEFAULT 0,      -- its newest
	looked_ns INTEGER NOT NULL DEFAULT 0,
	finding TEXT NOT NULL DEFAULT '',      -- gone changed unlocked shortened shadowed
	is_seen INTEGER NOT NULL DEFAULT 0,    -- somebody has taken note of the finding
	words TEXT NOT NULL DEFAULT '',        -- why it failed
	PRIMARY KEY (target, object)
) WITHOUT ROWID;
CREATE INDEX s3_copy_wants ON s3_copy (target, priority, object) WHERE wants > 0;
CREATE INDEX s3_copy_finding ON s3_copy (target) WHERE finding <> '';
CREATE INDEX s3_copy_lacking ON s3_copy (target) WHERE state = 3 AND wants = 0;
CREATE INDEX s3_copy_object ON s3_copy (object);
-- For the sample that is looked at.
CREATE INDEX s3_copy_looked ON s3_copy (target, looked_ns) WHERE state = 2;
