"""D1: a day of traffic goes in as capture files, and comes out as rows, sums, JSON, CSV and pages that agree."""
import csv
import gzip
import io
import json
import shutil

import pytest
import toms


@pytest.fixture(scope="module")
def replayed(hospital, tmp_path_factory):
    """The made-up day in a store, and what the replay said about it."""
    folder = tmp_path_factory.mktemp("replayed")
    daemon = toms.Daemon(folder)
    done = toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    return daemon, json.loads(done.stdout)


@pytest.mark.sanitize
def test_replay_says_what_it_read_and_loses_nothing(replayed, hospital):
    _, said = replayed
    assert said["files"] == len(hospital["files"])
    assert said["dropped"] == 0
    assert said["packets"] > 1000 and said["flows"] > 100 and said["bytes"] > said["packets"] * 40


@pytest.mark.sanitize
def test_every_packet_read_is_in_a_row_or_counted_apart(replayed):
    daemon, said = replayed
    rows = daemon.rows("flows", "--limit", "0")
    assert len(rows) == said["flows"]
    in_rows = sum(r["network"]["packets"] for r in rows)
    apart = said.get("not_ip", 0) + said.get("bad_frames", 0)
    assert in_rows + apart == said["packets"]


def test_rows_come_newest_first_and_carry_ecs_names(replayed):
    daemon, _ = replayed
    rows = daemon.rows("flows", "--limit", "200")
    assert len(rows) == 200
    times = [r["@timestamp"] for r in rows]
    for row in rows:
        assert row["event"]["start"] <= row["event"]["end"] == row["@timestamp"]
        assert row["network"]["community_id"].startswith("1:")
        assert row["network"]["bytes"] == row["source"]["bytes"] + row["destination"].get("bytes", 0)
    assert all(t.endswith("Z") for t in times)


def test_a_capture_file_gives_the_same_rows_gzipped_and_whole(hospital, tmp_path):
    small = min(hospital["files"], key=lambda p: p.stat().st_size)
    packed = tmp_path / "day.pcap.gz"
    with open(small, "rb") as plain, gzip.open(packed, "wb") as out:
        shutil.copyfileobj(plain, out)
    sums = []
    for i, file in enumerate((small, packed)):
        daemon = toms.Daemon(tmp_path / str(i))
        said = json.loads(toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", file).stdout)
        sums.append({k: said[k] for k in ("packets", "bytes", "flows")})
    assert sums[0] == sums[1]


@pytest.mark.sanitize
def test_command_and_api_give_the_same_rows_for_the_same_question(replayed, hospital):
    daemon, _ = replayed
    with daemon as toms_:
        api = toms_.first_admin()
        for words in ({"port": "443"}, {"app": "dns"}, {"text": "example"}, {"proto": "dicom"}):
            (key, value), = words.items()
            by_command = toms_.rows("flows", f"--{key}", value, "--limit", "300", "--since", "2000-01-01")
            by_api, cursor = [], None
            while len(by_api) < 300:
                page = api.get("/api/v1/flows", **words, since="2000-01-01T00:00:00Z", limit=100, **({"cursor": cursor} if cursor else {}))
                by_api += page["items"]
                cursor = page["next"]
                if not cursor:
                    break
            assert [r["event"]["id"] for r in by_api][:300] == [r["event"]["id"] for r in by_command], words
            assert by_api[:300] == by_command, words


def test_sums_of_the_overview_are_the_sums_of_the_rows(replayed):
    daemon, _ = replayed
    rows = daemon.rows("flows", "--limit", "0")
    span = {"since": min(r["event"]["start"] for r in rows)[:13] + ":00:00Z", "until": "2100-01-01T00:00:00Z"}
    with daemon as toms_:
        api = toms_.client().sign_in() if toms_.code is None else toms_.first_admin()
        by_app = {}
        for r in rows:
            app = r["network"].get("application") or r["network"].get("protocol", "")
            by_app[app] = by_app.get(app, 0) + r["network"]["bytes"]
        top = api.get("/api/v1/traffic/top", by="app", limit=100, **span)
        assert top["total"]["bytes"] == sum(by_app.values())
        largest = max(by_app.values())
        assert top["items"][0]["bytes"] == largest


def test_csv_has_the_rows_of_the_json_and_runs_no_formula(replayed):
    daemon, _ = replayed
    text = daemon.ctl("flows", "--csv", "--limit", "50").stdout
    table = list(csv.reader(io.StringIO(text, newline="")))
    rows = daemon.rows("flows", "--limit", "50")
    assert len(table) == 51
    at = table[0].index("source.ip")
    assert [line[at] for line in table[1:]] == [r["source"]["ip"] for r in rows]
    assert not any(cell[:1] in "=+-@" and not cell.lstrip("+-").replace(".", "").isdigit() for line in table[1:] for cell in line if cell)


def test_the_upload_at_night_can_be_found_from_the_truth(replayed, hospital):
    daemon, _ = replayed
    found = daemon.rows("flows", "--peer", "203.0.113.45", "--limit", "0")
    assert found
    sent = sum(r["source"]["bytes"] for r in found)
    received = sum(r["destination"].get("bytes", 0) for r in found)
    assert sent > 20 * received
    assert {r["network"]["direction"] for r in found} == {"outbound"}
