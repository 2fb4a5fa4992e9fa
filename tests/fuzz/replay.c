/* Replays corpus files and folders through one fuzz entry; the main of fuzz targets outside libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tomsd/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned long replayed;

static int replay_file(const char *path)
{
	struct buf b;
	struct err e = ERR_INIT;
	buf_init(&b, 16u << 20);
	if (file_read(path, 16u << 20, &b, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		buf_fini(&b);
		return 1;
	}
	/* A copy of the exact size, so that sanitizers see the first byte behind it. */
	uint8_t *copy = malloc(b.n ? b.n : 1);
	if (b.n)
		memcpy(copy, b.p, b.n);
	(void)LLVMFuzzerTestOneInput(copy, b.n);
	free(copy);
	buf_fini(&b);
	replayed++;
	return 0;
}

static int replay_path(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return replay_file(path);
	int bad = 0;
	DIR *d = opendir(path);
	for (struct dirent *de; d && (de = readdir(d));) {
		char name[4096];
		if (de->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, de->d_name);
		bad |= replay_path(name);
	}
	if (d)
		closedir(d);
	return bad;
}

int main(int argc, char **argv)
{
	int bad = 0;
	for (int i = 1; i < argc; i++)
		bad |= replay_path(argv[i]);
	printf("%lu inputs replayed\n", replayed);
	return bad;
}
