"""What `--watch` costs a training: the same one without it, with it, and with a page that is open, in turns.

The open page asks as the one in the browser does: once a second, and for every map. Processor time, that of the process
which lays out the maps included, depends little on other load.

python -m benchmarks.watch_speed [--megabytes 30] [--epochs 3] [--repeats 3]
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import measuring, text

EVERY = 1.0
SIDES = {"without --watch": False, "with --watch": False, "with --watch and an open page": True}


class Run(NamedTuple):
    """Seconds that the epochs, the command and processors took, and the maps that a page received."""

    epochs: float
    command: float
    processor: float
    maps: int


def train(source: Path, out: Path, epochs: int, side: str) -> Run:
    """Train, and look at the page if that is meant."""
    command = [sys.executable, "-m", "vecmill", "train-embeddings", str(source), "--out", str(out)]
    command += ["--epochs", str(epochs), *(["--watch"] if side != "without --watch" else [])]
    began, used, maps = time.perf_counter(), processor_time(), list[int]()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if SIDES[side] and (found := re.search(r"watch the training at (\S+)", line)):
                threading.Thread(target=look, args=(found[1], maps), daemon=True).start()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}")
    whole = time.perf_counter() - began
    trained = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])["seconds"]  # since the first epoch began
    return Run(trained, whole, processor_time() - used, len(maps))


def processor_time() -> float:
    """Return the seconds of processors that commands have taken so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


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
    parser.add_argument("--megabytes", type=float, default=30)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[Run]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        source = text.write_text(text.default_source(), Path(folder) / "text.txt", options.megabytes)
        for repeat in range(options.repeats):
            for place, side in enumerate(SIDES):
                found[side].append(train(source, Path(folder) / f"{repeat}-{place}", options.epochs, side))
    medians = {side: Run(*map(median, zip(*runs, strict=True))) for side, runs in found.items()}
    plain = medians["without --watch"]
    rows = [
        {
            "training": side,
            "epochs": f"{run.epochs:.1f} s, {run.epochs / plain.epochs:.2f}×",
            "whole command": f"{run.command:.1f} s, {run.command / plain.command:.2f}×",
            "processor time": f"{run.processor:.1f} s, {run.processor / plain.processor:.2f}×",
            "maps shown": run.maps,
        }
        for side, run in medians.items()
    ]
    notes = [
        f"skip-gram of the default settings, {options.epochs} epochs of {options.megabytes:g} MB; "
        f"medians of {options.repeats} runs in turns",
        "an open page is shown the last map, for which the command waits up to 20 s",
    ]
    measuring.write_results("watch_speed", "Training with and without `--watch`", rows, notes)


if __name__ == "__main__":
    main()
