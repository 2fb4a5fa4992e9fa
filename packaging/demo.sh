#!/bin/sh
# demo.sh: packaging/run.sh with a made-up hospital in it. The day before today (once) and the last hour
# (each time) are written as captures into ./var/demo/captures and go through the door that real ones go
# through; then the daemon runs. State in ./var/demo, apart from what make run keeps in ./var.
set -eu
cd "$(dirname "$0")/.."
TOMSD_RUN_DIR=var/demo
export TOMSD_RUN_DIR
captures=$TOMSD_RUN_DIR/captures

mkdir -p -m 0700 "$TOMSD_RUN_DIR"
rm -rf "$captures"
build/tests/tools/hospital --out "$captures" --live-tail
day=$(cd "$captures" && ls lan-2*-00.pcap)
if [ -e "$TOMSD_RUN_DIR/$day.done" ]; then
	set -- "$captures/lan-live.pcap"
else
	set -- "$captures"/lan-2*.pcap* "$captures/lan-live.pcap"
fi
echo "make demo: reading $# captures of a day in a hospital that never was" >&2
sh packaging/run.sh --replay "$@"
: >"$TOMSD_RUN_DIR/$day.done"
exec sh packaging/run.sh
