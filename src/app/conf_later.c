/* Sections of the configuration whose rooms come with later versions: their keys are read and
 * checked today, so that one file serves both, and a notice says that they do nothing yet. A room
 * that arrives takes its section away from here. Constant. */
#include "house.h"

static const struct opt mail_opts[] = {
	{ .name = "server",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 255,
	  .doc = "Mail server that takes our mail." },
	{ .name = "from", .type = OPT_TEXT, .min = 3, .max = 254, .doc = "Sender's address." },
	{ .name = "to",
	  .type = OPT_TEXT,
	  .min = 3,
	  .max = 254,
	  .flags = OPT_LIST,
	  .doc = "Receiver's address." },
	OPT_END
};
static const struct opt fortigate_opts[] = {
	{ .name = "url",
	  .type = OPT_TEXT,
	  .min = 1,
	  .max = 500,
	  .doc = "URL of the device's REST interface." },
	{ .name = "token",
	  .type = OPT_TEXT,
	  .max = 500,
	  .flags = OPT_SECRET,
	  .doc = "Token of its REST administrator; @FILE reads it from a file." },
	{ .name = "verify",
	  .type = OPT_TEXT,
	  .max = 1000,
	  .doc = "How the device's certificate is checked." },
	OPT_END
};

const struct conf_section conf_later[] = {
	{ "mail", mail_opts, false },
	{ "fortigate", fortigate_opts, true },
};
const size_t n_conf_later = ARRAY_LEN(conf_later);
