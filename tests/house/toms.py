"""The real daemon for house tests: its own folder, ports of the kernel's choice, no sleeping.

    with Daemon(tmp_path, capture=["eth0"]) as toms:
        api = toms.first_admin()
        api.get("/api/v1/flows")
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("TOMSD_BUILD", "build")
SHARED = ROOT.parent / "shared"
PASSWORD = "correct horse battery staple"
# Sanitizers make everything slower; deadlines, not expectations, grow with them.
SLOW = 6 if BUILD.name in ("asan", "tsan") else 1


def wait_for(what, condition, seconds=20):
    """Calls condition until it gives something true; the value, or a failure that names what was waited for."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * SLOW} s for {what}")
        threading.Event().wait(0.02)


def run(*argv, ok=True, timeout=120, env=None):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout * SLOW,
                          env={**os.environ, **(env or {})})
    if ok and done.returncode:
        raise AssertionError(f"{argv} -> {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done


class Daemon:
    """tomsd in the foreground. conf: further "section.key=value" overrides."""

    def __init__(self, folder, conf=(), ns=None, env=None, text=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = self.folder / "state"
        self.file = self.folder / "tomsd.conf"
        self.extra, self.ns, self.env = list(conf), ns, env or {}
        if not self.file.exists():
            self.file.write_text(f"[store]\npath = {self.state}\n[panel]\nlisten = 127.0.0.1:0\n"
                                 + ("" if "[capture]" in text else "[capture]\ninterface = none\n") + text)
        self.process, self.lines = None, []

    def start(self):
        self.lines = []
        argv = [BUILD / "tomsd", "-c", self.file]
        for item in self.extra:
            argv += ["--set", item]
        if self.ns:
            argv = ["ip", "netns", "exec", self.ns, *argv]
        self.process = subprocess.Popen([str(a) for a in argv], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, **self.env})
        threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True).start()
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()
        wait_for("the ready line", lambda: self.ready() or self.process.poll() is not None, 30)
        if not self.ready():
            raise AssertionError("tomsd did not start:\n" + self.log())
        return self

    def _read(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))

    def log(self):
        return "\n".join(self.lines)

    def ready(self):
        return "tomsd: ready" in self.log()

    def stop(self, how=signal.SIGTERM, seconds=60):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(seconds * SLOW)
        return self.process.returncode if self.process else None

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        with contextlib.suppress(Exception):
            self.stop()
        if self.process and self.process.poll() is None:
            self.kill()
        if failure[0]:
            print(self.log()[-6000:])

    @property
    def pid(self):
        """Of tomsd itself (ip netns exec becomes it)."""
        return self.process.pid

    @property
    def url(self):
        return re.search(r"https://[\w.:\[\]-]+\d", self.log().split("tomsd: ready", 1)[1]).group(0)

    @property
    def code(self):
        found = re.search(r"\b([A-Z0-9]{4}(?:-[A-Z0-9]{4}){2,})\b", self.log())
        return found and found.group(1)

    def ctl(self, *argv, ok=True):
        return run(BUILD / "tomsctl", "-c", self.file, *argv, ok=ok)

    def rows(self, *argv):
        return [json.loads(line) for line in self.ctl(*argv, "--json").stdout.splitlines()]

    def client(self):
        return Client(self.url)

    def first_admin(self, name="sato"):
        """Walks the first-run door; a signed-in client."""
        api = self.client()
        wait_for("the first-run code", lambda: self.code)
        api.call("POST", "/api/v1/setup", {"code": self.code, "user": name, "password": PASSWORD, "lang": "ja"}, expect=201)
        return api.sign_in(name)


class Client:
    """A browser's worth of HTTP: cookie, CSRF, Origin. One connection a call."""

    def __init__(self, url):
        self.url, self.host = url, urllib.parse.urlsplit(url).netloc
        self.cookie = self.csrf = None
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def raw(self, method, path, body=None, headers=None, timeout=30):
        head = {"Host": self.host, "Origin": self.url, "Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
        if self.cookie:
            head["Cookie"] = self.cookie
        if self.csrf and method != "GET":
            head["X-CSRF-Token"] = self.csrf
        if body is not None and not isinstance(body, (bytes, str)):
            body, head["Content-Type"] = json.dumps(body), "application/json"
        head.update(headers or {})
        link = http.client.HTTPSConnection(self.host, context=self.tls, timeout=timeout * SLOW)
        try:
            link.request(method, path, body, {k: v for k, v in head.items() if v is not None})
            answer = link.getresponse()
            content = answer.read()
        finally:
            link.close()
        for value in answer.headers.get_all("Set-Cookie") or []:
            self.cookie = value.split(";", 1)[0]
        return answer.status, answer.headers, content

    def patient(self, method, path, body=None):
        """As raw, by a client that waits when it is asked to."""
        status, headers, content = self.raw(method, path, body)
        while status == 429:
            threading.Event().wait(int(headers.get("Retry-After", "1")))
            status, headers, content = self.raw(method, path, body)
        return status, headers, content

    def call(self, method, path, body=None, expect=200, **params):
        if params:
            path += "?" + urllib.parse.urlencode(params)
        status, headers, content = (self.raw if expect == 429 else self.patient)(method, path, body)
        assert status == expect, f"{method} {path} -> {status} {content[:600]!r}"
        return json.loads(content) if content and "json" in headers.get("Content-Type", "") else content

    def get(self, path, **params):
        return self.call("GET", path, **params)

    def sign_in(self, name="sato", password=PASSWORD):
        self.call("POST", "/api/v1/session", {"user": name, "password": password}, expect=201)
        self.csrf = self.get("/api/v1/session")["csrf"]
        return self
