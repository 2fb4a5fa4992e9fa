/* When a failed try is tried again, and what the failure is called. Constant tables; any thread. */
#include <stdio.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "worker.h"

#define FIRST_NS (2 * NS_PER_S)
#define MOST_NS (3600 * NS_PER_S)

int64_t backoff_ns(uint32_t tries)
{
	int64_t ns = FIRST_NS;
	for (uint32_t i = 1; i < tries && ns < MOST_NS; i++)
		ns *= 2;
	if (ns > MOST_NS)
		ns = MOST_NS;
	uint32_t dice;
	file_random(&dice, sizeof(dice));
	return ns / 2 + (int64_t)((uint64_t)(ns / 2) * dice >> 32);
}

static const struct known {
	const char *code; /* of struct s3_fault */
	const char *problem;
	bool is_place;
} known[] = {
	{ "LocalFile", "local", false },
	{ "Different", "different", false },
	{ "LockDropped", "unlocked", true },
	{ "NoVersions", "no_versions", true },
	{ "NoSuchBucket", "bucket", true },
	{ "NoSuchHost", "name", true },
	{ "Certificate", "certificate", true },
	{ "RequestTimeTooSkewed", "clock", true },
	{ "SignatureDoesNotMatch", "key", true },
	{ "InvalidAccessKeyId", "key", true },
	{ "AuthorizationHeaderMalformed", "region", true },
	{ "PermanentRedirect", "region", true },
};

/* Problems that somebody has to do something about, from the first time on. */
static const char *const grave[] = { "key",        "denied", "bucket",   "certificate",
				     "clock",      "region", "unlocked", "no_versions",
				     "incomplete", "secret", "ca",       "different" };

const char *fault_problem(const struct s3_fault *f, int rc, bool *is_place)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].code, f->code) != 0)
			continue;
		*is_place = known[i].is_place;
		return known[i].problem;
	}
	*is_place = true;
	if (f->status == 0)
		return "unreachable";
	if (f->status == 403 || f->status == 401)
		return "denied";
	if (f->status >= 500 || f->status == 429 || f->status == 408)
		return "busy";
	if (f->status >= 300 && f->status < 400)
		return "region";
	*is_place = false;
	return rc == -ERR_CORRUPT ? "different" : "refused";
}

bool problem_is_grave(const char *problem)
{
	for (size_t i = 0; i < ARRAY_LEN(grave); i++)
		if (strcmp(grave[i], problem) == 0)
			return true;
	return false;
}
