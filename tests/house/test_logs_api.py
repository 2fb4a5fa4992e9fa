"""L1 L2 L7: logs over HTTP and from a shell: lists, lines, what belongs together, exports, who looked."""
import csv
import hashlib
import io
import json
import re
import time

import logs
import pytest
import toms
from test_web_rules import check

DAY = {"since": "-4d"}  # yesterday in Japan, whatever the time here


@pytest.fixture(scope="module")
def house(hospital, tmp_path_factory):
    """A daemon with a made-up day: flows of the capture files, lines of the firewall, people of every role."""
    folder = tmp_path_factory.mktemp("logs")
    daemon = toms.Daemon(folder, text=logs.SYSLOG)
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    files = sorted(hospital["files"][0].parent.glob("*.log"))
    lines = [line for f in files for line in f.read_bytes().splitlines()]
    with daemon:
        people = {"admin": daemon.first_admin()}
        for role in ("viewer", "auditor", "operator"):
            toms.run("sh", "-c", f"echo {toms.PASSWORD!r} | {toms.BUILD / 'tomsctl'} -c {daemon.file} user add {role}-1 {role}")
            people[role] = daemon.client().sign_in(f"{role}-1")
        for f in files:
            logs.send_file(logs.doors(daemon)["tcp"], f, rate=0)
        logs.wait_rows(daemon, len(lines))
        yield {"daemon": daemon, "api": people["admin"], "people": people, "lines": lines}


def pages(api, path, **params):
    items, cursor = [], None
    while True:
        page = api.get(path, **params, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            return items


def finished(api, where):
    return toms.wait_for("the end of the job", lambda: (lambda job: job if job["state"] != "running" else None)(api.get(where)))


def export(api, **asked):
    status, headers, body = api.raw("POST", "/api/v1/exports", {"purpose": "月次の確認", **asked})
    assert status == 202, body
    assert json.loads(body)["state"] == "running" and headers["Location"] == "/api/v1/jobs/" + json.loads(body)["id"]
    return headers["Location"]


def test_pages_of_logs_hold_every_line_once_and_in_order(house):
    rows = pages(house["api"], "/api/v1/logs", limit=700)
    assert sorted(r["event"]["original"].encode() for r in rows) == sorted(house["lines"])
    filed = [r["toms"]["log"]["filed"][:19] for r in rows]
    assert filed == sorted(filed, reverse=True)
    assert [r["event"]["id"] for r in rows] == [r["event"]["id"] for r in house["daemon"].rows("logs", "--limit", "0")]
    oldest = house["api"].get("/api/v1/logs", sort="oldest", limit=5)["items"]
    assert [r["event"]["id"] for r in oldest] == [r["event"]["id"] for r in rows[::-1][:5]]
    some = pages(house["api"], "/api/v1/logs", q="kind:traffic action:deny", limit=100)
    assert 0 < len(some) < len(rows)
    assert all(r["toms"]["log"]["kind"] == "traffic" and r["event"]["action"] == "deny" for r in some)


def test_a_log_gives_its_line_back_byte_for_byte_and_its_fields_in_order(house):
    for row in house["api"].get("/api/v1/logs", limit=20, sort="oldest")["items"]:
        where = "/api/v1/logs/" + row["event"]["id"]
        assert house["api"].get(where) == row
        status, headers, raw = house["api"].patient("GET", where + "/raw")
        assert status == 200 and raw in house["lines"]
        assert headers["Content-Type"] == "application/octet-stream" and headers["Content-Disposition"].startswith("attachment")
        at = -1
        for field in house["api"].get(where + "/fields")["fields"]:
            if not field["header"] and field["value"] and "\\" not in field["value"]:
                at = raw.decode().index(field["value"], at + 1)
    for wrong in ("0", "1", "x", "99999999999999999999"):
        assert house["api"].patient("GET", f"/api/v1/logs/{wrong}/raw")[0] == 404


def test_a_firewalls_log_and_the_flow_of_the_mirror_port_show_each_other(house):
    spent, joined, asked = [], 0, time.monotonic()
    for row in house["api"].get("/api/v1/logs", q="kind:traffic -action:deny", limit=20, sort="oldest")["items"]:
        began = time.monotonic()
        found = house["api"].get(f"/api/v1/logs/{row['event']['id']}/flows")
        spent.append(time.monotonic() - began)
        for flow in found["items"]:
            joined += 1
            assert flow["matched_by"] in ("before_nat", "after_nat")
            assert row["destination"]["port"] in (flow["source"]["port"], flow["destination"]["port"])
            back = house["api"].get(f"/api/v1/flows/{flow['event']['id']}/logs")["items"]
            assert row["event"]["id"] in [r["event"]["id"] for r in back]
            asked += 0.11  # 20 requests a second is what one session may
        for other in found["related"]:
            assert other["fortinet"]["firewall"]["sessionid"] == row["fortinet"]["firewall"]["sessionid"]
        toms.wait_for("requests to be allowed again", lambda: time.monotonic() > asked)
    assert joined > 10
    print(f"log to flows over HTTPS: p95 {sorted(spent)[int(len(spent) * 0.95)] * 1000:.0f} ms")


def test_lines_over_time_add_up_and_a_viewer_may_see_how_many(house):
    viewer = house["people"]["viewer"]
    for by in ("kind", "source", "type"):
        series = viewer.get("/api/v1/logs/series", by=by, buckets=50, keys=10, **DAY)["series"]
        assert sum(sum(s["flows"]) for s in series) == len(house["lines"]), by
        top = viewer.get("/api/v1/logs/top", by=by, limit=100, **DAY)
        assert top["total"]["flows"] == len(house["lines"]), by
    assert viewer.raw("GET", "/api/v1/logs")[0] == 403


def test_a_csv_says_what_for(house):
    api = house["api"]
    assert api.raw("GET", "/api/v1/logs?format=csv")[0] == 400
    status, headers, body = api.raw("GET", "/api/v1/logs?format=csv&bom=true&limit=100000&purpose=%E8%AA%BF%E6%9F%BB%E7%94%A8")
    assert status == 200 and body.startswith(b"\xef\xbb\xbf@timestamp,")
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert len(rows) == len(house["lines"])
    audit = api.get("/api/v1/audit", action="logs.csv")["items"]
    assert audit[0]["toms"]["audit"]["after"]["purpose"] == "調査用"


def test_an_export_is_a_file_with_a_page_that_says_what_it_is(house):
    mine, other, admin = house["people"]["operator"], house["people"]["auditor"], house["api"]
    where = export(mine, kind="logs", q="kind:security", bom=True, **DAY)
    job = finished(mine, where)
    assert job["state"] == "done" and job["done"] == job["total"] == job["result"]["rows"] > 100, job
    bodies = {}
    for file in job["result"]["files"]:
        status, headers, body = mine.raw("GET", file["href"])
        assert status == 200 and len(body) == file["bytes"] and hashlib.sha256(body).hexdigest() == file["sha256"]
        assert file["name"] in headers["Content-Disposition"]
        bodies[file["name"].rsplit(".", 1)[1]] = body
        assert other.raw("GET", file["href"])[0] == 404
        assert admin.raw("GET", file["href"])[0] == 200
    rows = list(csv.DictReader(io.StringIO(bodies["csv"].decode("utf-8-sig"), newline="")))
    assert len(rows) == job["result"]["rows"] and {r["toms.log.kind"] for r in rows} == {"security"}
    assert len({r["event.id"] for r in rows}) == len(rows)
    filed = [r["toms.log.filed"][:19] for r in rows]
    assert filed == sorted(filed)
    page = bodies["txt"].decode("utf-8-sig")
    for part in ("kind:security", "月次の確認", "operator-1", hashlib.sha256(bodies["csv"]).hexdigest(), str(len(rows))):
        assert part in page
    assert other.raw("GET", where)[0] == 404 and [j["id"] for j in other.get("/api/v1/jobs")["items"]] == []
    number = where.rsplit("/", 1)[1]
    for wrong in ("..%2ftomsd.db", "%2e%2e", ".", "logs.csv", "%00", "a/b"):
        assert mine.raw("GET", f"/api/v1/exports/{number}/{wrong}")[0] == 404, wrong
    actions = [r["event"]["action"] for r in admin.get("/api/v1/audit", limit=200)["items"]]
    assert actions.count("export.ask") >= 1 and actions.count("export.download") == 4
    assert re.search(r"operator-1 .* export\.ask .* purpose=月次の確認", house["daemon"].ctl("audit", "--action", "export.ask").stdout)


@pytest.mark.parametrize("asked, pointer", [({"kind": "moon"}, "/kind"), ({"kind": "logs", "q": '"open'}, "/q"), ({"kind": "logs", "q": "no.such>1"}, "/q"),
                                            ({"kind": "logs", "since": "gestern"}, "/since"), ({"kind": "logs", "purpose": "x"}, "/purpose"),
                                            ({"kind": "flows", "since": "-1h", "until": "-2h"}, "/until")])
def test_an_export_that_cannot_be_made_is_refused_at_once(house, asked, pointer):
    status, _, body = house["api"].raw("POST", "/api/v1/exports", {"purpose": "監査対応", **asked})
    assert status == 422 and json.loads(body)["errors"][0]["pointer"] == pointer, body


def test_exports_of_flows_too_and_after_a_restart_they_are_still_there(house, tmp_path):
    with toms.Daemon(tmp_path) as daemon:
        api = daemon.first_admin()
        where = export(api, kind="flows")
        job = finished(api, where)
        assert job["state"] == "done" and job["result"]["rows"] == 0
    (daemon.state / "exports" / "77.new").mkdir()  # as a power cut leaves it
    (daemon.state / "exports" / "77.new" / "flows.csv").write_text("half")
    with toms.Daemon(tmp_path) as daemon:
        again = daemon.client()
        again.cookie = api.cookie
        assert again.raw("GET", job["result"]["files"][0]["href"])[0] == 200
        assert sorted(p.name for p in (daemon.state / "exports").iterdir()) == ["1"]


def test_who_searched_what_is_recorded_once_for_all_its_pages(house):
    api, me = house["api"], house["people"]["auditor"]
    before = len(api.get("/api/v1/audit", user="auditor-1", limit=1000)["items"])
    first = me.get("/api/v1/logs", q="subtype:dns", limit=10)
    me.get("/api/v1/logs", q="subtype:dns", limit=10, cursor=first["next"])
    me.get("/api/v1/logs", q="subtype:dns", limit=50)
    rows = api.get("/api/v1/audit", user="auditor-1", limit=1000)["items"]
    assert len(rows) == before + 1
    assert rows[0]["event"]["action"] == "logs.search" and rows[0]["toms"]["audit"]["object"] == "subtype:dns"
    row = first["items"][0]["event"]["id"]
    for path in ("", "/fields", "/flows", "/raw"):
        me.raw("GET", f"/api/v1/logs/{row}{path}")
    rows = api.get("/api/v1/audit", user="auditor-1", limit=1000)["items"]
    assert len(rows) == before + 2 and rows[0]["toms"]["audit"]["object"] == f"log {row}"


def test_a_saved_search_has_a_name_and_is_shared_by_those_who_work(house):
    operator, auditor = house["people"]["operator"], house["people"]["auditor"]
    saved = operator.call("POST", "/api/v1/searches", {"name": "遮断", "page": "logs", "q": "action:deny", "shared": True}, expect=201)
    assert [s["name"] for s in auditor.get("/api/v1/searches", page="logs")["items"]] == ["遮断"]
    assert auditor.raw("DELETE", "/api/v1/searches/" + saved["id"])[0] == 403
    assert auditor.raw("POST", "/api/v1/searches", {"name": "x", "page": "logs", "q": "", "shared": True})[0] == 403
    operator.csrf, csrf = "wrong", operator.csrf
    assert operator.raw("DELETE", "/api/v1/searches/" + saved["id"])[0] == 403
    operator.csrf = csrf
    operator.call("DELETE", "/api/v1/searches/" + saved["id"], expect=204)


def test_answers_about_one_log_are_as_openapi_says(house):
    api = house["api"].get("/api/v1/openapi.json")
    log = house["api"].get("/api/v1/logs", q="kind:traffic", limit=1)["items"][0]["event"]["id"]
    flow = house["api"].get("/api/v1/flows", limit=1)["items"][0]["event"]["id"]
    job = export(house["api"], kind="logs", q="kind:vpn").rsplit("/", 1)[1]
    finished(house["api"], "/api/v1/jobs/" + job)
    looked = 0
    for path, number in (("/api/v1/logs/{id}", log), ("/api/v1/logs/{id}/fields", log), ("/api/v1/logs/{id}/flows", log),
                         ("/api/v1/flows/{id}/logs", flow), ("/api/v1/jobs/{id}", job)):
        answer = house["api"].get(path.replace("{id}", number))
        check(api["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"], answer, api, path)
        looked += 1
    assert looked == 5 and "202" in api["paths"]["/api/v1/exports"]["post"]["responses"]
    assert "application/octet-stream" in api["paths"]["/api/v1/logs/{id}/raw"]["get"]["responses"]["200"]["content"]


# ---- the same from a shell ---------------------------------------------------------------------

def test_tomsctl_shows_lines_as_received_and_their_fields(house):
    daemon = house["daemon"]
    raw = daemon.ctl("logs", "--raw", "--limit", "0", "kind:traffic").stdout.encode().splitlines()
    assert raw and all(line in house["lines"] for line in raw)
    fields = daemon.ctl("logs", "--fields", "--limit", "1", "kind:traffic").stdout
    assert re.search(r"^  srcip +\S+$", fields, re.M) and re.search(r"^\S+ \S+  log \d+$", fields, re.M)
    table = daemon.ctl("logs", "--limit", "50").stdout.splitlines()
    assert len(table) == 51 and table[0].startswith("TIME (JST)")
    assert all(c >= " " for line in table for c in line)
    utc = daemon.ctl("logs", "--limit", "1", "--utc").stdout.splitlines()
    assert utc[0].startswith("TIME (UTC)") and utc[1][:19] != table[1][:19]
    columns = next(csv.reader(io.StringIO(daemon.ctl("logs", "--csv", "--limit", "3").stdout)))
    assert columns[0] == "@timestamp" and "event.original" in columns


def test_tomsctl_knows_the_sources_and_accepts_one(house):
    daemon = house["daemon"]
    rows = [json.loads(line) for line in daemon.ctl("source", "list", "--json").stdout.splitlines()]
    table = daemon.ctl("source", "list").stdout.splitlines()
    assert len(rows) >= 2 and len(table) == len(rows) + 1
    number = str(next(r["id"] for r in rows if r["serial"] == "FG100FTK20001234"))
    assert any(line.split()[0] == number for line in table[1:])
    daemon.ctl("source", "accept", number)
    daemon.ctl("source", "name", number, "本館")
    changed = next(json.loads(line) for line in daemon.ctl("source", "list", "--json").stdout.splitlines() if str(json.loads(line)["id"]) == number)
    assert (changed["state"], changed["name"]) == ("accepted", "本館")
    assert daemon.ctl("source", "accept", "4711", ok=False).returncode == 1
    assert daemon.ctl("source", "bless", number, ok=False).returncode == 2
    status = daemon.ctl("status").stdout.splitlines()
    assert any(line.startswith("logs: ") and "1 accepted" in line for line in status[:4]), status[:4]
    assert any("a power cut can take" in line for line in status[:4])


def test_tomsctl_sends_a_line_through_every_listener(tmp_path):
    with toms.Daemon(tmp_path, text=logs.SYSLOG) as daemon:
        done = daemon.ctl("logs", "--send-test")
        assert len(done.stdout.splitlines()) == 2 and done.stdout.count("arrived after") == 2
        results = [json.loads(line) for line in daemon.ctl("logs", "--send-test", "--json").stdout.splitlines()]
        assert {r["transport"] for r in results} == {"udp", "tcp"} and all(r["arrived"] for r in results)
    assert "not running" in daemon.ctl("logs", "--send-test", ok=False).stderr
    assert len(daemon.rows("logs")) >= 2  # without a daemon, too
