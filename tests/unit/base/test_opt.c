/* The configuration file: what is understood, and how errors are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tomsd/base/file.h"
#include "tomsd/base/opt.h"

static int check_zone(struct str value, struct err *e)
{
	return str_chr(value, '/') > 0 ?
		       0 :
		       err_set(e, ERR_INVALID, "not a time zone, say Asia/Tokyo");
}

static const char *const modes[] = { "off", "on", "strict", NULL };
static const struct opt store_opts[] = {
	{ .name = "path",
	  .type = OPT_PATH,
	  .def = "/var/lib/tomsd",
	  .min = 1,
	  .max = 255,
	  .doc = "Folder of the store." },
	{ .name = "retention",
	  .type = OPT_DURATION,
	  .def = "90d",
	  .min = 86400 * NS_PER_S,
	  .max = 3650 * 86400 * NS_PER_S,
	  .flags = OPT_RELOAD,
	  .doc = "How long rows are kept." },
	{ .name = "disk_limit",
	  .type = OPT_SIZE,
	  .def = "100G",
	  .min = 1 << 20,
	  .max = INT64_MAX,
	  .doc = "Most bytes on disk." },
	{ .name = "sync",
	  .type = OPT_BOOL,
	  .def = "yes",
	  .doc = "Whether each batch is synced." },
	{ .name = "threads",
	  .type = OPT_INT,
	  .def = "2",
	  .min = 1,
	  .max = 16,
	  .doc = "Readers." },
	{ .name = "mode",
	  .type = OPT_ENUM,
	  .def = "on",
	  .values = modes,
	  .doc = "How strict to be." },
	{ .name = "timezone",
	  .type = OPT_TEXT,
	  .def = "Asia/Tokyo",
	  .check = check_zone,
	  .doc = "Zone of the site." },
	{ .name = "note", .type = OPT_TEXT, .doc = "Free text." },
	OPT_END,
};
static const struct opt capture_opts[] = {
	{ .name = "interface",
	  .type = OPT_TEXT,
	  .flags = OPT_LIST,
	  .min = 1,
	  .max = 15,
	  .doc = "Interface to listen on." },
	{ .name = "filter", .type = OPT_TEXT, .flags = OPT_LIST, .def = "ip", .doc = "Filter." },
	OPT_END,
};
static const struct opt s3_opts[] = {
	{ .name = "endpoint",
	  .type = OPT_TEXT,
	  .flags = OPT_REQUIRED,
	  .doc = "URL of the service." },
	{ .name = "secret_key",
	  .type = OPT_TEXT,
	  .flags = OPT_SECRET,
	  .min = 0,
	  .max = 200,
	  .doc = "Key." },
	{ .name = "object_lock", .type = OPT_BOOL, .def = "no", .doc = "Lock objects." },
	{ .name = "parts", .type = OPT_INT, .def = "4", .doc = "Parts at once." },
	{ .name = "ca", .type = OPT_PATH, .flags = OPT_LIST, .doc = "Certificates." },
	OPT_END,
};
static const struct conf_section sections[] = {
	{ "store", store_opts, false },
	{ "capture", capture_opts, false },
	{ "s3", s3_opts, true },
};

static struct buf errors;
static struct conf *conf;

static int setup(void **state)
{
	(void)state;
	buf_init(&errors, 1 << 16);
	conf = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	conf_free(conf);
	buf_fini(&errors);
	return 0;
}

static int load_with(const char *text, const char *const *overrides)
{
	conf_free(conf);
	conf = NULL;
	buf_reset(&errors);
	return conf_load_text(&conf, "t.conf", str_of(text), sections, ARRAY_LEN(sections),
			      overrides, &errors);
}

static void assert_loads(const char *text)
{
	if (load_with(text, NULL))
		fail_msg("%s", errors.p);
}

static void assert_complains(const char *text, const char *words)
{
	assert_int_equal(load_with(text, NULL), -ERR_INVALID);
	assert_string_equal(errors.p, words);
}

static void without_a_file_the_defaults_hold(void **state)
{
	(void)state;
	assert_int_equal(conf_load(&conf, NULL, sections, ARRAY_LEN(sections), NULL, &errors),
			 0);
	assert_string_equal(conf_text(conf, "store", "path"), "/var/lib/tomsd");
	assert_true(conf_i64(conf, "store", "retention") == 90 * 86400 * NS_PER_S);
	assert_true(conf_i64(conf, "store", "disk_limit") == INT64_C(100) << 30);
	assert_true(conf_bool(conf, "store", "sync"));
	assert_int_equal(conf_i64(conf, "store", "mode"), 1);
	assert_null(conf_text(conf, "store", "note"));
	assert_int_equal(conf_count(conf, "store", "note"), 0);
	assert_int_equal(conf_count(conf, "capture", "interface"), 0);
	assert_string_equal(conf_item(conf, "capture", "filter", 0), "ip");
	assert_int_equal(conf_labels(conf, "s3"), 0);
	assert_int_equal(conf_line(conf, "store", "path"), 0);
	assert_null(conf_path(conf));
	assert_null(conf_label(conf, "s3", 0));
}

static const char whole[] = "# the site\n"
			    "[store]\n"
			    "path = /srv/toms   # a disk of its own\n"
			    "\tretention=30d\n"
			    "disk_limit = 2G\n"
			    "sync = Off\n"
			    "threads = 4\n"
			    "mode = strict\n"
			    "note = \"say \\\"#1\\\" \\\\ \"  # quoted\n"
			    "[capture]\n"
			    "interface = eth1\n"
			    "interface = eth2\n"
			    "filter = tcp\n"
			    "[s3 \"tokyo\"]  # first\n"
			    "endpoint = https://s3.example/?a=b\n"
			    "secret_key = a#b\n"
			    "object_lock = yes\n"
			    "ca = /a\n"
			    "ca = /b\n"
			    "[ s3 \"osaka ]#2\" ]\n"
			    "endpoint = https://other.example\n"
			    "parts = 9\n";

static void assert_whole(void)
{
	assert_string_equal(conf_text(conf, "store", "path"), "/srv/toms");
	assert_int_equal(conf_line(conf, "store", "path"), 3);
	assert_true(conf_i64(conf, "store", "retention") == 30 * 86400 * NS_PER_S);
	assert_true(conf_i64(conf, "store", "disk_limit") == INT64_C(2) << 30);
	assert_false(conf_bool(conf, "store", "sync"));
	assert_int_equal(conf_i64(conf, "store", "threads"), 4);
	assert_int_equal(conf_i64(conf, "store", "mode"), 2);
	assert_string_equal(conf_text(conf, "store", "mode"), "strict");
	assert_string_equal(conf_text(conf, "store", "note"), "say \"#1\" \\ ");
	assert_int_equal(conf_count(conf, "capture", "interface"), 2);
	assert_string_equal(conf_item(conf, "capture", "interface", 1), "eth2");
	assert_int_equal(conf_count(conf, "capture", "filter"), 1);
	assert_string_equal(conf_text(conf, "capture", "filter"), "tcp");
	assert_int_equal(conf_labels(conf, "s3"), 2);
	assert_string_equal(conf_label(conf, "s3", 0), "tokyo");
	assert_string_equal(conf_label(conf, "s3", 1), "osaka ]#2");
	assert_string_equal(conf_label_text(conf, "s3", "tokyo", "endpoint"),
			    "https://s3.example/?a=b");
	assert_string_equal(conf_label_text(conf, "s3", "tokyo", "secret_key"), "a#b");
	assert_true(conf_label_bool(conf, "s3", "tokyo", "object_lock"));
	assert_int_equal(conf_label_i64(conf, "s3", "tokyo", "parts"), 4);
	assert_int_equal(conf_label_count(conf, "s3", "tokyo", "ca"), 2);
	assert_string_equal(conf_label_item(conf, "s3", "tokyo", "ca", 1), "/b");
	assert_int_equal(conf_label_i64(conf, "s3", "osaka ]#2", "parts"), 9);
	assert_null(conf_label_text(conf, "s3", "osaka ]#2", "secret_key"));
}

static void a_whole_file_is_understood(void **state)
{
	(void)state;
	assert_loads(whole);
	assert_whole();
	assert_string_equal(conf_path(conf), "t.conf");
}

static void files_from_windows_are_understood(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 10000);
	buf_cstr(&b, "\xef\xbb\xbf");
	for (const char *p = whole; *p; p++) {
		if (*p == '\n')
			buf_char(&b, '\r');
		buf_char(&b, *p);
	}
	assert_loads(b.p);
	assert_whole();
	buf_fini(&b);
}

static void a_section_may_go_on_later(void **state)
{
	(void)state;
	assert_loads(
		"[store]\nthreads = 3\n[capture]\n[store]\nsync = no\n[s3 \"a\"]\nendpoint = x\n[s3 \"a\"]\nparts = 2\n");
	assert_int_equal(conf_i64(conf, "store", "threads"), 3);
	assert_false(conf_bool(conf, "store", "sync"));
	assert_int_equal(conf_labels(conf, "s3"), 1);
	assert_int_equal(conf_label_i64(conf, "s3", "a", "parts"), 2);
}

static void every_prefix_of_a_good_file_is_safe(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char *exact = malloc(n + 1);
		memcpy(exact, whole, n);
		conf_free(conf);
		conf = NULL;
		buf_reset(&errors);
		int rc = conf_load_text(&conf, "t.conf", str_n(exact, n), sections,
					ARRAY_LEN(sections), NULL, &errors);
		assert_true((rc == 0) == (errors.n == 0));
		assert_true((rc == 0) == (conf != NULL));
		free(exact);
	}
}

static void all_errors_are_told_in_one_go(void **state)
{
	(void)state;
	assert_complains(
		"stray = 1\n"
		"[store]\n"
		"retenton = 90d\n"
		"retention = 90\n"
		"disk_limit = big\n"
		"disk_limit = 1K\n"
		"threads = 99\n"
		"threads = 99999999999999999999\n"
		"sync = maybe\n"
		"mode = strct\n"
		"mode = loud\n"
		"timezone = Tokyo\n"
		"interface = eth0\n"
		"colour = red\n"
		"just words\n"
		"= 5\n"
		"note = \"open\n"
		"note = \"a\" b\n"
		"path =\n"
		"[captur]\n"
		"anything = goes\n"
		"[nonsense]\n"
		"[s3]\n"
		"[store \"x\"]\n"
		"[s3 \"\"]\n"
		"[broken\n"
		"[s3 \"a\" x]\n"
		"[store] x\n"
		"[s3 \"tokyo\"]\n"
		"parts = x\n",
		"t.conf:1: stray: stands before the first [section]\n"
		"t.conf:3: [store] retenton: unknown key, did you mean retention?\n"
		"t.conf:4: [store] retention: not a time with its unit, say 90d, 12h, 5m or 30s\n"
		"t.conf:5: [store] disk_limit: not a size, say 512M or 2G\n"
		"t.conf:6: [store] disk_limit: must be at least 1M\n"
		"t.conf:7: [store] threads: must be 1 to 16\n"
		"t.conf:8: [store] threads: far too big\n"
		"t.conf:9: [store] sync: neither yes nor no\n"
		"t.conf:10: [store] mode: not one of off, on, strict (did you mean strict?)\n"
		"t.conf:11: [store] mode: not one of off, on, strict\n"
		"t.conf:12: [store] timezone: not a time zone, say Asia/Tokyo\n"
		"t.conf:13: [store] interface: unknown key here, it belongs to [capture]\n"
		"t.conf:14: [store] colour: unknown key\n"
		"t.conf:15: [store] expected [section], key = value or # comment\n"
		"t.conf:16: [store] expected [section], key = value or # comment\n"
		"t.conf:17: [store] note: the closing quote is missing\n"
		"t.conf:18: [store] note: text behind the closing quote\n"
		"t.conf:19: [store] path: must not be empty\n"
		"t.conf:20: unknown section [captur], did you mean [capture]?\n"
		"t.conf:22: unknown section [nonsense]\n"
		"t.conf:23: [s3] needs a label: [s3 \"name\"]\n"
		"t.conf:24: [store] takes no label\n"
		"t.conf:25: a label has 1 to 64 bytes and no quotes or backslashes\n"
		"t.conf:26: a section is written [name] or [name \"label\"]\n"
		"t.conf:27: a section is written [name] or [name \"label\"]\n"
		"t.conf:28: a section is written [name] or [name \"label\"]\n"
		"t.conf:30: [s3 \"tokyo\"] parts: not a whole number\n"
		"t.conf: [s3 \"tokyo\"] endpoint: must be set: URL of the service.\n");
}

static void a_key_is_set_once(void **state)
{
	(void)state;
	assert_complains("[store]\nthreads = 2\n[store]\nthreads = 2\n",
			 "t.conf:4: [store] threads: already set in line 2\n");
}

static void lines_are_limited_and_clean(void **state)
{
	(void)state;
	char text[5000];
	memset(text, 'x', sizeof(text));
	memcpy(text, "[store]\nnote = ", 15);
	text[8 + 4096] = '\0'; /* exactly the limit */
	assert_loads(text);
	text[8 + 4096] = 'x';
	text[8 + 4097] = '\0';
	assert_complains(text, "t.conf:2: [store] longer than 4096 bytes\n");
	assert_complains("[store]\nnote = \xff\n", "t.conf:2: [store] not plain UTF-8 text\n");
	assert_complains("[store]\nnote = a\x1b[1m\n",
			 "t.conf:2: [store] not plain UTF-8 text\n");
	assert_complains("[stor\xe2\x80\xae]\n",
			 "t.conf:1: unknown section [stor\xef\xbf\xbd]\n");
}

static void many_errors_end_somewhere(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_cstr(&b, "[store]\n");
	for (int i = 0; i < 5000; i++)
		buf_cstr(&b, "zzzzzz = 1\n");
	assert_int_equal(load_with(b.p, NULL), -ERR_INVALID);
	size_t lines = 0;
	for (size_t i = 0; i < errors.n; i++)
		lines += errors.p[i] == '\n';
	assert_int_equal(lines, 101);
	assert_non_null(strstr(errors.p, "100 errors are enough"));
	buf_fini(&b);
}

static void lists_and_labels_are_bounded(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_cstr(&b, "[capture]\n");
	for (int i = 0; i < 1025; i++)
		buf_cstr(&b, "interface = eth0\n");
	assert_complains(b.p, "t.conf:1026: [capture] interface: more than 1024 of them\n");
	buf_reset(&b);
	for (int i = 0; i < 257; i++)
		buf_fmt(&b, "[s3 \"%d\"]\nendpoint = x\n", i);
	assert_int_equal(load_with(b.p, NULL), -ERR_INVALID);
	assert_non_null(strstr(errors.p, "more than 256 sections with labels"));
	buf_fini(&b);
}

static void overrides_win_over_the_file(void **state)
{
	(void)state;
	static const char *const overrides[] = { "store.threads=8",
						 "store.note=a = \"b\" # c",
						 "capture.interface=lo",
						 "capture.interface=lo2",
						 "s3.tokyo.a.b.endpoint=https://x",
						 "store.threads=9",
						 NULL };
	assert_int_equal(
		load_with("[store]\nthreads = 2\n[capture]\ninterface = eth0\n", overrides), 0);
	assert_int_equal(conf_i64(conf, "store", "threads"), 9);
	assert_int_equal(conf_line(conf, "store", "threads"), -1);
	assert_string_equal(conf_text(conf, "store", "note"), "a = \"b\" # c");
	assert_int_equal(conf_count(conf, "capture", "interface"), 2);
	assert_string_equal(conf_item(conf, "capture", "interface", 0), "lo");
	assert_string_equal(conf_label_text(conf, "s3", "tokyo.a.b", "endpoint"), "https://x");
	static const char *const bad[] = {
		"store",          "threads=1",       "store.threads",
		"stor.threads=1", "store.thread=1",  "store.threads=x",
		".x=1",           "s3.\xff.parts=1", NULL
	};
	assert_int_equal(load_with("", bad), -ERR_INVALID);
	assert_string_equal(errors.p,
			    "command line: store: expected section.key=value\n"
			    "command line: threads=1: expected section.key=value\n"
			    "command line: store.threads: expected section.key=value\n"
			    "command line: unknown section [stor], did you mean [store]?\n"
			    "command line: [store] thread: unknown key, did you mean threads?\n"
			    "command line: [store] threads: not a whole number\n"
			    "command line: .x=1: expected section.key=value\n"
			    "command line: s3.\xef\xbf\xbd.parts=1: not plain UTF-8 text\n");
}

static char secret_path[] = "/tmp/tomsd-secret-XXXXXX";

static void write_secret(const void *bytes, size_t n)
{
	struct err e = ERR_INIT;
	if (file_write_durable(secret_path, 0600, bytes, n, &e))
		fail_msg("%s", e.text);
}

static int load_secret(const char *before, const char *behind)
{
	char text[300];
	(void)snprintf(text, sizeof(text), "[s3 \"a\"]\nendpoint = x\nsecret_key = %s%s%s\n",
		       before, secret_path, behind);
	return load_with(text, NULL);
}

static void secrets_are_read_from_files(void **state)
{
	(void)state;
	int fd = mkstemp(secret_path);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	static const struct {
		const char *file, *secret;
	} cases[] = { { "key\n", "key" }, { "key", "key" },       { "key\r\n", "key" },
		      { "k\n\n", "k\n" }, { " k # \n", " k # " }, { "", "" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_secret(cases[i].file, strlen(cases[i].file));
		assert_int_equal(load_secret("@", "  # a comment"), 0);
		assert_string_equal(conf_label_text(conf, "s3", "a", "secret_key"),
				    cases[i].secret);
	}
	assert_int_equal(load_secret("\"@", "\""), 0); /* quoted: the text itself */
	assert_int_equal(conf_label_text(conf, "s3", "a", "secret_key")[0], '@');
	write_secret("a\0b", 3);
	assert_int_equal(load_secret("@", ""), -ERR_INVALID);
	assert_non_null(strstr(errors.p, "has NUL bytes in it"));
	static char big[70000];
	memset(big, 'S', sizeof(big));
	write_secret(big, sizeof(big));
	assert_int_equal(load_secret("@", ""), -ERR_INVALID);
	assert_non_null(strstr(errors.p, "more than 65536 bytes"));
	write_secret(big, 201);
	assert_int_equal(load_secret("@", ""), -ERR_INVALID);
	assert_non_null(strstr(errors.p, "must be 0 to 200 bytes long"));
	assert_null(strstr(errors.p, "SSSS")); /* errors never show it */
	assert_int_equal(unlink(secret_path), 0);
	assert_int_equal(load_secret("@", ""), -ERR_INVALID);
	assert_non_null(strstr(errors.p, "No such file"));
	assert_int_equal(load_with("[s3 \"a\"]\nendpoint = x\nsecret_key = @key\n", NULL),
			 -ERR_INVALID);
	assert_non_null(strstr(errors.p, "full path"));
	assert_int_equal(load_with("[s3 \"a\"]\nendpoint = x\nsecret_key = @/dev/zero\n", NULL),
			 -ERR_INVALID);
	assert_non_null(strstr(errors.p, "not a regular file"));
	assert_int_equal(load_with("[store]\nnote = @/etc/passwd\n", NULL),
			 0); /* no secret, just text */
	assert_string_equal(conf_text(conf, "store", "note"), "@/etc/passwd");
}

static void a_file_that_cannot_be_read_is_an_error_too(void **state)
{
	(void)state;
	assert_int_equal(conf_load(&conf, "/nonexistent/t.conf", sections, ARRAY_LEN(sections),
				   NULL, &errors),
			 -ERR_INVALID);
	assert_string_equal(
		errors.p,
		"/nonexistent/t.conf: opening /nonexistent/t.conf: No such file or directory\n");
	buf_reset(&errors);
	static char big[(1 << 20) + 1];
	memset(big, '\n', sizeof(big));
	assert_int_equal(conf_load_text(&conf, "t.conf", str_n(big, sizeof(big)), sections,
					ARRAY_LEN(sections), NULL, &errors),
			 -ERR_INVALID);
	assert_string_equal(errors.p, "t.conf: more than 1048576 bytes\n");
	assert_int_equal(conf_load_text(&conf, "t.conf", str_n(big, sizeof(big) - 1), sections,
					ARRAY_LEN(sections), NULL, &errors),
			 0);
}

static void a_file_on_disk_loads(void **state)
{
	(void)state;
	char path[] = "/tmp/tomsd-conf-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, whole, sizeof(whole) - 1), sizeof(whole) - 1);
	assert_int_equal(close(fd), 0);
	int rc = conf_load(&conf, path, sections, ARRAY_LEN(sections), NULL, &errors);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rc, 0);
	assert_whole();
	assert_string_equal(conf_path(conf), path);
}

/* What tomsctl needs to find the state folder, while the daemon would refuse the file. */
static void one_value_of_a_broken_file_can_be_found(void **state)
{
	(void)state;
	static const char text[] =
		"\xef\xbb\xbf[store]\r\nnonsense\r\npath = /a # b\r\nquoted = \"x y\"\r\n[broken\n";
	struct err e = ERR_INIT;
	char path[] = "/tmp/tomsd-conf-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(conf_find(path, "store", "path", &errors, &e), 0);
	assert_int_equal(conf_find(path, "store", "quoted", &errors, &e), 0);
	assert_int_equal(conf_find(path, "store", "none", &errors, &e), -ERR_NOTFOUND);
	assert_int_equal(conf_find(path, "broken", "path", &errors, &e), -ERR_NOTFOUND);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(conf_find(path, "store", "path", &errors, &e), -ERR_NOTFOUND);
	assert_string_equal(errors.p, "/ax y");
}

/* The example says what holds without it: it loads to the defaults, with every # taken away
 * too. */
static void the_example_is_a_good_file(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1 << 16);
	conf_print_example(sections, ARRAY_LEN(sections), &b);
	assert_loads(b.p);
	assert_true(conf_i64(conf, "store", "retention") == 90 * 86400 * NS_PER_S);
	assert_int_equal(conf_labels(conf, "s3"), 0);
	assert_non_null(strstr(
		b.p,
		"\n# How long rows are kept.\n# time (90d, 12h, 5m, 30s), 1d to 3650d; taken over on reload\n"
		"#retention = 90d\n"));
	assert_non_null(strstr(b.p, "\n# one of off, on, strict\n#mode = on\n"));
	for (size_t i = 0; i + 1 < b.n; i++)
		if ((i == 0 || b.p[i - 1] == '\n') && b.p[i] == '#' && b.p[i + 1] != ' ')
			b.p[i] = ' ';
	char *interface = strstr(b.p, "interface =");
	assert_non_null(interface);
	memcpy(interface - 1, "#", 1); /* has no default that would do */
	assert_loads(b.p);
	assert_int_equal(conf_line(conf, "store", "mode") > 0, 1);
	assert_int_equal(conf_labels(conf, "s3"), 1);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_file_the_defaults_hold, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_whole_file_is_understood, setup, teardown),
		cmocka_unit_test_setup_teardown(files_from_windows_are_understood, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_section_may_go_on_later, setup, teardown),
		cmocka_unit_test_setup_teardown(every_prefix_of_a_good_file_is_safe, setup,
						teardown),
		cmocka_unit_test_setup_teardown(all_errors_are_told_in_one_go, setup, teardown),
		cmocka_unit_test_setup_teardown(a_key_is_set_once, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_are_limited_and_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(many_errors_end_somewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_and_labels_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(overrides_win_over_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_are_read_from_files, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_cannot_be_read_is_an_error_too,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_on_disk_loads, setup, teardown),
		cmocka_unit_test_setup_teardown(one_value_of_a_broken_file_can_be_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_example_is_a_good_file, setup, teardown),
	};
	return cmocka_run_group_tests_name("base/opt", tests, NULL, NULL);
}
