"""What the benchmarks of language models share: a slice of a text in three parts, and our commands, timed."""

import json
import sys
import time
from pathlib import Path
from subprocess import run
from typing import Any

from benchmarks import text

WIKI = text.SHARED / "lm" / "wiki-lm"
PARTS = {"train": 1.0, "valid": 0.1, "test": 0.1}
ALL_WORDS = "1000000"


def write_slice(source: Path, folder: Path, tokens: int) -> Path:
    """Write the first lines of each part: about ``tokens`` of train, a tenth of that of valid and test; 0 is all."""
    folder.mkdir()
    for part, share in PARTS.items():
        left = tokens * share
        with (source / f"{part}.txt").open("rb") as lines, (folder / f"{part}.txt").open("wb") as file:
            for line in lines:
                file.write(line)
                left -= len(line.split()) + 1
                if tokens and left <= 0:
                    break
    return folder


def vecmill(*arguments: str | Path) -> float:
    """Run a command; return the seconds."""
    started = time.perf_counter()
    command = "from pipelines.cli import main; main()"
    run([sys.executable, "-c", command, *map(str, arguments)], check=True, capture_output=True)
    return time.perf_counter() - started


def train_lm(folder: Path, out: Path, *options: str) -> dict[str, Any]:
    """Train a language model; return the seconds, and perplexity on valid after each epoch and on test."""
    seconds = vecmill("train-lm", folder, "--out", out, "--max-vocabulary", ALL_WORDS, *options)
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    test = json.loads((out / "evaluation.json").read_text("utf-8"))["test"]["perplexity"]
    return {"seconds": seconds, "valid": [entry["valid_perplexity"] for entry in metrics], "test": test}
