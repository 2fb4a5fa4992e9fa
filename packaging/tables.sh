#!/bin/sh
# tables.sh TOMSD write|check: files that repeat what the tables in the code say, printed by TOMSD itself:
#   etc/tomsd.conf.example   whole
#   docs/man/tomsd.conf.5    between .\" OPTIONS and .\" END
#   docs/ARCHITECTURE.md     between <!-- map --> and <!-- end -->
# write brings them up to date; check says which are not (exit 1).
set -eu
tomsd=$(realpath "$1") what=$2
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0

# between FILE BEGIN END PART: FILE with PART in between, on standard output.
between() {
	awk -v begin="$2" -v end="$3" -v part="$4" '
		$0 == end { inside = 0; seen++ }
		!inside { print }
		$0 == begin { inside = 1; seen++; while ((getline line < part) > 0) print line }
		END { exit seen != 2 }' "$1" || { echo "$1: the marks \"$2\" and \"$3\" are not there" >&2; exit 1; }
}
settle() { # FILE NEW
	cmp -s "$1" "$2" && return
	if [ "$what" = write ]; then
		cat "$2" >"$1"
		echo "wrote $1"
	else
		echo "$1 does not agree with the tables; make man brings it up to date" >&2
		wrong=1
	fi
}
"$tomsd" --print-conf-example >"$work/example"
settle etc/tomsd.conf.example "$work/example"
"$tomsd" --print-man-conf >"$work/options"
between docs/man/tomsd.conf.5 '.\\" OPTIONS' '.\\" END' "$work/options" >"$work/man"
settle docs/man/tomsd.conf.5 "$work/man"
{ echo '```'; "$tomsd" --map; echo '```'; } >"$work/map"
between docs/ARCHITECTURE.md '<!-- map -->' '<!-- end -->' "$work/map" >"$work/architecture"
settle docs/ARCHITECTURE.md "$work/architecture"
exit $wrong
