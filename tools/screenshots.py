"""Renew the pictures of pages in docs/figures, in headless Chromium. Needs the extras "browser" and "plot".

python -m tools.screenshots --serve runs/wiki runs/wiki25 --lm runs/wiki-lm
python -m tools.screenshots --watch text.txt
python -m tools.screenshots --history runs/wiki

Each part renews its own pictures.
"""

import argparse
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from PIL import Image

FIGURES = Path("docs/figures")
SIZE = (1280, 800)
OCCUPATIONS = (
    "nurse teacher secretary dancer singer writer lawyer doctor engineer soldier carpenter farmer miner banker"
)
VIEWS = {
    "serve-words": ("words", {"word": "coffee"}),
    "serve-analogy": ("analogy", {"a": "france", "b": "paris", "c": "germany"}),
    "serve-odd": ("odd", {"word": "violin, piano, cello, trumpet, senator"}),
    "serve-axes": ("axes", {"x0": "he", "x1": "she", "y0": "poor", "y1": "rich", "place": OCCUPATIONS}),
    "serve-compare": ("compare", {"word": "king guitar virus eta coin"}),
    "serve-language": ("language", {"text": "the first world war began with violin"}),
}
READY = "return document.documentElement.dataset.ready === 'true'"
ANSWERED = "return document.querySelector('#answer > *') !== null"
SETTLED = 2.5  # seconds in which the map has flown to its words
WATCHED = 4  # moments of the training that the page has shown in its picture
WATCHED_TRAINING = ("--min-count", "20", "--epochs", "30", "--history", "200")
PLAYED = 0.5  # share of the moments in the picture of a time-lapse


def main() -> None:
    """Renew the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", nargs="+", metavar="MODEL", help="models of the explorer, one or two")
    parser.add_argument("--lm", metavar="DIR", help="language model of the explorer")
    parser.add_argument("--watch", metavar="TEXT", help="a text on which a training is watched")
    parser.add_argument("--history", metavar="MODEL", help="a model that was trained with --history")
    wanted = parser.parse_args()
    if not (wanted.serve or wanted.watch or wanted.history):
        parser.error("nothing to do; expected --serve, --watch or --history")
    if wanted.serve:
        show_explorer(wanted.serve, wanted.lm)
    if wanted.watch:
        watch_training(wanted.watch)
    if wanted.history:
        play_history(wanted.history)


def show_explorer(models: list[str], lm: str | None) -> None:
    """Take a picture of each view of the explorer, and of a phone in the dark."""
    command = ["serve", *models, "--port", "0", "--json", *(["--lm", lm] if lm else [])]
    with vecmill(*command, stdout=subprocess.PIPE) as process:
        started = json.loads(process.stdout.readline())
        address = started["address"]
        for name, (view, asked) in VIEWS.items():
            if (view == "compare" and len(models) < 2) or (view == "language" and not lm):
                continue
            state = asked | (dict(zip("ab", started["models"], strict=False)) if view == "compare" else {})
            with browser() as driver:
                driver.get(f"{address}#{view}?{urlencode(state, quote_via=quote)}")
                wait_until(lambda: driver.execute_script(ANSWERED))
                picture(driver, name)
        with browser((390, 780)) as driver:
            dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
            driver.get(f"{address}#words?word=coffee")
            wait_until(lambda: driver.execute_script(ANSWERED))
            picture(driver, "serve-phone")


def watch_training(text: str) -> None:
    """Take a picture of a training in the middle."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["train-embeddings", text, "--out", f"{folder}/wiki", *WATCHED_TRAINING, "--watch"]
        with vecmill(*command, stderr=subprocess.PIPE) as process, browser() as driver:
            while not (address := re.search(r"http://\S+", process.stderr.readline())):
                pass
            driver.get(address[0])
            wait_until(lambda: driver.execute_script("return watch.moment") >= WATCHED)
            picture(driver, "serve-watch")


def play_history(model: str) -> None:
    """Take a picture of a time-lapse in the middle."""
    with tempfile.TemporaryDirectory() as folder, browser() as driver:
        page = Path(folder) / "page.html"
        with vecmill("map", model, "--history", "--out", str(page)) as process:
            process.wait()
        driver.get(page.as_uri())
        wait_until(lambda: driver.execute_script(READY))
        driver.execute_script(f"timeLapse.show({PLAYED} * timeLapse.last)")
        picture(driver, "time-lapse")


@contextmanager
def vecmill(*arguments: str, **options: Any) -> Iterator[Any]:
    """Run a command while the context lasts."""
    command = [sys.executable, "-m", "vecmill", *arguments]
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate()


@contextmanager
def browser(size: tuple[int, int] = SIZE) -> Iterator[Any]:
    """Start Chromium with a window of a size."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        yield driver
    finally:
        driver.quit()


def picture(driver: Any, name: str) -> None:
    """Write what is seen when nothing moves any more."""
    wait_until(lambda: driver.execute_script(READY))
    time.sleep(SETTLED)
    seen = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    # a third of the size; the colours of the clusters and of the shadows stay
    few = seen.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    few.save(FIGURES / f"{name}.png", optimize=True)
    print(FIGURES / f"{name}.png", flush=True)


def wait_until(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait for a condition to hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("the page is not ready")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
