-- Room api: long work that was asked for, and what became of it (src/api/job_queue.c). Times are nanoseconds since
-- 1970 UTC, 0: not yet.
CREATE TABLE job_run (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL,           -- 'export'
	state TEXT NOT NULL,          -- 'running' (also while it waits for its turn), 'done', 'failed', 'cancelled'
	user TEXT NOT NULL,
	role TEXT NOT NULL,
	origin TEXT NOT NULL,
	session INTEGER NOT NULL,
	lang TEXT NOT NULL,
	asked TEXT NOT NULL,          -- JSON: what was asked for
	asked_ns INTEGER NOT NULL,
	started_ns INTEGER NOT NULL DEFAULT 0,
	ended_ns INTEGER NOT NULL DEFAULT 0,
	done INTEGER NOT NULL DEFAULT 0,
	total INTEGER NOT NULL DEFAULT 0,
	unit TEXT NOT NULL,
	result TEXT NOT NULL DEFAULT '',   -- JSON object or ''
	error TEXT NOT NULL DEFAULT '',
	clean_ns INTEGER NOT NULL DEFAULT 0 -- what it made goes then; 0: it made nothing, or that is gone
);
CREATE INDEX job_run_user ON job_run (user, id);
CREATE INDEX job_run_state ON job_run (state);
