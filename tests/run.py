#!/usr/bin/env python3
"""Runs the project's tests and counts them.

    tests/run.py check    lint, unit tests, fuzz corpora: a minute, no root, no network
    tests/run.py test     all of it: every variant, the real daemon, a real browser, bad days

Each stage prints one line and keeps its output in build/tests/log/. The last line is
"N passed, N failed"; what was left out, and why, stands above it.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build/tests/log"
PYTHON = "/usr/bin/python3"
JOBS = str(os.cpu_count() or 1)


class Tally:
    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []
        self.broken = []

    def stage(self, name, passed, failed, seconds, words=""):
        self.passed += passed
        self.failed += failed
        if failed:
            self.broken.append(name)
        state = "ok  " if not failed else "FAIL"
        print(f"{state} {name}: {passed} passed, {failed} failed ({seconds:.1f} s) {words}".rstrip(), flush=True)


def run(name, argv, env=None, timeout=600):
    """Runs argv; (exit status, output, seconds). The output is kept for people."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (re.sub(r"[^a-zA-Z0-9_.-]+", "-", name) + ".log")
    began = time.monotonic()
    with open(log, "w+b") as out:
        try:
            status = subprocess.run(argv, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, timeout=timeout,
                                    stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}).returncode
        except subprocess.TimeoutExpired:
            out.write(f"\nended after {timeout} s\n".encode())
            status = 124
        except OSError as failure:
            out.write(f"\n{failure}\n".encode())
            status = 127
        out.seek(0)
        text = out.read().decode(errors="replace")
    return status, text, time.monotonic() - began


def complain(text, lines=60):
    print("\n".join("    " + line for line in text.splitlines()[-lines:]), flush=True)


def make(tally, goal, variant="release", timeout=1500, **words):
    argv = ["make", "-s", f"-j{JOBS}", f"V={variant}", *goal.split()] + [f"{k}={v}" for k, v in words.items()]
    name = f"make {goal} V={variant} " + " ".join(f"{k}={v}" for k, v in words.items())
    status, text, seconds = run(name, argv, timeout=timeout)
    tally.stage(name.strip(), int(status == 0), int(status != 0), seconds)
    if status:
        complain(text)
    return status == 0


def script(tally, name, argv, env=None, timeout=600):
    """One command is one test; 77 means that it cannot run here."""
    status, text, seconds = run(name, argv, env, timeout)
    if status == 77:
        tally.skipped.append(f"{name}: {text.strip().splitlines()[-1] if text.strip() else 'no reason given'}")
        return
    tally.stage(name, int(status == 0), int(status != 0), seconds)
    if status:
        complain(text)


def build_dir(variant):
    return ROOT / "build" if variant == "release" else ROOT / "build" / variant


SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={ROOT}/tests/tsan.supp",
}


def programs(variant, kind, pattern):
    return [p for p in sorted((build_dir(variant) / "tests" / kind).glob(pattern)) if not p.suffix]


def together(fn, items):
    """fn over items, as many at once as there are processors; results in order."""
    with concurrent.futures.ThreadPoolExecutor(int(JOBS)) as pool:
        return list(pool.map(fn, items))


def units(tally, variant):
    """Unit test programs print TAP; each "ok" line is one test."""
    def one(program):
        name = f"unit {variant} {program.parent.name}/{program.name}"
        return name, run(name, [str(program)], {**SANITIZERS, "CMOCKA_MESSAGE_OUTPUT": "TAP"}, 600)
    for name, (status, text, seconds) in together(one, programs(variant, "unit", "*/test_*")):
        left_out = re.findall(r"^(?:not )?ok \d+ .*# SKIP\s*(.*)$", text, re.M)
        tally.skipped += [f"{name}: {words}" for words in left_out]
        bad = len(re.findall(r"^not ok (?!.*# SKIP)", text, re.M))
        good = len(re.findall(r"^ok (?!.*# SKIP)", text, re.M))
        if status and not bad:
            bad = 1
        if not status and not good and not left_out:
            bad, text = 1, text + "\nno test ran\n"
        tally.stage(name, good, bad, seconds)
        if bad:
            complain(text)


def corpora(tally, variant):
    """Every fuzz target takes every input that was ever interesting."""
    def one(program):
        folder = ROOT / "tests/fuzz/corpus" / program.name.removeprefix("fuzz_")
        name = f"corpus {variant} {program.name}"
        return name, run(name, [str(program), str(folder)], SANITIZERS, 300)
    for name, (status, text, seconds) in together(one, programs(variant, "fuzz", "fuzz_*")):
        count = re.search(r"^(\d+) inputs replayed", text, re.M)
        good = not status and count and int(count.group(1)) > 0
        tally.stage(name, int(bool(good)), int(not good), seconds, text.strip().splitlines()[-1] if good else "")
        if not good:
            complain(text)


def pytest(tally, name, paths, env=None, timeout=1200):
    report = LOGS / f"{name}.xml"
    report.unlink(missing_ok=True)
    status, text, seconds = run(name, [PYTHON, "-m", "pytest", "-q", "-x" if os.environ.get("FAST") else "-q", "-p",
                                       "no:cacheprovider", f"--junitxml={report}", *map(str, paths)], env, timeout)
    if not report.exists():
        tally.stage(name, 0, 1, seconds, "did not finish")
        return complain(text)
    suite = ET.parse(report).getroot().find("testsuite")
    count = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    bad = count["failures"] + count["errors"]
    tally.stage(name, count["tests"] - bad - count["skipped"], bad or int(status not in (0, 5)), seconds)
    for case in suite.iter("testcase"):
        for skip in case.findall("skipped"):
            tally.skipped.append(f"{case.get('name')}: {skip.get('message')}")
    if bad:
        complain(text, 120)


def lint(tally):
    for program in sorted((ROOT / "tests/lint").glob("*.sh")):
        script(tally, f"lint {program.stem}", ["sh", str(program), "build/obj"])
    script(tally, "lint words", [PYTHON, "tests/lint/words.py"])


def check(tally):
    if make(tally, "all"):
        lint(tally)
    if make(tally, "units fuzzers"):
        units(tally, "release")
        corpora(tally, "release")


def everything(tally):
    check(tally)
    if make(tally, "units fuzzers", "asan"):
        units(tally, "asan")
        corpora(tally, "asan")
    if make(tally, "all tools"):
        house = [p for p in sorted((ROOT / "tests/house").glob("test_*.py"))]
        pytest(tally, "house", house, {"TOMSD_BUILD": "build"}, 1500)
    if make(tally, "all", "asan"):
        pytest(tally, "house-asan", [ROOT / "tests/house"], {"TOMSD_BUILD": "build/asan", "PYTEST_ADDOPTS": "-m sanitize", **SANITIZERS}, 900)
    if make(tally, "all units", "tsan"):
        units(tally, "tsan")
        pytest(tally, "house-tsan", [ROOT / "tests/house"], {"TOMSD_BUILD": "build/tsan", "PYTEST_ADDOPTS": "-m sanitize", **SANITIZERS}, 900)
    script(tally, "clang builds without a warning", ["make", "-s", f"-j{JOBS}", "CC=clang", "BUILD=build/clang", "all"], timeout=900)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["check", "test"])
    args = parser.parse_args()
    os.chdir(ROOT)
    began = time.monotonic()
    tally = Tally()
    {"check": check, "test": everything}[args.what](tally)
    for words in tally.skipped:
        print(f"skipped {words}")
    for name in tally.broken:
        print(f"broken  {name} (build/tests/log)")
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{len(tally.skipped)} left out")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
