"""Devices that log, for house tests: doors, senders, and what a line says read by a parser of the tests' own."""
import contextlib
import json
import pathlib
import re
import socket
import ssl

import toms

DATA = toms.SHARED / "data" / "fortigate"
SENDER = toms.ROOT / "build/tests/tools/log_send"
EVER = ("--limit", "0", "--since", "1970-01-02T00:00:00Z")
SYSLOG = "[syslog]\nudp = 127.0.0.1:0\ntcp = 127.0.0.1:0\n"


def with_tls(folder):
    """A [syslog] section with the TLS door too."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cert, key = folder / "syslog.pem", folder / "syslog.key"
    toms.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-keyout", key, "-out", cert)
    return SYSLOG + f"tls = 127.0.0.1:0\ncert = {cert}\nkey = {key}\n"


def doors(daemon):
    """transport -> (address, port), from the ready line."""
    found = re.findall(r"syslog (udp|tcp|tls) ([\d.]+):(\d+)", daemon.log().split("tomsd: ready", 1)[1])
    return {transport: (host, int(port)) for transport, host, port in found}


def framed(lines, framing):
    if framing == "octet":
        return b"".join(b"%d %s" % (len(line), line) for line in lines)
    return b"".join(line + {"lf": b"\n", "nul": b"\0", "crlf": b"\r\n"}[framing] for line in lines)


def send_tcp(door, data, sender="127.0.0.1", tls=False):
    with socket.create_connection(door, 20, (sender, 0)) as link:
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(link) as safe:
                safe.sendall(data)
                with contextlib.suppress(OSError):
                    safe.unwrap()
            return
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            link.recv(1)  # the other side has read all and closes


def send_udp(door, lines, sender="127.0.0.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((sender, 0))
        for line in lines:
            s.sendto(line, door)


def send_file(door, path, sender="127.0.0.1", rate=5000, **how):
    words = [w for key, value in how.items() for w in (f"--{key}", value)]
    return json.loads(toms.run(SENDER, "--to", "%s:%d" % door, "--from", sender, "--rate", rate, *words, path).stdout)


def kept(daemon):
    """Rows that are committed."""
    return json.loads(daemon.ctl("status", "--json").stdout)["rooms"]["store"]["rows"]


def stored(daemon, *words):
    """Rows of tomsctl logs, numbers as they are written."""
    text = daemon.ctl("logs", "--json", *EVER, *words).stdout
    return [json.loads(line, parse_int=str, parse_float=str) for line in text.splitlines()]


def wait_rows(daemon, n, *words, seconds=20):
    """The rows, when there are so many."""
    def enough():
        rows = stored(daemon, *words)
        return rows if len(rows) >= n else None
    rows = toms.wait_for(f"{n} rows of tomsctl logs {' '.join(words)}", enough, seconds)
    assert len(rows) == n, f"{len(rows)} rows, {n} were sent"
    return rows


def accept(api, *, state="accepted", serial=None, address=None):
    """The panel's click on a source."""
    def found():
        return [s for s in api.get("/api/v1/sources")["items"]
                if (serial is None or s["serial"] == serial) and (address is None or s["address"] == address)]
    source = toms.wait_for(f"the source {serial or address}", found)[0]
    api.call("PATCH", f"/api/v1/sources/{source['id']}", {"state": state})
    return source


def leaves(value, path=""):
    """(dotted name, text) of every value in a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, str(value)


def at(row, dotted):
    for key in dotted.split("."):
        if not isinstance(row, dict) or key not in row:
            return None
        row = row[key]
    return row


FIELD = re.compile(r'([A-Za-z_][\w.-]*)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


def fields(line):
    """key -> value of a default-format line of ours; the first of a name wins."""
    out = {}
    for key, quoted, bare in FIELD.findall(line):
        out.setdefault(key, quoted or bare)
    return out
