#!/bin/sh
# run.sh: build/tomsd from the tree, in the foreground, on a configuration of its own: state in ./var, the
# panel on https://127.0.0.1:8443, syslog on 127.0.0.1:5514 (UDP, TCP) and :6514 (TLS), capture on the
# interface of the default route. What follows on the command line goes to tomsd (--set panel.listen=...
# and the like). Touches nothing outside the tree.
# TOMSD_RUN_DIR is another folder than ./var (packaging/demo.sh).
set -eu
cd "$(dirname "$0")/.."
dir=${TOMSD_RUN_DIR:-var}
conf=$dir/tomsd.conf

interface=auto
if [ "$(id -u)" != 0 ]; then
	interface=none
	echo "make run: capture needs root; without it the panel shows stored data only (sudo make run)" >&2
fi

mkdir -p -m 0700 "$dir"
if ! grep -qxF "path = $PWD/$dir" "$conf" 2>/dev/null; then
	cat >"$conf" <<END
# Made by make run; yours to change. It is made again only when the tree has moved.
[store]
path = $PWD/$dir

[panel]
listen = 127.0.0.1:8443

[syslog]
udp = 127.0.0.1:5514
tcp = 127.0.0.1:5514
tls = 127.0.0.1:6514
END
	echo "make run: wrote $conf" >&2
fi
grep -q '^interface' "$conf" || set -- --set "capture.interface=$interface" "$@"
echo "make run: state in ./$dir, interface $interface; in another shell: build/tomsctl -c $conf status" >&2
exec build/tomsd -c "$conf" "$@"
