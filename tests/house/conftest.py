import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


def pytest_configure(config):
    config.addinivalue_line("markers", "sanitize: also run against the ASan and TSan builds")


@pytest.fixture(scope="session")
def hospital(tmp_path_factory):
    """A small made-up day: capture files and the truth about them."""
    import json
    import toms
    folder = tmp_path_factory.mktemp("hospital")
    toms.run(toms.ROOT / "build/tests/tools/hospital", "--out", folder, "--seed", "7", "--flows", "3000", timeout=300)
    truth = json.loads((folder / "hospital.json").read_text())
    truth["files"] = sorted(p for p in folder.iterdir() if ".pcap" in p.name)
    return truth
