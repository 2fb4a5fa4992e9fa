/* Bodies of requests: JSON objects, their members as text, and what is done with names and passwords. */
#include <stdlib.h>

#include "../../src/web/password.h"
#include "../../src/web/users.h"
#include "tomsd/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const members[] = { "user", "password", "code", "lang", "theme" };
	struct request rq = { .body = { (const char *)data, size }, .lang = "en" };
	struct reply rp;
	struct json_doc doc;
	reply_init(&rp);
	if (req_body(&rq, &doc, &rp) == 0) {
		for (size_t i = 0; i < ARRAY_LEN(members); i++) {
			char text[128];
			if (!json_text(json_get(&doc, doc.nodes, members[i]), text,
				       sizeof(text)))
				continue;
			if (!str_utf8_valid(str_of(text)))
				abort();
			(void)users_name_fault(str_of(text));
			(void)password_fault(str_of(text), STR("user"));
		}
		json_doc_fini(&doc);
	} else if (rp.status != 400 || rp.body.n == 0) {
		abort();
	}
	reply_fini(&rp);
	return 0;
}
