"""L1 L2 L3 L7: what a firewall sends comes back byte for byte, understood, found by what is in it, and beside the
traffic it is about; seen through the commands and HTTP only."""
import base64
import collections
import datetime
import json
import re
import socket
import threading

import logs
import pytest
import toms
from logs import at, leaves

needs_data = pytest.mark.skipif(not logs.DATA.exists(), reason="no ../shared/data/fortigate")

# ---- every line that we have of the field, over every door -------------------------------------

# Where people look for a key first; the rest is under fortinet.firewall.<key>. Bytes of a session that is told of
# several times are those since the last time (sentdelta), so that sums are right.
HOMES = {
    "srcip": "source.ip", "srcport": "source.port", "dstip": "destination.ip", "dstport": "destination.port",
    "transip": "source.nat.ip", "transport": "source.nat.port", "sentbyte": "source.bytes", "rcvdbyte": "destination.bytes",
    "sentpkt": "source.packets", "rcvdpkt": "destination.packets", "devname": "observer.name", "devid": "observer.serial_number",
    "logid": "event.code", "action": "event.action", "level": "log.level", "policyid": "rule.id", "policyname": "rule.name",
    "msg": "message", "qname": "dns.question.name",
}
# They say when: @timestamp has it.
OF_TIME = {"date", "time", "eventtime", "tz", "FTNTFGTeventtime", "FortinetFortiGateeventtime", "FTNTFGTtz", "timestamp", "itime", "logtime"}


def field_lines():
    expected = [json.loads(line) for line in (logs.DATA / "all.expected.jsonl").read_text().splitlines()]
    lines = (logs.DATA / "all.log").read_bytes().split(b"\n")[:len(expected)]
    edge = [json.loads(line) for line in (logs.DATA / "edge/edge.jsonl").read_text().splitlines()]
    return lines + [e["line"].encode() for e in edge], expected, edge


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A daemon that got every line of the field by UDP, TLS, and in each framing of TCP."""
    if not logs.DATA.exists():
        pytest.skip("no ../shared/data/fortigate")
    folder = tmp_path_factory.mktemp("field")
    lines, expected, edge = field_lines()
    with toms.Daemon(folder, text=logs.with_tls(folder)) as daemon:
        api = daemon.first_admin()
        door = logs.doors(daemon)
        logs.send_udp(door["udp"], lines)
        for framing in ("lf", "octet", "nul"):
            logs.send_tcp(door["tcp"], logs.framed(lines, framing))
        logs.send_tcp(door["tls"], logs.framed(lines, "octet"), tls=True)
        rows = logs.wait_rows(daemon, 5 * len(lines))
        yield {"daemon": daemon, "api": api, "lines": lines, "expected": expected, "edge": edge, "rows": rows}


def original(row):
    """The line's bytes, as the JSON gives them."""
    coded = at(row, "toms.log.original_base64")
    return base64.b64decode(coded) if coded else row["event"]["original"].encode()


def of_line(field, line):
    return [row for row in field["rows"] if original(row) == line]


@pytest.mark.sanitize
def test_every_line_of_the_field_comes_back_byte_for_byte_by_every_door(field):
    want = collections.Counter(field["lines"])
    for transport, times in (("udp", 1), ("tcp", 3), ("tls", 1)):
        got = collections.Counter(original(r) for r in field["rows"] if at(r, "toms.log.transport") == transport)
        assert got == collections.Counter({line: n * times for line, n in want.items()}), transport


def test_the_line_as_received_can_be_had_alone(field):
    row = field["rows"][0]
    status, headers, content = field["api"].raw("GET", f"/api/v1/logs/{row['event']['id']}/raw")
    assert status == 200 and content == original(row)
    assert "attachment" in headers.get("Content-Disposition", "")
    raw = toms.subprocess.run([toms.BUILD / "tomsctl", "-c", field["daemon"].file, "logs", "--raw", *logs.EVER], capture_output=True)
    assert collections.Counter(raw.stdout.splitlines()) == collections.Counter(line for line in field["lines"] for _ in range(5))


def plain(text):
    """For comparing: case and the separators of a MAC address aside."""
    text = text.lower()
    return text.replace("-", ":") if re.fullmatch(r"[0-9a-f]{2}([:-][0-9a-f]{2}){5}", text) else text


def parts(value):
    """A list of addresses, or CEF's type:subtype, has a field for each."""
    return set(re.split(r", ?", value)) if "," in value else set(value.split(":")) if re.fullmatch(r"[a-z-]+:[a-z-]+", value) else None


def missing(row, wanted, alt):
    """Fields of a line that are nowhere in its document."""
    there = {plain(text) for name, text in leaves(row) if name != "event.original"}
    seconds = {str(int(s) * 10**9) for s in (wanted.get("duration") or wanted.get("FTNTFGTduration") or wanted.get("FortinetFortiGateduration") or "",) if s.isdigit()}
    out = []
    for key, value in wanted.items():
        values = {value, alt.get(key, value), value.strip()}
        if key in OF_TIME or not value or {plain(v) for v in values} & there:
            continue
        if key.endswith("duration") and seconds & there:
            continue
        if parts(value) and parts(value) <= there:
            continue
        if any(v.lstrip("0") in there for v in values if v.isdigit()):  # a number may lose its zeros, a code may not
            continue
        out.append((key, value))
    return out


@pytest.mark.sanitize
def test_every_field_of_every_line_is_in_its_document(field):
    wrong = {}
    for line, want in zip(field["lines"], field["expected"]):
        row = of_line(field, line)[0]
        lost = missing(row, want["fields"], want.get("alt", {}))
        if lost:
            wrong[want["n"], want["file"]] = lost
    assert not wrong, json.dumps({str(k): v for k, v in wrong.items()}, indent=1)[:6000]


# A host name is the destination's unless the line says otherwise; CEF's in and out turn round with the direction;
# a duration is in nanoseconds.
HOMES_BY_MEANING = {"hostname", "in", "out", "cat"}


def test_a_key_has_the_same_home_in_every_line(field):
    """Fields are not only there by chance: one name holds each key's value wherever the key occurs."""
    homes = {}
    for line, want in zip(field["lines"], field["expected"]):
        there = [(name, plain(text)) for name, text in leaves(of_line(field, line)[0]) if name != "event.original"]
        for key, value in want["fields"].items():
            values = {plain(v) for v in (value, value.strip(), want.get("alt", {}).get(key, value))}
            if not value or key in OF_TIME or key in HOMES_BY_MEANING or "," in value or key.endswith("duration"):
                continue
            names = {name for name, text in there if text in values}
            if f"fortinet.firewall.{key}" not in names:
                homes[key] = homes.get(key, names) & names
    assert not [key for key, names in homes.items() if not names]


def test_edge_lines_say_what_their_threads_say(field):
    wrong = {}
    for edge in field["edge"]:
        row = of_line(field, edge["line"].encode())[0]
        lost = missing(row, edge["expect"], {})
        if lost:
            wrong[edge["id"]] = lost
    assert not wrong


def test_what_people_search_by_is_where_ecs_has_it(field):
    wrong = []
    for line, want in zip(field["lines"], field["expected"]):
        if want["format"] == "cef":
            continue
        row = of_line(field, line)[0]
        for key, home in HOMES.items():
            value = want["fields"].get(key.replace("byte", "delta")) or want["fields"].get(key)
            if not value or value.lower() == "n/a":
                continue
            if key.endswith("ip") and not re.fullmatch(r"[\d.]{7,15}|[0-9a-f:]{3,}", value):
                continue  # not an address: nobody can search it as one
            got = at(row, home)
            if got is None or plain(str(got)) != plain(want.get("alt", {}).get(key, value)) and plain(str(got)) != plain(value):
                wrong.append((want["n"], key, value, home, got))
    assert not wrong, "\n".join(map(str, wrong[:40]))


def nanoseconds(text):
    whole, _, part = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 10**9 + int(part.ljust(9, "0") or 0)


@pytest.mark.sanitize
def test_the_time_of_a_row_is_the_devices_own(field):
    wrong = []
    for line, want in zip(field["lines"], field["expected"] + field["edge"]):
        if want.get("ts_ns") is None:
            continue
        row = of_line(field, line)[0]
        if nanoseconds(row["@timestamp"]) != want["ts_ns"]:
            wrong.append((line[:90], row["@timestamp"], want["ts_ns"]))
    assert not wrong, "\n".join(map(str, wrong))


@needs_data
@pytest.mark.parametrize("name", ["lf", "nul", "octet", "octet-lf-counted", "mixed", "octet-embedded-lf"])
def test_one_connection_may_frame_as_it_likes(name, tmp_path):
    data = (logs.DATA / f"edge/tcp-{name}.bin").read_bytes()
    plain_lines = (logs.DATA / "edge/tcp-lf.bin").read_bytes().split(b"\n")[:24]
    with toms.Daemon(tmp_path, text=logs.SYSLOG) as daemon:
        api = daemon.first_admin()
        logs.send_tcp(logs.doors(daemon)["tcp"], data)
        got = [original(r) for r in logs.wait_rows(daemon, 24)]
    if name == "octet-embedded-lf":
        assert any(b"\n" in line for line in got) and all(b"<189>" not in line[1:] for line in got)
    else:
        assert collections.Counter(got) == collections.Counter(plain_lines)


# ---- bytes that nobody ordered -----------------------------------------------------------------

@pytest.mark.sanitize
def test_bytes_of_any_kind_and_length_survive(tmp_path):
    head = b'<189>date=2026-11-20 time=10:00:00 devname="fw" devid="FG1" logid="0000000013" type="traffic" subtype="forward" level="notice" '
    odd = [
        head + 'user="外来受付" policyname="一時許可"'.encode(),
        head + 'user="外来受付"'.encode("shift_jis"),
        head + b'msg="\xff\xfe\x80broken\xc3"',
        head + b'msg="tab\there \x1b[31mred\x07 \x00 nul"',
        head + b'msg="<script>alert(1)</script> =cmd|\'/c calc\'!A1"',
        b"<13>Nov 23 10:00:00 core-sw LLDP[412]: neighbor changed on port1.0.3",
        b"<34>1 2026-11-23T01:02:03.004Z host.example su - ID47 [a@1 k=\"v\"] failed for root",
        b"no header at all",
        b"=", b"<", b'"', b"<189>", b"0", b"<999>x=1",
        head + b'msg="' + b"x" * (65536 - len(head) - 6) + b'"',
    ]
    assert len(odd[-1]) == 65536
    with toms.Daemon(tmp_path, text=logs.SYSLOG) as daemon:
        api = daemon.first_admin()
        door = logs.doors(daemon)
        logs.send_tcp(door["tcp"], logs.framed(odd, "octet"))
        rows = logs.wait_rows(daemon, len(odd))
        assert collections.Counter(map(original, rows)) == collections.Counter(odd)
        for row in api.get("/api/v1/logs", since="1970-01-02T00:00:00Z", limit=100)["items"]:
            status, _, content = api.raw("GET", f"/api/v1/logs/{row['event']['id']}/raw")
            assert status == 200 and content in odd
        found = {name: logs.stored(daemon, *words) for name, words in {
            "japanese": ("--text", "外来受付"), "tag": ("--text", "LLDP")}.items()}
        assert len(found["japanese"]) == 1 and original(found["japanese"][0]) == odd[0]
        assert len(found["tag"]) == 1 and at(found["tag"][0], "toms.log.kind") == "device"
        table = daemon.ctl("logs", *logs.EVER).stdout
        assert "\x1b[31m" not in table and "\x07" not in table


def test_a_line_that_is_too_long_is_cut_and_says_so_and_its_neighbours_are_whole(tmp_path):
    before, after = b"<189>type=traffic msg=before", b"<189>type=traffic msg=after"
    long = b'<189>type="traffic" msg="' + b"y" * 200000 + b'"'
    with toms.Daemon(tmp_path, text=logs.SYSLOG) as daemon:
        api = daemon.first_admin()
        for framing in ("lf", "octet"):
            logs.send_tcp(logs.doors(daemon)["tcp"], logs.framed([before, long, after], framing))
        rows = logs.wait_rows(daemon, 6)
        got = collections.Counter(map(original, rows))
        assert got[before] == got[after] == 2
        cut = [r for r in rows if len(original(r)) > 1000]
        assert [original(r) for r in cut] == [long[:65536]] * 2
        assert all("truncated" in json.dumps(r["toms"]) for r in cut)


def test_a_sender_that_is_cut_off_mid_line_loses_no_byte_and_disturbs_nobody(tmp_path):
    whole = [b'<189>type="event" subtype="system" msg="whole %d"' % i for i in range(50)]
    with toms.Daemon(tmp_path, text=logs.SYSLOG) as daemon:
        api = daemon.first_admin()
        door = logs.doors(daemon)["tcp"]
        dribblers = [socket.create_connection(door, 20) for _ in range(100)]
        for link in dribblers:
            link.sendall(b'<189>type="event" msg="half')
        logs.send_tcp(door, logs.framed(whole, "lf"))
        rows = logs.wait_rows(daemon, 50)
        assert collections.Counter(map(original, rows)) == collections.Counter(whole)
        for link in dribblers:
            link.close()
        rows = logs.wait_rows(daemon, 150)
        halves = [r for r in rows if original(r) == b'<189>type="event" msg="half']
        assert len(halves) == 100 and all("partial" in json.dumps(r["toms"]) for r in halves)


# ---- a day of the made-up hospital -------------------------------------------------------------

@pytest.fixture(scope="module")
def day(hospital, tmp_path_factory):
    """Captures replayed, the firewall's log sent by TCP, its sources accepted."""
    folder = tmp_path_factory.mktemp("day")
    files = hospital["files"][0].parent
    daemon = toms.Daemon(folder, text=logs.SYSLOG + "[appliance]\ntimezone = Asia/Tokyo\n")
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    truth = hospital["logs"]
    senders = {"fortigate": "127.0.0.1", "switch": "127.0.0.2", "stranger": "127.0.0.3"}
    with daemon:
        api = daemon.first_admin()
        door = logs.doors(daemon)["tcp"]
        sent = [f for f in truth["files"] if f["lines"]]
        lines = {f["sender"]: (files / f["name"]).read_bytes().splitlines() for f in sent}
        for name, address in senders.items():  # one line each, so that there is somebody to accept
            logs.send_tcp(door, logs.framed(lines[name][-1:], "octet"), address)
            toms.wait_for("the sender to be known", lambda: any(s["address"] == address for s in api.get("/api/v1/sources")["items"]))
        logs.accept(api, serial=truth["serial"])
        logs.accept(api, address=senders["switch"])
        for f in sent:
            rest = files / (f["name"] + ".rest")
            rest.write_bytes(b"\n".join(lines[f["sender"]][:-1]) + b"\n")
            logs.send_file(door, rest, senders[f["sender"]])
        total = sum(f["lines"] for f in sent)
        rows = logs.wait_rows(daemon, total, seconds=40)
        yield {"daemon": daemon, "api": api, "rows": rows, "truth": truth, "sent": sent, "senders": senders,
               "lines": [line.decode() for name in senders for line in lines[name]], "hospital": hospital}


def test_the_day_comes_back_line_for_line(day):
    assert collections.Counter(r["event"]["original"] for r in day["rows"]) == collections.Counter(day["lines"])


def test_lines_are_counted_by_type_and_kind_as_the_truth_has_them(day):
    want_types, want_kinds = collections.Counter(), collections.Counter()
    for f in day["sent"]:
        want_types.update(f["types"])
        want_kinds.update(f["kinds"])
    types = collections.Counter("/".join((at(r, "fortinet.firewall.type"), at(r, "fortinet.firewall.subtype")))
                                if at(r, "fortinet.firewall.type") else "syslog" for r in day["rows"])
    assert types == want_types
    assert collections.Counter(at(r, "toms.log.kind") for r in day["rows"]) == want_kinds


def whole_list(api, **words):
    items, cursor = [], None
    while True:
        page = api.get("/api/v1/logs", since="2000-01-01T00:00:00Z", limit=1000, **words, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            return items


def test_the_api_counts_what_the_truth_counts(day):
    want = collections.Counter()
    for f in day["sent"]:
        want.update(f["kinds"])
    for kind, count in want.items():
        assert len(whole_list(day["api"], q=f"kind:{kind}")) == count, kind


def points_sum(answer):
    """key -> sum of its points, whatever a point counts."""
    out = {}
    for series in answer["series"]:
        values = [series[name] for name in ("rows", "lines", "count", "flows") if name in series]
        assert values, f"no counts in {sorted(series)}"
        out[series["key"]] = sum(values[0])
    return out


def test_the_series_adds_up_to_the_truth(day):
    want = collections.Counter()
    for f in day["sent"]:
        want.update(f["kinds"])
    span = {"since": min(f["from"] for f in day["sent"])[:13] + ":00:00Z", "until": "2100-01-01T00:00:00Z"}
    sums = points_sum(day["api"].get("/api/v1/logs/series", by="kind", keys=7, **span))
    assert {k: v for k, v in sums.items() if v} == dict(want)


def test_the_night_can_be_read_in_its_order(day):
    story = day["truth"]["incident"]
    by_line = {r["event"]["original"]: r for r in day["rows"]}
    times = [by_line[s["line"]]["@timestamp"] for s in story]
    assert [nanoseconds(t) for t in times] == [nanoseconds(s["time"]) for s in story]
    trusted = {at(by_line[s["line"]], "toms.log.trust") for s in story}
    assert trusted == {"accepted"}
    guesses = [by_line[s["line"]] for s in story if s["what"] == "vpn-guess"]
    assert guesses and all(at(g, "event.outcome") == "failure" and at(g, "toms.log.kind") == "vpn" for g in guesses)
    entry = next(by_line[s["line"]] for s in story if s["what"] == "admin-login")
    assert at(entry, "event.outcome") == "success" and at(entry, "user.name") == "netadmin"


def expect(day, condition):
    return sorted(line for line in day["lines"] if condition(logs.fields(line), line))


ADDRESSES = ("srcip", "dstip", "transip", "tranip", "remip", "locip", "tunnelip", "ip", "assignip")


def ends(f):
    """Addresses a line's conversation is between, translated ones too."""
    return {f[k] for k in ("srcip", "dstip", "transip", "tranip", "remip", "tunnelip", "ip") if f.get(k)}


@pytest.mark.parametrize("words, condition", [
    (("--host", "10.20.10.20"), lambda f, _: "10.20.10.20" in (f.get("srcip"), f.get("dstip"))),
    (("--peer", "203.0.113.45"), lambda f, _: f.get("dstip") == "203.0.113.45"),
    (("--port", "3389"), lambda f, _: "3389" in (f.get("srcport"), f.get("dstport"))),
    (("--action", "ssl-login-fail"), lambda f, _: f.get("action") == "ssl-login-fail"),
    (("--action", "blocked"), lambda f, _: f.get("action") == "blocked"),
    (("--text", "EICAR_TEST_FILE"), lambda _, line: "EICAR_TEST_FILE" in line),
    (("--text", "患者様"), lambda _, line: "患者様" in line),
    (("--text", "一時許可"), lambda _, line: "一時許可" in line),
    (("--text", "tcp_port_scan"), lambda _, line: "tcp_port_scan" in line),
    (("user:netadmin",), lambda f, _: f.get("user") == "netadmin"),
    (("user:maint01", "kind:vpn"), lambda f, _: f.get("user") == "maint01" and f.get("subtype") == "vpn"),
    (("--host", "10.20.90.0/24", "--port", "443", "kind:traffic"),
     lambda f, _: f.get("type") == "traffic" and f.get("dstport") == "443" and f.get("srcip", "").startswith("10.20.90.")),
], ids=lambda w: " ".join(w) if isinstance(w, tuple) else "")
def test_a_filter_finds_exactly_the_lines_that_have_it(day, words, condition):
    want = expect(day, condition)
    assert want, "the day has no such line"
    got = sorted(r["event"]["original"] for r in logs.stored(day["daemon"], *words))
    assert got == want
    options = {k[2:]: v for k, v in zip(words, words[1:]) if k.startswith("--")}
    box = " ".join(w for w in words if ":" in w)
    assert sorted(r["event"]["original"] for r in whole_list(day["api"], **options, **({"q": box} if box else {}))) == want


def test_rows_come_newest_first_and_a_span_cuts_them(day):
    rows = logs.stored(day["daemon"])
    times = [at(r, "toms.log.filed") or r["@timestamp"] for r in rows]
    assert times == sorted(times, key=nanoseconds, reverse=True)
    since, until = times[len(times) // 3 * 2], times[len(times) // 3]
    some = [json.loads(line) for line in day["daemon"].ctl("logs", "--json", "--limit", "0", "--since", since, "--until", until).stdout.splitlines()]
    assert [r["event"]["id"] for r in some] == [int(r["event"]["id"]) if isinstance(some[0]["event"]["id"], int) else r["event"]["id"]
                                                for r, t in zip(rows, times) if nanoseconds(since) <= nanoseconds(t) < nanoseconds(until)]


# ---- log and flow of one conversation ----------------------------------------------------------

def test_the_upload_at_night_is_found_from_the_flow_and_from_the_log(day):
    api, daemon = day["api"], day["daemon"]
    flows = daemon.rows("flows", "--peer", "203.0.113.45", "--limit", "0")
    assert flows
    for flow in flows:
        answer = api.get(f"/api/v1/flows/{flow['event']['id']}/logs")
        lines = [logs.fields(item["event"]["original"]) for item in answer["items"]]
        assert any(f["type"] == "traffic" for f in lines)
        for f in lines:
            assert (f["srcip"], f["srcport"], f["dstip"], f["dstport"]) == (
                flow["source"]["ip"], str(flow["source"]["port"]), flow["destination"]["ip"], str(flow["destination"]["port"]))
    ids = {flow["event"]["id"] for flow in flows}
    closing = [r for r in day["rows"] if at(r, "destination.ip") == "203.0.113.45" and at(r, "event.action") == "close"]
    assert len(closing) == 4
    for row in closing:
        answer = api.get(f"/api/v1/logs/{row['event']['id']}/flows")
        found = {item["event"]["id"] for item in answer["items"]}
        assert found and found <= ids and {item["matched_by"] for item in answer["items"]} == {"before_nat"}


def test_most_traffic_of_the_captures_joins_with_the_log(day):
    api = day["api"]
    closed = [r for r in day["rows"] if at(r, "fortinet.firewall.subtype") == "forward" and at(r, "event.action") == "close"][:25]
    joined = sum(bool(api.get(f"/api/v1/logs/{r['event']['id']}/flows")["items"]) for r in closed)
    assert joined == len(closed) == 25


def test_a_flow_outside_the_firewall_is_found_after_translation(day):
    """The mirror of the uplink shows the translated ends."""
    api, daemon = day["api"], day["daemon"]
    flow = next(f for f in daemon.rows("flows", "--port", "10443", "--limit", "0") if f["source"]["ip"] == "192.0.2.20")
    end = nanoseconds(flow["@timestamp"])
    line = (f'<189>date=2026-01-01 time=00:00:00 devname="FW-HONKAN-01" devid="{day["truth"]["serial"]}" eventtime={end} tz="+0900" '
            f'logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.99.0.9 srcport=40009 '
            f'dstip={flow["destination"]["ip"]} dstport={flow["destination"]["port"]} sessionid=99 proto=6 action="close" policyid=1 '
            f'trandisp="snat" transip={flow["source"]["ip"]} transport={flow["source"]["port"]} duration=2400 msg="after-nat-probe"')
    logs.send_tcp(logs.doors(daemon)["tcp"], logs.framed([line.encode()], "octet"))
    row = logs.wait_rows(daemon, 1, "--text", "after-nat-probe")[0]
    answer = api.get(f"/api/v1/logs/{row['event']['id']}/flows")
    assert answer["items"] and {f["matched_by"] for f in answer["items"]} == {"after_nat"}
    back = api.get(f"/api/v1/flows/{answer['items'][0]['event']['id']}/logs")
    assert any("after-nat-probe" in item["event"]["original"] for item in back["items"])


# ---- sources -----------------------------------------------------------------------------------

def test_a_stranger_is_kept_apart_until_somebody_accepts_it(day):
    api = day["api"]
    sources = {s["address"]: s for s in api.get("/api/v1/sources")["items"]}
    assert sources["127.0.0.3"]["state"] == "new" and sources["127.0.0.3"]["serial"] == day["truth"]["stranger"]
    assert sources["127.0.0.1"]["state"] == sources["127.0.0.2"]["state"] == "accepted"
    assert sources["127.0.0.1"]["kind"] == "fortigate" and sources["127.0.0.2"]["kind"] == "device"
    trust = collections.Counter((at(r, "log.source.ip"), at(r, "toms.log.trust")) for r in day["rows"])
    assert trust["127.0.0.3", "unknown"] == sum(f["lines"] for f in day["sent"] if f["sender"] == "stranger")
    assert trust["127.0.0.1", "unknown"] <= 1 and trust["127.0.0.2", "unknown"] <= 1  # the line that made them known


def test_somebody_who_uses_a_known_serial_number_is_no_known_device(tmp_path):
    line = b'<189>date=2026-11-20 time=10:00:00 devname="fw" devid="FG100F-A" logid="0100032001" type="event" subtype="system" msg="%s"'
    with toms.Daemon(tmp_path, text=logs.SYSLOG) as daemon:
        api = daemon.first_admin()
        door = logs.doors(daemon)["udp"]
        logs.send_udp(door, [line % b"first"])
        logs.accept(api, serial="FG100F-A")
        logs.send_udp(door, [line % b"known"])
        logs.send_udp(door, [line % b"spoofed"], "127.0.0.9")
        rows = {logs.fields(r["event"]["original"])["msg"]: at(r, "toms.log.trust") for r in logs.wait_rows(daemon, 3)}
        assert rows["known"] == "accepted" and rows["spoofed"] in ("impostor", "unknown")


def test_a_device_that_falls_silent_is_found_and_every_count_over_it_says_so(tmp_path):
    line = b'<189>devid="FG1" devname="fw" type="event" subtype="system" msg="%s"'
    with toms.Daemon(tmp_path, conf=["syslog.silence=1s"], text=logs.SYSLOG) as daemon:
        api = daemon.first_admin()
        door = logs.doors(daemon)["tcp"]
        enough = threading.Event()

        def talk():
            while not enough.wait(0.2):
                logs.send_tcp(door, logs.framed([line % b"back"], "octet"))

        talking = threading.Thread(target=talk, daemon=True)
        logs.send_tcp(door, logs.framed([line % b"last"], "octet"))
        logs.accept(api, serial="FG1")
        source = toms.wait_for("the silence", lambda: next((s for s in api.get("/api/v1/sources")["items"] if s["silent"]), None))
        assert source["silent_since"]
        room = json.loads(daemon.ctl("status", "--json").stdout)["rooms"]["syslog"]
        assert not room["healthy"] and re.search(r"fw has sent no log since \d{4}-\d\d-\d\d \d\d:\d\d\. ", room["last_error"])
        gaps = toms.wait_for("its row", lambda: api.get("/api/v1/gaps", since="-1h")["items"])
        assert at(gaps[0], "toms.gap.kind") == "silent"
        talking.start()  # and goes on: one line would be silence again a second later
        toms.wait_for("its return", lambda: not api.get("/api/v1/sources")["items"][0]["silent"])
        toms.wait_for("the end of the gap", lambda: any("ongoing" not in g["toms"]["gap"] for g in api.get("/api/v1/gaps", since="-1h")["items"]))
        said = api.get("/api/v1/logs", since="-1h")["gaps"]
        assert [g["reason"] for g in said] == ["silent"]
        assert json.loads(daemon.ctl("status", "--json").stdout)["rooms"]["syslog"]["healthy"]
        enough.set()
        talking.join()


def test_the_command_line_accepts_a_source_too(tmp_path):
    with toms.Daemon(tmp_path, text=logs.SYSLOG) as daemon:
        api = daemon.first_admin()
        logs.send_udp(logs.doors(daemon)["udp"], [b'<189>devid="FG-CLI" devname="fw" type="event" subtype="system" msg="hello"'])
        source = toms.wait_for("the source", lambda: api.get("/api/v1/sources")["items"])[0]
        said = next(line for line in daemon.ctl("source", "list").stdout.splitlines() if "FG-CLI" in line)
        assert said.split()[0] == str(source["id"])
        daemon.ctl("source", "accept", str(source["id"]))
        assert api.get("/api/v1/sources")["items"][0]["state"] == "accepted"
        assert any("accept" in json.dumps(row) or "source" in json.dumps(row) for row in daemon.rows("audit"))


def test_the_test_sender_says_what_arrived(tmp_path):
    with toms.Daemon(tmp_path, text=logs.with_tls(tmp_path)) as daemon:
        api = daemon.first_admin()
        results = api.call("POST", "/api/v1/logs/test", {})["results"]
        assert {r["transport"] for r in results} == {"udp", "tcp", "tls"}
        assert all(r["sent"] and r["arrived"] for r in results), results
        said = daemon.ctl("logs", "--send-test").stdout.lower()
        assert all(word in said for word in ("udp", "tcp", "tls"))


# ---- ends of all kinds -------------------------------------------------------------------------

def test_logs_can_be_asked_for_without_a_daemon(tmp_path):
    lines = [b'<189>devid="FG1" type="event" subtype="system" msg="n %d"' % i for i in range(300)]
    daemon = toms.Daemon(tmp_path, text=logs.SYSLOG)
    with daemon:
        api = daemon.first_admin()
        logs.send_tcp(logs.doors(daemon)["tcp"], logs.framed(lines, "octet"))
        beside = logs.wait_rows(daemon, 300)
    alone = logs.stored(daemon)
    assert alone == beside
    assert len(logs.stored(daemon, "--text", "n")) == 300


def test_a_kill_loses_at_most_the_commit_window_and_nothing_before_it(tmp_path):
    lines = [b'<189>devid="FG1" type="event" subtype="system" seq=%06d msg="kill"' % i for i in range(40000)]
    daemon = toms.Daemon(tmp_path, text=logs.SYSLOG)
    with daemon:
        api = daemon.first_admin()
        door = logs.doors(daemon)["tcp"]
        logs.send_tcp(door, logs.framed(lines[:2000], "octet"))
        logs.wait_rows(daemon, 2000)
        window = json.loads(daemon.ctl("status", "--json").stdout)["rooms"]["store"]["commit_window_ms"]
        assert 0 < window <= 1000
        with socket.create_connection(door, 20) as link:
            link.sendall(logs.framed(lines[2000:30000], "octet"))
            toms.wait_for("some of them", lambda: logs.kept(daemon) > 5000)
            daemon.kill()
    with daemon:
        rows = [int(logs.fields(r["event"]["original"])["seq"]) for r in logs.stored(daemon)]
    assert len(rows) == len(set(rows)), "no line twice"
    assert set(range(2000)) <= set(rows) and len(rows) > 5000
    assert sorted(rows) == list(range(len(rows))), "what is missing is the end, nothing from the middle"
