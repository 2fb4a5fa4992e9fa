#!/usr/bin/python3
"""A second verifier of archives, written from docs/archive.md and docs/parquet.md alone; it owes the product nothing.

    second_verifier.py --from FOLDER [--key PEM] [--head SEQ:SHA256] [--rows] [--appliance ID] [--part]

Prints one JSON object: faults, found (fault, seq, key, words), manifests, objects, rows, head. Exit 0: no fault, 1: faults, 2: it
could not look. Needs Python 3.9, python3-cryptography, and for --rows python3-zstandard.
"""
import argparse
import base64
import datetime
import hashlib
import json
import os
import pathlib
import re
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NAME = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
OBJECT = re.compile(rf"kind=({NAME})/appliance=({NAME})/dt=\d{{4}}-\d\d-\d\d/hour=\d\d/(\d{{10,}})-([0-9a-f]{{16}})\.parquet")
MANIFEST = re.compile(rf"_manifest/appliance=({NAME})/(\d{{10,}})\.(json|sig|tsr)")


# ---- Canonical JSON (RFC 8785, whole numbers only). ----

def canonical(value):
    if isinstance(value, dict):
        names = sorted(value, key=lambda n: n.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(n)}:{canonical(value[n])}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    raise ValueError(f"{value!r} may not stand in canonical JSON")


def once(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("two members of one name")
    return out


def read_canonical(data):
    value = json.loads(data.decode("utf-8"), object_pairs_hook=once)
    if canonical(value).encode() != data:
        raise ValueError("not canonical")
    return value


def time_ns(text):
    """RFC 3339 UTC with up to nine digits behind the second."""
    m = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", text)
    if not m:
        raise ValueError(f"{text!r} is no time")
    at = datetime.datetime(*(int(x) for x in m.groups()[:6]), tzinfo=datetime.timezone.utc)
    since = at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (since.days * 86400 + since.seconds) * 10**9 + int((m.group(7) or "0").ljust(9, "0"))


def whole(v):
    if isinstance(v, bool) or not isinstance(v, (int, str)):
        raise ValueError(f"{v!r} is no whole number")
    return int(v)


def digest(text):
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(f"{text!r} is no SHA-256")
    return text


def unbase64(text, n):
    data = base64.b64decode(text, validate=True)
    if len(data) != n or base64.b64encode(data).decode() != text:
        raise ValueError("base64 of another length")
    return data


# ---- Merkle trees (RFC 6962, 2.1). ----

def sha(data):
    return hashlib.sha256(data).digest()


def merkle_root(leaves):
    """By levels: neighbours are joined, an odd one moves up; the same tree as the recursion of the RFC."""
    if not leaves:
        return sha(b"")
    while len(leaves) > 1:
        pairs = [sha(b"\1" + leaves[i] + leaves[i + 1]) for i in range(0, len(leaves) - 1, 2)]
        leaves = pairs + (leaves[-1:] if len(leaves) % 2 else [])
    return leaves[0]


def leaf(cells):
    out = [b"\0"]
    for kind, value in cells:
        if value is None:
            out.append(b"\0")
        elif kind == "text":
            out.append(b"\2" + struct.pack(">I", len(value)) + value)
        else:
            out.append(b"\1" + struct.pack(">Q", value & (2**64 - 1 if kind == "i64" else 2**32 - 1)))
    return sha(b"".join(out))


# ---- Parquet, as much of it as docs/parquet.md names. ----

class Thrift:
    """The compact protocol, into {field id: value}."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            b = self.byte()
            value |= (b & 127) << shift
            shift += 7
            if not b & 128:
                return value
            if shift > 63:
                raise ValueError("a number too long")

    def zigzag(self):
        n = self.varint()
        return (n >> 1) ^ -(n & 1)

    def take(self, n):
        if n > len(self.data) - self.at:
            raise ValueError("ends too early")
        self.at += n
        return self.data[self.at - n:self.at]

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 7:
            return self.take(8)
        if kind == 8:
            return self.take(self.varint())
        if kind in (9, 10):
            head = self.byte()
            n = head >> 4 if head >> 4 != 15 else self.varint()
            return [self.value(head & 15) for _ in range(n)]
        if kind == 12:
            return self.struct()
        raise ValueError(f"type {kind} is not known")

    def struct(self):
        out, field = {}, 0
        while True:
            head = self.byte()
            if head == 0:
                return out
            field = field + (head >> 4) if head >> 4 else self.zigzag()
            out[field] = self.value(head & 15)


def hybrid(data, at, end, width, n):
    """RLE and bit-packed runs (Encodings.md): n values of so many bits."""
    out, t = [], Thrift(data, at)
    while len(out) < n:
        head = t.varint()
        if head & 1:
            count = (head >> 1) * 8
            bits = int.from_bytes(t.take((head >> 1) * width), "little")
            mask = (1 << width) - 1
            out += [(bits >> (i * width)) & mask for i in range(count)]
        else:
            value = int.from_bytes(t.take((width + 7) // 8), "little")
            out += [value] * (head >> 1)
        if t.at > end:
            raise ValueError("levels or indexes end too early")
    return out[:n]


def delta(data, n):
    """DELTA_BINARY_PACKED, 64 bits."""
    t = Thrift(data)
    block, minis, total = t.varint(), t.varint(), t.varint()
    value = t.zigzag()
    out, per = [value], block // minis
    while len(out) < total:
        least = t.zigzag()
        widths = t.take(minis)
        for width in widths:
            if len(out) >= total:
                break
            bits = int.from_bytes(t.take(per * width // 8), "little")
            for i in range(per):
                if len(out) < total:
                    value = value + least + ((bits >> (i * width)) & ((1 << width) - 1))
                    out.append(value)
    if total != n:
        raise ValueError("another number of values than told")
    return [(v + 2**63) % 2**64 - 2**63 for v in out]


def plain(data, kind, n):
    if kind == "i64":
        return list(struct.unpack(f"<{n}q", data[:8 * n]))
    if kind == "u32":
        return list(struct.unpack(f"<{n}I", data[:4 * n]))
    out, at = [], 0
    for _ in range(n):
        (size,) = struct.unpack_from("<I", data, at)
        if size > len(data) - at - 4:
            raise ValueError("a text that is longer than its page")
        out.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return out


KINDS = {1: "u32", 2: "i64", 6: "text"}


try:
    import zstandard
except ImportError:  # sums, chain and signatures need none
    zstandard = None


class Parquet:
    def __init__(self, data):
        self.data = data
        if len(data) < 12 or data[:4] != b"PAR1" or data[-4:] != b"PAR1":
            raise ValueError("no Parquet file")
        (size,) = struct.unpack_from("<I", data, len(data) - 8)
        meta = Thrift(data[len(data) - 8 - size:len(data) - 8]).struct()
        self.columns = [(e[4].decode(), KINDS[e[1]]) for e in meta[2][1:]]
        self.groups = meta.get(4, [])
        self.rows = meta[3]
        self.pairs = {p[1].decode(): p.get(2, b"").decode() for p in meta.get(5, [])}

    def page(self, at):
        t = Thrift(self.data, at)
        head = t.struct()
        raw = t.take(head[3])
        return head, raw, t.at

    def chunk(self, group, index):
        """All values of one column of one row group."""
        kind = self.columns[index][1]
        meta = group[1][index][3]
        at = min(meta[9], meta.get(11) or meta[9])
        values, words, n = [], None, meta[5]
        while len(values) < n:
            head, raw, at = self.page(at)
            data = zstandard.ZstdDecompressor().decompress(raw, max_output_size=head[2]) if meta[4] == 6 else raw
            if head[1] == 2:
                words = plain(data, kind, head[7][1])
                continue
            count, encoding = head[5][1], head[5][2]
            (size,) = struct.unpack_from("<I", data, 0)
            known = hybrid(data, 4, 4 + size, 1, count)
            body, present = data[4 + size:], sum(known)
            if present == 0:
                found = []
            elif encoding == 8:
                found = [words[i] for i in hybrid(body, 1, len(body), body[0], present)] if body[0] else [words[0]] * present
            elif encoding == 5:
                found = delta(body, present)
            elif encoding == 0:
                found = plain(body, kind, present)
            else:
                raise ValueError(f"encoding {encoding} is not known")
            more = iter(found)
            values += [next(more) if k else None for k in known]
        return values

    def each_row(self):
        for group in self.groups:
            chunks = [self.chunk(group, i) for i in range(len(self.columns))]
            if len({len(c) for c in chunks}) != 1 or len(chunks[0]) != group[3]:
                raise ValueError("columns of different lengths")
            yield from zip(*chunks)


# ---- The proof. ----

class Verifier:
    def __init__(self, folder, key=None, head=None, rows=False, appliance=None, part=False):
        self.folder, self.key, self.head, self.with_rows, self.part = pathlib.Path(folder), key, head, rows, part
        self.appliance = appliance
        self.found, self.objects, self.last_id, self.proven_stamps = [], {}, {}, []
        self.keys = []  # (id, raw, since) that the chain has led to
        self.given_key_seen = False
        self.good_objects = self.rows = self.manifests = 0

    def tell(self, fault, seq, key, words):
        self.found.append({"fault": fault, "seq": seq, "key": key, "words": words})

    def names(self):
        for top in sorted(os.listdir(self.folder)):
            if top.startswith("kind=") or top == "_manifest":
                for at, folders, files in os.walk(self.folder / top):
                    folders[:] = [f for f in folders if not f.startswith(".")]
                    for f in files:
                        if not f.startswith("."):
                            yield str((pathlib.Path(at) / f).relative_to(self.folder))

    def read(self, key):
        path = self.folder / key
        if path.is_symlink() or not path.is_file():
            raise FileNotFoundError(key)
        return path.read_bytes()

    def key_name(self, seq, suffix):
        return f"_manifest/appliance={self.appliance}/{seq:010d}.{suffix}"

    def run(self):
        names = sorted(self.names())
        here = [m for m in map(MANIFEST.fullmatch, names) if m]
        appliances = {m.group(1) for m in here}
        if self.appliance is None and len(appliances) != 1:
            raise OSError(f"manifests of {len(appliances)} appliances: {sorted(appliances)}")
        self.appliance = self.appliance or appliances.pop()
        seqs = sorted({int(m.group(2)) for m in here if m.group(1) == self.appliance})
        expected, last = (seqs[0] if self.part and seqs else 1), None
        self.first_seq = expected
        for seq in seqs:
            if seq > expected:
                self.tell("missing", expected, self.key_name(expected, "json"), f"manifests {expected} to {seq - 1} are not there")
                last = None
            last = self.manifest(seq, last)
            expected = seq + 1
        self.last_seq = expected - 1
        if self.head and self.last_seq < self.head[0]:
            self.tell("head", expected, self.key_name(expected, "json"), "the end is cut off")
        if self.key and not self.given_key_seen:
            self.tell("key", self.first_seq, self.key_name(self.first_seq, "sig"), "not signed with the given key")
        for key, (seq, o) in self.objects.items():
            self.object(seq, key, o)
        for name in names:
            self.stranger(name)
        for seq, key in self.proven_stamps:
            if key not in names:
                self.tell("missing", seq, key, "a place has proven this stamp")

    # -- manifests

    def manifest(self, seq, last):
        """(seq, sha256, until or None) of it, for the next one."""
        json_key, sig_key = self.key_name(seq, "json"), self.key_name(seq, "sig")
        self.manifests += 1
        try:
            data = self.read(json_key)
        except FileNotFoundError:
            self.tell("missing", seq, json_key, "not there")
            return None
        sum_hex = hashlib.sha256(data).hexdigest()
        self.head_sha256 = sum_hex
        m = None
        try:
            m = read_canonical(data)
            if m["format"] != "tomsd-manifest-1":
                raise ValueError("another format")
            until = time_ns(m["until"])
        except (ValueError, KeyError, TypeError, RecursionError) as e:
            self.tell("form", seq, json_key, str(e))
            m = None
        authentic = self.signature(seq, data, sum_hex, m, sig_key, json_key)
        if m is None:
            return seq, sum_hex, None
        try:
            self.chain(seq, m, last, json_key, authentic)
            self.collect(seq, m, json_key)
        except (ValueError, KeyError, TypeError) as e:
            self.tell("form", seq, json_key, f"{e!r}")
        if self.head and self.head[0] == seq and self.head[1] != sum_hex:
            self.tell("head", seq, json_key, "not the head that is known from outside")
        return seq, sum_hex, until if authentic else None

    def signature(self, seq, data, sum_hex, m, sig_key, json_key):
        try:
            raw = self.read(sig_key)
            s = read_canonical(raw)
            signed, given = digest(s["manifest_sha256"]), {}
            for one in s["signatures"]:
                if one["algorithm"] != "Ed25519" or not re.fullmatch(r"[0-9a-f]{16}", one["key_id"]):
                    raise ValueError("another algorithm or no key id")
                given[one["key_id"]] = unbase64(one["signature"], 64)
        except FileNotFoundError:
            self.tell("missing", seq, sig_key, "not there")
            return False
        except (ValueError, KeyError, TypeError, RecursionError) as e:
            self.tell("form", seq, sig_key, f"{e!r}")
            return False
        if signed != sum_hex:
            self.tell("hash", seq, json_key, f"SHA-256 {sum_hex}, signed is {signed}")
            return False
        if m is None:
            return False
        return self.signers(seq, data, m, given, sig_key, json_key)

    def signers(self, seq, data, m, given, sig_key, json_key):
        try:
            listed = [(k["id"], unbase64(k["public_key"], 32), whole(k["since_seq"])) for k in m["keys"]]
            if not listed or any(hashlib.sha256(raw).hexdigest()[:16] != i for i, raw, _ in listed):
                raise ValueError("keys")
        except (ValueError, KeyError, TypeError) as e:
            self.tell("form", seq, json_key, f"{e!r}")
            return False
        n = len(self.keys)
        must = [listed[-1]]
        if seq == 1 and len(listed) != 1 or listed[:n] != self.keys:
            self.tell("key", seq, json_key, "keys that the chain does not lead to")
            return False
        if n and len(listed) > n:
            if len(listed) > n + 1 or listed[-1][2] != seq:
                self.tell("key", seq, json_key, "a key that nothing here proves")
                return False
            must.append(self.keys[-1])
        for key_id, raw, _ in reversed(must):
            if key_id not in given:
                self.tell("key", seq, sig_key, f"not signed with key {key_id}")
                return False
            try:
                Ed25519PublicKey.from_public_bytes(raw).verify(given[key_id], data)
            except InvalidSignature:
                self.tell("signature", seq, sig_key, f"the signature of key {key_id} does not fit")
                return False
            if raw == self.key:
                self.given_key_seen = True
        self.keys = listed
        return True

    def chain(self, seq, m, last, json_key, authentic):
        if m["seq"] != seq or m["appliance"] != self.appliance:
            self.tell("name", seq, json_key, "another manifest under this name")
        previous = m["previous"]
        if seq == 1:
            if previous is not None:
                self.tell("chain", seq, json_key, "the first one names one before it")
            return
        if previous is None or previous["seq"] != seq - 1:
            self.tell("chain", seq, json_key, "does not name the one before it")
        elif last and last[0] == seq - 1 and digest(previous["sha256"]) != last[1]:
            self.tell("chain", seq, json_key, "names another one before it than lies here")
        elif last and last[0] == seq - 1 and authentic and last[2] is not None and time_ns(m["since"]) != last[2]:
            self.tell("sequence", seq, json_key, "does not begin where the one before it ended")

    def collect(self, seq, m, json_key):
        by_kind = {}
        for o in m["objects"]:
            key = o["key"]
            name = OBJECT.fullmatch(key)
            if (not name or name.group(1) != o["kind"] or name.group(2) != self.appliance or int(name.group(3)) != seq
                    or name.group(4) != digest(o["sha256"])[:16]):
                self.tell("name", seq, key or "(no name)", "no name of an object of this manifest")
                continue
            if key in self.objects:
                self.tell("form", seq, key, "named twice")
                continue
            self.objects[key] = (seq, o)
            by_kind[o["kind"]] = by_kind.get(o["kind"], 0) + whole(o["rows"])
            self.days(seq, key, o)
        for kind, rows in m["rows"].items():
            if by_kind.pop(kind, 0) != whole(rows):
                self.tell("rows", seq, json_key, f"another number of rows of {kind}")
        if any(by_kind.values()):
            self.tell("rows", seq, json_key, "rows of a kind that is not counted")
        for r in m["receipts"]:
            self.receipt(seq, r)

    def days(self, seq, key, o):
        rows = 0
        for d in o["days"]:
            after, last = whole(d["after"]), whole(d["last"])
            name = (o["kind"], d["day"])
            if last <= after or self.last_id.get(name, after) != after:
                self.tell("rows", seq, key, f"ids of day {d['day']} do not follow")
            self.last_id[name] = last
            rows += whole(d["rows"])
        if rows != whole(o["rows"]):
            self.tell("rows", seq, key, "its days have another number of rows")

    def receipt(self, seq, r):
        known = self.objects.get(r["key"])
        if known and known[1]["sha256"] != digest(r["sha256"]):
            self.tell("hash", seq, r["key"], f"place {r['place']} has proven another sum")
        m = MANIFEST.fullmatch(r["key"])
        if m and m.group(1) == self.appliance and m.group(3) == "tsr" and int(m.group(2)) < seq:
            self.proven_stamps.append((seq, r["key"]))

    # -- objects

    def object(self, seq, key, o):
        try:
            data = self.read(key)
        except FileNotFoundError:
            if not self.part:
                self.tell("missing", seq, key, "not there")
            return
        if len(data) != whole(o["bytes"]):
            self.tell("size", seq, key, f"{len(data)} bytes, named are {o['bytes']}")
            return
        if hashlib.sha256(data).hexdigest() != o["sha256"]:
            self.tell("hash", seq, key, "another SHA-256")
            return
        self.good_objects += 1
        if self.with_rows:
            self.rows_of(seq, key, o, data)

    def rows_of(self, seq, key, o, data):
        try:
            f = Parquet(data)
            wrong = self.look_at_rows(f, o)
        except (ValueError, KeyError, IndexError, TypeError, struct.error, MemoryError) as e:
            wrong = ("rows", f"cannot be read: {e!r}")
        except Exception as e:  # zstandard's own
            wrong = ("rows", f"cannot be read: {e!r}")
        if wrong:
            self.tell(wrong[0], seq, key, wrong[1])

    def look_at_rows(self, f, o):
        names = [n for n, _ in f.columns]
        kinds = [k for _, k in f.columns]
        if f.pairs.get("toms.record") != o["kind"] or f.rows != whole(o["rows"]) or len(f.groups) != whole(o["row_groups"]):
            return "rows", "another kind, number of rows or of row groups"
        id_at = names.index("event.id")
        time_at = names.index("toms.row.at_ns" if "toms.row.at_ns" in names else "@timestamp")
        has_time = o["kind"] != "log" or "toms.row.at_ns" in names
        days = [(whole(d["after"]), whole(d["last"]), whole(d["rows"])) for d in o["days"]]
        left = [d for d in days for _ in range(d[2])]
        leaves, ids, times, before = [], [], [], None
        for i, row in enumerate(f.each_row()):
            day = left[i]
            if not day[0] < row[id_at] <= day[1] or (before and before[0] is day and row[id_at] <= before[1]):
                return "rows", f"the id of row {i} does not follow"
            before = (day, row[id_at])
            ids.append(row[id_at])
            times.append(row[time_at])
            leaves.append(leaf(zip(kinds, row)))
        if len(leaves) != f.rows or min(ids) < whole(o["first_id"]) or max(ids) > whole(o["last_id"]):
            return "rows", "ids or rows that are not the manifest's"
        if has_time and None not in times and (min(times), max(times) + 1) != (time_ns(o["since"]), time_ns(o["until"])):
            return "rows", "times that are not the manifest's"
        if merkle_root(leaves).hex() != o["merkle_root"]:
            return "merkle", "another Merkle root"
        self.rows += len(leaves)
        return None

    def stranger(self, name):
        o, m = OBJECT.fullmatch(name), MANIFEST.fullmatch(name)
        whose = o.group(2) if o else m.group(1) if m else self.appliance
        if whose != self.appliance or name in self.objects or m:
            return
        if o and self.part and int(o.group(3)) < self.first_seq:
            return
        self.tell("stranger", int(o.group(3)) if o else self.last_seq, name, "no manifest names it")


def verify(folder, pem=None, head=None, **more):
    key = None
    if more.get("rows") and not zstandard:
        raise OSError("rows cannot be read without python3-zstandard")
    if pem:
        key = serialization.load_pem_public_key(pathlib.Path(pem).read_bytes()).public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    if head:
        seq, _, sum_hex = head.partition(":")
        head = (int(seq), sum_hex)
    v = Verifier(folder, key, head, **more)
    v.run()
    first = min(v.found, key=lambda f: f["seq"]) if v.found else None
    return {"faults": len(v.found), "first": first, "found": v.found, "manifests": v.manifests, "objects": v.good_objects,
            "rows": v.rows, "head": f"{v.last_seq}:{v.head_sha256}"}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--from", dest="folder", required=True)
    p.add_argument("--key")
    p.add_argument("--head")
    p.add_argument("--rows", action="store_true")
    p.add_argument("--part", action="store_true")
    p.add_argument("--appliance")
    a = p.parse_args()
    try:
        said = verify(a.folder, a.key, a.head, rows=a.rows, appliance=a.appliance, part=a.part)
    except OSError as e:
        sys.stderr.write(f"second_verifier: {e}\n")
        return 2
    print(json.dumps(said))
    return 1 if said["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
