"""docs/rescue.md is enough: a backup is opened by what that page says, with Python and standard tools."""
import hashlib
import hmac
import io
import json
import sqlite3
import struct

import pytest
import toms

AESGCM = pytest.importorskip("cryptography.hazmat.primitives.ciphers.aead").AESGCM
zstandard = pytest.importorskip("zstandard")
from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey  # noqa: E402

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def hkdf(secret, salt, info):
    first = hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(first, info + b"\x01", hashlib.sha256).digest()


def crc(bits):
    rest = 0xFFF
    for bit in bits:
        top = rest >> 11 ^ bit
        rest = rest << 1 & 0xFFF ^ (0x80F if top else 0)
    return rest


def key_of(phrase):
    bits = [SIGNS.index(c) >> i & 1 for c in phrase.replace("-", "") for i in (4, 3, 2, 1, 0)]
    assert crc(bits[:128]) == int("".join(map(str, bits[128:])), 2)
    secret = int("".join(map(str, bits[:128])), 2).to_bytes(16, "big")
    return X25519PrivateKey.from_private_bytes(hkdf(secret, b"", b"tomsd rescue key 1"))


def open_backup(data, phrase):
    head = data[:192]
    magic, version, head_bytes, chunk, _, number, ephemeral, base = struct.unpack(">8sHHIq8s32s7s", head[:71])
    assert (magic, version, head_bytes, chunk) == (b"TOMSRESC", 1, 192, 1 << 20)
    private = key_of(phrase)
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    assert hashlib.sha256(public).digest()[:8] == number
    shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    box = AESGCM(hkdf(shared, ephemeral + public, b"tomsd rescue file 1"))
    rest, plain = data[192:], b""
    pieces = [rest[i:i + chunk + 16] for i in range(0, len(rest), chunk + 16)]
    for i, piece in enumerate(pieces):
        plain += box.decrypt(base + struct.pack(">IB", i, i == len(pieces) - 1), piece, head)
    stream = io.BytesIO(zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj().decompress(plain))
    files = {}
    while True:
        kind, zero, n, size = struct.unpack(">BBHQ", stream.read(12))
        assert zero == 0
        if kind == 2:
            break
        name = stream.read(n).decode()
        files[name] = stream.read(size)
    assert not stream.read() and list(files)[0] == "index.json"
    assert sum(map(len, files.values())) == struct.unpack(">Q", head[168:176])[0]
    return files


def test_a_backup_opens_by_what_the_page_says(tmp_path):
    with toms.Daemon(tmp_path / "d") as house:
        api = house.first_admin()
        phrase = house.ctl("rescue", "phrase").stdout.strip()
        toms.wait_for("the first backup", lambda: api.get("/api/v1/rescue")["last"])
        told = api.get("/api/v1/rescue")["last"]
        data = next((house.state / "rescue").glob("*.rescue")).read_bytes()
    files = open_backup(data, phrase)
    index = json.loads(files["index.json"])
    assert index["format"] == "tomsd-rescue-1" and index["rows"] == told["rows"]
    assert files["tomsd.conf"].decode() == house.file.read_text()
    assert files["keys/house.key"] == (house.state / "keys" / "house.key").read_bytes()
    path = tmp_path / "copy.db"
    path.write_bytes(files["tomsd.db"])
    db = sqlite3.connect(path)
    for table in index["tables"]:
        assert db.execute(f'SELECT count(*) FROM "{table["name"]}"').fetchone()[0] == table["rows"]
    assert db.execute("SELECT name FROM users").fetchone()[0] == "sato"
    db.close()
