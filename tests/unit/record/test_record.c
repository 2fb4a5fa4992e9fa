#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tomsd/base/clock.h"
#include "tomsd/flow_row.h"

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(str_of(text), &a), 0);
	return a;
}

static struct flow example(void)
{
	struct flow f = {
		.id = INT64_C(1900000000) << 30 | 7,
		.start_ns = INT64_C(1795360000000000001),
		.end_ns = INT64_C(1795360001500000000),
		.flow_start_ns = INT64_C(1795360000000000001),
		.src = addr_of("128.232.110.120"),
		.dst = addr_of("66.35.250.204"),
		.src_port = 34855,
		.dst_port = 80,
		.src_bytes = 1000,
		.dst_bytes = 234,
		.src_packets = 10,
		.dst_packets = 2,
		.ip_version = 4,
		.l4 = 6,
		.risks = 1u << 5 | 1u << 12 | UINT64_C(1) << 62,
		.risk_score = 20,
		.src_tcp_flags = 0x1b,
		.dst_tcp_flags = 0x12,
		.end_reason = FLOW_END_FIN,
		.direction = FLOW_DIR_OUTBOUND,
		.name_kind = FLOW_NAME_HTTP,
		.proto = "http",
		.name = "example.com",
		.user_agent = "=cmd|' /C calc'!A0",
		.medical = "{\"device\":{\"model\":\"CT 1\"}}",
	};

	return f;
}

static void as_json(const struct record *r, const void *row, struct buf *b)
{
	struct json j;

	buf_init(b, 1 << 20);
	json_init(&j, b);
	record_json(r, row, &j);
	assert_false(buf_failed(b));
}

static void all_records_have_consistent_tables(void **state)
{
	(void)state;
	for (size_t i = 0; records[i]; i++) {
		const struct record *r = records[i];

		assert_ptr_equal(record_by_name(str_of(r->name)), r);
		assert_non_null(record_col(r, r->id_col));
		assert_int_equal(record_col(r, r->id_col)->type, COL_I64);
		assert_int_equal(record_col(r, r->time_col)->type, COL_TIME);
		for (size_t k = 0; k < r->n_cols; k++) {
			const struct col *c = &r->cols[k];

			assert_ptr_equal(record_col(r, c->name), c);
			assert_true((size_t)c->off + c->size <= r->bytes);
			assert_true(c->doc && *c->doc);
			if (c->type == COL_TEXT || c->type == COL_JSON)
				assert_true(c->size <= sizeof(((struct value *)0)->text));
			if (c->ecs && k)
				assert_ptr_equal(record_col_ecs(r, c->ecs), c);
		}
		for (size_t k = 0; k < r->n_out; k++) {
			assert_true((r->out[k].col != NULL) != (r->out[k].get != NULL));
			if (r->out[k].col)
				assert_non_null(record_col(r, r->out[k].col));
			/* a search reads only the columns that a computed member says it needs */
			assert_true((r->out[k].get != NULL) == (r->out[k].needs != NULL));
		}
	}
	assert_null(record_by_name(STR("nothing")));
	assert_null(record_col(&flow_record, "nothing"));
}

static void every_column_shows_outside(void **state)
{
	(void)state;
	for (size_t i = 0; records[i]; i++) {
		const struct record *r = records[i];

		for (size_t k = 0; k < r->n_cols; k++) {
			bool shown = r->cols[k].ecs == NULL;

			for (size_t o = 0; o < r->n_out; o++) {
				shown |= r->cols[k].ecs &&
					 strcmp(r->out[o].ecs, r->cols[k].ecs) == 0;
			}
			if (!shown)
				fail_msg("%s.%s has the name %s but is in no list", r->name,
					 r->cols[k].name, r->cols[k].ecs);
		}
	}
}

/* "a.b.c": an object that was closed must not be opened again, or JSON had the same key twice. */
static void members_with_one_parent_follow_one_another(void **state)
{
	(void)state;
	for (size_t i = 0; records[i]; i++) {
		const struct record *r = records[i];

		for (size_t k = 2; k < r->n_out; k++) {
			const char *now = r->out[k].ecs, *before = r->out[k - 1].ecs;

			for (const char *dot = strchr(now, '.'); dot;
			     dot = strchr(dot + 1, '.')) {
				size_t n = (size_t)(dot - now) + 1;

				if (strncmp(now, before, n) == 0)
					continue;
				for (size_t o = 0; o + 1 < k; o++) {
					if (strncmp(now, r->out[o].ecs, n) == 0)
						fail_msg("%s: %s comes too late", r->name, now);
				}
			}
		}
	}
}

static const char *text_at(const struct json_doc *doc, const char *a, const char *b, char *out)
{
	const struct json_node *n = json_get(doc, &doc->nodes[0], a);

	if (n && b)
		n = json_get(doc, n, b);
	return n && json_text(n, out, 512) ? out : NULL;
}

static void a_flow_is_an_ecs_object(void **state)
{
	struct flow f = example();
	struct buf b;
	struct json_doc doc;
	struct err e = ERR_INIT;
	char text[512];
	const struct json_node *n;
	int64_t v;

	(void)state;
	as_json(&flow_record, &f, &b);
	assert_int_equal(json_parse(buf_view(&b), 1000, &doc, &e), 0);
	assert_string_equal(text_at(&doc, "@timestamp", NULL, text),
			    "2026-11-22T15:06:41.500Z");
	assert_string_equal(text_at(&doc, "source", "ip", text), "128.232.110.120");
	assert_string_equal(text_at(&doc, "event", "id", text), "2040109465600000007");
	assert_string_equal(text_at(&doc, "network", "transport", text), "tcp");
	assert_string_equal(text_at(&doc, "network", "community_id", text),
			    "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	assert_string_equal(text_at(&doc, "url", "domain", text), "example.com");
	n = json_get(&doc, json_get(&doc, &doc.nodes[0], "network"), "bytes");
	assert_true(n && json_int(n, &v) && v == 1234);
	n = json_get(&doc, json_get(&doc, &doc.nodes[0], "event"), "duration");
	assert_true(n && json_int(n, &v) && v == 1499999999);
	n = json_get(&doc, json_get(&doc, &doc.nodes[0], "toms"), "flow");
	n = json_get(&doc, n, "risks");
	assert_true(n && n->type == JSON_ARRAY && n->count == 3);
	n = json_get(&doc, json_get(&doc, &doc.nodes[0], "toms"), "medical");
	assert_true(n && n->type == JSON_OBJECT);
	json_doc_fini(&doc);
	assert_true(str_find(buf_view(&b), STR("\"tcp_flags\":\"FSPA\"")) >= 0);
	assert_true(str_find(buf_view(&b), STR("risk_62")) >= 0);
	assert_true(str_find(buf_view(&b), STR("dns")) < 0); /* what is unknown is not there */
	buf_fini(&b);
}

static void an_empty_row_is_valid_json_too(void **state)
{
	(void)state;
	for (size_t i = 0; records[i]; i++) {
		void *row = calloc(1, records[i]->bytes);
		struct buf b;
		struct json_doc doc;
		struct err e = ERR_INIT;

		as_json(records[i], row, &b);
		assert_int_equal(json_parse(buf_view(&b), 1000, &doc, &e), 0);
		json_doc_fini(&doc);
		buf_fini(&b);
		/* and with every byte set: texts without a NUL, enum values without a name,
		 * objects that are none */
		memset(row, 0x41, records[i]->bytes);
		if (records[i]->tail) /* lengths are the store's own, not a sender's */
			memset((char *)row + records[i]->tail->n_off, 0, sizeof(uint32_t));
		as_json(records[i], row, &b);
		assert_int_equal(json_parse(buf_view(&b), 1000, &doc, &e), 0);
		json_doc_fini(&doc);
		buf_fini(&b);
		free(row);
	}
}

static void csv_has_as_many_cells_as_its_header_and_no_formulas(void **state)
{
	struct flow f = example();
	struct buf b;
	struct csv c;
	size_t commas[2] = { 0, 0 }, line = 0;
	bool quoted = false;

	(void)state;
	buf_init(&b, 1 << 20);
	csv_init(&c, &b);
	record_csv_header(&flow_record, &c);
	record_csv(&flow_record, &f, &c);
	assert_false(buf_failed(&b));
	for (size_t i = 0; i < b.n; i++) {
		quoted ^= b.p[i] == '"';
		if (b.p[i] == ',' && !quoted)
			commas[line]++;
		if (b.p[i] == '\n')
			line++;
	}
	assert_int_equal(line, 2);
	assert_int_equal(commas[0], flow_record.n_out - 1);
	assert_int_equal(commas[1], flow_record.n_out - 1);
	assert_true(str_find(buf_view(&b), STR("'=cmd")) >= 0);
	assert_true(str_find(buf_view(&b), STR(",=cmd")) < 0);
	assert_true(str_find(buf_view(&b),
			     STR("known_protocol_on_non_standard_port;http_numeric_ip_host")) >=
		    0);
	buf_fini(&b);
}

static void icmp_shows_type_and_code_but_no_ports(void **state)
{
	struct flow f = { .ip_version = 4,
			  .l4 = 1,
			  .src_port = 4711,
			  .dst_port = 8 << 8,
			  .src = addr_of("192.168.0.89"),
			  .dst = addr_of("192.168.0.1") };
	struct buf b;

	(void)state;
	as_json(&flow_record, &f, &b);
	assert_true(str_find(buf_view(&b), STR("\"port\"")) < 0);
	assert_true(str_find(buf_view(&b), STR("\"icmp_type\":8,\"icmp_code\":0")) >= 0);
	assert_true(str_find(buf_view(&b), STR("1:X0snYXpgwiv9TZtqg64sgzUn6Dk=")) >= 0);
	buf_fini(&b);
}

static void a_name_goes_where_its_kind_says(void **state)
{
	static const struct {
		enum flow_name_kind kind;
		const char *text;
	} cases[] = {
		{ FLOW_NAME_TLS, "\"client\":{\"server_name\":\"n.example\"}" },
		{ FLOW_NAME_DNS, "\"dns\":{\"question\":{\"name\":\"n.example\"}}" },
		{ FLOW_NAME_HTTP, "\"url\":{\"domain\":\"n.example\"}" },
		{ FLOW_NAME_DHCP, "\"source\":{\"domain\":\"n.example\"" },
		{ FLOW_NAME_OTHER, "\"destination\":{\"domain\":\"n.example\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow f = { .name = "n.example", .name_kind = (uint8_t)cases[i].kind };
		struct buf b;

		as_json(&flow_record, &f, &b);
		assert_true(str_find(buf_view(&b), str_of(cases[i].text)) >= 0);
		buf_fini(&b);
	}
}

static void columns_read_as_their_type(void **state)
{
	struct flow f = example();

	(void)state;
	assert_int_equal(col_int(record_col(&flow_record, "src_port"), &f), 34855);
	assert_int_equal(col_int(record_col(&flow_record, "l4"), &f), 6);
	assert_true(str_eq(col_text(record_col(&flow_record, "end_reason"), &f), STR("fin")));
	assert_true(str_eq(col_text(record_col(&flow_record, "proto"), &f), STR("http")));
	f.end_reason = 200;
	assert_true(str_eq(col_text(record_col(&flow_record, "end_reason"), &f), STR("")));
	memset(f.proto, 'x', sizeof(f.proto)); /* no NUL */
	assert_int_equal(col_text(record_col(&flow_record, "proto"), &f).n, sizeof(f.proto));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_records_have_consistent_tables),
		cmocka_unit_test(every_column_shows_outside),
		cmocka_unit_test(members_with_one_parent_follow_one_another),
		cmocka_unit_test(a_flow_is_an_ecs_object),
		cmocka_unit_test(an_empty_row_is_valid_json_too),
		cmocka_unit_test(csv_has_as_many_cells_as_its_header_and_no_formulas),
		cmocka_unit_test(icmp_shows_type_and_code_but_no_ports),
		cmocka_unit_test(a_name_goes_where_its_kind_says),
		cmocka_unit_test(columns_read_as_their_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
