"""make bench B=syslog: FortiGate lines until they are parsed and on disk: tomsd beside rsyslog and syslog-ng.

The peers are unpacked by tests/tools/peers.sh into build/peers and run from there with configurations of their
own on loopback. Every who is fed by the same sender (tests/tools/log_send.c) with the same lines; CPU is
user + system of the daemon alone, from its start of work to its last line; the time ends when the last line is in
the file, or committed. Medians of RUNS. LINES is how many, CORPUS another file of lines, DOORS some of "tcp",
"udp 50000/s", "udp full speed", "tcp octet", "tls" with commas between. "generated" lines are all different; "corpus"
is 66 real ones again and again, which any compression likes.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build/tests/tools"
PEERS = ROOT / "build/peers"
LIB = PEERS / "root/usr/lib"
ARCH = next((p.name for p in LIB.glob("*-linux-gnu")), "x86_64-linux-gnu")
TICK = os.sysconf("SC_CLK_TCK")
sys.path.insert(0, str(ROOT / "tests/house"))

RSYSLOG = """
global(workDirectory="{dir}" maxMessageSize="64k")
module(load="imptcp") module(load="imudp") module(load="mmnormalize")
main_queue(queue.size="300000" queue.dequeueBatchSize="1024")
input(type="imptcp" address="127.0.0.1" port="{port}")
input(type="imudp" address="127.0.0.1" port="{port}" rcvbufSize="16m")
template(name="raw" type="string" string="%rawmsg%\\n")
template(name="parsed" type="string" string="%$!all-json%\\n")
"""
RSYSLOG_RAW = 'action(type="omfile" file="{out}" template="raw" ioBufferSize="128k")\n'
RSYSLOG_KV = """
action(type="mmnormalize" ruleBase="{dir}/kv.rb" useRawMsg="on")
action(type="omfile" file="{out}" template="parsed" ioBufferSize="128k")
"""
# liblognorm has no "name = maybe quoted value" of its own that takes blanks: a list of pairs does.
RULES = """version=2
rule=:<%pri:number%>%fields:repeat{"parser":[{"type":"char-to","name":"k","extradata":"="},{"type":"literal","text":"="},{"type":"op-quoted-string","name":"v"}],"while":{"type":"literal","text":" "}}%
"""
SYSLOG_NG = """@version: 3.38
options {{ use-dns(no); keep-hostname(yes); stats-freq(0); threaded(yes); log-fifo-size(200000); flush-lines(1000); }};
source s {{
	network(ip("127.0.0.1") port({port}) transport("tcp") flags(no-parse) log-iw-size(20000) log-msg-size(65536));
	network(ip("127.0.0.1") port({port}) transport("udp") flags(no-parse) so-rcvbuf(16777216) log-msg-size(65536));
}};
"""
NG_RAW = 'destination d {{ file("{out}" template("$MSG\\n")); }};\nlog {{ source(s); destination(d); flags(flow-control); }};\n'
NG_KV = """parser p {{ kv-parser(prefix(".f.")); }};
destination d {{ file("{out}" template("$(format-json --key .f.*)\\n")); }};
log {{ source(s); parser(p); destination(d); flags(flow-control); }};
"""
COLUMNS = ("date time devname devid eventtime logid type subtype level srcip srcport dstip dstport proto action policyid "
           "service sentbyte rcvdbyte msg").split()
NG_SQL = """parser p {{ kv-parser(prefix(".f.")); }};
destination d {{ sql(type(sqlite3) database("{out}") table("logs") flush-lines(1000) flags(explicit-commits)
	columns({columns}) values({values}) indexes("srcip", "dstip")); }};
log {{ source(s); parser(p); destination(d); flags(flow-control); }};
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_of(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def send(port, file, count, via="tcp", framing="lf", rate=0, connections=1):
    argv = [TOOLS / "log_send", "--to", f"127.0.0.1:{port}", "--via", via, "--framing", framing, "--count", count, "--rate", rate,
            "--connections", connections, file]
    return subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True)


def measured(pid, door, file, count, settled, **how):
    """One run: (lines a second, CPU s, lines kept). settled(sent) waits and gives (moment of the last line, lines kept)."""
    cpu, began = cpu_of(pid), time.monotonic()
    sender = send(door, file, count, **how)
    said = json.loads(sender.communicate(timeout=900)[0])
    end, kept = settled(said)
    return kept / (end - began), cpu_of(pid) - cpu, kept


def quiet(read, seconds, want=None):
    """When read() last rose, and what it says, once that is what is wanted or has stood still for so many seconds."""
    import toms
    last, changed = -1, time.monotonic()

    def is_over():
        nonlocal last, changed
        now, moment = read(), time.monotonic()
        if now != last:
            last, changed = now, moment
        return (want is not None and now >= want) or moment - changed > seconds
    toms.wait_for("the last line", is_over, 900)
    return changed, last


class Peer:
    """rsyslog or syslog-ng of build/peers, foreground, own folder."""

    def __init__(self, folder, conf, sql=False):
        self.dir, self.port = pathlib.Path(folder), free_port()
        self.out = self.dir / ("out.db" if sql else "out")
        self.sql = sql
        values = dict(dir=self.dir, port=self.port, out=self.out,
                      columns=", ".join(f'"{c} text"' for c in COLUMNS), values=", ".join(f'"${{.f.{c}}}"' for c in COLUMNS))
        (self.dir / "kv.rb").write_text(RULES)
        (self.dir / "conf").write_text(conf.format(**values))
        root = PEERS / "root"
        env = {**os.environ, "LD_LIBRARY_PATH": f"{LIB}/{ARCH}:{LIB}/syslog-ng:{root}/lib/{ARCH}"}
        if "@version" in conf:
            argv = [root / "usr/sbin/syslog-ng", "-F", "--no-caps", "-f", self.dir / "conf", "-R", self.dir / "persist", "-p", self.dir / "pid",
                    "-c", self.dir / "ctl", f"--module-path={LIB}/syslog-ng/3.38"]
        else:
            argv = [root / "usr/sbin/rsyslogd", "-n", "-f", self.dir / "conf", "-i", self.dir / "pid", "-M", f"{LIB}/{ARCH}/rsyslog"]
        if sql:  # libdbi looks for its drivers in one folder of the system only: this process sees ours there
            over = f'mount -t overlay -o lowerdir={LIB}/{ARCH}:/usr/lib/{ARCH} peers /usr/lib/{ARCH} && exec "$@"'
            argv = ["unshare", "-m", "sh", "-c", over, "sh", *argv]
        self.process = subprocess.Popen([str(a) for a in argv], env=env, stdout=open(self.dir / "said", "w"), stderr=subprocess.STDOUT)
        import toms
        if not toms.wait_for("the peer", lambda: "listens" if self.listens() else self.process.poll() is not None, 10) == "listens":
            raise RuntimeError((self.dir / "said").read_text()[:400])

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def count(self):
        if not self.out.exists():
            return 0
        if self.sql:
            import sqlite3
            with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(f"file:{self.out}?mode=ro", uri=True)) as db:
                return db.execute("SELECT count(*) FROM logs").fetchone()[0]
            return 0
        return sum(block.count(b"\n") for block in iter_blocks(self.out))

    def settled(self, _):
        """The file has stopped growing for a second."""
        return quiet(lambda: self.out.stat().st_size if self.out.exists() else 0, 1)[0], self.count()

    def disk(self):
        return self.out.stat().st_size

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def iter_blocks(path):
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            yield block


class Ours:
    """tomsd with its doors on loopback; the sender is an accepted source."""

    def __init__(self, folder, first_line):
        import logs
        import toms
        folder = pathlib.Path(folder)
        cert, key = folder / "c.pem", folder / "k.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=bench", "-keyout", key, "-out", cert], check=True, capture_output=True)
        text = f"[syslog]\nudp = 127.0.0.1:0\ntcp = 127.0.0.1:0\ntls = 127.0.0.1:0\ncert = {cert}\nkey = {key}\n"
        self.daemon = toms.Daemon(folder, text=text).start()
        self.process = self.daemon.process
        try:
            self.make_known(logs, toms, first_line)
        except BaseException:
            self.stop()
            raise

    def make_known(self, logs, toms, first_line):
        api = self.daemon.first_admin()
        self.port = doors = {name: port for name, (_, port) in logs.doors(self.daemon).items()}
        with socket.create_connection(("127.0.0.1", doors["tcp"])) as link:
            link.sendall(first_line + b"\n")
        toms.wait_for("the bench's source", lambda: api.get("/api/v1/sources")["items"])
        for source in api.get("/api/v1/sources")["items"]:
            api.call("PATCH", f"/api/v1/sources/{source['id']}", {"state": "accepted"})
        self.rows = self.committed()

    def store(self):
        return json.loads(self.daemon.ctl("status", "--json").stdout)["rooms"]

    def committed(self):
        return self.store()["store"]["rows"]

    def settled(self, said):
        """All rows committed, or for two seconds no more."""
        want = self.rows + said["lines"]
        changed, now = quiet(self.committed, 2, want)
        kept = min(now, want) - self.rows
        self.rows = now
        return changed, kept

    def disk(self):
        return sum(f.stat().st_size for f in self.daemon.state.rglob("*") if f.is_file())

    def stop(self):
        self.daemon.stop()


def compare(say, out_dir, runs):
    """The matrix: who x door; each run in a folder of its own, in turn."""
    lines = int(os.environ.get("LINES", "200000"))
    corpora = {"generated": out_dir / f"logs-{lines}.log"}
    with open(corpora["generated"], "wb") as out:
        subprocess.run([TOOLS / "hospital", "--bulk-logs", str(lines)], check=True, stdout=out)
    real = pathlib.Path(os.environ.get("CORPUS", ROOT.parent / "shared/data/fortigate/bench-corpus.log"))
    if real.exists():
        corpora["corpus"] = real
    peers = subprocess.run(["sh", str(ROOT / "tests/tools/peers.sh"), str(PEERS)], capture_output=True, text=True)
    makers = {"tomsd": lambda folder, file: Ours(folder, file.open("rb").readline().strip())}
    if peers.returncode:
        say("syslog", "peers", skipped=peers.stdout.strip())
    else:
        makers |= {
            "rsyslog raw": lambda folder, _: Peer(folder, RSYSLOG + RSYSLOG_RAW),
            "rsyslog kv to file": lambda folder, _: Peer(folder, RSYSLOG + RSYSLOG_KV),
            "syslog-ng raw": lambda folder, _: Peer(folder, SYSLOG_NG + NG_RAW),
            "syslog-ng kv to file": lambda folder, _: Peer(folder, SYSLOG_NG + NG_KV),
            "syslog-ng kv to sqlite": lambda folder, _: Peer(folder, SYSLOG_NG + NG_SQL, sql=True),
        }
    doors = [("tcp", dict(via="tcp", framing="lf"), makers), ("udp 50000/s", dict(via="udp", rate=50000), makers),
             ("udp full speed", dict(via="udp"), makers), ("tcp octet", dict(via="tcp", framing="octet"), {"tomsd": makers["tomsd"]}),
             ("tls", dict(via="tls", framing="octet"), {"tomsd": makers["tomsd"]})]
    wanted = os.environ.get("DOORS")
    for corpus, file in corpora.items():
        for door, how, who in doors:
            if door not in (wanted.split(",") if wanted else [door]) or (not wanted and corpus == "corpus" and door != "tcp"):
                continue
            seen = {name: [] for name in who}
            for _ in range(runs):
                for name, make in who.items():
                    with tempfile.TemporaryDirectory(prefix="tomsd-syslog-", dir=out_dir) as folder:
                        try:
                            seen[name].append(one(make, folder, file, lines, how))
                        except (RuntimeError, AssertionError, subprocess.SubprocessError) as failure:
                            say(f"syslog {corpus} {door}", name, error=str(failure)[-300:])
            for name, results in seen.items():
                if results:
                    tell(say, f"syslog {corpus} {door}", name, lines, results)


def one(make, folder, file, lines, how):
    who = make(folder, file)
    try:
        port = who.port[how["via"]] if isinstance(who.port, dict) else who.port
        empty = who.disk() if isinstance(who, Ours) else 0
        rate, cpu, kept = measured(who.process.pid, port, file, lines, who.settled, **how)
        peak = peak_of(who.process.pid)
        who.stop()
        return {"rate": rate, "cpu": cpu, "kept": kept, "peak": peak, "disk": who.disk() - empty}
    finally:
        if who.process.poll() is None:
            who.process.kill()
            who.process.wait()


def tell(say, bench, name, lines, results):
    middle = {key: statistics.median(r[key] for r in results) for key in results[0]}
    kept = max(middle["kept"], 1)
    say(bench, name, lines=lines, lines_per_s=round(middle["rate"]), us_per_line=round(middle["cpu"] / kept * 1e6, 2),
        lines_per_cpu_s=round(kept / max(middle["cpu"], 0.01)), lost=round(lines - middle["kept"]),
        bytes_per_line=round(middle["disk"] / kept, 1), peak_mib=round(max(r["peak"] for r in results)))
