"""Logs under attack: whoever sends too much, too slowly, too long or no syslog at all harms nobody else, costs bounded memory, and
every loss is counted."""
import contextlib
import datetime
import json
import os
import random
import re
import resource
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import threading
import time

import logs
import pytest
import toms

DOORS = ("syslog.udp=127.0.0.1:0", "syslog.tcp=127.0.0.1:0")
RANDOM_SECONDS = float(os.environ.get("TOMSD_RANDOM_SECONDS", "5"))  # an hour: TOMSD_RANDOM_SECONDS=3600


def memory(daemon):
    """Bytes of memory that are really there."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", open(f"/proc/{daemon.pid}/status").read()).group(1)) << 10


def room(daemon):
    return json.loads(daemon.ctl("status", "--json").stdout)["rooms"]["syslog"]


def counters(daemon):
    return room(daemon)["counters"]


def wait_counter(daemon, name, least, seconds=20):
    return toms.wait_for(f"{name} >= {least}", lambda: counters(daemon)[name] >= least, seconds)


class Honest:
    """A firewall that goes about its business over TCP, from an address of its own."""

    def __init__(self, daemon, address="127.0.0.9", rate=400):
        self.daemon, self.sent, self.closing = daemon, 0, threading.Event()
        self.link = socket.create_connection(logs.doors(daemon)["tcp"], 20, (address, 0))
        self.thread = threading.Thread(target=self.run, args=(1 / rate,))

    def run(self, pause):
        while not self.closing.wait(pause):
            line = b'<189>date=2026-11-23 time=10:00:00 devname="honest" devid="FG100FTK00000001" type="event" n=%d' % self.sent
            self.link.sendall(b"%d %s" % (len(line), line))
            self.sent += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.closing.set()
        self.thread.join(60)
        self.link.close()
        assert not self.thread.is_alive(), "the honest sender was held up"
        if not failure[0]:
            assert self.sent > 0
            find = lambda: [s for s in sources(self.daemon) if s["serial"] == "FG100FTK00000001"]
            toms.wait_for("the honest sender's lines", lambda: find() and find()[0]["lines"] >= self.sent)
            assert find()[0]["lines"] == self.sent and find()[0]["lost"] == 0


def sources(daemon):
    if not hasattr(daemon, "api"):
        daemon.api = daemon.first_admin()
    return daemon.api.get("/api/v1/sources")["items"]


def lost(daemon):
    """(kind, lines) of the gaps on disk."""
    with contextlib.closing(sqlite3.connect(f"file:{daemon.state}/tomsd.db?mode=ro", uri=True)) as db:
        tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' AND name GLOB 'gap_[0-9]*'") if re.fullmatch(r"gap_\d{8}", t)]
        kinds = ("", "silent", "socket", "limit", "down", "capture")
        return [(kinds[kind], n) for t in tables for kind, n in db.execute(f"SELECT coalesce(kind, 0), coalesce(lost, 0) FROM {t}")]


def many(door, n, address=None):
    """n connections, spread over addresses of the loopback as senders are over a network."""
    for i in range(n):
        yield socket.create_connection(door, 20, (address or f"127.0.{1 + i // 500}.1", 0))


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 16000:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.sanitize
def test_a_line_comes_out_of_every_door_as_it_went_in(tmp_path):
    line = b'<189>date=2026-11-23 devid="FG100FTK00000002" msg="\x83e\x83X\x83g \xff \t door=%s"'
    with toms.Daemon(tmp_path, text=logs.with_tls(tmp_path)) as daemon:
        doors = logs.doors(daemon)
        logs.send_udp(doors["udp"], [line % b"udp"])
        logs.send_tcp(doors["tcp"], line % b"tcp" + b"\r\n")
        logs.send_tcp(doors["tls"], logs.framed([line % b"tls"], "octet"), tls=True)
        logs.wait_rows(daemon, 3)
        raw = subprocess.run([toms.BUILD / "tomsctl", "-c", daemon.file, "logs", "--raw", *logs.EVER], capture_output=True, check=True).stdout
        assert sorted(raw.splitlines()) == sorted(line % door for door in (b"udp", b"tcp", b"tls"))
        assert counters(daemon)["syslog_not_utf8_total"] == 3


def certificate(folder, name, subject, ca=None):
    """A key and a certificate of it; its own, or an authority's."""
    cert, key, req = folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.csr"
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-subj", f"/CN={subject}"]
    if not ca:
        toms.run("openssl", "req", "-x509", "-days", "2", *new, "-out", cert)
    else:
        toms.run("openssl", "req", "-new", *new, "-out", req)
        toms.run("openssl", "x509", "-req", "-days", "2", "-in", req, "-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial", "-out", cert)
    return cert, key


def shake(door, own=None):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if own:
        context.load_cert_chain(*own)
    return context.wrap_socket(socket.create_connection(door, 20))


def served(link):
    return ssl.DER_cert_to_PEM_cert(link.getpeercert(binary_form=True))


@pytest.mark.sanitize
def test_a_sender_without_the_right_certificate_is_turned_away(tmp_path):
    server, ca, other = (certificate(tmp_path, name, name) for name in ("server", "ca", "other"))
    good, bad = certificate(tmp_path, "good", "fw1", ca), certificate(tmp_path, "bad", "fw1", other)
    conf = ["syslog.tls=127.0.0.1:0", f"syslog.cert={server[0]}", f"syslog.key={server[1]}", f"syslog.client_ca={ca[0]}"]
    with toms.Daemon(tmp_path / "d", conf) as daemon:
        door = logs.doors(daemon)["tls"]
        for own in (None, bad):
            with contextlib.suppress(OSError):
                with shake(door, own) as link:
                    link.sendall(b"<13>not from us\n")
                    link.recv(1)
        wait_counter(daemon, "syslog_tls_failures_total", 2)
        with shake(door, good) as link:
            link.sendall(b"<13>from us\n")
            wait_counter(daemon, "syslog_tls_lines_total", 1)
        assert counters(daemon)["syslog_lines_total"] == 1
        assert "client_ca" in daemon.log() and "certificate of its own" in daemon.log()


@pytest.mark.sanitize
def test_a_certificate_is_renewed_without_a_restart_and_without_cutting_anyone_off(tmp_path):
    old, new = certificate(tmp_path, "old", "old"), certificate(tmp_path, "new", "new")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for to, of in ((cert, old[0]), (key, old[1])):
        to.write_bytes(of.read_bytes())
    with toms.Daemon(tmp_path / "d", ["syslog.tls=127.0.0.1:0", f"syslog.cert={cert}", f"syslog.key={key}"]) as daemon:
        door = logs.doors(daemon)["tls"]
        with shake(door) as living:
            living.sendall(b"<13>before\n")
            assert served(living) == old[0].read_text()
            cert.write_bytes(new[0].read_bytes())
            daemon.process.send_signal(signal.SIGHUP)  # a pair that does not fit: the old one stays
            toms.wait_for("a word about it", lambda: "certificate stays as it was" in daemon.log())
            with shake(door) as link:
                assert served(link) == old[0].read_text()
            key.write_bytes(new[1].read_bytes())
            daemon.process.send_signal(signal.SIGHUP)
            toms.wait_for("the new certificate", lambda: served(shake(door)) == new[0].read_text())
            living.sendall(b"<13>after\n")
            wait_counter(daemon, "syslog_tls_lines_total", 2)


def test_ten_thousand_connections_that_dribble_cost_little_and_hold_nobody_up(tmp_path, many_files):
    with toms.Daemon(tmp_path, DOORS) as daemon:
        before = memory(daemon)
        with Honest(daemon), contextlib.ExitStack() as open_ones:
            links = [open_ones.enter_context(link) for link in many(logs.doors(daemon)["tcp"], 10000)]
            toms.wait_for("10,001 connections", lambda: room(daemon)["connections"] == 10001)
            for _ in range(3):
                for link in links:
                    link.sendall(b"<13>a line that comes byte by"[:29])
            assert memory(daemon) - before < 100 << 20, f"{(memory(daemon) - before) >> 20} MiB"
        wait_counter(daemon, "syslog_partial_total", 10000, 60)
        assert room(daemon)["unfinished_bytes"] == 0
        assert counters(daemon)["syslog_connections_refused_total"] == 0


@pytest.mark.sanitize
def test_one_address_cannot_take_all_connections(tmp_path):
    with toms.Daemon(tmp_path, [*DOORS, "syslog.connections_per_address=50"]) as daemon:
        with Honest(daemon), contextlib.ExitStack() as open_ones:
            for link in many(logs.doors(daemon)["tcp"], 200, "127.0.0.3"):
                open_ones.enter_context(link)
            wait_counter(daemon, "syslog_connections_refused_total", 150)
            assert room(daemon)["connections"] == 51


@pytest.mark.sanitize
def test_a_thousand_that_are_cut_off_in_mid_line_are_kept_as_far_as_they_came(tmp_path):
    n = 1000 // toms.SLOW
    with toms.Daemon(tmp_path, DOORS) as daemon:
        with Honest(daemon, rate=100):
            for i, link in enumerate(many(logs.doors(daemon)["tcp"], n)):
                link.sendall(b'<13>whole %d\n<13>half of line %d' % (i, i))
                if i % 2:  # reset instead of an orderly end
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    toms.wait_for("the bytes to be read", lambda: counters(daemon)["syslog_connections_total"] > i) if i % 100 == 1 else None
                link.close()
            wait_counter(daemon, "syslog_partial_total", n // 2)
            toms.wait_for("no connection left", lambda: room(daemon)["connections"] == 1)
        now = counters(daemon)
        assert now["syslog_partial_total"] >= n // 2 and now["syslog_lines_total"] >= n // 2 * 2


def test_a_gibibyte_without_an_end_is_one_line_and_a_number(tmp_path):
    chunk = b"x" * (1 << 20)
    with toms.Daemon(tmp_path, DOORS) as daemon:
        before = memory(daemon)
        with Honest(daemon), socket.create_connection(logs.doors(daemon)["tcp"]) as link:
            link.sendall(b"<13>")
            for _ in range(1024):
                link.sendall(chunk)
            link.sendall(b"\n<13>after\n")
            wait_counter(daemon, "syslog_skipped_bytes_total", (1 << 30) + 4 - 65536, 60)
            assert memory(daemon) - before < 64 << 20
        now = counters(daemon)
        assert now["syslog_truncated_total"] == 1
        assert now["syslog_skipped_bytes_total"] == (1 << 30) + 4 - 65536


@pytest.mark.sanitize
def test_random_bytes_on_every_door_harm_nobody(tmp_path):
    dice = random.Random(11)
    doors = ("udp", "tcp", "tls")
    with toms.Daemon(tmp_path, text=logs.with_tls(tmp_path)) as daemon:
        at = logs.doors(daemon)
        before = memory(daemon)
        with Honest(daemon, rate=100):
            end = time.monotonic() + RANDOM_SECONDS
            while time.monotonic() < end:
                data = dice.randbytes(dice.randrange(1, 60000))
                which = dice.choice(doors)
                if which == "udp":
                    logs.send_udp(at["udp"], [data])
                    continue
                with contextlib.suppress(OSError), socket.create_connection(at[which], 20) as link:
                    link.sendall(data)
        assert daemon.process.poll() is None
        if toms.SLOW == 1:
            assert memory(daemon) - before < 200 << 20
        assert counters(daemon)["syslog_tls_failures_total"] > 0


def test_a_handshake_that_never_ends_is_ended(tmp_path):
    with toms.Daemon(tmp_path, text=logs.with_tls(tmp_path)) as daemon:
        links = []
        for i in range(300):
            link = socket.create_connection(logs.doors(daemon)["tls"], 20)
            link.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[:i % 11])
            links.append(link)
        logs.send_tcp(logs.doors(daemon)["tls"], b"<13>somebody else\n", tls=True)
        wait_counter(daemon, "syslog_tls_lines_total", 1)
        toms.wait_for("the end of all of them", lambda: room(daemon)["connections"] == 0, 30)
        assert counters(daemon)["syslog_tls_failures_total"] == 300
        assert "handshake does not end" in daemon.log()
        for link in links:
            link.close()


@pytest.mark.sanitize
def test_what_is_no_syslog_is_said_in_words(tmp_path):
    with toms.Daemon(tmp_path, DOORS) as daemon:
        door = logs.doors(daemon)["tcp"]
        for hello in (b"RPY 0 0 . 0 110\r\nContent-Type: application/beep+xml\r\n\r\n", b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03"):
            with socket.create_connection(door, 20) as link:
                link.sendall(hello)
                assert link.recv(1) == b""
        toms.wait_for("words for both", lambda: "legacy-reliable" in daemon.log() and "[syslog] tls" in daemon.log())
        seen = sources(daemon)[0]["seen_as"]
        assert "legacy_reliable" in seen and "tls_on_plain_port" in seen
        assert counters(daemon)["syslog_foreign_total"] == 2


@pytest.mark.sanitize
def test_words_that_clients_put_into_a_line_are_no_protocol(tmp_path):
    line = b'<189>date=2026-11-23 devid="FG100FTK00000006" url="/?application/beep+xml" msg="\x16\x03\x01 RPY 0 0 . 0 110"'
    with toms.Daemon(tmp_path, DOORS) as daemon:
        logs.send_tcp(logs.doors(daemon)["tcp"], logs.framed([line] * 3, "octet"))
        wait_counter(daemon, "syslog_lines_total", 3)
        assert counters(daemon)["syslog_foreign_total"] == 0


def test_a_flood_of_datagrams_does_not_keep_the_daemon_from_ending(tmp_path):
    flood = """import contextlib, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(17, 103, 40)  # SOL_UDP, UDP_SEGMENT: 64 datagrams with each call
s.connect((sys.argv[1], int(sys.argv[2])))
while True:
    with contextlib.suppress(OSError):
        s.send(b"<13>" + b"x" * (40 * 64 - 4))
"""
    with toms.Daemon(tmp_path, DOORS) as daemon, contextlib.ExitStack() as senders:
        for _ in range(3):
            sender = subprocess.Popen([sys.executable, "-c", flood, *map(str, logs.doors(daemon)["udp"])])
            senders.callback(sender.wait)
            senders.callback(sender.kill)
        behind = lambda: counters(daemon)["syslog_queue_drops_total"] + counters(daemon)["syslog_kernel_drops_total"]
        toms.wait_for("more than can be taken", behind, 60)
        assert daemon.stop(seconds=8) == 0


@pytest.mark.sanitize
def test_a_stranger_who_floods_is_stopped_at_half_and_the_next_one_is_heard(tmp_path):
    line = b"<13>x" + b"y" * 995
    with toms.Daemon(tmp_path, [*DOORS, "syslog.unknown_limit=1M"]) as daemon:
        door = logs.doors(daemon)["tcp"]
        logs.send_tcp(door, (line + b"\n") * 2000, "127.0.0.2")
        logs.send_tcp(door, (line + b"\n") * 10, "127.0.0.3")
        wait_counter(daemon, "syslog_lines_total", 2010)
        mine = {s["address"]: s for s in sources(daemon)}
        kept = (1 << 20) // 2 // 1000
        assert mine["127.0.0.2"]["lost"] == 2000 - kept and mine["127.0.0.3"]["lost"] == 0
        assert counters(daemon)["syslog_limit_drops_total"] == 2000 - kept
        unknown = daemon.api.get("/api/v1/sources")["unknown"]
        assert unknown["dropped_lines"] == 2000 - kept and unknown["kept_lines"] == kept + 10
        used = unknown["kept_bytes"]
        daemon.stop()  # writes what the minute has lost so far
        daemon.start()
        assert room(daemon)["unknown"]["kept_bytes"] == used, "a restart gives nobody a new day"
        assert [g for g in lost(daemon) if g == ("limit", 2000 - kept)]


@pytest.mark.sanitize
def test_a_device_that_falls_silent_is_a_finding_until_it_is_back(tmp_path):
    line = b'<189>date=2026-11-23 devname="north" devid="FG100FTK00000003" type="event"\n'
    with toms.Daemon(tmp_path, [*DOORS, "syslog.silence=1s"]) as daemon:
        door = logs.doors(daemon)["tcp"]
        logs.send_tcp(door, line)
        toms.wait_for("its source", lambda: sources(daemon))
        logs.accept(daemon.api, serial="FG100FTK00000003")
        toms.wait_for("the finding", lambda: not room(daemon)["healthy"])
        assert "north" in json.dumps(room(daemon)["last_error"])
        assert sources(daemon)[0]["silent"] and sources(daemon)[0]["silent_since"]
        logs.send_tcp(door, line)
        toms.wait_for("its return", lambda: room(daemon)["healthy"] or "sends again" in daemon.log())
        gaps = toms.wait_for("the gap's rows", lambda: daemon.api.get("/api/v1/gaps")["items"])
        assert "north" in json.dumps(gaps) and "silent" in json.dumps(gaps)


def test_the_time_without_a_daemon_is_a_gap(tmp_path):
    daemon = toms.Daemon(tmp_path, DOORS)
    with daemon:
        logs.send_tcp(logs.doors(daemon)["tcp"], b"<13>x\n")
        wait_counter(daemon, "syslog_lines_total", 1)
    hour_ago_ns = time.time_ns() - 3600 * 10**9
    with contextlib.closing(sqlite3.connect(daemon.state / "tomsd.db")) as db, db:
        db.execute("UPDATE log_state SET value = ? WHERE name = 'alive'", (hour_ago_ns,))  # its last sign of life
    with daemon:
        api = daemon.first_admin()
        gap, = toms.wait_for("the gap's row", lambda: api.get("/api/v1/gaps", since="-2h")["items"])
        assert gap["toms"]["gap"]["kind"] == "down"
        began = datetime.datetime.fromisoformat(gap["event"]["start"][:19] + "+00:00").timestamp()
        ended = datetime.datetime.fromisoformat(gap["event"]["end"][:19] + "+00:00").timestamp()
        assert abs(began - hour_ago_ns / 1e9) < 2 and 3595 < ended - began < 3600 + 60 * toms.SLOW


def test_where_datagrams_are_received_the_shortest_stop_is_a_gap(tmp_path):
    for doors, kinds in ((DOORS[:1], ["down"]), (DOORS[1:], [])):
        daemon = toms.Daemon(tmp_path / str(len(kinds)), doors).start()
        daemon.stop()
        daemon.start()
        daemon.stop()
        assert [kind for kind, _ in lost(daemon)] == kinds


def test_datagrams_the_kernel_has_no_room_for_are_counted(tmp_path):
    n = 20000
    with toms.Daemon(tmp_path, [*DOORS, "syslog.receive_buffer=64K"]) as daemon:
        door = logs.doors(daemon)["udp"]
        os.kill(daemon.pid, signal.SIGSTOP)
        logs.send_udp(door, [b"<13>%06d %s" % (i, b"z" * 500) for i in range(n)])
        os.kill(daemon.pid, signal.SIGCONT)
        wait_counter(daemon, "syslog_udp_lines_total", 1)
        def told():
            logs.send_udp(door, [b"<13>one more"])  # the kernel tells with the next datagram
            now = counters(daemon)
            return now["syslog_kernel_drops_total"] > 0 and now
        now = toms.wait_for("the kernel's count", told)
        assert now["syslog_kernel_drops_total"] + now["syslog_udp_lines_total"] >= n
        daemon.stop()
        assert sum(lines for kind, lines in lost(daemon) if kind == "socket") >= now["syslog_kernel_drops_total"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_full_disk_slows_senders_down_and_loses_nothing(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip("cannot mount a tmpfs here: " + mounted.stderr.strip())
    n = 60000
    try:
        daemon = toms.Daemon(small, [*DOORS, "store.disk_reserve=0"])
        with daemon:
            ballast = small / "ballast"
            with contextlib.suppress(OSError), open(ballast, "wb", 0) as file:
                while True:
                    file.write(b"x" * 4096)
            sender = threading.Thread(target=logs.send_tcp, args=(logs.doors(daemon)["tcp"],
                                      b"".join(b'<189>date=2026-11-23 devid="FG100FTK00000004" n=%d %s\n' % (i, random.Random(i).randbytes(250).hex().encode())
                                               for i in range(n))))
            sender.start()
            toms.wait_for("a word about the full disk", lambda: re.search(r"full|no space|space left", daemon.log(), re.I), 60)
            toms.wait_for("the sender to be held up", lambda: sender.is_alive() and counters(daemon)["syslog_lines_total"] < n)
            ballast.unlink()
            subprocess.run(["mount", "-o", "remount,size=512m", small], check=True)
            sender.join(60)
            toms.wait_for("all lines on disk", lambda: logs.kept(daemon) >= n, 60)
            assert counters(daemon)["syslog_lines_total"] == n
            assert counters(daemon)["syslog_store_drops_total"] == 0
    finally:
        subprocess.run(["umount", "-l", small])


def test_a_kill_under_load_costs_the_commit_window_and_no_more(tmp_path):
    daemon = toms.Daemon(tmp_path, DOORS).start()
    window_s = room(daemon)["commit_window_ms"] / 1000
    sent = []  # (when it was handed over, number)
    with socket.create_connection(logs.doors(daemon)["tcp"]) as link, contextlib.suppress(OSError):
        kept_before = []

        def more_and_more():
            first = len(sent)
            link.sendall(b"".join(b'<189>date=2026-11-23 devid="FG100FTK00000005" n=%d\n' % i for i in range(first, first + 50)))
            sent.extend([time.monotonic()] * 50)
            kept_before.append(logs.kept(daemon))
            return kept_before[-1] >= 2000

        toms.wait_for("2,000 lines on disk", more_and_more, 60)
        killed = time.monotonic()
        daemon.kill()
    with toms.Daemon(tmp_path, DOORS) as again:
        kept = {int(re.search(r"n=(\d+)", row["event"]["original"]).group(1)) for row in logs.stored(again)}
    missing = [i for i in range(len(sent)) if i not in kept]
    assert len(kept) >= kept_before[-1] >= 2000
    assert all(killed - sent[i] <= window_s + 0.5 * toms.SLOW for i in missing), f"{len(missing)} are missing"
