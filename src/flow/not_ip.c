/* Frames that are not IP have no flow, but a network engineer wants to know what they were. Numbers:
 * IANA's IEEE 802 registry. Any thread; the table is constant. */
#include "shard.h"

static const struct {
	uint16_t ethertype;
	const char *name;
} kinds[FLOW_NOT_IP_KINDS] = {
	{ 0x0806, "arp" },   { 0x88cc, "lldp" },     { 0x888e, "eapol" },
	{ 0x8809, "lacp" },  { 0x9000, "loopback" }, { 0x0842, "wake_on_lan" },
	{ 0x88f7, "ptp" },   { 0x8892, "profinet" }, { 0x88a4, "ethercat" },
	{ 0x8863, "pppoe" }, { 0x0000, "llc" }, /* spanning tree, CDP: a length where the type would be */
	{ 0xffff, "other" },
};

const char *flow_not_ip_name(unsigned kind)
{
	return kinds[kind].name;
}

unsigned not_ip_kind(uint16_t ethertype)
{
	unsigned i = 0;
	while (i < FLOW_NOT_IP_KINDS - 1 && kinds[i].ethertype != ethertype)
		i++;
	return i;
}
