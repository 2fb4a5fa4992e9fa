/* Lines on stdin, what they are understood as on stdout: one ECS object a line, for scripts that compare. Received
 * now; a line without a zone is taken as UTC. line_json --fields prints key and value of each field instead, --keys the table of keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tomsd/base/clock.h"
#include "tomsd/line.h"

/* The key table as docs/fortigate.md has it. */
static void print_keys(void)
{
	const char *key, *ecs;

	for (size_t i = 0; (key = line_key(i, &ecs)); i++) {
		if (!strchr(key, ':'))
			printf("| `%s` | `%s` |\n", key, ecs ? ecs : "fortinet.firewall");
	}
}

static void print_fields(struct str line)
{
	static struct line_field f[LINE_FIELDS_MAX];
	size_t n = line_fields(line, f);

	for (size_t i = 0; i < n; i++)
		printf("%s%.*s\t%.*s\n", f[i].is_header ? "#" : "", (int)f[i].key.n, f[i].key.p,
		       (int)f[i].value.n, f[i].value.p);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct log *row = calloc(1, sizeof(*row) + LOG_LINE_MAX);
	bool fields = argc > 1 && strcmp(argv[1], "--fields") == 0;
	char *text = NULL;
	size_t room = 0;
	ssize_t got;
	struct buf out;

	if (argc > 1 && strcmp(argv[1], "--keys") == 0) {
		print_keys();
		free(row);
		return 0;
	}
	buf_init(&out, 8u << 20);
	while (row && (got = getline(&text, &room, stdin)) >= 0) {
		size_t n = (size_t)got;
		struct line_time when;
		struct json j;

		while (n && text[n - 1] == '\n')
			n--;
		if (fields) {
			print_fields(str_n(text, n));
			continue;
		}
		row->line_n = (uint32_t)(n < LOG_LINE_MAX ? n : LOG_LINE_MAX);
		memcpy(row->line, text, row->line_n);
		line_parse(str_n(row->line, row->line_n), row, &when);
		line_set_time(row, &when, 0, clock_now_ns(), 20 * 366 * 86400 * NS_PER_S);
		buf_reset(&out);
		json_init(&j, &out);
		log_json(row, &j);
		printf("%.*s\n", (int)out.n, out.p);
	}
	free(text);
	free(row);
	buf_fini(&out);
	return 0;
}
