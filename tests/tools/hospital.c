/* A day in a made-up hospital of 300 beds as capture files and as its firewall's log, with the truth
 * about it in hospital.json. The same seed, date and size give the same bytes. Nobody in it ever lived.
 *
 *   hospital [--out DIR] [--date YYYY-MM-DD] [--now TIME] [--seed N] [--flows N] [--beds N]
 *            [--live-tail]
 *   hospital --bulk N [--out DIR] [--seed N]     a benchmark capture of N frames
 *   hospital --bulk-logs N [--now TIME] [--seed N]   N lines for a benchmark, on stdout
 */
#include <errno.h>
#include <getopt.h>
#include <iconv.h>
#include <sys/stat.h>

#include "gen_bulk.h"
#include "gen_bulk_logs.h"
#include "gen_firewall.h"
#include "tomsd/base/clock.h"
#include "tomsd/base/file.h"
#include "tomsd/base/json.h"
#include "tomsd/base/num.h"

struct options {
	const char *out;
	int64_t now, start; /* start: 00:00 JST of the day */
	uint64_t seed, flows, beds, bulk, bulk_logs;
	bool live_tail;
};

struct file_sum {
	char name[64];
	uint64_t packets, bytes;
	int64_t from, to;
};

static int64_t midnight_jst(int64_t t)
{
	return (t + JST) / DAY * DAY - JST;
}

static uint64_t number(const char *text, uint64_t max)
{
	uint64_t v;
	if (num_u64(str_of(text), 1, max, &v) < 0) {
		fprintf(stderr, "hospital: %s is not a number from 1 to %llu\n", text,
			(unsigned long long)max);
		exit(2);
	}
	return v;
}

static int64_t moment(const char *text)
{
	int64_t t;
	if (clock_parse_rfc3339(str_of(text), &t) < 0) {
		fprintf(stderr, "hospital: %s is not a date or time, say 2026-11-21\n", text);
		exit(2);
	}
	return t;
}

static struct options options_read(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "out", 1, NULL, 'o' },       { "date", 1, NULL, 'd' },
		{ "now", 1, NULL, 'n' },       { "seed", 1, NULL, 's' },
		{ "flows", 1, NULL, 'f' },     { "beds", 1, NULL, 'b' },
		{ "live-tail", 0, NULL, 'l' }, { "bulk", 1, NULL, 'k' },
		{ "bulk-logs", 1, NULL, 'L' }, { NULL, 0, NULL, 0 },
	};
	struct options o = { .out = ".",
			     .now = clock_now_ns(),
			     .start = -1,
			     .seed = 1,
			     .flows = 12000,
			     .beds = 300 };
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		switch (c) {
		case 'o':
			o.out = optarg;
			break;
		case 'd':
			o.start = moment(optarg) - JST;
			break;
		case 'n':
			o.now = moment(optarg);
			break;
		case 's':
			o.seed = number(optarg, UINT32_MAX);
			break;
		case 'f':
			o.flows = number(optarg, 2000000);
			break;
		case 'b':
			o.beds = number(optarg, 2000);
			break;
		case 'l':
			o.live_tail = true;
			break;
		case 'k':
			o.bulk = number(optarg, 1000000000);
			break;
		case 'L':
			o.bulk_logs = number(optarg, 1000000000);
			break;
		default:
			exit(2);
		}
	if (o.start < 0)
		o.start = midnight_jst(o.now) - DAY;
	return o;
}

/* How busy each hour is, of 100. */
static const uint8_t busy[24] = { 12, 10, 10, 10, 11, 14, 25, 45, 80, 100, 98, 95,
				  70, 85, 95, 92, 85, 70, 50, 40, 32, 26,  20, 15 };

static int64_t busy_moment(struct gen_random *r, int64_t start)
{
	for (;;) {
		unsigned hour = gen_below(r, 24);
		if (gen_below(r, 100) < busy[hour])
			return start + (hour * 3600LL + gen_below(r, 3600)) * NS +
			       gen_below(r, 1000000) * 1000LL;
	}
}

/* Writes frames of [from, to) that are in order; returns the index behind them. */
static size_t file_write(const struct net *n, size_t at, int64_t to, const char *folder,
			 bool ng, struct file_sum *sum)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", folder, sum->name);
	FILE *f = fopen(path, "wb");
	if (!f) {
		perror(path);
		exit(1);
	}
	(void)setvbuf(f, NULL, _IOFBF, 1 << 20);
	file_begin(f, ng, 2048);
	sum->from = at < n->n ? n->frames[at].ts : 0;
	for (; at < n->n && n->frames[at].ts < to; at++) {
		const struct frame *fr = &n->frames[at];
		file_frame(f, ng, fr->ts, n->bytes.p + fr->off, fr->cap, fr->wire);
		sum->packets++;
		sum->bytes += fr->wire;
		sum->to = fr->ts;
	}
	if (fclose(f) != 0) {
		perror(path);
		exit(1);
	}
	return at;
}

static void json_ip(struct json *j, const char *key, uint32_t ip)
{
	char text[20];
	snprintf(text, sizeof(text), "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
		 ip & 255);
	json_kv_str(j, key, text);
}

static void json_host(struct json *j, const struct host *h)
{
	const struct gen_equipment *e = h->equipment;
	char mac[20];
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", h->mac[0], h->mac[1],
		 h->mac[2], h->mac[3], h->mac[4], h->mac[5]);
	json_obj(j);
	json_kv_str(j, "name", h->name);
	json_kv_str(j, "role", h->role);
	json_kv_str(j, "vendor", h->vendor);
	json_ip(j, "ip", h->ip);
	if (h->vlan != OUTSIDE) {
		json_kv_str(j, "mac", mac);
		json_kv_u64(j, "vlan", h->vlan);
	}
	if (e) {
		json_kv_str(j, "ae", e->ae);
		json_kv_str(j, "modality", e->modality);
		json_kv_str(j, "manufacturer", e->manufacturer);
		json_kv_str(j, "model", e->model);
		json_kv_str(j, "serial", e->serial);
		json_kv_str(j, "software", e->software);
	}
	json_end_obj(j);
}

/* Family^given in UTF-8, from what stands on the wire. */
static void json_name(struct json *j, const char *key, const char *family, const char *given)
{
	char wire[128], text[256] = "", *in = wire, *out = text;
	snprintf(wire, sizeof(wire), "%s^%s", family, given);
	size_t in_n = strlen(wire), out_n = sizeof(text) - 1;
	iconv_t cd = iconv_open("UTF-8", "ISO-2022-JP");
	if (cd != (iconv_t)-1) {
		(void)iconv(cd, &in, &in_n, &out, &out_n);
		iconv_close(cd);
	}
	json_kv_str(j, key, text);
}

static void json_patient(struct json *j, const struct gen_patient *p)
{
	char romaji[64];
	snprintf(romaji, sizeof(romaji), "%s^%s", p->name->family, p->name->given);
	json_obj(j);
	json_kv_str(j, "id", p->id);
	json_kv_str(j, "birth", p->birth);
	json_kv_str(j, "romaji", romaji);
	json_kv_str(j, "family", p->name->family);
	json_name(j, "kanji", p->name->family_kanji, p->name->given_kanji);
	json_name(j, "kana", p->name->family_kana, p->name->given_kana);
	json_end_obj(j);
}

struct log_file {
	char name[64];
	enum log_sender sender;
	uint64_t lines, bytes, sorts[SORTS];
	int64_t from, to;
};

struct truth {
	struct file_sum files[5];
	size_t n_files;
	struct log_file logs[2 * SENDERS];
	size_t n_logs;
	struct night night;
	uint64_t said[ARRAY_LEN(gen_kinds)];
};

/* One file a sender, a line each, in order of time; lines from `to` on are left out. */
static void logs_write(const struct logs *l, const struct options *o, int64_t to,
		       const char *when, struct truth *tr)
{
	for (enum log_sender sender = 0; sender < SENDERS; sender++) {
		struct log_file *sum = &tr->logs[tr->n_logs++];
		char path[512];
		sum->sender = sender;
		snprintf(sum->name, sizeof(sum->name), "%s-%s.log", gen_senders[sender], when);
		snprintf(path, sizeof(path), "%s/%s", o->out, sum->name);
		FILE *f = fopen(path, "wb");
		for (size_t i = 0; f && i < l->n && l->lines[i].t < to; i++) {
			const struct log_line *at = &l->lines[i];
			if (at->sender != sender)
				continue;
			fwrite(l->text.p + at->off, 1, at->n, f);
			fputc('\n', f);
			if (!sum->lines++)
				sum->from = at->t;
			sum->bytes += at->n;
			sum->sorts[at->sort]++;
			sum->to = at->t;
		}
		if (!f || fclose(f) != 0) {
			perror(path);
			exit(1);
		}
	}
}

/* Counts of a file by what its lines are: by people's kind, or by type/subtype. */
static void json_sorts(struct json *j, const struct log_file *f, bool by_kind)
{
	json_obj(j);
	for (size_t i = 0; i < SORTS; i++) {
		const struct log_says *s = &gen_says[i];
		char name[64];
		uint64_t sum = 0;
		bool told = false; /* by an entry before */
		for (size_t k = 0; k < SORTS; k++) {
			const struct log_says *o = &gen_says[k];
			if (by_kind ? strcmp(o->kind, s->kind) != 0 :
				      strcmp(o->type, s->type) != 0 ||
					      strcmp(o->subtype, s->subtype) != 0)
				continue;
			told |= k < i;
			sum += f->sorts[k];
		}
		snprintf(name, sizeof(name), "%s%s%s", by_kind ? s->kind : s->type,
			 by_kind || !*s->type ? "" : "/", by_kind ? "" : s->subtype);
		if (!told && sum)
			json_kv_u64(j, *name ? name : "syslog", sum);
	}
	json_end_obj(j);
}

static void json_logs(struct json *j, const struct truth *tr, const struct log_day *x)
{
	json_key(j, "logs");
	json_obj(j);
	json_kv_str(j, "serial", LOG_SERIAL);
	json_kv_str(j, "device", LOG_DEVICE);
	json_kv_str(j, "stranger", LOG_STRANGER);
	json_kv_u64(j, "joined", x->joined); /* traffic lines of sessions in the captures */
	json_key(j, "files");
	json_arr(j);
	for (size_t i = 0; i < tr->n_logs; i++) {
		const struct log_file *f = &tr->logs[i];
		json_obj(j);
		json_kv_str(j, "name", f->name);
		json_kv_str(j, "sender", gen_senders[f->sender]);
		json_kv_u64(j, "lines", f->lines);
		json_kv_u64(j, "bytes", f->bytes);
		json_kv_time(j, "from", f->from);
		json_kv_time(j, "to", f->to);
		json_key(j, "kinds");
		json_sorts(j, f, true);
		json_key(j, "types");
		json_sorts(j, f, false);
		json_end_obj(j);
	}
	json_end_arr(j);
	json_key(j, "incident");
	json_arr(j);
	for (size_t i = 0; i < x->story.n; i++) {
		const struct story_line *at = &x->story.lines[i];
		const uint8_t *p = x->l.text.p + at->off;
		size_t n = 0;
		for (size_t k = 0; k < x->l.n && !n; k++)
			if (x->l.lines[k].off == at->off)
				n = x->l.lines[k].n;
		json_obj(j);
		json_kv_str(j, "what", at->what);
		json_kv_time(j, "time", at->t);
		json_key(j, "line");
		json_str(j, (struct str){ (const char *)p, n });
		json_end_obj(j);
	}
	json_end_arr(j);
	json_end_obj(j);
}

static void truth_write(const struct day *d, const struct options *o, const struct truth *tr,
			const struct log_day *logs)
{
	struct buf b;
	struct json j;
	buf_init(&b, 16u << 20);
	json_init(&j, &b);
	json_obj(&j);
	json_kv_time(&j, "from", o->start);
	json_kv_time(&j, "to", o->start + DAY);
	json_kv_str(&j, "timezone", "Asia/Tokyo");
	json_kv_u64(&j, "seed", o->seed);
	json_kv_u64(&j, "beds", o->beds);
	json_key(&j, "files");
	json_arr(&j);
	for (size_t i = 0; i < tr->n_files; i++) {
		json_obj(&j);
		json_kv_str(&j, "name", tr->files[i].name);
		json_kv_u64(&j, "packets", tr->files[i].packets);
		json_kv_u64(&j, "bytes", tr->files[i].bytes);
		json_kv_time(&j, "from", tr->files[i].from);
		json_kv_time(&j, "to", tr->files[i].to);
		json_end_obj(&j);
	}
	json_end_arr(&j);
	json_key(&j, "conversations");
	json_obj(&j);
	for (size_t i = 0; i < ARRAY_LEN(gen_kinds); i++)
		json_kv_u64(&j, gen_kinds[i].name, tr->said[i]);
	json_end_obj(&j);
	json_key(&j, "incident");
	json_arr(&j);
	for (size_t i = 0; i < tr->night.n; i++) {
		const struct phase *p = &tr->night.phases[i];
		json_obj(&j);
		json_kv_str(&j, "phase", p->name);
		json_kv_str(&j, "from", p->from);
		json_kv_str(&j, "to", p->to);
		json_kv_u64(&j, "port", p->port);
		json_kv_time(&j, "begin", p->begin);
		json_kv_time(&j, "end", p->end);
		json_kv_u64(&j, "hosts", p->hosts);
		json_kv_u64(&j, "bytes", p->bytes);
		json_end_obj(&j);
	}
	json_end_arr(&j);
	json_logs(&j, tr, logs);
	json_key(&j, "hosts");
	json_arr(&j);
	for (size_t i = 0; i < d->h.n; i++)
		json_host(&j, &d->h.hosts[i]);
	const struct host *others[] = { &d->h.firewall,     &d->h.upload,     &d->h.vpn_vendor,
					&d->h.vpn_attacker, &d->h.vpn_client, &d->h.vpn_thief };
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		json_host(&j, others[i]);
	json_end_arr(&j);
	json_key(&j, "patients");
	json_arr(&j);
	for (size_t i = 0; i < PATIENTS; i++)
		json_patient(&j, &d->patients[i]);
	json_end_arr(&j);
	json_end_obj(&j);
	buf_char(&b, '\n');
	char path[512];
	struct err e = ERR_INIT;
	snprintf(path, sizeof(path), "%s/hospital.json", o->out);
	if (buf_failed(&b) || file_write_durable(path, 0644, b.p, b.n, &e) < 0) {
		fprintf(stderr, "hospital: %s\n", e.text);
		exit(1);
	}
	buf_fini(&b);
}

static void day_make(struct day *d, const struct options *o, struct truth *tr)
{
	night_and_maintenance(d, o->start, &tr->night);
	for (uint64_t i = 0; i < o->flows; i++) {
		size_t kind = kind_any(&d->net.rnd, false);
		tr->said[kind]++;
		gen_kinds[kind].say(d, busy_moment(&d->net.rnd, o->start));
	}
	qsort(d->net.frames, d->net.n, sizeof(*d->net.frames), frame_order);
}

static void day_write(struct day *d, const struct options *o, struct truth *tr)
{
	int32_t date = clock_day(o->start + JST);
	size_t at = 0;
	for (unsigned quarter = 0; quarter < 4; quarter++) {
		struct file_sum *sum = &tr->files[tr->n_files++];
		bool ng = quarter == 3;
		int64_t to = ng ? INT64_MAX : o->start + (quarter + 1) * 6 * 3600 * NS;
		snprintf(sum->name, sizeof(sum->name), "lan-%d-%02u.pcap%s", date, quarter * 6,
			 ng ? "ng" : "");
		at = file_write(&d->net, at, to, o->out, ng, sum);
	}
}

/* The hour before now, so that what is live has something to show. */
static void live_tail(struct day *d, const struct options *o, struct truth *tr)
{
	struct file_sum *sum = &tr->files[tr->n_files++];
	d->net.n = 0;
	gen_reset(&d->net.bytes);
	for (uint64_t i = 0; i < o->flows / 12 + 20; i++)
		gen_kinds[kind_any(&d->net.rnd, false)].say(
			d, o->now - 3600 * NS + gen_below(&d->net.rnd, 3500) * NS +
				   gen_below(&d->net.rnd, 1000000) * 1000LL);
	qsort(d->net.frames, d->net.n, sizeof(*d->net.frames), frame_order);
	snprintf(sum->name, sizeof(sum->name), "lan-live.pcap");
	(void)file_write(&d->net, 0, o->now, o->out, false, sum);
}

int main(int argc, char **argv)
{
	static struct day d;
	static struct truth tr;
	struct options o = options_read(argc, argv);
	d.net.rnd.state = o.seed;
	hospital_build(&d.h, (unsigned)o.beds);
	for (size_t i = 0; i < PATIENTS; i++)
		d.patients[i] = gen_patient(&d.net.rnd);
	if (mkdir(o.out, 0755) < 0 && errno != EEXIST) {
		perror(o.out);
		return 1;
	}
	if (o.bulk_logs)
		return bulk_logs_write(&d, o.bulk_logs, o.seed, o.now);
	if (o.bulk) {
		char path[512];
		snprintf(path, sizeof(path), "%s/bulk-%llu.pcap", o.out,
			 (unsigned long long)o.bulk);
		return bulk_write(&d, path, o.bulk, o.start);
	}
	day_make(&d, &o, &tr);
	day_write(&d, &o, &tr);
	static struct log_day logs, live;
	char when[16];
	snprintf(when, sizeof(when), "%d", clock_day(o.start + JST));
	logs.l.rnd.state = o.seed ^ LOG_SEED;
	logs_make(&logs, &d, o.start, o.start + DAY, true);
	logs_write(&logs.l, &o, INT64_MAX, when, &tr);
	if (o.live_tail) {
		live_tail(&d, &o, &tr);
		live.l.rnd.state = logs.l.rnd.state;
		live.l.session = logs.l.session;
		logs_make(&live, &d, o.now - 3600 * NS, o.now, false);
		logs_write(&live.l, &o, o.now, "live", &tr);
		log_free(&live.l);
	}
	truth_write(&d, &o, &tr, &logs);
	log_free(&logs.l);
	uint64_t packets = 0, bytes = 0;
	for (size_t i = 0; i < tr.n_files; i++) {
		packets += tr.files[i].packets;
		bytes += tr.files[i].bytes;
	}
	printf("{\"folder\":\"%s\",\"files\":%zu,\"packets\":%llu,\"bytes\":%llu}\n", o.out,
	       tr.n_files, (unsigned long long)packets, (unsigned long long)bytes);
	gen_free(&d.net.bytes);
	gen_free(&d.g);
	free(d.net.frames);
	free(d.h.hosts);
	return 0;
}
