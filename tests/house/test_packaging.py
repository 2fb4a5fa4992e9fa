"""What is installed: the unit's exposure, manual pages and example out of the tables, the package's whole life."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest
import toms

ROOT = toms.ROOT
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def has(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


@pytest.mark.skipif(not has("systemd-analyze"), reason="needs systemd-analyze")
def test_the_unit_is_exposed_by_no_more_than_2():
    said = toms.run("systemd-analyze", "security", "--offline=true", ROOT / "packaging/tomsd.service").stdout
    assert float(re.search(r"Overall exposure level for tomsd.service: ([\d.]+)", said).group(1)) <= 2.0


def test_manual_example_and_map_agree_with_the_tables():
    done = toms.run("sh", ROOT / "packaging/tables.sh", toms.BUILD / "tomsd", "check", ok=False)
    assert done.returncode == 0, done.stderr


def test_the_example_is_a_configuration_without_errors():
    assert toms.run(toms.BUILD / "tomsd", "-c", ROOT / "etc/tomsd.conf.example", "--check").returncode == 0


@pytest.mark.skipif(not has("man"), reason="needs man")
@pytest.mark.parametrize("page", ["tomsd.8", "tomsctl.1", "tomsd.conf.5"])
def test_manual_pages_are_set_without_a_warning(page):
    done = toms.run("man", "-l", "--warnings", ROOT / "docs/man" / page, env={"MANWIDTH": "90", "LC_ALL": "C.UTF-8"})
    assert done.stderr == ""
    assert "TOMS" in done.stdout


def test_the_manual_names_every_option_of_the_programs():
    for program, page in (("tomsd", "tomsd.8"), ("tomsctl", "tomsctl.1")):
        text = (ROOT / "docs/man" / page).read_text().replace("\\-", "-")
        for word in re.findall(r"--[a-z][a-z-]+", toms.run(toms.BUILD / program, "--help").stdout):
            assert word in text or word in ("--help", "--version"), f"{page} lacks {word}"


def test_install_puts_everything_below_destdir(tmp_path):
    toms.run("make", "-s", "-C", ROOT, "install", f"DESTDIR={tmp_path}", timeout=900)
    there = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert {"usr/sbin/tomsd", "usr/bin/tomsctl", "usr/lib/systemd/system/tomsd.service", "usr/lib/sysusers.d/tomsd.conf",
            "usr/lib/tmpfiles.d/tomsd.conf", "usr/share/man/man8/tomsd.8", "usr/share/man/man1/tomsctl.1",
            "usr/share/man/man5/tomsd.conf.5", "etc/tomsd/tomsd.conf"} <= there


class Fresh:
    """A Debian of its own, as small as it gets."""

    def __init__(self, path):
        self.path = path

    def do(self, *argv, ok=True, **words):
        env = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        return toms.run("chroot", self.path, *argv, ok=ok, env=env, timeout=600, **words)

    def stat(self, path):
        return self.do("stat", "-c", "%U:%G %a", path).stdout.strip()

    def has(self, path):
        return os.path.lexists(self.path / path.lstrip("/"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    if os.geteuid() != 0 or not has("debootstrap"):
        pytest.skip("needs root and debootstrap")
    folder = tmp_path_factory.mktemp("fresh") / "root"
    codename = re.search(r"VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text()).group(1)
    try:
        done = toms.run("debootstrap", "--variant=minbase", codename, folder, ok=False, timeout=600)
    except subprocess.TimeoutExpired:
        pytest.skip("debootstrap took too long")
    if done.returncode:
        pytest.skip("no packages can be fetched here: " + done.stdout.strip().splitlines()[-1])
    (folder / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (folder / "usr/sbin/policy-rc.d").chmod(0o755)
    yield Fresh(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def package():
    toms.run("make", "-s", "-C", ROOT, "deb", timeout=900)
    (found,) = (ROOT / "build/deb").glob("tomsd_*.deb")
    return found


def renamed(package, folder, version):
    """The same package as a later version of itself."""
    root = folder / "later"
    toms.run("dpkg-deb", "-R", package, root)
    control = root / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    (root / "etc/tomsd/tomsd.conf").write_text((root / "etc/tomsd/tomsd.conf").read_text() + "\n# of the later version\n")
    out = folder / "later.deb"
    toms.run("dpkg-deb", "--root-owner-group", "-b", root, out)
    return out


def users_of(fresh):
    return set(re.findall(r"(?m)^(\w+):", (fresh.path / "etc/passwd").read_text()))


def test_the_package_installs_runs_upgrades_and_purges_cleanly(fresh, package, tmp_path):
    before = users_of(fresh)
    shutil.copy(package, fresh.path / "tmp/tomsd.deb")
    fresh.do("apt-get", "update", "-qq")
    fresh.do("apt-get", "install", "-y", "-qq", "--no-install-recommends", "/tmp/tomsd.deb")
    assert users_of(fresh) - before == {"tomsd"}
    assert fresh.stat("/var/lib/tomsd") == "tomsd:tomsd 700"
    assert fresh.stat("/etc/tomsd") == "root:tomsd 750"
    assert fresh.stat("/etc/tomsd/tomsd.conf") == "root:tomsd 640"
    assert "no errors" in fresh.do("tomsd", "--check").stdout
    assert "not running" in fresh.do("tomsctl", "status").stdout
    assert not toms.run("chroot", fresh.path, "ldd", "/usr/sbin/tomsd").stdout.count("not found")

    daemon = subprocess.Popen(["chroot", "--userspec=tomsd:tomsd", fresh.path, "/usr/sbin/tomsd", "--set", "capture.interface=none",
                               "--set", "panel.listen=127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(daemon.stderr), daemon=True)
    reader.start()
    try:
        toms.wait_for("the packaged daemon", lambda: any("tomsd: ready" in l for l in lines) or daemon.poll() is not None, 30)
        assert daemon.poll() is None, "".join(lines)
    finally:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0, "".join(lines)
    assert fresh.has("/var/lib/tomsd/tomsd.db")

    conf = fresh.path / "etc/tomsd/tomsd.conf"
    conf.write_text(conf.read_text() + "[appliance]\nid = changed-by-hand\n")
    shutil.copy(renamed(package, tmp_path, "99.0"), fresh.path / "tmp/later.deb")
    fresh.do("dpkg", "--force-confold", "-i", "/tmp/later.deb")
    assert "99.0" in fresh.do("dpkg-query", "-W", "tomsd").stdout
    assert "changed-by-hand" in conf.read_text()
    assert fresh.has("/var/lib/tomsd/tomsd.db")
    assert fresh.stat("/etc/tomsd/tomsd.conf") == "root:tomsd 640"

    fresh.do("dpkg", "-r", "tomsd")
    assert fresh.has("/var/lib/tomsd/tomsd.db") and fresh.has("/etc/tomsd/tomsd.conf")
    assert not fresh.has("/usr/sbin/tomsd")
    fresh.do("dpkg", "-P", "tomsd")
    assert users_of(fresh) == before
    left = [str(p) for top in ("etc", "usr", "var/lib") for p in (fresh.path / top).rglob("*tomsd*")]
    assert left == []


def syscalls_of(group):
    out = set()
    for line in toms.run("systemd-analyze", "syscall-filter", group).stdout.splitlines()[1:]:
        name = line.strip()
        if name and not name.startswith("#"):
            out |= syscalls_of(name) if name.startswith("@") else {name}
    return out


def unit_allows():
    """What SystemCallFilter= lines of the unit leave, in their order."""
    allowed = set()
    for line in re.findall(r"(?m)^SystemCallFilter=(.*)$", (ROOT / "packaging/tomsd.service").read_text()):
        names = set()
        for word in line.lstrip("~").split():
            names |= syscalls_of(word) if word.startswith("@") else {word}
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


@needs_root
@pytest.mark.skipif(not (has("strace") and has("systemd-analyze") and has("setpriv")),
                    reason="needs strace, systemd-analyze and setpriv")
def test_the_daemon_lives_on_what_its_unit_gives_it(tmp_path):
    """Own user, two capabilities, and no system call outside of the unit's filter."""
    state = tmp_path / "state"
    program, conf, trace = tmp_path / "tomsd", tmp_path / "tomsd.conf", tmp_path / "trace"
    shutil.copy(toms.BUILD / "tomsd", program)
    state.mkdir()
    trace.touch()
    conf.write_text(f"[store]\npath = {state}\n[panel]\nlisten = 127.0.0.1:0\n[capture]\ninterface = lo\n")
    for path in (state, trace):
        os.chown(path, 65534, 65534)
    for folder in [tmp_path, *list(tmp_path.parents)[:2]]:
        folder.chmod(0o755)
    caps = "-all,+net_raw,+net_bind_service"
    daemon = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               f"--inh-caps={caps}", f"--ambient-caps={caps}", f"--bounding-set={caps}", "--no-new-privs",
                               program, "-c", conf], stderr=subprocess.PIPE, text=True)
    lines = []
    threading.Thread(target=lambda: lines.extend(daemon.stderr), daemon=True).start()
    toms.wait_for("the daemon under strace", lambda: any("ready" in l for l in lines) or daemon.poll() is not None, 60)
    text = "".join(lines)
    assert daemon.poll() is None and 'interface "lo" is up' in text, text
    toms.Client(re.search(r"https://[\d.:]+", text).group(0)).get("/healthz")
    pid = int(re.search(r"^(\d+) ", trace.read_text()).group(1))
    for how in (signal.SIGHUP, signal.SIGTERM):
        os.kill(pid, how)
    daemon.wait(60)
    begun = trace.read_text().split(f'execve("{program}"', 1)[1]
    used = set(re.findall(r"(?m)^\d+ +([a-z_0-9]+)\(", begun))
    assert {"seccomp", "landlock_restrict_self", "fdatasync"} & used  # the trace is of the daemon
    assert used - unit_allows() == set()
    refused = [line for line in begun.splitlines() if re.search(r"= -1 E(PERM|ACCES)", line)]
    # Dropping from the bounding set needs CAP_SETPCAP and matters only with it; malloc asks for
    # overcommit_memory and is content without an answer.
    assert [line for line in refused if not re.search("PR_CAPBSET_DROP|overcommit_memory", line)] == []
