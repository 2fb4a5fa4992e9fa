-- How far a record's day has gone into the archive (src/store/cut.c). The row stays when the day itself is
-- dropped, so that a late row of that day gets an id of its own and is part of a later cut.

CREATE TABLE cut (
	record TEXT NOT NULL,
	day INTEGER NOT NULL,                    -- YYYYMMDD, UTC
	cut_id INTEGER NOT NULL DEFAULT 0,       -- rows up to here were told to a cut
	cut_rows INTEGER DEFAULT 0,              -- rows that had arrived by then; NULL: to be counted
	released_id INTEGER NOT NULL DEFAULT 0,  -- rows up to here lie in sealed files
	gone_id INTEGER NOT NULL DEFAULT 0,      -- rows up to here are no longer in the store
	gone_rows INTEGER NOT NULL DEFAULT 0,    -- how many of those that had arrived here
	PRIMARY KEY (record, day)
) WITHOUT ROWID;
