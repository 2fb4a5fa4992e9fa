"""make bench B=s3: files into a real S3 server, by us and by rclone, in one run.

Ours look first, send with SHA-256, MD5 and a lock, read back and compare; rclone copies without a lock (1.60 knows
none). Both read the same files, one at a time; rclone also with four at a time. The server is Debian's radosgw
(tests/tools/s3_server.py, in memory, on loopback) and shares the machine with its client, so MB/s is mostly
the server's; CPU is that of the client alone: of rclone the whole process, of ours from the file with its known SHA-256
to the proof. Medians of RUNS in turn. S3_TLS=1: over TLS.
Sizes in MiB and how many files of each: S3_FILES="1x192 16x24 64x6 192x2".
"""
import json
import os
import pathlib
import secrets
import shutil
import statistics
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/tools"), str(ROOT / "tests/house")]
MIB = 1 << 20


def make_files(folder, mib, count):
    folder.mkdir(parents=True)
    block = os.urandom(MIB)
    for i in range(count):
        with open(folder / f"{i:04}", "wb") as f:
            for k in range(mib):
                f.write(i.to_bytes(4, "big") + k.to_bytes(4, "big") + block[8:])


def rclone_env(env):
    out = {"RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_X_TYPE": "s3", "RCLONE_CONFIG_X_PROVIDER": "Ceph", "RCLONE_CONFIG_X_ENDPOINT": env["S3_ENDPOINT"],
           "RCLONE_CONFIG_X_ACCESS_KEY_ID": env["S3_ACCESS"], "RCLONE_CONFIG_X_SECRET_ACCESS_KEY": env["S3_SECRET"],
           "RCLONE_CONFIG_X_FORCE_PATH_STYLE": "true", "RCLONE_S3_NO_CHECK_BUCKET": "true", "RCLONE_S3_CHUNK_SIZE": "16M",
           "RCLONE_S3_UPLOAD_CUTOFF": "64M", "AWS_CA_BUNDLE": "", "NO_PROXY": "127.0.0.1"}
    if "S3_CA" in env:
        out["RCLONE_CA_CERT"] = env["S3_CA"]
    return out


def compare(say, timed, runs):
    import s3_server
    missing = s3_server.missing()
    if missing:
        return say("s3", "ours", error=f"missing: {' '.join(missing)}")
    import s3
    work = pathlib.Path(tempfile.mkdtemp(prefix="toms-s3-bench-", dir="/tmp"))
    server = s3_server.Server(work / "s", bound=True)
    try:
        server.start(tls=os.environ.get("S3_TLS") == "1")
        for words in os.environ.get("S3_FILES", "1x192 16x24 64x6 192x2").split():
            mib, count = (int(n) for n in words.split("x"))
            one_size(say, timed, runs, server, s3, work, mib, count)
    finally:
        server.stop()
        shutil.rmtree(work, ignore_errors=True)


def one_size(say, timed, runs, server, s3, work, mib, count):
    files = work / f"files-{mib}"
    make_files(files, mib, count)
    gb = mib * count * MIB / 1e9
    ours, theirs = ROOT / "build/tests/tools/bench_s3", shutil.which("rclone")
    whos = {"tomsd, locked and proven": lambda b: timed([ours, "-p", secrets.token_hex(4), files], env=b.env)}
    for transfers in (1, 4) if theirs else ():
        argv = [theirs, "copy", files, None, "--transfers", str(transfers), "--s3-upload-concurrency", str(transfers), "--checkers", "1"]
        whos[f"rclone, {transfers} at a time"] = lambda b, argv=argv: timed(
            [a or f"x:{b.name}/{secrets.token_hex(4)}" for a in argv], env=rclone_env(b.env))
    seen = {who: [] for who in whos}
    facts = {}
    for _ in range(runs):
        for who, run in whos.items():
            # What was put before is gone with its server's memory only at the end: a bucket a run keeps indexes alike.
            cpu, wall, peak, text = run(s3.new_bucket(server, prefix=""))
            seen[who].append((cpu, wall, peak))
            if text.startswith("{"):
                facts = json.loads(text)
                seen[who][-1] = (facts["cpu_s_per_gb"] * gb, gb * 1000 / facts["mb_per_s"], peak)
    assert facts["files"] == count
    for who, results in seen.items():
        cpu, wall, peak = (statistics.median(r[i] for r in results) for i in range(3))
        say(f"s3 {mib} MiB", who, files=count, mb_per_s=round(gb * 1000 / wall, 1), cpu_s_per_gb=round(cpu / gb, 2), peak_mib=round(peak))
    shutil.rmtree(files)
