#!/bin/sh
# embed.sh gzip|plain TABLE BASE OUT.c FILES...: a C file whose TABLE (struct embed, NULL-ended) holds
# the FILES, named relative to BASE; gzip compresses them and keeps the hash of the plain bytes.
set -eu
how=$1 table=$2 base=$3 out=$4
shift 4
work=${out%.c}.d
rm -rf "$work" && mkdir -p "$work"
{
	printf '/* made by packaging/embed.sh */\n#include "tomsd/base/embed.h"\n'
	i=0
	for f in "$@"; do
		[ -f "$f" ] || continue
		if [ "$how" = gzip ]; then gzip -9nc "$f" >"$work/$i"; else cp "$f" "$work/$i"; fi
		printf '__asm__(".section .rodata\\n.balign 16\\n.hidden %s_%d\\n.globl %s_%d\\n%s_%d:\\n.incbin \\"%s\\"\\n.byte 0\\n.previous");\n' \
			"$table" $i "$table" $i "$table" $i "$work/$i"
		printf 'extern const unsigned char %s_%d[] __attribute__((visibility("hidden")));\n' "$table" $i
		i=$((i + 1))
	done
	printf 'extern const struct embed %s[];\nconst struct embed %s[] = {\n' "$table" "$table"
	i=0
	for f in "$@"; do
		[ -f "$f" ] || continue
		printf '\t{ "%s", %s_%d, %d, %d, "%.32s" },\n' "${f#"$base"/}" "$table" $i \
			"$(wc -c <"$work/$i")" "$(wc -c <"$f")" "$(sha256sum <"$f")"
		i=$((i + 1))
	done
	printf '\t{ 0, 0, 0, 0, 0 },\n};\n'
} >"$out"
