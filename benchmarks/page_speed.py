"""How soon the page of `vecmill serve` shows its map, and how soon a query is answered on it, with 100,000 words.

In headless Chromium, started anew for every view, so that nothing is in its cache. Needs the extra "browser".

python -m benchmarks.page_speed [--words 100000] [--views 5] [--queries 40]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import generated, measuring
from benchmarks.map_frames import processor_time, start_browser

DIMENSION = 100
# Milliseconds from the navigation until the map is painted
OBSERVE = """
new MutationObserver((_, observer) => {
  if (document.documentElement?.dataset.ready !== "true") return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.firstView = performance.now(); }));
}).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-ready"] });
"""
# Milliseconds from a question until its answer is painted
ASK = """
const [word, done] = arguments, begin = performance.now();
performance.clearResourceTimings();
new MutationObserver((_, observer) => {
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => {
    const asked = performance.getEntriesByType("resource").find(({ name }) => name.includes("/api/neighbors"));
    done([performance.now() - begin, asked.duration]);
  }));
}).observe(document.getElementById("answer"), { childList: true });
explorer.go("words", { word });
"""
FLIGHT = 1.0  # seconds until the map has flown to its words


@contextmanager
def served(model: Path, cache: Path) -> Iterator[str]:
    """Start the service and wait until the words are laid out; yield its address."""
    command = [sys.executable, "-m", "vecmill", "serve", str(model), "--port", "0", "--method", "pca", "--json"]
    environment = os.environ | {"VECMILL_CACHE": str(cache)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            address = json.loads(process.stdout.readline())["address"]
            while not has_map(address):
                time.sleep(1)
            yield address
        finally:
            process.terminate()


def has_map(address: str) -> bool:
    """Return whether the words are laid out."""
    try:
        with urllib.request.urlopen(f"{address}api/map"):
            return True
    except urllib.error.HTTPError:
        return False


def first_view(address: str) -> tuple[Any, float]:
    """Open the page in a new browser; return its driver and the milliseconds to the painted map."""
    driver = start_browser()
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": OBSERVE})
    driver.get(address)
    while not (found := driver.execute_script("return window.firstView")):
        time.sleep(0.05)
    return driver, found


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--views", type=int, default=5)
    parser.add_argument("--queries", type=int, default=40)
    wanted = parser.parse_args()
    words = generated.generated_words(wanted.words)
    views: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        generated.generated_vectors(words, DIMENSION).save(Path(folder) / "model")
        with served(Path(folder) / "model", Path(folder) / "cache") as address:
            for _ in range(wanted.views):
                driver, milliseconds = first_view(address)
                views.append(milliseconds)
                if len(views) < wanted.views:
                    driver.quit()
            asked = np.random.default_rng(1).choice(words, wanted.queries, replace=False).tolist()
            answered = []
            for word in asked:
                answered.append(driver.execute_async_script(ASK, word))
                time.sleep(FLIGHT)
            still = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", still)
            driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
            worked = []
            for word in asked[::-1]:
                before = processor_time(driver)
                driver.execute_async_script(ASK, word)
                time.sleep(FLIGHT)
                worked.append(processor_time(driver) - before)
            driver.quit()
    title = f"The page of a model of {wanted.words:,} words"
    rows = [
        {"case": "first view: from the address to the painted map", **_summary(views), "bar": "1000 ms"},
        {
            "case": "query: from the question to the painted neighbours",
            **_summary([painted for painted, _ in answered]),
            "bar": "50 ms",
        },
        {"case": "of that, until the service has answered", **_summary([asked for _, asked in answered])},
        {"case": "processor time of the page for a query, its map without flight included", **_summary(worked)},
    ]
    notes = [
        f"{wanted.views} views in new browsers without a graphics card, 1440 x 900; {wanted.queries} different words",
        f"{DIMENSION} dimensions; 50,000 words on the map; service and browser on one machine",
    ]
    measuring.write_results("page_speed", title, rows, notes)


def _summary(milliseconds: list[float]) -> dict[str, str]:
    return {
        "median": f"{median(milliseconds):.0f} ms",
        "95th percentile": f"{np.percentile(milliseconds, 95):.0f} ms",
        "longest": f"{max(milliseconds):.0f} ms",
    }


if __name__ == "__main__":
    main()
