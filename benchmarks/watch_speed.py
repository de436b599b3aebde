"""What `--watch` costs a training: the same one without it, with it, and with a page that is open, in turns.

The open page asks as the one in the browser does: once a second, and for every map.

python -m benchmarks.watch_speed [--megabytes 10] [--epochs 2] [--repeats 3]
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import median

from benchmarks import measuring, text

EVERY = 1.0
SIDES = {"without --watch": False, "with --watch": False, "with --watch and an open page": True}


def train(source: Path, out: Path, epochs: int, side: str) -> tuple[float, float, int]:
    """Train; return the seconds of the epochs, those of the whole command, and the maps that a page received."""
    command = [sys.executable, "-m", "vecmill", "train-embeddings", str(source), "--out", str(out)]
    command += ["--epochs", str(epochs), *(["--watch"] if side != "without --watch" else [])]
    began, maps = time.perf_counter(), list[int]()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if SIDES[side] and (found := re.search(r"watch the training at (\S+)", line)):
                threading.Thread(target=look, args=(found[1], maps), daemon=True).start()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}")
    whole = time.perf_counter() - began
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return sum(json.loads(line)["seconds"] for line in lines), whole, len(maps)


def look(address: str, maps: list[int]) -> None:
    """Ask as an open page does until the training has ended; add the sizes of the maps to a list."""
    moment = 0
    try:
        while True:
            with urllib.request.urlopen(f"{address}api/training?moment={moment}") as response:
                state = json.load(response)
            if state["moment"] > moment:
                with urllib.request.urlopen(f"{address}api/moment") as response:
                    moment = int(response.headers["moment"])
                    maps.append(len(response.read()))
            elif state["state"] in ("finished", "stopped", "failed"):
                return
            else:
                time.sleep(EVERY)
    except OSError:
        return  # no longer served


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float, int]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        source = text.write_text(text.default_source(), Path(folder) / "text.txt", options.megabytes)
        for repeat in range(options.repeats):
            for place, side in enumerate(SIDES):
                found[side].append(train(source, Path(folder) / f"{repeat}-{place}", options.epochs, side))
    plain, whole = (median(run[column] for run in found["without --watch"]) for column in (0, 1))
    rows = [
        {
            "training": side,
            "epochs": f"{(trained := median(run[0] for run in runs)):.1f} s",
            "ratio": f"{trained / plain:.2f}×",
            "whole command": f"{(all_of_it := median(run[1] for run in runs)):.1f} s",
            "its ratio": f"{all_of_it / whole:.2f}×",
            "maps shown": median(run[2] for run in runs),
        }
        for side, runs in found.items()
    ]
    notes = [
        f"skip-gram of the default settings, {options.epochs} epochs of {options.megabytes:g} MB; "
        f"medians of {options.repeats} runs in turns",
        "an open page is shown the last map, for which the command waits up to 20 s",
    ]
    measuring.write_results("watch_speed", "Training with and without `--watch`", rows, notes)


if __name__ == "__main__":
    main()
