/* Answers of S3: whatever comes, the reader ends, keeps to its limits, and says the same of the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "../../src/s3/answers.h"
#include "../../src/s3/xml.h"

static int take(void *arg, const struct s3_listed *l)
{
	size_t *n = arg;
	*n += 1;
	if (l->key.n >= 1100 || strlen(l->v.version_id) >= sizeof(l->v.version_id))
		abort();
	return 0;
}

static void read_elements(struct str document)
{
	static struct xml x;
	int depth = 0;
	size_t steps = 0;
	xml_init(&x, document);
	for (;;) {
		enum xml_event event = xml_next(&x);
		if (event == XML_END || event == XML_BAD)
			break;
		depth += event == XML_OPEN ? 1 : -1;
		/* An element is at least four bytes and two events. */
		if (depth < 0 || depth > XML_DEPTH_MAX || ++steps > document.n || x.n_text > XML_TEXT_MAX ||
		    x.name.n == 0 || x.name.n > XML_NAME_MAX)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct s3_part parts[64];
	struct s3_error error;
	struct s3_page page;
	char id[S3_UPLOAD_ID_MAX], etag[80], status[16];
	uint32_t next;
	bool is_on;
	size_t first = 0, second = 0;
	struct str document = str_n((const char *)p, n);
	read_elements(document);
	(void)!s3_read_error(document, &error);
	(void)!s3_read_upload_id(document, id);
	(void)!s3_read_completed(document, etag);
	(void)!s3_read_parts(document, parts, 64, &next);
	(void)!s3_read_versioning(document, status);
	(void)!s3_read_object_lock(document, &is_on);
	(void)!s3_read_versions(document, take, &first, &page);
	(void)!s3_read_versions(document, take, &second, &page);
	if (first != second)
		abort();
	return 0;
}
