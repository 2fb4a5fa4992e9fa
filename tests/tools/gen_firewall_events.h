/* What a firewall says of itself and of what it refused, by day and in the bad night. Part of
 * gen_firewall.h. */
#ifndef GEN_FIREWALL_EVENTS_H
#define GEN_FIREWALL_EVENTS_H

/* So many moments of [from, to), each with its own. */
#define EVERY(at, from, to, step) for (int64_t at = (from); at < (to); at += (step))
#define MIN (60 * NS)

static int64_t jitter(struct logs *l, int64_t t)
{
	return t + gen_below(&l->rnd, 1000000) * 1000LL;
}

static void say_perf(struct logs *l, int64_t t)
{
	unsigned hour = log_clock(t) / 3600, busy = hour > 7 && hour < 19 ? 3 : 1;
	unsigned cpu = 2 * busy + gen_below(&l->rnd, 4), mem = 38 + gen_below(&l->rnd, 3);
	unsigned sessions = 700 * busy + gen_below(&l->rnd, 400);
	unsigned in = 9000 * busy + gen_below(&l->rnd, 3000), out = in / 4;
	log_begin(l, t, SAYS_PERF);
	log_more(l,
		 " logdesc=\"System performance statistics\" action=\"perf-stats\" cpu=%u"
		 " mem=%u totalsession=%u disk=1 bandwidth=\"%u/%u\" setuprate=%u disklograte=0"
		 " fazlograte=0 freediskstorage=455 sysuptime=%u waninfo=\"N/A\""
		 " msg=\"Performance statistics: average CPU: %u, memory:  %u, concurrent"
		 " sessions:  %u, setup-rate: %u\"",
		 cpu, mem, sessions, in, out, 12 * busy, 8640000u + log_clock(t), cpu, mem,
		 sessions, 12 * busy);
}

static void say_dhcp(struct log_day *x, int64_t t)
{
	const struct host *h = host_any(&x->d->h, &x->l.rnd, GROUP_PHONE);
	log_begin(&x->l, t, SAYS_DHCP);
	log_more(&x->l,
		 " logdesc=\"DHCP Ack log\" interface=\"guest\" dhcp_msg=\"Ack\""
		 " mac=\"%02X:%02X:%02X:%02X:%02X:%02X\" ip=%u.%u.%u.%u lease=28800"
		 " hostname=\"%s\" msg=\"DHCP server sends a DHCPACK\"",
		 h->mac[0], h->mac[1], h->mac[2], h->mac[3], h->mac[4], h->mac[5], h->ip >> 24,
		 h->ip >> 16 & 255, h->ip >> 8 & 255, h->ip & 255, h->name);
}

/* Somebody on the Internet tries the door: denied, never in the captures of the inside. */
static void say_knock(struct logs *l, int64_t t)
{
	static const struct {
		uint16_t port;
		const char *service;
	} doors[] = { { 23, "TELNET" }, { 22, "SSH" },        { 3389, "RDP" },
		      { 445, "SMB" },   { 8443, "tcp/8443" }, { 5060, "SIP" } };
	static const char *const lands[] = { "China", "United States", "Russian Federation",
					     "Brazil", "Netherlands" };
	unsigned i = gen_below(&l->rnd, ARRAY_LEN(doors));
	log_begin(l, t, SAYS_LOCAL);
	log_more(l,
		 " srcip=192.0.2.%u srcport=%u srcintf=\"wan1\" srcintfrole=\"wan\""
		 " dstip=" WAN_IP " dstport=%u dstintf=\"root\" dstintfrole=\"undefined\""
		 " srccountry=\"%s\" dstcountry=\"Japan\" sessionid=%u proto=6 action=\"deny\""
		 " policyid=0 policytype=\"local-in-policy\" service=\"%s\" trandisp=\"noop\""
		 " app=\"%s\" duration=0 sentbyte=0 rcvdbyte=0 sentpkt=0 rcvdpkt=0"
		 " appcat=\"unscanned\" crscore=5 craction=262144 crlevel=\"low\"",
		 30 + gen_below(&l->rnd, 140), gen_between(&l->rnd, 1024, 65535), doors[i].port,
		 lands[gen_below(&l->rnd, ARRAY_LEN(lands))], ++l->session, doors[i].service,
		 doors[i].service);
}

static void say_dns(struct log_day *x, int64_t t)
{
	struct logs *l = &x->l;
	bool bad = gen_below(&l->rnd, 40) == 0;
	const struct named *o = &gen_outside[gen_below(&l->rnd, ARRAY_LEN(gen_outside))];
	char name[64];
	if (bad)
		snprintf(name, sizeof(name), "c%u.sinkhole.example", gen_below(&l->rnd, 9));
	else
		snprintf(name, sizeof(name), "%s", o->name);
	log_begin(l, t, bad ? SAYS_DNS_BLOCKED : SAYS_DNS);
	log_more(l,
		 " eventtype=\"dns-response\" policyid=11 poluuid=\"%s\" policytype=\"policy\""
		 " sessionid=%u srcip=10.20.10.%u srcport=%u srccountry=\"Reserved\""
		 " srcintf=\"lan\" srcintfrole=\"lan\" dstip=203.0.113.1 dstport=53"
		 " dstcountry=\"Japan\" dstintf=\"wan1\" dstintfrole=\"wan\" proto=17"
		 " profile=\"byoin-dns\" xid=%u qname=\"%s\" qtype=\"A\" qtypeval=1"
		 " qclass=\"IN\"",
		 gen_policies[POLICY_STAFF].uuid, ++l->session, 5 + gen_below(&l->rnd, 2),
		 gen_between(&l->rnd, 49152, 65535), gen_below(&l->rnd, 65536), name);
	if (bad)
		log_more(l, " msg=\"Domain belongs to a denied category in policy\""
			    " action=\"redirect\" cat=26 catdesc=\"Malicious Websites\"");
	else
		log_more(l,
			 " ipaddr=\"198.51.100.%u\" msg=\"Domain is monitored\""
			 " action=\"pass\" cat=52 catdesc=\"Information Technology\"",
			 o->last);
}

/* A page, a file or an attack that did not get through. */
static void say_refused(struct log_day *x, int64_t t)
{
	struct logs *l = &x->l;
	const struct host *who = host_any(&x->d->h, &l->rnd, GROUP_PC);
	unsigned sort = gen_below(&l->rnd, 10), port = gen_between(&l->rnd, 49152, 65535);
	unsigned id = ++l->session;
	char ends[256];
	snprintf(ends, sizeof(ends),
		 "srcip=%u.%u.%u.%u srcport=%u srccountry=\"Reserved\" srcintf=\"lan\""
		 " srcintfrole=\"lan\" dstip=198.51.100.%u dstport=80 dstcountry=\"Japan\""
		 " dstintf=\"wan1\" dstintfrole=\"wan\" proto=6 service=\"HTTP\"",
		 who->ip >> 24, who->ip >> 16 & 255, who->ip >> 8 & 255, who->ip & 255, port,
		 200 + gen_below(&l->rnd, 40));
	if (sort < 7) {
		log_begin(l, t, SAYS_WEB_BLOCKED);
		log_more(
			l,
			" eventtype=\"ftgd_blk\" policyid=11 sessionid=%u user=\"外来受付%02u\""
			" %s hostname=\"www.game%u.example\" profile=\"byoin-web\""
			" action=\"blocked\" reqtype=\"direct\""
			" url=\"http://www.game%u.example/a?x=1 srcip=8.8.8.8&y=\\\"q\\\"\""
			" sentbyte=311 rcvdbyte=0 direction=\"outgoing\""
			" msg=\"URL belongs to a denied category in policy\""
			" ratemethod=\"domain\" cat=20 catdesc=\"Games\"",
			id, id % 40 + 1, ends, id % 7, id % 7);
	} else if (sort < 9) {
		log_begin(l, t, SAYS_VIRUS);
		log_more(
			l,
			" eventtype=\"infected\" msg=\"File is infected.\" action=\"blocked\""
			" policyid=11 sessionid=%u %s direction=\"incoming\""
			" filename=\"請求書_%u.xlsm\" quarskip=\"Quarantine-disabled\""
			" virus=\"EICAR_TEST_FILE\" viruscat=\"Virus\" dtype=\"av-engine\""
			" ref=\"https://fortiguard.example/ve?vn=EICAR_TEST_FILE\" virusid=2172"
			" url=\"http://dl.example/%u.xlsm\" profile=\"byoin-av\""
			" analyticssubmit=\"false\" crscore=50 craction=2 crlevel=\"critical\"",
			id, ends, id % 100, id % 100);
	} else {
		log_begin(l, t, SAYS_IPS);
		log_more(
			l,
			" eventtype=\"signature\" severity=\"high\" %s sessionid=%u"
			" action=\"dropped\" policyid=11 attack=\"Apache.Log4j.Error.Log.Remote."
			"Code.Execution\" attackid=51006 profile=\"byoin-ips\""
			" ref=\"https://fortiguard.example/ids/VID51006\""
			" incidentserialno=%u direction=\"outgoing\""
			" msg=\"applications3: Apache.Log4j.Error.Log.Remote.Code.Execution\""
			" crscore=30 craction=8192 crlevel=\"high\"",
			ends, id, 232783872 + id);
	}
}

static void say_ipsec(struct logs *l, int64_t t, enum log_sort sort)
{
	log_begin(l, t, sort);
	log_more(
		l,
		" logdesc=\"%s\" msg=\"%s\" action=\"%s\" remip=192.0.2.30 locip=" WAN_IP
		" remport=500 locport=500 outintf=\"wan1\" cookies=\"ab72c5d1e90f1377/"
		"04be9ff0d2a4c611\" user=\"N/A\" group=\"N/A\" useralt=\"N/A\" xauthuser=\"N/A\""
		" xauthgroup=\"N/A\" assignip=N/A vpntunnel=\"地域連携NW\"",
		sort == SAYS_IPSEC_STATS ? "IPsec tunnel statistics" :
		sort == SAYS_IPSEC_DPD   ? "IPsec DPD failed" :
					   "Progress IPsec phase 1",
		sort == SAYS_IPSEC_STATS ? "IPsec tunnel statistics" :
		sort == SAYS_IPSEC_DPD   ? "IPsec DPD failure" :
					   "progress IPsec phase 1",
		sort == SAYS_IPSEC_STATS ? "tunnel-stats" :
		sort == SAYS_IPSEC_DPD   ? "dpd" :
					   "negotiate");
	if (sort == SAYS_IPSEC_STATS)
		log_more(l,
			 " tunnelip=N/A tunnelid=2710 tunneltype=\"ipsec\" duration=%u"
			 " sentbyte=%u rcvdbyte=%u nextstat=600",
			 log_clock(t), log_clock(t) * 11, log_clock(t) * 17);
	else
		log_more(l, " status=\"%s\"",
			 sort == SAYS_IPSEC_DPD ? "dpd_failure" : "success");
}

static void say_ssl(struct logs *l, int64_t t, enum log_sort sort, const char *user,
		    const char *from, const char *address, unsigned duration, uint64_t bytes)
{
	static const char *const desc[] = { "SSL VPN login fail", "SSL VPN new connection",
					    "SSL VPN tunnel up", "SSL VPN tunnel down" };
	static const char *const action[] = { "ssl-login-fail", "ssl-new-con", "tunnel-up",
					      "tunnel-down" };
	unsigned i = sort - SAYS_VPN_FAIL;
	log_begin(l, t, sort);
	log_more(l, " logdesc=\"%s\" action=\"%s\" tunneltype=\"%s\" tunnelid=%u remip=%s",
		 desc[i], action[i], i < 2 ? "ssl-web" : "ssl-tunnel",
		 i < 2 ? 0 : 1736000000u + log_clock(t), from);
	if (address)
		log_more(l, " tunnelip=%s", address);
	log_more(l, " user=\"%s\" group=\"%s\" dst_host=\"N/A\" reason=\"%s\"", user,
		 i < 2 ? "N/A" : "保守ベンダー",
		 i == 0 ? "sslvpn_login_unknown_user" :
		 i == 2 ? "tunnel established" :
			  "N/A");
	if (i == 3)
		log_more(l, " duration=%u sentbyte=%llu rcvdbyte=%llu", duration,
			 (unsigned long long)bytes, (unsigned long long)(bytes / 6));
	log_more(l, " msg=\"%s\"", desc[i]);
}

static void say_admin(struct logs *l, int64_t t, enum log_sort sort, const char *user,
		      const char *from)
{
	bool in = sort == SAYS_ADMIN_IN, fail = sort == SAYS_ADMIN_FAIL;
	log_begin(l, t, sort);
	log_more(l,
		 " logdesc=\"Admin %s\" sn=\"%u\" user=\"%s\" ui=\"https(%s)\" method=\"https\""
		 " srcip=%s dstip=10.20.10.254 action=\"%s\" status=\"%s\" reason=\"%s\"",
		 in   ? "login successful" :
		 fail ? "login failed" :
			"logout successful",
		 (unsigned)(t / NS), user, from, from, in || fail ? "login" : "logout",
		 fail ? "failed" : "success",
		 in   ? "none" :
		 fail ? "passwd_invalid" :
			"exit");
	if (in)
		log_more(l, " profile=\"super_admin\"");
	log_more(l, " msg=\"Administrator %s %s https(%s)%s\"", user,
		 in   ? "logged in successfully from" :
		 fail ? "login failed from" :
			"logged out from",
		 from, fail ? " because of invalid password" : "");
}

static void say_config(struct logs *l, int64_t t, const char *user, const char *from,
		       const char *action, const char *path, const char *object,
		       const char *attributes)
{
	log_begin(l, t, *attributes ? SAYS_CONFIG_OBJECT : SAYS_CONFIG);
	log_more(l,
		 " logdesc=\"%s\" user=\"%s\" ui=\"GUI(%s)\" action=\"%s\" cfgtid=%u"
		 " cfgpath=\"%s\" cfgobj=\"%s\" cfgattr=\"%s\" msg=\"%s %s %s\"",
		 *attributes ? "Object attribute configured" : "Attribute configured", user,
		 from, action, 13500416 + log_clock(t), path, object, attributes, action, path,
		 object);
}

static void say_switch(struct logs *l, int64_t t)
{
	unsigned port = 1 + gen_below(&l->rnd, 24);
	char text[128];
	switch (gen_below(&l->rnd, 3)) {
	case 0:
		snprintf(text, sizeof(text), "LLDP[412]: neighbor changed on port1.0.%u", port);
		break;
	case 1:
		snprintf(text, sizeof(text),
			 "NSM[703]: Port %s notification received for port1.0.%u",
			 port % 2 ? "up" : "down", port);
		break;
	default:
		snprintf(text, sizeof(text),
			 "sshd[2210]: Accepted publickey for nms from 10.20.10.60 port 5%03u",
			 port);
	}
	log_switch(l, jitter(l, t), text);
}

static void say_stranger(struct logs *l, int64_t t)
{
	log_begin_as(l, t, SENDER_STRANGER, SAYS_ADMIN_IN, LOG_STRANGER);
	log_more(l,
		 " logdesc=\"Admin login successful\" sn=\"%u\" user=\"admin\""
		 " ui=\"https(192.0.2.250)\" method=\"https\" srcip=192.0.2.250"
		 " dstip=" WAN_IP " action=\"login\" status=\"success\" reason=\"none\""
		 " profile=\"super_admin\""
		 " msg=\"Administrator admin logged in successfully from https(192.0.2.250)\"",
		 (unsigned)(t / NS));
}

static void say_background(struct log_day *x, int64_t from, int64_t to)
{
	struct logs *l = &x->l;
	EVERY(t, from, to, 5 * MIN) say_perf(l, jitter(l, t));
	EVERY(t, from, to, 10 * MIN) say_ipsec(l, jitter(l, t), SAYS_IPSEC_STATS);
	EVERY(t, from, to, 60 * MIN) say_dhcp(x, jitter(l, t + 7 * MIN));
	EVERY(t, from, to, 3 * MIN) say_knock(l, jitter(l, t + MIN));
	EVERY(t, from, to, 4 * MIN) say_dns(x, jitter(l, t + 30 * NS));
	EVERY(t, from, to, 20 * MIN) say_refused(x, jitter(l, t + 9 * MIN));
	EVERY(t, from, to, 15 * MIN) say_switch(l, t + 3 * MIN);
	EVERY(t, from, to, 240 * MIN) say_stranger(l, jitter(l, t + 50 * MIN));
	EVERY(t, from, to, 360 * MIN)
	{
		log_begin(l, jitter(l, t + 17 * MIN), SAYS_FEED);
		log_more(l, " logdesc=\"Threat feed updated\" status=\"success\""
			    " name=\"toms-block\" msg=\"Threat feed updated successfully\"");
	}
}

/* An administrator's day, the vendor's hour and the bad night. start: 00:00 local time. */
static void say_night(struct log_day *x, int64_t start)
{
	struct logs *l = &x->l;
	static const char *const tried[] = { "admin", "fortinet", "vpnuser", "maint",
					     "maint01" };
	const char *intruder = "192.0.2.177", *jump = "10.20.10.36";
	log_begin(l, AT(0, 48), SAYS_ANOMALY);
	log_more(l,
		 " eventtype=\"anomaly\" severity=\"critical\" srcip=%s srccountry=\"Japan\""
		 " dstip=" WAN_IP " srcintf=\"wan1\" srcintfrole=\"wan\" sessionid=0"
		 " action=\"detected\" proto=6 service=\"tcp/10443\" count=1204"
		 " attack=\"tcp_port_scan\" srcport=45122 dstport=10443 attackid=100663395"
		 " policyid=1 policytype=\"DoS-policy\""
		 " ref=\"https://fortiguard.example/ids/VID100663395\""
		 " msg=\"anomaly: tcp_port_scan, 1001 > threshold 1000, repeats 1204 times\""
		 " crscore=50 craction=4096 crlevel=\"critical\"",
		 intruder);
	story_add(x, "scan");
	for (unsigned i = 0; i < ARRAY_LEN(tried); i++) {
		say_ssl(l, AT(1, 3) + i * 71 * NS, SAYS_VPN_FAIL, tried[i], intruder, NULL, 0,
			0);
		story_add(x, "vpn-guess");
	}
	say_ssl(l, AT(1, 12) + 8 * NS, SAYS_VPN_NEW, "maint01", intruder, NULL, 0, 0);
	story_add(x, "vpn-login");
	say_ssl(l, AT(1, 12) + 11 * NS, SAYS_VPN_UP, "maint01", intruder, "10.212.134.201", 0,
		0);
	story_add(x, "vpn-login");
	for (unsigned i = 0; i < 3; i++) {
		say_admin(l, AT(3, 2) + i * 19 * NS, SAYS_ADMIN_FAIL, "admin", jump);
		story_add(x, "admin-guess");
	}
	say_admin(l, AT(3, 9) + 5 * NS, SAYS_ADMIN_IN, "netadmin", jump);
	story_add(x, "admin-login");
	say_config(l, AT(3, 12) + 41 * NS, "netadmin", jump, "Add", "firewall.policy", "99",
		   "name[一時許可]srcintf[lan]dstintf[wan1]srcaddr[fs1]dstaddr[all]"
		   "service[ALL]action[accept]nat[enable]");
	story_add(x, "policy-added");
	say_config(l, AT(3, 58) + 2 * NS, "netadmin", jump, "Delete", "firewall.policy", "99",
		   "");
	story_add(x, "policy-removed");
	say_admin(l, AT(3, 59), SAYS_ADMIN_OUT, "netadmin", jump);
	story_add(x, "admin-logout");
	say_ssl(l, AT(4, 2) + 9 * NS, SAYS_VPN_DOWN, "maint01", intruder, "10.212.134.201",
		10198, 66512340);
	story_add(x, "vpn-logout");

	say_ipsec(l, AT(5, 30), SAYS_IPSEC_DPD);
	say_ipsec(l, AT(5, 31), SAYS_IPSEC_PHASE1);
	say_admin(l, AT(8, 52), SAYS_ADMIN_IN, "netadmin", "10.20.30.20");
	say_config(l, AT(8, 57), "netadmin", "10.20.30.20", "Add", "firewall.address",
		   "外来受付PC-41",
		   "subnet[10.20.30.61 255.255.255.255]comment[歯科外来の新PC]");
	say_config(l, AT(9, 1), "netadmin", "10.20.30.20", "Edit", "system.admin", "netadmin",
		   "password[*]");
	say_admin(l, AT(9, 4), SAYS_ADMIN_OUT, "netadmin", "10.20.30.20");
	say_ssl(l, AT(13, 59) + 40 * NS, SAYS_VPN_FAIL, "maint01", "192.0.2.20", NULL, 0, 0);
	say_ssl(l, AT(14, 0) + 2 * NS, SAYS_VPN_NEW, "maint01", "192.0.2.20", NULL, 0, 0);
	say_ssl(l, AT(14, 0) + 5 * NS, SAYS_VPN_UP, "maint01", "192.0.2.20", "10.212.134.200",
		0, 0);
	say_ssl(l, AT(14, 40) + 30 * NS, SAYS_VPN_DOWN, "maint01", "192.0.2.20",
		"10.212.134.200", 2425, 9120000);
}

#endif
