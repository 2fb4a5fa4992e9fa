/* What goes on in a hospital by day: one function a kind of conversation, and a table that says
 * how often each happens. */
#ifndef GEN_DAY_H
#define GEN_DAY_H

#include "gen_apps.h"
#include "gen_hl7.h"
#include "gen_hosts.h"

#define PATIENTS 16
struct day {
	struct net net;
	struct hospital h;
	struct gen g; /* what is about to be said */
	struct gen_patient patients[PATIENTS];
	unsigned control; /* HL7 message control id */
};

static const char *const gen_agents[] = {
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
};

UNUSED static const struct host *any(struct day *d, enum group g)
{
	return host_any(&d->h, &d->net.rnd, g);
}
UNUSED static const struct gen_patient *any_patient(struct day *d)
{
	return &d->patients[gen_below(&d->net.rnd, PATIENTS)];
}
UNUSED static const struct host *server(struct day *d, const char *name)
{
	return host_named(&d->h, name);
}

static void ask_name(struct day *d, int64_t t, const struct host *who, const char *name,
		     uint32_t answer)
{
	uint16_t port = net_port(&d->net);
	unsigned id = gen_below(&d->net.rnd, 65536);
	const struct host *dns = server(d, gen_below(&d->net.rnd, 4) ? "ad1" : "ad2");
	dns_message(&d->g, id, name, 0);
	udp(&d->net, t, who, port, dns, 53, d->g.p, d->g.n, 0);
	gen_reset(&d->g);
	dns_message(&d->g, id, name, answer);
	udp(&d->net, t + 700000 + gen_below(&d->net.rnd, 20000) * 1000LL, dns, 53, who, port,
	    d->g.p, d->g.n, 1);
	gen_reset(&d->g);
}

static void do_dns(struct day *d, int64_t t)
{
	char name[64];
	const struct host *to =
		any(d, gen_below(&d->net.rnd, 2) ? GROUP_OUTSIDE : GROUP_SERVER);
	if (gen_below(&d->net.rnd, 20) == 0)
		snprintf(name, sizeof(name), "wpad.hospital.example");
	else
		snprintf(name, sizeof(name), to->vlan == OUTSIDE ? "%s" : "%s.hospital.example",
			 to->name);
	ask_name(d, t, any(d, gen_below(&d->net.rnd, 8) ? GROUP_PC : GROUP_MODALITY), name,
		 strncmp(name, "wpad", 4) == 0 ? UINT32_MAX : to->ip);
}

static void tls_talk(struct day *d, struct conn *c, const char *sni, const char *alpn,
		     uint64_t up, uint64_t down, int64_t span)
{
	struct gen_random *r = &d->net.rnd;
	tls_client_hello(&d->g, r, sni, alpn);
	tcp_say_gen(c, 0, &d->g);
	tls_server_hello(&d->g, r);
	tls_data(&d->g, r, 1200);
	tcp_say_gen(c, 1, &d->g);
	tls_data(&d->g, r, 70);
	tcp_say_gen(c, 0, &d->g);
	if (up)
		tcp_bulk(c, 0, up, MSS, span / 2);
	if (down)
		tcp_bulk(c, 1, down, MSS * 4, span / 2);
}

static void tls_to(struct day *d, int64_t t, const struct host *who, uint64_t most_down)
{
	const struct host *to = any(d, GROUP_OUTSIDE);
	ask_name(d, t, who, to->name, to->ip);
	struct conn c = tcp_open(&d->net, t + 30000000, who, to, 443);
	tls_talk(d, &c, to->name, gen_below(&d->net.rnd, 3) ? "h2" : "http/1.1",
		 gen_between(&d->net.rnd, 300, 6000),
		 gen_between(&d->net.rnd, 2000, (unsigned)most_down), 2 * NS);
	tcp_close(&c);
}
static void do_tls(struct day *d, int64_t t)
{
	tls_to(d, t, any(d, GROUP_PC), 60000);
}
static void do_guest_tls(struct day *d, int64_t t)
{
	d->net.ipv6 = !d->net.whole && gen_below(&d->net.rnd, 3) == 0;
	tls_to(d, t, any(d, GROUP_PHONE), 200000);
	d->net.ipv6 = false;
}

static void do_guest_quic(struct day *d, int64_t t)
{
	struct gen_random *r = &d->net.rnd;
	const struct host *who = any(d, GROUP_PHONE), *to = any(d, GROUP_OUTSIDE);
	uint16_t port = net_port(&d->net);
	for (unsigned i = 0, n = gen_between(r, 6, 30); i < n; i++) {
		unsigned from = i < 1 ? 0 : i < 2 ? 1 : gen_below(r, 4) != 0;
		if (i < 2)
			quic_initial(&d->g, r);
		else
			quic_short(&d->g, r, from ? 1200 : 40);
		udp(&d->net, t, from ? to : who, from ? 443 : port, from ? who : to,
		    from ? port : 443, d->g.p, d->g.n, from);
		gen_reset(&d->g);
		t += gen_between(r, 1, 40) * 1000000LL;
	}
}

static void do_http(struct day *d, int64_t t)
{
	const struct host *who = any(d, GROUP_PC);
	size_t n = gen_between(&d->net.rnd, 500, 40000);
	struct conn c = tcp_open(&d->net, t, who, server(d, "intra"), 80);
	http_get(&d->g, "intra.hospital.example",
		 gen_below(&d->net.rnd, 2) ? "/board/" : "/duty/today",
		 gen_agents[gen_below(&d->net.rnd, 2)]);
	tcp_say_gen(&c, 0, &d->g);
	http_reply(&d->g, "Microsoft-IIS/8.5", "text/html; charset=Shift_JIS", n);
	tcp_say_gen(&c, 1, &d->g);
	tcp_bulk(&c, 1, n, MSS, NS / 10);
	tcp_close(&c);
}

/* The record: Caché for wards, SQL Server, Oracle and PostgreSQL for departments. */
static void do_database(struct day *d, int64_t t)
{
	static const struct {
		const char *server;
		uint16_t port;
	} dbs[] = { { "ehr-db", 1972 },
		    { "ehr-db", 1972 },
		    { "ehr-app", 1433 },
		    { "lis", 1521 },
		    { "receipt", 5432 } };
	unsigned i = gen_below(&d->net.rnd, ARRAY_LEN(dbs));
	struct conn c =
		tcp_open(&d->net, t, any(d, GROUP_PC), server(d, dbs[i].server), dbs[i].port);
	if (dbs[i].port == 1433)
		tds_prelogin(&d->g);
	else if (dbs[i].port == 1521)
		tns_connect(&d->g, "LIS");
	else if (dbs[i].port == 5432)
		postgres_startup(&d->g);
	else
		gen_put(&d->g, "\x36\0\0\0\0\0\0\0\0\0\0\0HS\1\0\0\0", 18);
	tcp_say_gen(&c, 0, &d->g);
	gen_noise(&d->g, &d->net.rnd, 90);
	tcp_say_gen(&c, 1, &d->g);
	for (unsigned k = gen_between(&d->net.rnd, 2, 12); k--;) {
		tcp_wait(&c, gen_between(&d->net.rnd, 1, 8000) * 1000000LL);
		gen_noise(&d->g, &d->net.rnd, gen_between(&d->net.rnd, 60, 500));
		tcp_say_gen(&c, 0, &d->g);
		tcp_bulk(&c, 1, gen_between(&d->net.rnd, 200, 9000), MSS, 3000000);
	}
	tcp_close(&c);
}

/* Negotiate, session, tree, then bytes one way. */
static void smb_talk(struct day *d, struct conn *c, uint64_t read_bytes, uint64_t write_bytes,
		     size_t segment, int64_t span)
{
	static const uint8_t commands[] = { 0, 1, 1, 3, 5 };
	for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
		smb2(&d->g, commands[i], false, i, 120);
		tcp_say_gen(c, 0, &d->g);
		smb2(&d->g, commands[i], true, i, 170);
		tcp_say_gen(c, 1, &d->g);
	}
	if (read_bytes) {
		smb2(&d->g, 8, false, 9, 49);
		tcp_say_gen(c, 0, &d->g);
		tcp_bulk(c, 1, read_bytes, segment, span / 2);
	}
	if (write_bytes)
		tcp_bulk(c, 0, write_bytes, segment, span / 2);
}
static void do_smb(struct day *d, int64_t t)
{
	struct conn c = tcp_open(&d->net, t, any(d, GROUP_PC),
				 server(d, gen_below(&d->net.rnd, 3) ? "fs1" : "ad1"), 445);
	smb_talk(d, &c, gen_between(&d->net.rnd, 4000, 900000),
		 gen_below(&d->net.rnd, 3) ? 0 : gen_between(&d->net.rnd, 4000, 200000),
		 MSS * 8, NS);
	tcp_close(&c);
}
static void do_smb1(struct day *d, int64_t t) /* an old console that cannot do better */
{
	struct conn c = tcp_open(&d->net, t, server(d, "xa01"), server(d, "fs1"), 445);
	smb1_negotiate(&d->g);
	tcp_say_gen(&c, 0, &d->g);
	tcp_wait(&c, 1000000);
	tcp_packet(&c, 1, RST | ACK, NULL, 0, 0);
}

static void do_kerberos(struct day *d, int64_t t)
{
	char user[16];
	snprintf(user, sizeof(user), "nurse%03u", gen_below(&d->net.rnd, 200));
	struct conn c = tcp_open(&d->net, t, any(d, GROUP_PC), server(d, "ad1"), 88);
	kerberos_request(&d->g, user, "HOSPITAL.EXAMPLE");
	tcp_say_gen(&c, 0, &d->g);
	kerberos_error(&d->g, "HOSPITAL.EXAMPLE");
	tcp_say_gen(&c, 1, &d->g);
	tcp_close(&c);
}

static void do_dhcp(struct day *d, int64_t t)
{
	static const struct dhcp_client clients[] = {
		{ "MSFT 5.0", { 1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252, 0 } },
		{ "android-dhcp-13", { 1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 0 } },
		{ "",
		  { 1, 121, 3, 6, 15, 119, 252, 95, 44, 46,
		    0 } }, /* a telephone that does not say */
		{ "Mfg=RICOH;Typ=Printer;", { 1, 3, 6, 15, 44, 12, 66, 67, 0 } },
	};
	unsigned kind = gen_below(&d->net.rnd, 6), c = kind < 3 ? 0 :
						       kind < 4 ? 1 :
						       kind < 5 ? 2 :
								  3;
	const struct host *who = any(d, c == 0 ? GROUP_PC :
					c == 3 ? GROUP_PRINTER :
						 GROUP_PHONE),
			  *dhcp = server(d, "ad1");
	struct host nobody = *who, all = d->h.all;
	nobody.ip = 0;
	all.vlan = who->vlan;
	static const uint8_t types[] = { 1, 2, 3, 5 };
	for (unsigned i = 0; i < 4; i++) {
		struct host relay = *dhcp;
		relay.vlan = who->vlan;
		dhcp_message(&d->g, types[i], who->mac, who->name, &clients[c], who->ip,
			     dhcp->ip);
		if (i % 2 == 0)
			udp(&d->net, t, &nobody, 68, &all, 67, d->g.p, d->g.n, 0);
		else
			udp(&d->net, t, &relay, 67, who, 68, d->g.p, d->g.n, 1);
		gen_reset(&d->g);
		t += 20000000;
	}
}

static void do_ntp(struct day *d, int64_t t)
{
	const struct host *who = any(d, gen_below(&d->net.rnd, 3) ? GROUP_PC : GROUP_MODALITY),
			  *to = server(d, "core-sw");
	ntp_message(&d->g, &d->net.rnd, false);
	udp(&d->net, t, who, 123, to, 123, d->g.p, d->g.n, 0);
	gen_reset(&d->g);
	ntp_message(&d->g, &d->net.rnd, true);
	udp(&d->net, t + 400000, to, 123, who, 123, d->g.p, d->g.n, 1);
	gen_reset(&d->g);
}

static void do_snmp(struct day *d, int64_t t)
{
	const struct host *to = any(d,
				    gen_below(&d->net.rnd, 2) ? GROUP_PRINTER : GROUP_SERVER),
			  *nms = server(d, "nms");
	uint16_t port = net_port(&d->net);
	for (unsigned i = 0; i < 3; i++) {
		snmp_get(&d->g, false, i + 40, "");
		udp(&d->net, t, nms, port, to, 161, d->g.p, d->g.n, 0);
		gen_reset(&d->g);
		snmp_get(&d->g, true, i + 40, to->name);
		udp(&d->net, t + 2000000, to, 161, nms, port, d->g.p, d->g.n, 1);
		gen_reset(&d->g);
		t += 50000000;
	}
}

static void do_print(struct day *d, int64_t t)
{
	const struct host *printer = any(d, GROUP_PRINTER);
	bool raw = gen_below(&d->net.rnd, 2);
	struct conn c = tcp_open(&d->net, t, server(d, "print-srv"), printer, raw ? 9100 : 631);
	if (raw)
		gen_text(&d->g,
			 "\x1b%-12345X@PJL JOB NAME=\"FORM\"\r\n@PJL ENTER LANGUAGE=PCL\r\n");
	else
		gen_fmt(&d->g,
			"POST /ipp/print HTTP/1.1\r\nHost: %s:631\r\nContent-Type: application/ipp\r\nUser-Agent: CUPS/2.4\r\n"
			"Content-Length: 80000\r\n\r\n\x02\x01",
			printer->name);
	tcp_say_gen(&c, 0, &d->g);
	tcp_bulk(&c, 0, gen_between(&d->net.rnd, 20000, 400000), MSS * 4, NS);
	tcp_close(&c);
}

static void do_camera(struct day *d, int64_t t)
{
	const struct host *cam = any(d, GROUP_CAMERA), *nvr = server(d, "nvr");
	uint16_t media = net_port(&d->net);
	struct conn c = tcp_open(&d->net, t, nvr, cam, 554);
	gen_text(
		&d->g,
		"OPTIONS rtsp://camera/stream1 RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: NVR/4.2\r\n\r\n");
	tcp_say_gen(&c, 0, &d->g);
	gen_text(
		&d->g,
		"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n");
	tcp_say_gen(&c, 1, &d->g);
	gen_fmt(&d->g,
		"SETUP rtsp://camera/stream1 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;client_port=%u-%u\r\n\r\n",
		media, media + 1u);
	tcp_say_gen(&c, 0, &d->g);
	gen_text(&d->g, "RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 20202\r\n\r\n");
	tcp_say_gen(&c, 1, &d->g);
	for (unsigned i = 0; i < 60; i++) {
		rtp_packet(&d->g, &d->net.rnd, i, i % 8 ? 240 : 1100);
		udp(&d->net, c.t + i * 40000000LL, cam, 50004, nvr, media, d->g.p, d->g.n, 0);
		gen_reset(&d->g);
	}
	tcp_wait(&c, 3 * NS);
	tcp_close(&c);
}

static void do_bacnet(struct day *d, int64_t t)
{
	const struct host *unit = any(d, GROUP_FACILITY),
			  *bms = &d->h.hosts[d->h.from[GROUP_FACILITY]];
	struct host all = d->h.all;
	if (unit == bms)
		unit++;
	uint32_t instance = 110000 + (unit->ip & 0xff);
	all.vlan = bms->vlan;
	all.ip = bms->ip | 0xff;
	bacnet_who_is(&d->g);
	udp(&d->net, t, bms, 47808, &all, 47808, d->g.p, d->g.n, 0);
	gen_reset(&d->g);
	bacnet_i_am(&d->g, instance, 82);
	udp(&d->net, t + 30000000, unit, 47808, &all, 47808, d->g.p, d->g.n, 0);
	gen_reset(&d->g);
	bacnet_read(&d->g, 1, instance, 70, NULL);
	udp(&d->net, t + 90000000, bms, 47808, unit, 47808, d->g.p, d->g.n, 0);
	gen_reset(&d->g);
	bacnet_read(&d->g, 1, instance, 70, "AE-200J");
	udp(&d->net, t + 99000000, unit, 47808, bms, 47808, d->g.p, d->g.n, 1);
	gen_reset(&d->g);
}

/* DICOM. */

static struct conn dicom_open(struct day *d, int64_t t, const struct host *who,
			      const char *called, uint16_t port, const char *const *sops,
			      unsigned contexts)
{
	static const uint8_t granted[4];
	const struct gen_equipment *e = who->equipment;
	struct conn c =
		tcp_open(&d->net, t, who, server(d, port == 104 ? "pacs" : "ris"), port);
	char version[17];
	snprintf(version, sizeof(version), "%.8s_%.6s", e->ae, e->software);
	dicom_request(&d->g, e->ae, called, sops, "1.2.826.0.1.3680043.10.1042", version, NULL);
	tcp_say_gen(&c, 0, &d->g);
	dicom_accept(&d->g, e->ae, called, granted, contexts, UID_EXPLICIT,
		     "1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367");
	tcp_say_gen(&c, 1, &d->g);
	return c;
}
static void dicom_end(struct day *d, struct conn *c)
{
	dicom_release(&d->g, 5);
	tcp_say_gen(c, 0, &d->g);
	dicom_release(&d->g, 6);
	tcp_say_gen(c, 1, &d->g);
	tcp_close(c);
}

static void do_dicom_echo(struct day *d, int64_t t)
{
	static const char *const sops[] = { UID_VERIFICATION, NULL };
	struct conn c = dicom_open(d, t, any(d, GROUP_MODALITY), "PACS", 104, sops, 1);
	dicom_command(&d->g, 1, 0x30, UID_VERIFICATION, NULL, false);
	tcp_say_gen(&c, 0, &d->g);
	dicom_command(&d->g, 1, 0x8030, UID_VERIFICATION, NULL, false);
	tcp_say_gen(&c, 1, &d->g);
	dicom_end(d, &c);
}

static void do_dicom_store(struct day *d, int64_t t)
{
	const struct host *who = any(d, GROUP_MODALITY);
	const struct gen_equipment *e = who->equipment;
	const struct gen_patient *patient = any_patient(d);
	const char *const sops[] = { UID_VERIFICATION, e->sop, NULL };
	struct gen image = { NULL, 0, 0 };
	struct conn c = dicom_open(d, t, who, "PACS", 104, sops, 2);
	for (unsigned i = 0, n = gen_between(&d->net.rnd, 1, 6); i < n; i++) {
		char instance[64];
		snprintf(instance, sizeof(instance), "1.2.826.0.1.3680043.10.1042.%u.%u",
			 c.port[0], i);
		gen_reset(&image);
		dicom_image(&image, e, patient, instance, true, 8000);
		dicom_command(&d->g, 3, 1, e->sop, instance, true);
		tcp_say_gen(&c, 0, &d->g);
		/* The first PDU as it is, the pixels behind it by their length: 32 PDUs of half
		 * a megabyte. */
		dicom_data(&d->g, 3, 0, image.p, image.n, 16372);
		tcp_say_gen(&c, 0, &d->g);
		if (i > 0)
			tcp_bulk(&c, 0, 32 * 16384, MSS * 10, NS / 20);
		dicom_command(&d->g, 3, 0x8001, e->sop, instance, false);
		tcp_say_gen(&c, 1, &d->g);
	}
	gen_free(&image);
	dicom_end(d, &c);
}

static void do_dicom_worklist(struct day *d, int64_t t)
{
	static const char *const sops[] = { UID_WORKLIST, NULL };
	const struct host *who = any(d, GROUP_MODALITY);
	struct gen line = { NULL, 0, 0 };
	struct conn c = dicom_open(d, t, who, "RIS", 11112, sops, 1);
	dicom_command(&d->g, 1, 0x20, UID_WORKLIST, NULL, true);
	tcp_say_gen(&c, 0, &d->g);
	for (unsigned i = gen_between(&d->net.rnd, 1, 5); i--;) {
		gen_reset(&line);
		dicom_worklist(&line, who->equipment, any_patient(d));
		dicom_command(&d->g, 1, 0x8020, UID_WORKLIST, NULL, true);
		dicom_data(&d->g, 1, 0, line.p, line.n, 16000);
		tcp_say_gen(&c, 1, &d->g);
	}
	dicom_command(&d->g, 1, 0x8020, UID_WORKLIST, NULL, false);
	tcp_say_gen(&c, 1, &d->g);
	gen_free(&line);
	dicom_end(d, &c);
}

/* HL7. */

static void do_hl7_order(struct day *d, int64_t t)
{
	bool adt = gen_below(&d->net.rnd, 2);
	struct conn c = tcp_open(&d->net, t, server(d, "ehr-app"),
				 server(d, adt ? "hl7-engine" : "ris"), adt ? 2575 : 6661);
	for (unsigned i = gen_between(&d->net.rnd, 1, 4); i--;) {
		d->control++;
		if (adt)
			hl7_adt(&d->g, any_patient(d), d->control);
		else
			hl7_orm(&d->g, any_patient(d), d->control);
		tcp_say_gen(&c, 0, &d->g);
		hl7_ack(&d->g, adt ? "ENGINE" : "RIS", "HIS", "AA", d->control);
		tcp_say_gen(&c, 1, &d->g);
		tcp_wait(&c, 2 * NS);
	}
	tcp_close(&c);
}

static void do_hl7_vitals(struct day *d, int64_t t)
{
	const struct host *who = any(d, GROUP_MONITOR);
	char eui[24], udi[40], serial[16];
	snprintf(eui, sizeof(eui), "%02X%02X%02XFFFE%02X%02X%02X", who->mac[0], who->mac[1],
		 who->mac[2], who->mac[3], who->mac[4], who->mac[5]);
	snprintf(serial, sizeof(serial), "BM-%05u", who->ip & 0xffff);
	snprintf(udi, sizeof(udi), "(01)04560000000017(21)%s", serial);
	struct conn c = tcp_open(&d->net, t, who, server(d, "hl7-engine"), 2575);
	for (unsigned i = gen_between(&d->net.rnd, 2, 6); i--;) {
		d->control++;
		hl7_oru(&d->g, any_patient(d), "BEDSIDE", eui, udi, serial, d->control);
		tcp_say_gen(&c, 0, &d->g);
		hl7_ack(&d->g, "ENGINE", "BEDSIDE", "AA", d->control);
		tcp_say_gen(&c, 1, &d->g);
		tcp_wait(&c, 10 * NS);
	}
	tcp_close(&c);
}

static void do_pump(struct day *d, int64_t t)
{
	struct conn c = tcp_open(&d->net, t, any(d, GROUP_PUMP), server(d, "pharmacy"), 8883);
	tls_talk(d, &c, "pharmacy.hospital.example", NULL, 900, 0, NS);
	tcp_close(&c);
}

/* What machines say to nobody in particular: names by mDNS, LLMNR, NetBIOS and SSDP. */
static void to_group(struct day *d, int64_t t, const struct host *who, uint16_t from,
		     uint32_t ip, uint16_t port)
{
	struct host group = { .ip = ip, .vlan = who->vlan };
	if (ip >> 28 == 0xe) { /* RFC 1112 section 6.4 */
		memcpy(group.mac, "\x01\x00\x5e", 3);
		group.mac[3] = (uint8_t)(ip >> 16 & 0x7f);
		group.mac[4] = (uint8_t)(ip >> 8);
		group.mac[5] = (uint8_t)ip;
	}
	udp(&d->net, t, who, from, &group, port, d->g.p, d->g.n, 0);
	gen_reset(&d->g);
}
static void do_chatter(struct day *d, int64_t t)
{
	const struct host *pc = any(d, GROUP_PC), *phone = any(d, GROUP_PHONE);
	char local[48];
	switch (gen_below(&d->net.rnd, 4)) {
	case 0: /* RFC 6762: an announcement of its own address */
		snprintf(local, sizeof(local), "%s.local", phone->name);
		gen_put(&d->g, "\0\0\x84\0\0\0\0\1\0\0\0\0", 12);
		dns_name(&d->g, local);
		gen_put(&d->g, "\0\1\x80\1\0\0\0\x78\0\4", 10);
		gen_be32(&d->g, phone->ip);
		to_group(d, t, phone, 5353, IP4(224, 0, 0, 251), 5353);
		break;
	case 1: /* RFC 4795 */
		dns_message(&d->g, 7, "wpad", 0);
		to_group(d, t, pc, net_port(&d->net), IP4(224, 0, 0, 252), 5355);
		break;
	case 2: /* RFC 1002: somebody looks for a name of old */
		gen_put(&d->g, "\x12\x34\x01\x10\0\1\0\0\0\0\0\0\x20", 13);
		gen_text(&d->g, "EMFDFEDBDCDADACACACACACACACACAAA"); /* LS5 ... in half bytes */
		gen_put(&d->g, "\0\0\x20\0\1", 5);
		to_group(d, t, pc, 137, pc->ip | 0xff, 137);
		break;
	default:
		gen_text(&d->g, "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
				"MAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n");
		to_group(d, t, phone, net_port(&d->net), IP4(239, 255, 255, 250), 1900);
	}
}

static void do_ping(struct day *d, int64_t t)
{
	icmp_echo(&d->net, t, server(d, "nms"),
		  any(d, gen_below(&d->net.rnd, 2) ? GROUP_SERVER : GROUP_PRINTER));
}
static void do_arp(struct day *d, int64_t t)
{
	const struct host *who = any(d, GROUP_PC);
	arp(&d->net, t, who, (who->ip & 0xffffff00) | 1);
}

static void do_closed_port(struct day *d, int64_t t)
{
	struct conn c = tcp_syn(&d->net, t, any(d, GROUP_PC), any(d, GROUP_PC), 445);
	tcp_packet(&c, 1, RST | ACK, NULL, 0, 0);
}

/* How often by day; and in the benchmark's mix, where most flows are short and a few carry the
 * bytes. */
static const struct kind {
	const char *name;
	unsigned weight, bulk_weight;
	void (*say)(struct day *d, int64_t t);
} gen_kinds[] = {
	{ "dns", 220, 600, do_dns },
	{ "database", 110, 20, do_database },
	{ "tls", 90, 50, do_tls },
	{ "smb", 60, 25, do_smb },
	{ "http", 60, 30, do_http },
	{ "kerberos", 45, 10, do_kerberos },
	{ "guest-tls", 60, 20, do_guest_tls },
	{ "guest-quic", 50, 10, do_guest_quic },
	{ "ntp", 50, 80, do_ntp },
	{ "snmp", 50, 40, do_snmp },
	{ "print", 25, 10, do_print },
	{ "dhcp", 25, 10, do_dhcp },
	{ "hl7-vitals", 40, 4, do_hl7_vitals },
	{ "hl7-order", 30, 4, do_hl7_order },
	{ "dicom-store", 16, 4, do_dicom_store },
	{ "dicom-worklist", 18, 3, do_dicom_worklist },
	{ "dicom-echo", 6, 2, do_dicom_echo },
	{ "bacnet", 20, 5, do_bacnet },
	{ "camera", 6, 2, do_camera },
	{ "pump", 20, 4, do_pump },
	{ "ping", 10, 10, do_ping },
	{ "arp", 40, 5, do_arp },
	{ "chatter", 60, 20, do_chatter },
	{ "smb1", 2, 1, do_smb1 },
	{ "closed-port", 4, 120, do_closed_port },
};

/* Picks a kind by weight. */
UNUSED static size_t kind_any(struct gen_random *r, bool bulk)
{
	unsigned all = 0;
	for (size_t i = 0; i < ARRAY_LEN(gen_kinds); i++)
		all += bulk ? gen_kinds[i].bulk_weight : gen_kinds[i].weight;
	unsigned at = gen_below(r, all);
	for (size_t i = 0; i < ARRAY_LEN(gen_kinds); i++) {
		unsigned w = bulk ? gen_kinds[i].bulk_weight : gen_kinds[i].weight;
		if (at < w)
			return i;
		at -= w;
	}
	return 0;
}

#endif
