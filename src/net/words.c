/* See words.h. For people who run a hospital's network, not for those who write protocols. Any thread. */
#include "words.h"

#include <errno.h>

#include "tomsd/base/compiler.h"

struct words {
	long number;
	const char *words;
};

static const char *find(const struct words *table, size_t n, long number)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (table[i].number == number)
			return table[i].words;
	return table[n - 1].words; /* the last one is for all others */
}

#define NO_WAY "there is no way to it; check the appliance's cable, address and gateway"
#define NOT_LET "this machine does not let us connect; check its own firewall"

const char *words_of_connect(long errnum)
{
	static const struct words table[] = {
		{ ECONNREFUSED,
		  "it refuses the connection; check the port of the address, whether "
		  "the server runs, and the firewall before it" },
		{ ENETUNREACH, NO_WAY },
		{ EHOSTUNREACH, NO_WAY },
		{ EPERM, NOT_LET },
		{ EACCES, NOT_LET },
		{ 0,
		  "no connection; check the address, the network and the firewalls between" },
	};
	return find(table, ARRAY_LEN(table), errnum);
}

#define SELF_SIGNED "its certificate is self-signed; name that certificate as ca_file"
#define NOT_TRUSTED                                                                                \
	"its certificate comes from an authority that is not trusted here; name that authority's " \
	"certificate as ca_file"

const char *words_of_certificate(long verify_result)
{
	static const struct words table[] = {
		{ 9, "its certificate is not valid yet; check the clocks on both sides" },
		{ 10,
		  "its certificate has expired; have it renewed, and check the appliance's clock" },
		{ 18, SELF_SIGNED },
		{ 19, NOT_TRUSTED },
		{ 2, NOT_TRUSTED },
		{ 20, NOT_TRUSTED },
		{ 21, NOT_TRUSTED },
		{ 0,
		  "its certificate does not prove that it is the server of this address; check the address, "
		  "and the names in the certificate" },
	};
	return find(table, ARRAY_LEN(table), verify_result);
}
