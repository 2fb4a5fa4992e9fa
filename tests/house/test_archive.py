"""The evidence archive of a running house: sealed by hand, proven with OpenSSL's own tool, taken out again."""
import base64
import hashlib
import json
import re

import pytest
import toms
from logs import SYSLOG, doors, send_tcp, wait_rows

LINES = [b"<134>1 2026-11-22T09:%02d:00+09:00 fw1 app - - - line %d of the archive \xe5\xa4\x96\xe6\x9d\xa5" % (i % 60, i) for i in range(200)]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    with toms.Daemon(folder, text=SYSLOG) as daemon:
        send_tcp(doors(daemon)["tcp"], b"".join(line + b"\n" for line in LINES))
        wait_rows(daemon, len(LINES))
        daemon.ctl("archive", "seal", "--now")
        yield daemon


def folder_of(daemon):
    return daemon.state / "archive"


def manifest_paths(daemon):
    return sorted(folder_of(daemon).glob("_manifest/appliance=*/*.json"))


def signatures_hold(daemon, path, tmp_path):
    """openssl's own word on every signature beside a manifest, under the keys that it names."""
    manifest = json.loads(path.read_bytes())
    signatures = json.loads(path.with_suffix(".sig").read_bytes())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == signatures["manifest_sha256"]
    keys = {k["id"]: base64.b64decode(k["public_key"]) for k in manifest["keys"]}
    for one in signatures["signatures"]:
        raw = keys[one["key_id"]]
        assert hashlib.sha256(raw).hexdigest()[:16] == one["key_id"]
        pem, sig = tmp_path / "key.pem", tmp_path / "sig"
        der = bytes.fromhex("302a300506032b6570032100") + raw
        pem.write_text("-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der).decode() + "\n-----END PUBLIC KEY-----\n")
        sig.write_bytes(base64.b64decode(one["signature"]))
        toms.run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin", "-in", path, "-sigfile", sig)
    return manifest, [one["key_id"] for one in signatures["signatures"]]


def test_what_came_in_is_sealed_and_openssl_agrees(house, tmp_path):
    path = manifest_paths(house)[0]
    manifest, _ = signatures_hold(house, path, tmp_path)
    assert manifest["seq"] == 1 and manifest["previous"] is None
    assert manifest["rows"]["log"] == len(LINES)
    for o in manifest["objects"]:
        data = (folder_of(house) / o["key"]).read_bytes()
        assert len(data) == o["bytes"] and hashlib.sha256(data).hexdigest() == o["sha256"]
        assert o["key"].endswith(f"{manifest['seq']:010}-{o['sha256'][:16]}.parquet")
        assert sum(d["rows"] for d in o["days"]) == o["rows"]


def test_the_key_of_the_shell_and_of_the_panel_is_the_one_in_the_manifest(house):
    pem = house.ctl("archive", "key").stdout
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    manifest = json.loads(manifest_paths(house)[0].read_bytes())
    assert base64.b64decode(manifest["keys"][0]["public_key"]) == der[-32:]


def test_an_hour_without_rows_has_a_manifest_of_its_own(house, tmp_path):
    house.ctl("archive", "seal", "--now")
    before = len(manifest_paths(house))
    house.ctl("archive", "seal")
    paths = manifest_paths(house)
    assert len(paths) == before + 1
    seqs = [json.loads(p.read_bytes())["seq"] for p in paths]
    assert seqs == list(range(1, len(paths) + 1))
    for earlier, later in zip(paths, paths[1:]):
        manifest, _ = signatures_hold(house, later, tmp_path)
        assert manifest["previous"]["sha256"] == hashlib.sha256(earlier.read_bytes()).hexdigest()
        assert manifest["since"] == json.loads(earlier.read_bytes())["until"]


def test_list_and_head_tell_the_same_with_and_without_a_daemon(house):
    head = house.ctl("archive", "head").stdout.strip()
    rows = house.rows("archive", "list")
    newest = manifest_paths(house)[-1]
    assert head == f"{len(manifest_paths(house))}:{hashlib.sha256(newest.read_bytes()).hexdigest()}"
    assert rows[0]["sha256"] == head.split(":")[1]
    assert re.search(r"^0000000001 ", house.ctl("archive", "list").stdout, re.M)


def test_get_gives_the_lines_back_byte_for_byte(house, tmp_path):
    out = tmp_path / "lines"
    house.ctl("archive", "get", "--raw", out)
    assert sorted(out.read_bytes().splitlines()) == sorted(LINES)


def test_get_gives_files_and_what_proves_them(house, tmp_path):
    out = tmp_path / "taken"
    house.ctl("archive", "get", "--kind", "log", out)
    files = [p for p in out.rglob("*.parquet")]
    assert len(files) == 1
    key = str(files[0].relative_to(out))
    manifest, _ = signatures_hold(house, next(out.glob("_manifest/*/0000000001.json")), tmp_path)
    assert {o["key"]: o["sha256"] for o in manifest["objects"]}[key] == hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert (out / "key.pem").exists()


def test_a_new_key_is_vouched_for_by_the_old_one(house, tmp_path):
    old = json.loads(manifest_paths(house)[-1].read_bytes())["keys"][-1]["id"]
    before = len(manifest_paths(house))
    house.ctl("archive", "rotate")
    toms.wait_for("the manifest of both keys", lambda: len(manifest_paths(house)) > before
                  and len(house.rows("archive", "list")) > before)
    manifest, signers = signatures_hold(house, manifest_paths(house)[before], tmp_path)
    assert set(signers) == {old, manifest["keys"][-1]["id"]} and len(signers) == 2
    house.ctl("archive", "seal")
    _, signers = signatures_hold(house, manifest_paths(house)[-1], tmp_path)
    assert signers == [manifest["keys"][-1]["id"]]


def test_pages_see_head_hours_and_manifests(house):
    api = house.first_admin()
    archive = api.get("/api/v1/archive")
    assert archive["head"]["seq"] == len(manifest_paths(house))
    assert archive["places"] == [] and archive["clock"]["state"] == "steady"
    hours = api.get("/api/v1/archive/hours", since="-3h")["items"]
    assert {h["state"] for h in hours} <= {"sealed", "empty", "waiting"}
    assert sum(h["rows"].get("log", 0) for h in hours) == len(LINES)
    page = api.get("/api/v1/archive/manifests", limit=2)
    assert len(page["items"]) == 2 and page["next"]
    more = api.get("/api/v1/archive/manifests", limit=2, cursor=page["next"])
    assert more["items"][0]["seq"] == page["items"][-1]["seq"] - 1
    seq = page["items"][0]["seq"]
    got = api.get(f"/api/v1/archive/manifests/{seq}")
    assert got["seq"] == seq


def test_every_change_of_the_archive_is_audited(house):
    actions = [row["event"]["action"] for row in house.rows("audit", "--limit", "200")]
    assert "archive.seal" in actions and "archive.key_rotate" in actions


def test_a_house_that_was_killed_goes_on_with_the_next_number(tmp_path):
    daemon = toms.Daemon(tmp_path, text=SYSLOG)
    with daemon:
        send_tcp(doors(daemon)["tcp"], b"".join(line + b"\n" for line in LINES[:50]))
        wait_rows(daemon, 50)
        daemon.ctl("archive", "seal")
        send_tcp(doors(daemon)["tcp"], b"".join(line + b"\n" for line in LINES[50:]))
        wait_rows(daemon, len(LINES))
        daemon.kill()
    with daemon:
        daemon.ctl("archive", "seal")
        manifests = [json.loads(p.read_bytes()) for p in manifest_paths(daemon)]
    assert [m["seq"] for m in manifests] == list(range(1, len(manifests) + 1))
    assert sum(m["rows"]["log"] for m in manifests) == len(LINES)
    days = {}
    for m in manifests:  # ids follow one another: nothing twice, nothing left out
        for o in m["objects"]:
            for d in o["days"]:
                assert int(d["after"]) == days.get((o["kind"], d["day"]), int(d["after"]))
                days[o["kind"], d["day"]] = int(d["last"])


def test_a_replay_seals_nothing(hospital, tmp_path):
    daemon = toms.Daemon(tmp_path)
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", hospital["files"][0], timeout=300)
    assert not list(folder_of(daemon).rglob("*.json"))
    with daemon:
        daemon.ctl("archive", "seal")
        assert json.loads(manifest_paths(daemon)[0].read_bytes())["rows"]["flow"] > 0


def test_a_database_that_was_put_back_uses_no_number_twice(tmp_path):
    daemon = toms.Daemon(tmp_path)
    with daemon:
        daemon.ctl("archive", "seal")
        daemon.stop()
    before = (daemon.state / "tomsd.db").read_bytes()
    with daemon:
        daemon.ctl("archive", "seal")
        daemon.stop()
    sealed = {p: p.read_bytes() for p in folder_of(daemon).rglob("*.json")}
    for stale in daemon.state.glob("tomsd.db-*"):
        stale.unlink()
    (daemon.state / "tomsd.db").write_bytes(before)
    with daemon:
        assert daemon.ctl("archive", "seal", ok=False).returncode == 1
        assert "later manifests" in daemon.log()
    assert {p: p.read_bytes() for p in folder_of(daemon).rglob("*.json")} == sealed


def test_a_renamed_appliance_goes_on_with_its_chain(tmp_path):
    daemon = toms.Daemon(tmp_path, text="[appliance]\nid = first-name\n")
    with daemon:
        daemon.ctl("archive", "seal", "--now")
    daemon.extra = ["appliance.id=second-name"]
    with daemon:
        daemon.ctl("archive", "seal", "--now")
        assert "goes on under the name it began with" in daemon.log()
        assert [p.name for p in (daemon.state / "archive/_manifest").iterdir()] == ["appliance=first-name"]
        assert json.loads(daemon.ctl("verify", "--json").stdout)["manifests"] >= 2
