/* CSV that spreadsheets read back as it was, without running anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tomsd/base/csv.h"

static struct buf out;
static struct csv csv;

static int setup(void **state)
{
	(void)state;
	buf_init(&out, 10000);
	csv_init(&csv, &out);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

static void rows_end_with_crlf(void **state)
{
	(void)state;
	csv_bom(&csv);
	csv_str(&csv, STR("a"));
	csv_u64(&csv, 5);
	csv_empty(&csv);
	csv_i64(&csv, -3);
	csv_end(&csv);
	csv_empty(&csv);
	csv_str(&csv, STR("b"));
	csv_end(&csv);
	assert_string_equal(out.p, "\xef\xbb\xbf"
				   "a,5,,-3\r\n,b\r\n");
}

static const char *cell(const char *text)
{
	buf_reset(&out);
	csv_init(&csv, &out);
	csv_str(&csv, str_of(text));
	return out.p ? out.p : "";
}

static void cells_are_quoted_where_they_must(void **state)
{
	(void)state;
	assert_string_equal(cell("plain text"), "plain text");
	assert_string_equal(cell(""), "");
	assert_string_equal(cell("a,b"), "\"a,b\"");
	assert_string_equal(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
	assert_string_equal(cell("two\nlines"), "\"two\nlines\"");
	assert_string_equal(cell(" edge"), "\" edge\"");
	assert_string_equal(cell("\""), "\"\"\"\"");
	assert_string_equal(cell("病院"), "病院");
}

static void no_cell_is_a_formula(void **state)
{
	(void)state;
	assert_string_equal(cell("=1+1"), "'=1+1");
	assert_string_equal(cell("+cmd|' /C calc'!A0"), "'+cmd|' /C calc'!A0");
	assert_string_equal(cell("-2+3"), "'-2+3");
	assert_string_equal(cell("@SUM(A1)"), "'@SUM(A1)");
	assert_string_equal(cell("\tx"), "'\tx");
	assert_string_equal(cell("\r=x"), "\"'\r=x\"");
	assert_string_equal(cell("=HYPERLINK(\"a\",\"b\")"),
			    "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"");
	assert_string_equal(cell("＝1+1"), "'＝1+1");
	assert_string_equal(cell("-"), "'-");
}

static void numbers_stay_numbers(void **state)
{
	(void)state;
	static const char *const numbers[] = { "-5", "+3.25", "-1e9", "-1.5E-3", "-7." };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		assert_string_equal(cell(numbers[i]), numbers[i]);
	assert_string_equal(cell("-1e"), "'-1e");
	assert_string_equal(cell("-.5"), "'-.5");
	assert_string_equal(cell("+81 3"), "'+81 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_end_with_crlf, setup, teardown),
		cmocka_unit_test_setup_teardown(cells_are_quoted_where_they_must, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_cell_is_a_formula, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_stay_numbers, setup, teardown),
	};
	return cmocka_run_group_tests_name("base/csv", tests, NULL, NULL);
}
