/* The table of struct audit_row: names are those of GET /api/v1/audit. */
#include "tomsd/audit_row.h"

static const struct col audit_cols[] = {
	COL(audit_row, id, COL_I64, "event.id", "rising without gaps"),
	COL(audit_row, at_ns, COL_TIME, "@timestamp", "when it was done"),
	COLF(audit_row, session, COL_I64, "toms.audit.session", "number of the session",
	     COL_OMIT_ZERO),
	COL(audit_row, by_token, COL_U8, "toms.audit.token", "1: by a machine's token"),
	COLF(audit_row, user, COL_TEXT, "user.name", "who", COL_OMIT_ZERO),
	COLF(audit_row, role, COL_TEXT, "user.roles", "what they were allowed", COL_OMIT_ZERO),
	COLF(audit_row, origin, COL_TEXT, NULL, "address, or local", COL_OMIT_ZERO),
	COL(audit_row, action, COL_TEXT, "event.action", "what was done"),
	COLF(audit_row, object, COL_TEXT, NULL, "what it was done to", COL_OMIT_ZERO),
	COLF(audit_row, before, COL_TEXT, NULL, "JSON", COL_OMIT_ZERO),
	COLF(audit_row, after, COL_TEXT, NULL, "JSON", COL_OMIT_ZERO),
	COL(audit_row, hash, COL_TEXT, "toms.audit.hash", "of the row before and this one"),
};

static void out_outcome(const void *row, struct value *v)
{
	const struct audit_row *r = row;
	struct str action = str_n(r->action, strnlen(r->action, sizeof(r->action)));
	bool failed = str_ends(action, STR("_failed")) || str_ends(action, STR(".failed"));

	v->type = VALUE_TEXT;
	(void)str_copy(v->text, sizeof(v->text), failed ? STR("failure") : STR("success"));
}

static void put_ref(struct value *v, const char *p, size_t room)
{
	v->ref = str_n(p, strnlen(p, room));
	v->type = v->ref.n ? VALUE_REF : VALUE_NONE;
}

static void out_source_ip(const void *row, struct value *v)
{
	const struct audit_row *r = row;

	put_ref(v, r->origin, sizeof(r->origin));
	if (str_eq(v->ref, STR("local")))
		v->type = VALUE_NONE;
}

static void out_object(const void *row, struct value *v)
{
	const struct audit_row *r = row;

	put_ref(v, r->object, sizeof(r->object));
}

static void out_before(const void *row, struct value *v)
{
	const struct audit_row *r = row;

	put_ref(v, r->before, sizeof(r->before));
}

static void out_after(const void *row, struct value *v)
{
	const struct audit_row *r = row;

	put_ref(v, r->after, sizeof(r->after));
}

static const struct out_col audit_outs[] = {
	{ "@timestamp", "at_ns", NULL, NULL },
	{ "event.id", "id", NULL, NULL },
	{ "event.action", "action", NULL, NULL },
	{ "event.outcome", NULL, out_outcome, "action" },
	{ "user.name", "user", NULL, NULL },
	{ "user.roles", "role", NULL, NULL },
	{ "source.ip", NULL, out_source_ip, "origin" },
	{ "toms.audit.object", NULL, out_object, "object" },
	{ "toms.audit.before", NULL, out_before, "before" },
	{ "toms.audit.after", NULL, out_after, "after" },
	{ "toms.audit.session", "session", NULL, NULL },
	{ "toms.audit.token", "by_token", NULL, NULL },
	{ "toms.audit.hash", "hash", NULL, NULL },
};

const struct record audit_record = {
	.name = "audit",
	.bytes = sizeof(struct audit_row),
	.cols = audit_cols,
	.n_cols = ARRAY_LEN(audit_cols),
	.id_col = "id",
	.time_col = "at_ns",
	.out = audit_outs,
	.n_out = ARRAY_LEN(audit_outs),
};
