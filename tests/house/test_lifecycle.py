"""The daemon's life: start, trouble in words, reload, stop, and what it may do meanwhile."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest
import toms


@pytest.mark.sanitize
def test_it_starts_says_where_it_listens_and_stops_cleanly(tmp_path):
    with toms.Daemon(tmp_path) as daemon:
        assert daemon.url.startswith("https://127.0.0.1:")
        status, _, body = daemon.client().raw("GET", "/healthz")
        assert (status, body.strip()) == (200, b"ok")
    assert daemon.process.returncode == 0


def test_all_mistakes_of_a_configuration_are_told_at_once_with_their_lines(tmp_path):
    bad = tmp_path / "bad.conf"
    bad.write_text("[store]\npath = /tmp/x\nretension = 90d\n[capture]\nsnaplen = many\n[nowhere]\nkey = 1\n[appliance]\ntimezone = Asia/Tokio\n")
    done = toms.run(toms.BUILD / "tomsd", "-c", bad, "--check", ok=False)
    assert done.returncode == 1
    for line in (3, 5, 6, 9):
        assert f"bad.conf:{line}:" in done.stderr, done.stderr
    assert "retention" in done.stderr  # what was probably meant


def test_the_whole_configuration_of_the_contract_is_accepted(tmp_path):
    good = tmp_path / "good.conf"
    good.write_text("[appliance]\nid = h1\nname = 病院\ntimezone = Asia/Tokyo\n[store]\npath = %s\nretention = 90d\ndisk_limit = 200G\n"
                    "[capture]\ninterface = eth1\nsnaplen = 65535\nfilter = not port 22\n[panel]\nlisten = 127.0.0.1:8443\n"
                    "[syslog]\nudp = 127.0.0.1:5514\n[s3 \"tokyo\"]\nendpoint = https://s3.example\nbucket = logs\n"
                    "[mail]\nserver = smtp.example\n[fortigate \"fw1\"]\nurl = https://192.0.2.1\n" % (tmp_path / "s"))
    assert toms.run(toms.BUILD / "tomsd", "-c", good, "--check").returncode == 0


def test_a_second_daemon_on_the_same_state_is_refused_with_the_reason(tmp_path):
    with toms.Daemon(tmp_path) as daemon:
        done = toms.run(toms.BUILD / "tomsd", "-c", daemon.file, ok=False)
        assert done.returncode == 1
        assert "lock" in done.stderr.lower() or "already" in done.stderr.lower()


def test_it_has_no_privilege_left_and_cannot_get_one(tmp_path):
    with toms.Daemon(tmp_path) as daemon:
        status = open(f"/proc/{daemon.pid}/status").read()
        for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            assert re.search(rf"{kind}:\s+0+$", status, re.M), status
        assert re.search(r"NoNewPrivs:\s+1", status)
        assert re.search(r"Seccomp:\s+2", status) or "seccomp" in daemon.log()
        for thread in os.listdir(f"/proc/{daemon.pid}/task"):
            text = open(f"/proc/{daemon.pid}/task/{thread}/status").read()
            assert re.search(r"CapEff:\s+0+$", text, re.M), text


def test_it_tells_systemd_when_it_is_ready_and_that_it_is_alive(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(path)
        ear.settimeout(20 * toms.SLOW)
        with toms.Daemon(tmp_path / "d", env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"}):
            heard = ""
            while "READY=1" not in heard or "WATCHDOG=1" not in heard:
                heard += ear.recv(4096).decode() + "\n"
        while "STOPPING=1" not in heard:
            heard += ear.recv(4096).decode() + "\n"


def test_a_reload_with_a_broken_file_keeps_the_old_settings(tmp_path):
    with toms.Daemon(tmp_path) as daemon:
        text = daemon.file.read_text()
        daemon.file.write_text(text + "[store]\nretention = soon\n")
        daemon.process.send_signal(signal.SIGHUP)
        toms.wait_for("a word about the broken file", lambda: re.search(r"retention", daemon.log().split("ready", 1)[1]))
        assert daemon.client().raw("GET", "/healthz")[0] == 200
        daemon.file.write_text(text)


def test_status_names_every_room_and_works_without_a_daemon(tmp_path):
    with toms.Daemon(tmp_path) as daemon:
        status = json.loads(daemon.ctl("status", "--json").stdout)
        rooms = status["rooms"]
        names = {r["name"] for r in rooms} if isinstance(rooms, list) else set(rooms)
        assert {"store", "panel", "flow", "capture"} <= names
        assert status["threads"]
    done = daemon.ctl("status")
    assert "not running" in (done.stdout + done.stderr)


def test_wrong_usage_is_told_apart_from_failure(tmp_path):
    assert toms.run(toms.BUILD / "tomsd", "--no-such-option", ok=False).returncode == 2
    assert toms.run(toms.BUILD / "tomsctl", "nonsense", ok=False).returncode == 2
    assert toms.run(toms.BUILD / "tomsctl", "-c", tmp_path / "absent.conf", "flows", ok=False).returncode == 1
    for program in ("tomsd", "tomsctl"):
        assert toms.run(toms.BUILD / program, "--version").stdout.strip()
        assert "usage" in toms.run(toms.BUILD / program, "--help").stdout.lower()


def test_a_replay_of_nonsense_fails_in_one_sentence(tmp_path):
    file = tmp_path / "x.pcap"
    file.write_bytes(b"not a capture file at all")
    daemon = toms.Daemon(tmp_path / "d")
    done = subprocess.run([toms.BUILD / "tomsd", "-c", daemon.file, "--replay", file], capture_output=True, text=True)
    assert done.returncode == 1
    assert "x.pcap" in done.stderr
