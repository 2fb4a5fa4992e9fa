"""Bad days: the power goes, the disk is full, the file is damaged, and the daemon carries on without losing what it kept."""
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import time

import pytest
import toms

ROUNDS = 50


def look(state):
    """What any reader sees now: rows by table and by part, and whether sums agree with rows."""
    db = sqlite3.connect(f"file:{state}/tomsd.db?mode=ro", uri=True, timeout=20)
    try:
        db.execute("BEGIN")
        tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' AND name GLOB 'flow_[0-9]*' AND name NOT GLOB '*[a-z]_*_*'")]
        tables = [t for t in tables if re.fullmatch(r"flow_\d{8}", t)]
        rows = {t: db.execute(f"SELECT count(*), coalesce(sum(src_bytes),0)+coalesce(sum(dst_bytes),0) FROM {t}").fetchone() for t in tables}
        parts = {f"flow_{day}": n for day, n in db.execute("SELECT day, rows FROM part WHERE record='flow'")}
        rolled = db.execute("SELECT coalesce(sum(bytes_out+bytes_in),0), coalesce(sum(flows),0) FROM rollup_minute WHERE dim=0").fetchone()
        return {"rows": {t: n for t, (n, _) in rows.items()}, "parts": parts, "bytes": sum(b for _, b in rows.values()),
                "rolled": rolled[0], "n": sum(n for n, _ in rows.values())}
    finally:
        db.close()


def sound(state):
    db = sqlite3.connect(f"{state}/tomsd.db", timeout=20)
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        db.close()
    now = look(state)
    assert now["rows"] == now["parts"], "the list of days and the days differ"
    assert now["rolled"] == now["bytes"], "the sums and the rows differ"
    return now


def test_fifty_power_cuts_under_load_lose_no_committed_row(hospital, tmp_path):
    daemon = toms.Daemon(tmp_path)
    dice = random.Random(5)
    began = time.monotonic()  # how long it writes here when nobody cuts
    spare = toms.Daemon(tmp_path / "spare")
    toms.run(toms.BUILD / "tomsd", "-c", spare.file, "--replay", *hospital["files"])
    whole = time.monotonic() - began
    before, cuts = 0, 0
    for _ in range(4 * ROUNDS):
        if cuts == ROUNDS:
            break
        child = subprocess.Popen([toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *map(str, hospital["files"])],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + dice.uniform(0.05, 1) * whole
        seen = before
        while time.monotonic() < end and child.poll() is None:
            try:  # rows that a reader has seen are committed
                seen = look(daemon.state)["n"]
            except sqlite3.Error:
                pass
        cuts += child.poll() is None
        child.kill()
        child.wait(30)
        if not (daemon.state / "tomsd.db").exists():
            continue
        try:
            after = sound(daemon.state)["n"]
        except sqlite3.OperationalError as none_yet:
            assert "no such table" in str(none_yet) and before == 0
            continue
        assert after >= seen >= before
        before = after
    assert cuts == ROUNDS, "it must be cut while it writes"
    assert before > 0
    done = toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"])
    assert sound(daemon.state)["n"] == before + json.loads(done.stdout)["flows"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_full_disk_is_told_waited_for_and_loses_nothing(hospital, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip("cannot mount a tmpfs here: " + mounted.stderr.strip())
    try:
        daemon = toms.Daemon(tmp_path / "d", conf=[f"store.path={small}/state", "store.disk_reserve=0"])
        daemon.state = small / "state"
        ballast = small / "ballast"
        ballast.write_bytes(b"x" * (23 << 20))
        log = open(tmp_path / "log", "w+")
        child = subprocess.Popen([toms.BUILD / "tomsd", "-c", daemon.file, "--set", f"store.path={small}/state", "--set", "store.disk_reserve=0",
                                  "--replay", *map(str, hospital["files"])], stdout=subprocess.PIPE, stderr=log, text=True)
        said = lambda: open(tmp_path / "log").read()
        toms.wait_for("a word about the full disk", lambda: re.search(r"full|no space|space left", said(), re.I) or child.poll() is not None, 60)
        assert child.poll() is None, "it must wait, not end:\n" + said()
        ballast.unlink()
        out, _ = child.communicate(timeout=120 * toms.SLOW)
        assert child.returncode == 0, said()
        assert sound(daemon.state)["n"] == json.loads(out)["flows"]
    finally:
        subprocess.run(["umount", "-l", small])


@pytest.mark.sanitize
def test_a_damaged_database_is_put_aside_and_watching_goes_on(hospital, tmp_path):
    daemon = toms.Daemon(tmp_path)
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", hospital["files"][0])
    with open(daemon.state / "tomsd.db", "r+b") as f:
        f.write(b"this is no database" * 100)
    with daemon as live:
        assert live.client().raw("GET", "/healthz")[0] == 200
        assert "damage" in live.log() or "corrupt" in live.log() or ".bad" in live.log()
    assert any(".bad" in p.name for p in daemon.state.iterdir())


def test_a_store_of_a_newer_version_is_refused_in_plain_words(tmp_path):
    daemon = toms.Daemon(tmp_path)
    with daemon:
        pass
    db = sqlite3.connect(daemon.state / "tomsd.db")
    db.execute("PRAGMA user_version = 999")
    db.commit()
    db.close()
    done = toms.run(toms.BUILD / "tomsd", "-c", daemon.file, ok=False)
    assert done.returncode == 1
    assert "newer" in done.stderr


@pytest.mark.sanitize
def test_an_orderly_stop_in_the_middle_writes_the_open_flows(hospital, tmp_path):
    """Flows that are open when it is asked to end become rows."""
    daemon = toms.Daemon(tmp_path)
    fifo = tmp_path / "fifo.pcap"
    os.mkfifo(fifo)
    child = subprocess.Popen([toms.BUILD / "tomsd", "-c", daemon.file, "--replay", str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with open(fifo, "wb") as pipe:
        pipe.write(open(hospital["files"][0], "rb").read()[:200_000])
        pipe.flush()
        toms.wait_for("the store to be there", lambda: (daemon.state / "tomsd.db").exists())
        child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=60 * toms.SLOW)
    assert child.returncode == 1 and "before the files were at their end" in err, err
    assert sound(daemon.state)["n"] > 0
    reasons = {r["toms"]["flow"]["end_reason"] for r in daemon.rows("flows", "--limit", "0")}
    assert reasons & {"shutdown", "eof"}, "conversations that were open are rows too"
