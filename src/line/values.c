/* Values as the table of keys wants them: numbers, addresses, protocols, severities; strict, since what is not
 * one stays text. Any thread. */
#include "inside.h"

bool value_is_none(struct str v)
{
	if (!v.n)
		return true;
	if (v.p[0] != 'N' && v.p[0] != 'n' && v.p[0] != '(')
		return false;
	return str_ieq(v, STR("N/A")) || str_eq(v, STR("(null)"));
}

bool value_u64(struct str v, uint64_t *out)
{
	uint64_t u = 0;

	if (!v.n || v.n > 20)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		unsigned d = (unsigned)(uint8_t)v.p[i] - '0';

		if (d > 9 || ckd_mul(&u, u, UINT64_C(10)) || ckd_add(&u, u, (uint64_t)d))
			return false;
	}
	*out = u;
	return true;
}

/* Dotted quads are nearly all; the rest takes the long way. */
bool value_ip(struct str v, struct addr *out)
{
	uint32_t quad = 0, part = 0;
	unsigned digits = 0, dots = 0;

	for (size_t i = 0; i < v.n; i++) {
		unsigned d = (unsigned)(uint8_t)v.p[i] - '0';

		if (d <= 9 && digits < 3 && (!digits || part)) {
			part = part * 10 + d;
			digits++;
		} else if (v.p[i] == '.' && digits && dots < 3 && part < 256) {
			quad = quad << 8 | part;
			part = digits = 0;
			dots++;
		} else {
			return addr_parse(v, out) == 0;
		}
	}
	if (dots != 3 || !digits || part > 255)
		return false;
	*out = addr_v4(quad << 8 | part);
	return true;
}

static const struct {
	uint8_t number;
	const char *name;
} protos[] = {
	{ 1, "icmp" },   { 2, "igmp" },   { 4, "ipip" },      { 6, "tcp" },
	{ 17, "udp" },   { 27, "rdp" },   { 33, "dccp" },     { 41, "ipv6" },
	{ 47, "gre" },   { 50, "esp" },   { 51, "ah" },       { 58, "ipv6-icmp" },
	{ 88, "eigrp" }, { 89, "ospf" },  { 103, "pim" },     { 112, "vrrp" },
	{ 115, "l2tp" }, { 132, "sctp" }, { 136, "udplite" },
};

const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		if (protos[i].number == proto)
			return protos[i].name;
	}
	return NULL;
}

bool value_proto(struct str v, uint8_t *out)
{
	uint64_t u;

	if (value_u64(v, &u)) {
		if (u == 0 || u > 255)
			return false;
		*out = (uint8_t)u;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		if (str_ieq(v, str_of(protos[i].name))) {
			*out = protos[i].number;
			return true;
		}
	}
	return false;
}

enum log_severity level_of(struct str name)
{
	static const struct {
		struct str name;
		enum log_severity level;
	} levels[] = {
		{ STR("notice"), LOG_LEVEL_NOTICE },
		{ STR("information"), LOG_LEVEL_INFORMATION },
		{ STR("warning"), LOG_LEVEL_WARNING },
		{ STR("alert"), LOG_LEVEL_ALERT },
		{ STR("error"), LOG_LEVEL_ERROR },
		{ STR("critical"), LOG_LEVEL_CRITICAL },
		{ STR("emergency"), LOG_LEVEL_EMERGENCY },
		{ STR("debug"), LOG_LEVEL_DEBUG },
		{ STR("notification"), LOG_LEVEL_NOTICE },
		{ STR("informational"), LOG_LEVEL_INFORMATION },
		{ STR("info"), LOG_LEVEL_INFORMATION },
		{ STR("warn"), LOG_LEVEL_WARNING },
		{ STR("err"), LOG_LEVEL_ERROR },
		{ STR("crit"), LOG_LEVEL_CRITICAL },
		{ STR("emerg"), LOG_LEVEL_EMERGENCY },
	};

	for (size_t i = 0; name.n && i < ARRAY_LEN(levels); i++) {
		if (str_ieq(name, levels[i].name))
			return levels[i].level;
	}
	return LOG_LEVEL_UNKNOWN;
}
