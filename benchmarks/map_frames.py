"""How long a frame of a map of 50,000 words takes in headless Chromium, while it zooms in. Needs the extra "browser".

python -m benchmarks.map_frames [--words 50000]
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import generated, measuring
from embeddings.vectors.word_map import PCA, make_word_map
from pipelines.map_page import write_map_page

FRAMES = 60
HIDE_SOFTWARE = """
const real = WebGL2RenderingContext.prototype.getParameter;
WebGL2RenderingContext.prototype.getParameter = function (name) {
  return name === 0x9246 ? "a card" : real.call(this, name);
};
"""
# Milliseconds from frame to frame
ZOOM = f"""
const done = arguments[0], home = wordMap.view.home(), between = [];
let last = performance.now(), frame = 0;
const step = (now) => {{
  if (frame++ === {FRAMES}) return done(between);
  between.push(now - last);
  last = now;
  wordMap.view.set({{ ...home, perPixel: home.perPixel * Math.pow(0.97, frame) }});
  requestAnimationFrame(step);
}};
requestAnimationFrame(step);
"""


def start_browser() -> Any:
    """Start Chromium without a window, as if it were new."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1440,900", "--enable-unsafe-swiftshader"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(300)
    return driver


def open_page(page: Path, webgl: bool) -> Any:
    """Open a page and wait until it is ready."""
    driver = start_browser()
    if webgl:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HIDE_SOFTWARE})
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    driver.get(page.as_uri())
    while driver.execute_script("return document.documentElement.dataset.ready") != "true":
        time.sleep(0.1)
    time.sleep(1)
    return driver


def processor_time(driver: Any) -> float:
    """Milliseconds of the processor that the page's main thread has worked: scripts and what they cause."""
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def main() -> None:
    """Measure both ways of drawing and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=50_000)
    words = parser.parse_args().words
    vectors = generated.generated_vectors(generated.generated_words(words), 50)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "map.html"
        write_map_page(page, make_word_map(vectors, method=PCA), vectors.vocabulary.counts, "map", [])
        for name, webgl in (("drawn by the processor", False), ("WebGL, here without a graphics card", True)):
            driver = open_page(page, webgl)
            before = processor_time(driver)
            between = driver.execute_async_script(ZOOM)
            work = (processor_time(driver) - before) / FRAMES
            driver.quit()
            rows.append(
                {
                    "case": f"{words:,} words, {name}",
                    "processor time of the page": f"{work:.1f} ms",
                    "frame to frame": f"{median(between):.0f} ms",
                }
            )
    measuring.write_results(
        "map_frames", "Map", rows, [f"{FRAMES} frames of zooming in, 1440 x 900; from frame to frame is the median"]
    )


if __name__ == "__main__":
    main()
