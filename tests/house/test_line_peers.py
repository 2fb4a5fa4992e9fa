"""Lines of ../shared/data/fortigate as SEKOIA, Wazuh and Tenzir normalise them, compared with ours. A field that
differs must stand in line_differences.tsv with the class of its reason; docs/fortigate.md explains the classes. A
listed field that no longer differs fails too.

    tests/house/test_line_peers.py --print     the differences as they are now, with examples
"""
import collections
import json
import re
import subprocess
import sys

import pytest

from toms import BUILD, ROOT, SHARED

SAMPLES = SHARED / "data" / "fortigate"
DIFFERENCES = ROOT / "tests/house/line_differences.tsv"
CLASSES = {"own", "ecs", "precision", "delta", "case", "guess", "derived", "first", "broken"}
TOOL = BUILD / "tests/tools/line_json"
# What peers call their own things, not facts of the line.
SKIP = {"sekoia": ("message", "related", "fortinet", "cef", "action"),
        "wazuh": ("wazuh", "agent", "host", "service", "input", "tags", "related", "fileset", "\\@timestamp", "event.original")}
# OCSF of Tenzir: the name it has here.
OCSF = {"src_endpoint.ip": "source.ip", "src_endpoint.port": "source.port", "dst_endpoint.ip": "destination.ip",
        "dst_endpoint.port": "destination.port", "src_endpoint.interface_name": "observer.ingress.interface.name",
        "dst_endpoint.interface_name": "observer.egress.interface.name", "src_endpoint.mac": "source.mac",
        "traffic.bytes_out": "source.bytes", "traffic.bytes_in": "destination.bytes", "traffic.packets_out": "source.packets",
        "traffic.packets_in": "destination.packets", "connection_info.protocol_num": "network.iana_number",
        "connection_info.uid": "fortinet.firewall.sessionid", "device.zone": "observer.vdom", "metadata.log_level": "log.level",
        "metadata.log_name": "fortinet.firewall.subtype", "metadata.type": "fortinet.firewall.type", "message": "message",
        "time": "@timestamp", "firewall_rule.uid": "rule.uuid", "src_endpoint.proxy_endpoint.ip": "source.nat.ip",
        "src_endpoint.proxy_endpoint.port": "source.nat.port"}


def flat(value, at=""):
    for key, v in value.items():
        name = f"{at}.{key}" if at else key
        if isinstance(v, dict):
            yield from flat(v, name)
        else:
            yield name, v


def ours(lines):
    """One flat object a line; a line break inside of one is a blank for us too."""
    text = "\n".join(line.strip("\n").replace("\n", " ") for line in lines) + "\n"
    out = subprocess.run([TOOL], input=text.encode(), capture_output=True, check=True, timeout=60).stdout
    return [dict(flat(json.loads(line))) for line in out.decode().splitlines()]


def tql(text):
    """Tenzir's notation of a record: one key a line, braces and brackets on their own."""
    path, out = [], {}
    for line in text.splitlines():
        line = line.strip()
        if line in ("}", "},", "]", "],"):
            path = path[:-1]
        elif line.endswith(("{", "[")):
            path.append(line.rstrip("{[ ").rstrip(":"))
        elif m := re.match(r"(\w[\w.-]*|\"[^\"]+\"): (.*?),?$", line):
            out[".".join([*path[1:], m[1].strip('"')])] = m[2].strip('"')
    return out


def pairs():
    """(peer, field, theirs, ours) of every field that a peer says of a line."""
    files = sorted((SAMPLES / "sekoia").glob("*.json"))
    samples = [json.loads(f.read_text()) for f in files]
    for sample, us in zip(samples, ours([s["input"]["message"] for s in samples])):
        for field, value in flat(sample["expected"]):
            if not field.startswith(SKIP["sekoia"]):
                yield "sekoia", field, value, us.get(field)
    events = json.loads((SAMPLES / "wazuh-engine/firewall_expected.json").read_text())
    for event, us in zip(events, ours([e["event"]["original"] for e in events])):
        for field, value in flat(event):
            if not field.startswith(SKIP["wazuh"]):
                yield "wazuh", field, value, us.get(field)
    files = sorted((SAMPLES / "tenzir").glob("*.ocsf.txt"))
    lines = [f.with_name(f.name.replace(".ocsf", "")).read_text() for f in files]
    for file, us in zip(files, ours(lines)):
        for field, value in tql(file.read_text()).items():
            name = OCSF.get(field)
            if field.startswith("unmapped."):
                # nothing of the line may be lost, wherever it is here
                key = field.removeprefix("unmapped.")
                found = us.get(f"fortinet.firewall.{key}")
                yield "tenzir", field, value, value if found is None and value in map(str, us.values()) else found
            elif name:
                yield "tenzir", field, value, us.get(name)


def same(theirs, us):
    return theirs == us or str(theirs) == str(us) or (isinstance(theirs, list) and isinstance(us, list) and sorted(theirs) == sorted(us))


def differences():
    found = collections.defaultdict(list)
    for peer, field, theirs, us in pairs():
        if not same(theirs, us):
            found[f"{peer} {field}"].append((theirs, us))
    return found


def listed():
    rows = [line.split("\t") for line in DIFFERENCES.read_text().splitlines() if line and not line.startswith("#")]
    return {row[0]: row[1] for row in rows}


def test_every_difference_from_what_others_make_of_a_line_has_a_reason():
    if not SAMPLES.exists():
        pytest.skip("no samples in ../shared/data/fortigate")
    subprocess.run(["make", "-s", str(TOOL.relative_to(ROOT))], cwd=ROOT, check=True, timeout=600)
    now, known = differences(), listed()
    assert set(known.values()) <= CLASSES
    assert {k: v[:2] for k, v in now.items() if k not in known} == {}
    assert sorted(set(known) - set(now)) == []
    # what no reason excuses: who, whom and when
    for field in ("source.port", "destination.ip", "destination.port", "source.nat.port", "rule.uuid", "url.original"):
        assert f"sekoia {field}" not in now


if __name__ == "__main__":
    for name, values in sorted(differences().items()):
        print(name, len(values), *(f"{str(a)[:50]!r}/{str(b)[:50]!r}" for a, b in values[:3]), sep="\t")
