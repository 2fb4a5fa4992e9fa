/* Services by port: for the hint column, and to see who is the server where the first packet does not
 * say. Never the protocol itself: that takes content.
 * Sources: IANA port registry; ports usual in Japanese hospitals: vendor manuals and connection guides
 * collected for this product (docs/dpi.md). Thread: any; the table is constant. */
#include "shard.h"

/* OURS: says more than any protocol found there (TLS on 2762 is DICOM, HTTP on 8000 is ORCA). */
enum { TCP = 1, UDP = 2, OURS = 4 };

static const struct port_row {
	uint16_t first, last;
	uint8_t l4; /* TCP, UDP; OURS */
	const char *hint;
} port_rows[] = {
	/* by first */
	{ 21, 21, TCP, "ftp" },
	{ 22, 22, TCP, "ssh" },
	{ 23, 23, TCP, "telnet" },
	{ 53, 53, TCP | UDP, "dns" },
	{ 69, 69, UDP, "tftp" },
	{ 88, 88, TCP | UDP, "kerberos" },
	{ 104, 104, TCP | OURS, "acr-nema" },
	{ 123, 123, UDP, "ntp" },
	{ 135, 135, TCP, "msrpc" },
	{ 139, 139, TCP, "netbios-ssn" },
	{ 161, 162, UDP, "snmp" },
	{ 389, 389, TCP, "ldap" },
	{ 443, 443, TCP, "https" },
	{ 445, 445, TCP, "microsoft-ds" },
	{ 500, 500, UDP, "ipsec" },
	{ 502, 502, TCP, "modbus" },
	{ 514, 514, TCP | UDP, "syslog" },
	{ 515, 515, TCP, "lpd" },
	{ 541, 541, TCP | OURS, "fortimanager" },
	{ 554, 554, TCP, "rtsp" },
	{ 631, 631, TCP, "ipp" },
	{ 636, 636, TCP, "ldaps" },
	{ 1433, 1433, TCP, "mssql" },
	{ 1494, 1494, TCP, "citrix" },
	{ 1521, 1521, TCP, "oracle" },
	{ 1883, 1883, TCP, "mqtt" },
	{ 1972, 1972, TCP | OURS, "intersystems-cache" },
	{ 2049, 2049, TCP | UDP, "nfs" },
	{ 2575, 2575, TCP | OURS, "hl7" },
	{ 2598, 2598, TCP, "citrix" },
	{ 2761, 2761, TCP | OURS, "dicom-iscl" },
	{ 2762, 2762, TCP | OURS, "dicom-tls" },
	{ 3268, 3269, TCP, "global-catalog" },
	{ 3306, 3306, TCP, "mysql" },
	{ 3389, 3389, TCP | UDP, "rdp" },
	{ 4242, 4242, TCP | OURS, "dicom-orthanc" },
	{ 4500, 4500, UDP, "ipsec" },
	{ 5060, 5061, TCP | UDP, "sip" },
	{ 5353, 5353, UDP, "mdns" },
	{ 5432, 5432, TCP, "postgresql" },
	{ 5900, 5906, TCP, "vnc" },
	{ 5985, 5985, TCP, "wsman" },
	{ 5986, 5986, TCP, "wsman-tls" },
	{ 6514, 6514, TCP, "syslog-tls" },
	{ 8000, 8000, TCP | OURS, "orca-api" },
	{ 8080, 8080, TCP, "http-alt" },
	{ 8210, 8210, TCP | OURS, "orca-claim" },
	{ 8443, 8443, TCP, "https-alt" },
	{ 8883, 8883, TCP, "mqtt-tls" },
	{ 9100, 9100, TCP | OURS, "jetdirect" },
	{ 9400, 9400, TCP | OURS, "orca-push" },
	{ 10443, 10443, TCP | OURS, "fortigate-sslvpn" },
	{ 11112, 11112, TCP | OURS, "dicom" },
	{ 24105, 24105, UDP | OURS, "philips-export" },
	{ 47808, 47808, UDP | OURS, "bacnet" },
};

static const struct port_row *port_row(uint8_t l4, uint16_t port)
{
	uint8_t bit = l4 == 6 ? TCP : l4 == 17 ? UDP : 0;
	size_t lo = 0, hi = ARRAY_LEN(port_rows);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct port_row *r = &port_rows[mid];
		if (port < r->first)
			hi = mid;
		else if (port > r->last)
			lo = mid + 1;
		else
			return r->l4 & bit ? r : NULL;
	}
	return NULL;
}

bool ports_is_server(uint8_t l4, uint16_t port)
{
	return (port > 0 && port < 1024) || port_row(l4, port);
}

const char *ports_hint(uint8_t l4, uint16_t port, bool is_named)
{
	const struct port_row *r = port_row(l4, port);
	return r && (!is_named || r->l4 & OURS) ? r->hint : "";
}
