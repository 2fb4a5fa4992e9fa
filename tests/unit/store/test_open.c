/* Opening: foreign files, newer ones, damaged ones, readers without a daemon. */
#include "tiny.h"

#include <fcntl.h>
#include <sqlite3.h>

static void file_of(const struct box *b, const char *name, char out[128])
{
	(void)snprintf(out, 128, "%s/%s", b->path, name);
}

static void run_sql(const struct box *b, const char *text)
{
	char file[128];
	sqlite3 *db;
	file_of(b, "tomsd.db", file);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_database_of_a_newer_version_is_refused_in_plain_words(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	box_new(&b);
	box_open(&b);
	box_close(&b);
	run_sql(&b, "PRAGMA user_version=500");
	b.conf.path = b.path;
	assert_int_equal(store_open(&b.st, &b.conf, &e), -ERR_NEWER);
	assert_non_null(strstr(e.text, "newer tomsd"));
	assert_int_equal(store_open_readonly(&b.st, b.path, &e), -ERR_NEWER);
	b.st = NULL;
	box_free(&b);
}

static void a_file_of_another_program_is_refused_and_left_alone(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	box_new(&b);
	run_sql(&b, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)");
	b.conf.path = b.path;
	assert_int_equal(store_open(&b.st, &b.conf, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "not made by tomsd"));
	run_sql(&b, "INSERT INTO theirs VALUES(2)");
	b.st = NULL;
	box_free(&b);
}

/* Is there a file put aside? */
static bool has_bad(const struct box *b)
{
	char command[160];
	(void)snprintf(command, sizeof(command), "%s/tomsd.db.bad-", b->path);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "ls \"$0\"* >/dev/null 2>&1", command,
		      (char *)NULL);
		_exit(127);
	}
	int status = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

static void spoil(const struct box *b, off_t at, size_t n)
{
	char file[128], *junk = malloc(n);
	memset(junk, 0x5a, n);
	file_of(b, "tomsd.db", file);
	int fd = open(file, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, n, at), (ssize_t)n);
	close(fd);
	free(junk);
}

static void goes_on_in_a_new_file(struct box *b)
{
	box_open(b);
	box_start(b);
	assert_true(has_bad(b));
	struct tiny t = tiny_row(tiny_noon_ns, 1);
	box_put(b, &tiny_record, &t);
	box_flush(b);
	assert_int_equal(box_number(b, "SELECT count(*) FROM tiny_20261122"), 1);
	box_check_integrity(b);
}

static void a_file_that_is_no_database_is_put_aside(void **state)
{
	(void)state;
	struct box b;
	box_new(&b);
	char file[128];
	file_of(&b, "tomsd.db", file);
	int fd = open(file, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 40960), 0);
	close(fd);
	spoil(&b, 0, 40960);
	goes_on_in_a_new_file(&b);
	box_free(&b);
}

static void is_put_aside_when_damaged_at(off_t at)
{
	struct box b;
	box_new(&b);
	box_open(&b);
	box_start(&b);
	for (uint32_t i = 0; i < 5000; i++) {
		struct tiny t = tiny_row(tiny_noon_ns, i);
		box_put(&b, &tiny_record, &t);
	}
	box_close(&b);
	spoil(&b, at, 1000000);
	box_open(&b); /* the first page is well, the rest is not */
	box_start(&b);
	struct tiny t = tiny_row(tiny_noon_ns, 1);
	box_put(&b, &tiny_record, &t);
	box_flush(&b);
	assert_true(has_bad(&b));
	assert_int_equal(box_number(&b, "SELECT count(*) FROM tiny_20261122"), 1);
	box_check_integrity(&b);
	box_free(&b);
}

static void a_database_damaged_in_its_own_tables_is_put_aside(void **state)
{
	(void)state;
	is_put_aside_when_damaged_at(4096);
}

static void a_database_damaged_among_the_rows_is_put_aside_while_rows_keep_coming(void **state)
{
	(void)state;
	is_put_aside_when_damaged_at(40 * 4096);
}

static void a_reader_opens_the_database_beside_a_daemon_and_without_one(void **state)
{
	(void)state;
	struct box b;
	struct err e = ERR_INIT;
	struct store *reader;
	box_new(&b);
	assert_int_equal(store_open_readonly(&reader, b.path, &e), -ERR_NOTFOUND);
	box_open(&b);
	box_start(&b);
	struct tiny t = tiny_row(tiny_noon_ns, 1);
	box_put(&b, &tiny_record, &t);
	box_flush(&b);
	for (int daemon_runs = 1; daemon_runs >= 0; daemon_runs--) {
		struct sql *db;
		struct stmt *s;
		if (!daemon_runs)
			box_close(&b);
		if (store_open_readonly(&reader, b.path, &e) ||
		    store_read_begin(reader, 0, &db, &e) ||
		    sql_prepare(db, "SELECT count(*) FROM tiny_20261122", &s, &e))
			fail_msg("%s", e.text);
		assert_int_equal(stmt_step(s, &e), 1);
		assert_int_equal(stmt_col_i64(s, 0), 1);
		stmt_done(s);
		store_read_end(reader, db);
		assert_int_equal(store_write(reader, NULL, NULL, &e), -ERR_DENIED);
		store_free(reader);
	}
	box_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_database_of_a_newer_version_is_refused_in_plain_words),
		cmocka_unit_test(a_file_of_another_program_is_refused_and_left_alone),
		cmocka_unit_test(a_file_that_is_no_database_is_put_aside),
		cmocka_unit_test(a_database_damaged_in_its_own_tables_is_put_aside),
		cmocka_unit_test(
			a_database_damaged_among_the_rows_is_put_aside_while_rows_keep_coming),
		cmocka_unit_test(a_reader_opens_the_database_beside_a_daemon_and_without_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
