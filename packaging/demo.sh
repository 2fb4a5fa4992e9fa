#!/bin/sh
# demo.sh: packaging/run.sh with a made-up hospital in it. The day before today (once) and the last hour
# (once an hour) are written as captures and as logs of its firewall and a switch into ./var/demo/made, and
# go through the doors that real ones go through: the captures before the daemon runs, the logs over TCP as
# soon as it does. State in ./var/demo, apart from what make run keeps in ./var.
# What follows on the command line goes to tomsd.
set -eu
cd "$(dirname "$0")/.."
TOMSD_RUN_DIR=var/demo
export TOMSD_RUN_DIR
made=$TOMSD_RUN_DIR/made
conf=$TOMSD_RUN_DIR/tomsd.conf

ctl() {
	build/tomsctl -c "$conf" "$@"
}

# The id of the source with this serial number or address; looks so many times.
source_id() {
	looks=${2:-1}
	while [ "$looks" -gt 0 ]; do
		ctl source list | awk -v who="$1" '$4 == who || $5 == who { print $1; found = 1; exit } END { exit !found }' && return
		looks=$((looks - 1))
		sleep 0.3
	done
	return 1
}

# Sends a file's lines as that sender: the firewall, the switch, and one that nobody knows.
send() {
	case $1 in
	*/fortigate-*) from=127.0.0.1 ;;
	*/switch-*) from=127.0.0.2 ;;
	*) from=127.0.0.3 ;;
	esac
	[ -s "$1" ] && build/tests/tools/log_send --to "$door" --from "$from" --rate 4000 "$1" >/dev/null
}

# In the background, beside the daemon. An accepted device may tell of the last 31 days, an unknown one of a
# week: so the two that belong here say a word and are accepted before they tell the day. A file
# that has been sent goes away; what is left is sent next time.
send_logs() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		ctl source list >/dev/null 2>&1 && break
		sleep 0.5
	done
	for who in fortigate:FG100FTK20001234 switch:127.0.0.2; do
		live=$made/${who%%:*}-live.log
		if ! source_id "${who#*:}" >/dev/null && [ -s "$live" ]; then
			tail -n 1 "$live" >"$made/${who%%:*}-first"
			sed -i '$d' "$live"
			send "$made/${who%%:*}-first"
			rm "$made/${who%%:*}-first"
		fi
		id=$(source_id "${who#*:}" 10) && ctl source accept "$id" >/dev/null || return 1
	done
	for file in "$made"/*-2*.log "$made"/*-live.log; do
		[ -e "$file" ] && send "$file" && rm "$file"
	done
}

mkdir -p -m 0700 "$TOMSD_RUN_DIR"
hour=$TOMSD_RUN_DIR/$(date -u +%Y%m%dT%H).done
if [ ! -e "$hour" ]; then
	rm -rf "$made"
	build/tests/tools/hospital --out "$made" --live-tail >"$hour.new"
	day=$TOMSD_RUN_DIR/$(cd "$made" && ls lan-2*-00.pcap).done
	if [ -e "$day" ]; then
		rm -f "$made"/*-2*.log "$made"/lan-2*.pcap*
	fi
	echo "make demo: reading captures of a hospital that never was" >&2
	sh packaging/run.sh "$@" --replay "$made"/lan-*.pcap*
	: >"$day"
	mv "$hour.new" "$hour"
fi
door=$(sed -n '/^\[syslog\]/,$s/^tcp *= *//p' "$conf" | head -n 1)
for arg; do
	case $arg in
	*syslog.tcp=*) door=${arg#*syslog.tcp=} ;;
	esac
done
if [ -z "$door" ]; then
	echo "make demo: $conf has no tcp in [syslog]; the firewall's log is left out" >&2
elif ls "$made"/*.log >/dev/null 2>&1; then
	echo "make demo: what the firewall and a switch have logged comes in over TCP" >&2
	{ send_logs || echo "make demo: the logs could not be sent; the next make demo tries again" >&2; } &
fi
exec sh packaging/run.sh "$@"
