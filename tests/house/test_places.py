"""Places of object storage: what a daemon owes them gets there, once, proven and locked, whatever happens meanwhile.

Against a real S3 server with Object Lock. Objects are put into the tables as other rooms do it (s3_enqueue): a row of
s3_object and one of s3_copy for each place that is there."""
import hashlib
import json
import os
import random
import signal
import sqlite3
import threading

import pytest
import toms
from s3 import new_bucket, s3_bucket, s3_faults_proxy, s3_server  # noqa: F401

WAIT = 60


def section(name, bucket, **more):
    """[s3 "name"] of a configuration."""
    values = {"endpoint": bucket.env["S3_ENDPOINT"], "region": bucket.env["S3_REGION"], "bucket": bucket.name,
              "prefix": bucket.env["S3_PREFIX"], "access_key": bucket.env["S3_ACCESS"], "secret_key": bucket.env["S3_SECRET"],
              "style": "path", "object_lock": "compliance 1d", **more}
    return f'[s3 "{name}"]\n' + "".join(f"{key} = {value}\n" for key, value in values.items())


class House(toms.Daemon):
    def db(self):
        db = sqlite3.connect(f"{self.state}/tomsd.db", timeout=30, isolation_level=None)
        return db

    def enqueue(self, objects, push=True):
        """objects: {key: bytes}; keys that begin with _manifest go first."""
        db = self.db()
        for key, content in objects.items():
            path = self.state / "archive" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        db.execute("BEGIN IMMEDIATE")
        for key, content in objects.items():
            priority = 0 if key.startswith("_manifest") else 1
            db.execute("INSERT OR IGNORE INTO s3_object (key, path, owner, bytes, sha256, keep_ns, made_ns, priority)"
                       " VALUES (?, ?, 'archive', ?, ?, 0, 1795397000000000000, ?)",
                       (key, f"archive/{key}", len(content), hashlib.sha256(content).digest(), priority))
            db.execute("INSERT OR IGNORE INTO s3_copy (target, object, priority, state, wants) SELECT t.id, o.id, o.priority, 0, 1"
                       " FROM s3_target t, s3_object o WHERE t.is_present AND o.key = ?", (key,))
        db.execute("COMMIT")
        db.close()
        if push:
            self.ctl("place", "push")

    def places(self):
        return {p["name"]: p for p in self.rows("place", "list")}

    def room(self):
        return json.loads(self.ctl("status", "--json").stdout)["rooms"]["s3"]

    def waiting(self, name):
        return self.places()[name]["waiting"]

    def wait_sent(self, name="tokyo", seconds=WAIT):
        toms.wait_for(f"{name} to have everything", lambda: self.waiting(name) == 0, seconds)

    def proofs(self):
        """{(place, key): [version ids, oldest first]}"""
        db = self.db()
        out = {}
        for place, key, version in db.execute("SELECT t.name, o.key, p.version_id FROM s3_proof p JOIN s3_object o ON o.id = p.object"
                                              " JOIN s3_target t ON t.id = p.target ORDER BY p.n"):
            out.setdefault((place, key), []).append(version)
        db.close()
        return out

    def set(self, text):
        """Another configuration below [panel], taken over at once."""
        before = json.loads(self.ctl("status", "--json").stdout)["reloads"]
        self.file.write_text(f"[store]\npath = {self.state}\n[panel]\nlisten = 127.0.0.1:0\n[capture]\ninterface = none\n" + text)
        self.process.send_signal(signal.SIGHUP)
        toms.wait_for("the reload", lambda: json.loads(self.ctl("status", "--json").stdout)["reloads"] > before)


def some(n, seed=1, size=2000):
    dice = random.Random(seed)
    return {f"kind=flow/appliance=a/dt=2026-11-22/hour=05/{i:010d}-x.parquet": dice.randbytes(dice.randint(1, size)) for i in range(n)}


def own(bucket):
    """{key without prefix: [versions]} without what self-tests leave."""
    out = {}
    for key, version in bucket.versions():
        key = key.removeprefix("hospital/one/")
        if key.startswith(("kind=", "_manifest/appliance")):
            out.setdefault(key, []).append(version)
    return out


def holds(bucket, objects, proofs, place="tokyo"):
    """Nothing twice, nothing missing, bytes as they were, locked, proofs right."""
    there = own(bucket)
    assert set(there) == set(objects)
    for key, versions in there.items():
        assert len(versions) == 1, f"{key} is there {len(versions)} times"
        assert proofs[place, key] == versions
        answer = bucket.get("hospital/one/" + key, versions[0])
        assert answer.body == objects[key]
        assert answer.headers["x-amz-object-lock-mode"] == "COMPLIANCE"
    assert bucket.ask("DELETE", "hospital/one/" + key, query=[("versionId", versions[0])]).status == 403


def test_what_is_owed_gets_there_and_is_proven(s3_bucket, tmp_path):
    with House(tmp_path, text=section("tokyo", s3_bucket)) as house:
        objects = {**some(20), "_manifest/appliance=a/0000000001.json": b"{}"}
        house.enqueue(objects)
        house.wait_sent()
        place = toms.wait_for("the first test", lambda: (house.places()["tokyo"]["last_test"] or {}).get("good") and house.places()["tokyo"])
        assert place["state"] == "ok" and place["words"] == ""
        assert place["proven"] == 21 and place["proven_bytes"] == sum(map(len, objects.values()))
        assert {s["name"]: s["result"] for s in place["last_test"]["steps"]}["delete_refused"] == "good"
        holds(s3_bucket, objects, house.proofs())
        first = next(iter(house.proofs()))[1]
        assert first.startswith("_manifest")
        status = house.room()
        assert status["healthy"] and status["counters"]["s3_objects_sent_total"] == 21


def test_a_server_that_is_away_costs_one_request_a_try_and_loses_nothing(s3_bucket, s3_faults_proxy, tmp_path):
    faults = s3_faults_proxy
    with House(tmp_path, text=section("tokyo", s3_bucket, endpoint=faults.url)) as house:
        toms.wait_for("the first test", lambda: house.places()["tokyo"]["last_test"])
        faults.add("refuse", match="hospital", status=503, code="SlowDown", count=-1)
        before = len(faults.log)
        objects = some(50)
        house.enqueue(objects)
        place = toms.wait_for("three tries", lambda: house.places()["tokyo"]["state"] == "failed" and house.places()["tokyo"])
        asked = len(faults.log) - before
        assert asked <= 8, f"{asked} requests for three tries"
        assert place["problem"] == "busy" and place["waiting"] == 50 and place["next_try_at"]
        assert "tokyo" in place["words"]
        toms.wait_for("the room to say so", lambda: not house.room()["healthy"])
        assert "tokyo" in house.room()["last_error"]
        assert house.ctl("place", "test", "tokyo", ok=False).returncode == 1
        faults.clear()
        house.ctl("place", "push")
        house.wait_sent()
        # A test by hand that met nobody is repeated once objects get there again.
        toms.wait_for("the place to be well", lambda: house.places()["tokyo"]["state"] == "ok", 40)
        holds(s3_bucket, objects, house.proofs())


def test_a_wrong_secret_is_said_and_the_right_one_taken_by_reload(s3_bucket, tmp_path):
    with House(tmp_path, text=section("tokyo", s3_bucket, secret_key="not it")) as house:
        house.enqueue(some(3))
        place = toms.wait_for("the problem", lambda: house.places()["tokyo"]["problem"] in ("key", "denied") and house.places()["tokyo"])
        assert place["state"] == "failed" and "key" in place["words"]
        assert place["proven"] == 0 and place["waiting"] == 3
        bad = [s["name"] for s in place["last_test"]["steps"] if s["result"] == "bad"]
        assert bad == ["signature"]
        house.set(section("tokyo", s3_bucket))
        house.ctl("place", "push")
        house.wait_sent()
        holds(s3_bucket, some(3), house.proofs())
        assert "not it" not in house.log() and s3_bucket.env["S3_SECRET"] not in house.log()


def test_two_places_have_states_of_their_own(s3_server, s3_bucket, s3_faults_proxy, tmp_path):
    faults, second = s3_faults_proxy, new_bucket(s3_server)
    faults.add("refuse", status=500, code="InternalError", count=-1)
    text = section("tokyo", s3_bucket) + section("osaka", second, endpoint=faults.url)
    with House(tmp_path, text=text) as house:
        objects = some(10)
        house.enqueue(objects)
        house.wait_sent("tokyo")
        assert house.places()["osaka"]["waiting"] == 10
        holds(s3_bucket, objects, house.proofs())
        faults.clear()
        house.ctl("place", "push")
        house.wait_sent("osaka")
        holds(second, objects, house.proofs(), "osaka")


def test_a_place_added_later_gets_what_is_here_and_says_what_it_cannot_get(s3_server, s3_bucket, tmp_path):
    second = new_bucket(s3_server)
    with House(tmp_path, text=section("tokyo", s3_bucket)) as house:
        objects = some(6)
        house.enqueue(objects)
        house.wait_sent()
        gone = sorted(objects)[0]
        (house.state / "archive" / gone).unlink()
        api = house.first_admin()
        made = api.call("POST", "/api/v1/places", {
            "name": "osaka", "endpoint": second.env["S3_ENDPOINT"], "bucket": second.name, "prefix": "hospital/one", "style": "path",
            "access_key": second.env["S3_ACCESS"], "secret_key": second.env["S3_SECRET"], "lock": "compliance", "keep_days": 1}, expect=201)
        assert made["from"] == "panel" and "secret_key" not in made and made["has_secret"]
        place = toms.wait_for("osaka to have the rest", lambda: house.places()["osaka"]["proven"] == 5 and house.places()["osaka"])
        assert place["waiting"] == 0 and place["lacking"] == 1 and "1" in place["words"]
        assert set(own(second)) == set(objects) - {gone}
        stored = house.db().execute("SELECT secret FROM s3_place").fetchone()[0]
        assert second.env["S3_SECRET"] not in stored and stored.startswith("v1:")
        said = [row["event"]["action"] for row in house.rows("audit", "--limit", "20")]
        assert "place.add" in said
        house.stop()
        with house:  # the secret opens after a restart, too
            house.enqueue(some(1, seed=9))
            house.wait_sent("osaka")
            api = house.client().sign_in()
            api.call("DELETE", "/api/v1/places/osaka", expect=204)
            assert set(house.places()) == {"tokyo"}
            assert set(own(second)), "what lies there stays there"


def test_power_cuts_while_sending_leave_nothing_twice_and_nothing_missing(s3_bucket, tmp_path):
    objects = some(150, size=20000)
    dice = random.Random(3)
    house = House(tmp_path, text=section("tokyo", s3_bucket))
    with house:
        house.enqueue(objects, push=False)
    for _ in range(8):
        house.start()
        at_least = dice.randint(1, 12)
        start = len(house.proofs())
        toms.wait_for("some to be sent", lambda: len(house.proofs()) >= min(start + at_least, len(objects)))
        house.kill()
    with house:
        house.wait_sent()
        holds(s3_bucket, objects, house.proofs())


def test_an_upload_in_parts_goes_on_where_it_was_after_a_power_cut(s3_bucket, s3_faults_proxy, tmp_path):
    faults = s3_faults_proxy
    key, content = "kind=flow/appliance=a/dt=2026-11-22/hour=06/0000000001-big.parquet", os.urandom(80 << 20)
    house = House(tmp_path, text=section("tokyo", s3_bucket, endpoint=faults.url))
    with house:
        faults.add("delay", match="partNumber=4", seconds=600, count=1)
        house.enqueue({key: content})
        toms.wait_for("the fourth part", lambda: faults.seen("partNumber=4"), 120)
        toms.wait_for("three parts noted", lambda: house.db().execute("SELECT done_bytes FROM s3_copy").fetchone()[0] == 3 << 24)
        house.kill()
    faults.clear()
    before = faults.seen("PUT .*partNumber")
    with house:
        house.wait_sent(seconds=120)
        assert faults.seen("PUT .*partNumber") - before <= 2
        holds(s3_bucket, {key: content}, house.proofs())
        assert not s3_bucket.uploads()


def look_again(house):
    """As if a day had passed since the last look."""
    house.stop()
    house.db().execute("UPDATE s3_target SET looked_ns = 1")
    house.start()


def test_what_is_taken_away_hidden_or_unlocked_is_an_alarm(s3_server, tmp_path):
    bucket = new_bucket(s3_server, lock=True)
    house = House(tmp_path, text=section("tokyo", bucket, object_lock="governance 1d"))
    with house:
        objects = some(4)
        house.enqueue(objects)
        house.wait_sent()
        gone, hidden, overwritten, _ = sorted(objects)
        bypass = {"x-amz-bypass-governance-retention": "true"}
        [version] = house.proofs()["tokyo", gone]
        assert bucket.ask("DELETE", "hospital/one/" + gone, query=[("versionId", version)], headers=bypass).status == 204
        assert bucket.ask("DELETE", "hospital/one/" + hidden).status == 204
        bucket.put("hospital/one/" + overwritten, b"something else")
        look_again(house)
        place = toms.wait_for("the findings", lambda: house.places()["tokyo"]["findings"] == 3 and house.places()["tokyo"])
        assert place["state"] == "unproven" and place["last_finding"]
        toms.wait_for("the room to say so", lambda: not house.room()["healthy"])
        house.wait_sent()  # what was gone and is still here is sent again
        assert len(house.proofs()["tokyo", gone]) == 2
        house.ctl("place", "acknowledge", "tokyo")
        assert house.places()["tokyo"]["state"] == "ok"
        look_again(house)
        toms.wait_for("another look", lambda: house.db().execute("SELECT looked_ns > 1 FROM s3_target").fetchone()[0])
        assert house.places()["tokyo"]["state"] == "ok"


def test_a_hold_makes_locks_longer_in_every_place(s3_bucket, tmp_path):
    with House(tmp_path, text=section("tokyo", s3_bucket)) as house:
        objects = some(2)
        house.enqueue(objects)
        house.wait_sent()
        key = sorted(objects)[0]
        db = house.db()
        until = db.execute("SELECT max(retain_until_ns) FROM s3_proof").fetchone()[0] + 30 * 86400 * 10**9
        db.execute("BEGIN IMMEDIATE")  # as s3_extend does
        db.execute("UPDATE s3_object SET hold_ns = ? WHERE key = ?", (until, key))
        db.execute("UPDATE s3_copy SET wants = 2 WHERE object = (SELECT id FROM s3_object WHERE key = ?)", (key,))
        db.execute("COMMIT")
        house.ctl("place", "push")
        house.wait_sent()
        assert len(house.proofs()["tokyo", key]) == 2 and len(set(house.proofs()["tokyo", key])) == 1
        told = db.execute("SELECT max(retain_until_ns) FROM s3_proof").fetchone()[0]
        assert told >= until


def test_a_local_file_that_is_gone_or_rotten_is_said_and_never_a_loop(s3_bucket, s3_faults_proxy, tmp_path):
    faults = s3_faults_proxy
    house = House(tmp_path, text=section("tokyo", s3_bucket, endpoint=faults.url))
    objects = some(5)
    with house:
        toms.wait_for("the first test", lambda: house.places()["tokyo"]["last_test"])
        faults.add("refuse", status=503, code="SlowDown", count=-1)
        house.enqueue(objects, push=False)
        gone, rotten, short, *_ = sorted(objects)
        (house.state / "archive" / gone).unlink()
        (house.state / "archive" / rotten).write_bytes(objects[rotten][:-1] + bytes([objects[rotten][-1] ^ 1]))
        (house.state / "archive" / short).write_bytes(b"")
        faults.clear()
        house.ctl("place", "push")
        house.wait_sent()
        place = house.places()["tokyo"]
        assert place["lacking"] == 3 and place["state"] == "ok" and "3" in place["words"]
        words = dict(house.db().execute("SELECT o.key, c.words FROM s3_copy c JOIN s3_object o ON o.id = c.object WHERE c.state = 3"))
        assert "no longer here" in words[gone] and "not what was sealed" in words[rotten] and "size" in words[short]
        assert set(own(s3_bucket)) == set(objects) - {gone, rotten, short}
        tries = house.db().execute("SELECT max(tries) FROM s3_copy").fetchone()[0]
        assert tries <= 3


def test_the_overview_and_open_pages_hear_of_it(s3_bucket, tmp_path):
    with House(tmp_path, text=section("tokyo", s3_bucket).replace(s3_bucket.name, "no-such-bucket-here")) as house:
        api = house.first_admin()
        house.enqueue(some(1))

        def check():
            [one] = [c for c in api.get("/api/v1/overview", lang="ja")["checks"] if c["id"] == "s3"]
            return one["state"] == "problem" and one

        one = toms.wait_for("the overview to say it", check)
        assert "保管先 tokyo" in one["text"] + str(one["next"])
        english = [c for c in api.get("/api/v1/overview", lang="en")["checks"] if c["id"] == "s3"][0]
        assert "Place tokyo" in english["text"] + str(english["next"])
        assert api.get("/api/v1/places", lang="ja")["items"][0]["words"].startswith("保管先 tokyo")
        assert "tomsd_s3_waiting_objects 1" in toms.wait_for("the sums", lambda: (m := api.call("GET", "/metrics")).decode().find("s3_waiting_objects 1") > 0 and m.decode())


def test_a_bucket_without_object_lock_is_found_out(s3_server, tmp_path):
    bucket = new_bucket(s3_server, lock=False)
    with House(tmp_path, text=section("tokyo", bucket)) as house:
        place = toms.wait_for("the test", lambda: house.places()["tokyo"]["last_test"] and house.places()["tokyo"])
        assert not place["last_test"]["good"] and place["state"] == "unproven"
        assert "消せない" in place["words"] or "delete" in place["words"]


def test_the_test_by_hand_tells_its_steps(s3_bucket, tmp_path):
    with House(tmp_path, text=section("tokyo", s3_bucket)) as house:
        done = house.ctl("place", "test", "tokyo")
        assert "delete_refused" in done.stdout and "good" in done.stdout
        assert house.ctl("place", "test", "kobe", ok=False).returncode == 1
        policy = json.loads(house.ctl("place", "policy", "logs", "toms").stdout)
        assert not any(word in json.dumps(policy) for word in ("Delete", "Bypass", "*\"]"))


def test_places_by_hand(s3_server, tmp_path):
    bucket = new_bucket(s3_server)
    secret = tmp_path / "secret"
    secret.write_text(bucket.env["S3_SECRET"] + "\n")
    with House(tmp_path / "house") as house:
        house.ctl("place", "add", "tokyo", f"endpoint={bucket.env['S3_ENDPOINT']}", f"bucket={bucket.name}", "style=path",
                  f"access_key={bucket.env['S3_ACCESS']}", f"secret_key=@{secret}", "object_lock=governance 2d", "prefix=hospital/one")
        toms.wait_for("the first test", lambda: (house.places()["tokyo"]["last_test"] or {}).get("good"))
        house.ctl("place", "set", "tokyo", "bandwidth=1048576", "enabled=no")
        place = house.places()["tokyo"]
        assert place["bandwidth"] == 1 << 20 and place["state"] == "off" and place["lock"] == "governance"
        assert "tokyo" in house.ctl("place", "list").stdout
        wrong = house.ctl("place", "add", "x/y", "endpoint=ftp://x", ok=False)
        assert wrong.returncode == 1
        house.ctl("place", "remove", "tokyo")
        assert not house.places()


def test_the_server_is_killed_and_comes_back(tmp_path):
    from s3 import start_server
    server = start_server()
    try:
        bucket = new_bucket(server)
        with House(tmp_path, text=section("tokyo", bucket)) as house:
            toms.wait_for("the first test", lambda: house.places()["tokyo"]["last_test"])
            objects = some(120, size=30000)
            house.enqueue(objects)
            toms.wait_for("some to be sent", lambda: len(house.proofs()) > 5)
            server.kill_gateway()
            later = {key.replace("hour=05", "hour=06"): value for key, value in some(10, seed=4).items()}
            house.enqueue(later)
            toms.wait_for("a failure", lambda: house.places()["tokyo"]["problem"] == "unreachable")
            server.start_gateway()
            house.ctl("place", "push")
            house.wait_sent()
            holds(bucket, {**objects, **later}, house.proofs())
    finally:
        server.stop(wipe=True)


@pytest.mark.sanitize
def test_a_stop_in_the_middle_is_quick_and_goes_on_later(s3_bucket, s3_faults_proxy, tmp_path):
    faults = s3_faults_proxy
    with House(tmp_path, text=section("tokyo", s3_bucket, endpoint=faults.url)) as house:
        toms.wait_for("the first test", lambda: house.places()["tokyo"]["last_test"])
        faults.add("delay", match="PUT .*kind%3D", seconds=60, count=-1)
        objects = some(3)
        house.enqueue(objects)
        toms.wait_for("a request that hangs", lambda: faults.seen("PUT .*kind%3D"))
        done = threading.Event()
        threading.Thread(target=lambda: (house.stop(), done.set()), daemon=True).start()
        assert done.wait(15 * toms.SLOW), "the stop waits for the network"
    faults.clear()
    with house:
        house.wait_sent()
        holds(s3_bucket, objects, house.proofs())


def test_a_self_test_that_is_broken_off_says_nothing_of_the_place(s3_bucket, s3_faults_proxy, tmp_path):
    faults = s3_faults_proxy
    faults.add("delay", match="PUT .*_selftest", seconds=60)
    house = House(tmp_path, text=section("tokyo", s3_bucket, endpoint=faults.url))
    with house:
        toms.wait_for("the test to begin", lambda: faults.seen("PUT .*_selftest"))
    assert "self-test of a place failed" not in house.log()
    assert house.db().execute("SELECT test_result FROM s3_target").fetchall() == [(0,)]


def test_what_is_sealed_gets_there_by_itself(s3_bucket, tmp_path):
    with House(tmp_path, text=section("tokyo", s3_bucket)) as house:
        house.ctl("archive", "seal", "--now")
        local = toms.wait_for("a manifest", lambda: {str(p.relative_to(house.state / "archive")): p.read_bytes()
                                                      for p in (house.state / "archive" / "_manifest").rglob("*") if p.is_file()})
        toms.wait_for("the place to have it", lambda: set(own(s3_bucket)) >= set(local))
        house.wait_sent()
        for key, content in local.items():
            [version] = own(s3_bucket)[key]
            assert s3_bucket.get("hospital/one/" + key, version).body == content
