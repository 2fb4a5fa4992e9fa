/* The configuration file from any bytes. What stands behind a NUL is taken as one override. */
#include <stdlib.h>

#include "tomsd/base/opt.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static int check_word(struct str value, struct err *e)
{
	return str_chr(value, ' ') < 0 ? 0 : err_set(e, ERR_INVALID, "spaces in it");
}

static const char *const modes[] = { "off", "on", "strict", NULL };
static const struct opt store_opts[] = {
	{ .name = "path",
	  .type = OPT_PATH,
	  .def = "/var",
	  .min = 1,
	  .max = 255,
	  .doc = "Folder." },
	{ .name = "retention",
	  .type = OPT_DURATION,
	  .def = "90d",
	  .min = NS_PER_S,
	  .max = INT64_MAX,
	  .doc = "Time." },
	{ .name = "limit",
	  .type = OPT_SIZE,
	  .def = "1G",
	  .min = 1,
	  .max = INT64_MAX,
	  .doc = "Bytes." },
	{ .name = "sync", .type = OPT_BOOL, .def = "yes", .doc = "Sync." },
	{ .name = "threads",
	  .type = OPT_INT,
	  .def = "2",
	  .min = -16,
	  .max = 16,
	  .doc = "Threads." },
	{ .name = "mode", .type = OPT_ENUM, .def = "on", .values = modes, .doc = "Mode." },
	{ .name = "word", .type = OPT_TEXT, .check = check_word, .doc = "Word." },
	{ .name = "list", .type = OPT_TEXT, .flags = OPT_LIST, .def = "one", .doc = "List." },
	OPT_END,
};
static const struct opt s3_opts[] = {
	{ .name = "endpoint",
	  .type = OPT_TEXT,
	  .flags = OPT_REQUIRED,
	  .min = 1,
	  .max = 99,
	  .doc = "URL." },
	{ .name = "key", .type = OPT_TEXT, .flags = OPT_SECRET, .doc = "Key." },
	OPT_END,
};
static const struct conf_section sections[] = {
	{ "store", store_opts, false },
	{ "s3", s3_opts, true },
};

/* Whatever loaded keeps the promises of its tables. */
static void look(const struct conf *c)
{
	REQUIRE(conf_text(c, "store", "path")[0] != '\0');
	REQUIRE(conf_i64(c, "store", "retention") >= NS_PER_S);
	REQUIRE(conf_i64(c, "store", "limit") >= 1);
	REQUIRE(conf_i64(c, "store", "threads") >= -16 &&
		conf_i64(c, "store", "threads") <= 16);
	REQUIRE(conf_i64(c, "store", "mode") >= 0 && conf_i64(c, "store", "mode") <= 2);
	REQUIRE(conf_i64(c, "store", "sync") == conf_bool(c, "store", "sync"));
	for (size_t i = 0; i < conf_count(c, "store", "list"); i++)
		REQUIRE(conf_item(c, "store", "list", i) != NULL);
	for (size_t i = 0; i < conf_labels(c, "s3"); i++)
		REQUIRE(conf_label_text(c, "s3", conf_label(c, "s3", i), "endpoint")[0] !=
			'\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = { (const char *)data, n };
	char override[256];
	const char *overrides[] = { NULL, NULL };
	struct conf *c = NULL;
	struct buf errors;
	ptrdiff_t nul = str_chr(text, '\0');
	if (nul >= 0 && str_copy(override, sizeof(override), str_sub(text, (size_t)nul + 1, n)))
		overrides[0] = override;
	if (nul >= 0)
		text.n = (size_t)nul;
	buf_init(&errors, 1 << 20);
	int rc = conf_load_text(&c, "fuzz.conf", text, sections, ARRAY_LEN(sections), overrides,
				&errors);
	REQUIRE(!buf_failed(&errors));
	REQUIRE((rc == 0) == (errors.n == 0) && (rc == 0) == (c != NULL));
	REQUIRE(str_utf8_valid(buf_view(&errors)));
	if (c)
		look(c);
	conf_free(c);
	buf_fini(&errors);
	return 0;
}
