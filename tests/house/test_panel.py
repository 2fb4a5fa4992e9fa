"""The panel in a real browser: first run, sign-in, every page in both languages, both themes and four widths."""
import datetime
import re
import shutil

import pytest
import toms

pytestmark = pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="no chromium and chromedriver")
PAGES = ["/", "/traffic", "/system"]


@pytest.fixture(scope="module")
def house(hospital, tmp_path_factory):
    """A daemon with the made-up day up to now, and its first administrator."""
    folder = tmp_path_factory.mktemp("panel")
    daemon = toms.Daemon(folder)
    toms.run(toms.BUILD / "tomsd", "-c", daemon.file, "--replay", *hospital["files"], timeout=300)
    with daemon:
        daemon.first_admin()
        yield daemon


@pytest.fixture(scope="module")
def browser(house, tmp_path_factory):
    from browser import Browser
    with Browser(house.url, tmp_path_factory.mktemp("profile")) as b:
        b.size(1440)
        b.sign_in()
        yield b



def test_first_run_needs_the_code_and_closes_for_good(tmp_path):
    from browser import Browser
    with toms.Daemon(tmp_path / "d") as daemon, Browser(daemon.url, tmp_path / "profile") as b:
        b.size(1280)
        b.open("/")
        b.wait("the first-run page", "location.pathname === '/setup' && !!document.querySelector('#code')")
        b.shot("setup")
        for field, text in (("code", "AAAA-AAAA-AAAA"), ("user", "sato"), ("password", toms.PASSWORD), ("again", toms.PASSWORD)):
            b.one(f"#{field}").send_keys(text)
        b.one("button[type=submit]").click()
        b.wait("a refusal", "!!document.querySelector('.trouble')")
        b.complaints()  # the refusal's 401 stands in the console, rightly
        b.one("#code").clear()
        b.one("#code").send_keys(daemon.code)
        b.one("button[type=submit]").click()
        b.wait("the overview", "location.pathname === '/' && !!document.querySelector('nav')")
        b.settled()
        assert not b.complaints()
        b.open("/setup")
        b.wait("the way to the first page", "location.pathname !== '/setup'")
        assert daemon.client().raw("POST", "/api/v1/setup", {"code": daemon.code, "user": "x", "password": "y" * 20})[0] == 410


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_pages_are_sound_in_language_theme_and_width(browser, page, lang, theme):
    browser.dark(theme == "dark")
    for width in (1440, 900, 390, 320):
        browser.size(width)
        browser.open(f"{page}?lang={lang}&since=-7d")
        name = f"{page.strip('/') or 'overview'}-{lang}-{theme}-{width}"
        browser.shot(name)
        assert not browser.complaints(), name
        assert browser.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the screen"
        assert len(browser.find("h1")) == 1
        levels = [int(h.tag_name[1]) for h in browser.find("main h1, main h2, main h3")]
        assert levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels
        assert not browser.weak_contrast(), name
        japanese = re.search("[ぁ-んァ-ン]", browser.driver.execute_script("return document.querySelector('main h1').innerText + document.querySelector('nav').textContent"))
        assert bool(japanese) == (lang == "ja")
        for role, words in browser.accessibility():
            assert words or role not in ("button", "link", "textbox", "searchbox", "combobox", "heading"), f"{name}: a {role} without a name"
    browser.size(1440)
    browser.dark(False)


def test_times_are_japans_whatever_the_pc_is_set_to(browser, house):
    browser.open("/traffic?since=-7d&lang=en")
    first = house.rows("flows", "--limit", "1", "--since", "-7d")[0]["@timestamp"]
    japan = datetime.datetime.fromisoformat(first[:19] + "+00:00") + datetime.timedelta(hours=9)
    assert browser.one("tbody tr[data-id] td").text.startswith(japan.strftime("%Y-%m-%d %H:%M"))


def test_a_row_opens_by_keyboard_and_its_address_can_be_shared(browser):
    browser.open("/traffic?since=-7d")
    row = browser.one("tr[data-id]")
    browser.driver.execute_script("arguments[0].focus()", row)
    browser.driver.switch_to.active_element.send_keys("j")
    browser.driver.switch_to.active_element.send_keys("\ue007")
    browser.wait("the drawer", "!!document.querySelector('.drawer dl')")
    address = browser.driver.current_url
    assert "row=" in address
    browser.shot("drawer")
    browser.driver.get(address)
    browser.settled()
    browser.wait("the drawer again", "!!document.querySelector('.drawer dl')")
    browser.driver.switch_to.active_element.send_keys("\ue00c")
    browser.wait("the drawer to close", "!document.querySelector('.drawer') && !location.search.includes('row=')")


def test_a_filter_is_a_chip_an_address_and_a_smaller_table(browser, house):
    browser.open("/traffic?since=-7d&q=" + "port:443")
    assert browser.one(".chip").text.startswith("port:443")
    cells = [c.text for c in browser.find("tr[data-id] td:nth-child(4), tr[data-id] td:nth-child(3)")]
    assert cells and any(":443" in c for c in cells)
    value = browser.one("tr[data-id] .value[data-key=host]")
    browser.driver.execute_script("arguments[0].click()", value)
    browser.one(".value-menu button").click()
    browser.wait("two chips", "document.querySelectorAll('.chip').length === 2")
    browser.settled()
    browser.driver.back()
    browser.wait("one chip again", "document.querySelectorAll('.chip').length === 1")


def test_a_misspelt_filter_says_what_is_wrong(browser):
    browser.open("/traffic?since=-7d&q=" + "hots:10.0.0.1")
    assert "hots" in browser.text(".trouble")
    browser.complaints()


def test_new_rows_arrive_without_a_reload(browser, house, hospital):
    browser.open("/")
    browser.wait("live updates", "document.querySelector('.live.live') !== null", 30)


def test_signing_out_ends_the_session_everywhere(house, tmp_path):
    from browser import Browser
    with Browser(house.url, tmp_path / "profile") as b:
        b.size(1280)
        b.sign_in()
        cookie = b.driver.get_cookie("__Host-sid")
        assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["path"] == "/"
        b.driver.execute_script("document.querySelector('details.user').open = true")
        b.one(".menu-card > button").click()
        b.wait("the sign-in page", "location.pathname === '/login' && !!document.querySelector('#name')")
        old = house.client()
        old.cookie = f"__Host-sid={cookie['value']}"
        assert old.get("/api/v1/session")["user"] is None


def test_the_first_load_stays_within_its_budget(house, tmp_path):
    from browser import Browser
    with Browser(house.url, tmp_path / "profile") as b:
        b.size(1440)
        b.sign_in()
        b.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        b.open("/")
        requests, size = b.transfers()
        print(f"first load: {requests} requests, {size} bytes")
        assert requests <= 15 and size <= 120_000


def test_printing_keeps_text_and_leaves_out_buttons(browser, tmp_path):
    import base64
    browser.open("/?lang=ja")
    data = browser.driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    pdf = tmp_path / "overview.pdf"
    pdf.write_bytes(base64.b64decode(data))
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext")
    text = toms.run("pdftotext", "-layout", pdf, "-").stdout
    assert "通信" in text and "ログアウト" not in text
