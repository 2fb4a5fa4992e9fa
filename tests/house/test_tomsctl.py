"""tomsctl: questions with and without a daemon, words that make no sense, a forgotten password."""
import csv
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import termios

import pytest
import toms


@pytest.fixture(scope="module")
def stored(hospital, tmp_path_factory):
    """A store with a made-up day in it, and no daemon."""
    daemon = toms.Daemon(tmp_path_factory.mktemp("stored"))
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    return daemon


def test_a_limit_counts_rows_and_0_is_all(stored):
    everything = stored.rows("flows", "--limit", "0")
    assert len(everything) > 200
    assert len(stored.rows("flows")) == 100
    assert stored.rows("flows", "--limit", "7") == everything[:7]


def test_a_minus_turns_a_filter_around(stored):
    everything = len(stored.rows("flows", "--limit", "0"))
    dns = len(stored.rows("flows", "--limit", "0", "--app", "dns"))
    others = len(stored.rows("flows", "--limit", "0", "--app", "-dns"))
    assert 0 < dns < everything and dns + others == everything


def test_words_of_the_search_box_work_too(stored):
    big = stored.rows("flows", "--limit", "0", "network.bytes>100KB", "-app:dns")
    assert big and all(r["network"]["bytes"] > 100000 for r in big)
    sizes = [r["network"]["bytes"] for r in stored.rows("flows", "--sort", "bytes", "--limit", "20")]
    assert sizes == sorted(sizes, reverse=True)


def test_the_table_for_people_has_one_line_a_row_and_no_control_characters(stored):
    lines = stored.ctl("flows", "--limit", "30").stdout.splitlines()
    assert len(lines) == 31 and lines[0].startswith("LAST PACKET (JST)")
    assert all(c >= " " for line in lines for c in line)


@pytest.mark.parametrize("words", [("flows", "--limit", "many"), ("flows", "--since", "yesterday"), ("flows", "--sort", "x"),
                                   ("flows", "--limit"), ("flows", "no.such.field>1"), ("flows", "--nonsense"),
                                   ("audit", "--since", "yesterday"), ("user",), ("status", "x"), ("archive", "unseal"), ("logs", "--sort", "x"), ("flows", "--raw"), ()])
def test_wrong_words_are_wrong_usage_in_one_line(stored, words):
    done = stored.ctl(*words, ok=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and done.stdout == ""


def test_what_needs_the_daemon_says_so(stored):
    done = stored.ctl("user", "list", ok=False)
    assert done.returncode == 1 and "not running" in done.stderr
    status = json.loads(stored.ctl("status", "--json").stdout)
    assert status["stale"] is True and status["rooms"]["store"]["newest_day"] > 20000000


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_a_stranger_is_told_that_he_may_not(stored):
    shutil.copy(toms.BUILD / "tomsctl", "/tmp/tomsctl-of-a-stranger")
    try:
        done = toms.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/tmp/tomsctl-of-a-stranger",
                        "flows", ok=False)
    finally:
        os.unlink("/tmp/tomsctl-of-a-stranger")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_the_audit_log_goes_into_a_spreadsheet(tmp_path):
    with toms.Daemon(tmp_path) as daemon:
        daemon.first_admin()
        rows = list(csv.DictReader(io.StringIO(daemon.ctl("audit", "--csv").stdout)))
        assert [r["event.action"] for r in rows] == ["session.sign_in", "setup.done"]
        assert {(r["user.name"], r["user.roles"], r["source.ip"], r["event.outcome"]) for r in rows} == {
            ("sato", "admin", "127.0.0.1", "success")}
        table = daemon.ctl("audit").stdout.splitlines()
        assert table[0].startswith("TIME (JST)") and len(table) == 3
        assert daemon.ctl("audit", "--utc").stdout.startswith("TIME (UTC)")
        assert len(daemon.rows("audit", "--text", "SETUP", "--host", "127.")) == 1 and not daemon.rows("audit", "--host", "10.")


def test_who_leaves_a_password_prompt_gets_a_terminal_that_shows_what_is_typed(tmp_path):
    with toms.Daemon(tmp_path) as daemon:
        daemon.first_admin()
        child, terminal = pty.fork()
        if child == 0:  # the shell keeps the terminal open when tomsctl is gone
            os.execv("/bin/sh", ["sh", "-c", 'trap : INT; "$@"; echo left; read line', "sh", str(toms.BUILD / "tomsctl"),
                                 "-c", str(daemon.file), "user", "reset-password", "sato"])
        said = b""
        try:
            while b"New password" not in said:
                said += os.read(terminal, 4096)
            toms.wait_for("a prompt that hides", lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO)
            os.write(terminal, b"\x03")
            while b"left" not in said:
                said += os.read(terminal, 4096)
            assert termios.tcgetattr(terminal)[3] & termios.ECHO
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(terminal)


def test_a_forgotten_password_is_replaced_from_the_shell_and_audited(tmp_path):
    new = "a new and longer pass phrase"
    with toms.Daemon(tmp_path) as daemon:
        api = daemon.first_admin("sato")
        assert "sato" in daemon.ctl("user", "list").stdout
        argv = [toms.BUILD / "tomsctl", "-c", daemon.file, "user", "reset-password", "sato"]
        short = subprocess.run(argv, input="short\n", capture_output=True, text=True)
        assert short.returncode == 1 and "12" in short.stderr
        assert subprocess.run(argv, input=new + "\n", capture_output=True, text=True).returncode == 0
        api.call("GET", "/api/v1/users", expect=401)  # every session of theirs has ended
        daemon.client().sign_in("sato", new)
        nobody = subprocess.run([*argv[:-1], "nobody"], input=new + "\n", capture_output=True, text=True)
        assert nobody.returncode == 1
        running = [r["event"]["action"] for r in daemon.rows("audit")]
    assert "user.password_reset" in running
    assert [r["event"]["action"] for r in daemon.rows("audit")][-len(running):] == running  # without a daemon, too
