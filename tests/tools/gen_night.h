/* One bad night: through a maintenance vendor's VPN account to a department's server, from
 * there to the file server, and out with what was on it. By day the vendor itself comes in and
 * works. */
#ifndef GEN_NIGHT_H
#define GEN_NIGHT_H

#include "gen_day.h"

#define UPLOAD_BYTES UINT64_C(8200000000)
#define SWEPT 200
#define JUMBO \
	65495 /* largest TCP payload of an IPv4 packet: a capture behind receive offload */

struct phase {
	const char *name, *from, *to;
	uint16_t port;
	int64_t begin, end;
	uint64_t bytes;
	unsigned hosts;
};

struct night {
	struct phase phases[12];
	size_t n;
};

static void phase_add(struct night *nt, const char *name, const struct host *from,
		      const char *to, uint16_t port, int64_t begin, int64_t end, uint64_t bytes,
		      unsigned hosts)
{
	nt->phases[nt->n++] =
		(struct phase){ name, from->name, to, port, begin, end, bytes, hosts };
}

/* The tunnel as the uplink's mirror shows it: TLS that lasts. */
static int64_t vpn_tunnel(struct day *d, int64_t t, const struct host *who, int64_t span)
{
	struct conn c = tcp_open(&d->net, t, who, &d->h.firewall, 10443);
	tls_talk(d, &c, "vpn.hospital.example", NULL, 0, 0, 0);
	for (int64_t end = t + span; c.t < end;) {
		tcp_bulk(&c, 0, gen_between(&d->net.rnd, 200, 3000), MSS, 2000000);
		tcp_bulk(&c, 1, gen_between(&d->net.rnd, 500, 20000), MSS, 8000000);
		tcp_wait(&c, gen_between(&d->net.rnd, 5, 40) * NS);
	}
	tcp_close(&c);
	return c.t;
}

static int64_t rdp_session(struct day *d, int64_t t, const struct host *from,
			   const struct host *to, const char *user, int64_t span)
{
	struct conn c = tcp_open(&d->net, t, from, to, 3389);
	rdp_request(&d->g, user);
	tcp_say_gen(&c, 0, &d->g);
	rdp_confirm(&d->g);
	tcp_say_gen(&c, 1, &d->g);
	tls_client_hello(&d->g, &d->net.rnd, NULL, NULL);
	tcp_say_gen(&c, 0, &d->g);
	tls_server_hello(&d->g, &d->net.rnd);
	tls_data(&d->g, &d->net.rnd, 900);
	tcp_say_gen(&c, 1, &d->g);
	for (int64_t end = t + span; c.t < end;) {
		tcp_bulk(&c, 0, gen_between(&d->net.rnd, 80, 600), MSS, 1000000);
		tcp_bulk(&c, 1, gen_between(&d->net.rnd, 2000, 60000), MSS * 4, 20000000);
		tcp_wait(&c, gen_between(&d->net.rnd, 2, 30) * NS);
	}
	tcp_close(&c);
	return c.t;
}

/* Port 445 of whoever may be there: closed, silent, or open for a look. */
static int64_t smb_sweep(struct day *d, int64_t t, const struct host *from)
{
	for (unsigned i = 0; i < SWEPT;
	     i++, t += gen_between(&d->net.rnd, 40, 400) * 1000000LL) {
		size_t pcs = d->h.from[GROUP_PC] + i;
		struct host nobody = { .ip = IP4(10, 20, 31, i),
				       .vlan = VLAN_PC,
				       .mac = { 2, 0, 0, 0, 0, 1 } };
		const struct host *to = i < 20 && i < d->h.from[GROUP_MODALITY] ?
						&d->h.hosts[i] :
					pcs < d->h.from[GROUP_PRINTER] ? &d->h.hosts[pcs] :
									 &nobody;
		if (to == from)
			to = &d->h.firewall;
		unsigned answer = gen_below(&d->net.rnd, 10);
		struct conn c = tcp_syn(&d->net, t, from, to, 445);
		if (answer < 4) {
			tcp_packet(&c, 1, RST | ACK, NULL, 0, 0);
		} else if (answer < 7) {
			c.t += NS;
			c.seq[0]--;
			tcp_packet(&c, 0, SYN, NULL, 0, 0);
		} else {
			tcp_packet(&c, 1, SYN | ACK, NULL, 0, 0);
			tcp_packet(&c, 0, ACK, NULL, 0, 0);
			smb2(&d->g, 0, false, 0, 120);
			tcp_say_gen(&c, 0, &d->g);
			smb2(&d->g, 0, true, 0, 170);
			tcp_say_gen(&c, 1, &d->g);
			tcp_packet(&c, 0, RST | ACK, NULL, 0, 0);
		}
	}
	return t;
}

static int64_t lateral_smb(struct day *d, int64_t t, const struct host *from,
			   const struct host *to, uint64_t tool_bytes)
{
	struct conn c = tcp_open(&d->net, t, from, to, 445);
	smb_talk(d, &c, 90000, tool_bytes, MSS * 8, 20 * NS);
	tcp_close(&c);
	return c.t;
}

static int64_t upload(struct day *d, int64_t t, const struct host *from, int64_t span)
{
	int64_t end = t;
	for (unsigned i = 0; i < 4; i++) {
		struct conn c = tcp_open(&d->net, t + i * 7 * NS, from, &d->h.upload, 443);
		tls_client_hello(&d->g, &d->net.rnd, "files.transfer.example", NULL);
		tcp_say_gen(&c, 0, &d->g);
		tls_server_hello(&d->g, &d->net.rnd);
		tls_data(&d->g, &d->net.rnd, 1200);
		tcp_say_gen(&c, 1, &d->g);
		tcp_bulk(&c, 0, UPLOAD_BYTES / 4, JUMBO, span);
		tcp_close(&c);
		end = c.t > end ? c.t : end;
	}
	return end;
}

#define AT(h, m) (start + ((int64_t)(h)*3600 + (int64_t)(m)*60) * NS)

/* start: 00:00 local time of the day. */
static void night_and_maintenance(struct day *d, int64_t start, struct night *nt)
{
	const struct host *dept = server(d, "endo-srv"), *fs = server(d, "fs1"),
			  *thief = &d->h.vpn_thief;
	int64_t end = vpn_tunnel(d, AT(1, 12) + 7 * NS, &d->h.vpn_attacker, 170 * 60 * NS);
	phase_add(nt, "vpn-login", &d->h.vpn_attacker, "fortigate-wan", 10443,
		  AT(1, 12) + 7 * NS, end, 0, 1);
	end = rdp_session(d, AT(1, 13) + 40 * NS, thief, dept, "maint01", 160 * 60 * NS);
	phase_add(nt, "rdp-entry", thief, dept->name, 3389, AT(1, 13) + 40 * NS, end, 0, 1);
	end = smb_sweep(d, AT(1, 31), dept);
	phase_add(nt, "smb-sweep", dept, "many", 445, AT(1, 31), end, 0, SWEPT);
	static const char *const victims[] = { "ad1", "ehr-app", "fs1" };
	for (unsigned i = 0; i < ARRAY_LEN(victims); i++) {
		end = lateral_smb(d, AT(2, 5 + 4 * i), dept, server(d, victims[i]), 1200000);
		phase_add(nt, "lateral-smb", dept, victims[i], 445, AT(2, 5 + 4 * i), end,
			  1200000, 1);
	}
	end = rdp_session(d, AT(2, 24), dept, fs, "administrator", 90 * 60 * NS);
	phase_add(nt, "lateral-rdp", dept, fs->name, 3389, AT(2, 24), end, 0, 1);
	ask_name(d, AT(3, 20), fs, "files.transfer.example", d->h.upload.ip);
	end = upload(d, AT(3, 20) + NS, fs, 32 * 60 * NS);
	phase_add(nt, "upload", fs, "upload", 443, AT(3, 20) + NS, end, UPLOAD_BYTES, 1);

	(void)vpn_tunnel(d, AT(14, 0), &d->h.vpn_vendor, 40 * 60 * NS);
	(void)rdp_session(d, AT(14, 2), &d->h.vpn_client, server(d, "ris"), "maint01",
			  30 * 60 * NS);
	struct conn c = tcp_open(&d->net, AT(22, 0), server(d, "ehr-app"),
				 server(d, "backup-nas"), 445);
	smb_talk(d, &c, 0, 400000000, MSS * 40, 1800 * NS); /* the nightly copy */
	tcp_close(&c);
}

#endif
