/* tomsctl's way to the rows: beside a daemon, after one was killed, and without the right to write. */
#include <grp.h>
#include <sys/stat.h>

#include "tiny.h"

static struct box b;

static int seen(void *arg, const void *row)
{
	(void)row;
	(*(uint64_t *)arg)++;
	return 0;
}

/* Rows that a fresh reader of the folder finds; -code when it cannot be opened. */
static int64_t rows_in(const char *path, struct err *e)
{
	struct query q = { .record = &tiny_record, .until_ns = INT64_MAX };
	struct query_page_info info;
	struct store *reader;
	uint64_t n = 0;
	int rc = store_open_readonly(&reader, path, e);

	if (rc)
		return rc;
	rc = store_query(reader, &q, 0, 0, seen, &n, &info, e);
	store_free(reader);
	return rc ? rc : (int64_t)n;
}

static void copy(const char *from, const char *to, const char *name)
{
	struct buf bytes;
	struct err e = ERR_INIT;
	char path[200];

	buf_init(&bytes, 64 << 20);
	(void)snprintf(path, sizeof(path), "%s/%s", from, name);
	assert_int_equal(file_read(path, 64 << 20, &bytes, &e), 0);
	(void)snprintf(path, sizeof(path), "%s/%s", to, name);
	assert_int_equal(file_write_durable(path, 0644, bytes.p, bytes.n, &e), 0);
	buf_fini(&bytes);
}

/* A folder as a kill -9 leaves it: rows in the WAL, nobody there. */
static void leave_behind(char *path, bool with_wal)
{
	assert_non_null(mkdtemp(path));
	copy(b.path, path, "tomsd.db");
	if (with_wal)
		copy(b.path, path, "tomsd.db-wal");
}

static void a_reader_beside_the_daemon_sees_each_commit(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (uint32_t i = 1; i <= 5; i++) {
		struct tiny t = tiny_row(tiny_noon_ns + i * NS_PER_S, i);

		box_put(&b, &tiny_record, &t);
		box_flush(&b);
		assert_int_equal(rows_in(b.path, &e), i);
	}
}

static void rows_of_a_killed_daemon_are_there_without_it(void **state)
{
	char path[] = "/tmp/tomsd-left-XXXXXX";
	struct err e = ERR_INIT;
	int64_t n;

	(void)state;
	leave_behind(path, true);
	n = rows_in(path, &e);
	if (n != 5)
		fail_msg("%lld rows: %s", (long long)n, e.text);
	box_remove(path);
}

/* What a user sees who may read the folder and not write it; in a process of its own. */
static int64_t as_nobody(const char *path, char words[200])
{
	int ends[2];
	pid_t pid;
	struct {
		int64_t n;
		char words[200];
	} said = { -100, "" };

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;

		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(1);
		said.n = rows_in(path, &e);
		(void)snprintf(said.words, sizeof(said.words), "%.199s", e.text);
		_exit(write(ends[1], &said, sizeof(said)) != sizeof(said));
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &said, sizeof(said)), sizeof(said));
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	memcpy(words, said.words, sizeof(said.words));
	return said.n;
}

static void a_folder_that_may_only_be_read_is_read_or_explained(void **state)
{
	char closed[] = "/tmp/tomsd-left-XXXXXX", killed[] = "/tmp/tomsd-left-XXXXXX",
	     words[200];
	int64_t n;

	(void)state;
	if (geteuid() != 0) {
		skip(); /* only root can become another user */
		return;
	}
	leave_behind(killed, true);
	assert_int_equal(chmod(killed, 0755), 0);
	n = as_nobody(killed, words);
	/* the WAL cannot be read without a -shm file, which cannot be made here: never rows without
	 * those of the WAL, always a word */
	if (n != 5 && (n >= 0 || !strstr(words, killed)))
		fail_msg("%lld rows: %s", (long long)n, words);
	print_message("a WAL in a read-only folder: %lld %s\n", (long long)n, words);
	assert_int_equal(chmod(killed, 0700), 0);
	n = as_nobody(killed, words);
	assert_int_equal(n, -ERR_DENIED);
	box_close(&b); /* the last connection moves the WAL into the database */
	leave_behind(closed, false);
	assert_int_equal(chmod(closed, 0755), 0);
	n = as_nobody(closed, words);
	if (n != 5)
		fail_msg("%lld rows: %s", (long long)n, words);
	box_remove(closed);
	box_remove(killed);
}

static int open_box(void **state)
{
	(void)state;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	return 0;
}

static int close_box(void **state)
{
	(void)state;
	box_free(&b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_beside_the_daemon_sees_each_commit),
		cmocka_unit_test(rows_of_a_killed_daemon_are_there_without_it),
		cmocka_unit_test(a_folder_that_may_only_be_read_is_read_or_explained),
	};

	return cmocka_run_group_tests(tests, open_box, close_box);
}
