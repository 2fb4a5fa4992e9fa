"""Two verifiers over one archive: tomsctl verify, and one that was written from the pages alone, in another language. What is good is
good to both; whatever is done to it, both find it and name the same file. The commands of docs/archive.md, "How to check", are run
as they stand there."""
import hashlib
import html
import json
import os
import re
import shutil
import subprocess

import pytest

import second_verifier
import toms

MAKE = toms.BUILD / "tests/tools/archive_make"
CTL = toms.BUILD / "tomsctl"
HOURS, ROWS, ROTATE = 5, 3, 3
STEP = 61  # of bytes that are turned over here; all of them are in tests/unit/archive/test_tamper.c


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive") / "original"
    folder.mkdir()
    head = toms.run(MAKE, folder, HOURS, ROWS, ROTATE).stdout.strip()
    return folder, head


@pytest.fixture
def archive(original, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(original[0], folder)
    return folder


def names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.parent != folder)


def manifests(folder):
    return [n for n in names(folder) if n.startswith("_manifest")]


def objects(folder):
    return [n for n in names(folder) if n.startswith("kind=")]


def ours(folder, *more, key="public_key.pem"):
    """What tomsctl says, as JSON; on a machine without configuration or state."""
    argv = [CTL, "verify", "--from", folder, "--json", *(["--key", folder / key] if key else []), *more]
    done = toms.run(*argv, ok=False)
    assert done.stdout, done.stderr
    said = json.loads(done.stdout)
    assert done.returncode == (1 if said["faults"] else 0), done.stderr
    assert bool(done.stderr) == bool(said["faults"])
    if said["faults"]:
        assert said["first"]["key"] in done.stderr and done.stderr.count("\n") == 1
    return said


def theirs(folder, head=None, key="public_key.pem", rows=True):
    return second_verifier.verify(folder, folder / key if key else None, head, rows=rows)


def base(key):
    """A manifest and its signature do not fit each other: either may be named."""
    return key.rsplit(".", 1)[0] if key.startswith("_manifest") else key


def both_find(folder, faults, head=None, key="public_key.pem", first=None):
    a = ours(folder, "--rows", *(["--head", head] if head else []), key=key)
    b = theirs(folder, head, key)
    assert a["faults"] and b["faults"], (a["first"], b["first"])
    assert a["first"]["seq"] == b["first"]["seq"], (a["first"], b["first"])
    assert base(a["first"]["key"]) == base(b["first"]["key"]), (a["first"], b["first"])
    for said in (a, b):
        assert {f["fault"] for f in said["found"]} & set(faults), said["found"]
    if first:
        assert base(a["first"]["key"]) == base(first), a["first"]
    return a


def both_are_content(folder, head=None, key="public_key.pem"):
    a = ours(folder, "--rows", *(["--head", head] if head else []), key=key)
    b = theirs(folder, head, key)
    assert (a["faults"], b["faults"]) == (0, 0), (a["first"], b["first"])
    for member in ("manifests", "objects", "rows"):
        assert a[member] == b[member], member
    assert f"{a['last_seq']}:{a['head_sha256']}" == b["head"]


def test_both_verifiers_agree_on_a_good_archive(archive, original):
    both_are_content(archive, original[1])
    both_are_content(archive, key=None)
    a = ours(archive, "--rows")
    assert (a["manifests"], a["objects"], a["rows"]) == (HOURS, 8, 8 * ROWS)


def test_a_byte_turned_over_anywhere_is_found_by_both(archive):
    for name in names(archive):
        path = archive / name
        data = path.read_bytes()
        for at in range(len(name) % STEP, len(data), STEP):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
            a, b = ours(archive), theirs(archive, rows=False)
            assert a["faults"] and b["faults"], (name, at)
            assert base(a["first"]["key"]) == base(b["first"]["key"]) == base(name), (name, at, a["first"], b["first"])
        path.write_bytes(data)
    both_are_content(archive)


def test_each_file_that_is_missing_is_named_by_both(archive):
    for name in names(archive):
        path = archive / name
        data = path.read_bytes()
        path.unlink()
        both_find(archive, ["missing"], first=name)
        path.write_bytes(data)
    both_are_content(archive)


def test_two_that_are_swapped_are_found_by_both(archive):
    def swap(one, two):
        a, b = (archive / one).read_bytes(), (archive / two).read_bytes()
        (archive / one).write_bytes(b)
        (archive / two).write_bytes(a)

    found = objects(archive)
    swap(found[0], found[-1])
    both_find(archive, ["hash", "size"])
    swap(found[0], found[-1])
    both_are_content(archive)
    for suffix, faults in (("json", ["hash"]), ("sig", ["name"])):  # the second time the pairs are together again
        swap(f"_manifest/appliance=ward7/0000000002.{suffix}", f"_manifest/appliance=ward7/0000000004.{suffix}")
        both_find(archive, faults, first="_manifest/appliance=ward7/0000000002.json")


def test_a_tail_that_is_cut_off_shows_by_the_head(archive, original):
    for name in manifests(archive) + objects(archive):
        if re.search(r"/000000000[45][-.]", name):
            (archive / name).unlink()
    both_are_content(archive)
    both_find(archive, ["head"], head=original[1], first="_manifest/appliance=ward7/0000000004.json")


def test_an_archive_that_is_made_again_with_another_key_is_found(archive, original, tmp_path):
    forged = tmp_path / "forged"
    forged.mkdir()
    toms.run(MAKE, forged, HOURS, ROWS, ROTATE)
    shutil.copy(archive / "public_key.pem", forged / "kept.pem")
    both_are_content(forged, key=None)  # nothing inside tells
    both_find(forged, ["key"], key="kept.pem")
    both_find(forged, ["head"], key=None, head=original[1])


def test_two_manifests_of_one_number_are_found(archive):
    for suffix in ("json", "sig"):
        shutil.copy(archive / f"_manifest/appliance=ward7/0000000005.{suffix}", archive / f"_manifest/appliance=ward7/0000000006.{suffix}")
    both_find(archive, ["name"], first="_manifest/appliance=ward7/0000000006.json")


def test_an_object_under_another_name_is_missing_and_a_stranger(archive):
    name = objects(archive)[2]
    other = re.sub(r"-[0-9a-f](?=[0-9a-f]{15}\.)", lambda m: "-1" if m.group() == "-0" else "-0", name)
    (archive / name).rename(archive / other)
    found = both_find(archive, ["missing"], first=name)
    assert {f["fault"] for f in found["found"]} == {"missing", "stranger"}


def test_a_stranger_is_told_by_both(archive):
    for name in ("kind=flow/appliance=ward7/dt=2026-11-22/hour=09/0000000001-0123456789abcdef.parquet", "kind=flow/x.parquet",
                 "_manifest/appliance=ward7/5.json"):
        path = archive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PAR1")
        both_find(archive, ["stranger"], first=name)
        path.unlink()
    (archive / "kind=flow").exists() and shutil.rmtree(archive / "kind=flow")
    both_are_content(archive)


def test_a_link_is_no_object(archive):
    path = archive / objects(archive)[0]
    path.rename(archive / "elsewhere")
    path.symlink_to(archive / "elsewhere")
    both_find(archive, ["missing"], first=objects(archive)[0])


def test_verify_says_what_is_wrong_with_what_it_was_given(tmp_path, archive):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = toms.run(CTL, "verify", "--from", empty, ok=False)
    assert done.returncode == 1 and "no manifest" in done.stderr
    done = toms.run(CTL, "verify", "--from", archive, "--key", archive / "nothing.pem", ok=False)
    assert done.returncode == 1 and "nothing.pem" in done.stderr
    done = toms.run(CTL, "verify", "--from", archive, "--head", "5:12", ok=False)
    assert done.returncode == 2 and "SEQ:SHA256" in done.stderr
    shutil.copytree(archive / "_manifest/appliance=ward7", archive / "_manifest/appliance=ward8")
    done = toms.run(CTL, "verify", "--from", archive, ok=False)
    assert done.returncode == 1 and "ward7" in done.stderr and "ward8" in done.stderr
    done = toms.run(CTL, "verify", "--from", archive, "--appliance", "ward7")
    assert "good" in done.stdout


# ---- The page. ----

def commands():
    """The blocks of docs/archive.md below "How to check"."""
    page = (toms.ROOT / "docs/archive.md").read_text()
    part = page.split("\n## How to check\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)```", part, re.S)


def test_the_commands_of_the_page_prove_an_archive_by_hand(archive, original):
    blocks = commands()
    assert len(blocks) >= 4
    script = "\n".join(blocks)
    env = {**os.environ, "PATH": f"{toms.BUILD}:{os.environ['PATH']}", "TREE": str(toms.ROOT), "HEAD": original[1]}

    def by_hand():
        return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=archive, env=env, capture_output=True,
                              text=True, timeout=300 * toms.SLOW)

    done = by_hand()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.count("Signature Verified Successfully") == HOURS + 1  # of the rotation there are two
    for name in (objects(archive)[1], manifests(archive)[2], manifests(archive)[5]):
        path = archive / name
        data = path.read_bytes()
        path.write_bytes(data[:40] + bytes([data[40] ^ 4]) + data[41:])
        assert by_hand().returncode != 0, name
        path.write_bytes(data)
    assert by_hand().returncode == 0


# ---- The daemon's own. ----

@pytest.fixture
def house(tmp_path):
    with toms.Daemon(tmp_path / "house", conf=["appliance.id=ward7"]) as daemon:
        api = daemon.first_admin()
        for name in ("alice", "bob", "carol"):  # audit rows, to be sealed
            daemon.ctl("token", "add", name, "viewer", "30")
            daemon.ctl("archive", "seal", "--now")
        yield daemon, api


def ask(api, what, body):
    return api.call("POST", f"/api/v1/archive/{what}", body, expect=202)["id"]


def wait_job(api, job):
    def ended():
        said = api.get(f"/api/v1/jobs/{job}")
        return said if said["state"] not in ("waiting", "running") else None
    return toms.wait_for("the job", ended)


def test_what_the_daemon_seals_is_good_to_both(house, tmp_path):
    daemon, _ = house
    said = json.loads(daemon.ctl("verify", "--rows", "--json").stdout)
    assert said["faults"] == 0 and said["manifests"] >= 3 and said["rows"] >= 3
    head = daemon.ctl("archive", "head").stdout.strip()
    assert head == f"{said['last_seq']}:{said['head_sha256']}"
    copy = tmp_path / "stick"
    shutil.copytree(daemon.state / "archive", copy)
    (copy / "public_key.pem").write_text(daemon.ctl("archive", "key").stdout)
    both_are_content(copy, head)
    daemon.ctl("archive", "rotate")
    daemon.ctl("archive", "seal", "--now")
    shutil.rmtree(copy)
    shutil.copytree(daemon.state / "archive", copy)
    (copy / "public_key.pem").write_text(daemon.ctl("archive", "key").stdout)
    both_are_content(copy, daemon.ctl("archive", "head").stdout.strip())


def test_a_proof_that_is_asked_for_is_a_row_with_its_result(house):
    daemon, api = house
    done = wait_job(api, ask(api, "verify", {"from": "local", "rows": True}))
    assert done["state"] == "done" and done["result"]["faults"] == 0, done
    rows = api.get("/api/v1/archive/verifications")["items"]
    assert rows[0]["from"] == "local" and rows[0]["rows"] and not rows[0]["monthly"] and rows[0]["result"]["manifests"] >= 3
    broken = next((daemon.state / "archive").rglob("*.parquet"))
    data = broken.read_bytes()
    broken.chmod(0o600)
    broken.write_bytes(data[:-1] + b"x")
    done = wait_job(api, ask(api, "verify", {"from": "local"}))
    assert done["result"]["faults"] == 1 and done["result"]["found"][0]["key"].endswith(broken.name), done
    assert api.get("/api/v1/archive")["verified"]["faults"] == 1
    api.call("POST", "/api/v1/archive/verify", {"from": "moon"}, expect=422)


def test_a_hold_pins_and_is_released(house):
    daemon, api = house
    hold = {"name": "incident 7", "reason": "asked for by the police", "since": "-2h", "until": "-0s", "keep_until": "2033-01-01T00:00:00Z"}
    for wrong in ({"keep_until": "2001-01-01T00:00:00Z"}, {"until": "-3h"}, {"name": " "}, {"reason": None}):
        api.call("POST", "/api/v1/archive/holds", {**hold, **wrong}, expect=422)
    made = api.call("POST", "/api/v1/archive/holds", hold, expect=201)
    assert made["objects"] >= 1 and made["released_at"] is None
    assert api.get("/api/v1/archive")["holds"] == 1
    listed = api.get("/api/v1/archive/holds")["items"]
    assert [h["id"] for h in listed] == [made["id"]]
    assert "incident 7" in daemon.ctl("archive", "hold").stdout
    daemon.ctl("archive", "release", made["id"])
    assert api.get("/api/v1/archive")["holds"] == 0
    assert api.get("/api/v1/archive/holds")["items"][0]["released_by"]
    assert daemon.ctl("archive", "release", made["id"], ok=False).returncode == 1
    actions = [a["event"]["action"] for a in api.get("/api/v1/audit")["items"]]
    assert {"archive.hold", "archive.release"} <= set(actions)


def test_a_part_of_the_archive_can_be_taken_and_proven_elsewhere(house, tmp_path):
    daemon, api = house
    out = tmp_path / "part.tar"
    daemon.ctl("archive", "take", "--since", "-2h", "--until", "now", "--purpose", "for the court", out)
    there = tmp_path / "there"
    there.mkdir()
    subprocess.run(["tar", "-xf", out, "-C", there], check=True)
    subprocess.run(["chmod", "-R", "u+w", there], check=True)
    assert {"README.ja.txt", "README.en.txt", "public_key.pem"} <= {p.name for p in there.iterdir()}
    assert "for the court" in (there / "README.ja.txt").read_text()
    done = toms.run(CTL, "verify", "--from", there, "--key", there / "public_key.pem", "--rows", "--part")
    assert "good" in done.stdout
    b = second_verifier.verify(there, there / "public_key.pem", rows=True, part=True)
    assert b["faults"] == 0 and b["objects"] >= 1, b
    object_ = next(there.rglob("*.parquet"))
    object_.write_bytes(object_.read_bytes()[:-1] + b"x")
    assert toms.run(CTL, "verify", "--from", there, "--part", ok=False).returncode == 1
    done = wait_job(api, ask(api, "take", {"since": "-2h", "until": "now", "kinds": ["audit"], "purpose": "ward round"}))
    assert done["state"] == "done", done
    tar, sums = done["result"]["files"]
    body = api.get(tar["href"])
    assert hashlib.sha256(body).hexdigest() == tar["sha256"] and len(body) == tar["bytes"]
    assert api.get(sums["href"]).decode() == f"{tar['sha256']}  {tar['name']}\n"
    job = ask(api, "take", {"since": "2001-01-01", "until": "2001-01-02", "kinds": ["flow"], "purpose": "nothing"})
    assert wait_job(api, job)["state"] == "failed"


def test_the_procedure_is_a_page_whose_commands_prove_the_archive(house, tmp_path):
    daemon, api = house
    copy = tmp_path / "stick"
    shutil.copytree(daemon.state / "archive", copy)
    (copy / "public_key.pem").write_text(daemon.ctl("archive", "key").stdout)
    for lang, words in (("ja", "証跡を手で検証する手順"), ("en", "Checking the archive by hand")):
        page = api.get("/api/v1/archive/procedure", lang=lang).decode()
        assert words in page
    script = "\n".join(html.unescape(b) for b in re.findall(r"<pre>(.*?)</pre>", page, re.S))
    env = {**os.environ, "PATH": f"{toms.BUILD}:{os.environ['PATH']}"}

    def by_hand():
        return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=copy, env=env, capture_output=True, text=True,
                              timeout=300 * toms.SLOW)

    done = by_hand()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    broken = next(copy.rglob("*.sig"))
    broken.chmod(0o600)
    broken.write_bytes(broken.read_bytes().replace(b'"signature":"', b'"signature":"A', 1))
    assert by_hand().returncode != 0


def test_nobody_gets_by_the_archive_what_the_role_does_not_give(house):
    daemon, _ = house
    span = {"since": "-2h", "until": "now", "purpose": "curious"}
    changes = [("archive/seal", {}), ("archive/holds", {}), ("places/push", {}), ("rescue/backup", {})]
    admins = [("archive/key/rotate", {}), ("places", {}), ("rescue/phrase", {}), ("rescue/rehearse", {})]
    looks = ["archive", "archive/hours", "archive/manifests", "archive/manifests/1", "archive/verifications", "archive/holds",
             "places", "places/policy", "rescue"]
    refused = {
        "viewer": admins + changes + [("archive/verify", {"from": "local"}), ("archive/take", {**span, "kinds": ["flow"]})],
        "auditor": admins + changes,
        "operator": admins + [("archive/take", {**span, "kinds": ["flow", "audit"]})],  # GET /audit is refused to them, too
    }
    for role, asked in refused.items():
        key = {"Authorization": "Bearer " + daemon.ctl("token", "add", f"for-{role}", role, "1").stdout.strip()}
        for path, body in asked:
            status, _, said = daemon.client().raw("POST", f"/api/v1/{path}", body, key)
            assert status == 403, (role, path, said)
            assert json.loads(said)["type"].endswith("role_required"), said
        for path in looks:
            assert (daemon.client().raw("GET", f"/api/v1/{path}", None, key)[0] == 403) == (role == "viewer"), (role, path)
