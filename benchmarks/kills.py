"""Kill the pipeline at random moments, again and again; then let them finish and compare with an undisturbed run.

    python -m benchmarks.kills [--kills 200] [--seed 1] [--until STAGE]

Every run is a process of its own that is killed with SIGKILL: half of them after a time drawn evenly from the length of
a whole run, the other half a few milliseconds after they have begun a stage or a write drawn at random, so that short
stages and the first moments of a write are met, too. The same command is then given again, until it has finished; a
finished run is compared with the undisturbed one, and everything begins anew. Processes are forked from one in which
the kernels are loaded: it takes a fiftieth of a second to start one.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import measuring, zipf

CHECKPOINT_EVERY = 0.1  # seconds
KEPT = (".lock", ".hashes.json", "progress.json")  # in the directory of a run
LAST_STAGE = "last-stage"  # in the folder of the soak: what --until was
POLL = 0.0005  # seconds
MOMENTS = 0.004  # seconds, mean, between the beginning of what is aimed at and the kill
TIMES = {"seconds", "tokens_per_second", "words_per_second", "validation_seconds"}  # what differs in every run


SETTINGS = """
[corpus]
source = "{folder}/text.txt"
[vocabulary]
min_count = 1
[train]
dimension = 32
epochs = 4
threads = 1
[checkpoint]
every = {every}
[evaluate]
data = ["{folder}/similar.txt"]
[export]
formats = ["word2vec-binary", "parquet"]
[lm]
max_vocabulary = 300
[lm_network]
hidden_size = 16
[lm_training]
epochs = 2
"""


def prepare(folder: Path, megabytes: float, seed: int, until: str) -> None:
    """Write a text, an evaluation set and settings."""
    (folder / LAST_STAGE).write_text(until)
    zipf.write(folder / "text.txt", megabytes, types=3000, seed=seed)
    (folder / "similar.txt").write_text(
        "".join(f"ba\t{word}\t{score}\n" for score, word in enumerate(["be", "bi", "bo"]))
    )
    (folder / "pipeline.toml").write_text(SETTINGS.format(folder=folder, every=CHECKPOINT_EVERY))


def commands(folder: Path, root: Path) -> list[list[str]]:
    """Word vectors alone, in a directory that appears when it is finished; then all stages, in one that stays."""
    vectors = (
        f"train-embeddings {folder}/text.txt --out {root}/vectors --dimension 32 --epochs 2 --threads 1 "
        f"--skip-finished --checkpoint-every {CHECKPOINT_EVERY}"
    )
    until = (folder / LAST_STAGE).read_text()
    return [vectors.split(), f"run {folder}/pipeline.toml --out {root}/run --until {until}".split()]


def run_pipeline(folder: Path, root: Path) -> None:
    """Run all commands in this process."""
    from pipelines.cli import main

    for command in commands(folder, root):
        try:
            main(command)
        except SystemExit as end:
            if end.code:
                raise


def save_often() -> None:
    """Have both trainings write checkpoints several times a second."""
    from embeddings import training

    training.MAX_TIME_SHARE = math.inf
    training.Checkpointing.__new__.__defaults__ = (CHECKPOINT_EVERY,)


def begin(folder: Path, root: Path, log: Path) -> int:
    """Fork a process that runs the pipeline; return its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 99  # of an error that no command should let pass
    with contextlib.suppress(BaseException):
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        try:
            run_pipeline(folder, root)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    os._exit(code)


def stage_at(root: Path) -> str:
    """What a process is doing, by the names of what it has begun and not finished."""
    try:
        for place in sorted(root.glob(".vectors.*")):
            if place.name.endswith(".removed"):
                return "vectors: removing the work"
            return f"vectors: {_stage_in(place)}"
        if (root / "run").exists():
            return f"run: {_stage_in(root / 'run')}"
    except FileNotFoundError:
        return "between stages"
    return "starting"


def _stage_in(place: Path) -> str:
    if any(place.glob(".*.checkpoint-*/.*.partial")):
        return "writing a checkpoint"
    begun = sorted(path.name for path in place.glob(".*.partial") if path.is_dir())
    return begun[0].strip(".").removesuffix(".partial").removesuffix(".partial") if begun else "between stages"


@dataclass
class Soak:
    """What was done, and what came of it."""

    folder: Path
    root: Path
    log: Path
    random: random.Random
    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    finished: int = 0
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)  # when each begins in an undisturbed run, in order
    reached: str = ""

    def undisturbed(self) -> None:
        """Run to the end."""
        pid, start = begin(self.folder, self.root, self.log), time.monotonic()
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            self.stages.setdefault(stage_at(self.root), time.monotonic() - start)
            time.sleep(POLL)
        self.seconds = self.seconds or time.monotonic() - start

    def disturbed(self) -> bool:
        """Run until a kill or, if it comes first, the end; return whether it was the end."""
        begun = self.stages.get(self.reached, 0.0)
        rarest = min(self.kills[stage] for stage in self.stages)
        aims = [stage for stage, second in self.stages.items() if second >= begun and self.kills[stage] <= rarest + 1]
        if not aims:  # what is left has had its share
            self.undisturbed()
            self.reached = ""
            return True
        aim = self.random.choice(aims) if self.random.random() < 0.5 else None
        pid, start, before = begin(self.folder, self.root, self.log), time.monotonic(), ""
        deadline = start + self.random.random() * (self.seconds - begun) if aim is None else float("inf")
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            stage, now = stage_at(self.root), time.monotonic()
            if stage == aim != before:
                deadline = min(deadline, now + self.random.expovariate(1 / MOMENTS))
            before = stage
            if now >= deadline:
                os.kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                self.reached = stage_at(self.root)
                if os.WIFSIGNALED(status):
                    self.kills[self.reached] += 1
                return not os.WIFSIGNALED(status)
            time.sleep(POLL)
        self.reached = ""
        return True


def contents(root: Path, strict: bool = True) -> dict[str, str]:
    """SHA-256 of every output; of JSON without what is different in every run, or as it is if it is damaged."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(_lasting(path, strict)).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in (*KEPT, "manifest.json")
    }


def _lasting(path: Path, strict: bool) -> bytes:
    if path.parent.name in ("report", "logs"):  # tell how long everything took
        return b""
    if path.suffix not in (".json", ".jsonl"):
        return path.read_bytes()
    text = path.read_text("utf-8")
    try:
        values = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)
    except ValueError:
        if strict:
            raise
        return text.encode()
    return json.dumps(_without_times(values)).encode()


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(entry) for key, entry in value.items() if key not in TIMES}
    return [_without_times(entry) for entry in value] if isinstance(value, list) else value


def leftovers(*folders: Path) -> list[str]:
    """Hidden and temporary files and folders that nobody needs any more."""
    found: Iterable[Path] = (path for folder in folders for path in folder.rglob("*"))
    hidden = [path.name for path in found if path.name.startswith(".") and path.name not in KEPT]
    return hidden + [path.name for path in folders[-1].iterdir()]


def soak(folder: Path, kills: int, seed: int, megabytes: float, until: str) -> dict[str, Any]:
    """Kill so many times in `folder`; return the record of it.

    Raises
    ------
    AssertionError
        Something was lost, left over or not the same.
    """
    temporary = folder / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = str(temporary)
    tempfile.tempdir = None
    prepare(folder, megabytes, seed, until)
    save_often()
    with contextlib.redirect_stdout(None), (folder / "first.log").open("w") as log, contextlib.redirect_stderr(log):
        run_pipeline(folder, folder / "first")  # loads and, once, compiles the kernels
    run = Soak(folder, folder / "runs", folder / "log", random.Random(seed))
    run.root.mkdir()
    run.undisturbed()
    expected = contents(folder / "first")
    compare(run, expected, temporary)
    start = time.monotonic()
    while sum(run.kills.values()) < kills:
        if run.disturbed():
            compare(run, expected, temporary)
    run.undisturbed()
    compare(run, expected, temporary)
    return {
        "kills": sum(run.kills.values()),
        "finished runs compared": run.finished,
        "seconds of an undisturbed run": round(run.seconds, 2),
        "seconds": round(time.monotonic() - start, 1),
        "killed while": dict(run.kills.most_common()),
    }


def compare(run: Soak, expected: dict[str, str], temporary: Path) -> None:
    """Require that a finished run is the undisturbed one and has left nothing; clear the way for the next."""
    assert run.root.is_dir(), "nothing was made"
    found = contents(run.root)
    different = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    log = run.log.read_text("utf-8")[-500:]
    assert not different, f"not the same as in the undisturbed run: {different}\n{log}"
    assert not leftovers(run.root, temporary), f"left over: {leftovers(run.root, temporary)}\n{log}"
    assert "unexpected" not in log, log
    run.finished += 1
    run.log.write_text("")
    shutil.rmtree(run.root)
    run.root.mkdir()


def main() -> None:
    """Run the soak and print its record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=float, default=0.12, help="of text")
    parser.add_argument("--until", default="report", help="last stage of vecmill run", metavar="STAGE")
    parser.add_argument("--json", action="store_true", help="print one JSON object, write no results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        record = soak(Path(name), options.kills, options.seed, options.megabytes, options.until)
    if options.json:
        print(json.dumps(record))
        return
    rows = [{"killed while": stage, "times": times} for stage, times in record["killed while"].items()]
    notes = [
        f"{record['kills']} kills, {record['finished runs compared']} finished runs, each bit for bit the undisturbed "
        "one and without leftovers",
        f"an undisturbed run takes {record['seconds of an undisturbed run']} s; all took {record['seconds']} s",
    ]
    measuring.write_results("kills", "Killed at random moments", rows, notes)


if __name__ == "__main__":
    # one thread each, and libraries read this when they are imported
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.environ |= {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.kills", *sys.argv[1:]])
    main()
