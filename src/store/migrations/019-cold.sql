-- Room archive, cold search: what stands in which object (archive_object.id) and row group. docs/archive.md, "Searching".
CREATE TABLE archive_index (
	object INTEGER PRIMARY KEY,
	record TEXT NOT NULL,
	rows INTEGER NOT NULL,
	volume INTEGER,                    -- archive_volume.id; NULL: words are here still; 0: too many, may hold anything
	words BLOB                         -- sorted, as differences; NULL once they are in a volume
);
CREATE INDEX archive_index_loose ON archive_index (record, object) WHERE volume IS NULL;
CREATE INDEX archive_index_any ON archive_index (record, object) WHERE volume = 0;
CREATE TABLE archive_group (
	object INTEGER NOT NULL,
	place INTEGER NOT NULL,            -- in the file, from 0
	record TEXT NOT NULL,
	rows INTEGER NOT NULL,
	first_id INTEGER NOT NULL,
	last_id INTEGER NOT NULL,
	min_ns INTEGER NOT NULL,           -- times of its rows
	max_ns INTEGER NOT NULL,
	PRIMARY KEY (object, place)
) WITHOUT ROWID;
CREATE INDEX archive_group_newest ON archive_group (record, max_ns, object, place, min_ns);
CREATE INDEX archive_group_oldest ON archive_group (record, min_ns, object, place, max_ns);
-- 256 objects whose words lie together in archive_word, one row a shard (upper 8 bits of a word).
CREATE TABLE archive_volume (
	id INTEGER PRIMARY KEY,
	record TEXT NOT NULL,
	min_ns INTEGER NOT NULL,
	max_ns INTEGER NOT NULL,
	objects BLOB NOT NULL              -- their ids, 8 bytes each, lowest byte first
);
CREATE TABLE archive_word (
	id INTEGER PRIMARY KEY,            -- shard << 32 | volume: one question reads one run of rows
	words BLOB NOT NULL
);
