"""How long trainings wait for the compiler, from an empty cache on: each in a process of its own, one after the other.

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


def train_once(source: Path, settings: dict[str, Any]) -> dict[str, float]:
    """Train on a text; return the processor time of compiling the kernels of training and those of the text."""
    from numba.core import event

    import vecmill

    seconds = {"training": 0.0, "text": 0.0}
    depth = 0

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            nonlocal depth
            depth += 1
            self.start = time.thread_time() if depth == 1 else self.start

        def on_end(self, event: Any) -> None:
            nonlocal depth
            depth -= 1
            if depth == 0:
                module = event.data["dispatcher"].py_func.__module__
                part = "text" if module.startswith("embeddings.text") else "training"
                seconds[part] += time.thread_time() - self.start

    event.register("numba:compile", Listener())
    vecmill.train(source, epochs=1, min_count=1, threads=1, **settings)
    return seconds


def measure(source: Path, cache: Path) -> dict[str, dict[str, float]]:
    """Run all trainings with a cache directory that is empty at first."""
    return {
        name: measuring.run_alone(
            "benchmarks.compilation_time", "--one", str(source), name, environment={"NUMBA_CACHE_DIR": str(cache)}
        )
        for name in TRAININGS
    }


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
            "its kernels": f"{median(result[name]['training'] for result in results):.1f} s",
            "kernels of the text": f"{median(result[name]['text'] for result in results):.1f} s",
        }
        for name in TRAININGS
    ]
    notes = [f"processor time of compilation from an empty cache on, in this order; median of {options.repeats}"]
    measuring.write_results("compilation_time", "Waiting for the compiler", rows, notes)


if __name__ == "__main__":
    main()
