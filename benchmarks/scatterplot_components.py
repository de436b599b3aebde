"""Our drawing of points beside regl-scatterplot: size of the scripts, and frames of a map that zooms in.

Both draw the same points in the same colours in headless Chromium, without labels. Needs the extra "browser", and npm,
which installs regl-scatterplot and esbuild into build/scatterplot.

python -m benchmarks.scatterplot_components
"""

import gzip
import shutil
import string
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import measuring
from benchmarks.map_frames import FRAMES, HIDE_SOFTWARE, processor_time, start_browser
from pipelines.map_page import SOURCES

FOLDER = Path("build/scatterplot")
PACKAGES = ("regl-scatterplot@1", "esbuild@0.25")
SIZES = (50_000, 100_000)
WHOLE_MAP = ("data.js", "view.js", "points.js", "labels.js", "search.js", "card.js", "page.js")
DRAWING = ("data.js", "view.js", "points.js")

PAGE = string.Template(
    """<!doctype html><meta charset="utf-8"><title>$title</title>
<style>
html, body { margin: 0; height: 100%; overflow: hidden }
#map, canvas { position: fixed; inset: 0; width: 100%; height: 100% }
</style>
<div id="map"><canvas id="points"></canvas></div><aside id="guide"></aside>
<script>
const N = $points, CLUSTERS = 20;
let seed = 7;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const bell = () => random() + random() + random() - 1.5;
const middles = Array.from({ length: CLUSTERS }, () => [random(), random()]);
const clusters = Uint8Array.from({ length: N }, (_, i) => i % CLUSTERS);
const x = Float32Array.from(clusters, (cluster) => middles[cluster][0] + 0.1 * bell());
const y = Float32Array.from(clusters, (cluster) => middles[cluster][1] + 0.1 * bell());
const weight = Float32Array.from(clusters, (_, rank) => 1 - Math.log(rank + 1) / Math.log(N + 1));
const isStill = () => false;
</script>
<script>$script</script>"""
)
OURS = """
const hues = COLOURS.slice(0, CLUSTERS), words = { n: N, x, y, weight, clusters, clusterNames: hues };
const view = new View(words, () => {}), home = view.home();
const points = Points.on(words, view, { points: hues, paper: "#fcfbf8" });
window.zoom = (step) => { view.set({ ...home, perPixel: home.perPixel * Math.pow(0.97, step) }); points.draw(); };
zoom(0);
document.documentElement.dataset.ready = "true";
"""
THEIRS = """
import createScatterplot from "regl-scatterplot";
const canvas = document.getElementById("points"), { width, height } = canvas.getBoundingClientRect();
const colours = [
  "#4c78a8", "#b5534e", "#5b8c5a", "#8a6bb0", "#c98a2b", "#3f9296", "#a8577e", "#7d7a3a", "#5a67b8", "#c46f45",
  "#4f9d76", "#86543f", "#6f93b8", "#b9727d", "#8aa24b", "#9a7fb5", "#b79a4a", "#5f7f86", "#c07fae", "#77736a",
];
const sizes = Array.from({ length: 32 }, (_, step) => 2 * (1.3 + 5 * Math.pow(step / 31, 2.4)));
const plot = createScatterplot({
  canvas, width, height, backgroundColor: "#fcfbf8", colorBy: "category", pointColor: colours, sizeBy: "value",
  pointSize: sizes, opacity: 0.5,
});
const scaled = (values) => Float32Array.from(values, (value) => 2 * value - 1);
plot.draw({ x: scaled(x), y: scaled(y), z: Array.from(clusters), w: Array.from(weight) }).then(() => {
  const camera = plot.get("camera");
  let last = 0;
  window.zoom = (step) => {
    camera.scale(Math.pow(1 / 0.97, step - last));
    last = step;
    plot.redraw();
  };
  document.documentElement.dataset.ready = "true";
});
"""
# Milliseconds from frame to frame
ZOOM = f"""
const done = arguments[0], between = [];
let last = performance.now(), frame = 0;
const step = (now) => {{
  if (frame++ === {FRAMES}) return done(between);
  between.push(now - last);
  last = now;
  zoom(frame);
  requestAnimationFrame(step);
}};
requestAnimationFrame(step);
"""


def bundled(name: str, source: str, *options: str) -> str:
    """Return a script minified by esbuild, with all that it imports."""
    path = FOLDER / f"{name}.js"
    path.write_text(source, "utf-8")
    esbuild = FOLDER / "node_modules/.bin/esbuild"
    return subprocess.run([esbuild, path, "--minify", *options], check=True, capture_output=True, text=True).stdout


def ours(*names: str) -> str:
    """Return scripts of the map, joined."""
    return "\n".join((SOURCES / name).read_text("utf-8") for name in names)


def measure(page: Path, webgl: bool) -> tuple[float, float]:
    """Return the processor time of a frame of a page that zooms in and the time from frame to frame, in ms."""
    driver = start_browser()
    if webgl:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HIDE_SOFTWARE})
    size = {"width": 1440, "height": 900, "screenWidth": 1440, "screenHeight": 900}
    metrics = {**size, "deviceScaleFactor": 1, "mobile": False}  # regl-scatterplot draws no more than the screen has
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    driver.get(page.resolve().as_uri())
    deadline = time.monotonic() + 120
    while driver.execute_script("return document.documentElement.dataset.ready") != "true":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{page}: {driver.get_log('browser')}")
        time.sleep(0.1)
    time.sleep(1)
    before = processor_time(driver)
    between = driver.execute_async_script(ZOOM)
    work = (processor_time(driver) - before) / FRAMES
    driver.quit()
    return work, median(between)


def main() -> None:
    """Measure and write the results."""
    if not shutil.which("npm"):
        sys.exit("npm: not installed; run: apt-get install npm")
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", FOLDER, *PACKAGES], check=True)
    theirs = bundled("theirs", THEIRS, "--bundle", "--format=iife")
    drawing, whole = bundled("drawing", ours(*DRAWING)), bundled("whole", ours(*WHOLE_MAP))
    sides: dict[str, tuple[str, bool, str]] = {
        "ours, drawn by the processor": (drawing + bundled("use", OURS), False, drawing),
        "ours, WebGL": (drawing + bundled("use", OURS), True, drawing),
        "regl-scatterplot, WebGL": (theirs, True, theirs),
    }
    rows: list[dict[str, Any]] = []
    for points in SIZES:
        for name, (script, webgl, counted) in sides.items():
            page = FOLDER / f"{points}-{len(rows)}.html"
            page.write_text(PAGE.substitute(title=name, points=points, script=script.replace("</", "<\\/")), "utf-8")
            work, between = measure(page, webgl)
            rows.append(
                {
                    "case": f"{points:,} points, {name}",
                    "script": _size(counted),
                    "processor time of the page": f"{work:.1f} ms",
                    "frame to frame": f"{between:.0f} ms",
                    "frames/s": f"{1000 / between:.0f}",
                }
            )
    notes = [
        f"{FRAMES} frames of zooming in, 1440 x 900, without a graphics card: WebGL is computed by SwiftShader",
        f"script: minified by esbuild, and compressed by gzip; our map with labels, search and cards: {_size(whole)}",
    ]
    measuring.write_results("scatterplot_components", "Components that draw points", rows, notes)


def _size(script: str) -> str:
    content = script.encode()
    return f"{len(content) / 1000:.0f} kB, {len(gzip.compress(content, 9)) / 1000:.1f} kB compressed"


if __name__ == "__main__":
    main()
