/* Who is in the made-up hospital of 300 beds: one table of names and roles, and groups that
 * grow with the number of beds. Addresses outside are those that RFC 5737 keeps for
 * documentation. */
#ifndef GEN_HOSTS_H
#define GEN_HOSTS_H

#include "gen_dicom.h"
#include "gen_net.h"

enum vlan {
	VLAN_SERVER = 10,
	VLAN_MODALITY = 20,
	VLAN_PC = 30,
	VLAN_PRINTER = 40,
	VLAN_CAMERA = 50,
	VLAN_FACILITY = 60,
	VLAN_MONITOR = 70,
	VLAN_GUEST = 90,
	VLAN_UPLINK = 900
};

enum group {
	GROUP_SERVER,
	GROUP_MODALITY,
	GROUP_PC,
	GROUP_PRINTER,
	GROUP_CAMERA,
	GROUP_FACILITY,
	GROUP_MONITOR,
	GROUP_PUMP,
	GROUP_PHONE,
	GROUP_OUTSIDE,
	GROUPS
};

#define UID_CR "1.2.840.10008.5.1.4.1.1.1"
#define UID_MR "1.2.840.10008.5.1.4.1.1.4"
#define UID_US "1.2.840.10008.5.1.4.1.1.6.1"
#define UID_DX "1.2.840.10008.5.1.4.1.1.1.1"
#define UID_XA "1.2.840.10008.5.1.4.1.1.12.1"
#define UID_ES "1.2.840.10008.5.1.4.1.1.77.1.1"
#define UID_OPT "1.2.840.10008.5.1.4.1.1.77.1.5.4"

static const struct gen_equipment gen_equipments[] = {
	{ "CT", "GE MEDICAL SYSTEMS", "Revolution EVO", "CT4711", "revo_ct_21b.30", "CT01",
	  "CT01", UID_CT },
	{ "CR", "KONICA MINOLTA", "REGIUS SIGMA", "KM20871", "1.30", "CR01", "CR01", UID_CR },
	{ "MR", "SIEMENS", "MAGNETOM Vida", "176041", "syngo MR XA31", "MR01", "MR01", UID_MR },
	{ "MR", "Philips Medical Systems", "Ingenia", "45077", "5.6.1", "MR02", "MR02",
	  UID_MR },
	{ "US", "GE Healthcare", "LOGIQ E10", "LE10772", "R3.1.2", "US01", "US01", UID_US },
	{ "US", "Hitachi Aloka Medical,Ltd.", "ARIETTA 850", "G3027", "5.0.1", "US02", "US02",
	  UID_US },
	{ "XA", "SHIMADZU", "Trinias", "TR2201", "V3.2", "XA01", "XA01", UID_XA },
	{ "DX", "FUJIFILM Corporation", "FDR Visionary", "FV8801", "A11-07", "DR01", "DR01",
	  UID_DX },
	{ "DX", "FUJIFILM Corporation", "FDR nano", "FN1107", "A11-07", "DR02", "DR02",
	  UID_DX },
	{ "ES", "Olympus", "CV-1500", "7700112", "1.21", "ES01", "ES01", UID_ES },
	{ "OPT", "TOPCON", "3D OCT-1", "670233", "1.4", "OCT1", "OCT1", UID_OPT },
};

#define MAC(a, b, c)                         \
	{                                    \
		0x##a, 0x##b, 0x##c, 0, 0, 0 \
	}
/* Last part of the address, name, role, maker by its OUI. */
static const struct named {
	const char *name, *role, *vendor;
	uint8_t oui[6];
	uint8_t last;
} gen_servers[] = {
	{ "ad1", "domain-controller", "Dell", MAC(00, 14, 22), 5 },
	{ "ad2", "domain-controller", "Dell", MAC(00, 14, 22), 6 },
	{ "ehr-db", "ehr-database", "Dell", MAC(00, 14, 22), 11 },
	{ "ehr-app", "ehr-server", "Dell", MAC(00, 14, 22), 12 },
	{ "fs1", "file-server", "Dell", MAC(00, 14, 22), 20 },
	{ "pacs", "pacs", "Dell", MAC(00, 14, 22), 30 },
	{ "ris", "ris", "Dell", MAC(00, 14, 22), 31 },
	{ "hl7-engine", "interface-engine", "Dell", MAC(00, 14, 22), 32 },
	{ "lis", "laboratory", "Dell", MAC(00, 14, 22), 33 },
	{ "receipt", "billing", "Dell", MAC(00, 14, 22), 34 },
	{ "pharmacy", "pharmacy", "Dell", MAC(00, 14, 22), 35 },
	{ "endo-srv", "department-server", "Dell", MAC(00, 14, 22), 36 },
	{ "intra", "intranet", "Dell", MAC(00, 14, 22), 38 },
	{ "print-srv", "print-server", "Dell", MAC(00, 14, 22), 40 },
	{ "nvr", "video-recorder", "Dell", MAC(00, 14, 22), 45 },
	{ "backup-nas", "backup", "Dell", MAC(00, 14, 22), 50 },
	{ "nms", "network-management", "Dell", MAC(00, 14, 22), 60 },
	{ "core-sw", "switch", "Allied Telesis", MAC(00, 00, f4), 1 },
}, gen_modalities[] = { /* in the order of gen_equipments */
	{ "ct01", "ct", "GE HealthCare", MAC(44, 4b, 5d), 21 },
	{ "cr01", "radiography", "Konica Minolta", MAC(00, 20, 6b), 22 },
	{ "mr01", "mri", "Siemens", MAC(00, 0b, a3), 23 },
	{ "mr02", "mri", "Philips Healthcare", MAC(00, 09, 5c), 24 },
	{ "us01", "ultrasound", "GE HealthCare", MAC(44, 4b, 5d), 25 },
	{ "us02", "ultrasound", "Hitachi Aloka Medical", MAC(00, 01, 85), 26 },
	{ "xa01", "angiography", "Shimadzu", MAC(00, e0, 96), 27 },
	{ "dr01", "radiography", "Fujifilm", MAC(88, b4, 36), 28 },
	{ "dr02", "radiography", "Fujifilm", MAC(88, b4, 36), 29 },
	{ "endo01", "endoscopy", "Olympus", MAC(00, 01, 13), 30 },
	{ "oct01", "ophthalmology", "Topcon", MAC(bc, ff, ac), 31 },
}, gen_outside[] = { /* last: of 198.51.100.0/24 */
	{ "www.portal.example", "web", "", MAC(00, 00, 00), 10 },
	{ "update.os.example", "update", "", MAC(00, 00, 00), 11 },
	{ "mail.cloud.example", "mail", "", MAC(00, 00, 00), 12 },
	{ "video.stream.example", "video", "", MAC(00, 00, 00), 13 },
	{ "sns.chat.example", "chat", "", MAC(00, 00, 00), 14 },
	{ "cdn.news.example", "web", "", MAC(00, 00, 00), 15 },
	{ "qualification.insurer.example", "insurer", "", MAC(00, 00, 00), 16 },
	{ "av.endpoint.example", "update", "", MAC(00, 00, 00), 17 },
};

struct hospital {
	struct host *hosts;
	size_t n;
	size_t from[GROUPS + 1];              /* first of each group */
	struct host upload;                   /* 203.0.113.45 */
	struct host vpn_vendor, vpn_attacker; /* as the Internet has them */
	struct host vpn_client, vpn_thief;    /* as the LAN has them, behind the tunnel */
	struct host firewall;                 /* its outside */
	struct host all;                      /* 255.255.255.255 */
};

UNUSED static struct host *host_add(struct hospital *h, const char *role, const char *vendor,
				    const uint8_t *oui, uint32_t ip, unsigned vlan,
				    unsigned number, const char *fmt, ...)
	__attribute__((format(printf, 8, 9)));
static struct host *host_add(struct hospital *h, const char *role, const char *vendor,
			     const uint8_t *oui, uint32_t ip, unsigned vlan, unsigned number,
			     const char *fmt, ...)
{
	struct host *at = &h->hosts[h->n++];
	va_list ap;
	*at = (struct host){ .role = role, .vendor = vendor, .ip = ip, .vlan = (uint16_t)vlan };
	va_start(ap, fmt);
	vsnprintf(at->name, sizeof(at->name), fmt, ap);
	va_end(ap);
	memcpy(at->mac, oui, 3);
	at->mac[3] = (uint8_t)vlan;
	at->mac[4] = (uint8_t)(number >> 8);
	at->mac[5] = (uint8_t)number;
	return at;
}

UNUSED static void hosts_named(struct hospital *h, const struct named *table, size_t n,
			       uint32_t base, unsigned vlan)
{
	for (size_t i = 0; i < n; i++)
		(void)host_add(h, table[i].role, table[i].vendor, table[i].oui,
			       base + table[i].last, vlan, table[i].last, "%s", table[i].name);
}

/* n hosts called name-001 ...; makers take turns. */
UNUSED static void hosts_many(struct hospital *h, unsigned n, const char *name,
			      const char *role, const struct named *makers, size_t n_makers,
			      uint32_t base, unsigned vlan)
{
	for (unsigned i = 0; i < n; i++, base++) {
		const struct named *m = &makers[i % n_makers];
		while ((base & 0xff) == 0 || (base & 0xff) == 0xff)
			base++;
		(void)host_add(h, role, m->vendor, m->oui, base, vlan, i + 1, "%s-%03u", name,
			       i + 1);
	}
}

UNUSED static struct host outside_host(const char *name, uint32_t ip)
{
	struct host o = { .role = "outside", .vendor = "", .ip = ip, .vlan = OUTSIDE };
	snprintf(o.name, sizeof(o.name), "%s", name);
	memcpy(o.mac, gen_router, 6);
	return o;
}

UNUSED static void hospital_build(struct hospital *h, unsigned beds)
{
	static const struct named pcs[] = { { "", "", "Dell", MAC(00, 14, 22), 0 },
					    { "", "", "HP", MAC(3c, 52, 82), 0 },
					    { "", "", "Fujitsu", MAC(00, 19, 99), 0 } };
	static const struct named printers[] = { { "", "", "Ricoh", MAC(00, 26, 73), 0 },
						 { "", "", "Brother", MAC(00, 1b, a9), 0 },
						 { "", "", "Zebra", MAC(00, 07, 4d), 0 } };
	static const struct named cameras[] = { { "", "", "Panasonic", MAC(00, 80, f0), 0 } };
	static const struct named controllers[] = { { "", "", "Mitsubishi Electric",
						      MAC(28, e9, 8e), 0 } };
	static const struct named monitors[] = { { "", "", "Nihon Kohden", MAC(00, a0, 9a), 0 },
						 { "", "", "Draeger", MAC(00, 10, 5d), 0 },
						 { "", "", "Philips Healthcare",
						   MAC(00, 09, 5c), 0 } };
	static const struct named pumps[] = { { "", "", "Terumo", MAC(60, f6, 73), 0 } };
	static const struct named phones[] = {
		{ "", "", "", MAC(da, a1, 19), 0 }, { "", "", "", MAC(f2, 10, 7e), 0 }
	}; /* random */
	unsigned per[] = { beds * 12 / 10, beds / 10, beds / 15, beds / 25,
			   beds / 4,       beds / 5,  beds / 2 };
	size_t most =
		ARRAY_LEN(gen_servers) + ARRAY_LEN(gen_modalities) + ARRAY_LEN(gen_outside);
	for (size_t i = 0; i < ARRAY_LEN(per); i++)
		most += per[i] += 2;
	h->hosts = calloc(most, sizeof(*h->hosts));
	if (!h->hosts)
		abort();
	hosts_named(h, gen_servers, ARRAY_LEN(gen_servers), IP4(10, 20, 10, 0), VLAN_SERVER);
	h->from[GROUP_MODALITY] = h->n;
	hosts_named(h, gen_modalities, ARRAY_LEN(gen_modalities), IP4(10, 20, 20, 0),
		    VLAN_MODALITY);
	for (size_t i = 0; i < ARRAY_LEN(gen_modalities); i++)
		h->hosts[h->from[GROUP_MODALITY] + i].equipment = &gen_equipments[i];
	h->from[GROUP_PC] = h->n;
	hosts_many(h, per[0], "pc", "pc", pcs, ARRAY_LEN(pcs), IP4(10, 20, 30, 11), VLAN_PC);
	h->from[GROUP_PRINTER] = h->n;
	hosts_many(h, per[1], "prn", "printer", printers, ARRAY_LEN(printers),
		   IP4(10, 20, 40, 11), VLAN_PRINTER);
	h->from[GROUP_CAMERA] = h->n;
	hosts_many(h, per[2], "cam", "camera", cameras, ARRAY_LEN(cameras), IP4(10, 20, 50, 11),
		   VLAN_CAMERA);
	h->from[GROUP_FACILITY] = h->n;
	hosts_many(h, per[3], "ahu", "air-conditioning", controllers, ARRAY_LEN(controllers),
		   IP4(10, 20, 60, 11), VLAN_FACILITY);
	h->from[GROUP_MONITOR] = h->n;
	hosts_many(h, per[4], "mon", "patient-monitor", monitors, ARRAY_LEN(monitors),
		   IP4(10, 20, 70, 11), VLAN_MONITOR);
	h->from[GROUP_PUMP] = h->n;
	hosts_many(h, per[5], "pump", "infusion-pump", pumps, ARRAY_LEN(pumps),
		   IP4(10, 20, 75, 11), VLAN_MONITOR);
	h->from[GROUP_PHONE] = h->n;
	hosts_many(h, per[6], "phone", "patients-phone", phones, ARRAY_LEN(phones),
		   IP4(10, 20, 90, 11), VLAN_GUEST);
	h->from[GROUP_OUTSIDE] = h->n;
	for (size_t i = 0; i < ARRAY_LEN(gen_outside); i++)
		h->hosts[h->n++] = outside_host(gen_outside[i].name,
						IP4(198, 51, 100, gen_outside[i].last));
	h->from[GROUPS] = h->n;
	h->upload = outside_host("upload", IP4(203, 0, 113, 45));
	h->vpn_vendor = outside_host("maintenance-vendor", IP4(192, 0, 2, 20));
	h->vpn_attacker = outside_host("intruder", IP4(192, 0, 2, 177));
	h->vpn_client = outside_host("vpn-vendor", IP4(10, 212, 134, 200));
	h->vpn_thief = outside_host("vpn-intruder", IP4(10, 212, 134, 201));
	h->firewall = outside_host("fortigate-wan", IP4(203, 0, 113, 2));
	h->firewall.vlan = VLAN_UPLINK;
	memcpy(h->firewall.mac, "\x00\x09\x0f\x20\x00\x01", 6);
	h->all = (struct host){ .name = "broadcast", .ip = UINT32_MAX };
}

UNUSED static const struct host *host_named(const struct hospital *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->hosts[i].name, name) == 0)
			return &h->hosts[i];
	fprintf(stderr, "hospital: no host %s\n", name);
	abort();
}

UNUSED static const struct host *host_any(const struct hospital *h, struct gen_random *r,
					  enum group g)
{
	return &h->hosts[h->from[g] + gen_below(r, (unsigned)(h->from[g + 1] - h->from[g]))];
}

#endif
