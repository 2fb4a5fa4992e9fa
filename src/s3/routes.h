/* Routes of places. */
#ifndef S3_ROUTES_H
#define S3_ROUTES_H

#include "room.h"

/* places_json.c */
struct listed { /* what is known of one place for an answer */
	struct place *place;
	struct view view;
	struct target target;
	struct sums sums;
	bool has_target;
};
/* 0; -ERR_NOMEM, -ERR_X. listed_fini. */
int listed_read(struct request *rq, struct place *p, const struct view *views, size_t n_views,
		struct sql *db, struct listed *out, struct err *e) MUST_CHECK;
void listed_fini(struct listed *l);
void place_json(struct json *j, const struct listed *l, const char *lang);
/* All places with their secrets; free with places_fini and free. */
struct places *places_now(struct request *rq, struct err *e);
/* The place as a reply of this status. */
void reply_place(struct request *rq, struct reply *rp, int status, const char *name);

/* places_change.c */
void places_post(struct request *rq, struct reply *rp);
void place_patch(struct request *rq, struct reply *rp);
void place_remove(struct request *rq, struct reply *rp);

/* policy.c */
void policy_get(struct request *rq, struct reply *rp);
extern const struct param policy_params[];

extern const char place_schema[], places_schema[], place_accepts[], place_change_accepts[],
	policy_schema[], done_schema[];

#endif
