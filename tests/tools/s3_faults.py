#!/usr/bin/env python3
"""A proxy that does on demand what no real S3 server does: delays, cuts, refuses, lies, forgets.

    from s3_faults import Faults
    with Faults("127.0.0.1:7480") as faults:
        faults.add("cut_request", match="PUT .*partNumber=3", after=100000)
        ...ask at faults.url...
        faults.log    # [(method, target, status told or None, [faults])]

    s3_faults.py HOST:PORT CONTROL [PORT]   by itself; CONTROL is a JSON file with a list of {"do", "match", "count", ...}
                                            that is read again whenever it changes

The Host header goes through as it is, so signatures hold. Each fault strikes `count` times (1; -1: always) where its
pattern is found in "METHOD target". What can be done:
    delay         seconds=               before the request goes on
    refuse        status=503 code=SlowDown   answers itself; the server sees nothing
    cut_request   after=                 so many bytes of the body go on, then both sides are reset
    lose_answer                          the server does it, and nobody hears of it
    cut_answer    after=                 so many bytes of the answer's body, then a reset
    shorten       by=1                   the answer is shorter, and says so itself
    flip_request  at=0 / flip_answer at=0    one bit of that byte of the body is turned
    drop          headers=[names]        taken off the request ("x-amz-object-lock-mode" ...)
    forget        headers=[names]        taken off the answer
    skew          seconds=               the Date of the answer is another
    error_in_200  code=InternalError     a 200 with <Error>; the server does not see the request
"""
import contextlib
import email.utils
import json
import os
import pathlib
import re
import socket
import struct
import sys
import threading
import time

PIECE = 65536


class Gone(Exception):
    """The connection ends here, on purpose or not."""


class Stream:
    """A socket read by lines and by counts."""

    def __init__(self, sock):
        self.sock, self.held = sock, b""

    def more(self):
        data = self.sock.recv(PIECE)
        if not data:
            raise Gone
        self.held += data

    def head(self):
        while b"\r\n\r\n" not in self.held:
            if len(self.held) > 1 << 18:
                raise Gone
            self.more()
        head, self.held = self.held.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        return first, [tuple(line.split(":", 1)) for line in lines]

    def bytes(self, n):
        """n bytes, in pieces as they come."""
        while n > 0:
            if not self.held:
                self.more()
            piece, self.held = self.held[:n], self.held[n:]
            n -= len(piece)
            yield piece

    def chunked(self):
        """The whole of a chunked body."""
        out = b""
        while True:
            while b"\r\n" not in self.held:
                self.more()
            line, self.held = self.held.split(b"\r\n", 1)
            n = int(line.split(b";")[0], 16)
            out += b"".join(self.bytes(n))
            b"".join(self.bytes(2))
            if n == 0:
                return out


def value(headers, name, otherwise=None):
    return next((v.strip() for k, v in headers if k.lower() == name), otherwise)


def without(headers, *names):
    return [(k, v) for k, v in headers if k.lower() not in names]


def put_head(sock, first, headers):
    sock.sendall((first + "\r\n" + "".join(f"{k}:{v}\r\n" for k, v in headers) + "\r\n").encode("latin-1"))


def reset(sock):
    """Ends a connection the hard way."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


def flipped(pieces, at):
    for piece in pieces:
        if 0 <= at < len(piece):
            piece = piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1:]
        at -= len(piece)
        yield piece


class Faults:
    def __init__(self, upstream, port=0):
        host, self.upstream_port = upstream.rsplit(":", 1)
        self.upstream_host, self.upstream_port = host, int(self.upstream_port)
        self.rules, self.log, self.lock = [], [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.open, self.over = set(), threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.listener.getsockname()[1]

    def add(self, do, match=".", count=1, **more):
        with self.lock:
            self.rules.append({"do": do, "match": match, "count": count, **more})

    def clear(self):
        with self.lock:
            self.rules, self.log = [], []

    def set(self, rules):
        with self.lock:
            self.rules = [{"match": ".", "count": 1, **r} for r in rules]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in list(self.open):
            reset(sock)

    def seen(self, pattern):
        """How many requests so far are like this."""
        with self.lock:
            return sum(1 for method, target, *_ in self.log if re.search(pattern, f"{method} {target}"))

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _struck_by(self, request):
        """The faults for this request, counted down."""
        struck = {}
        with self.lock:
            for rule in self.rules:
                if rule["count"] != 0 and rule["do"] not in struck and re.search(rule["match"], request):
                    rule["count"] -= 1
                    struck[rule["do"]] = rule
        return struck

    def _serve(self, client):
        self.open.add(client)
        upstream = None
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = Stream(client)
            upstream = socket.create_connection((self.upstream_host, self.upstream_port))
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open.add(upstream)
            back = Stream(upstream)
            while True:
                self._one(client, stream, upstream, back)
        except (Gone, OSError):
            pass
        finally:
            for sock in (client, upstream):
                self.open.discard(sock)
                if sock:
                    reset(sock)

    def _one(self, client, stream, upstream, back):
        first, headers = stream.head()
        method, target, _ = first.split(" ", 2)
        struck = self._struck_by(f"{method} {target}")
        entry = [method, target, None, sorted(struck)]
        with self.lock:
            self.log.append(entry)
        body = stream.bytes(int(value(headers, "content-length", "0")))
        if "delay" in struck:
            self.over.wait(struck["delay"]["seconds"])  # the fault itself
        for name, status in (("refuse", 503), ("error_in_200", 200)):
            if name in struck:
                for _ in body:
                    pass
                entry[2] = struck[name].get("status", status)
                return self._answer_ourselves(client, method, entry[2], struck[name].get("code", "SlowDown" if status == 503 else "InternalError"))
        if "drop" in struck:
            headers = without(headers, *struck["drop"]["headers"])
        if "flip_request" in struck:
            body = flipped(body, struck["flip_request"].get("at", 0))
        put_head(upstream, first, headers)
        sent, cut = 0, struck.get("cut_request", {}).get("after")
        for piece in body:
            if cut is not None and sent + len(piece) > cut:
                upstream.sendall(piece[:cut - sent])
                raise Gone
            upstream.sendall(piece)
            sent += len(piece)
        self._pass_answer(client, back, method, struck, entry)

    def _answer_ourselves(self, client, method, status, code):
        body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>the proxy says so</Message></Error>'
        body = "" if status == 204 else body
        put_head(client, f"HTTP/1.1 {status} Whatever", [("Content-Type", " application/xml"), ("Content-Length", f" {len(body)}"),
                                                         ("Date", " " + email.utils.formatdate(usegmt=True))])
        if method != "HEAD":
            client.sendall(body.encode())

    def _pass_answer(self, client, back, method, struck, entry):
        first, headers = back.head()
        status = int(first.split(" ")[1])
        while status == 100:
            put_head(client, first, headers)
            first, headers = back.head()
            status = int(first.split(" ")[1])
        if value(headers, "transfer-encoding", "").lower() == "chunked" and method != "HEAD":
            whole = back.chunked()
            headers = without(headers, "transfer-encoding") + [("Content-Length", f" {len(whole)}")]
            body, n = iter([whole]), len(whole)
        else:
            n = 0 if method == "HEAD" or status in (204, 304) else int(value(headers, "content-length", "0"))
            body = back.bytes(n)
        if "lose_answer" in struck:
            for _ in body:
                pass
            raise Gone
        if "forget" in struck:
            headers = without(headers, *struck["forget"]["headers"])
        if "skew" in struck:
            headers = without(headers, "date") + [("Date", " " + email.utils.formatdate(time.time() + struck["skew"]["seconds"], usegmt=True))]
        if "flip_answer" in struck:
            body = flipped(body, struck["flip_answer"].get("at", 0))
        if "shorten" in struck and n > 0:
            n -= struck["shorten"].get("by", 1)
            headers = without(headers, "content-length") + [("Content-Length", f" {n}")]
            body = iter([b"".join(body)[:n]])
        entry[2] = status
        put_head(client, first, headers)
        passed, cut = 0, struck.get("cut_answer", {}).get("after")
        for piece in body:
            if cut is not None and passed + len(piece) > cut:
                client.sendall(piece[:cut - passed])
                # A clean end, not a reset: a reset may throw away what the client has not read yet.
                client.shutdown(socket.SHUT_WR)
                raise Gone
            client.sendall(piece)
            passed += len(piece)


def main(argv):
    if len(argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    control, seen = pathlib.Path(argv[2]), None
    with Faults(argv[1], int(argv[3]) if len(argv) > 3 else 0) as faults:
        print(faults.url, flush=True)
        while not faults.over.is_set():
            with contextlib.suppress(OSError, ValueError):
                now = os.stat(control).st_mtime_ns
                if now != seen:
                    faults.set(json.loads(control.read_text()))
                    seen = now
            faults.over.wait(0.1)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
