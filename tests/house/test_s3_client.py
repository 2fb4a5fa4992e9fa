"""The client of S3 against a real server with enforced Object Lock, and against everything that goes wrong on the
way. However it went, at the end each object is there, proven, locked, and there once.
"""
import hashlib
import os
import secrets
import subprocess
import threading

import pytest

import s3
import toms
from s3 import s3_bucket, s3_faults_proxy, s3_server, s3_tls_server  # noqa: F401
from toms import run, wait_for

HOUR = ("COMPLIANCE", "3600")
MIB = 1 << 20
KEY = "kind=flow/appliance=a1/dt=2026-11-22/hour=05/0000000042-0123456789abcdef.parquet"


@pytest.fixture(scope="module", autouse=True)
def tool():
    if not s3.TRY.exists():
        run("make", "-C", toms.ROOT, "-s", *([f"V={toms.BUILD.name}"] if toms.BUILD.name != "build" else []), s3.TRY.relative_to(toms.ROOT))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "file"
    path.write_bytes(secrets.token_bytes(300_000))
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Five parts, the last one shorter."""
    path = tmp_path_factory.mktemp("large") / "file"
    path.write_bytes(secrets.token_bytes(70 * MIB))
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_kept_once(bucket, path, key=KEY):
    """The object is there in one version with the bytes of the file, and nobody can take it away."""
    name = f"{bucket.env['S3_PREFIX']}/{key}" if bucket.env["S3_PREFIX"] else key
    versions = [v for k, v in bucket.versions() if k == name]
    assert len(versions) == 1
    got = bucket.get(name, versions[0])
    assert got.status == 200 and got.body == path.read_bytes()
    refused = bucket.ask("DELETE", name, query=[("versionId", versions[0])])
    assert (refused.status, refused.code) == (403, "AccessDenied")
    return versions[0]


def test_an_object_is_put_proven_and_cannot_be_deleted(s3_bucket, small):
    said = s3_bucket.try_("put", KEY, small, *HOUR)
    assert said["version_id"] == assert_kept_once(s3_bucket, small)
    assert said["lock"] == "COMPLIANCE" and said["bytes"] == 300_000 and said["sha256"] == sha256(small)
    assert said["etag"] == hashlib.md5(small.read_bytes()).hexdigest()


def test_what_is_there_already_is_not_sent_again(s3_bucket, s3_faults_proxy, small):
    first = s3_bucket.try_("put", KEY, small, *HOUR)
    again = s3_bucket.try_("put", KEY, small, *HOUR, env=s3_bucket.through(s3_faults_proxy))
    assert again["version_id"] == first["version_id"]
    assert s3_faults_proxy.seen("^PUT [^?]*$") == 0
    assert_kept_once(s3_bucket, small)


def test_other_bytes_under_our_name_with_our_label_are_not_believed(s3_bucket, small):
    """Who has the keys knows the name and the sum before we send."""
    whole = s3_bucket.env["S3_PREFIX"] + "/" + KEY
    s3_bucket.put(whole, b"x" * len(small.read_bytes()), **{"x-amz-meta-sha256": sha256(small)})
    said = s3_bucket.try_("put", KEY, small, *HOUR)
    assert s3_bucket.get(whole, said["version_id"]).body == small.read_bytes()
    assert len(s3_bucket.versions()) == 2 and said["lock"] == "COMPLIANCE"


def test_an_empty_object_and_a_key_of_odd_characters_are_kept(s3_bucket, tmp_path):
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    for key in ("a b+c&d=e/é'(*)!~%41?#.json", "..//double", "x" * 900):
        s3_bucket.try_("put", key, empty, *HOUR)
        assert_kept_once(s3_bucket, empty, key)


def test_a_lock_that_the_server_drops_is_put_on_afterwards(s3_bucket, s3_faults_proxy, large):
    """radosgw 16 takes the lock headers of an upload in parts with 200, and forgets them."""
    said = s3_bucket.try_("put", KEY, large, *HOUR, env=s3_bucket.through(s3_faults_proxy))
    assert said["lock"] == "COMPLIANCE"
    assert s3_faults_proxy.seen("^PUT .*[?&]retention=") == 1
    assert s3_faults_proxy.seen("^PUT .*partNumber=") == 5
    assert_kept_once(s3_bucket, large)


def test_a_server_that_shows_no_lock_is_never_believed(s3_bucket, s3_faults_proxy, small):
    s3_faults_proxy.add("forget", match="^HEAD", count=-1, headers=["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"])
    said = s3_bucket.try_("put", KEY, small, *HOUR, env=s3_bucket.through(s3_faults_proxy), ok=False)
    assert (said["rc"], said["code"], said["retry"]) == ("denied", "LockDropped", True)
    s3_faults_proxy.clear()
    s3_bucket.try_("put", KEY, small, *HOUR)
    assert_kept_once(s3_bucket, small)


def test_retention_goes_forth_and_never_back(s3_bucket, small):
    first = s3_bucket.try_("put", KEY, small, *HOUR)
    s3_bucket.try_("retain", KEY, first["version_id"], "COMPLIANCE", "7200")
    later = s3_bucket.try_("head", KEY, first["version_id"])
    assert later["retain_until_s"] > first["retain_until_s"] + 3000
    refused = s3_bucket.try_("retain", KEY, first["version_id"], "COMPLIANCE", "60", ok=False)
    assert refused["rc"] == "denied"
    assert s3_bucket.try_("head", KEY)["retain_until_s"] == later["retain_until_s"]


@pytest.mark.parametrize("env, code", [({"S3_SECRET": "another"}, "SignatureDoesNotMatch"), ({"S3_ACCESS": "NOBODY"}, "InvalidAccessKeyId"),
                                       ({"S3_BUCKET": "no-such-bucket-here"}, "NoSuchBucket")])
def test_wrong_keys_and_buckets_are_named_and_tried_again_later(s3_bucket, small, env, code):
    said = s3_bucket.try_("put", KEY, small, *HOUR, env=env, ok=False)
    # A HEAD has no body to name it, so the list must.
    listed = s3_bucket.try_("list", env=env, ok=False)
    assert listed["code"] == code and listed["retry"] and said["retry"] and said["rc"] != "ok"
    assert s3_bucket.versions() == []


@pytest.mark.parametrize("off_s", [-1200, 1200])
def test_a_clock_that_the_server_does_not_believe_is_corrected(s3_bucket, small, off_s):
    said = s3_bucket.try_("put", KEY, small, "COMPLIANCE", str(3600 - off_s), env={"S3_CLOCK_S": str(off_s)})
    assert abs(said["skew_s"] + off_s) < 60
    listed = s3_bucket.try_("list", env={"S3_CLOCK_S": str(off_s)})
    assert abs(listed["skew_s"] + off_s) < 60
    # Within the server's window nothing is corrected, and nothing is said of it.
    assert s3_bucket.try_("list", env={"S3_CLOCK_S": str(off_s // 4)})["skew_s"] == 0
    assert_kept_once(s3_bucket, small)


def test_a_storm_of_503_is_outlasted(s3_bucket, s3_faults_proxy, small, large):
    for path, key in ((small, "small"), (large, "large")):
        s3_faults_proxy.add("refuse", count=12)
        said = s3_bucket.try_("put", key, path, *HOUR, env={**s3_bucket.through(s3_faults_proxy), "S3_TRIES": "30"})
        assert said["tries"] == 13
        assert_kept_once(s3_bucket, path, key)
    one = s3_bucket.try_("head", "small", env=s3_bucket.through(s3_faults_proxy))
    s3_faults_proxy.add("refuse", status=429, code="TooManyRequests")
    assert s3_bucket.try_("list", env=s3_bucket.through(s3_faults_proxy), ok=False)["retry"]
    assert one["lock"] == "COMPLIANCE"


@pytest.mark.parametrize("fault", [
    {"do": "cut_request", "match": "^PUT", "after": 0}, {"do": "cut_request", "match": "^PUT", "after": 150_000},
    {"do": "cut_request", "match": "^PUT", "after": 299_999}, {"do": "lose_answer", "match": "^PUT"}, {"do": "lose_answer", "match": "^HEAD"},
    {"do": "flip_request", "match": "^PUT", "at": 77_777}, {"do": "error_in_200", "match": "^PUT"}, {"do": "refuse", "match": "^PUT", "status": 500},
], ids=lambda f: "-".join(str(v) for k, v in f.items() if k != "match"))
def test_whatever_happens_to_a_put_it_is_there_once(s3_bucket, s3_faults_proxy, small, fault):
    s3_faults_proxy.add(**fault)
    said = s3_bucket.try_("put", KEY, small, *HOUR, env={**s3_bucket.through(s3_faults_proxy), "S3_TRIES": "5"})
    assert any(f[3] for f in s3_faults_proxy.log)
    assert said["version_id"] == assert_kept_once(s3_bucket, small)


@pytest.mark.parametrize("fault", [
    {"do": "lose_answer", "match": "uploads="}, {"do": "lose_answer", "match": "partNumber=2"}, {"do": "cut_request", "match": "partNumber=4", "after": 9 * MIB},
    {"do": "flip_request", "match": "partNumber=5", "at": 5 * MIB}, {"do": "lose_answer", "match": "^POST.*uploadId"},
    {"do": "error_in_200", "match": "^POST.*uploadId", "count": 2}, {"do": "refuse", "match": "^POST.*uploadId", "status": 404, "code": "NoSuchUpload"},
    {"do": "cut_answer", "match": "^POST.*uploadId", "after": 40}, {"do": "lose_answer", "match": "retention="}, {"do": "refuse", "match": "^GET.*uploadId"},
], ids=lambda f: "-".join(str(v) for k, v in f.items()).replace("/", "_"))
def test_whatever_happens_to_an_upload_in_parts_it_is_there_once(s3_bucket, s3_faults_proxy, large, fault):
    s3_faults_proxy.add(**fault)
    if fault["match"] == "^GET.*uploadId":
        s3_faults_proxy.add("refuse", match="partNumber=3")
    said = s3_bucket.try_("put", KEY, large, *HOUR, env={**s3_bucket.through(s3_faults_proxy), "S3_TRIES": "6"})
    assert any(f[3] for f in s3_faults_proxy.log)
    assert said["version_id"] == assert_kept_once(s3_bucket, large)


def test_a_complete_that_was_heard_by_the_server_only_is_found(s3_bucket, s3_faults_proxy, large):
    """The answer is lost, and the upload is forgotten when it is asked for again."""
    s3_faults_proxy.add("lose_answer", match="^POST.*uploadId")
    s3_faults_proxy.add("refuse", match="^HEAD", count=0)
    env = {**s3_bucket.through(s3_faults_proxy), "S3_TRIES": "3"}
    said = s3_bucket.try_("put", KEY, large, *HOUR, env=env)
    assert said["tries"] == 2
    assert s3_faults_proxy.seen("partNumber=") == 5  # nothing went twice
    assert_kept_once(s3_bucket, large)


def test_an_upload_goes_on_where_it_was_after_a_restart(s3_bucket, s3_faults_proxy, large, tmp_path):
    env = {**s3_bucket.through(s3_faults_proxy), "S3_UPLOAD": str(tmp_path / "upload")}
    stopped = s3_bucket.try_("put", KEY, large, *HOUR, env={**env, "S3_STOP_AT": str(48 * MIB)}, ok=False)
    assert stopped["rc"] == "closed" and stopped["upload_id"]
    said = s3_bucket.try_("put", KEY, large, *HOUR, env=env)
    assert said["upload_id"] == stopped["upload_id"]
    assert [s3_faults_proxy.seen(f"partNumber={i}&") for i in range(1, 6)] == [1] * 5
    assert_kept_once(s3_bucket, large)


def test_an_upload_that_the_server_forgot_begins_anew(s3_bucket, large, tmp_path):
    upload = tmp_path / "upload"
    upload.write_text("2~NoSuchUploadAtAll")
    said = s3_bucket.try_("put", KEY, large, *HOUR, env={"S3_UPLOAD": str(upload)})
    assert said["upload_id"] != "2~NoSuchUploadAtAll"
    assert_kept_once(s3_bucket, large)


def test_a_server_killed_in_the_middle_of_an_upload_gets_all_of_it(s3_server, s3_bucket, s3_faults_proxy, large):
    s3_faults_proxy.add("delay", match="partNumber=3", seconds=0.5)
    said = {}

    def put():
        said.update(s3_bucket.try_("put", KEY, large, *HOUR, env={**s3_bucket.through(s3_faults_proxy), "S3_TRIES": "200"}, ok=False))
    thread = threading.Thread(target=put)
    thread.start()
    try:
        wait_for("the third part", lambda: s3_faults_proxy.seen("partNumber=3"))
        s3_server.kill_gateway()
    finally:
        s3_server.start_gateway()
        thread.join(120)
    assert said["rc"] == "ok", said
    assert s3_faults_proxy.seen("partNumber=3") > 1
    assert [s3_faults_proxy.seen(f"partNumber={i}&") for i in (1, 2)] == [1, 1]
    assert_kept_once(s3_bucket, large)
    assert s3_bucket.uploads() == []


def test_a_file_that_rotted_here_is_not_locked_there(s3_bucket, small, large):
    for path in (small, large):
        said = s3_bucket.try_("put", KEY, path, *HOUR, env={"S3_SHA256": "0" * 64}, ok=False)
        assert (said["rc"], said["code"], said["retry"]) == ("corrupt", "LocalFile", False)
    assert s3_bucket.versions() == []


def test_all_of_an_object_comes_back_whatever_breaks(s3_bucket, s3_faults_proxy, large, tmp_path):
    s3_bucket.try_("put", KEY, large, *HOUR)
    env, out = s3_bucket.through(s3_faults_proxy), tmp_path / "out"
    for after in (0, 1, 30 * MIB, 70 * MIB - 1):
        s3_faults_proxy.add("cut_answer", match="^GET", after=after)
    broke = s3_bucket.try_("get", KEY, "-", out, env=env, ok=False)
    assert broke["rc"] == "io" and broke["retry"] and not out.exists()  # not a byte came: later
    s3_bucket.try_("get", KEY, "-", out, env=env)
    assert sha256(out) == sha256(large)
    assert s3_faults_proxy.seen("^GET") == 4  # the last cut is past the end of what was left


def test_other_bytes_than_were_sent_are_noticed(s3_bucket, s3_faults_proxy, small, tmp_path):
    s3_bucket.try_("put", KEY, small, *HOUR)
    env, out = s3_bucket.through(s3_faults_proxy), tmp_path / "out"
    s3_faults_proxy.add("flip_answer", match="^GET", at=123_456)
    said = s3_bucket.try_("get", KEY, "-", out, sha256(small), env=env, ok=False)
    assert said["rc"] == "corrupt" and not out.exists()
    s3_faults_proxy.add("flip_answer", match="^GET", at=5)
    assert s3_bucket.try_("get", KEY, "-", out, env=env, ok=False)["rc"] == "corrupt"  # by the sum that was put with it
    s3_faults_proxy.add("shorten", match="^GET", by=1)
    assert s3_bucket.try_("get", KEY, "-", out, env=env, ok=False)["rc"] == "corrupt"
    assert os.listdir(tmp_path) == []
    s3_bucket.try_("get", KEY, "-", out, sha256(small), env=env)
    assert out.read_bytes() == small.read_bytes()


def test_ranges_are_read_to_the_byte(s3_bucket, s3_faults_proxy, small):
    s3_bucket.try_("put", KEY, small, *HOUR)
    env, all_of_it = s3_bucket.through(s3_faults_proxy), small.read_bytes()
    for off, n in ((0, 1), (0, 300_000), (299_999, 1), (1234, 56_789)):
        assert s3_bucket.try_("read", KEY, "-", off, n)["sha256"] == hashlib.sha256(all_of_it[off:off + n]).hexdigest()
    assert s3_bucket.try_("read", KEY, "-", 299_999, 2, ok=False)["rc"] == "io"
    assert s3_bucket.try_("read", KEY, "-", 300_000, 1, ok=False)["rc"] == "out_of_range"
    assert s3_bucket.try_("read", "nothing", "-", 0, 1, ok=False)["rc"] == "not_found"
    s3_faults_proxy.add("shorten", match="^GET", by=1)
    assert s3_bucket.try_("read", KEY, "-", 10, 100, env=env, ok=False)["rc"] == "io"
    s3_faults_proxy.add("cut_answer", match="^GET", after=50)
    assert s3_bucket.try_("read", KEY, "-", 10, 100, env=env, ok=False)["rc"] == "io"
    s3_faults_proxy.add("drop", match="^GET", headers=["range"])
    assert s3_bucket.try_("read", KEY, "-", 10, 100, env=env, ok=False)["rc"] != "ok"


def test_a_version_is_read_that_an_overwrite_hides(s3_bucket, small, tmp_path):
    mine = s3_bucket.try_("put", KEY, small, *HOUR)["version_id"]
    name = "hospital/one/" + KEY
    s3_bucket.put(name, b"somebody else's")
    assert s3_bucket.ask("DELETE", name).status == 204
    assert s3_bucket.try_("head", KEY, ok=False)["rc"] == "not_found"
    s3_bucket.try_("get", KEY, mine, tmp_path / "out", sha256(small))
    listed = s3_bucket.try_("list", "kind=flow/")["items"]
    assert [(x["version_id"] == mine, x["is_delete_marker"], x["is_latest"]) for x in listed] == [
        (False, True, True), (False, False, False), (True, False, False)]


def test_lists_go_over_pages_and_stay_below_their_prefix(s3_bucket):
    names = sorted(f"p/{i:05}" for i in range(1030))
    threads = [threading.Thread(target=lambda part: [s3_bucket.put("hospital/one/" + n, b"x") for n in part], args=(names[i::8],)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    s3_bucket.put("hospital/one/p/00000", b"newer")
    s3_bucket.put("hospital/oneself", b"not ours")
    s3_bucket.put("hospital/one/q", b"")
    items = s3_bucket.try_("list", "p/")["items"]
    assert [x["key"] for x in items] == ["p/00000"] + names
    assert [x["bytes"] for x in items[:2]] == [5, 1]
    assert len({x["version_id"] for x in items}) == 1031
    assert [x["key"] for x in s3_bucket.try_("list", "", "p/01028")["items"]] == ["p/01029", "q"]
    assert s3_bucket.try_("list", "nothing/")["items"] == []


def test_a_server_without_versions_is_listed_all_the_same(s3_bucket, s3_faults_proxy):
    """As Cloudflare R2 answers."""
    for name in ("p/a", "p/b", "q"):
        s3_bucket.put("hospital/one/" + name, b"xy")
    s3_faults_proxy.add("refuse", match="[?&]versions=", count=-1, status=501, code="NotImplemented")
    env = s3_bucket.through(s3_faults_proxy)
    items = s3_bucket.try_("list", env=env)["items"]
    assert [(x["key"], x["bytes"], x["is_latest"]) for x in items] == [("p/a", 2, True), ("p/b", 2, True), ("q", 2, True)]
    assert [x["key"] for x in s3_bucket.try_("list", "", "p/a", env=env)["items"]] == ["p/b", "q"]
    said = results(s3_bucket.try_("self-test", env={**env, "S3_LOCK": "NONE"}))
    assert (said["bucket"], said["versions"], said["write"]) == ("good", "warning", "good")
    assert results(s3_bucket.try_("self-test", env=env, ok=False))["versions"] == "bad"


GOOD = {"name", "signature", "bucket", "versions", "object_lock", "write", "read_back", "lock", "delete_refused", "shorten_refused"}


def results(said):
    return {s["name"]: s["result"] for s in said["steps"]}


def test_the_self_test_proves_that_nobody_can_delete(s3_bucket, s3_faults_proxy):
    said = s3_bucket.try_("self-test", env=s3_bucket.through(s3_faults_proxy))
    assert {k for k, v in results(said).items() if v == "good"} == GOOD
    assert results(said)["certificate"] == "warning"
    assert s3_faults_proxy.seen("^DELETE .*/hospital/one/_selftest/.*versionId=") == 1
    assert s3_faults_proxy.seen("^DELETE") == 1


def test_the_self_test_tells_of_a_server_that_deletes(s3_bucket, s3_faults_proxy):
    s3_faults_proxy.add("refuse", match="^DELETE", status=204)
    said = s3_bucket.try_("self-test", env=s3_bucket.through(s3_faults_proxy), ok=False)
    assert said["rc"] == "denied" and results(said)["delete_refused"] == "bad"


def test_the_self_test_tells_of_a_server_that_keeps_no_lock(s3_bucket, s3_faults_proxy):
    s3_faults_proxy.add("forget", match="^HEAD", count=-1, headers=["x-amz-object-lock-mode"])
    said = s3_bucket.try_("self-test", env=s3_bucket.through(s3_faults_proxy), ok=False)
    assert results(said)["lock"] == "bad" and results(said)["delete_refused"] == "skipped"
    assert s3_faults_proxy.seen("^DELETE") == 0


def test_the_self_test_tells_which_step_is_bad(s3_server, s3_bucket):
    free = s3.new_bucket(s3_server, lock=False)
    said = results(free.try_("self-test", ok=False))
    assert (said["versions"], said["object_lock"], said["write"]) == ("bad", "bad", "bad")
    said = results(free.try_("self-test", env={"S3_LOCK": "NONE"}))
    assert [said[k] for k in ("object_lock", "write", "lock", "delete_refused")] == ["warning", "good", "warning", "warning"]
    for env, step in (({"S3_SECRET": "x"}, "signature"), ({"S3_BUCKET": "nobodys-bucket"}, "bucket"),
                      ({"S3_ENDPOINT": "http://127.0.0.1:1"}, "connection")):
        said = s3_bucket.try_("self-test", env=env, ok=False)
        assert results(said)[step] == "bad" and said["steps"][-1]["result"] == "skipped", said


def test_https_wants_the_authority_and_the_name(s3_tls_server, small):
    bucket = s3.new_bucket(s3_tls_server)
    said = bucket.try_("self-test")
    assert results(said)["certificate"] == "good"
    bucket.try_("put", KEY, small, *HOUR)
    assert_kept_once(bucket, small)
    stranger = bucket.try_("put", KEY, small, *HOUR, env={"S3_CA": ""}, ok=False)
    assert (stranger["code"], stranger["retry"]) == ("Certificate", True)
    assert results(bucket.try_("self-test", env={"S3_CA": ""}, ok=False))["certificate"] == "bad"
    port = bucket.env["S3_ENDPOINT"].rsplit(":", 1)[1]
    elsewhere = bucket.try_("list", env={"S3_ENDPOINT": f"https://127.0.0.2:{port}"}, ok=False)
    assert elsewhere["rc"] == "io"


def test_the_bucket_may_stand_in_the_host_name(s3_tls_server, small):
    bucket = s3.new_bucket(s3_tls_server, prefix="")
    port = bucket.env["S3_ENDPOINT"].rsplit(":", 1)[1]
    env = {"S3_ENDPOINT": f"https://s3.localhost:{port}", "S3_STYLE": "host"}
    bucket.try_("put", KEY, small, *HOUR, env=env)
    assert [x["key"] for x in bucket.try_("list", "kind=flow/", env=env)["items"]] == [KEY]
    assert_kept_once(bucket, small)


def test_bandwidth_is_kept_to(s3_bucket, small):
    clock = subprocess.run(["date", "+%s%N"], capture_output=True, text=True, check=True)
    s3_bucket.try_("put", KEY, small, *HOUR, env={"S3_BYTES_PER_S": "150000"})
    took_s = (int(subprocess.run(["date", "+%s%N"], capture_output=True, text=True, check=True).stdout) - int(clock.stdout)) / 1e9
    assert took_s > 1
    assert_kept_once(s3_bucket, small)
