"""L4: the chain's head is stamped by a time-stamping authority (RFC 3161), one proof a day; sealing never waits for it."""
import hashlib
import http.server
import json
import subprocess
import threading

import pytest
import toms

CONF = """[tsa]
default_tsa = one
[one]
serial = {dir}/serial
crypto_device = builtin
signer_cert = {dir}/tsa.pem
certs = {dir}/ca.pem
signer_key = {dir}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@pytest.fixture
def authority(tmp_path):
    """OpenSSL's own responder behind HTTP on loopback; authority.up is whether it answers."""
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "serial").write_text("01")
    (folder / "conf").write_text(CONF.format(dir=folder))
    (folder / "ext").write_text("extendedKeyUsage=critical,timeStamping\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    toms.run("openssl", "req", "-x509", *key, "-days", "2", "-subj", "/CN=ca", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    toms.run("openssl", "req", *key, "-subj", "/CN=tsa", "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr")
    toms.run("openssl", "x509", "-req", "-in", folder / "tsa.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
             "-days", "2", "-extfile", folder / "ext", "-out", folder / "tsa.pem")

    class Door(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.asked += 1
            if not self.server.up:
                return self.send_error(503)
            (folder / "query").write_bytes(asked)
            subprocess.run(["openssl", "ts", "-reply", "-config", folder / "conf", "-queryfile", folder / "query", "-out", folder / "answer"],
                           check=True, capture_output=True)
            body = (folder / "answer").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.up, server.asked, server.ca = True, 0, folder / "ca.pem"
    server.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_the_first_manifest_of_a_day_gets_a_stamp_that_openssl_accepts(tmp_path, authority):
    daemon = toms.Daemon(tmp_path, text=f"[archive]\ntimestamp_url = {authority.url}\ntimestamp_ca = {authority.ca}\n")
    with daemon:
        daemon.ctl("archive", "seal", "--now")
        found = toms.wait_for("the stamp", lambda: sorted(daemon.state.glob("archive/_manifest/*/*.tsr")), 90)
        assert len(found) == 1
        toms.run("openssl", "ts", "-verify", "-data", found[0].with_suffix(".json"), "-in", found[0], "-token_in", "-CAfile", authority.ca)
        proof = json.loads(daemon.ctl("verify", "--json").stdout)
        assert proof["faults"] == 0
        # A stamp that is not this manifest's is found.
        token = found[0].read_bytes()
        about = hashlib.sha256(found[0].with_suffix(".json").read_bytes()).digest()
        found[0].write_bytes(token.replace(about, hashlib.sha256(b"something else").digest()))
        failed = daemon.ctl("verify", ok=False)
        assert failed.returncode == 1 and "stamp" in failed.stdout + failed.stderr


def test_an_authority_that_is_away_stops_no_seal_and_is_asked_again(tmp_path, authority):
    authority.up = False
    daemon = toms.Daemon(tmp_path, text=f"[archive]\ntimestamp_url = {authority.url}\n")
    with daemon:
        daemon.ctl("archive", "seal", "--now")
        toms.wait_for("a question", lambda: authority.asked > 0, 90)
        daemon.ctl("archive", "seal", "--now")
        assert "no proof of time yet" in toms.wait_for("words", lambda: daemon.log() if "no proof of time yet" in daemon.log() else None, 90)
        assert json.loads(daemon.ctl("verify", "--json").stdout)["faults"] == 0
