"""Chromium for tests of pages: started without a window, with the messages of its console."""

import shutil
import time

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with its driver is installed")

SECONDS = 120  # until a test fails whose page does not do what it waits for: also where much else runs

_PRETEND = """
const real = WebGL2RenderingContext.prototype.getParameter;
WebGL2RenderingContext.prototype.getParameter = function (name) {
  return name === 0x9246 ? "a card" : real.call(this, name);
};
"""


def start_chromium(size="1280,800", *, webgl=False):
    """Start Chromium and return its driver; with `webgl` pages believe that there is a graphics card."""
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={size}"):
        options.add_argument(argument)
    if webgl:
        options.add_argument("--enable-unsafe-swiftshader")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(SECONDS)
    if webgl:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _PRETEND})
    return driver


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def is_ready(browser):
    return browser.execute_script("return document.documentElement.dataset.ready") == "true"


def complaints(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def serious_violations(browser):
    """Return what axe-core finds that stands in the way of anyone."""
    axe = pytest.importorskip("axe_core_python.selenium").Axe()
    return [
        (violation["id"], [node["html"][:120] for node in violation["nodes"]][:3])
        for violation in axe.run(browser)["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def use_theme(browser, theme):
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
