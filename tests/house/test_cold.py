"""Rows that have left the store are found in the archive: beside it, through the API, and from a place when the local
objects are gone."""
import json
import shutil
import socket
import struct
import urllib.parse

import pytest
import toms
from s3 import s3_bucket, s3_server  # noqa: F401
from test_places import section

DAYS, HOSTS = 12, 9
NOON = 1751371200  # 2025-07-01T12:00:00Z
RARE = "198.51.100.77"


def frame(src, dst, sport, dport, body):
    udp = struct.pack(">HHHH", sport, dport, 8 + len(body), 0) + body
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(src), socket.inet_aton(dst))
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack(">H", ~((total & 0xffff) + (total >> 16)) & 0xffff) + ip[12:]
    return bytes.fromhex("02000000000102000000000208 00".replace(" ", "")) + ip + udp


def capture(path):
    """A conversation an hour of each host, on twelve days; one rare address on the third."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for day in range(DAYS):
            for hour in range(8):
                for host in range(HOSTS):
                    at = NOON + day * 86400 + hour * 3600 + host * 11
                    dst = RARE if (day, hour, host) == (2, 3, 4) else f"203.0.113.{day * 8 + hour}"
                    data = frame(f"10.20.10.{host + 1}", dst, 40000 + day * 100 + hour, 9999, b"hello %d" % at)
                    out.write(struct.pack("<IIII", at, 0, len(data), len(data)) + data)
    return path


def finish(api, job):
    """The job's row when it has ended well."""
    job = toms.wait_for("the job", lambda: (j := api.get(f"/api/v1/jobs/{job['id']}"))["state"] in ("done", "failed") and j, 60)
    assert job["state"] == "done", job
    return job


def seal(api):
    finish(api, api.call("POST", "/api/v1/archive/seal", expect=202))


def ids(rows):
    return [r["event"]["id"] for r in rows]


def api_rows(api, expect_archive=True, **params):
    """All pages of 100; how the archive was asked, by the answers' own words."""
    rows, archive, cursor = [], [], None
    while True:
        answer = api.get("/api/v1/flows", cold="true", limit=100, **params, **({"cursor": cursor} if cursor else {}))
        rows += answer["items"]
        archive.append(answer["archive"])
        assert answer["total"] is None or not answer["next"]
        cursor = answer["next"]
        if not cursor:
            break
    assert answer["complete"]
    assert not expect_archive or any(a["searched_since"] for a in archive)
    return rows, archive


@pytest.fixture
def house(tmp_path, s3_bucket):  # noqa: F811
    daemon = toms.Daemon(tmp_path / "d", conf=["store.retention=1s"], text=section("tokyo", s3_bucket))
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", capture(tmp_path / "old.pcap"))
    yield daemon
    daemon.stop()


def test_rows_of_days_that_were_dropped_are_found_as_before(house):
    before = house.rows("flows", "--limit", "0")
    assert len(before) == DAYS * 8 * HOSTS
    house.start()
    api = house.first_admin()
    seal(api)
    # whatever is dropped meanwhile, with --cold nothing is missing and nothing doubled
    hot = [len(before)]

    def only_the_newest_day():
        assert ids(house.rows("flows", "--cold", "--limit", "0")) == ids(before)
        hot.append(len(house.rows("flows", "--limit", "0")))
        return hot[-1] <= 8 * HOSTS

    toms.wait_for("the old days to be dropped", only_the_newest_day, 60)
    assert hot == sorted(hot, reverse=True)
    assert house.rows("flows", "--cold", "--limit", "0") == before
    oldest = house.rows("flows", "--cold", "--limit", "0", "--sort", "oldest")
    assert ids(oldest) == ids(before)[::-1]
    # one address
    assert house.rows("flows", "--host", RARE) == []
    rare = house.rows("flows", "--cold", "--host", RARE)
    assert [r["destination"]["ip"] for r in rare] == [RARE]
    assert house.ctl("flows", "--cold", "--host", RARE).stdout.count(RARE) == 1
    assert RARE in house.ctl("flows", "--cold", "--csv", "--host", RARE).stdout
    # the same through the API, page by page, with times
    rows, _ = api_rows(api)
    assert ids(rows) == ids(before)
    rows, archive = api_rows(api, host=RARE)
    assert ids(rows) == ids(rare)
    assert archive[-1]["oldest"].startswith("2025-07-01") and archive[-1]["groups_failed"] == 0
    since, until = "2025-07-03T00:00:00Z", "2025-07-05T00:00:00Z"
    rows, _ = api_rows(api, since=since, until=until, sort="oldest")
    assert ids(rows) == [r["event"]["id"] for r in before if since <= r["@timestamp"] < until][::-1]
    assert api.get("/api/v1/flows", host=RARE)["items"] == []
    # what makes no sense
    assert api.call("GET", "/api/v1/flows?cold=true&sort=bytes", expect=400)["errors"][0]["parameter"] == "sort"
    refused = house.ctl("flows", "--cold", "--sort", "bytes", ok=False)
    assert refused.returncode == 2 and "newest or oldest" in refused.stderr


def test_an_export_goes_through_the_archive(house):
    before = house.rows("flows", "--limit", "0")
    house.start()
    api = house.first_admin()
    seal(api)
    toms.wait_for("the old days to be dropped", lambda: len(house.rows("flows", "--limit", "0")) <= 8 * HOSTS, 60)
    job = api.call("POST", "/api/v1/exports", {"kind": "flows", "q": "", "purpose": "a test of exports", "cold": True}, expect=202)
    done = finish(api, job)
    csv = api.raw("GET", done["result"]["files"][0]["href"])[2].decode()
    assert csv.count("\r\n") == len(before) + 1 and RARE in csv


def test_objects_that_are_gone_here_are_read_from_their_place(house):
    before = house.rows("flows", "--limit", "0")
    house.start()
    api = house.first_admin()
    seal(api)
    toms.wait_for("the old days to be dropped", lambda: len(house.rows("flows", "--limit", "0")) <= 8 * HOSTS, 60)
    toms.wait_for("everything to be proven", lambda: (p := house.rows("place", "list")[0])["proven"] and not p["waiting"], 60)
    for folder in (house.state / "archive").glob("kind=*"):
        shutil.rmtree(folder)
    assert house.rows("flows", "--cold", "--limit", "0") == before
    rows, archive = api_rows(api, host=RARE)
    assert [r["destination"]["ip"] for r in rows] == [RARE]
    assert sum(a["groups_from_places"] for a in archive) > 0
    # a place that nobody can ask: said, and what the store has is given all the same
    house.stop()
    text = house.file.read_text()
    house.file.write_text(text.replace("endpoint = http://", "endpoint = http://127.0.0.1:1/nobody#").replace("127.0.0.1:1/nobody#", "127.0.0.1:1\n#"))
    said = house.ctl("flows", "--cold", "--limit", "0", "--json", ok=False)
    assert said.returncode == 1 and "could not be read" in said.stderr
    assert 0 < len(said.stdout.splitlines()) <= 8 * HOSTS
