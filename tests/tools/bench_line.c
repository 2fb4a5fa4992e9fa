/* What it costs to understand a line: line_parse, line_fields, log_json and log_member over lines of real devices,
 * or over made-up ones where those are not there. Prints JSON lines: ns a line, MB/s; the best of 9 rounds. */
#include <stdio.h>
#include <stdlib.h>

#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/line.h"

#define LINES_MAX 4096
#define ROUNDS 9

static const char made_up[] =
	"<189>date=2026-11-22 time=14:05:06 devname=\"hospital-fw1\" devid=\"FG100FTK21000001\" "
	"eventtime=1795323906123456789 tz=\"+0900\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" "
	"level=\"notice\" vd=\"root\" srcip=10.20.30.40 srcport=51234 srcintf=\"port2\" srcintfrole=\"lan\" "
	"dstip=203.0.113.9 dstport=443 dstintf=\"wan1\" dstintfrole=\"wan\" srccountry=\"Reserved\" "
	"dstcountry=\"Japan\" sessionid=123456789 proto=6 action=\"close\" policyid=12 policytype=\"policy\" "
	"poluuid=\"b5e1a0c2-0000-51ef-8e55-3f1f0d2c7a11\" service=\"HTTPS\" trandisp=\"snat\" transip=198.51.100.7 "
	"transport=51234 duration=12 sentbyte=2345 rcvdbyte=67890 sentpkt=20 rcvdpkt=60\n";

struct run {
	struct str lines[LINES_MAX];
	size_t n, bytes;
	struct log *row;
	struct buf out;
};

static void parse(struct run *r, struct str line)
{
	struct line_time when;

	line_parse(line, r->row, &when);
}

static void fields(struct run *r, struct str line)
{
	static struct line_field f[LINE_FIELDS_MAX];

	(void)r;
	(void)line_fields(line, f);
}

static void load(struct run *r, struct str line)
{
	r->row->line_n = (uint32_t)(line.n < LOG_LINE_MAX ? line.n : LOG_LINE_MAX);
	memcpy(r->row->line, line.p, r->row->line_n);
}

static void json(struct run *r, struct str line)
{
	struct json j;

	load(r, line);
	parse(r, line);
	buf_reset(&r->out);
	json_init(&j, &r->out);
	log_json(r->row, &j);
}

static void member(struct run *r, struct str line)
{
	char buf[512];
	struct str text;

	load(r, line);
	(void)log_member(r->row, STR("fortinet.firewall.policytype"), buf, sizeof(buf), &text);
}

static int64_t best_of(struct run *r, void (*fn)(struct run *, struct str))
{
	int64_t best = INT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		size_t done = 0;
		int64_t began = clock_thread_cpu_ns(), ns;

		while (done < 100000) {
			for (size_t i = 0; i < r->n; i++)
				fn(r, r->lines[i]);
			done += r->n;
		}
		ns = (clock_thread_cpu_ns() - began) * 100 / (int64_t)done;
		if (ns < best)
			best = ns;
	}
	return best; /* hundredths of ns */
}

int main(int argc, char **argv)
{
	static struct run r;
	static const struct {
		const char *what;
		void (*fn)(struct run *, struct str);
	} whats[] = { { "line_parse", parse },
		      { "line_fields", fields },
		      { "log_member", member },
		      { "line_parse+log_json", json } };
	const char *path = argc > 1 ? argv[1] : "../shared/data/fortigate/bench-corpus.log";
	struct buf b;
	struct err e = ERR_INIT;
	struct str rest, line;
	bool real;

	buf_init(&b, 64u << 20);
	buf_init(&r.out, 8u << 20);
	real = file_read(path, 64u << 20, &b, &e) == 0;
	rest = real ? buf_view(&b) : STR(made_up);
	while (r.n < LINES_MAX && str_split(&rest, '\n', &line)) {
		if (!line.n)
			continue;
		r.lines[r.n++] = line;
		r.bytes += line.n;
	}
	r.row = calloc(1, sizeof(*r.row) + LOG_LINE_MAX);
	if (!r.row || !r.n)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(whats); i++) {
		if (argc > 2 && strcmp(argv[2], whats[i].what) != 0)
			continue;
		double ns = (double)best_of(&r, whats[i].fn) / 100,
		       bytes = (double)r.bytes / (double)r.n;

		printf("{\"bench\":\"line\",\"who\":\"%s\",\"lines\":\"%s\",\"bytes\":%.0f,\"ns\":%.0f,"
		       "\"mb_per_s\":%.0f}\n",
		       whats[i].what, real ? "real" : "made up", bytes, ns, bytes * 1000 / ns);
	}
	buf_fini(&r.out);
	buf_fini(&b);
	free(r.row);
	return 0;
}
