#!/usr/bin/env python3
"""make bench: what it costs, as JSON lines; other tools stand beside ours in the same run.

Each line has "bench" (what), "who" (ours or the peer), and its numbers. CPU seconds are user + system of
the process and its children; medians of RUNS runs, ours and the peer in turn. build/bench/last.jsonl keeps
the lines for the next run to compare with. Words choose benches (make bench B="replay live"); RUNS, PACKETS,
ROWS and LINES in the environment change their size.
"""
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import bench_s3
import bench_syslog

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build/bench"
TOOLS = ROOT / "build/tests/tools"
RUNS = int(os.environ.get("RUNS", "3"))
PACKETS = int(os.environ.get("PACKETS", "1500000"))
lines, before = [], {}


def say(bench, who, **numbers):
    line = {"bench": bench, "who": who, **numbers}
    old = before.get((bench, who))
    if old:
        line["last"] = {k: old[k] for k in numbers if k in old and isinstance(old[k], (int, float))}
    lines.append({"bench": bench, "who": who, **numbers})
    print(json.dumps(line), flush=True)


def timed(argv, env=None, timeout=900):
    """(CPU seconds, wall seconds, peak MiB, stdout) of one run; GNU-time style, by wait4."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([str(a) for a in argv], stdout=out, stderr=err, env={**os.environ, **(env or {})})
        _, status, use = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        text = out.read().decode(errors="replace")
        if child.returncode:
            raise RuntimeError(f"{argv[0]} -> {child.returncode}: {err.read().decode(errors='replace')[-2000:]}")
    return use.ru_utime + use.ru_stime, wall, use.ru_maxrss / 1024, text


def bulk():
    """The benchmark capture, made once: a mixed hospital load without a server's cache to help."""
    path = OUT / f"bulk-{PACKETS}.pcap"
    if not path.exists():
        subprocess.run([TOOLS / "hospital", "--bulk", str(PACKETS), "--out", OUT, "--seed", "1"], check=True, stdout=subprocess.DEVNULL)
        made = sorted(OUT.glob("*.pcap"), key=lambda p: p.stat().st_mtime)[-1]
        if made != path:
            made.rename(path)
    return path


def replay():
    file = bulk()
    work = pathlib.Path(tempfile.mkdtemp(prefix="tomsd-bench-", dir=OUT))
    conf = work / "tomsd.conf"
    conf.write_text(f"[store]\npath = {work}/state\n")

    def ours(threads):
        shutil.rmtree(work / "state", ignore_errors=True)
        cpu, wall, peak, text = timed([ROOT / "build/tomsd", "-c", conf, "--set", f"flow.threads={threads}", "--replay", file])
        return cpu, wall, peak, json.loads(text)

    runs = {"tomsd 1 thread, storing": lambda: ours(1), "tomsd 2 threads, storing": lambda: ours(2),
            "libpcap empty loop": lambda: timed([TOOLS / "bench_pcap", file])}
    if shutil.which("ndpiReader"):
        runs["ndpiReader, not storing"] = lambda: timed(["ndpiReader", "-q", "-i", file])
    seen = {name: [] for name in runs}
    facts = {}
    for _ in range(RUNS):
        for name, fn in runs.items():
            result = fn()
            seen[name].append(result)
            if isinstance(result[3], dict):
                facts = result[3]
    packets, flows = facts["packets"], facts["flows"]
    for name, results in seen.items():
        cpu = statistics.median(r[0] for r in results)
        wall = statistics.median(r[1] for r in results)
        say("replay", name, packets=packets, flows=flows, cpu_s=round(cpu, 3), wall_s=round(wall, 3),
            ns_per_packet=round(cpu / packets * 1e9), packets_per_cpu_s=round(packets / cpu), packets_per_s=round(packets / wall),
            peak_mib=round(max(r[2] for r in results)))
    shutil.rmtree(work)


def tool(name, *argv, timeout=1200):
    """Programs that measure themselves print JSON lines."""
    program = TOOLS / name
    if not program.exists():
        return
    done = subprocess.run([program, *argv], capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        say(name, "ours", error=done.stderr.strip()[-300:])
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            numbers = json.loads(line)
            say(numbers.pop("bench", name), numbers.pop("who", "ours"), **numbers)


# Members of a flow that its other columns give: what a file weighs without them is a question of taste.
COMPUTED = ("network.community_id", "event.end", "event.duration", "network.bytes", "network.packets", "toms.flow.tcp_flags",
            "source.domain", "destination.domain", "tls.client.server_name", "dns.question.name", "url.domain")


def archive():
    rows = os.environ.get("ROWS", "1000000")
    left_out = lambda names: [word for name in names for word in ("-x", name)]
    tool("bench_parquet", "-n", rows)
    tool("bench_parquet", "-n", rows, *left_out(COMPUTED[:1]))
    tool("bench_parquet", "-n", rows, *left_out(COMPUTED))
    tool("bench_parquet", "-n", rows, "-w", *left_out(COMPUTED))
    tool("bench_parquet", "-n", rows, "-k", "log")
    tool("bench_parquet", "-n", rows, "-k", "log", "-w")


def seal():
    """Rows of a store into synced, hashed, indexed and signed objects; ROWS flows and a fifth as many lines."""
    rows = int(os.environ.get("ROWS", "1000000"))
    for words in (["-m", str(rows // 5)], ["-m", "0", "-o"]):
        with tempfile.TemporaryDirectory(prefix="tomsd-seal-", dir=OUT) as folder:
            tool("bench_seal", "-n", str(rows), "-p", folder, *words)


def cold():
    """A year of hourly objects; ROWS are flows an hour (200 million a year are 22,831: an hour's work and 18 GB)."""
    rows = os.environ.get("ROWS", "2300")
    tool("bench_cold", "-n", rows, "-p", str(OUT / f"cold-{rows}"), timeout=4 * 3600)


def live():
    """Highest rate over a veth pair without a drop: tcpreplay sends faster and faster until one shows."""
    if os.geteuid() or not shutil.which("tcpreplay"):
        return say("live", "ours", error="needs root and tcpreplay")
    sys.path.insert(0, str(ROOT / "tests/house"))
    import toms
    ns, work = f"tomsbench{os.getpid()}", pathlib.Path(tempfile.mkdtemp(prefix="tomsd-live-", dir=OUT))
    ip = lambda *a: subprocess.run(["ip", *a], check=True)
    ip("netns", "add", ns)
    try:
        ip("-n", ns, "link", "add", "tap0", "type", "veth", "peer", "name", "gen0")
        for name in ("tap0", "gen0"):
            ip("-n", ns, "link", "set", name, "mtu", "9000", "up")
        best = None
        for kpps in (100, 150, 200, 250, 300, 350, 400, 500):
            folder = work / str(kpps)
            with toms.Daemon(folder, ns=ns, text="[capture]\ninterface = tap0\n") as daemon:
                first = capture(daemon)
                began = time.monotonic()
                done = subprocess.run(["ip", "netns", "exec", ns, "tcpreplay", "-q", "--preload-pcap", "-i", "gen0", f"--pps={kpps * 1000}",
                                       "--limit=1000000", str(bulk())], capture_output=True, text=True, timeout=120)
                sent = int(re.search(r"Actual: (\d+) packets", done.stdout).group(1))
                rate = float(re.search(r"([\d.]+) pps", done.stdout).group(1))
                toms.wait_for("all packets to be counted", lambda: sum(capture(daemon)) - sum(first) >= sent, 20)
                got, lost = (b - a for a, b in zip(first, capture(daemon)))
                cpu = sum(os.sysconf("SC_CLK_TCK") ** -1 * int(x) for x in
                          pathlib.Path(f"/proc/{daemon.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])
            point = {"asked_kpps": kpps, "sent_pps": round(rate), "sent": sent, "read": got, "lost": lost, "ns_per_packet": round(cpu / sent * 1e9)}
            if lost:
                say("live first loss", "ours", **point)
                break
            best = point
            if rate < kpps * 900:
                break  # the sender is the limit
        if best:
            say("live without a drop", "ours", **best)
    finally:
        ip("netns", "del", ns)
        shutil.rmtree(work, ignore_errors=True)


def sealing():
    """An hour of 2 million flows and 1 million lines is sealed while packets come in: what capture loses with it and
    without, at KPPS thousand packets a second for as long as the sealing takes; in turn, RUNS times."""
    if os.geteuid() or not shutil.which("tcpreplay"):
        return say("sealing", "ours", error="needs root and tcpreplay")
    sys.path.insert(0, str(ROOT / "tests/house"))
    import toms
    kpps, flows, log_lines = (int(os.environ.get(n, d)) for n, d in (("KPPS", "100"), ("FLOWS", "2000000"), ("LOGS", "1000000")))
    ns, work = f"tomsseal{os.getpid()}", pathlib.Path(tempfile.mkdtemp(prefix="tomsd-sealing-", dir=OUT))
    ip = lambda *a: subprocess.run(["ip", *a], check=True)
    ip("netns", "add", ns)
    lost, seconds = {"sealing": [], "not sealing": []}, []
    try:
        ip("-n", ns, "link", "add", "tap0", "type", "veth", "peer", "name", "gen0")
        for name in ("tap0", "gen0"):
            ip("-n", ns, "link", "set", name, "mtu", "9000", "up")
        full = work / "full"
        subprocess.run([TOOLS / "bench_seal", "-f", "-n", str(flows), "-m", str(log_lines), "-p", full], check=True, stdout=subprocess.DEVNULL)
        for turn in range(RUNS):
            for how in lost:
                folder = work / f"{how}-{turn}".replace(" ", "-")
                if how == "sealing":
                    folder.mkdir()
                    shutil.copytree(full, folder / "state")
                # Rows that are there from before are sealed at the start.
                with toms.Daemon(folder, ns=ns, text="[capture]\ninterface = tap0\n") as daemon:
                    first, began = capture(daemon), time.monotonic()
                    subprocess.run(["ip", "netns", "exec", ns, "tcpreplay", "-q", "--preload-pcap", "-i", "gen0", f"--pps={kpps * 1000}", "--loop=0",
                                    f"--duration={round(statistics.median(seconds)) if seconds and how != 'sealing' else 30}", str(bulk())],
                                   capture_output=True, timeout=300)
                    if how == "sealing":
                        toms.wait_for("the seal", lambda: "archive: sealed seq=1 " in daemon.log(), 600)
                        seconds.append(int(re.search(r"sealed seq=1 .*ms=(\d+)", daemon.log()).group(1)) / 1000)
                    last = toms.wait_for("a count that stands still", lambda: (lambda a: a == capture(daemon) and a)(capture(daemon)), 60)
                    got, gone = (b - a for a, b in zip(first, last))
                    lost[how].append({"read": got, "lost": gone, "share": round(gone / max(1, got + gone), 5)})
                shutil.rmtree(folder, ignore_errors=True)
        for how, runs in lost.items():
            say(f"capture at {kpps} kpps", how, lost_share=statistics.median(r["share"] for r in runs), runs=runs,
                **({"seal_s": statistics.median(seconds), "flows": flows, "lines": log_lines} if how == "sealing" else {}))
    finally:
        ip("netns", "del", ns)
        shutil.rmtree(work, ignore_errors=True)


def capture(daemon):
    """(packets read, packets lost) of the capture room's counters."""
    text = daemon.ctl("status", "--json").stdout
    room = json.loads(text)["rooms"]
    room = next(r for r in room if r["name"] == "capture") if isinstance(room, list) else room["capture"]
    counters = room.get("counters", room)
    return counters["capture_packets_total"], sum(v for k, v in counters.items() if "drop" in k)


def main():
    os.chdir(ROOT)
    OUT.mkdir(parents=True, exist_ok=True)
    last = OUT / "last.jsonl"
    if last.exists():
        for line in last.read_text().splitlines():
            line = json.loads(line)
            before[line["bench"], line["who"]] = line
    rows = os.environ.get("ROWS", "10000000")
    benches = {
        "replay": replay,
        "flow": lambda: tool("bench_flow", "--many", "1000000"),
        "edge": lambda: tool("bench_edge"),
        "line": lambda: tool("bench_line"),
        "store": lambda: [tool("bench_store"), tool("bench_store_log"),
                          tool("bench_store_log", "-n", "50000", "-b", "20")],
        "query": lambda: [tool("bench_query", "-n", rows, "-p", str(OUT / f"store-{rows}")),
                          tool("bench_query", "-k", "log", "-n", rows, "-p", str(OUT / f"lines-{rows}"))],
        "archive": archive,
        "seal": seal,
        "cold": cold,
        "live": live,
        "sealing": sealing,
        "rescue": lambda: tool("bench_rescue", "-n", rows, "-p", str(OUT / f"rescue-{rows}")),
        "s3": lambda: bench_s3.compare(say, timed, RUNS),
        "syslog": lambda: bench_syslog.compare(say, OUT, RUNS),
    }
    for what in sys.argv[1:] or benches:
        benches[what]()
    merged = {**before, **{(line["bench"], line["who"]): line for line in lines}}
    last.write_text("".join(json.dumps(line) + "\n" for line in merged.values()))


if __name__ == "__main__":
    main()
