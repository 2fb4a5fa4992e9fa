/* Who looked at which logs is itself recorded; searches have names. */
#include "living.h"

static const char everything[] = "/api/v1/audit?limit=1000";

static size_t rows_of(struct living *l, const char *action)
{
	char part[64];
	(void)snprintf(part, sizeof(part), "\"action\":\"%s\"", action);
	return living_count(l, ROLE_ADMIN, everything, part);
}

static void look(struct living *l, const char *name, const char *target)
{
	living_check(l, name, ROLE_OPERATOR, "GET", target, NULL, 200, NULL);
}

static void pages_and_reloads_of_one_search_are_one_audit_row(void **state)
{
	(void)state;
	struct living l;
	living_begin(&l);
	look(&l, "sato", "/api/v1/logs?q=host:10.0.0.1+-app:dns&since=-24h");
	look(&l, "sato", "/api/v1/logs?q=host:10.0.0.1+-app:dns&since=-24h");
	look(&l, "sato",
	     "/api/v1/logs?q=host:10.0.0.1+-app:dns&since=-24h&limit=7&total=false");
	assert_int_equal(rows_of(&l, "logs.search"), 1);
	living_check(&l, "sato", ROLE_ADMIN, "GET", everything, NULL, 200,
		     "\"object\":\"host:10.0.0.1 -app:dns since:-24h\"");
	living_check(&l, "sato", ROLE_ADMIN, "GET", everything, NULL, 200,
		     "\"after\":{\"q\":\"host:10.0.0.1 -app:dns\",\"since\":\"-24h\"}");
	look(&l, "sato", "/api/v1/logs?q=host:10.0.0.2");
	look(&l, "ito", "/api/v1/logs?q=host:10.0.0.2");
	assert_int_equal(rows_of(&l, "logs.search"), 3);
	look(&l, "sato", "/api/v1/flows?q=host:10.0.0.2"); /* no log content */
	look(&l, "sato", "/api/v1/logs/series");
	assert_int_equal(living_count(&l, ROLE_ADMIN, everything, "\"action\":"), 3);
	living_end(&l);
}

static void searches_that_begin_alike_for_long_are_two(void **state)
{
	(void)state;
	struct living l;
	char target[2048] = "/api/v1/logs?q=";
	living_begin(&l);
	for (int i = 0; i < 6; i++) { /* more than the object of an audit row holds */
		size_t n = strlen(target);
		memset(target + n, 'a' + i, 200);
		target[n + 200] = '+';
		target[n + 201] = '\0';
	}
	size_t n = strlen(target);
	(void)snprintf(target + n, sizeof(target) - n, "tanaka");
	look(&l, "sato", target);
	(void)snprintf(target + n, sizeof(target) - n, "suzuki");
	look(&l, "sato", target);
	look(&l, "sato", target);
	assert_int_equal(rows_of(&l, "logs.search"), 2);
	living_check(&l, "sato", ROLE_ADMIN, "GET", everything, NULL, 200, " suzuki\"");
	living_end(&l);
}

static void a_csv_of_logs_asks_what_for_and_each_one_is_recorded(void **state)
{
	(void)state;
	struct living l;
	living_begin(&l);
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/logs?format=csv", NULL, 400,
		     "\"parameter\":\"purpose\",\"code\":\"missing\"");
	living_check(&l, "sato", ROLE_OPERATOR, "GET", "/api/v1/logs?format=csv&purpose=ab",
		     NULL, 400, "\"code\":\"length\"");
	assert_int_equal(living_count(&l, ROLE_ADMIN, everything, "\"action\":"), 0);
	look(&l, "sato", "/api/v1/logs?format=csv&purpose=%E8%AA%BF%E6%9F%BB%E7%94%A8");
	look(&l, "sato", "/api/v1/logs?format=csv&purpose=%E8%AA%BF%E6%9F%BB%E7%94%A8");
	look(&l, "sato", "/api/v1/flows?format=csv&host=10.0.0.9");
	assert_int_equal(rows_of(&l, "logs.csv"), 2);
	assert_int_equal(rows_of(&l, "flows.csv"), 1);
	living_check(&l, "sato", ROLE_ADMIN, "GET", everything, NULL, 200,
		     "\"purpose\":\"調査用\"");
	living_end(&l);
}

static void a_viewer_sees_no_log_but_how_many_there_are(void **state)
{
	(void)state;
	static const char *const closed[] = { "/api/v1/logs",           "/api/v1/logs/1",
					      "/api/v1/logs/1/raw",     "/api/v1/logs/1/fields",
					      "/api/v1/logs/1/flows",   "/api/v1/flows/1/logs",
					      "/api/v1/gaps",           "/api/v1/searches",
					      "/api/v1/jobs",           "/api/v1/jobs/1",
					      "/api/v1/exports/1/a.csv" };
	struct living l;
	living_begin(&l);
	for (size_t i = 0; i < ARRAY_LEN(closed); i++)
		living_check(&l, "goto", ROLE_VIEWER, "GET", closed[i], NULL, 403,
			     "role_required");
	living_check(&l, "goto", ROLE_VIEWER, "GET", "/api/v1/logs/series?by=source", NULL, 200,
		     "\"series\":[]");
	living_check(&l, "goto", ROLE_VIEWER, "GET", "/api/v1/logs/top?by=type", NULL, 200,
		     "\"items\":[]");
	living_end(&l);
}

static void a_saved_search_is_its_owners_and_shared_ones_are_everybodys(void **state)
{
	(void)state;
	struct living l;
	living_begin(&l);
	static const char own
		[] = "{\"name\":\"外部 DNS\",\"page\":\"logs\",\"q\":\"port:53\"}",
	     all[] = "{\"name\":\"夜間\",\"page\":\"logs\",\"q\":\"action:deny\",\"shared\":true}";
	living_check(
		&l, "sato", ROLE_OPERATOR, "POST", "/api/v1/searches", own, 201,
		"\"id\":\"1\",\"name\":\"外部 DNS\",\"page\":\"logs\",\"q\":\"port:53\",\"shared\":false");
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/api/v1/searches", own, 409, "exists");
	living_check(&l, "ito", ROLE_AUDITOR, "POST", "/api/v1/searches", own, 201,
		     "\"id\":\"2\"");
	living_check(&l, "ito", ROLE_AUDITOR, "POST", "/api/v1/searches", all, 403,
		     "role_required");
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/api/v1/searches", all, 201,
		     "\"id\":\"3\"");
	living_check(&l, "ito", ROLE_AUDITOR, "GET", "/api/v1/searches", NULL, 200,
		     "\"name\":\"夜間\"");
	living_check(&l, "ito", ROLE_AUDITOR, "PATCH", "/api/v1/searches/3", "{\"name\":\"x\"}",
		     403, "not_yours");
	living_check(&l, "ito", ROLE_OPERATOR, "DELETE", "/api/v1/searches/3", NULL, 403, NULL);
	living_check(&l, "ito", ROLE_OPERATOR, "PATCH", "/api/v1/searches/1",
		     "{\"name\":\"x\"}", 404, NULL); /* it is not even there for others */
	living_check(&l, "sato", ROLE_OPERATOR, "PATCH", "/api/v1/searches/3",
		     "{\"name\":\"外部 DNS\"}", 409, "exists");
	living_check(&l, "sato", ROLE_OPERATOR, "PATCH", "/api/v1/searches/3",
		     "{\"name\":\"夜\",\"q\":\"action:deny host:10.0.0.1\"}", 200,
		     "\"name\":\"夜\"");
	living_check(&l, "root", ROLE_ADMIN, "DELETE", "/api/v1/searches/3", NULL, 204, NULL);
	assert_int_equal(rows_of(&l, "search.add"), 3);
	assert_int_equal(rows_of(&l, "search.change"), 1);
	assert_int_equal(rows_of(&l, "search.delete"), 1);
	living_end(&l);
}

static void what_cannot_be_searched_is_not_saved(void **state)
{
	(void)state;
	static const struct {
		const char *body, *part;
	} bad[] = {
		{ "{\"name\":\"\",\"page\":\"logs\",\"q\":\"\"}", "\"pointer\":\"/name\"" },
		{ "{\"name\":\" a\",\"page\":\"logs\",\"q\":\"\"}", "\"pointer\":\"/name\"" },
		{ "{\"name\":\"a\\u0001\",\"page\":\"logs\",\"q\":\"\"}",
		  "\"pointer\":\"/name\"" },
		{ "{\"name\":7,\"page\":\"logs\",\"q\":\"\"}", "\"pointer\":\"/name\"" },
		{ "{\"name\":\"a\",\"page\":\"moon\",\"q\":\"\"}", "\"pointer\":\"/page\"" },
		{ "{\"name\":\"a\",\"page\":\"logs\"}", "\"pointer\":\"/q\"" },
		{ "{\"name\":\"a\",\"page\":\"logs\",\"q\":\"\\\"open\"}",
		  "\"pointer\":\"/q\"" },
	};
	struct living l;
	living_begin(&l);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		living_check(&l, "sato", ROLE_OPERATOR, "POST", "/api/v1/searches", bad[i].body,
			     422, bad[i].part);
	for (int i = 0; i < 200; i++) {
		char body[96];
		(void)snprintf(body, sizeof(body),
			       "{\"name\":\"s%d\",\"page\":\"logs\",\"q\":\"\"}", i);
		living_check(&l, "sato", ROLE_OPERATOR, "POST", "/api/v1/searches", body, 201,
			     NULL);
	}
	living_check(&l, "sato", ROLE_OPERATOR, "POST", "/api/v1/searches",
		     "{\"name\":\"one more\",\"page\":\"logs\",\"q\":\"\"}", 422,
		     "too_many_searches");
	living_end(&l);
}

static void gap(struct living *l, int64_t start_ns, int64_t end_ns, uint8_t kind, uint64_t lost,
		const char *name)
{
	struct gap g = {
		.start_ns = start_ns, .end_ns = end_ns, .kind = kind, .lost = lost, .source = 4
	};
	(void)str_copy(g.name, sizeof(g.name), str_of(name));
	assert_int_equal(store_put(l->st, &gap_record, &g), 0);
}

static void what_is_missing_of_logs_stands_beside_them(void **state)
{
	(void)state;
	static const int64_t noon = INT64_C(1795348800) * NS_PER_S, minute = 60 * NS_PER_S;
	struct living l;
	clock_fix(noon + 300 * minute);
	living_begin(&l);
	/* a silence of two and a half hours has three rows and is one gap; another is outside */
	gap(&l, noon, noon + 60 * minute, GAP_SILENT, 0, "fw1");
	gap(&l, noon + 60 * minute, noon + 120 * minute, GAP_SILENT, 0, "fw1");
	gap(&l, noon + 120 * minute, noon + 150 * minute, GAP_SILENT, 0, "fw1");
	gap(&l, noon + 100 * minute, noon + 101 * minute, GAP_SOCKET, 77, "udp 0.0.0.0:514");
	gap(&l, noon - 600 * minute, noon - 590 * minute, GAP_DOWN, 0, "");
	living_flush(&l);
	static const char target[] =
		"/api/v1/logs?since=2026-11-22T12:10:00Z&until=2026-11-22T14:00:00Z";
	living_check(&l, "sato", ROLE_OPERATOR, "GET", target, NULL, 200,
		     "{\"since\":\"2026-11-22T12:10:00Z\",\"until\":\"2026-11-22T14:00:00Z\","
		     "\"reason\":\"silent\",\"name\":\"fw1\",\"source\":4}");
	living_check(
		&l, "sato", ROLE_OPERATOR, "GET", target, NULL, 200,
		"\"reason\":\"socket\",\"name\":\"udp 0.0.0.0:514\",\"source\":4,\"lost\":77}");
	assert_int_equal(living_count(&l, ROLE_OPERATOR, target, "\"reason\""), 2);
	assert_int_equal(living_count(&l, ROLE_OPERATOR, "/api/v1/logs", "\"reason\""), 3);
	assert_int_equal(living_count(&l, ROLE_OPERATOR, "/api/v1/gaps", "\"event\""), 5);
	assert_int_equal(living_count(&l, ROLE_OPERATOR,
				      "/api/v1/flows?since=2026-11-22T12:10:00Z", "silent"),
			 0);
	living_end(&l);
	clock_fix(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_and_reloads_of_one_search_are_one_audit_row),
		cmocka_unit_test(searches_that_begin_alike_for_long_are_two),
		cmocka_unit_test(a_csv_of_logs_asks_what_for_and_each_one_is_recorded),
		cmocka_unit_test(a_viewer_sees_no_log_but_how_many_there_are),
		cmocka_unit_test(a_saved_search_is_its_owners_and_shared_ones_are_everybodys),
		cmocka_unit_test(what_cannot_be_searched_is_not_saved),
		cmocka_unit_test(what_is_missing_of_logs_stands_beside_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
