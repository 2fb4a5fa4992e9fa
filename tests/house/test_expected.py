"""Every capture of ../shared/data/pcap through `tomsd --replay`, compared with what ndpiReader 4.2 says
of it (expected.tsv): packets, bytes, conversations and protocol. What differs stands in
expected_differences.tsv with its reason; docs/dpi.md explains the reasons. A difference that is not
listed fails, and so does a listed one that is none any more.

    tests/house/test_expected.py --print     the differences as they are now, reasons left open
"""
import collections
import json
import pathlib
import sys
import tempfile

import pytest

from toms import BUILD, ROOT, SHARED, run

PCAPS = SHARED / "data" / "pcap"
DIFFERENCES = ROOT / "tests" / "house" / "expected_differences.tsv"
REASONS = {"content", "fragments", "tunnel", "length", "cut", "header"}
NOTHING = (0, 0, 0)


def expected():
    """file -> protocol -> (packets, bytes, flows)"""
    table = collections.defaultdict(dict)
    for line in (PCAPS / "expected.tsv").read_text().splitlines()[1:]:
        c = line.split("\t")
        table[c[0]][c[9].lower()] = tuple(int(v) for v in c[10:13])
    return table


def differences():
    """(file, protocol) -> (reason, ours, theirs)"""
    table = {}
    for line in DIFFERENCES.read_text().splitlines():
        if line and not line.startswith("#"):
            c = line.split("\t")
            numbers = [int(v) for v in c[3:9]]
            table[c[0], c[1]] = (c[2], tuple(numbers[:3]), tuple(numbers[3:]))
    return table


def rows_of(capture, folder):
    conf = pathlib.Path(folder) / "tomsd.conf"
    conf.write_text(f"[store]\npath = {folder}/state\n[panel]\nlisten = 127.0.0.1:0\n[flow]\nthreads = 1\n")
    # A capture that ends in the middle of a record exits 1 and keeps what was whole.
    run(BUILD / "tomsd", "-c", conf, "--replay", capture, ok=False)
    out = run(BUILD / "tomsctl", "-c", conf, "flows", "--json", "--limit", "0", "--since", "1970-01-02T00:00:00Z")
    return [json.loads(line) for line in out.stdout.splitlines()]


def conversation(row):
    """Rows of one conversation (slices) share their first packet's time and their ends."""
    toms, net = row["toms"]["flow"], row["network"]
    return (toms["start"], *(str(row[end].get(k)) for end in ("source", "destination") for k in ("ip", "port")),
            net.get("iana_number"), str(net.get("vlan")), toms.get("icmp_type"), toms.get("icmp_code"))


def sums(rows):
    """protocol -> (packets, bytes, flows), named as ndpiReader counts: the application before its carrier"""
    table = collections.defaultdict(lambda: [0, 0, set()])
    for row in rows:
        net = row["network"]
        entry = table[net.get("application") or net.get("protocol") or "unknown"]
        entry[0] += net["packets"]
        entry[1] += net["bytes"]
        entry[2].add(conversation(row))
    return {name: (e[0], e[1], len(e[2])) for name, e in table.items()}


def compare(capture, folder):
    """protocol -> (ours, theirs) where they differ"""
    ours, theirs = sums(rows_of(PCAPS / capture, folder)), expected()[capture]
    return {p: (ours.get(p, NOTHING), theirs.get(p, NOTHING))
            for p in sorted(set(ours) | set(theirs)) if ours.get(p) != theirs.get(p)}


@pytest.mark.skipif(not PCAPS.is_dir(), reason="no ../shared/data/pcap")
@pytest.mark.parametrize("capture", sorted(expected()) if PCAPS.is_dir() else [])
def test_a_capture_has_the_packets_bytes_flows_and_protocols_ndpireader_finds(capture, tmp_path):
    found = compare(capture, tmp_path)
    listed = {p: v for (f, p), v in differences().items() if f == capture}
    assert {v[0] for v in listed.values()} <= REASONS
    assert {p: (ours, theirs) for p, (_, ours, theirs) in listed.items()} == found


def ends(row):
    return frozenset((row[end].get("ip"), row[end].get("port", 0)) for end in ("source", "destination"))


def names_of(row):
    """What ndpiReader prints of a flow beside its protocol, under flows.tsv's column names."""
    flow, detail = row["toms"]["flow"], row["toms"]["flow"].get("detail", {})
    names = {"hostname": flow.get("name", ""), "ja3c": row.get("tls", {}).get("client", {}).get("ja3", ""),
            "ja3s": detail.get("ja3s", ""), "dhcp_fingerprint": detail.get("dhcp_options", ""),
            "hassh_client": detail.get("hassh", ""), "user_agent": row.get("user_agent", {}).get("original", ""),
            "risk_score": str(row["event"].get("risk_score", 0))}
    if flow.get("confidence") not in ("dpi", "cache"):
        del names["risk_score"]  # a guess by port is no reason to accuse a flow that was refused
    return names


def peer_flows(capture):
    lines = (PCAPS / "flows.tsv").read_text().splitlines()
    for line in lines[1:]:
        flow = dict(zip(lines[0].split("\t"), line.split("\t")))
        if flow["file"] == capture and flow["l4"] in ("TCP", "UDP"):
            flow["hassh_client"] = flow["hassh_client"].lower()  # theirs is in capitals, everybody else's is not
            yield flow


# ndpiReader shows the client's banner as the host of an SSH flow (ours: ssh_client), and no risk of Telnet.
OTHERWISE = {("SSH", "hostname"), ("Telnet", "risk_score")}


@pytest.mark.skipif(not PCAPS.is_dir(), reason="no ../shared/data/pcap")
@pytest.mark.parametrize("capture", sorted(expected()) if PCAPS.is_dir() else [])
def test_a_flow_has_the_names_fingerprints_and_risks_ndpireader_finds(capture, tmp_path):
    ours = {}
    for row in rows_of(PCAPS / capture, tmp_path):
        if row["toms"]["flow"].get("confidence") != "content":  # ours, and not nDPI's to name
            ours.setdefault((row["network"]["iana_number"], ends(row)), names_of(row))
    for flow in peer_flows(capture):
        key = (6 if flow["l4"] == "TCP" else 17,
               frozenset(((flow["src"], int(flow["sport"])), (flow["dst"], int(flow["dport"])))))
        mine = ours.get(key)  # none: medical, or a difference that is listed
        for column, value in (mine or {}).items():
            if (flow["proto_names"], column) not in OTHERWISE:
                assert value == flow[column], (key, column)


def main():
    for capture in sorted(expected()):
        with tempfile.TemporaryDirectory() as folder:
            for protocol, (ours, theirs) in compare(capture, folder).items():
                print(capture, protocol, "?", *ours, *theirs, sep="\t")


if __name__ == "__main__" and "--print" in sys.argv:
    main()
