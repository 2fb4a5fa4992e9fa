/* Requests find their handlers, or an answer that says why not. */
#include "house.h"

static const struct param *seen_params;
static char seen_arg[64], seen_text[64];
static int64_t seen_number;

static void remember(struct request *rq, struct reply *rp)
{
	seen_params = rq->route->params;
	(void)str_copy(seen_arg, sizeof(seen_arg), rq->path_arg);
	const struct param_value *v = req_param(rq, "name");
	(void)str_copy(seen_text, sizeof(seen_text), v ? v->text : STR("-"));
	seen_number = req_int(rq, "limit", -7);
	json_bool(reply_json(rp, 200), true);
}

static const char *const colours[] = { "red", "green", NULL };
static const struct param params[] = {
	{ "name", PARAM_TEXT, 0, 10, NULL, "" },     { "limit", PARAM_INT, 1, 100, NULL, "" },
	{ "since", PARAM_TIME, 0, 0, NULL, "" },     { "until", PARAM_TIME, 0, 0, NULL, "" },
	{ "colour", PARAM_ENUM, 0, 0, colours, "" }, PARAM_END,
};
static const struct route routes[] = {
	{ .method = "GET",
	  .path = "/api/v1/things",
	  .may = MAY_LOOK,
	  .params = params,
	  .handle = remember,
	  .doc = "Things." },
	{ .method = "POST",
	  .path = "/api/v1/things",
	  .may = MAY_WORK,
	  .handle = remember,
	  .doc = "Makes one." },
	{ .method = "GET",
	  .path = "/api/v1/things/{id}",
	  .may = MAY_ALL,
	  .handle = remember,
	  .doc = "A thing." },
	{ .method = "DELETE",
	  .path = "/api/v1/secret",
	  .may = MAY_ADMIN,
	  .handle = remember,
	  .flags = ROUTE_LOCAL,
	  .doc = "x" },
	ROUTE_END,
};
static const struct room room = { .name = "things", .routes = routes };
static const struct room *const rooms[] = { &room, NULL };
static struct app *house;

static int setup(void **state)
{
	(void)state;
	house = house_of(rooms);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	app_free(house);
	return 0;
}

static int ask(const char *method, const char *target, enum role role, const char *code)
{
	struct request rq;
	struct reply rp;
	struct json_doc doc;
	struct err e = ERR_INIT;
	char text[64] = "";
	ask_begin(&rq, &rp, house, method, target, role);
	api_dispatch(&rq, &rp);
	int status = rp.status;
	assert_int_equal(json_parse(buf_view(&rp.body), 1000, &doc, &e),
			 0); /* every answer is JSON */
	(void)json_text(json_get(&doc, doc.nodes, "code"), text, sizeof(text));
	json_doc_fini(&doc);
	if (code)
		assert_string_equal(text, code);
	ask_end(&rq, &rp);
	return status;
}

static void a_route_is_found_by_method_and_path(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/api/v1/things?name=a%20b+c&limit=7", ROLE_OPERATOR, NULL),
			 200);
	assert_string_equal(seen_text, "a b c");
	assert_int_equal(seen_number, 7);
	assert_int_equal(ask("HEAD", "/api/v1/things", ROLE_AUDITOR, NULL), 200);
	assert_int_equal(seen_number, -7);
	assert_int_equal(ask("GET", "/api/v1/things/%E5%8C%BB%2Fx", ROLE_NONE, NULL), 200);
	assert_string_equal(seen_arg, "医/x");
	assert_int_equal(ask("GET", "/api/v1/nothing", ROLE_ADMIN, "not_found"), 404);
	assert_int_equal(ask("GET", "/api/v1/things/", ROLE_ADMIN, "not_found"), 404);
	assert_int_equal(ask("GET", "/api/v1/things/a/b", ROLE_ADMIN, "not_found"), 404);
	assert_int_equal(ask("GET", "/api/v1/things/%zz", ROLE_ADMIN, "not_found"), 404);
	assert_int_equal(ask("GET", "/api/v1/things/%00", ROLE_ADMIN, "not_found"), 404);
}

static void another_method_is_told_which_there_are(void **state)
{
	(void)state;
	struct request rq;
	struct reply rp;
	ask_begin(&rq, &rp, house, "DELETE", "/api/v1/things", ROLE_ADMIN);
	api_dispatch(&rq, &rp);
	assert_int_equal(rp.status, 405);
	assert_string_equal(rp.headers[0][0], "Allow");
	assert_string_equal(rp.headers[0][1], "GET, HEAD, POST");
	ask_end(&rq, &rp);
}

static void a_role_sees_what_it_may_and_is_told_whom_to_ask(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/api/v1/things", ROLE_NONE, "sign_in_required"), 401);
	assert_int_equal(ask("GET", "/api/v1/things", ROLE_VIEWER, "role_required"), 403);
	assert_int_equal(ask("GET", "/api/v1/things", ROLE_AUDITOR, NULL), 200);
	assert_int_equal(ask("POST", "/api/v1/things", ROLE_AUDITOR, "role_required"), 403);
	assert_int_equal(ask("POST", "/api/v1/things", ROLE_OPERATOR, NULL), 200);
	assert_int_equal(ask("POST", "/api/v1/things", ROLE_ADMIN, NULL), 200);
}

static void local_routes_are_not_there_for_others(void **state)
{
	(void)state;
	struct request rq;
	struct reply rp;
	assert_int_equal(ask("DELETE", "/api/v1/secret", ROLE_ADMIN, "not_found"), 404);
	assert_int_equal(ask("GET", "/api/v1/secret", ROLE_ADMIN, "not_found"),
			 404); /* nor is their method told */
	ask_begin(&rq, &rp, house, "DELETE", "/api/v1/secret", ROLE_ADMIN);
	(void)str_copy(rq.who.from, sizeof(rq.who.from), STR("local"));
	api_dispatch(&rq, &rp);
	assert_int_equal(rp.status, 200);
	ask_end(&rq, &rp);
}

static void all_wrong_parameters_are_told_at_once(void **state)
{
	(void)state;
	struct request rq;
	struct reply rp;
	ask_begin(
		&rq, &rp, house, "GET",
		"/api/v1/things?limit=0&name=12345678901&since=yesterday&colour=blue&nmae=x&until=-1h&until=-2h",
		ROLE_ADMIN);
	api_dispatch(&rq, &rp);
	assert_int_equal(rp.status, 400);
	static const char *const faults[] = {
		"{\"parameter\":\"limit\",\"code\":\"range\"",
		"{\"parameter\":\"name\",\"code\":\"too_long\"",
		"{\"parameter\":\"since\",\"code\":\"time\"",
		"{\"parameter\":\"colour\",\"code\":\"one_of\"",
		"{\"parameter\":\"nmae\",\"code\":\"unknown\"",
		"{\"parameter\":\"until\",\"code\":\"repeated\"",
	};
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		assert_non_null(strstr(body_of(&rp), faults[i]));
	ask_end(&rq, &rp);
}

static void every_prefix_of_a_good_query_is_answered(void **state)
{
	(void)state;
	static const char target[] =
		"/api/v1/things?name=%E7%97%85&limit=99&since=2026-11-22T14:05:00%2B09:00&until=-1h&colour=red";
	char text[sizeof(target)];
	for (size_t n = 0; n < sizeof(target); n++) {
		memcpy(text, target, n);
		text[n] = '\0';
		int status = ask("GET", text, ROLE_ADMIN, NULL);
		assert_true(status == 200 || status == 400 || status == 404);
	}
	assert_int_equal(ask("GET", target, ROLE_ADMIN, NULL), 200);
}

static void a_problem_is_never_taken_for_the_file_it_stands_in_for(void **state)
{
	(void)state;
	struct request rq;
	struct reply rp;
	ask_begin(&rq, &rp, house, "GET", "/api/v1/things", ROLE_ADMIN);
	rp.type = "text/csv";
	reply_header(&rp, "Content-Disposition", "attachment; filename=\"flow.csv\"");
	rp.retry_after_s = 5;
	reply_problem(&rq, &rp, 429, "too_many_requests", "%s", "later");
	assert_int_equal(rp.n_headers, 1);
	assert_string_equal(rp.headers[0][0], "Retry-After");
	assert_string_equal(rp.type, "application/problem+json");
	ask_end(&rq, &rp);
}

static void openapi_names_every_route_and_is_json(void **state)
{
	(void)state;
	struct buf b;
	struct json j;
	struct json_doc doc;
	struct err e = ERR_INIT;
	buf_init(&b, 1u << 20);
	json_init(&j, &b);
	api_openapi(house, &j);
	assert_int_equal(json_parse(buf_view(&b), 100000, &doc, &e), 0);
	const struct json_node *paths = json_get(&doc, doc.nodes, "paths");
	assert_non_null(json_get(&doc, paths, "/api/v1/things"));
	assert_non_null(json_get(&doc, json_get(&doc, paths, "/api/v1/things"), "post"));
	assert_non_null(json_get(&doc, paths, "/api/v1/things/{id}"));
	assert_null(json_get(&doc, paths, "/api/v1/secret"));
	const struct json_node *schemas =
		json_get(&doc, json_get(&doc, doc.nodes, "components"), "schemas");
	assert_non_null(json_get(&doc, schemas, "flow"));
	assert_non_null(json_get(&doc, schemas, "flow_list"));
	json_doc_fini(&doc);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_route_is_found_by_method_and_path),
		cmocka_unit_test(another_method_is_told_which_there_are),
		cmocka_unit_test(a_role_sees_what_it_may_and_is_told_whom_to_ask),
		cmocka_unit_test(local_routes_are_not_there_for_others),
		cmocka_unit_test(all_wrong_parameters_are_told_at_once),
		cmocka_unit_test(every_prefix_of_a_good_query_is_answered),
		cmocka_unit_test(a_problem_is_never_taken_for_the_file_it_stands_in_for),
		cmocka_unit_test(openapi_names_every_route_and_is_json),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
