"""Somebody else's reader agrees with ours about the archive's data objects: DuckDB, from npm, read in place
with the line that stands in docs/parquet.md. Left out where npm or its packages are not to be had."""
import json
import re
import shutil
import subprocess
import uuid

import pytest

import toms

ROWS = 15000
PLACE = "kind=flow/appliance=a-1/dt=2026-11-22/hour=09"


@pytest.fixture(scope="module")
def duckdb():
    """query(sql...): answers of a DuckDB of the locked version, kept in build/duckdb."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm is not installed: DuckDB could not be asked")
    home = toms.ROOT / "build/duckdb"
    home.mkdir(parents=True, exist_ok=True)
    locked = (toms.ROOT / "tests/tools/duckdb/package-lock.json").read_text()
    for file in (toms.ROOT / "tests/tools/duckdb").iterdir():
        shutil.copy(file, home)
    done = home / "node_modules/.done"
    if not done.exists() or done.read_text() != locked:
        try:
            subprocess.run(["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=home, check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError):
            pytest.skip("npm could not fetch DuckDB")
        done.write_text(locked)

    def query(*sql):
        out = toms.run("node", home / "query.mjs", *sql, timeout=120).stdout
        return [json.loads(line)["rows"] for line in out.splitlines()]
    return query


def made(folder, kind):
    """(file, columns as {name: type}, rows as text) of made-up rows, as our reader has them."""
    file = folder / PLACE.replace("flow", kind) / f"1-{uuid.uuid4().hex[:16]}.parquet"
    file.parent.mkdir(parents=True)
    head, *lines = toms.run(toms.ROOT / "build/tests/tools/parquet_rows", kind, ROWS, file).stdout.splitlines()
    words = head.split(" ")
    return file, dict(zip(words[::2], words[1::2])), [line.split(" ") for line in lines]


# Each value as parquet_rows writes it.
AS_TEXT = {"time": "epoch_ns({})::VARCHAR", "number": "{}::VARCHAR", "text": "'x' || hex({})", "bytes": "'x' || hex({})"}


@pytest.mark.parametrize("kind", ["flow", "log"])
def test_every_value_is_the_same_for_duckdb(duckdb, tmp_path, kind):
    file, columns, ours = made(tmp_path, kind)
    cells = ", ".join(f"coalesce({AS_TEXT[type].format(chr(34) + name + chr(34))}, '-')" for name, type in columns.items())
    theirs, valid = duckdb(f"SELECT {cells} FROM '{file}'",
                           f"""SELECT count(*) FROM '{file}' WHERE NOT json_valid("toms.extra")""")
    assert len(ours) == len(theirs) == ROWS
    for a, b in zip(ours, theirs):
        assert a == b, [(name, x, y) for name, x, y in zip(columns, a, b) if x != y]
    assert valid == [["0"]]


def test_the_line_of_the_docs_counts_and_sums_as_we_do(duckdb, tmp_path):
    _, columns, ours = made(tmp_path, "flow")
    sql = re.search(r"```sql\n(SELECT .*)\n```", (toms.ROOT / "docs/parquet.md").read_text()).group(1)
    [theirs] = duckdb(sql.replace("'archive/", f"'{tmp_path}/"))
    at = {name: i for i, name in enumerate(columns)}
    sums = {}
    for row in ours:
        name = row[at["network.protocol"]]
        count = sums.setdefault(bytes.fromhex(name[1:]).decode() if name != "-" else None, [0, 0])
        count[0] += 1
        count[1] += int(row[at["source.bytes"]]) + int(row[at["destination.bytes"]])
    assert {row[1]: [int(row[2]), int(row[3])] for row in theirs} == sums
    assert {row[0] for row in theirs} == {"2026-11-22"}


def test_duckdb_uses_what_the_footer_says(duckdb, tmp_path):
    file, columns, ours = made(tmp_path, "flow")
    sql = f"SELECT path_in_schema, sum(stats_null_count), count(bloom_filter_offset), count(stats_min_value) FROM parquet_metadata('{file}') GROUP BY 1"
    bloom = f"SELECT bloom_filter_excludes FROM parquet_bloom_probe('{file}', 'destination.ip', '20.0.0.1')"
    facts, probe, kept = duckdb(sql, bloom, f"SELECT value::VARCHAR FROM parquet_kv_metadata('{file}') WHERE key::VARCHAR = 'toms.record'")
    nulls = {name: sum(row[i] == "-" for row in ours) for i, name in enumerate(columns)}
    assert {row[0]: int(row[1]) for row in facts} == nulls
    blooms = {row[0] for row in facts if row[2] != "0"}
    assert {"source.ip", "destination.ip", "source.mac"} <= blooms
    assert {row[0] for row in facts if row[3] == "0"} >= {"toms.extra"}
    assert any(row[0] is True for row in probe)
    assert kept == [["flow"]]
