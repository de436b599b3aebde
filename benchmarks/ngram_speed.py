"""`vecmill ngram`: tokens a second, from text to ARPA file, and memory; bar: 1 M tokens/s on two processors.

python -m benchmarks.ngram_speed [--corpus SOURCE] [--megabytes 25 100] [--order 5] [--repeats 3]

Each run is a process of its own, the whole command. Processor seconds say what it takes on a machine that does other
work at the same time.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks import measuring, text


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, nargs="+", default=[25, 100])
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for megabytes in options.megabytes:
            source = text.write_text(options.corpus, folder / "text.txt", megabytes)
            runs = [_run(source, folder / "model.arpa", options.order) for _ in range(options.repeats)]
            seconds, used = (median(run[key] for run in runs) for key in ("seconds", "processor seconds"))
            tokens = runs[0]["tokens"]
            rows.append(
                {
                    "text": f"{megabytes:g} MB, {tokens / 1e6:.1f} M tokens",
                    "n-grams": f"{sum(runs[0]['ngrams']) / 1e6:.1f} M",
                    "seconds": f"{seconds:.1f}",
                    "M tokens/s": f"{tokens / seconds / 1e6:.2f}",
                    "processor seconds": f"{used:.1f}",
                    "ARPA file": f"{runs[0]['bytes'] / 1e6:,.0f} MB",
                    "peak memory": f"{max(run['peak'] for run in runs):,.0f} MB",
                }
            )
    notes = [
        f"Wikipedia, order {options.order}, modified Kneser-Ney; the whole command with its start; median of "
        f"{options.repeats} runs; one-minute load of the machine at the end: {os.getloadavg()[0]:.1f}"
    ]
    measuring.write_results("ngram_speed", "n-gram models", rows, notes)


def _run(source: Path, out: Path, order: int) -> dict[str, float]:
    """Run the command; return what it printed, its times and the peak of memory, in MB."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    options = ("--out", out, "--order", str(order), "--force", "--json")
    command = [sys.executable, "-m", "vecmill", "ngram", source, *options]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(printed), "seconds": seconds, "processor seconds": used, "peak": after.ru_maxrss * 1024 / 1e6}


if __name__ == "__main__":
    main()
