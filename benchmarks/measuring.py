"""How the benchmarks measure: the sides take turns in one run, and medians are compared."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results"


def take_turns(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Run the sides one after the other, `repeats` times; return the seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, run in sides.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def take_turns_and_count(
    sides: dict[str, Callable[[], Any]], repeats: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Run the sides as `take_turns`; return the seconds of each, and those of all processors together."""
    processors: dict[str, list[float]] = {side: [] for side in sides}

    def counted(side: str) -> Callable[[], None]:
        def run() -> None:
            start = time.process_time()
            sides[side]()
            processors[side].append(time.process_time() - start)

        return run

    return take_turns({side: counted(side) for side in sides}, repeats), processors


def ratio_of_medians(ours: list[float], theirs: list[float]) -> float:
    """How many times as long as ours theirs took."""
    return median(theirs) / median(ours)


def sgemm_rate(size: int = 2048) -> float:
    """Floating-point operations per second of NumPy's float32 matrix product on all processors."""
    a = np.random.default_rng(0).random((size, size), dtype=np.float32)
    a @ a
    seconds = take_turns({"sgemm": lambda: a @ a}, 7)["sgemm"]
    return 2 * size**3 / median(seconds)


def run_alone(module: str, *arguments: str, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Run a module of the benchmarks in a process of its own; return the JSON object that it prints last."""
    output = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | (environment or {}),
    ).stdout
    return json.loads(output.strip().splitlines()[-1])


def machine() -> dict[str, str]:
    """Describe the processor and the versions that matter."""
    packages = {}
    for name in ("numpy", "numba", "gensim", "torch"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return {
        "processor": _processor(),
        "processors used": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "python": platform.python_version(),
        **packages,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "")
    return (names[0] if names else platform.machine()) + (", AVX-512" if "avx512f" in flags else "")


def write_results(name: str, title: str, rows: list[dict[str, Any]], notes: list[str]) -> None:
    """Write `results/NAME.json` and `results/NAME.md`, and print the table."""
    RESULTS.mkdir(exist_ok=True)
    where = machine()
    (RESULTS / f"{name}.json").write_text(
        json.dumps({"title": title, "machine": where, "rows": rows, "notes": notes}, indent=1) + "\n"
    )
    columns = list(rows[0])
    lines = [
        f"### {title}",
        "",
        "| " + " | ".join(columns) + " |",
        "|" + "|".join("---" for _ in columns) + "|",
        *("| " + " | ".join(str(row.get(column, "")) for column in columns) + " |" for row in rows),
        "",
        *(f"- {note}" for note in notes),
        "- " + "; ".join(f"{key}: {value}" for key, value in where.items()),
        "",
    ]
    text = "\n".join(lines)
    (RESULTS / f"{name}.md").write_text(text, "utf-8")
    print(text, flush=True)
