"""Two verifiers over one archive: tomsctl verify, and one that was written from the pages alone, in another language. What is good is
good to both; whatever is done to it, both find it and name the same file. The commands of docs/archive.md, "How to check", are run
as they stand there."""
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
    assert done.stdout.count("Signature Verified Successfully") == HOURS
    for name in (objects(archive)[1], manifests(archive)[2], manifests(archive)[5]):
        path = archive / name
        data = path.read_bytes()
        path.write_bytes(data[:40] + bytes([data[40] ^ 4]) + data[41:])
        assert by_hand().returncode != 0, name
        path.write_bytes(data)
    assert by_hand().returncode == 0
