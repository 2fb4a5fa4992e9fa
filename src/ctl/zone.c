/* Times for people: in the appliance's zone ([appliance] timezone), or in UTC where that was asked for.
 * The C library knows the zones; a name it has no file for is UTC, and the heads of tables say so. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/opt.h"

#define ZONE_DEFAULT "Asia/Tokyo"
#define ZONE_FOLDER "/usr/share/zoneinfo/"

static bool is_known(const char *name)
{
	char path[160];
	int n = snprintf(path, sizeof(path), ZONE_FOLDER "%s", name);
	return *name && *name != '/' && !strstr(name, "..") && n > 0 &&
	       (size_t)n < sizeof(path) && access(path, R_OK) == 0;
}

static void put_local(int64_t ns, struct tm *out)
{
	time_t s = (time_t)(ns / NS_PER_S - (ns % NS_PER_S < 0));
	if (!localtime_r(&s, out))
		*out = (struct tm){ .tm_mday = 1, .tm_year = 70, .tm_zone = "UTC" };
}

/* "JST" where the zone has one name all year round, else the zone's own: "Europe/Berlin". */
static void name_zone(struct ctl *c, const char *name)
{
	struct tm now, later;
	put_local(clock_now_ns(), &now);
	put_local(clock_now_ns() + INT64_C(182) * 86400 * NS_PER_S, &later);
	bool is_steady = now.tm_gmtoff == later.tm_gmtoff && now.tm_zone[0] >= 'A';
	(void)str_copy(c->zone, sizeof(c->zone), str_of(is_steady ? now.tm_zone : name));
}

void zone_begin(struct ctl *c, bool utc)
{
	struct buf b;
	char name[64] = ZONE_DEFAULT;
	buf_init(&b, sizeof(name));
	if (!utc && conf_find(c->conf_path, "appliance", "timezone", &b, NULL) == 0 && b.n)
		(void)str_copy(name, sizeof(name), buf_view(&b));
	buf_fini(&b);
	if (utc || !is_known(name))
		(void)str_copy(name, sizeof(name), STR("UTC"));
	(void)setenv("TZ", name, 1); /* out of memory: the zone of the machine, and its name */
	tzset();
	name_zone(c, name);
}

void zone_time(int64_t ns, char out[ZONE_TIME_MAX])
{
	struct tm t;
	put_local(ns, &t);
	if (strftime(out, ZONE_TIME_MAX, "%Y-%m-%d %H:%M:%S", &t) == 0)
		out[0] = '\0';
}

void zone_text(const char *rfc3339, char *out, size_t cap)
{
	char text[ZONE_TIME_MAX];
	int64_t ns;
	if (clock_parse_rfc3339(str_of(rfc3339), &ns)) {
		if (out != rfc3339)
			(void)str_copy(out, cap, str_of(rfc3339)); /* cut where it is longer */
		return;
	}
	zone_time(ns, text);
	(void)str_copy(out, cap, str_of(text));
}
