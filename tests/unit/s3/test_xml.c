/* What S3 answers: real documents of AWS, radosgw and cloudserver are understood, anything else is no answer and
 * does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../src/s3/answers.h"
#include "../../../src/s3/xml.h"
#include "tomsd/base/buf.h"
#include "tomsd/base/clock.h"

static enum xml_event read_all(struct str document, char *trace, size_t cap)
{
	static struct xml x;
	struct buf out;
	enum xml_event event;
	buf_init(&out, cap - 1);
	xml_init(&x, document);
	while ((event = xml_next(&x)) == XML_OPEN || event == XML_CLOSE)
		if (event == XML_OPEN)
			buf_fmt(&out, "%d<%.*s ", x.at_depth, (int)x.name.n, x.name.p);
		else
			buf_fmt(&out, "%d>%.*s=%.*s ", x.at_depth, (int)x.name.n, x.name.p,
				(int)x.n_text, x.text);
	(void)str_copy(trace, cap, buf_view(&out));
	buf_fini(&out);
	assert_int_equal(xml_next(&x), event);
	return event;
}

static void elements_and_their_text_are_read(void **state)
{
	(void)state;
	char trace[1000];
	assert_int_equal(
		read_all(STR("\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <a> --><r xmlns=\"x>y\"><a>1 &lt;&#65;&#x3042;</a>\n<b/><c:d e='/'>"
			     "<![CDATA[<&>]]>t</c:d></r>\n<!-- end -->"),
			 trace, sizeof(trace)),
		XML_END);
	assert_string_equal(trace, "1<r 2<a 2>a=1 <A\xe3\x81\x82 2<b 2>b= 2<d 2>d=<&>t 1>r= ");
}

static void what_is_no_xml_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"text",
		"<a>",
		"<a></b>",
		"<a>&unknown;</a>",
		"<a>&#0;</a>",
		"<a>&#x110000;</a>",
		"<a>&#xd800;</a>",
		"<a>& </a>",
		"<a",
		"<a b='>",
		"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
		"<a/><b/>",
		"<a/>text",
		"</a>",
		"<a><!-- </a>",
		"<a><![CDATA[x</a>",
		"<>x</>",
		"<a><",
		"<a>&lt",
		"<a>&#;</a>",
		"<a>&#x;</a>",
		"<a>&#99999999999;</a>",
		"<a>&;</a>",
		"<![CDATA[x]]><a/>",
	};
	char trace[1000];
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_all(str_of(bad[i]), trace, sizeof(trace)) != XML_BAD)
			fail_msg("taken for XML: %s", bad[i]);
}

static void nothing_grows_past_its_limit(void **state)
{
	(void)state;
	struct buf b;
	char trace[100];
	buf_init(&b, 1u << 20);
	for (int i = 0; i <= XML_DEPTH_MAX; i++)
		buf_cstr(&b, "<a>");
	assert_int_equal(read_all(buf_view(&b), trace, sizeof(trace)), XML_BAD);
	buf_reset(&b);
	buf_cstr(&b, "<a>");
	for (int i = 0; i <= XML_TEXT_MAX; i++)
		buf_char(&b, 'x');
	buf_cstr(&b, "</a>");
	assert_int_equal(read_all(buf_view(&b), trace, sizeof(trace)), XML_BAD);
	buf_reset(&b);
	buf_char(&b, '<');
	for (int i = 0; i <= XML_NAME_MAX; i++)
		buf_char(&b, 'n');
	buf_cstr(&b, "/>");
	assert_int_equal(read_all(buf_view(&b), trace, sizeof(trace)), XML_BAD);
	buf_fini(&b);
}

static void an_error_says_what_and_where(void **state)
{
	(void)state;
	struct s3_error x;
	assert_int_equal(
		s3_read_error(
			STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code><Message>The region "
			    "'us-east-1' is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region></Error>"),
			&x),
		0);
	assert_string_equal(x.code, "AuthorizationHeaderMalformed");
	assert_string_equal(x.region, "eu-west-1");
	/* radosgw */
	assert_int_equal(
		s3_read_error(
			STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code><BucketName>b</BucketName>"
			    "<RequestId>tx0</RequestId><HostId>1-a-b</HostId></Error>"),
			&x),
		0);
	assert_string_equal(x.code, "SlowDown");
	assert_string_equal(x.message, "");
	/* Broken off: what was read stays. */
	assert_int_equal(s3_read_error(STR("<Error><Code>SlowDown</Code><Mess"), &x), 0);
	assert_string_equal(x.code, "SlowDown");
	assert_int_equal(s3_read_error(STR("<html><h1>502</h1></html>"), &x), -ERR_NOTFOUND);
	assert_int_equal(s3_read_error(STR_NULL, &x), -ERR_NOTFOUND);
	/* Words from outside do not end a line of ours. */
	assert_int_equal(s3_read_error(STR("<Error><Code>A&#10;B</Code></Error>"), &x), 0);
	assert_null(strchr(x.code, '\n'));
}

static void an_upload_begins_and_ends(void **state)
{
	(void)state;
	char id[S3_UPLOAD_ID_MAX] = "as before", etag[80] = "as before", longest[400];
	assert_int_equal(
		s3_read_upload_id(
			STR("<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Tenant></Tenant><Bucket>b"
			    "</Bucket><Key>k</Key><UploadId>2~gSrJ</UploadId></InitiateMultipartUploadResult>"),
			id),
		0);
	assert_string_equal(id, "2~gSrJ");
	assert_int_equal(
		s3_read_upload_id(
			STR("<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>"),
			id),
		-ERR_INVALID);
	(void)snprintf(
		longest, sizeof(longest),
		"<InitiateMultipartUploadResult><UploadId>%0300d</UploadId></InitiateMultipartUploadResult>",
		1);
	assert_int_equal(s3_read_upload_id(str_of(longest), id), -ERR_INVALID);
	assert_string_equal(id, "2~gSrJ");
	assert_int_equal(
		s3_read_completed(
			STR("<CompleteMultipartUploadResult><ETag>&quot;abc-2&quot;</ETag></CompleteMultipartUploadResult>"),
			etag),
		0);
	assert_string_equal(etag, "abc-2");
	assert_int_equal(
		s3_read_completed(
			STR("<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>"),
			etag),
		0);
	assert_string_equal(etag, "");
	/* Waiting blanks before the real answer, and then an error. */
	struct s3_error x;
	struct str late = STR(
		"  \n <?xml version=\"1.0\"?>\n\n<Error><Code>InternalError</Code></Error>");
	assert_int_equal(s3_read_completed(late, etag), -ERR_INVALID);
	assert_int_equal(s3_read_error(late, &x), 0);
	assert_string_equal(x.code, "InternalError");
}

static const char parts_document[] =
	"<ListPartsResult><Bucket>b</Bucket><PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>3</NextPartNumberMarker><IsTruncated>true</IsTruncated>"
	"<Part><LastModified>2026-11-22T00:00:00.000Z</LastModified><PartNumber>1</PartNumber><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag>"
	"<Size>16777216</Size></Part><Part><PartNumber>3</PartNumber><ETag>0123456789abcdef0123456789abcdef</ETag><Size>5</Size></Part>"
	"<Part><PartNumber>9</PartNumber><ETag>x</ETag><Size>5</Size></Part><Part><PartNumber>0</PartNumber><Size>6</Size></Part>"
	"<Part><PartNumber>2</PartNumber><Size>-6</Size></Part></ListPartsResult>";

static void parts_that_are_there_are_found(void **state)
{
	(void)state;
	struct s3_part parts[4] = { { 0 } };
	uint32_t next = 7;
	assert_int_equal(s3_read_parts(STR(parts_document), parts, 4, &next), 0);
	assert_int_equal(next, 3);
	assert_int_equal(parts[0].bytes, 16777216);
	assert_string_equal(parts[0].etag, "0123456789abcdef0123456789abcdef");
	assert_int_equal(parts[1].bytes, 0);
	assert_int_equal(parts[2].bytes, 5);
	assert_string_equal(parts[2].etag, "0123456789abcdef0123456789abcdef");
	assert_int_equal(parts[3].bytes, 0);
}

struct heard {
	size_t n;
	char keys[500];
	struct s3_listed last;
	int say;
};

static int hear(void *arg, const struct s3_listed *l)
{
	struct heard *h = arg;
	size_t at = strlen(h->keys);
	(void)snprintf(h->keys + at, sizeof(h->keys) - at, "%.*s%s;", (int)l->key.n, l->key.p,
		       l->v.is_delete_marker ? "!" : "");
	h->last = *l;
	h->n++;
	return h->say;
}

static const char versions_document[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix>p/</Prefix><KeyMarker/>"
	"<MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated><NextKeyMarker>p/kind=flow/b &amp; c</NextKeyMarker><NextVersionIdMarker>v9</NextVersionIdMarker>"
	"<DeleteMarker><Key>p/a</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest><LastModified>2026-11-22T00:00:01.000Z</LastModified></DeleteMarker>"
	"<Version><Key>p/a</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest><LastModified>2026-11-22T00:00:00.123Z</LastModified>"
	"<ETag>&quot;e&quot;</ETag><Size>12</Size><StorageClass>STANDARD</StorageClass><Owner><ID>1</ID><DisplayName>Key</DisplayName></Owner></Version>"
	"<Version><Key>p/kind=flow/b &amp; c</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><Size>18446744073709551615</Size></Version></ListVersionsResult>";

static void versions_are_listed_in_their_order(void **state)
{
	(void)state;
	struct heard h = { 0 };
	struct s3_page page = { .next_key = "" };
	assert_int_equal(s3_read_versions(STR(versions_document), hear, &h, &page), 0);
	assert_string_equal(h.keys, "p/a!;p/a;p/kind=flow/b & c;");
	assert_int_equal(h.last.v.bytes, UINT64_MAX);
	assert_true(h.last.v.is_latest);
	assert_string_equal(h.last.v.version_id, "null");
	assert_string_equal(page.next_key, "p/kind=flow/b & c");
	assert_string_equal(page.next_version, "v9");
	/* Without versions (ListObjectsV2). */
	h = (struct heard){ 0 };
	assert_int_equal(
		s3_read_versions(
			STR("<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t+/=</NextContinuationToken>"
			    "<Contents><Key>k</Key><Size>3</Size></Contents></ListBucketResult>"),
			hear, &h, &page),
		0);
	assert_string_equal(h.keys, "k;");
	assert_true(h.last.v.is_latest && h.last.v.bytes == 3);
	assert_string_equal(page.next_key, "t+/=");
	h = (struct heard){ .say = 42 };
	assert_int_equal(s3_read_versions(STR(versions_document), hear, &h, &page), 42);
	assert_int_equal(h.n, 1);
}

static void more_without_a_way_to_it_is_no_list(void **state)
{
	(void)state;
	struct heard h = { 0 };
	struct s3_page page = { .next_key = "as before" };
	assert_int_equal(
		s3_read_versions(
			STR("<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>"),
			hear, &h, &page),
		-ERR_INVALID);
	assert_string_equal(page.next_key, "as before");
	assert_int_equal(s3_read_versions(STR("<ListVersionsResult/>"), hear, &h, &page), 0);
	assert_string_equal(page.next_key, "");
}

static void the_bucket_says_what_it_keeps(void **state)
{
	(void)state;
	char status[16];
	bool is_on = false;
	assert_int_equal(
		s3_read_versioning(
			STR("<VersioningConfiguration xmlns='x'><Status>Enabled</Status></VersioningConfiguration>"),
			status),
		0);
	assert_string_equal(status, "Enabled");
	assert_int_equal(s3_read_versioning(STR("<VersioningConfiguration/>"), status), 0);
	assert_string_equal(status, "");
	assert_int_equal(
		s3_read_object_lock(
			STR("<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE"
			    "</Mode></DefaultRetention></Rule></ObjectLockConfiguration>"),
			&is_on),
		0);
	assert_true(is_on);
	assert_int_equal(s3_read_object_lock(STR("<Error/>"), &is_on), -ERR_INVALID);
}

/* In a copy of exactly its length, so that a sanitizer sees a look behind it. */
static void read_each_way(struct str document)
{
	char *copy = malloc(document.n + 1);
	struct s3_error error;
	struct s3_part parts[4] = { { 0 } };
	struct s3_page page;
	struct heard h = { 0 };
	char id[S3_UPLOAD_ID_MAX], etag[80];
	uint32_t next;
	assert_non_null(copy);
	memcpy(copy, document.p, document.n);
	struct str s = str_n(copy, document.n);
	assert_true(s3_read_error(s, &error) <= 0);
	assert_true(s3_read_upload_id(s, id) <= 0);
	assert_true(s3_read_completed(s, etag) <= 0);
	assert_int_equal(s3_read_parts(s, parts, 4, &next),
			 s.n == sizeof(parts_document) - 1 && s.p[5] == 'P' ? 0 : -ERR_INVALID);
	assert_true(s3_read_versions(s, hear, &h, &page) <= 0);
	free(copy);
}

static void every_beginning_of_an_answer_is_no_answer(void **state)
{
	(void)state;
	for (size_t n = 0; n <= sizeof(parts_document) - 1; n++)
		read_each_way(str_n(parts_document, n));
	for (size_t n = 0; n <= sizeof(versions_document) - 1; n++)
		read_each_way(str_n(versions_document, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_and_their_text_are_read),
		cmocka_unit_test(what_is_no_xml_is_refused),
		cmocka_unit_test(nothing_grows_past_its_limit),
		cmocka_unit_test(an_error_says_what_and_where),
		cmocka_unit_test(an_upload_begins_and_ends),
		cmocka_unit_test(parts_that_are_there_are_found),
		cmocka_unit_test(versions_are_listed_in_their_order),
		cmocka_unit_test(more_without_a_way_to_it_is_no_list),
		cmocka_unit_test(the_bucket_says_what_it_keeps),
		cmocka_unit_test(every_beginning_of_an_answer_is_no_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
