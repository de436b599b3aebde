"""Memory and time of the whole way from raw text to saved vectors, as the text grows ten- and a hundredfold.

    python -m benchmarks.memory_and_linearity [--megabytes 10 100 1000] [--vocabulary 25000] [--repeats 3]

The text has Zipf's distribution over 8 million words, of which the vocabulary keeps the most frequent ones: as many
from every size, since vectors that no longer fit into caches are slower to train. Bars: a peak of at most 1.5 GB, and
words a second that differ by at most 20 % from one size to the other. What a run on the first megabyte takes is
subtracted: half of a run on 10 MB would else be the loading of compiled kernels. Sizes take turns, and of each the
fastest run counts: a long run meets more of what else the machine does than a short one.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import measuring, zipf

MOST_MEMORY = 1.5e9  # bytes
MOST_DIFFERENCE = 0.2
SHORT_RUNS = 3  # of less than 100 MB, a turn: half a second of work is hard to measure
STAGES = ("tokenize", "vocabulary", "encode", "train")


def measure(text: Path, megabytes: float, options: argparse.Namespace) -> dict[str, Any]:
    """Train on a text in a process of its own; return seconds, words and peak memory."""
    out = text.parent / "model"
    program = ["-c", "from pipelines.cli import main; main()", "train-embeddings", str(text), "--out", str(out)]
    settings = ["--max-vocabulary", str(options.vocabulary), "--dimension", "100", "--epochs", "1"]
    log_path = text.parent / "log"
    with log_path.open("w") as log:
        start = time.monotonic()
        process = subprocess.Popen([sys.executable, *program, *settings], stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(log_path.read_text("utf-8"))
    about = json.loads((out / "manifest.json").read_text("utf-8"))
    stages = {**about["history"], "train": about}
    shutil.rmtree(out)
    dropped = stages["encode"]["summary"]["dropped"].get("words not in the vocabulary", 0)
    tokens = stages["encode"]["summary"]["tokens"]
    return {
        "text": f"{megabytes:,.0f} MB",
        "words": tokens + dropped,
        "seconds": seconds,
        "stages": {name: stages[name]["cost"]["wall_seconds"] for name in STAGES},
        "vocabulary": stages["vocabulary"]["summary"]["words"],
        "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }


def _worked(row: dict[str, Any]) -> float:
    return float(sum(row["stages"].values()))


def fastest_run(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fastest run, with the highest peak of all: what else the machine does only adds to the time."""
    return {**min(runs, key=_worked), "peak": max(run["peak"] for run in runs)}


def main() -> int:
    """Measure every size, write the result and tell whether it is within the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, nargs="+", default=[10.0, 100.0, 1000.0])
    parser.add_argument("--types", type=int, default=8_000_000, help="words to draw from")
    parser.add_argument("--vocabulary", type=int, default=25_000, help="words to keep")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    sizes = [1.0, *options.megabytes]
    runs: dict[float, list[dict[str, Any]]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as name:
        texts = {size: zipf.write(Path(name) / f"{size}.txt", size, types=options.types) for size in sizes}
        measure(texts[1.0], 1.0, options)  # compiles the kernels, once on a machine
        for _ in range(options.repeats):
            for size in sizes:
                runs[size] += [measure(texts[size], size, options) for _ in range(SHORT_RUNS if size < 100 else 1)]
    first, *found = (fastest_run(runs[size]) for size in sizes)
    rates = [(row["words"] - first["words"]) / (_worked(row) - _worked(first)) for row in found]
    rows = [
        {
            "text": row["text"],
            "words": f"{row['words'] / 1e6:,.1f} M",
            "kept": f"{row['vocabulary']:,}",
            **{stage: f"{seconds:.1f} s" for stage, seconds in row["stages"].items()},
            "with start": f"{row['seconds']:.1f} s",
            "words/s": f"{rate / 1e6:.2f} M",
            "peak RSS": f"{row['peak'] / 1e6:,.0f} MB",
        }
        for row, rate in zip(found, rates, strict=True)
    ]
    difference, peak = max(rates) / min(rates) - 1, max(row["peak"] for row in found)
    notes = [
        f"skip-gram, d=100, one epoch, at most {options.vocabulary:,} words of {options.types:,}",
        f"fastest of {options.repeats} runs, {SHORT_RUNS * options.repeats} of less than 100 MB; 1 MB takes "
        f"{_worked(first):.1f} s in the four stages; words/s beyond it differ by {100 * difference:.0f} %; "
        f"bar: {100 * MOST_DIFFERENCE:.0f} %",
        f"highest peak {peak / 1e6:,.0f} MB; bar: {MOST_MEMORY / 1e6:,.0f} MB",
    ]
    measuring.write_results("memory_and_linearity", "Memory and time as the text grows", rows, notes)
    return 0 if peak <= MOST_MEMORY and difference <= MOST_DIFFERENCE else 1


if __name__ == "__main__":
    sys.exit(main())
