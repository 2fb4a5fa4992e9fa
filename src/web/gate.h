/* What is asked of a request before anybody looks into it: header fields, host, origin, cookie. Pure
 * functions over outside bytes, so that they can be tested and fuzzed without a server. Any thread. */
#ifndef WEB_GATE_H
#define WEB_GATE_H

#include "tomsd/base/str.h"

#define GATE_FIELDS_MAX 64
#define GATE_BODY_MAX (UINT64_C(1) << 20)
#define GATE_TARGET_MAX 8192

struct field {
	struct str name, value;
};
struct head {
	struct str method, target; /* target: raw, "/path?query" */
	struct field fields[GATE_FIELDS_MAX];
	size_t n;
	bool overflow; /* more fields than that */
};
struct verdict {
	int status;               /* 0: fine */
	const char *code, *words; /* code of the problem, key of its text */
};

/* The value of a field, STR_NULL when absent. */
struct str head_get(const struct head *h, const char *name);
/* Repeated or contradicting fields, odd codings, bodies that are too large or not JSON, odd methods. */
struct verdict gate_head(const struct head *h);
bool gate_is_change(struct str method); /* not GET or HEAD */
/* Length announced, 0 when none; only after gate_head said yes. */
uint64_t gate_length(const struct head *h);

/* Host field: the part before the port. false when it is not "name", "name:port", "v4:port" or "[v6]:port". */
bool gate_host_split(struct str host, struct str *name, struct str *port);
/* Is this host served: one of the names, or the address the connection came in on. */
bool gate_host_allowed(struct str host, const char *const *names, size_t n_names,
		       const char *own_address);
/* Does the change come from our own pages? Origin must be "https://" and the Host; Sec-Fetch-Site, where
 * a browser sends it, same-origin. required: a request without Origin is refused too. */
bool gate_same_origin(const struct head *h, bool required);
/* Value of a cookie, STR_NULL when absent or there twice. */
struct str gate_cookie(struct str cookies, struct str name);
/* "Bearer xyz" -> xyz; STR_NULL otherwise. */
struct str gate_bearer(struct str authorization);
/* Does Accept-Encoding take gzip? */
bool gate_takes_gzip(struct str accept_encoding);
/* Is the entity tag (without quotes) in If-None-Match? */
bool gate_etag_matches(struct str if_none_match, const char *etag);

#endif
