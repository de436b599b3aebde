"""How long trainings wait for compiled kernels, from an empty cache on: each in a process of its own, one by one.

python -m benchmarks.compilation_time [--repeats 3]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import measuring, zipf

TRAININGS: dict[str, dict[str, Any]] = {
    "the first: skip-gram, d=100": {"dimension": 100},
    "d=101": {"dimension": 101},
    "d=300, window 8, K=12": {"dimension": 300, "window": 8, "negative": 12},
    "negatives of a pair": {"dimension": 100, "negative_sharing": "pair"},
    "the first of CBOW, d=100": {"architecture": "cbow", "dimension": 100},
    "CBOW, d=101, sums": {"architecture": "cbow", "dimension": 101, "cbow_mean": False},
    "the first deterministic one": {"dimension": 100, "deterministic": True},
    "deterministic, d=101": {"dimension": 101, "deterministic": True},
}


def train_once(source: Path, settings: dict[str, Any]) -> float:
    """Train on a text; return the seconds that it took, without imports."""
    import vecmill

    vecmill.train  # noqa: B018 - imports it
    started = time.perf_counter()
    vecmill.train(source, epochs=1, min_count=1, **settings)
    return time.perf_counter() - started


def measure(source: Path, cache: Path) -> dict[str, float]:
    """Run all trainings twice, with a cache directory that is empty at first; return the differences in seconds."""
    first, again = (
        {
            name: measuring.run_alone(
                "benchmarks.compilation_time", "--one", str(source), name, environment={"NUMBA_CACHE_DIR": str(cache)}
            )
            for name in TRAININGS
        }
        for _ in range(2)
    )
    return {name: first[name] - again[name] for name in TRAININGS}


def main() -> None:
    """Measure in fresh cache directories and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("TEXT", "TRAINING"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(train_once(Path(options.one[0]), TRAININGS[options.one[1]])))
        return
    results = []
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as name:
            source = zipf.write(Path(name) / "text.txt", 0.2, types=2000)
            results.append(measure(source, Path(name) / "cache"))
    rows = [
        {
            "training": name,
            "waits": f"{median(result[name] for result in results):.1f} s",
            "bar": "≤ 4 s" if number == 0 else "≤ 1 s",
        }
        for number, name in enumerate(TRAININGS)
    ]
    notes = [
        "0.2 MB of text; seconds of the training less those of the same training with all kernels in the cache, from "
        f"an empty cache on, in this order without a pause; median of {options.repeats}"
    ]
    measuring.write_results("compilation_time", "Waiting for the compiler", rows, notes)


if __name__ == "__main__":
    main()
