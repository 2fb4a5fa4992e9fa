"""D2: modalities, monitors and controllers are known by what they say on the wire; the truth is the generator's."""
import json

import pytest
import toms


@pytest.fixture(scope="module")
def rows(hospital, tmp_path_factory):
    """Medical rows of the made-up day, by protocol."""
    daemon = toms.Daemon(tmp_path_factory.mktemp("medical"))
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    by = {}
    for row in daemon.rows("flows", "--limit", "0"):
        if "medical" in row.get("toms", {}):
            by.setdefault(row["network"]["protocol"], []).append(row)
    return by


def hosts(hospital, *roles):
    return {h["ip"]: h for h in hospital["hosts"] if not roles or h["role"] in roles}


def test_every_modality_that_stored_an_image_is_known_by_maker_model_and_serial(rows, hospital):
    known = hosts(hospital)
    stored = [r for r in rows["dicom"] if "modality" in r["toms"]["medical"]]
    assert len({r["source"]["ip"] for r in stored}) >= 5
    for row in stored:
        facts, host = row["toms"]["medical"], known[row["source"]["ip"]]
        assert facts["modality"] == [host["modality"]]
        assert {k: facts[k] for k in ("manufacturer", "model", "serial", "software")} == {k: host[k] for k in ("manufacturer", "model", "serial", "software")}
        assert facts["calling_ae"] == facts["station"] == host["ae"] and facts["called_ae"] == "PACS"


def test_worklists_echoes_and_images_are_told_apart(rows, hospital):
    commands = {c for r in rows["dicom"] for c in r["toms"]["medical"].get("commands", [])}
    assert {"C-ECHO", "C-STORE", "C-FIND"} <= commands
    for row in rows["dicom"]:
        assert row["destination"]["port"] in (104, 11112)


def test_bedside_monitors_are_known_by_their_eui_64(rows, hospital):
    monitors = hosts(hospital, "patient-monitor")
    seen = [r for r in rows["hl7"] if "device" in r["toms"]["medical"]]
    assert len(seen) >= 10
    for row in seen:
        mac = monitors[row["source"]["ip"]]["mac"].replace(":", "").upper()
        assert row["toms"]["medical"]["device"] == [f"BEDSIDE^^{mac[:6]}FFFE{mac[6:]}^EUI-64"]


def test_air_conditioning_says_its_instance_and_maker(rows, hospital):
    units = hosts(hospital, "air-conditioning")
    said = [r for r in rows["bacnet"] if "device_instance" in r["toms"]["medical"]]
    assert said
    for row in said:
        facts = row["toms"]["medical"]
        assert row["source"]["ip"] in units
        assert facts["vendor"] == "Mitsubishi Electric" and facts["said_by"] == "source"
        assert facts["device_instance"] == 110000 + int(row["source"]["ip"].split(".")[3])


def test_no_dicom_hl7_or_bacnet_is_called_anything_else(rows, hospital):
    counted = hospital["conversations"]
    assert len(rows["hl7"]) >= counted["hl7-vitals"] + counted["hl7-order"]
    assert len(rows["dicom"]) >= counted["dicom-store"] + counted["dicom-worklist"] + counted["dicom-echo"]
    assert all(len(json.dumps(r["toms"]["medical"], separators=(",", ":"), ensure_ascii=False).encode()) <= 511 for p in rows.values() for r in p)
