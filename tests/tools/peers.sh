#!/bin/sh
# peers.sh FOLDER: rsyslog and syslog-ng out of the distribution's packages, unpacked into FOLDER and not
# installed: the two packages conflict, and a bench must not change the machine's own logging. What they
# need and the machine lacks comes along. Says nothing when FOLDER has them already; exits 77 with a
# word when they cannot be had.
set -eu
to=${1:?usage: peers.sh FOLDER}
wanted="rsyslog syslog-ng-core syslog-ng-mod-sql libdbd-sqlite3"

[ -e "$to/done" ] && exit 0
command -v apt-get >/dev/null && command -v dpkg >/dev/null || { echo "peers: not a Debian"; exit 77; }

# A name that starts a line is a package; <names> in brackets are virtual.
# shellcheck disable=SC2086
names=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
	--no-replaces --no-enhances $wanted 2>/dev/null | grep '^[a-z]' | sort -u)
get=
for name in $names; do
	dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed && continue
	case $name in
	lib* | rsyslog | syslog-ng-core | syslog-ng-mod-sql) get="$get $name" ;;
	esac
done

rm -rf "$to"
mkdir -p "$to/debs"
for name in $get; do
	(cd "$to/debs" && apt-get download -qq "$name" >/dev/null 2>&1) || :
done
for deb in "$to"/debs/*.deb; do
	[ -e "$deb" ] && dpkg -x "$deb" "$to/root"
done
rm -rf "$to/debs"
[ -x "$to/root/usr/sbin/rsyslogd" ] && [ -x "$to/root/usr/sbin/syslog-ng" ] || {
	echo "peers: apt-get download gave no rsyslog or no syslog-ng (offline?)"
	exit 77
}
: >"$to/done"
