#!/bin/sh
# deps.sh build|run|test: installs the distribution's packages that are missing, and says which.
# The lists are in packaging/deps-build, deps-run (what runs it), deps-test; # comments.
set -eu
here=$(dirname "$0")
case ${1:-} in
build) lists="build" ;;
run) lists="build run" ;;
test) lists="build run test" ;;
*) echo "usage: deps.sh build|run|test" >&2; exit 2 ;;
esac
missing=
for list in $lists; do
	for name in $(sed 's/#.*//' "$here/deps-$list"); do
		dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing="$missing $name"
	done
done
[ -z "$missing" ] && exit 0
echo "installing from the distribution:$missing"
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "these packages are missing; as root: apt-get install$missing" >&2; exit 1; }
	sudo=sudo
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{ ${sudo:-} apt-get update -qq && ${sudo:-} apt-get install -y -qq --no-install-recommends $missing; } >/dev/null ||
	{ echo "apt-get could not install them; try: apt-get install$missing" >&2; exit 1; }
