/* What a place is made of, and what may stand in each of its fields. Any thread; no state. */
#include "place.h"

#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/num.h"

#define DAY_NS (86400 * NS_PER_S)
#define KEEP_MAX_NS (3653 * DAY_NS) /* ten years: a slip of the pen is final */

const char *const place_style_names[] = { "auto", "path", "host", NULL };

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool made_of(struct str v, const char *others)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_letter(v.p[i]) && !strchr(others, v.p[i]))
			return false;
	return v.n == 0 ||
	       memchr(v.p, 0, v.n) == NULL; /* strchr finds the end of others, too */
}

int place_name_check(struct str v, struct err *e)
{
	if (v.n >= 1 && v.n <= PLACE_NAME_MAX && made_of(v, "-_"))
		return 0;
	return err_set(e, ERR_INVALID,
		       "the name of a place has 1 to %d letters, digits, '-' and '_'",
		       PLACE_NAME_MAX);
}

/* Without TLS only to this machine: who listens on the way must not read patients' traffic. */
static bool is_loopback(struct str host)
{
	ptrdiff_t port = str_starts(host, STR("[::1]")) ? 5 : str_chr(host, ':');
	struct str name = port < 0 ? host : str_sub(host, 0, (size_t)port);
	if (port >= 0 && (size_t)port < host.n && host.p[port] != ':')
		return false; /* behind the bracket */
	if (str_eq(name, STR("localhost")) || str_eq(name, STR("[::1]")))
		return true;
	/* "127.example.org" is a name that anybody may own. */
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '.' && (name.p[i] < '0' || name.p[i] > '9'))
			return false;
	return str_starts(name, STR("127."));
}

int place_endpoint_check(struct str v, struct err *e)
{
	struct str host = v;
	bool is_plain = str_starts(v, STR("http://"));
	if (!is_plain && !str_starts(v, STR("https://")))
		return err_set(
			e, ERR_INVALID,
			"not an https address, say https://s3.ap-northeast-1.amazonaws.com");
	host = str_sub(v, is_plain ? 7 : 8, v.n);
	if (host.n == 0 || !made_of(host, ".-_:[]"))
		return err_set(
			e, ERR_INVALID,
			"the address ends after the host and its port: the bucket has a key of its own");
	if (is_plain && !is_loopback(host))
		return err_set(e, ERR_INVALID,
			       "http is for this machine itself alone, say https");
	return 0;
}

int place_bucket_check(struct str v, struct err *e)
{
	if (v.n >= 3 && v.n <= 63 && made_of(v, ".-_"))
		return 0;
	return err_set(e, ERR_INVALID,
		       "a bucket's name has 3 to 63 letters, digits, '.', '-' and '_'");
}

int place_region_check(struct str v, struct err *e)
{
	if (v.n >= 1 && v.n <= 63 && made_of(v, "-_"))
		return 0;
	return err_set(e, ERR_INVALID, "not the name of a region, say ap-northeast-1");
}

int place_prefix_check(struct str v, struct err *e)
{
	bool bad = v.n > 0 && (v.p[0] == '/' || v.p[v.n - 1] == '/');
	if (!bad && made_of(v, "-_./=") && str_find(v, STR("//")) < 0 &&
	    str_find(v, STR("..")) < 0)
		return 0;
	return err_set(
		e, ERR_INVALID,
		"letters, digits and '-', '_', '.', '=', with '/' in between, say toms/hospital-1");
}

/* "1y" is 365 days; num_duration knows the others. */
static int take_period(struct str v, int64_t *ns)
{
	int64_t years;
	if (v.n < 2 || v.p[v.n - 1] != 'y')
		return num_duration(v, ns);
	int rc = num_i64(str_sub(v, 0, v.n - 1), 1, 100, &years);
	if (rc == 0)
		*ns = years * 365 * DAY_NS;
	return rc;
}

int place_lock_parse(struct str v, enum s3_lock *lock, int64_t *keep_ns, struct err *e)
{
	struct str mode, rest = str_trim(v);
	int64_t ns;
	if (str_eq(rest, STR("off"))) {
		*lock = S3_LOCK_NONE;
		*keep_ns = 0;
		return 0;
	}
	bool has_two = str_split(&rest, ' ', &mode) && rest.p;
	bool is_compliance = str_eq(mode, STR("compliance"));
	if (!has_two || (!is_compliance && !str_eq(mode, STR("governance"))) ||
	    take_period(str_trim(rest), &ns) != 0)
		return err_set(
			e, ERR_INVALID,
			"say compliance or governance and how long, as in compliance 1y, or off");
	if (ns < DAY_NS || ns > KEEP_MAX_NS)
		return err_set(e, ERR_RANGE,
			       "objects are locked for a day at least and ten years at most");
	*lock = is_compliance ? S3_LOCK_COMPLIANCE : S3_LOCK_GOVERNANCE;
	*keep_ns = ns;
	return 0;
}

int place_lock_check(struct str v, struct err *e)
{
	enum s3_lock lock;
	int64_t keep_ns;
	return place_lock_parse(v, &lock, &keep_ns, e);
}

const struct opt place_opts[] = {
	{ .name = "endpoint",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 500,
	  .flags = OPT_RELOAD,
	  .doc = "Address of the object storage without a path, say https://s3.ap-northeast-1.amazonaws.com.",
	  .check = place_endpoint_check },
	{ .name = "region",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 63,
	  .def = "us-east-1",
	  .flags = OPT_RELOAD,
	  .doc = "Region in the signature of requests.",
	  .check = place_region_check },
	{ .name = "bucket",
	  .type = OPT_TEXT,
	  .min = 3,
	  .max = 63,
	  .flags = OPT_RELOAD,
	  .doc = "Name of the bucket. It must be made with Object Lock.",
	  .check = place_bucket_check },
	{ .name = "prefix",
	  .type = OPT_TEXT,
	  .max = 255,
	  .flags = OPT_RELOAD,
	  .doc = "What the names of all objects begin with, without slash at the end.",
	  .check = place_prefix_check },
	{ .name = "access_key",
	  .type = OPT_TEXT,
	  .max = 127,
	  .flags = OPT_SECRET | OPT_RELOAD,
	  .doc = "Access key." },
	{ .name = "secret_key",
	  .type = OPT_TEXT,
	  .max = 255,
	  .flags = OPT_SECRET | OPT_RELOAD,
	  .doc = "Secret key." },
	{ .name = "object_lock",
	  .type = OPT_TEXT,
	  .min = 3,
	  .max = 40,
	  .def = "compliance 1y",
	  .flags = OPT_RELOAD,
	  .doc = "Write-once mode of new objects and how long it lasts: compliance or governance with a time (1d to 10y), or off.",
	  .check = place_lock_check },
	{ .name = "ca_file",
	  .type = OPT_PATH,
	  .max = 500,
	  .flags = OPT_RELOAD,
	  .doc = "Certificates (PEM) that the storage's own must come from, instead of the system's." },
	{ .name = "style",
	  .type = OPT_ENUM,
	  .def = "auto",
	  .values = place_style_names,
	  .flags = OPT_RELOAD,
	  .doc = "Where the bucket's name stands: in the path, or in front of the host; auto: in front of the host for Amazon, else in the path." },
	{ .name = "bandwidth",
	  .type = OPT_SIZE,
	  .min = 0,
	  .max = INT64_C(1) << 40,
	  .def = "0",
	  .flags = OPT_RELOAD,
	  .doc = "Bytes a second at most; 0: no limit." },
	{ .name = "enabled",
	  .type = OPT_BOOL,
	  .def = "yes",
	  .flags = OPT_RELOAD,
	  .doc = "Whether anything is sent there." },
	OPT_END,
};

static bool host_stands_in_front(const struct place *p)
{
	if (p->style != STYLE_AUTO)
		return p->style == STYLE_HOST;
	/* Amazon's certificate covers one label in front of it. */
	return str_ends(str_of(p->c.endpoint), STR(".amazonaws.com")) &&
	       !strchr(p->c.bucket, '.');
}

void place_settle(struct place *p)
{
	struct err e = ERR_INIT;
	p->problem[0] = '\0';
	if (place_lock_parse(str_of(p->object_lock), &p->c.lock, &p->c.keep_ns, &e) != 0)
		(void)str_copy(p->problem, sizeof(p->problem), STR("incomplete"));
	p->c.path_style = !host_stands_in_front(p);
	if (!p->c.endpoint[0] || !p->c.bucket[0] || !p->c.access_key[0])
		(void)str_copy(p->problem, sizeof(p->problem), STR("incomplete"));
	else if (!p->c.secret_key[0])
		(void)str_copy(p->problem, sizeof(p->problem), STR("secret"));
}

bool place_equal(const struct place *a, const struct place *b)
{
	const char *const texts[][2] = {
		{ a->c.name, b->c.name },
		{ a->c.endpoint, b->c.endpoint },
		{ a->c.region, b->c.region },
		{ a->c.bucket, b->c.bucket },
		{ a->c.prefix, b->c.prefix },
		{ a->c.access_key, b->c.access_key },
		{ a->c.secret_key, b->c.secret_key },
		{ a->c.ca_file, b->c.ca_file },
		{ a->problem, b->problem },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i][0], texts[i][1]) != 0)
			return false;
	return a->c.path_style == b->c.path_style && a->c.lock == b->c.lock &&
	       a->c.keep_ns == b->c.keep_ns && a->c.bytes_per_s == b->c.bytes_per_s &&
	       a->is_enabled == b->is_enabled;
}

void place_home(const struct place *p, char out[1024])
{
	(void)snprintf(out, 1024, "%s/%s/%s", p->c.endpoint, p->c.bucket, p->c.prefix);
}

void places_fini(struct places *ps)
{
	explicit_bzero(ps, sizeof(*ps));
}

struct place *places_find(struct places *ps, const char *name)
{
	for (size_t i = 0; i < ps->n; i++)
		if (strcmp(ps->all[i].c.name, name) == 0)
			return &ps->all[i];
	return NULL;
}

static void take(char *out, size_t cap, const char *text)
{
	(void)str_copy(out, cap, str_of(text ? text : "")); /* the table has checked lengths */
}

static void one_of_conf(const struct conf *c, const char *label, struct place *p)
{
	*p = (struct place){ .is_from_file = true };
	take(p->c.name, sizeof(p->c.name), label);
	take(p->c.endpoint, sizeof(p->c.endpoint), conf_label_text(c, "s3", label, "endpoint"));
	take(p->c.region, sizeof(p->c.region), conf_label_text(c, "s3", label, "region"));
	take(p->c.bucket, sizeof(p->c.bucket), conf_label_text(c, "s3", label, "bucket"));
	take(p->c.prefix, sizeof(p->c.prefix), conf_label_text(c, "s3", label, "prefix"));
	take(p->c.access_key, sizeof(p->c.access_key),
	     conf_label_text(c, "s3", label, "access_key"));
	take(p->c.secret_key, sizeof(p->c.secret_key),
	     conf_label_text(c, "s3", label, "secret_key"));
	take(p->c.ca_file, sizeof(p->c.ca_file), conf_label_text(c, "s3", label, "ca_file"));
	take(p->object_lock, sizeof(p->object_lock),
	     conf_label_text(c, "s3", label, "object_lock"));
	p->style = (enum place_style)conf_label_i64(c, "s3", label, "style");
	p->c.bytes_per_s = (uint64_t)conf_label_i64(c, "s3", label, "bandwidth");
	p->is_enabled = conf_label_bool(c, "s3", label, "enabled");
	place_settle(p);
}

int places_of_conf(const struct conf *conf, struct places *out, struct err *e)
{
	int rc = 0;
	out->n = 0;
	for (size_t i = 0; i < conf_labels(conf, "s3"); i++) {
		const char *label = conf_label(conf, "s3", i);
		if (out->n == PLACES_MAX)
			return err_set(e, ERR_FULL, "[s3]: more than %d places", PLACES_MAX);
		if (place_name_check(str_of(label), e) != 0)
			rc = err_wrap(e, "[s3 \"%s\"]", label);
		else
			one_of_conf(conf, label, &out->all[out->n++]);
	}
	return rc;
}
