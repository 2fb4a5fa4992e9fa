"""L4, D8: the power goes while rows come in, are sealed, sent and deleted; afterwards the archive is whole and has each row once."""
import contextlib
import json
import pathlib
import random
import socket
import threading

import logs
import toms
from s3 import s3_bucket, s3_server  # noqa: F401

ROUNDS = 50
LINE = b'<134>date=2026-11-22 time=10:00:00 devname="FG" devid="FGT60F0000000001" logid="0000000013" type="traffic" ' \
       b'subtype="forward" srcip=10.0.%d.%d srcport=40000 dstip=198.51.100.7 dstport=443 action="accept" sessionid=%d'


class Sender(threading.Thread):
    """Numbered lines over TCP for as long as there is a door."""

    def __init__(self, door, first):
        super().__init__(daemon=True)
        self.door, self.next, self.stopped = door, first, threading.Event()

    def run(self):
        with contextlib.suppress(OSError), socket.create_connection(self.door, 10) as link:
            while not self.stopped.is_set():
                lines = [LINE % (n >> 8 & 255, n & 255, n) for n in range(self.next, self.next + 50)]
                link.sendall(logs.framed(lines, "octet"))
                self.next += 50
                self.stopped.wait(0.05)


def manifests(folder):
    """In the order of their numbers."""
    return [json.loads(p.read_text()) for p in sorted(pathlib.Path(folder).glob("_manifest/appliance=*/*.json"))]


def test_fifty_power_cuts_while_sealing_sending_and_deleting_leave_each_row_sealed_once(tmp_path, s3_bucket):  # noqa: F811
    env = s3_bucket.env
    place = (f'[s3 "main"]\nendpoint = {env["S3_ENDPOINT"]}\nregion = {env["S3_REGION"]}\nbucket = {env["S3_BUCKET"]}\nprefix = kills\n'
             f'access_key = {env["S3_ACCESS"]}\nsecret_key = {env["S3_SECRET"]}\nobject_lock = compliance 1d\nstyle = path\n')
    # Nothing is kept here once it is proven there, so that deleting is cut, too.
    daemon = toms.Daemon(tmp_path, text=logs.SYSLOG + "[archive]\nlocal_keep = 1s\n" + place)
    try:
        cut_and_look(daemon, s3_bucket, tmp_path)
    finally:
        if daemon.process and daemon.process.poll() is None:
            daemon.kill()


def cut_and_look(daemon, s3_bucket, tmp_path):  # noqa: F811
    dice, first = random.Random(4), 0
    for _ in range(ROUNDS):
        daemon.start()
        sender = Sender(logs.doors(daemon)["tcp"], first)
        sender.start()
        sealed_one = threading.Event()

        def seal(daemon=daemon, sealed_one=sealed_one):
            while daemon.process.poll() is None:
                if daemon.ctl("archive", "seal", "--now", ok=False).returncode == 0:
                    sealed_one.set()
        hands = threading.Thread(target=seal, daemon=True)
        hands.start()
        assert sealed_one.wait(30 * toms.SLOW)
        sender.stopped.wait(dice.uniform(0, 0.6) * toms.SLOW)  # somewhere in the next one, or while the last is sent or deleted
        daemon.kill()
        sender.stopped.set()
        sender.join()
        hands.join()
        first = sender.next
    daemon.start()
    rows = logs.stored(daemon)
    daemon.ctl("archive", "seal", "--now")
    toms.wait_for("every object in the place", lambda: daemon.rows("place", "list")[0]["waiting"] == 0, 120)
    chain = manifests(daemon.state / "archive")
    assert [m["seq"] for m in chain] == list(range(1, len(chain) + 1)) and len(chain) > ROUNDS
    reached, sealed = {}, {}
    for m in chain:
        for o in m["objects"]:
            assert sum(d["rows"] for d in o["days"]) == o["rows"]
            sealed[o["kind"]] = sealed.get(o["kind"], 0) + o["rows"]
            for d in o["days"]:
                at, after, last = (o["kind"], d["day"]), int(d["after"]), int(d["last"])
                assert after == reached.get(at, after) < last, "rows between two cuts, or in two of them"
                reached[at] = last
    assert sealed["log"] == len(rows) > 1000
    numbers = [r["fortinet"]["firewall"]["sessionid"] for r in rows]
    assert len(set(numbers)) == len(numbers), "a line is in the store twice"
    proof = json.loads(daemon.ctl("verify", "--from", "s3:main", "--rows", "--json").stdout)
    assert proof["faults"] == 0 and proof["rows"] == sum(sealed.values())
    # What was given back by the place is what the store has, byte for byte, each line once.
    out = tmp_path / "lines"
    daemon.ctl("archive", "get", "--raw", "--kind", "log", out)
    assert sorted(out.read_bytes().splitlines()) == sorted(r["event"]["original"].encode() for r in rows)
    keys = [key for key, _ in s3_bucket.versions()]
    assert len(keys) == len(set(keys)), "something was sent twice"
    daemon.stop()
