"""The proof of an archive in a place: a real S3 server with Object Lock. What hides a proven version, and objects whose local files
are gone."""
import json

import toms
from s3 import s3_bucket, s3_server  # noqa: F401
from test_places import section

WAIT = 90


def waiting(daemon):
    return sum(p["waiting"] for p in daemon.rows("place", "list"))


def verify(daemon, source, *more):
    done = daemon.ctl("verify", "--from", source, "--rows", "--json", *more, ok=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_a_place_is_proven_by_versions_and_what_hides_them_is_told(s3_bucket, tmp_path):  # noqa: F811
    with toms.Daemon(tmp_path / "house", conf=["appliance.id=ward7"], text=section("tokyo", s3_bucket)) as daemon:
        api = daemon.first_admin()
        for name in ("alice", "bob"):
            daemon.ctl("token", "add", name, "viewer", "30")
            daemon.ctl("archive", "seal", "--now")
        toms.wait_for("all copies proven", lambda: waiting(daemon) == 0, WAIT)
        daemon.ctl("archive", "seal", "--now")  # its receipts name the versions
        toms.wait_for("all copies proven", lambda: waiting(daemon) == 0, WAIT)
        said = verify(daemon, "s3:tokyo")
        assert said["faults"] == 0 and said["objects"] >= 2 and said["manifests"] >= 3, said
        # An object that is gone here is kept elsewhere, as the database says, and a take has it from the place.
        object_ = sorted((daemon.state / "archive").rglob("*.parquet"))[0]
        key = str(object_.relative_to(daemon.state / "archive"))
        whole = object_.read_bytes()
        object_.write_bytes(whole[:-1] + b"x")
        assert verify(daemon, "local")["first"]["key"] == key
        out = tmp_path / "part.tar"
        daemon.ctl("archive", "take", "--since", "-2h", "--until", "now", "--purpose", "for the court", out)
        assert whole in out.read_bytes()
        object_.write_bytes(whole)
        # Over the name of a locked version anybody with the key may put another; and a delete marker.
        path = "hospital/one/" + key
        s3_bucket.put(path, b"other bytes")
        said = verify(daemon, "s3:tokyo")
        assert [f["fault"] for f in said["found"]] == ["hidden"] and said["first"]["key"] == key, said
        manifest = "_manifest/appliance=ward7/0000000001.json"
        assert s3_bucket.ask("DELETE", "hospital/one/" + manifest).status == 204
        said = verify(daemon, "s3:tokyo")
        assert {(f["fault"], f["key"]) for f in said["found"]} == {("hidden", key), ("hidden", manifest)}, said
        # The same as a job of the daemon.
        job = api.call("POST", "/api/v1/archive/verify", {"from": "s3:tokyo"}, expect=202)["id"]

        def ended():
            j = api.get(f"/api/v1/jobs/{job}")
            return j if j["state"] not in ("waiting", "running") else None
        done = toms.wait_for("the proof", ended, WAIT)
        assert done["state"] == "done" and done["result"]["faults"] == 2, done


def test_a_hold_makes_locks_longer_also_of_what_comes_later(s3_bucket, tmp_path):  # noqa: F811
    with toms.Daemon(tmp_path / "house", conf=["appliance.id=ward7"], text=section("tokyo", s3_bucket, object_lock="governance 1d")) as daemon:
        daemon.first_admin()
        daemon.ctl("archive", "seal", "--now")
        toms.wait_for("all copies proven", lambda: waiting(daemon) == 0, WAIT)
        daemon.ctl("archive", "hold", "incident 7", "--since", "-2h", "--until", "now", "--keep-until", "2027-06-01T00:00:00Z",
                   "--reason", "asked for by the police")
        key = str(next((daemon.state / "archive").rglob("*.parquet")).relative_to(daemon.state / "archive"))

        def locked_longer(name):
            head = s3_bucket.ask("HEAD", "hospital/one/" + name)
            return head.headers.get("x-amz-object-lock-retain-until-date", "").startswith("2027-06-01")
        for name in (key, "_manifest/appliance=ward7/0000000001.json", "_manifest/appliance=ward7/0000000001.sig"):
            toms.wait_for(f"a longer lock of {name}", lambda: locked_longer(name), WAIT)
