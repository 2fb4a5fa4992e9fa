/* struct api and what the files of this room share. */
#ifndef API_ROOM_H
#define API_ROOM_H

#include "tomsd/api.h"
#include "tomsd/base/thread.h"

struct events;
struct job_queue;
struct looks;
struct watched;

/* What the house does now, from two readings of the rooms' counters. */
struct rate {
	bool known;
	int64_t at_ns;
	double over_s, bits_per_s, packets_per_s, flows_per_s;
};

#define CHECKS_MAX 24
enum check_state { CHECK_OK, CHECK_PROBLEM, CHECK_UNKNOWN };
extern const char *const check_state_names[];
/* One thing that is looked after. Words are made per request, in its language. */
struct check {
	char id[24], room[24];
	enum check_state state;
	const char *
		code; /* "ok", "no_packets" ...; texts have the keys check.<code> and next.<code> */
	char one[256], two[64]; /* {1} and {2} of the text */
	int64_t since_ns;       /* when this state began; 0 not known */
};

struct api {
	struct app *app;
	struct events *events;
	struct watched *watched;
	struct looks *looks; /* NULL where nobody could write the audit row: tomsctl alone */
	struct job_queue *jobs;
	struct thread ticker;
	struct mutex m;
	pthread_cond_t wake;
	bool closing;                    /* lock: m */
	struct rate rate;                /* lock: m */
	struct check checks[CHECKS_MAX]; /* lock: m; as of the last tick */
	size_t n_checks;                 /* lock: m */
	int64_t last_packet_ns; /* lock: m; when the packet counter last moved; 0 never */
	struct api_cold cold;   /* list NULL: there is no archive; constant after init */
	bool hears_logs;        /* a listener for logs is set; constant after init */
	double lines_per_s;     /* lock: m; of logs, over the last seconds; <0 not known */
};
struct api *api_of(struct app *a); /* NULL when the room is not part of this run */

/* checks.c: fills out (at most CHECKS_MAX) from the rooms' health, the store and the losses. */
size_t checks_make(struct api *api, struct check *out);
/* ticker.c */
int ticker_start(struct api *api, struct err *e) MUST_CHECK;
void ticker_stop(struct api *api);
void rate_json(struct json *j, const struct rate *r);
/* traffic.c: whether this person may see sums by that; members items and total, as an object of their own or not. */
bool traffic_may_see(const struct request *rq, enum rollup_dim dim);
int traffic_put_top(struct request *rq, struct json *j, enum rollup_dim dim, int64_t since,
		    int64_t until, size_t limit, bool is_object, struct err *e) MUST_CHECK;
/* Sum of a counter over the rooms by its name; false when no room has it. */
bool counter_read(struct app *a, const char *name, uint64_t *value);

/* events.c */
struct events *events_new(int64_t now_ns);
void events_free(struct events *ev);

/* What series_get and top_get sum up: a route's argument. */
struct sums {
	const struct record *record;
	const char *const *names; /* values of "by" */
	const enum rollup_dim *dim_of;
	enum rollup_dim total;
	int64_t series_by, top_by; /* when nothing is said */
};
extern const struct sums traffic_sums, log_sums;

/* handlers */
void overview_get(struct request *rq, struct reply *rp);
void series_get(struct request *rq, struct reply *rp);
void top_get(struct request *rq, struct reply *rp);
void audit_get(struct request *rq, struct reply *rp);
extern const struct param overview_params[], series_params[], top_params[], audit_params[],
	log_series_params[], log_top_params[];
extern const char overview_schema[], series_schema[], top_schema[], audit_schema[];

#endif
