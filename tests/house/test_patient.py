"""D2: nothing about a patient is ever stored. A made-up patient goes through every medical protocol;
then every byte of the state folder is searched for every form of every secret."""
import json

import toms


def forms(text):
    """A secret as it could lie on disk."""
    out = {text.encode(code, "ignore") for code in ("utf-8", "utf-16-le", "utf-16-be", "shift_jis", "euc_jp", "iso2022_jp")}
    out |= {text.upper().encode(), text.lower().encode(), text.encode().hex().encode()}
    return {form for form in out if len(form) >= 6}


def test_no_byte_of_a_patient_is_in_the_state_folder(hospital, tmp_path):
    secrets = [s for patient in hospital["patients"] for s in patient.values() if isinstance(s, str) and len(s) >= 4]
    assert len(secrets) >= 20
    in_captures = b"".join(f.read_bytes() for f in hospital["files"])
    found_on_wire = [s for s in secrets if any(form in in_captures for form in forms(s))]
    assert len(found_on_wire) >= 10, "the captures must really carry patients"
    daemon = toms.Daemon(tmp_path)
    with daemon as live:
        live.first_admin()
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    medical = [r for r in daemon.rows("flows", "--limit", "0") if "medical" in r.get("toms", {})]
    assert {r["network"]["protocol"] for r in medical} >= {"dicom", "hl7"}, "medical protocols must be recognised"
    kept = {p: p.read_bytes() for p in daemon.state.rglob("*") if p.is_file()}
    kept["log"] = daemon.log().encode()
    kept["rows"] = json.dumps(medical, ensure_ascii=False).encode()
    for secret in secrets:
        for form in forms(secret):
            for place, content in kept.items():
                assert form not in content, f"{secret!r} is in {place}"
