"""Live capture in network namespaces: one end of a veth pair is the mirror port, the other end the switch.
Needs root (or CAP_NET_ADMIN and CAP_NET_RAW)."""
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import struct
import subprocess

import pytest

from toms import BUILD, SHARED, SLOW, Daemon, run, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("tcpreplay"),
                                reason="needs root, iproute2 and tcpreplay")
PCAPS = SHARED / "data" / "pcap"
SEND = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
for line in sys.stdin:
    wire.send(bytes.fromhex(line))
"""


class Wire:
    """A namespace with mirror ports in it. Nothing but the test speaks there: no IPv6, no ARP."""

    def __init__(self, name):
        self.ns = name
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")
        for knob in ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"):
            run("ip", "netns", "exec", name, "sysctl", "-qw", knob, ok=False)

    def ip(self, *argv):
        return run("ip", "-n", self.ns, *argv).stdout

    def plug(self, port):
        """A mirror port and the switch's end of it, port + "-sw"."""
        self.ip("link", "add", port, "type", "veth", "peer", "name", f"{port}-sw")
        self.ip("link", "set", port, "arp", "off")
        self.ip("link", "set", f"{port}-sw", "arp", "off")
        self.ip("link", "set", f"{port}-sw", "up")
        self.ip("link", "set", port, "up")

    def unplug(self, port):
        self.ip("link", "del", port)

    def play(self, port, capture, *how):
        """All frames of a capture file, from the switch's end; how many went out."""
        done = run("ip", "netns", "exec", self.ns, "tcpreplay", "-q", "-i", f"{port}-sw", *(how or ("--pps=20000",)), capture)
        return int(re.search(r"Successful packets:\s+(\d+)", done.stdout + done.stderr).group(1))

    def send(self, port, *frames):
        subprocess.run(["ip", "netns", "exec", self.ns, "python3", "-c", SEND, f"{port}-sw"], check=True, timeout=30 * SLOW,
                       input="\n".join(f.hex() for f in frames) + "\n", text=True)

    def sent_by(self, port):
        return json.loads(self.ip("-s", "-j", "link", "show", port))[0]["stats64"]["tx"]["packets"]


@pytest.fixture
def wire(request):
    w = Wire(f"toms{os.getpid()}")
    request.addfinalizer(lambda: run("ip", "netns", "del", w.ns, ok=False))
    return w


def daemon(folder, wire, *ports, conf=()):
    names = "".join(f"interface = {p}\n" for p in ports)
    return Daemon(folder, ns=wire.ns, text=f"[capture]\n{names}[flow]\nthreads = 2\n", conf=conf)


def capture_of(toms):
    status = json.loads(toms.ctl("status", "--json").stdout)
    return find(status, "capture")


def find(tree, name):
    """The object of one room, wherever the status has it."""
    if isinstance(tree, dict):
        if isinstance(tree.get(name), dict) and "interfaces" in tree[name]:
            return tree[name]
        if tree.get("name") == name and "interfaces" in tree:
            return tree
        tree = list(tree.values())
    for item in tree if isinstance(tree, list) else []:
        found = find(item, name)
        if found:
            return found
    return None


def port_of(toms, port):
    return next(i for i in capture_of(toms)["interfaces"] if i["name"] == port)


def has_read(toms, port, packets):
    return wait_for(f"{packets} packets on {port}", lambda: port_of(toms, port)["packets"] >= packets and port_of(toms, port))


def udp(src, dst, sport, dport, payload, tags=b""):
    datagram = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0, socket.inet_aton(src), socket.inet_aton(dst))
    return bytes.fromhex("020000000002020000000001") + tags + b"\x08\x00" + ip + datagram


@pytest.mark.sanitize
def test_what_the_mirror_shows_becomes_rows_and_none_is_lost(tmp_path, wire):
    wire.plug("mirror0")
    wire.plug("mirror1")
    with daemon(tmp_path, wire, "mirror0", "mirror1") as toms:
        sent = wire.play("mirror0", PCAPS / "ndpi_http_auth.pcap") + wire.play("mirror0", PCAPS / "ndpi_synscan.pcap")
        other = wire.play("mirror1", PCAPS / "ndpi_modbus.pcap")
        first, second = has_read(toms, "mirror0", sent), has_read(toms, "mirror1", other)
        assert (first["packets"], second["packets"]) == (sent, other)
        for port in (first, second):
            assert port["state"] == "up"
            assert (port["kernel_drops"], port["own_drops"], port["interface_drops"]) == (0, 0, 0)
    assert toms.process.returncode == 0
    rows = toms.rows("flows", "--limit", "0")
    assert sum(r["network"]["packets"] for r in rows) == sent + other
    assert {r["network"].get("protocol") for r in rows} >= {"http", "modbus"}
    assert len(rows) == 1 + 1994 + 1


def test_vlan_tags_that_the_card_took_off_are_seen(tmp_path, wire):
    wire.plug("mirror0")
    with daemon(tmp_path, wire, "mirror0") as toms:
        wire.send("mirror0", udp("10.1.0.1", "10.1.0.2", 5000, 6000, b"plain"),
                  udp("10.1.0.3", "10.1.0.4", 5000, 6000, b"tagged", bytes.fromhex("81000064")),
                  udp("10.1.0.5", "10.1.0.6", 5000, 6000, b"twice", bytes.fromhex("88a8006581000066")))
        has_read(toms, "mirror0", 3)
    vlans = {r["source"]["ip"]: r["network"].get("vlan", {}).get("id") for r in toms.rows("flows")}
    assert {k: int(v) if v else None for k, v in vlans.items()} == {"10.1.0.1": None, "10.1.0.3": 100, "10.1.0.5": 102}


@pytest.mark.sanitize
def test_an_interface_that_vanishes_and_comes_back_is_taken_up_without_privileges(tmp_path, wire):
    wire.plug("mirror0")
    with daemon(tmp_path, wire, "mirror0") as toms:
        wire.send("mirror0", udp("10.2.0.1", "10.2.0.2", 1, 2, b"before"))
        has_read(toms, "mirror0", 1)
        for turn in range(1, 4):
            wire.unplug("mirror0")
            wait_for("absent", lambda: port_of(toms, "mirror0")["state"] == "absent")
            assert "not there" in toms.ctl("status").stdout
            wire.plug("mirror0")  # a new interface with a new index
            wait_for("up again", lambda: port_of(toms, "mirror0")["state"] == "up")
            wire.send("mirror0", udp(f"10.2.{turn}.1", "10.2.0.2", 1, 2, b"after"))
            has_read(toms, "mirror0", 1 + turn)
        # Handed back by the flow thread only at the end; capabilities have been none all the time.
        assert re.search(r"CapEff:\s+0+$", open(f"/proc/{toms.pid}/status").read(), re.M)
    assert {r["source"]["ip"] for r in toms.rows("flows")} == {"10.2.0.1", "10.2.1.1", "10.2.2.1", "10.2.3.1"}


def test_an_interface_switched_off_and_on_is_read_again(tmp_path, wire):
    wire.plug("mirror0")
    with daemon(tmp_path, wire, "mirror0") as toms:
        wire.ip("link", "set", "mirror0", "down")
        wait_for("down", lambda: port_of(toms, "mirror0")["state"] == "down")
        wire.ip("link", "set", "mirror0", "up")
        wait_for("up", lambda: port_of(toms, "mirror0")["state"] == "up")
        wire.ip("link", "set", "mirror0-sw", "down")
        wait_for("no signal", lambda: port_of(toms, "mirror0")["state"] == "no_carrier")
        wire.ip("link", "set", "mirror0-sw", "up")
        wait_for("up", lambda: port_of(toms, "mirror0")["state"] == "up")
        wire.send("mirror0", udp("10.3.0.1", "10.3.0.2", 1, 2, b"on"))
        has_read(toms, "mirror0", 1)


def test_what_is_wrong_with_an_interface_is_told_in_the_readers_language(tmp_path, wire):
    wire.plug("mirror0")
    with daemon(tmp_path, wire, "mirror0") as toms:
        wire.ip("link", "set", "mirror0", "down")
        wait_for("down", lambda: port_of(toms, "mirror0")["state"] == "down")
        for lang, words in (("ja", "取込口 mirror0 が止められています"), ("en", "Interface mirror0 is switched off")):
            said = lambda: run("curl", "-s", "-H", f"Accept-Language: {lang}", "--unix-socket", toms.state / "control.sock", "http://x/api/v1/overview").stdout
            wait_for(words, lambda: words in said(), 30)


def test_an_interface_that_is_not_there_at_the_start_is_waited_for(tmp_path, wire):
    wire.plug("mirror0")
    with daemon(tmp_path, wire, "mirror0", "usb0") as toms:
        assert port_of(toms, "usb0")["state"] == "absent"
        wire.send("mirror0", udp("10.4.0.1", "10.4.0.2", 1, 2, b"x"))
        has_read(toms, "mirror0", 1)
        assert port_of(toms, "usb0")["packets"] == 0
        wire.plug("usb0")
        wait_for("up", lambda: port_of(toms, "usb0")["state"] == "up")
        wire.send("usb0", udp("10.4.0.3", "10.4.0.4", 1, 2, b"x"))
        has_read(toms, "usb0", 1)


def test_the_loopback_that_stands_in_for_an_absent_interface_is_not_captured(tmp_path, wire):
    with daemon(tmp_path, wire, "usb0") as toms:
        chatter = "import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); [s.sendto(b'x', ('127.0.0.1', 9)) for _ in range(50)]"
        run("ip", "netns", "exec", wire.ns, "python3", "-c", chatter)
        wire.plug("usb0")
        wait_for("up", lambda: port_of(toms, "usb0")["state"] == "up")
        wire.send("usb0", udp("10.5.0.1", "10.5.0.2", 1, 2, b"x"))
        assert has_read(toms, "usb0", 1)["packets"] == 1


def test_without_the_privilege_it_runs_and_says_what_to_do(tmp_path, wire):
    wire.plug("mirror0")
    folder = pathlib.Path("/tmp") / f"toms-nobody-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        toms = daemon(folder, wire, "mirror0")
        shutil.chown(folder, "nobody")
        os.chmod(toms.file, 0o644)
        toms.ns = None
        plain = subprocess.Popen
        setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
        subprocess.Popen = lambda argv, **kw: plain(["ip", "netns", "exec", wire.ns, *setpriv, *argv], **kw)
        try:
            toms.start()
        finally:
            subprocess.Popen = plain
        try:
            port = port_of(toms, "mirror0")
            assert port["state"] == "closed"
            assert "CAP_NET_RAW" in port["error"]
            assert "CAP_NET_RAW" in toms.log()
        finally:
            toms.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_sensor_sends_nothing(tmp_path, wire):
    wire.plug("mirror0")
    with daemon(tmp_path, wire, "mirror0") as toms:
        before = wire.sent_by("mirror0")
        sent = wire.play("mirror0", PCAPS / "ndpi_netbios.pcap")
        has_read(toms, "mirror0", sent)
        wire.unplug("mirror0")
        wire.plug("mirror0")
        wait_for("up", lambda: port_of(toms, "mirror0")["state"] == "up" and port_of(toms, "mirror0"))
        assert wire.sent_by("mirror0") == 0
        assert before == 0


def test_a_filter_is_run_by_the_kernel_and_a_wrong_one_is_told_with_its_place(tmp_path, wire):
    wire.plug("mirror0")
    with daemon(tmp_path, wire, "mirror0", conf=["capture.filter=udp port 53"]) as toms:
        wire.send("mirror0", udp("10.6.0.1", "10.6.0.2", 1000, 54, b"no"), udp("10.6.0.1", "10.6.0.2", 1000, 53, b"yes"))
        assert has_read(toms, "mirror0", 1)["packets"] == 1
    bad = tmp_path / "bad.conf"
    bad.write_text(f"[store]\npath = {tmp_path}/x\n[capture]\nfilter = udp prt 53\n")
    done = run(BUILD / "tomsd", "-c", bad, "--check", ok=False)
    assert done.returncode == 1 and "bad.conf:4: [capture] filter" in done.stderr


def test_a_minute_of_each_interface_becomes_a_row(tmp_path, wire):
    wire.plug("mirror0")
    with daemon(tmp_path, wire, "mirror0") as toms:
        sent = wire.play("mirror0", PCAPS / "ndpi_modbus.pcap")
        has_read(toms, "mirror0", sent)
    # The last, unfinished minute is written at the stop.
    db = sqlite3.connect(f"file:{toms.state}/tomsd.db?mode=ro", uri=True)
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    days = [name for name in names if re.fullmatch(r"capture_minute_\d{8}", name)]
    rows = [row for day in days for row in db.execute(f"SELECT packets, bytes, up_seconds, at_ns FROM {day}")]
    assert sum(row[0] for row in rows) == sent
    assert all(row[3] % 60_000_000_000 == 0 for row in rows)


@pytest.mark.sanitize
def test_under_overload_every_packet_is_in_a_flow_or_in_a_drop_counter(tmp_path, wire):
    wire.plug("mirror0")
    tight = ["flow.queue_batches=4", "flow.queue_chunks=4", "capture.ring=1M"]
    with daemon(tmp_path, wire, "mirror0", conf=tight) as toms:
        sent = wire.play("mirror0", PCAPS / "ndpi_synscan.pcap", "--topspeed", "--loop=60", "--preload-pcap")

        def ledger():
            rooms = json.loads(toms.ctl("status", "--json").stdout)["rooms"]
            port = port_of(toms, "mirror0")
            keyless = sum(v for k, v in port["frames"].items() if k in ("bad_link", "bad_tag", "bad_ip", "bad_ip_length"))
            flows = rooms["flow"].get("counters", rooms["flow"])["flow_packets_total"]
            if port["packets"] + port["kernel_drops"] == sent and flows + port["own_drops"] + keyless == port["packets"]:
                return port
        port = wait_for("the ledger to add up", ledger, 40)
        print(port)
