-- Room api: who did what. Rows are only ever added; each is bound to the one before by its hash
-- (src/api/audit.c), and ids have no gaps.
CREATE TABLE audit (
	id INTEGER PRIMARY KEY,
	at_ns INTEGER NOT NULL,
	user TEXT NOT NULL,        -- '' where nobody is signed in
	role TEXT NOT NULL,
	session INTEGER NOT NULL,  -- 0: none
	by_token INTEGER NOT NULL,
	origin TEXT NOT NULL,      -- address, or 'local'
	action TEXT NOT NULL,      -- 'session.sign_in'
	object TEXT NOT NULL,
	before TEXT NOT NULL,      -- JSON or ''
	after TEXT NOT NULL,
	hash BLOB NOT NULL
);
CREATE INDEX audit_at ON audit (at_ns);
