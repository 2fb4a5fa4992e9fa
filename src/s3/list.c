/* Every version below a prefix, page by page: ListObjectVersions, or ListObjectsV2 where the server knows no versions
 * (Cloudflare R2). */
#include "answers.h"
#include "client.h"

#include <stdio.h>

#define PAGE_KEYS "1000"
#define PAGE_BYTES_MAX (8u << 20) /* 1,000 versions of the longest keys, escaped */
#define PAGE_TIMEOUT_S 300
#define EMPTY_PAGES_MAX 1000 /* one after the other: radosgw has a few, a list without end has no other */

/* Hands on what is below the place's prefix, named without it. */
struct listing {
	const char *prefix; /* with the place's own */
	size_t n_prefix;    /* of the place's own */
	struct str after;   /* radosgw 16 tells this key too, AWS begins behind it */
	int (*one)(void *arg, const struct s3_listed *l);
	void *arg;
	int said; /* by one() when it ended the walk */
	unsigned passed, empty; /* of this page; pages that had nothing for us, one after the other */
};

static int pass_on(void *arg, const struct s3_listed *l)
{
	struct listing *to = arg;
	struct s3_listed short_key = *l;
	short_key.key = str_sub(l->key, to->n_prefix, l->key.n);
	if (!str_starts(l->key, str_of(to->prefix)) ||
	    (to->after.n > 0 && str_eq(short_key.key, to->after)))
		return 0;
	to->passed++;
	to->said = to->one(to->arg, &short_key);
	return to->said;
}

/* Where the walk is: page is what the server said of it, is_first says that it is ours to begin with. */
static void ask_place(const struct s3_client *c, struct s3_ask *ask, const struct s3_page *page,
		      bool is_first)
{
	if (c->no_versions) {
		s3_ask_param(ask, "list-type", "2");
		if (page->next_key[0])
			s3_ask_param(ask, is_first ? "start-after" : "continuation-token",
				     page->next_key);
		return;
	}
	s3_ask_param(ask, "versions", NULL);
	if (page->next_key[0])
		s3_ask_param(ask, "key-marker", page->next_key);
	if (page->next_version[0])
		s3_ask_param(ask, "version-id-marker", page->next_version);
}

/* A list that would never end: the same mark again, one that lies before it, or page after page with nothing. Marks of
 * ListObjectsV2 are the server's own words, keys rise. */
static bool goes_round(const struct s3_client *c, struct listing *to, const struct s3_page *page,
		       const struct s3_page *next)
{
	int order = strcmp(next->next_key, page->next_key);
	to->empty = to->passed > 0 ? 0 : to->empty + 1;
	return (order == 0 && strcmp(next->next_version, page->next_version) == 0) ||
	       (order < 0 && !c->no_versions) || to->empty > EMPTY_PAGES_MAX;
}

static int ask_page(struct s3_client *c, struct listing *to, struct s3_page *page,
		    bool is_first, struct s3_fault *f, struct err *e)
{
	struct s3_ask ask = { .method = "GET",
			      .timeout_s = PAGE_TIMEOUT_S,
			      .answer_max = PAGE_BYTES_MAX };
	struct http_answer a;
	struct s3_page next = { .next_key = "" };
	s3_ask_param(&ask, "max-keys", PAGE_KEYS);
	s3_ask_param(&ask, "prefix", to->prefix);
	ask_place(c, &ask, page, is_first);
	http_answer_init(&a);
	to->passed = 0;
	int rc = s3_ask(c, &ask, &a, f, e);
	if (rc == 0) {
		rc = s3_read_versions(buf_view(&a.body), pass_on, to, &next);
		if (rc && rc != to->said)
			rc = s3_fault_own(f, true, "NoVersionList",
					  err_set(e, ERR_INVALID,
						  "no list of versions in the answer"));
		else if (rc == 0 && next.next_key[0] &&
			 goes_round(c, to, page, &next))
			rc = s3_fault_own(f, true, "NoVersionList",
					  err_set(e, ERR_INVALID,
						  "the list of versions goes in a circle"));
	}
	http_answer_fini(&a);
	if (rc == 0)
		*page = next;
	return rc;
}

int s3_list(struct s3_client *c, const char *below, const char *start_after_key,
	    int (*one)(void *arg, const struct s3_listed *l), void *arg, struct s3_fault *f,
	    struct err *e)
{
	struct s3_page page = { .next_key = "" };
	char prefix[S3_KEY_MAX + 1];
	const char *slash = c->conf.prefix[0] ? "/" : "";
	struct listing to = { .prefix = prefix,
			      .n_prefix = strlen(c->conf.prefix) + strlen(slash),
			      .after = str_of(start_after_key),
			      .one = one,
			      .arg = arg };
	*f = (struct s3_fault){ .status = 0 };
	int n = snprintf(prefix, sizeof(prefix), "%s%s%s", c->conf.prefix, slash,
			 below ? below : "");
	int rc = n < 0 || (size_t)n >= sizeof(prefix) ? -ERR_RANGE : 0;
	if (rc == 0 && start_after_key && start_after_key[0]) {
		n = snprintf(page.next_key, sizeof(page.next_key), "%s%s%s", c->conf.prefix,
			     slash, start_after_key);
		rc = n < 0 || (size_t)n >= sizeof(page.next_key) ? -ERR_RANGE : 0;
	}
	if (rc)
		return s3_fault_own(f, false, "Request",
				    err_set(e, ERR_RANGE, "%s: longer than any key", below));
	bool is_first = true;
	do {
		rc = ask_page(c, &to, &page, is_first, f, e);
		if (rc && is_first && !c->no_versions &&
		    strcmp(f->code, "NotImplemented") == 0) {
			c->no_versions = true;
			rc = ask_page(c, &to, &page, is_first, f, e);
		}
		is_first = false;
	} while (rc == 0 && page.next_key[0]);
	return rc;
}
