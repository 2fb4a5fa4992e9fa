#!/bin/sh
# demo.sh: packaging/run.sh with a made-up hospital in it. The day before today (once) and the last hour
# (once an hour) are written as captures into ./var/demo/captures and go through the door that real ones
# go through; then the daemon runs. State in ./var/demo, apart from what make run keeps in ./var.
set -eu
cd "$(dirname "$0")/.."
TOMSD_RUN_DIR=var/demo
export TOMSD_RUN_DIR
captures=$TOMSD_RUN_DIR/captures

mkdir -p -m 0700 "$TOMSD_RUN_DIR"
hour=$TOMSD_RUN_DIR/$(date -u +%Y%m%dT%H).done
if [ ! -e "$hour" ]; then
	rm -rf "$captures"
	build/tests/tools/hospital --out "$captures" --live-tail >"$hour.new"
	day=$TOMSD_RUN_DIR/$(cd "$captures" && ls lan-2*-00.pcap).done
	set -- "$captures/lan-live.pcap"
	[ -e "$day" ] || set -- "$captures"/lan-2*.pcap* "$@"
	echo "make demo: reading $# captures of a hospital that never was" >&2
	sh packaging/run.sh --replay "$@"
	: >"$day"
	mv "$hour.new" "$hour"
fi
exec sh packaging/run.sh
