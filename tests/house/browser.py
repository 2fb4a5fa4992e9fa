"""A real Chromium on the panel: signed in, in a zone that is not Japan's, with its console and network on record."""
import json
import shutil
import urllib.parse

import toms
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb --lang=ja").split()


class Browser:
    def __init__(self, url, profile, text_px=16):
        options = Options()
        options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"webkit": {"webprefs": {"default_font_size": text_px}}})
        options.set_capability("acceptInsecureCerts", True)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
        self.url = url

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.driver.quit()

    def size(self, width, height=900):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def media(self, **features):
        """media(prefers_color_scheme="dark", forced_colors="active"); without arguments as it was."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()]})

    def dark(self, on):
        self.media(prefers_color_scheme="dark" if on else "light")

    def js(self, script, *arguments):
        return self.driver.execute_script("return " + script, *arguments)

    def press(self, *keys):
        """Keys to whatever has the focus: letters as they are, "TAB", "ENTER", "ESCAPE", "ARROW_DOWN" ..."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(getattr(Keys, key, key))

    def tab_to(self, css, most=60):
        """Tab until something that css matches has the focus; how many it took."""
        for count in range(1, most + 1):
            self.press("TAB")
            if self.js("document.activeElement.matches(arguments[0])", css):
                return count
        raise AssertionError(f"{most} tabs did not reach {css}")

    def click(self, css, seconds=10):
        toms.wait_for(f"a click on {css}", lambda: self.driver.execute_script(
            "const el = document.querySelector(arguments[0]); if (!el || el.disabled) return false; el.click(); return true;", css), seconds)

    def open(self, path, seconds=20):
        self.driver.get(self.url + path)
        self.settled(seconds)

    def settled(self, seconds=20):
        """The page has its h1 and no block is still loading."""
        toms.wait_for(f"{self.driver.current_url} to settle", lambda: self.driver.execute_script(
            "return !!document.querySelector('h1') && !document.querySelector('.skeleton')"
            " && [...document.querySelectorAll('.card:not([hidden]) .block-body')].every((b) => b.firstChild)"), seconds)

    def find(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css, seconds=10):
        return toms.wait_for(css, lambda: next(iter(self.find(css)), None), seconds)

    def text(self, css="body"):
        return self.one(css).text

    def wait(self, what, script, seconds=20):
        return toms.wait_for(what, lambda: self.driver.execute_script("return " + script), seconds)

    def complaints(self):
        """Console lines and requests that left the origin, since the last call."""
        said = [line["message"] for line in self.driver.get_log("browser")]
        origin = urllib.parse.urlsplit(self.url).netloc
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] != "Network.requestWillBeSent":
                continue
            url = urllib.parse.urlsplit(event["params"]["request"]["url"])
            if url.scheme in ("http", "https", "ws", "wss") and url.netloc != origin:
                said.append(f"request to {url.netloc}")
        return said

    def transfers(self):
        """(requests, bytes on the wire) of this page load; without the icon, which browsers fetch once and keep."""
        return tuple(self.driver.execute_script(
            "const r = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".filter((e) => !/\\/events|\\/favicon/.test(e.name));"
            "return [r.length, r.reduce((sum, e) => sum + e.transferSize, 0)]"))

    def shot(self, name):
        folder = toms.ROOT / "build/tests/shots"
        folder.mkdir(parents=True, exist_ok=True)
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": {
            "x": 0, "y": 0, "width": self.driver.execute_script("return innerWidth"), "height": min(height, 4000), "scale": 1}})
        import base64
        (folder / f"{name}.png").write_bytes(base64.b64decode(data["data"]))

    def sign_in(self, name="sato", password=toms.PASSWORD):
        self.open("/login")
        self.one("#name").send_keys(name)
        self.one("#password").send_keys(password)
        self.one("button[type=submit]").click()
        self.wait("the overview", "location.pathname === '/' && !!document.querySelector('nav')")
        self.settled()

    def accessibility(self):
        """Nodes of the accessibility tree that a person meets: [(role, name)]."""
        nodes = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n.get("ignored") and "role" in n]

    # Text whose contrast against what lies behind it is below 4.5:1 (3:1 from 24 px), as "text: ratio".
    CONTRAST = """
	const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
	const lum = ([r, g, b]) => { const f = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
		return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
	const out = [];
	for (const el of document.querySelectorAll('body *')) {
		if (![...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
		if (!el.checkVisibility() || el.closest('.reader-only, :disabled, .skip, option, select, datalist')) continue;
		const style = getComputedStyle(el);
		let back = null;
		for (let at = el; at && !back; at = at.parentElement) {
			const c = parse(getComputedStyle(at).backgroundColor);
			if (c.length === 3 || c[3] > 0.99) back = c;
		}
		const fore = parse(el instanceof SVGElement ? style.fill : style.color), a = lum(fore), b = lum(back || [255, 255, 255]);
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) out.push(el.textContent.trim().slice(0, 40) + ': ' + ratio.toFixed(2));
	}
	return out;"""

    def weak_contrast(self):
        return self.driver.execute_script(self.CONTRAST)
