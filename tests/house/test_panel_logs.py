"""Log search, log sources and logs beside conversations, in a real browser with the made-up firewall's lines."""
import datetime
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import urllib.parse

import pytest
import toms
from test_panel import WIDTHS, open_browser, sound

pytestmark = pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="no chromium and chromedriver")
FIREWALL, SWITCH, STRANGER = "127.0.0.5", "127.0.0.6", "127.0.0.7"
RIGHT_TO_LEFT = "\u202egnp.exe\u202c"
LONG = 65536


class Lines:
    """What the hostile lines hold, byte for byte."""
    script = b'<13>Nov 23 00:10:00 evil prog: <script>window.hacked = 1</script><img src=x onerror=window.hacked=1> needle1'
    turned = f"<13>Nov 23 00:10:00 evil prog: invoice{RIGHT_TO_LEFT} \u200bneedle2".encode()
    japanese = "<13>Nov 23 00:10:00 evil prog: needle3 警告 ログイン失敗".encode("cp932")
    bell = b"<13>Nov 23 00:10:00 evil prog: needle4 \x07\x1b[31mred\x1b[0m \xff\xfe"
    long = b"<13>Nov 23 00:10:00 evil prog: needle5 " + b"x" * (LONG + 5000)
    all = (script, turned, japanese, bell, long)


def address(daemon, transport="tcp"):
    host, port = re.search(rf"syslog {transport} ([\d.]+):(\d+)", daemon.log()).groups()
    return host, int(port)


def send_file(daemon, path, sender):
    toms.run(toms.ROOT / "build/tests/tools/log_send", "--to", "%s:%d" % address(daemon), "--from", sender, path)


def send(daemon, *lines, sender=STRANGER):
    with socket.create_connection(address(daemon), source_address=(sender, 0)) as s:
        for line in lines:
            s.sendall(b"%d " % len(line) + line)


def rows(api, **params):
    return api.get("/api/v1/logs", since="-7d", **params)["items"]


@pytest.fixture(scope="module")
def house(hospital, tmp_path_factory):
    """The made-up day with its conversations and what its firewall, a switch and a stranger logged; the firewall is accepted."""
    daemon = toms.Daemon(tmp_path_factory.mktemp("logs"), text="[syslog]\nudp = 127.0.0.1:0\ntcp = 127.0.0.1:0\n")
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    folder = hospital["files"][0].parent
    with daemon:
        api = daemon.first_admin()
        send_file(daemon, next(folder.glob("fortigate-*.log")), FIREWALL)
        send_file(daemon, next(folder.glob("switch-*.log")), SWITCH)
        send_file(daemon, next(folder.glob("stranger-*.log")), STRANGER)
        send(daemon, *Lines.all)
        toms.wait_for("the firewall among the sources", lambda: source(api, address=FIREWALL))
        api.call("PATCH", f"/api/v1/sources/{source(api, address=FIREWALL)['id']}", {"state": "accepted", "name": "FW-HONKAN"})
        toms.wait_for("the hostile lines", lambda: all(rows(api, q=f"needle{n}") for n in range(1, 6)))
        yield daemon


def source(api, **wanted):
    return next((s for s in api.get("/api/v1/sources")["items"] if all(s[k] == v for k, v in wanted.items())), None)


@pytest.fixture(scope="module")
def browser(house, tmp_path_factory):
    with open_browser(house.url, tmp_path_factory.mktemp("profile"), 1440) as b:
        b.sign_in()
        yield b


RESULT = ".search-status + div"


# Answers of the appliance that cannot be waited for: a script in the page gives them instead. Each is [status, body];
# the last one stays.
ANSWERS = """
	const real = window.fetch, table = Object.entries(%s);
	window.asked = [];
	window.fetch = async (path, options) => {
		for (const [pattern, answers] of table) {
			if (!new RegExp(pattern).test(path)) continue;
			window.asked.push(path);
			const [status, body] = answers.length > 1 ? answers.shift() : answers[0];
			await new Promise((done) => setTimeout(done, 150));
			return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
		}
		return real(path, options);
	};"""


class answers:
    def __init__(self, browser, **patterns):
        self.browser, self.patterns = browser, patterns

    def __enter__(self):
        cdp = self.browser.driver.execute_cdp_cmd
        self.id = cdp("Page.addScriptToEvaluateOnNewDocument", {"source": ANSWERS % json.dumps(self.patterns["patterns"])})["identifier"]
        return self.browser

    def __exit__(self, *failure):
        self.browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": self.id})


def answer(items, back_to, complete, cursor=None, gaps=()):
    """One answer of a search of the last hour that has read back to so many minutes ago."""
    now = datetime.datetime.now(datetime.timezone.utc)
    at = lambda minutes: (now - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [200, {"items": [{"@timestamp": at(n), "event": {"id": str(n), "created": at(n), "original": f"line {n}"}, "message": f"line {n}",
                             "toms": {"log": {"kind": "device", "trust": "accepted"}}} for n in items],
                  "next": cursor, "as_of": at(0), "total": None, "complete": complete, "covered": {"since": at(back_to), "until": at(0)},
                  "gaps": [{"since": at(b), "until": at(a), "reason": "silent", "name": "FW"} for a, b in gaps]}]


# Pages


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", ["/logs", "/", "/system"])
def test_pages_with_logs_are_sound_in_language_theme_and_width(browser, page, lang, theme):
    browser.dark(theme == "dark")
    for width in WIDTHS if theme == "light" else (1440, 390):
        browser.size(width)
        browser.open(f"{page}?lang={lang}&since=-7d")
        sound(browser, f"{page.strip('/') or 'overview'}-with-logs-{lang}-{theme}-{width}", lang, width)
    browser.size(1440)
    browser.dark(False)


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_builder_menu_drawer_and_export_are_sound_too(browser, lang, theme):
    browser.dark(theme == "dark")
    for width in (1440, 390):
        browser.size(width)
        browser.open(f"/logs?lang={lang}&since=-7d&q=action:deny+-port:53")
        browser.click("details.build summary")
        browser.one(".build-rows li")
        browser.click("details.saved summary")
        browser.one(".saved-form")
        sound(browser, f"logs-open-{lang}-{theme}-{width}", lang, width)
        browser.open(f"/logs?lang={lang}&since=-7d&q=toms.log.kind:security")
        browser.click("tr[data-id]")
        browser.wait("all parts of the drawer", "!!document.querySelector('.drawer dl dd .value') && !!document.querySelector('.drawer pre')"
                     " && document.querySelectorAll('.drawer section').length >= 5 && !/読み込み中|Loading/.test(document.querySelector('.drawer').innerText)")
        sound(browser, f"logs-drawer-{lang}-{theme}-{width}", lang, width)
        browser.press("ESCAPE")
        browser.click(".tools > button:last-of-type")
        browser.one("dialog.box[open] #purpose")
        sound(browser, f"logs-export-{lang}-{theme}-{width}", lang, width)
        browser.press("ESCAPE")
    browser.size(1440)
    browser.dark(False)


def test_text_of_twice_the_size_still_fits(house, tmp_path):
    with open_browser(house.url, tmp_path / "profile", text_px=32) as b:
        b.sign_in()
        for page in ("/logs?since=-7d", "/system"):
            b.open(page)
            b.shot(f"{page[1:5]}-logs-200-percent")
            assert b.js("document.documentElement.scrollWidth <= innerWidth"), page


def test_a_viewer_has_no_log_page_and_asks_for_no_logs(house, tmp_path):
    with sqlite3.connect(house.state / "tomsd.db", timeout=20) as store:
        store.execute("INSERT INTO users (name, role, password, lang, theme, created_ns)"
                      " SELECT 'incho', 'viewer', password, 'ja', 'system', created_ns FROM users WHERE name = 'sato'")
    with open_browser(house.url, tmp_path / "profile") as b:
        b.sign_in("incho")
        assert not b.js("[...document.querySelectorAll('#nav a')].some((a) => a.getAttribute('href') === '/logs')")
        assert not b.js("performance.getEntriesByType('resource').some((e) => /api.v1.(logs|sources|jobs)/.test(e.name))")
        b.open("/logs")
        assert "権限" in b.text("main")


# Searching


def test_from_the_search_box_to_the_line_with_the_keyboard_alone(browser):
    browser.open("/logs?since=-7d")
    browser.tab_to("[name=words]", 40)
    browser.press("action:deny", "ENTER")
    browser.wait("a search", "new URLSearchParams(location.search).get('q') === 'action:deny'")
    browser.settled()
    browser.wait("the focus where it was", "document.activeElement.name === 'words'")
    browser.tab_to("tr[data-id]", 60)
    browser.press("ARROW_DOWN", "ARROW_RIGHT")
    assert browser.js("document.activeElement.matches('tr[data-id]:nth-child(2) .value')")
    browser.press("ENTER")
    browser.wait("the menu of a value", "document.activeElement.closest('.value-menu')")
    browser.press("ESCAPE", "ARROW_LEFT", "ENTER")
    browser.wait("the drawer", "!!document.querySelector('.drawer dl') && document.activeElement.closest('.drawer')")
    first = browser.js("new URLSearchParams(location.search).get('row')")
    browser.press("j")
    browser.wait("the next row in it", f"new URLSearchParams(location.search).get('row') !== '{first}' && !!document.querySelector('.drawer dl')")
    browser.press("ESCAPE")
    browser.wait("the way back to the row", "!document.querySelector('.drawer') && document.activeElement.matches('tr[data-id]')")
    browser.driver.back()
    assert not browser.complaints()


def test_the_builder_makes_a_query_without_its_syntax(browser, house):
    browser.open("/logs?since=-7d")
    browser.click("details.build summary")
    row = ".build-rows li:nth-child(%d) "
    choose = "(arguments[0].value = arguments[1], arguments[0].dispatchEvent(new Event('change')))"
    browser.one(row % 1 + "select:nth-of-type(2)")
    browser.js(choose, browser.one(row % 1 + "select:nth-of-type(2)"), "action")
    browser.js(choose, browser.one(row % 1 + "select:nth-of-type(3)"), "deny")
    browser.click(".build-form .buttons button:first-child")
    browser.js(choose, browser.one(row % 2 + "select:nth-of-type(2)"), "destination.port")
    browser.js(choose, browser.one(row % 2 + "select"), "not")
    browser.one(row % 2 + "input").send_keys("53")
    browser.shot("logs-builder")
    browser.click(".build-form button[type=submit]")
    browser.wait("the query in the address", "new URLSearchParams(location.search).get('q') === 'action:deny -destination.port:53'")
    browser.settled()
    assert [c.text.split("\n")[0] for c in browser.find(".chip")] == ["action:deny", "除外destination.port:53"] or len(browser.find(".chip")) == 2
    browser.one(row % 2 + "input")  # it stays open, with the words taken apart again
    assert browser.js("document.querySelectorAll('.build-rows li').length") == 2
    browser.driver.get(house.url + "/logs?since=-7d&q=" + "host%3A%22a%20b%22%20text%3A%22say%20%5C%22x%5C%22%22%20source.bytes%3E100MB")
    browser.settled()
    browser.click("details.build summary")
    browser.one(".build-rows li:nth-child(3)")
    browser.click(".build-form button[type=submit]")
    assert browser.js("new URLSearchParams(location.search).get('q')") == 'host:"a b" text:"say \\"x\\"" source.bytes>100MB'
    browser.complaints()


def test_kinds_are_words_of_the_query_and_narrow_chart_and_rows(browser):
    browser.open("/logs?since=-7d")
    kinds = "[...new Set([...document.querySelectorAll('.c-kind > .value')].map((v) => v.textContent))]"
    assert len(browser.js(kinds)) > 1 and len(browser.find(".legend li")) > 1
    for kind in ("traffic", "vpn", "admin", "system", "device"):
        browser.click(f"[name=kind-{kind}]")
        browser.settled()
    browser.wait("one kind as a word", "new URLSearchParams(location.search).get('q') === 'toms.log.kind:security'")
    browser.settled()
    assert browser.js(kinds) == ["セキュリティ"] and not browser.find(".chip")
    assert [li.text for li in browser.find(".legend li")] == ["セキュリティ"]
    browser.click(".kinds button")
    browser.wait("all kinds again", "!new URLSearchParams(location.search).has('q')")
    browser.settled()
    browser.open("/logs?since=-7d&q=kind:VPN")  # as people write it
    assert browser.js(kinds) == ["VPN"] and not browser.find(".chip")
    assert browser.js("[...document.querySelectorAll('.kinds input:checked')].map((box) => box.name)") == ["kind-vpn"]


def test_values_of_table_and_drawer_filter_and_exclude(browser):
    browser.open("/logs?since=-7d&q=toms.log.kind:traffic")
    browser.click("tr[data-id] .c-destination .value[data-key=host]")
    browser.click(".value-menu button:nth-of-type(2)")
    browser.wait("an excluded host", "/-host:/.test(new URLSearchParams(location.search).get('q'))")
    browser.settled()
    browser.click("tr[data-id]")
    browser.wait("the fields", "!!document.querySelector('.drawer dl dd .value[data-key=\"source.ip\"]')")
    browser.js("document.querySelector('.drawer .value[data-key=\"source.ip\"]').click()")
    browser.click(".value-menu button:nth-of-type(3)")
    browser.wait("this alone", "/^source\\.ip:\\S+$/.test(new URLSearchParams(location.search).get('q'))")
    browser.settled()
    assert browser.find("tr[data-id]") and not browser.complaints()


def test_the_chart_says_that_it_does_not_follow_words_and_a_drag_sets_the_range(browser):
    from selenium.webdriver import ActionChains
    browser.open("/logs?since=-7d")
    assert not browser.find(".note")
    browser.open("/logs?since=-7d&q=action:deny")
    assert "検索の言葉には従いません" in browser.text(".note")
    chart = browser.one(".chart-place svg")
    ActionChains(browser.driver).move_to_element_with_offset(chart, 40, 0).click_and_hold().move_by_offset(160, 0).release().perform()
    browser.wait("a range in the address", "/since=20.*until=20/.test(location.search)")
    browser.settled()
    browser.js("[...document.querySelectorAll('.card-head button')].find((b) => b.textContent.includes('戻す')).click()")
    browser.wait("the range before", "/since=-7d(&|$)/.test(location.search)")
    browser.settled()


def test_a_long_search_shows_what_it_found_and_how_far_it_is(browser):
    found = {"/api/v1/logs\\?": [answer(range(1, 4), 10, False, "a", [(20, 30)]), answer(range(4, 6), 20, False, "b"), answer([], 40, False, "c"),
                                 answer([6], 60, True)]}
    with answers(browser, patterns=found):
        browser.driver.get(browser.url + "/logs?since=-1h&q=needle")
        browser.wait("word of the span", "/まで検索済み（(1|2)\\d %）/.test(document.querySelector('.searching')?.textContent)")
        assert len(browser.find("tr[data-id]")) >= 3  # what was found so far
        assert "調べた範囲" in browser.text(".search-status") or "検索した範囲" in browser.text(".search-status")
        browser.shot("logs-searching")
        browser.wait("the end", "!document.querySelector('.searching') && document.querySelectorAll('tr[data-id]').length === 6")
        assert "6 件" in browser.text(".search-status")
        asked = browser.js("window.asked.map((p) => new URL(p, location).searchParams.get('cursor'))")
        assert asked == [None, "a", "b", "c"]
    assert not browser.complaints()


def test_a_search_can_be_stopped_and_continued_and_never_says_nothing_too_early(browser):
    found = {"/api/v1/logs\\?": [answer([], 5 * n, False, str(n)) for n in range(1, 9)] + [answer([], 60, True)]}
    with answers(browser, patterns=found):
        browser.driver.get(browser.url + "/logs?since=-1h&q=needle")
        browser.wait("a search", "!!document.querySelector('.searching progress')")
        assert "まだ見つかっていません" in browser.text(RESULT)
        browser.click(".searching button")
        browser.wait("it to stop", "!document.querySelector('.searching progress') && /まだ調べていません/.test(document.querySelector('.searching').textContent)")
        assert "この条件に合うログは" not in browser.text("main") and "まだ調べていない範囲" in browser.text(RESULT)
        browser.shot("logs-stopped")
        browser.click(".searching button.primary")
        browser.wait("the end", "!document.querySelector('.searching')")
        assert "この条件に合うログは、調べた範囲にはありません" in browser.text(RESULT)
        assert re.search(r"検索した範囲 \d{4}-\d\d-\d\d \d\d:\d\d – ", browser.text(".search-status"))
    assert not browser.complaints()


def test_gaps_are_said_beside_the_count(browser):
    with answers(browser, patterns={"/api/v1/logs\\?": [answer([1, 2], 60, True, None, [(20, 30)])]}):
        browser.open("/logs?since=-1h")
        assert "2 件" in browser.text(".search-status") and "FW からログが届いていません" in browser.text(".gaps")


@pytest.mark.parametrize("status, body, wanted", [
    (500, {"status": 500, "code": "internal", "detail": "記録を読めませんでした。", "request_id": "7F3A-21"}, ".trouble button"),
    (403, {"status": 403, "code": "role_required", "detail": "担当の権限が必要です。"}, ".note"),
    (200, answer([], 60, True)[1], ".empty a[href='/system#sources']")])
def test_states_of_the_result(browser, status, body, wanted):
    with answers(browser, patterns={"/api/v1/logs\\?": [[status, body]]}):
        browser.open("/logs?since=-1h")
        browser.one(wanted)
        assert browser.find(".chart-place svg, .empty")  # the other block goes on
        browser.shot(f"logs-state-{status}")
    browser.complaints()


def test_a_misspelt_word_says_what_is_wrong(browser):
    for query, said in (("hots:10.0.0.1", "hots"), ("kind:firewall", "traffic, security, vpn"), ("action:", "値がありません"), ('"login', "閉じていません"),
                        ("srcip:10.0.0.1", "fortinet.firewall.srcip:10.0.0.1")):
        browser.open(f"/logs?since=-7d&q={urllib.parse.quote(query)}")
        assert said in browser.text(".trouble"), query
    browser.complaints()


def test_newer_lines_wait_for_a_click(browser, house):
    browser.open("/logs?since=-1h&q=appeared")
    browser.wait("live updates", "!!document.querySelector('.live.is-live')")
    assert browser.js("document.querySelector('.news').hidden")
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    send(house, f"<13>1 {now} core-sw test 1 - - appeared".encode(), sender=SWITCH)
    browser.wait("word of new lines", "!document.querySelector('.news').hidden")
    assert not browser.find("tr[data-id]")
    browser.click(".news")
    browser.wait("the line", "document.querySelectorAll('tr[data-id]').length === 1 && document.querySelector('.news').hidden")
    assert not browser.complaints()


# One line


def open_line(browser, needle):
    browser.open(f"/logs?since=-30d&q={needle}")
    browser.click("tr[data-id]")
    browser.wait("the line", "!!document.querySelector('.drawer pre') && !/読み込み中/.test(document.querySelector('.drawer').innerText)")


@pytest.mark.parametrize("n, seen, never", [
    (1, "<script>window.hacked = 1</script>", None), (2, "⟨U+202E⟩gnp.exe⟨U+202C⟩", "\u202e"), (3, "needle3", None), (4, "needle4 ␇␛[31mred", "\x07"), (5, "needle5 xxxx", None)])
def test_hostile_lines_are_shown_safely_and_given_back_byte_for_byte(browser, house, n, seen, never):
    open_line(browser, f"needle{n}")
    text = browser.js("document.querySelector('.drawer pre').textContent")
    assert seen in text and not (never and never in browser.js("document.body.textContent"))
    assert browser.js("window.hacked === undefined && !document.querySelector('.drawer img, main img')")
    browser.shot(f"logs-hostile-{n}")
    assert browser.js("document.documentElement.scrollWidth") <= 1440
    if n == 5:
        assert len(text) < 5000
        browser.click(".drawer .buttons button:first-child")
        browser.wait("all of it", "document.querySelector('.drawer pre').textContent.length >= 65000")
        assert "長すぎて切った" in browser.text(".drawer")
    if n == 3:
        assert "UTF-8" in browser.text(".drawer .doubts")
        assert "needle3 警告 ログイン失敗" in browser.text(".drawer")  # read as what it is
    assert "受信時は未承認" in browser.text(".drawer .doubts")
    href = browser.one(".drawer a[download]").get_attribute("href")
    status, _, body = house.client().sign_in().raw("GET", href[len(house.url):])
    assert status == 200 and body == Lines.all[n - 1][:LONG]
    assert not browser.complaints()  # no script ran, and none was tried: the policy has nothing to report
    browser.press("ESCAPE")


def test_fields_have_names_in_words_and_the_devices_own(browser):
    browser.open("/logs?since=-7d&q=toms.log.kind:traffic")
    browser.click("tr[data-id]")
    browser.wait("the fields", "document.querySelectorAll('.drawer dl dt').length > 20")
    text = browser.text(".drawer")
    assert "送信元の IP" in text and "srcip" in text and "機器の時刻" in text
    nameless = browser.js("[...document.querySelectorAll('.drawer dt')].filter((dt) => !/[ぁ-んァ-ヶ一-龠]|IP|MAC|URL|OS|ID/.test(dt.firstChild.textContent)).map((dt) => dt.textContent)")
    assert len(nameless) <= 3, nameless
    address = browser.driver.current_url
    browser.driver.get(address)
    browser.wait("the drawer again", "!!document.querySelector('.drawer dl')")
    browser.press("ESCAPE")


def test_a_conversation_shows_its_logs_and_a_log_its_conversation(browser, house):
    api = house.client().sign_in()
    pair = next(((log, found["items"][0]) for log in rows(api, q="toms.log.kind:traffic", limit=200)
                 for found in [api.get(f"/api/v1/logs/{log['event']['id']}/flows")] if found["items"]), None)
    assert pair, "no log of the made-up day has its conversation"
    log, flow = pair
    browser.open(f"/logs?since=-7d&row={log['event']['id']}")
    browser.wait("its conversation", "!!document.querySelector('.drawer .linked a[href^=\"/traffic?\"][href*=\"row=\"]')")
    browser.shot("logs-with-flow")
    browser.click(".drawer .linked a[href^='/traffic?'][href*='row=']")
    browser.wait("the conversation", "location.pathname === '/traffic' && !!document.querySelector('.drawer .linked a[href^=\"/logs?\"][href*=\"row=\"]')")
    browser.shot("traffic-with-logs")
    assert browser.js("[...document.querySelectorAll('.drawer .linked a')].some((a) => a.href.includes(arguments[0]))", f"row={log['event']['id']}")
    browser.click(".drawer .linked a[href*='row=']")
    browser.wait("the log", "location.pathname === '/logs' && !!document.querySelector('.drawer pre')")
    assert not browser.complaints()
    browser.open("/traffic?since=-7d&q=host:10.20.0.0/16+app:dns")
    browser.click(".tools a[href^='/logs']")
    browser.wait("the same conditions", "location.pathname === '/logs' && new URLSearchParams(location.search).get('q') === 'host:10.20.0.0/16'")
    browser.settled()


# Saved searches, exports


def test_searches_are_saved_shared_opened_and_deleted(browser):
    browser.open("/logs?since=-7d&q=action:deny")
    browser.click("details.saved summary")
    browser.one("#saved-name").send_keys("拒否 <b>")
    browser.click(".saved-form input[type=checkbox]")
    browser.click(".saved-form button")
    browser.wait("it in the list", "document.querySelector('.saved-list')?.textContent.includes('拒否 <b>')")
    browser.open("/logs?since=-7d")
    browser.click("details.saved summary")
    browser.click(".saved-list button")
    browser.wait("its words", "new URLSearchParams(location.search).get('q') === 'action:deny'")
    browser.settled()
    browser.click("details.saved summary")
    browser.click(".saved-list li button:last-child")
    browser.click(".saved-list .danger")
    browser.wait("none left", "!document.querySelector('.saved-list') && !!document.querySelector('.saved-form')")
    assert not browser.complaints()


def test_an_export_asks_what_for_and_its_files_wait_in_the_bar(browser, house):
    api = house.client().sign_in()
    browser.open("/logs?since=-7d&q=action:deny")
    browser.click(".tools > button:last-of-type")
    browser.one("dialog.box[open]")
    browser.click("dialog button[type=submit]")
    assert "目的" in browser.text("#purpose-error") and browser.js("document.activeElement.id") == "purpose"
    browser.one("#purpose").send_keys("不審な通信の調査")
    browser.click("dialog button[type=submit]")
    browser.wait("word of it", "/できました|始めました/.test(document.querySelector('dialog.box')?.textContent)", 30)
    browser.click("dialog .cancel")
    browser.wait("the job in the bar", "!!document.querySelector('.job-menu')")
    browser.click(".job-menu summary")
    browser.wait("its files", "document.querySelectorAll('.jobs .files a').length >= 2", 30)
    browser.shot("logs-jobs")
    files = {a.text: a.get_attribute("href") for a in browser.find(".jobs .files a")}
    bodies = {name: api.raw("GET", href[len(house.url):]) for name, href in files.items()}
    table = next(body for name, (_, _, body) in bodies.items() if name.endswith(".csv"))
    foot = next(body for name, (_, _, body) in bodies.items() if not name.endswith(".csv")).decode()
    assert table.startswith(b"\xef\xbb\xbf") and "action:deny" in foot and "不審な通信の調査" in foot and "表の中の時刻: UTC" in foot
    browser.open("/")  # another page: the list is still in the bar
    browser.wait("the job in the bar", "!!document.querySelector('.job-menu')")
    assert any("不審な通信の調査" in json.dumps(r, ensure_ascii=False) for r in api.get("/api/v1/audit", limit=50)["items"])
    assert not browser.complaints()


# Overview and system


def test_the_overview_shows_lines_sources_and_security_events(browser):
    browser.open("/")
    text = browser.text("main")
    assert "FW-HONKAN" in text and "承認を待つ送信元" in text
    browser.wait("lines by source", "[...document.querySelectorAll('.legend li')].some((li) => li.textContent === 'FW-HONKAN') || !!document.querySelector('.empty a[href=\"/system#sources\"]')")
    browser.click(".checks a[href='/system#sources']")
    browser.wait("the sources", "location.pathname === '/system' && !!document.querySelector('.source')")
    assert not browser.complaints()


def test_a_sender_is_accepted_after_a_look_at_what_it_sends(browser, house):
    api = house.client().sign_in()
    switch = source(api, address=SWITCH)
    browser.open("/system#sources")
    item = f".source[data-source='{switch['id']}'] "
    browser.click(item + ".primary")
    browser.one("dialog.box[open]")
    assert browser.js("document.activeElement.textContent") == "やめる"  # the safe button
    assert "core-sw" in browser.text("dialog pre") and SWITCH in browser.text("dialog")
    browser.shot("source-accept")
    assert not browser.weak_contrast()
    browser.one("#source-name").send_keys("本館スイッチ")
    browser.click("dialog button[type=submit]")
    browser.wait("its new name", "[...document.querySelectorAll('.source-head strong')].some((s) => s.textContent === '本館スイッチ')")
    assert source(api, address=SWITCH)["state"] == "accepted"
    stranger = source(api, address=STRANGER, kind="device") or source(api, address=STRANGER)
    browser.click(f".source[data-source='{stranger['id']}'] .buttons button:last-child")
    browser.one("dialog.box[open]")
    browser.click("dialog button[type=submit]")
    browser.wait("the refusal", f"/拒否/.test(document.querySelector(\".source[data-source='{stranger['id']}'] .badge\")?.textContent)")
    assert not browser.complaints()


def test_a_test_line_goes_through_every_listener(browser):
    browser.open("/system")
    browser.js("[...document.querySelectorAll('main button')].find((b) => b.textContent === '試験の行を送る').click()")
    browser.wait("its results", "document.querySelectorAll('.test-result li').length === 2", 30)
    assert browser.text(".test-result").count("届いて保存されました") == 2
    browser.shot("system-test-line")
    assert not browser.complaints()


def test_the_lines_for_a_fortigate_bear_this_appliances_address(browser, house):
    browser.open("/system")
    text = browser.text("#sources ~ .card pre.line")
    assert 'set server "127.0.0.1"' in text and f"set port {address(house)[1]}" in text and "set mode reliable" in text


# Weight and paper


def test_pages_with_logs_stay_within_their_budget(house, tmp_path):
    with open_browser(house.url, tmp_path / "profile", 1440) as b:
        b.sign_in()
        for page in ("/logs", "/logs?since=-7d", "/", "/system", "/traffic"):
            b.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
            b.open(page)
            requests, size = b.transfers()
            print(f"first load of {page} with logs: {requests} requests, {size} bytes")
            assert requests + 1 <= 15 and size <= 120_000, (page, requests, size)


def test_a_printed_search_has_its_rows_and_the_span(browser, tmp_path):
    import base64
    browser.open("/logs?since=-7d&q=action:deny")
    data = browser.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})["data"]
    (tmp_path / "page.pdf").write_bytes(base64.b64decode(data))
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext")
    text = subprocess.run(["pdftotext", "-layout", tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True).stdout
    assert "検索した範囲" in text and "拒否" in text and "CSV に書き出す" not in text and "JST · sato" in text
