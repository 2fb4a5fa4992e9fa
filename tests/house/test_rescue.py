"""The machine is gone: from the place and the phrase on paper alone there is an appliance again, and its archive goes on."""
import json
import re
import shutil
import socket
import struct
import subprocess
import time

import pytest
import toms
from s3 import new_bucket, s3_bucket, s3_server  # noqa: F401
from test_cold import finish, frame, seal
from test_places import section

HOSTS, HOURS = 7, 30


def capture(path):
    """A conversation an hour of each host, on days that have ended."""
    begin = int(time.time()) // 86400 * 86400 - 4 * 86400
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for hour in range(HOURS):
            for host in range(HOSTS):
                at = begin + hour * 3600 + host * 11
                data = frame(f"10.20.10.{host + 1}", f"203.0.113.{hour}", 40000 + hour, 9999, b"hello %d" % at)
                out.write(struct.pack("<IIII", at, 0, len(data), len(data)) + data)
    return path


class House(toms.Daemon):
    def send(self, word, n):
        """Log lines over TCP, durable when this returns."""
        port = int(re.search(r"syslog tcp 127\.0\.0\.1:(\d+)", self.log()).group(1))
        before = self.count()
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.sendall(b"".join(b"<134>%s-%03d is written\n" % (word.encode(), i) for i in range(n)))
        toms.wait_for(f"{n} lines", lambda: self.count() == before + n)

    def count(self):
        done = self.ctl("logs", "--limit", "0", "--json")
        return len(done.stdout.splitlines())

    def words(self, *argv):
        """The words of send() that are found."""
        return sorted(re.search(r"(\w+-\d+) is", json.loads(line)["event"]["original"]).group(1)
                      for line in self.ctl("logs", "--limit", "0", "--json", *argv).stdout.splitlines())

    def wait_sent(self):
        toms.wait_for("the place to have everything", lambda: all(p["waiting"] == 0 for p in self.rows("place", "list")), 60)

    def phrase(self):
        return self.ctl("rescue", "phrase").stdout.strip()


SYSLOG = "[syslog]\ntcp = 127.0.0.1:0\n"


def restore(conf, *words, phrase="", ok=True):
    done = subprocess.run([str(toms.BUILD / "tomsctl"), "-c", str(conf), "archive", "restore", *map(str, words)],
                          input=phrase + "\n", capture_output=True, text=True, timeout=120 * toms.SLOW)
    assert not ok or done.returncode == 0, done.stderr
    return done


def bare(folder, *sections):
    folder.mkdir()
    conf = folder / "tomsd.conf"
    conf.write_text(f"[store]\npath = {folder}/state\n" + "".join(sections))
    return conf


def wake(folder, old):
    """The restored configuration in its place, with this machine's folder."""
    text = (folder / "tomsd.conf.restored").read_text()
    (folder / "tomsd.conf").write_text(text.replace(str(old.state), str(folder / "state")))
    return House(folder)


@pytest.fixture
def gone(tmp_path, s3_bucket):  # noqa: F811
    """An appliance that lived, was backed up, went on, and is gone: what was in it."""
    house = House(tmp_path / "a", text=SYSLOG + section("tokyo", s3_bucket))
    toms.run(toms.BUILD / "tomsd", "-c", house.file, "--replay", capture(tmp_path / "old.pcap"))
    with house:
        api = house.first_admin()
        house.send("before", 20)
        seal(api)
        phrase = house.phrase()
        house.ctl("rescue", "now")
        house.send("after", 15)
        seal(api)
        house.send("later", 5)
        house.ctl("token", "add", "ward", "viewer", "30")
        seal(api)
        house.wait_sent()
        facts = {"phrase": phrase, "flows": [r["event"]["id"] for r in house.rows("flows", "--limit", "0")],
                 "audit": house.rows("audit", "--limit", "0"), "head": api.get("/api/v1/archive")["head"],
                 "house": house, "bucket": s3_bucket, "folder": tmp_path}
        house.kill()
    assert len(facts["flows"]) == HOSTS * HOURS
    shutil.rmtree(house.state)
    return facts


def test_a_bare_machine_becomes_the_appliance_again(gone):
    conf = bare(gone["folder"] / "b", section("tokyo", gone["bucket"]))
    typed = gone["phrase"].lower().replace("-", " ")
    said = restore(conf, phrase=typed)
    assert gone["phrase"] not in said.stdout + said.stderr
    assert "manifests taken over" in said.stdout and "what to do next" in said.stdout
    head = gone["head"]["seq"]
    with wake(conf.parent, gone["house"]) as house:
        api = house.client().sign_in("sato")
        # rows of the backup are in the store, with their ids; everything else is found in the archive
        assert [r["event"]["id"] for r in house.rows("flows", "--limit", "0")] == gone["flows"]
        every = sorted([f"before-{i:03d}" for i in range(20)] + [f"after-{i:03d}" for i in range(15)] + [f"later-{i:03d}" for i in range(5)])
        assert house.words("--cold") == every
        # the audit trail came back whole, row for row, up to the last seal
        trail = house.rows("audit", "--limit", "0")
        missing = [r for r in gone["audit"] if r not in trail]
        assert len(missing) <= 1 and any(r["event"]["action"].startswith("token.") for r in trail)
        # sealing goes on behind the head that was
        house.send("new", 7)
        seal(api)
        assert api.get("/api/v1/archive")["head"]["seq"] > head
        assert house.words("--cold") == sorted(every + [f"new-{i:03d}" for i in range(7)])
        house.wait_sent()
        # nothing is believed to be owed that went with the machine
        place = house.rows("place", "list")[0]
        assert place["state"] == "ok" and not place["words"], place
        for source in ("local", "s3:tokyo"):
            found = json.loads(house.ctl("verify", "--from", source, "--rows", "--json").stdout)
            assert found["faults"] == 0, found
        # and it is backed up for the same phrase
        house.ctl("rescue", "now")
        house.wait_sent()
        paper = gone["folder"] / "paper"
        paper.write_text(gone["phrase"] + "\n")
        assert "good" in house.ctl("rescue", "rehearse", "--from", "s3:tokyo", "--phrase-file", paper).stdout
        assert api.get("/api/v1/rescue")["rehearsal"]["good"]


def test_a_wrong_phrase_place_or_folder_is_told_and_nothing_is_touched(gone):
    folder, bucket = gone["folder"], gone["bucket"]
    conf = bare(folder / "b", section("tokyo", bucket))
    letter = gone["phrase"][3]
    typo = gone["phrase"][:3] + ("7" if letter != "7" else "8") + gone["phrase"][4:]
    said = restore(conf, phrase=typo, ok=False)
    assert said.returncode == 1 and "group by group" in said.stderr
    other = House(folder / "other")
    with other:
        other_phrase = other.phrase()
    said = restore(conf, phrase=other_phrase, ok=False)
    assert said.returncode == 1 and "look for the paper with that number" in said.stderr
    assert not (conf.parent / "state" / "tomsd.db").exists() and not (conf.parent / "state" / "restore").exists()
    for words, text in (((), "names no place"), (("--from", "s3:osaka"), "there is no place osaka"),
                        (("--from", folder / "old.pcap"), "no backup of tomsd"), (("--from", folder / "none"), "none")):
        empty = bare(folder / f"c{len(list(folder.iterdir()))}")
        said = restore(empty, *words, phrase=gone["phrase"], ok=False)
        assert said.returncode == 1 and text in said.stderr, said.stderr
    wrong = bare(folder / "d", section("tokyo", bucket, prefix="hospital/two"))
    said = restore(wrong, phrase=gone["phrase"], ok=False)
    assert said.returncode == 1 and "there is no backup" in said.stderr
    wrong = bare(folder / "e", section("tokyo", bucket, secret_key="wrong"))
    said = restore(wrong, phrase=gone["phrase"], ok=False)
    assert said.returncode == 1 and said.stderr.count("\n") == 1
    (conf.parent / "state").mkdir(exist_ok=True)
    (conf.parent / "state" / "tomsd.db").write_text("mine")
    said = restore(conf, phrase=gone["phrase"], ok=False)
    assert said.returncode == 1 and "is not empty" in said.stderr and "move the folder away" in said.stderr
    assert (conf.parent / "state" / "tomsd.db").read_text() == "mine"


def test_a_backup_that_somebody_put_junk_over_is_found_all_the_same(gone):
    bucket = gone["bucket"]
    keys = {k for k, _ in bucket.versions() if k.endswith(".rescue")}
    for key in keys:
        bucket.put(key, b"junk" * 1000)
    newest = max(keys)
    whole = bucket.get(newest, [v for k, v in bucket.versions() if k == newest][-1]).body
    bucket.put(newest.replace("Z-", "Z-ffffffff").replace("Z-ffffffff", "Z-"), whole[:-1] + bytes([whole[-1] ^ 1]))
    conf = bare(gone["folder"] / "b", section("tokyo", bucket))
    said = restore(conf, phrase=gone["phrase"])
    assert "trying an older one" in said.stderr and "restored" in said.stdout


def test_a_backup_from_a_stick_takes_over_the_archive_by_the_places_it_knows_itself(gone):
    stick = gone["folder"] / "stick"
    key = max(k for k, _ in gone["bucket"].versions() if k.endswith(".rescue"))
    stick.write_bytes(gone["bucket"].get(key).body)
    conf = bare(gone["folder"] / "b")
    said = restore(conf, "--from", stick, phrase=gone["phrase"])
    assert f"the next number is {gone['head']['seq'] + 1}" in said.stdout
    with wake(conf.parent, gone["house"]) as house:
        seal(house.client().sign_in("sato"))
        house.wait_sent()
        for source in ("local", "s3:tokyo"):
            assert json.loads(house.ctl("verify", "--from", source, "--json").stdout)["faults"] == 0


def test_a_place_that_cannot_be_asked_leaves_the_folder_empty_unless_it_is_wanted_so(gone):
    stick = gone["folder"] / "stick"
    key = max(k for k, _ in gone["bucket"].versions() if k.endswith(".rescue"))
    stick.write_bytes(gone["bucket"].get(key).body)
    conf = bare(gone["folder"] / "b", section("tokyo", gone["bucket"], secret_key="wrong"))
    said = restore(conf, "--from", stick, phrase=gone["phrase"], ok=False)
    assert said.returncode == 1 and "nothing was put in its place" in said.stderr
    assert not (conf.parent / "state" / "tomsd.db").exists() and not (conf.parent / "state" / "keys").exists()
    assert "not looked at" in restore(conf, "--from", stick, "--without-archive", phrase=gone["phrase"]).stdout
    assert (conf.parent / "state" / "tomsd.db").exists()


def test_what_a_restore_left_when_it_was_ended_is_begun_anew(gone):
    conf = bare(gone["folder"] / "b", section("tokyo", gone["bucket"]))
    (conf.parent / "state" / "restore" / "unpacked" / "keys").mkdir(parents=True)
    (conf.parent / "state" / "restore" / "unpacked" / "tomsd.db").write_text("half")
    assert "restored" in restore(conf, phrase=gone["phrase"]).stdout


def test_without_a_phrase_no_backup_is_made_and_it_is_said(tmp_path):
    with House(tmp_path / "d") as house:
        api = house.first_admin()
        done = house.ctl("rescue", "now", ok=False)
        assert done.returncode == 1 and "recovery phrase" in done.stderr
        assert "none: no backup is made" in house.ctl("rescue", "list").stdout

        def check():
            found = [c for c in api.get("/api/v1/overview")["checks"] if c["id"] == "rescue"]
            return found and "復旧フレーズ" in found[0]["text"]
        toms.wait_for("the to-do", check)
        phrase = house.phrase()
        assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}", phrase)
        again = house.ctl("rescue", "phrase", ok=False)
        assert again.returncode == 1 and "already" in again.stderr
        toms.wait_for("the first backup", lambda: api.get("/api/v1/rescue")["last"])
        second = house.ctl("rescue", "phrase", "--replace").stdout.strip()
        assert second != phrase
        toms.wait_for("a backup for it", lambda: len({b["key_id"] for b in api.get("/api/v1/rescue")["backups"]}) == 2)
        paper = tmp_path / "paper"
        paper.write_text(phrase + "\n")
        bad = house.ctl("rescue", "rehearse", "--phrase-file", paper, ok=False)
        assert bad.returncode == 1 and "number" in bad.stderr
        paper.write_text(second + "\n")
        assert "good" in house.ctl("rescue", "rehearse", "--phrase-file", paper).stdout
        done = finish(api, api.call("POST", "/api/v1/rescue/rehearse", {"phrase": second.lower()}, expect=202))
        assert done["result"]["good"] and done["asked"].keys() == {"from", "ticket"}
        api.call("POST", "/api/v1/rescue/rehearse", {"phrase": "abc"}, expect=422)
        api.call("POST", "/api/v1/rescue/rehearse", {"phrase": second, "from": "s3:../x"}, expect=422)
        assert not (house.state / "tmp" / "rehearsal").exists()
    # the phrases are nowhere: not in the database, the logs, the journal of jobs, the audit trail
    for text in (phrase, second, phrase.replace("-", ""), second.replace("-", ""), second.lower()):
        assert text not in house.log()
        for file in (tmp_path / "d").rglob("*"):
            assert not file.is_file() or text.encode() not in file.read_bytes(), file
