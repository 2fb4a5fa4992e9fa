#!/usr/bin/env python3
"""A real S3 server for tests: Debian's radosgw over one monitor and one OSD that keeps everything in memory.

    s3_server.py start DIR [--tls]    starts it below DIR (a short path: it holds sockets), writes DIR/env
    s3_server.py stop DIR [--wipe]    ends the processes that DIR/pids names, and no others
    s3_server.py gateway DIR kill|start

Loopback only, ports of the kernel's choice, no root, no systemd, no cephx. Needs the packages radosgw, ceph-mon, ceph-osd.
DIR/env is for `. DIR/env`: S3_ENDPOINT S3_REGION S3_ACCESS S3_SECRET, with TLS also S3_CA. What is in it lives as
long as the OSD does; the gateway may be killed and started again without loss.
"""
import contextlib
import ctypes
import os
import pathlib
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid

NEEDED = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph")

CONF = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
mon initial members = a
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
run dir = {dir}
admin socket =
crash dir = {dir}
log file = {dir}/$name.log
log to stderr = false
mon cluster log file = {dir}/cluster.log
# One daemon after the other takes the next port behind the monitor's. The default range ends at 7300.
ms bind ipv6 = false
ms bind msgr1 = false
ms bind port min = {osd_port}
ms bind port max = {osd_port_last}
# One copy, one placement group a pool: it is gone tomorrow.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
# A monitor alone need not wait for the others' votes.
paxos propose interval = 0.02
paxos min wait = 0.01
[mon.a]
mon data = {dir}/mon
mon data avail crit = 1
mon data avail warn = 1
[osd]
osd data = {dir}/osd
osd objectstore = memstore
# A gateway that was killed keeps its watch so long, and the next one waits for it with its first bucket.
osd client watch timeout = 2
memstore device bytes = 6442450944
[client.admin]
log file =
[client.rgw]
# The gateway insists on a secure connection to the monitor, which needs the keys that "none" does not have.
ms mon client mode = crc
rgw data = {dir}/rgw
rgw frontends = beast {frontend}
# Names below it are buckets: host style.
rgw dns name = s3.localhost
rgw rados pool pg num min = 1
rgw dynamic resharding = false
rgw enable usage log = false
rgw enable ops log = false
rgw crypt require ssl = false
debug rgw = 1
"""


def missing():
    """Names of the programs that are not installed."""
    return [name for name in NEEDED if not shutil.which(name)]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_certificates(folder):
    """An authority of our own and a certificate for 127.0.0.1, localhost and buckets below s3.localhost (host style)."""
    folder.mkdir(exist_ok=True)

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:s3.localhost,DNS:*.s3.localhost\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-subj", "/CN=authority of a test",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3", "-extfile", "names",
            "-out", "server.pem")


def die_with_parent():
    """In a child: the kernel ends it with whoever started it, however that one ended."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Server:
    def __init__(self, folder, bound=False):
        """bound: the daemons end with this process (with its main thread)."""
        self.bound = bound
        self.folder = pathlib.Path(folder).absolute()
        if len(str(self.folder)) > 70:
            raise ValueError(f"{self.folder}: too long a path for Ceph's sockets")

    @property
    def env(self):
        lines = (self.folder / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def _pids(self):
        with contextlib.suppress(FileNotFoundError):
            return dict(line.split() for line in (self.folder / "pids").read_text().splitlines())
        return {}

    def _note(self, pids):
        (self.folder / "pids").write_text("".join(f"{name} {pid}\n" for name, pid in pids.items()))

    def _is_ours(self, pid):
        """Still the process that was started here, and not another one with its number."""
        with contextlib.suppress(OSError):
            return str(self.folder / "ceph.conf").encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        return False

    def _launch(self, name, *argv):
        with open(self.folder / f"{name}.out", "ab") as out:
            child = subprocess.Popen([*argv, "-f", "-c", str(self.folder / "ceph.conf")], stdout=out, stderr=out,
                                     stdin=subprocess.DEVNULL, start_new_session=True,
                                     preexec_fn=die_with_parent if self.bound else None)
        self._note({**self._pids(), name: child.pid})
        return child

    def _tool(self, *argv):
        done = subprocess.run([*argv, "-c", str(self.folder / "ceph.conf")], capture_output=True, text=True, timeout=90)
        if done.returncode:
            raise RuntimeError(f"{argv[0]}: {done.stderr[-2000:]}")
        return done.stdout

    def start(self, tls=False):
        d = self.folder
        d.mkdir(parents=True, exist_ok=True)
        for part in ("mon", "osd", "rgw"):
            (d / part).mkdir(exist_ok=True)
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        mon_port, port = free_port(), free_port()
        osd_port = min(mon_port + 1, 65000)
        frontend = f"endpoint=127.0.0.1:{port}"
        if tls:
            make_certificates(d / "tls")
            frontend = f"ssl_endpoint=127.0.0.1:{port} ssl_certificate={d}/tls/server.pem ssl_private_key={d}/tls/server.key"
        (d / "ceph.conf").write_text(CONF.format(dir=d, fsid=fsid, mon_port=mon_port, osd_port=osd_port, osd_port_last=osd_port + 500,
                                                 frontend=frontend + " tcp_nodelay=1"))
        env = {"S3_ENDPOINT": f"http{'s' if tls else ''}://127.0.0.1:{port}", "S3_REGION": "us-east-1",
               "S3_ACCESS": "TEST" + secrets.token_hex(8).upper(), "S3_SECRET": secrets.token_hex(20)}
        if tls:
            env["S3_CA"] = str(d / "tls/ca.pem")
        (d / "env").write_text("".join(f"{k}={v}\n" for k, v in env.items()))
        (d / "env").chmod(0o600)
        try:
            subprocess.run(["monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon_port}]", str(d / "monmap")],
                           check=True, capture_output=True)
            self._tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", str(d / "monmap"))
            self._launch("mon", "ceph-mon", "-i", "a")
            self._tool("ceph", "--connect-timeout", "30", "osd", "new", osd)
            self._tool("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
            self._launch("osd", "ceph-osd", "-i", "0")
            self._tool("radosgw-admin", "user", "create", "--uid=test", "--display-name=test", f"--access-key={env['S3_ACCESS']}",
                       f"--secret-key={env['S3_SECRET']}")
            self.start_gateway()
        except BaseException:
            self.stop()
            raise
        return env

    def start_gateway(self):
        child = self._launch("rgw", "radosgw", "-n", "client.rgw")
        host, port = self.env["S3_ENDPOINT"].split("://")[1].split(":")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if child.poll() is not None:
                raise RuntimeError(f"radosgw ended with {child.returncode}: see {self.folder}")
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.05)
        raise RuntimeError("radosgw does not listen")

    def kill_gateway(self):
        self._end("rgw", signal.SIGKILL)

    def _end(self, name, how):
        pids = self._pids()
        pid = int(pids.pop(name, 0))
        if pid and self._is_ours(pid):
            gone = os.pidfd_open(pid)
            os.kill(pid, how)
            if not select.select([gone], [], [], 15)[0]:  # readable once it has ended
                os.kill(pid, signal.SIGKILL)
                select.select([gone], [], [], 15)
            os.close(gone)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._note(pids)

    def stop(self, wipe=False):
        for name in ("rgw", "osd", "mon"):
            self._end(name, signal.SIGKILL)
        if wipe and (self.folder / "ceph.conf").exists():
            shutil.rmtree(self.folder)


def main(argv):
    if len(argv) < 3 or argv[1] not in ("start", "stop", "gateway"):
        print(__doc__, file=sys.stderr)
        return 2
    server = Server(argv[2])
    if argv[1] == "start":
        if missing():
            print(f"missing: {' '.join(missing())} (packages radosgw ceph-mon ceph-osd)", file=sys.stderr)
            return 3
        began = time.monotonic()
        env = server.start(tls="--tls" in argv)
        print(f"{env['S3_ENDPOINT']} after {time.monotonic() - began:.1f} s; . {server.folder}/env")
    elif argv[1] == "stop":
        server.stop(wipe="--wipe" in argv)
    elif argv[3] == "kill":
        server.kill_gateway()
    else:
        server.start_gateway()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
