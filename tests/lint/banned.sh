#!/bin/sh
# Reads the symbol tables of every object below $1 for calls that have no place in the product: they
# overrun, share hidden state, start a shell or guess. alloca and (inlined) atoi leave no symbol;
# they are looked for in the sources. Says who calls what and exits 1; one ok line otherwise.
set -eu
objects=${1:?usage: banned.sh FOLDER-OF-OBJECTS}
top=$(dirname "$0")/../..

list=$(mktemp)
trap 'rm -f "$list"' EXIT
find "$objects" -name '*.o' >"$list"
if ! [ -s "$list" ]; then
	echo "banned: no objects below $objects: build first"
	exit 1
fi

status=0
xargs nm -A -u <"$list" | awk '
	BEGIN {
		n = split("strcpy strcat strncpy strncat sprintf vsprintf gets atoi atol atoll atof strtok " \
			"gmtime localtime ctime asctime mktemp tmpnam tempnam system popen rand srand alloca", names, " ")
		for (i = 1; i <= n; i++) banned[names[i]] = 1
	}
	{
		# "build/obj/src/x.o:                 U name@VERSION"
		file = $0
		sub(/:[^:]*$/, "", file)
		name = $NF
		sub(/@.*/, "", name)
		plain = name
		# what _FORTIFY_SOURCE makes of a call: __strcpy_chk
		if (plain ~ /^__.*_chk$/) { sub(/^__/, "", plain); sub(/_chk$/, "", plain) }
		if (plain in banned) { print file ": calls " plain; bad++ }
	}
	END { exit bad > 0 }' || status=1
if grep -rnE '(^|[^A-Za-z0-9_])((__builtin_)?alloca|atoi|atoll?|atof) *\(' "$top/src" --include='*.c' --include='*.h'; then
	echo "banned: see the lines above"
	status=1
fi
[ $status = 0 ] && echo "banned: ok, $(wc -l <"$list") objects"
exit $status
