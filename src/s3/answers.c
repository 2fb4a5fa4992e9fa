/* See answers.h. Documents after the Amazon S3 API Reference (2006-03-01) and as observed on radosgw 16.2 and
 * cloudserver 8.8; their order of elements is not relied on, unknown ones are passed over. Any thread. */
#include "answers.h"

#include "sign.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"
#include "xml.h"

/* A text child of the outermost element and where it goes. */
struct field {
	const char *name;
	char *out;
	size_t cap;
};

/* Reads a flat document: -ERR_NOTFOUND where its outermost element is another. */
static int read_fields(struct str body, const char *root, const struct field *fields, size_t n)
{
	struct xml x;
	enum xml_event event;
	xml_init(&x, body);
	if (xml_next(&x) != XML_OPEN || !xml_is(&x, 1, root))
		return -ERR_NOTFOUND;
	while ((event = xml_next(&x)) != XML_END) {
		if (event == XML_BAD)
			return -ERR_INVALID;
		for (size_t i = 0; i < n && event == XML_CLOSE; i++)
			if (xml_is(&x, 2, fields[i].name))
				str_copy_clean(fields[i].out, fields[i].cap,
					       str_trim(xml_text(&x)));
	}
	return 0;
}

int s3_read_error(struct str body, struct s3_error *out)
{
	*out = (struct s3_error){ .code = "" };
	const struct field fields[] = {
		{ "Code", out->code, sizeof(out->code) },
		{ "Message", out->message, sizeof(out->message) },
		{ "Region", out->region, sizeof(out->region) },
		{ "Endpoint", out->endpoint, sizeof(out->endpoint) },
	};
	int rc = read_fields(body, "Error", fields, ARRAY_LEN(fields));
	/* One that broke off is an error still; what was read of it stays. */
	return rc == -ERR_NOTFOUND ? rc : 0;
}

int s3_read_upload_id(struct str body, char out[S3_UPLOAD_ID_MAX])
{
	char id[S3_UPLOAD_ID_MAX + 1] = ""; /* one more: a cut id is no id */
	const struct field fields[] = { { "UploadId", id, sizeof(id) } };
	int rc = read_fields(body, "InitiateMultipartUploadResult", fields, ARRAY_LEN(fields));
	if (rc || !id[0] || strlen(id) >= S3_UPLOAD_ID_MAX)
		return -ERR_INVALID;
	memcpy(out, id, S3_UPLOAD_ID_MAX);
	return 0;
}

static void unquote(char *etag)
{
	size_t n = strlen(etag);
	if (n < 2 || etag[0] != '"' || etag[n - 1] != '"')
		return;
	memmove(etag, etag + 1, n - 2);
	etag[n - 2] = '\0';
}

int s3_read_completed(struct str body, char etag[80])
{
	char told[80] = "";
	const struct field fields[] = { { "ETag", told, sizeof(told) } };
	if (read_fields(body, "CompleteMultipartUploadResult", fields, ARRAY_LEN(fields)))
		return -ERR_INVALID;
	unquote(told);
	memcpy(etag, told, sizeof(told));
	return 0;
}

static bool is_yes(const struct xml *x)
{
	return str_ieq(str_trim(xml_text(x)), STR("true"));
}

/* <Part> of a ListPartsResult, as its children close. */
struct part_read {
	uint64_t number;
	struct s3_part part;
};

static void take_part_field(const struct xml *x, struct part_read *p)
{
	struct str text = str_trim(xml_text(x));
	if (xml_is(x, 3, "PartNumber") && num_u64(text, 1, S3_PARTS_MAX, &p->number))
		p->number = 0;
	else if (xml_is(x, 3, "Size") && num_u64(text, 0, UINT64_MAX, &p->part.bytes))
		p->number = 0;
	else if (xml_is(x, 3, "ETag")) {
		if (!str_copy(p->part.etag, sizeof(p->part.etag), text))
			p->part.etag[0] = '\0';
		unquote(p->part.etag);
	}
}

int s3_read_parts(struct str body, struct s3_part *parts, uint32_t n_parts, uint32_t *next)
{
	struct xml x;
	enum xml_event event;
	struct part_read read = { 0 };
	uint64_t marker = 0;
	bool is_truncated = false;
	xml_init(&x, body);
	if (xml_next(&x) != XML_OPEN || !xml_is(&x, 1, "ListPartsResult"))
		return -ERR_INVALID;
	while ((event = xml_next(&x)) != XML_END) {
		if (event == XML_BAD)
			return -ERR_INVALID;
		if (event == XML_OPEN && xml_is(&x, 2, "Part"))
			read = (struct part_read){ 0 };
		if (event != XML_CLOSE)
			continue;
		if (xml_is(&x, 2, "IsTruncated"))
			is_truncated = is_yes(&x);
		else if (xml_is(&x, 2, "NextPartNumberMarker") &&
			 num_u64(str_trim(xml_text(&x)), 0, S3_PARTS_MAX, &marker))
			marker = 0;
		else if (xml_is(&x, 2, "Part") && read.number >= 1 && read.number <= n_parts)
			parts[read.number - 1] = read.part;
		else
			take_part_field(&x, &read);
	}
	*next = is_truncated ? (uint32_t)marker : 0;
	return 0;
}

struct version_read {
	char key[1100];
	struct s3_listed l;
	bool is_cut; /* a key or version id longer than its field: not handed out as if it were one */
};

static void take_version_field(const struct xml *x, struct version_read *v)
{
	struct str raw = xml_text(x), text = str_trim(raw);
	if (xml_is(x, 3, "Key"))
		v->is_cut |= !str_copy(v->key, sizeof(v->key), raw);
	else if (xml_is(x, 3, "VersionId"))
		v->is_cut |= !str_copy(v->l.v.version_id, sizeof(v->l.v.version_id), text);
	else if (xml_is(x, 3, "IsLatest"))
		v->l.v.is_latest = is_yes(x);
	else if (xml_is(x, 3, "LastModified") && clock_parse_rfc3339(text, &v->l.v.modified_ns))
		v->l.v.modified_ns = 0;
	else if (xml_is(x, 3, "Size") && num_u64(text, 0, UINT64_MAX, &v->l.v.bytes))
		v->l.v.bytes = 0;
	else if (xml_is(x, 3, "ETag")) {
		str_copy_clean(v->l.v.etag, sizeof(v->l.v.etag), text);
		unquote(v->l.v.etag);
	}
}

int s3_read_versions(struct str body, int (*one)(void *arg, const struct s3_listed *l),
		     void *arg, struct s3_page *page)
{
	struct xml x;
	enum xml_event event;
	struct version_read v = { .key = "" };
	struct s3_page next = { .next_key = "" };
	bool is_truncated = false, is_cut = false;
	int rc = 0;
	xml_init(&x, body);
	if (xml_next(&x) != XML_OPEN ||
	    (!xml_is(&x, 1, "ListVersionsResult") && !xml_is(&x, 1, "ListBucketResult")))
		return -ERR_INVALID;
	while (rc == 0 && (event = xml_next(&x)) != XML_END) {
		if (event == XML_BAD)
			return -ERR_INVALID;
		bool is_marker = xml_is(&x, 2, "DeleteMarker"),
		     is_object = xml_is(&x, 2, "Contents");
		bool is_one = is_marker || is_object || xml_is(&x, 2, "Version");
		if (event == XML_OPEN && is_one)
			v = (struct version_read){ .l.v.is_delete_marker = is_marker,
						   .l.v.is_latest = is_object };
		if (event != XML_CLOSE)
			continue;
		if (is_one && !v.is_cut) {
			v.l.key = str_of(v.key);
			rc = one(arg, &v.l);
		} else if (xml_is(&x, 2, "IsTruncated"))
			is_truncated = is_yes(&x);
		else if (xml_is(&x, 2, "NextKeyMarker") ||
			 xml_is(&x, 2, "NextContinuationToken"))
			is_cut |= !str_copy(next.next_key, sizeof(next.next_key), xml_text(&x));
		else if (xml_is(&x, 2, "NextVersionIdMarker"))
			is_cut |= !str_copy(next.next_version, sizeof(next.next_version),
					    xml_text(&x));
		else
			take_version_field(&x, &v);
	}
	if (rc)
		return rc;
	if (is_truncated && (is_cut || !next.next_key[0]))
		return -ERR_INVALID; /* there is more, and no way to it */
	*page = is_truncated ? next : (struct s3_page){ .next_key = "" };
	return 0;
}

int s3_read_versioning(struct str body, char out[16])
{
	char status[16] = "";
	const struct field fields[] = { { "Status", status, sizeof(status) } };
	if (read_fields(body, "VersioningConfiguration", fields, ARRAY_LEN(fields)))
		return -ERR_INVALID;
	memcpy(out, status, sizeof(status));
	return 0;
}

int s3_read_object_lock(struct str body, bool *is_on)
{
	char status[16] = "";
	const struct field fields[] = { { "ObjectLockEnabled", status, sizeof(status) } };
	if (read_fields(body, "ObjectLockConfiguration", fields, ARRAY_LEN(fields)))
		return -ERR_INVALID;
	*is_on = str_eq(str_of(status), STR("Enabled"));
	return 0;
}
