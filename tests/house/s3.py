"""A real S3 server for house tests, the proxy that spoils it, and a signer of our own that owes the product nothing.

    def test_x(s3_bucket):            # a new bucket with Object Lock on one server for all tests
        s3_bucket.put("a", b"bytes")
        run("build/tests/tools/s3_try", "head", "a", env=s3_bucket.env)
"""
import datetime
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import secrets
import shutil
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree as ET

import pytest

import toms

sys.path.insert(0, str(toms.ROOT / "tests/tools"))
import s3_faults  # noqa: E402
import s3_server as server_tool  # noqa: E402

TRY = toms.BUILD / "tests/tools/s3_try"
DAY = "%Y%m%dT%H%M%SZ"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def texts(self, name):
        """Texts of all elements of this name, wherever they are."""
        return [x.text or "" for x in ET.fromstring(self.body).iter() if x.tag.rsplit("}", 1)[-1] == name]

    @property
    def code(self):
        return (self.texts("Code") or [""])[0] if self.body.startswith(b"<?xml") else ""


class Bucket:
    """A bucket and who asks it. env is what s3_try, or a daemon's configuration, needs to know."""

    def __init__(self, env, name, prefix=""):
        self.name, self.at = name, env
        self.env = {**env, "S3_BUCKET": name, "S3_PREFIX": prefix}

    def ask(self, method, path="", query=(), headers=None, body=b""):
        """One signed request (SigV4). path: of the key, without the bucket."""
        url = urllib.parse.urlsplit(self.at["S3_ENDPOINT"])
        now = datetime.datetime.now(datetime.timezone.utc).strftime(DAY)
        sums = hashlib.sha256(body).hexdigest()
        target = "/" + self.name + ("/" + urllib.parse.quote(path, safe="/-_.~") if path else "")
        words = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(str(v), safe='-_.~')}" for k, v in sorted(query))
        lines = {**{k.lower(): v for k, v in (headers or {}).items()}, "host": url.netloc, "x-amz-date": now, "x-amz-content-sha256": sums}
        names = ";".join(sorted(lines))
        canonical = "\n".join([method, target, words, *(f"{k}:{lines[k]}" for k in sorted(lines)), "", names, sums])
        scope = f"{now[:8]}/{self.at['S3_REGION']}/s3/aws4_request"
        key = ("AWS4" + self.at["S3_SECRET"]).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        lines["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.at['S3_ACCESS']}/{scope},SignedHeaders={names},"
                                  f"Signature={hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}")
        if url.scheme == "https":
            import ssl
            link = http.client.HTTPSConnection(url.netloc, timeout=60, context=ssl.create_default_context(cafile=self.at["S3_CA"]))
        else:
            link = http.client.HTTPConnection(url.netloc, timeout=60)
        del lines["host"]
        link.request(method, target + ("?" + words if words else ""), body=body, headers=lines)
        answer = link.getresponse()
        out = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        link.close()
        return out

    def make(self, lock=True):
        answer = self.ask("PUT", headers={"x-amz-bucket-object-lock-enabled": "true"} if lock else {})
        assert answer.status == 200, answer.body
        return self

    def put(self, key, body, **headers):
        answer = self.ask("PUT", key, headers=headers, body=body)
        assert answer.status == 200, answer.body
        return answer.headers.get("x-amz-version-id", "")

    def get(self, key, version=None):
        return self.ask("GET", key, query=[("versionId", version)] if version else ())

    def versions(self):
        """[(key, version id)] of all versions; delete markers are not among them."""
        out, marker = [], []
        while True:
            answer = self.ask("GET", query=[("versions", ""), *marker])
            assert answer.status == 200, answer.body
            tree = ET.fromstring(answer.body)
            space = tree.tag.split("}")[0] + "}" if "}" in tree.tag else ""
            for v in tree.findall(f"{space}Version"):
                out.append((v.findtext(f"{space}Key"), v.findtext(f"{space}VersionId")))
            if tree.findtext(f"{space}IsTruncated") != "true":
                return out
            marker = [("key-marker", tree.findtext(f"{space}NextKeyMarker")),
                      ("version-id-marker", tree.findtext(f"{space}NextVersionIdMarker"))]

    def uploads(self):
        return self.ask("GET", query=[("uploads", "")]).texts("UploadId")

    def through(self, faults):
        """The same bucket, asked by way of the proxy."""
        env = {**self.env, "S3_ENDPOINT": faults.url}
        return env

    def try_(self, *words, env=None, ok=True, timeout=120):
        """What s3_try says, as a dict."""
        done = toms.run(TRY, *words, ok=False, timeout=timeout, env={**self.env, **(env or {})})
        assert done.stdout, (done.returncode, done.stderr)
        said = json.loads(done.stdout)
        if ok:
            assert said["rc"] == "ok", said
        return said


def start_server(tls=False):
    """A server below a short path, or a skipped test that says what is missing."""
    missing = server_tool.missing()
    if missing:
        pytest.skip(f"no S3 server here: {' '.join(missing)} missing (Debian: radosgw ceph-mon ceph-osd)")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="toms-s3-", dir="/tmp"))
    server = server_tool.Server(folder, bound=True)
    try:
        server.start(tls=tls)
    except BaseException:
        server.stop()
        if not os.environ.get("TOMSD_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return server


@pytest.fixture(scope="session")
def s3_server():
    server = start_server()
    yield server
    server.stop(wipe=True)


@pytest.fixture(scope="session")
def s3_tls_server():
    server = start_server(tls=True)
    yield server
    server.stop(wipe=True)


def new_bucket(server, lock=True, prefix="hospital/one"):
    return Bucket(server.env, "worm-" + secrets.token_hex(6), prefix).make(lock)


@pytest.fixture
def s3_bucket(s3_server):
    return new_bucket(s3_server)


@pytest.fixture
def s3_faults_proxy(s3_server):
    with s3_faults.Faults(s3_server.env["S3_ENDPOINT"].split("://")[1]) as faults:
        yield faults
