"""The evidence archive in a real browser, against a real S3 server: from no place at all to proven, verified and backed up."""
import datetime
import re
import shutil
import sqlite3

import pytest
import toms
from s3 import new_bucket, s3_server  # noqa: F401
from test_panel import WIDTHS, open_browser, sound
from test_panel_logs import answers

pytestmark = pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="no chromium and chromedriver")
PARTS = ("hours", "places", "proof", "rescue", "holds", "take", "disk")
HOSTILE = "<img src=x onerror=window.hacked=1>"


@pytest.fixture(scope="module")
def house(hospital, tmp_path_factory):
    """A daemon with the made-up day, and nobody but its first administrator."""
    daemon = toms.Daemon(tmp_path_factory.mktemp("archive"))
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    with daemon:
        daemon.first_admin()
        yield daemon


@pytest.fixture(scope="module")
def bucket(s3_server):
    return new_bucket(s3_server)


@pytest.fixture(scope="module")
def browser(house, tmp_path_factory):
    with open_browser(house.url, tmp_path_factory.mktemp("profile"), 1440) as b:
        b.sign_in()
        yield b


def seen(browser, path="/archive"):
    """The page with all its parts: those far down are asked for when they come into sight."""
    browser.open(path)
    for part in browser.js("[...document.querySelectorAll('.card.unseen')].map((c) => c.id || c.getAttribute('aria-label'))"):
        browser.js("[...document.querySelectorAll('.card')].find((c) => (c.id || c.getAttribute('aria-label')) === arguments[0]).scrollIntoView()", part)
        browser.wait(f"{part} to be asked for", "![...document.querySelectorAll('.card')].find((c) => (c.id || c.getAttribute('aria-label')) === "
                     f"{part!r}).classList.contains('unseen')")
    browser.settled()
    browser.wait("all parts", "document.querySelectorAll('.card .small').length && !document.querySelector('.unseen, .skeleton')")
    browser.js("scrollTo(0, 0)")


def press_in(browser, key, seconds=60):
    browser.one(f"[data-key='{key}']", seconds)
    browser.js(f"document.querySelector(`[data-key='{key}']`).focus()")
    browser.click(f"[data-key='{key}']", seconds)


def send(browser, dialog="dialog.box[open]"):
    browser.js(f"document.querySelector('{dialog} form').requestSubmit()")


def type_in(browser, **fields):
    for field, text in fields.items():
        box = browser.one(f"dialog.box [id$='-{field}']")
        box.clear()
        box.send_keys(text)


# The way from nothing to proven, in the order in which a new house goes it.


def test_an_appliance_without_a_place_says_so_first(browser):
    seen(browser)
    assert "保管先がありません" in browser.text(".needs") and browser.find(".headline.high")
    assert "復旧フレーズがまだありません" in browser.text("#rescue") and not browser.find("[data-key=backup]")
    browser.shot("archive-first")
    assert not browser.complaints()


def test_a_place_is_added_in_the_form_and_tested_step_by_step(browser, house, bucket):
    press_in(browser, "place-add")
    browser.one("#place-name")
    send(browser)
    browser.wait("words under what is missing", "document.querySelectorAll('dialog [aria-invalid=true]').length >= 5 && document.activeElement.id === 'place-name'")
    browser.shot("archive-form-empty")
    secret = bucket.env["S3_SECRET"]
    type_in(browser, name="tokyo", endpoint=bucket.env["S3_ENDPOINT"], bucket=bucket.name, access_key=bucket.env["S3_ACCESS"], secret_key=secret, keep_days="1")
    send(browser)
    browser.wait("the question about the lock", "document.activeElement.id === 'place-sure' && !!document.querySelector('#place-sure-error .icon')")
    assert "だれにも短くできません" in browser.text(".lock-warning")
    browser.shot("archive-form-compliance")
    browser.click("#place-sure")
    send(browser)
    browser.wait("the place", "!document.querySelector('dialog') && !!document.querySelector('[aria-label=tokyo]')")
    place = house.client().sign_in().get("/api/v1/places")["items"][0]
    assert place["lock"] == "compliance" and place["keep_days"] == 1 and place["has_secret"]
    assert secret not in browser.driver.page_source and secret not in str(place)
    press_in(browser, "test-tokyo")
    browser.wait("the test's end", "document.querySelectorAll('[aria-label=tokyo] .work .test-steps li').length >= 8 && !document.querySelector('.working')", 60)
    steps = browser.text("[aria-label=tokyo] .work")
    assert "合格しました" in steps and "削除が断られる" in steps
    press_in(browser, "edit-tokyo")
    assert browser.js("document.querySelector('#place-secret_key').value") == "" and "設定済み" in browser.js("document.querySelector('#place-secret_key').placeholder")
    assert browser.js("document.querySelector('#place-name').readOnly")
    browser.press("ESCAPE")
    browser.wait("the focus where it was", "document.activeElement.dataset.key === 'edit-tokyo'")
    assert not browser.complaints()


def test_sealing_now_gets_everything_there_and_the_sentence_says_so(browser):
    browser.click(".seal-now > button")
    browser.wait("the seal", "/目録 \\d+ まで/.test(document.querySelector('.seal-now .work').textContent)", 60)
    toms.wait_for("all of it to be proven", lambda: browser.js(
        "fetch('/api/v1/places').then((a) => a.json()).then((p) => p.items[0].waiting === 0 && p.items[0].proven > 1)"), 60)
    seen(browser)
    assert "tokyo で確認済み" in browser.text("h1")
    assert browser.find("[data-state=proven]")
    assert not browser.complaints()


def test_an_hour_opens_with_the_keyboard_and_its_manifest_is_a_file(browser):
    seen(browser)
    browser.tab_to(".hours [data-hour]", 40)
    browser.press("ARROW_DOWN", "ARROW_UP")
    browser.js("[...document.querySelectorAll('.hours [data-state=proven]')].at(-1).focus()")
    browser.press("ENTER")
    browser.wait("the hour", "document.activeElement.id === 'drawer-title' && !!document.querySelector('.drawer .manifest dl')")
    text = browser.text(".drawer")
    assert "tokyo" in text and "通信（フロー）" in text and "保管済み" in text and not re.search(r"\b(undefined|NaN|null)\b", text)
    link = browser.js("document.querySelector('.manifest a[download]').href")
    assert browser.js("fetch(arguments[0]).then((a) => a.json()).then((m) => m.format)", link) == "tomsd-manifest-1"
    assert not browser.weak_contrast()
    browser.shot("archive-hour")
    address = browser.driver.current_url
    assert "hour=" in address
    browser.press("ESCAPE")
    browser.wait("the way back to its cell", "!document.querySelector('.drawer') && document.activeElement.matches('[data-hour]')")
    browser.open(address[len(browser.url):])
    browser.wait("the hour again", "!!document.querySelector('.drawer')")
    browser.press("ESCAPE")
    browser.click("[data-key=hours-table] summary")
    browser.wait("the same as a table", "document.querySelectorAll('.as-table tbody tr').length > 0")


def test_the_proof_runs_from_here_and_from_the_place(browser):
    seen(browser)
    for where in ("local", "s3:tokyo"):
        browser.js("(arguments[0].value = arguments[1])", browser.one(".ask select"), where)
        press_in(browser, "verify")
        browser.wait(f"the proof from {where}", "!!document.querySelector('#proof > .work > [role=status] .icon-ok') && !document.querySelector('#proof .working')", 90)
        browser.wait("the list of proofs", f"document.querySelector('#proof .verdict .icon-ok') && document.querySelector('#proof .verdict').textContent.includes('{'この装置' if where == 'local' else 'tokyo'}')")
    head = browser.js("fetch('/api/v1/archive').then((a) => a.json()).then((a) => a.head)")
    assert head["sha256"] in browser.text("#proof")
    assert not browser.complaints()


def test_the_recovery_phrase_is_shown_once_and_a_backup_is_made(browser):
    seen(browser)
    press_in(browser, "phrase")
    browser.one("dialog.box[open]")
    browser.click("dialog.box button[type=submit]")
    browser.one(".phrase li")
    words = [li.text for li in browser.find(".phrase li")]
    assert len(words) == 7
    browser.shot("archive-phrase")
    browser.js("(window.print = () => { window.printed = true; })")
    browser.click(".phrase-box .buttons button")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.js("window.printed") and not browser.one("#app").is_displayed() and browser.one(".phrase").is_displayed()
    browser.shot("archive-phrase-print")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.press("ESCAPE")
    browser.click(".phrase-box button[type=submit]")
    browser.wait("the question whether it is written down", "document.activeElement.id === 'phrase-kept' && !!document.querySelector('.phrase')")
    browser.click("#phrase-kept")
    browser.click(".phrase-box button[type=submit]")
    browser.wait("the phrase gone", "!document.querySelector('.phrase')")
    browser.wait("the phrase made", "document.querySelector('#rescue').textContent.includes('復旧フレーズ作成済み')")
    assert " ".join(words) not in browser.driver.page_source
    press_in(browser, "backup")
    browser.wait("the backup", "!!document.querySelector('#rescue > .work .icon-ok') && !document.querySelector('#rescue .working')", 90)
    press_in(browser, "rehearse")
    browser.one("#rehearse-phrase").send_keys(" ".join(words))
    send(browser)
    browser.wait("the rehearsal", "!!document.querySelector('#rescue > .work .icon-ok') && document.querySelector('#rescue').textContent.includes('復旧の練習は成功')", 90)
    assert words[0] not in browser.text("#rescue > .work")
    assert not browser.complaints()


def test_a_hold_is_added_and_released_by_typing_its_name(browser):
    seen(browser)
    press_in(browser, "hold-add")
    type_in(browser, name=HOSTILE, reason="test of the panel")
    send(browser)
    browser.wait("the hold", "!document.querySelector('dialog') && !!document.querySelector('.holds .source')")
    assert HOSTILE in browser.text("#holds") and not browser.js("window.hacked")
    browser.click("#holds [data-key^=release-]")
    send(browser)
    browser.wait("a refusal", "!!document.querySelector('#release-typed-error .icon')")
    browser.one("#release-typed").send_keys(HOSTILE)
    send(browser)
    browser.wait("no hold", "!document.querySelector('dialog') && !document.querySelector('[data-key^=release-]')")
    assert not browser.complaints()


def test_a_range_is_taken_out_as_a_file(browser):
    seen(browser)
    browser.click("[data-key=take]")
    browser.wait("a word about the purpose", "!!document.querySelector('#take-purpose-error .icon')")
    browser.one("#take-purpose").send_keys("test of the panel")
    browser.js("(document.querySelector('#take-since').value = '2020-01-01T00:00')")
    browser.click("[data-key=take]")
    browser.wait("the file", "!!document.querySelector('#take .work .files a[download]')", 60)
    assert browser.js("fetch(document.querySelector('#take .work .files a').href).then((a) => a.status)") == 200
    assert not browser.complaints()


# How it looks


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_archive_is_sound_in_language_theme_and_width(browser, lang, theme):
    browser.dark(theme == "dark")
    for width in WIDTHS if theme == "light" else (1440, 390):
        browser.size(width)
        seen(browser, f"/archive?lang={lang}")
        sound(browser, f"archive-{lang}-{theme}-{width}", lang, width)
        if width in (900, 320):
            continue
        browser.js("[...document.querySelectorAll('.hours [data-state=proven]')].at(-1).click()")
        browser.wait("the hour", "!!document.querySelector('.drawer .manifest dl')")
        sound(browser, f"archive-hour-{lang}-{theme}-{width}", lang, width)
        browser.press("ESCAPE")
        press_in(browser, "place-add")
        sound(browser, f"archive-form-{lang}-{theme}-{width}", lang, width)
        browser.press("ESCAPE")
    browser.size(1440)
    browser.dark(False)


def test_text_of_twice_the_size_still_fits(house, tmp_path):
    with open_browser(house.url, tmp_path / "profile", text_px=32) as b:
        b.sign_in()
        seen(b)
        b.shot("archive-200-percent")
        assert b.js("document.documentElement.scrollWidth <= innerWidth")


def test_who_may_only_look_sees_states_and_no_forms(house, tmp_path):
    with sqlite3.connect(house.state / "tomsd.db", timeout=20) as store:
        for name, role in (("kansa", "auditor"), ("incho", "viewer"), ("tanto", "operator")):
            store.execute("INSERT INTO users (name, role, password, lang, theme, created_ns)"
                          " SELECT ?, ?, password, 'ja', 'system', created_ns FROM users WHERE name = 'sato'", (name, role))
    for name, keys in (("kansa", {"verify", "take", "place-policy", "copy-head", "copy-key"}), ("tanto", {"verify", "take", "test-tokyo", "backup", "hold-add"})):
        with open_browser(house.url, tmp_path / name) as b:
            b.sign_in(name)
            seen(b)
            there = set(b.js("[...document.querySelectorAll('button[data-key]')].map((x) => x.dataset.key)"))
            assert keys <= there and not {"place-add", "edit-tokyo", "forget-tokyo", "phrase", "rehearse"} & there, there
            assert name != "kansa" or not {"backup", "hold-add", "test-tokyo"} & there
            assert bool(b.find(".seal-now > button")) == (name != "kansa")
            assert "tokyo" in b.text("#places") and not b.complaints()
    with open_browser(house.url, tmp_path / "incho") as b:
        b.sign_in("incho")
        b.open("/archive")
        assert "権限" in b.text("main") and not b.js("[...document.querySelectorAll('#nav a')].some((a) => a.getAttribute('href') === '/archive')")


def week():
    """Hours of the last seven days, each state among them."""
    last = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)
    kinds = [("sealed", "proven")] * 20 + [("sealed", "waiting"), ("sealed", "failed"), ("empty", "proven"), ("missing", None), ("failed", None)]
    out = [{"hour": last.strftime("%Y-%m-%dT%H:%M:%SZ"), "state": "waiting", "seqs": [], "rows": {}, "bytes": 0, "places": {}, "gaps": 0}]
    for n in range(1, 150):
        state, kept = kinds[n % len(kinds)]
        there = state in ("sealed", "empty")
        out.append({"hour": (last - datetime.timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M:%SZ"), "state": state, "seqs": [150 - n] if there else [],
                    "rows": {"flow": 1234567, "log": 99} if state == "sealed" else {}, "bytes": 10 ** 8 if there else 0, "places": {"osaka": kept} if kept else {}, "gaps": 2 if n % 31 == 0 and there else 0})
    return {"items": out[::-1]}


def place(**more):
    return {"name": "osaka", "from": "file", "endpoint": "https://s3.example.jp", "region": "jp", "bucket": HOSTILE, "prefix": "", "access_key": "AK", "has_secret": True,
            "object_lock": "compliance 365d", "lock": "compliance", "keep_days": 365, "style": "auto", "bandwidth": 0, "enabled": True, "state": "unproven",
            "words": f"osaka: {HOSTILE} \u202e", "waiting": 12, "waiting_bytes": 3400000, "lacking": 0, "proven": 5, "proven_bytes": 10 ** 9, "last_proven_at": "2026-11-20T00:00:00Z",
            "oldest_waiting_at": "2026-11-21T00:00:00Z", "sending": None, "problem": "unlocked", "problem_since": None, "next_try_at": None, "skew_s": 90.5, "findings": 2,
            "last_finding": f"key {HOSTILE}", "last_finding_at": None, "last_test": {"at": "2026-11-20T00:00:00Z", "good": False, "steps": [
                {"name": "bucket", "result": "good", "words": ""}, {"name": "delete_refused", "result": "bad", "words": HOSTILE}, {"name": "shorten_refused", "result": "skipped", "words": ""}]}, **more}


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_what_is_wrong_stands_on_top_and_hostile_words_stay_words(browser, lang):
    broken = {"fault": "hash", "seq": 7, "key": f"kind=flow/{HOSTILE}", "since": "2026-11-22T01:00:00Z", "until": "2026-11-22T02:00:00Z", "words": f"expected {HOSTILE}"}
    result = {"manifests": 9, "objects": 40, "bytes": 10 ** 9, "rows": 0, "elsewhere": 3, "faults": 2, "first_seq": 1, "last_seq": 9, "first": broken, "found": [broken, broken]}
    archive = browser.js("fetch('/api/v1/archive').then((a) => a.json())")
    archive.update(verified={"at": "2026-11-22T03:00:00Z", "from": "local", "faults": 2, "manifests": 9, "first": broken}, clock={"state": "stepped_back", "skew_s": 90})
    archive["local"].update(days_until_full=5)
    verifications = [{"id": "1", "from": "local", "monthly": True, "asked_by": "", "started_at": "2026-11-22T02:59:00Z", "ended_at": "2026-11-22T03:00:00Z", "rows": False, "faults": 2, "error": None, "result": result}]
    with answers(browser, patterns={r"/archive$": [[200, archive]], "/api/v1/archive(\\?lang=..)?$": [[200, archive]], "/api/v1/places(\\?lang=..)?$": [[200, {"items": [place(), place(name="kobe", state="off", enabled=False, words="")], "as_of": "2026-11-22T00:00:00Z"}]],
                                    "/api/v1/archive/hours": [[200, week()]], "/api/v1/archive/verifications": [[200, {"items": verifications}]], "/api/v1/rescue": [[503, {"detail": "rescue sleeps", "status": 503, "request_id": "7F3A"}]]}):
        seen(browser, f"/archive?lang={lang}")
        assert browser.find(".headline.critical") and len(browser.find(".needs .need")) == 6
        assert "7F3A" in browser.text("#rescue") and browser.find("#rescue .trouble button")
        assert not browser.find("[data-key='edit-osaka']") and browser.find("[data-key='test-osaka']") and not browser.find("[data-key='test-kobe']")
        assert HOSTILE in browser.text("#places") and "⟨U+202E⟩" in browser.text("#places") and not browser.js("window.hacked")
        browser.click("[data-key='steps-osaka'] summary")
        assert browser.find("#proof .trouble")
        states = set(browser.js("[...document.querySelectorAll('.hours [data-state]')].map((c) => c.dataset.state + c.querySelector('svg').getAttribute('class') + c.querySelector('.cell-word').textContent)"))
        assert len(states) == 6 and browser.find(".hours .gap-mark"), states
        browser.size(390)
        browser.shot(f"archive-wrong-{lang}-390")
        assert browser.js("document.documentElement.scrollWidth") <= 390
        browser.size(1440)
        browser.shot(f"archive-wrong-{lang}")
        assert not browser.weak_contrast() and browser.js("document.documentElement.scrollWidth") <= 1440
        browser.js("document.querySelector('.needs a[href^=\"#\"]').click()")
        browser.wait("the way to the part", "document.activeElement.tagName === 'H2'")
        assert not browser.complaints()


def test_nothing_sealed_and_nothing_reached_are_said(browser):
    archive = browser.js("fetch('/api/v1/archive').then((a) => a.json())")
    archive.update(head=None, verified=None, places=[])
    with answers(browser, patterns={"/api/v1/archive(\\?lang=..)?$": [[200, archive]], "/api/v1/archive/hours": [[200, {"items": []}]], "/api/v1/places$": [[200, {"items": []}]],
                                    "/api/v1/archive/verifications": [[200, {"items": []}]], "/api/v1/archive/holds": [[200, {"items": []}]]}):
        seen(browser)
        assert "まだ何も封緘されていません" in browser.text("h1") and not browser.find("[data-key=verify], [data-key=take]")
        browser.shot("archive-nothing")
    with answers(browser, patterns={"/api/v1/archive(\\?lang=..)?$": [[503, {"detail": "アーカイブは動いていません", "status": 503}]], "/api/v1/archive/hours": [[503, {"detail": "アーカイブは動いていません", "status": 503}]]}):
        browser.open("/archive")
        browser.wait("the sentence", "document.querySelector('h1').textContent.includes('確認できません')")
        assert browser.find(".headline.unknown")
    browser.complaints()


def test_the_archive_stays_within_the_budget(browser):
    browser.open("/archive")
    requests, size = browser.transfers()
    print(f"archive: {requests} requests, {size} bytes", browser.js("performance.getEntriesByType('resource').map((e) => e.name.replace(location.origin, ''))"))
    assert requests <= 15 and size <= 120_000


def test_the_overview_leads_to_the_archive(browser):
    checks = [{"id": name, "room": name, "state": "problem", "text": f"{name} is ill", "next": "look", "since": None} for name in ("archive", "s3", "rescue")]
    overview = browser.js("fetch('/api/v1/overview').then((a) => a.json())")
    with answers(browser, patterns={"/api/v1/overview": [[200, {**overview, "checks": checks}]]}):
        browser.open("/")
        browser.wait("its to-dos", "document.querySelectorAll('.todos .button').length === 3")
        assert [a.get_attribute("href").removeprefix(browser.url) for a in browser.find(".todos .button")] == ["/archive", "/archive#places", "/archive#rescue"]
