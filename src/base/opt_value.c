/* One value of the configuration: from text to what its option says it is. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "opt_conf.h"
#include "tomsd/base/file.h"
#include "tomsd/base/num.h"

static int parse_bool(struct str text, int64_t *num)
{
	static const char *const words[] = {
		"no", "yes", "false", "true", "off", "on", "0", "1"
	};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_ieq(text, str_of(words[i]))) {
			*num = (int64_t)(i & 1);
			return 0;
		}
	}
	return -ERR_INVALID;
}

static int parse_size(struct str text, int64_t *num)
{
	uint64_t bytes;
	int rc = num_size(text, &bytes);
	if (rc == 0 && bytes > INT64_MAX)
		rc = -ERR_RANGE;
	if (rc == 0)
		*num = (int64_t)bytes;
	return rc;
}

static int parse_enum(const struct opt *o, struct str text, int64_t *num)
{
	for (int64_t i = 0; o->values[i]; i++) {
		if (str_eq(text, str_of(o->values[i]))) {
			*num = i;
			return 0;
		}
	}
	return -ERR_INVALID;
}

static int parse_number(const struct opt *o, struct str text, int64_t *num)
{
	switch (o->type) {
	case OPT_BOOL:
		return parse_bool(text, num);
	case OPT_INT:
		return num_i64(text, INT64_MIN, INT64_MAX, num);
	case OPT_SIZE:
		return parse_size(text, num);
	case OPT_DURATION:
		return num_duration(text, num);
	case OPT_ENUM:
		return parse_enum(o, text, num);
	case OPT_TEXT:
	case OPT_PATH:
		break;
	}
	return 0;
}

static int say_enum(const struct opt *o, struct str text, struct err *e)
{
	char list[256];
	size_t at = 0, n = 0;
	list[0] = '\0';
	for (; o->values[n]; n++) {
		if (n > 0 && at + 2 < sizeof(list))
			memcpy(list + at, ", ", 3);
		at = strlen(list);
		/* A long list may be cut. */
		(void)str_copy(list + at, sizeof(list) - at, str_of(o->values[n]));
		at = strlen(list);
	}
	const char *guess = conf_guess(text, o->values, n);
	if (guess)
		return err_set(e, ERR_INVALID, "not one of %s (did you mean %s?)", list, guess);
	return err_set(e, ERR_INVALID, "not one of %s", list);
}

/* What is wrong with a number, and how a right one looks. */
static int say_number(const struct opt *o, struct str text, int rc, struct err *e)
{
	static const char *const wanted[] = {
		[OPT_BOOL] = "neither yes nor no",
		[OPT_INT] = "not a whole number",
		[OPT_SIZE] = "not a size, say 512M or 2G",
		[OPT_DURATION] = "not a time with its unit, say 90d, 12h, 5m or 30s",
	};
	if (o->type == OPT_ENUM)
		return say_enum(o, text, e);
	if (rc == -ERR_RANGE)
		return err_set(e, ERR_RANGE, "far too big");
	return err_set(e, ERR_INVALID, "%s", wanted[o->type]);
}

static bool has_limits(const struct opt *o)
{
	return o->min != 0 || o->max != 0;
}

static int check_limits(const struct opt *o, int64_t num, struct str text, struct err *e)
{
	if (!has_limits(o) || o->type == OPT_BOOL || o->type == OPT_ENUM)
		return 0;
	bool is_text = o->type == OPT_TEXT || o->type == OPT_PATH;
	int64_t v = is_text ? (int64_t)text.n : num;
	if (v >= o->min && v <= o->max)
		return 0;
	char low[32], high[32];
	conf_number_text(o->type, o->min, low);
	conf_number_text(o->type, o->max, high);
	if (is_text && text.n == 0)
		return err_set(e, ERR_RANGE, "must not be empty");
	if (o->max == INT64_MAX)
		return err_set(e, ERR_RANGE, "must be at least %s", low);
	return err_set(e, ERR_RANGE, "must be %s to %s%s", low, high,
		       is_text ? " bytes long" : "");
}

void conf_number_text(enum opt_type type, int64_t v, char out[32])
{
	static const struct {
		enum opt_type type;
		const char *unit;
		int64_t factor;
	} units[] = {
		{ OPT_SIZE, "T", INT64_C(1) << 40 },     { OPT_SIZE, "G", INT64_C(1) << 30 },
		{ OPT_SIZE, "M", INT64_C(1) << 20 },     { OPT_SIZE, "K", INT64_C(1) << 10 },
		{ OPT_DURATION, "d", 86400 * NS_PER_S }, { OPT_DURATION, "h", 3600 * NS_PER_S },
		{ OPT_DURATION, "m", 60 * NS_PER_S },    { OPT_DURATION, "s", NS_PER_S },
		{ OPT_DURATION, "ms", NS_PER_MS },
	};
	struct buf b;
	const char *unit = type == OPT_DURATION ? "s" : "";
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].type != type || v == 0 || v % units[i].factor)
			continue;
		v /= units[i].factor;
		unit = units[i].unit;
		break;
	}
	buf_init(&b, 31);
	buf_i64(&b, v);
	buf_cstr(&b, unit);
	(void)str_copy(out, 32, buf_view(&b)); /* at most 20 digits and 2 letters */
	buf_fini(&b);
}

/* "@/path": the bytes of that file, without the newline an editor leaves at the end. */
static int read_secret(struct str at_path, struct buf *out, struct err *e)
{
	char path[CONF_LINE_MAX];
	struct stat st;
	struct str name = str_sub(at_path, 1, at_path.n);
	if (name.n == 0 || name.p[0] != '/')
		return err_set(e, ERR_INVALID, "@ takes a full path (or quote the value)");
	if (!str_copy(path, sizeof(path), name))
		return err_set(e, ERR_RANGE, "path too long");
	/* A pipe or a terminal could keep the start waiting for ever. */
	if (stat(path, &st))
		return err_sys(e, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "%s: not a regular file", path);
	int rc = file_read(path, CONF_SECRET_MAX, out, e);
	if (rc)
		return rc;
	if (out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
	if (out->n > 0 && out->p[out->n - 1] == '\r')
		out->n--;
	if (out->n > 0 && memchr(out->p, '\0', out->n))
		return err_set(e, ERR_INVALID, "%s: has NUL bytes in it, not a text", path);
	return 0;
}

static int add_item(struct conf_value *v, struct str text, struct err *e)
{
	if (v->n >= CONF_ITEMS_MAX)
		return err_set(e, ERR_FULL, "more than %d of them", CONF_ITEMS_MAX);
	char **items = realloc(v->items, (v->n + 1) * sizeof(*items));
	if (!items)
		return err_set(e, ERR_NOMEM, "out of memory");
	v->items = items;
	items[v->n] = str_dup(text);
	if (!items[v->n])
		return err_set(e, ERR_NOMEM, "out of memory");
	v->n++;
	return 0;
}

void conf_value_clear(struct conf_value *v)
{
	for (size_t i = 0; i < v->n; i++) {
		explicit_bzero(v->items[i], strlen(v->items[i]));
		free(v->items[i]);
	}
	free(v->items);
	v->items = NULL;
	v->n = 0;
	v->num = 0;
}

static int set_checked(struct conf_value *v, struct str text, int line, struct err *e)
{
	const struct opt *o = v->opt;
	int64_t num = 0;
	int rc = parse_number(o, text, &num);
	if (rc)
		return say_number(o, text, rc, e);
	rc = check_limits(o, num, text, e);
	if (rc == 0 && o->check)
		rc = o->check(text, e);
	if (rc)
		return rc;
	/* What the file says takes the place of the default, an override that of the file. */
	if (!(o->flags & OPT_LIST) || v->line == 0 || (line == CONF_BY_OVERRIDE && v->line > 0))
		conf_value_clear(v);
	rc = add_item(v, text, e);
	if (rc)
		return rc;
	v->num = num;
	v->line = line;
	return 0;
}

int conf_value_set(struct conf_value *v, struct str text, bool literal, int line, struct err *e)
{
	if (!(v->opt->flags & OPT_SECRET) || literal || text.n == 0 || text.p[0] != '@')
		return set_checked(v, text, line, e);
	struct buf secret;
	buf_init(&secret, CONF_SECRET_MAX);
	int rc = read_secret(text, &secret, e);
	if (rc == 0)
		rc = set_checked(v, buf_view(&secret), line, e);
	if (secret.p)
		explicit_bzero(secret.p, secret.room);
	buf_fini(&secret);
	return rc;
}
