"""Kill both pipelines at random moments, again and again; then let them finish and compare with an undisturbed run.

    python -m benchmarks.kills [--kills 200] [--seed 1]

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
POLL = 0.0005  # seconds
MOMENTS = 0.004  # seconds, mean, between the beginning of what is aimed at and the kill
TIMES = {"seconds", "tokens_per_second", "words_per_second", "validation_seconds"}  # what differs in every run


def commands(text: Path, root: Path) -> list[list[str]]:
    """The pipeline: word vectors, then a language model on them; one thread each."""
    vectors = f"train-embeddings {text} --out {root}/vectors --min-count 1 --dimension 32 --epochs 4 --threads 1"
    model = (
        f"train-lm {text} --out {root}/model --embeddings {root}/vectors --hidden-size 16 --epochs 2 --bptt 70 "
        "--max-vocabulary 300"
    )
    return [[*command.split(), "--skip-finished"] for command in (vectors, model)]


def run_pipeline(text: Path, root: Path) -> None:
    """Run all commands in this process."""
    from pipelines.cli import main

    for command in commands(text, root):
        try:
            main(command)
        except SystemExit as end:
            if end.code:
                raise


def save_often() -> None:
    """Have both trainings write checkpoints several times a second."""
    from embeddings.recurrent.lm_trainer import LMTrainer
    from embeddings.word2vec.trainer import Checkpointing

    Checkpointing.__new__.__defaults__ = (CHECKPOINT_EVERY,)
    LMTrainer.__init__.__kwdefaults__["checkpoint_seconds"] = CHECKPOINT_EVERY


def begin(text: Path, root: Path, log: Path) -> int:
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
            run_pipeline(text, root)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    os._exit(code)


def stage_at(root: Path) -> str:
    """What a process is doing, by the names of what it has begun and not finished."""
    try:
        works = sorted(path for path in root.iterdir() if path.name.startswith("."))
        for work in works:
            name = work.name.split(".")[1]
            if work.name.endswith(".removed"):
                return f"{name}: removing the work"
            begun = sorted(path.name for path in work.glob(".*.partial"))
            if any(work.glob(".*.checkpoint-*/.*.partial")):
                return f"{name}: writing a checkpoint"
            if begun:
                return f"{name}: {begun[0].strip('.').removesuffix('.partial').removesuffix('.partial')}"
            return f"{name}: between stages"
        finished = sorted(path.name for path in root.iterdir())
    except FileNotFoundError:
        return "between stages"
    return f"after {finished[-1]}" if finished else "starting"


@dataclass
class Soak:
    """What was done, and what came of it."""

    text: Path
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
        pid, start = begin(self.text, self.root, self.log), time.monotonic()
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            self.stages.setdefault(stage_at(self.root), time.monotonic() - start)
            time.sleep(POLL)
        self.seconds = self.seconds or time.monotonic() - start

    def disturbed(self) -> bool:
        """Run until a kill or, if it comes first, the end; return whether it was the end."""
        pid, start, before = begin(self.text, self.root, self.log), time.monotonic(), ""
        begun = self.stages.get(self.reached, 0.0)
        aims = [stage for stage, second in self.stages.items() if second >= begun]
        aim = self.random.choice(aims) if self.random.random() < 0.5 else None
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


def contents(root: Path) -> dict[str, str]:
    """SHA-256 of every output; of JSON without what is different in every run."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(_lasting(path)).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def _lasting(path: Path) -> bytes:
    if path.suffix not in (".json", ".jsonl"):
        return path.read_bytes()
    text = path.read_text("utf-8")
    values = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)
    return json.dumps(_without_times(values)).encode()


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(entry) for key, entry in value.items() if key not in TIMES}
    return [_without_times(entry) for entry in value] if isinstance(value, list) else value


def leftovers(*folders: Path) -> list[str]:
    """Hidden and temporary files and folders that nobody needs any more."""
    found: Iterable[Path] = (path for folder in folders for path in folder.rglob("*"))
    hidden = [path.name for path in found if path.name.startswith(".") or path.suffix in (".partial", ".tmp")]
    return hidden + [path.name for path in folders[-1].iterdir()]


def soak(folder: Path, kills: int, seed: int, megabytes: float) -> dict[str, Any]:
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
    text = zipf.write(folder / "text.txt", megabytes, types=3000, seed=seed)
    save_often()
    with contextlib.redirect_stdout(None), (folder / "first.log").open("w") as log, contextlib.redirect_stderr(log):
        run_pipeline(text, folder / "first")  # loads and, once, compiles the kernels
    run = Soak(text, folder / "runs", folder / "log", random.Random(seed))
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
    parser.add_argument("--json", action="store_true", help="print one JSON object, write no results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        record = soak(Path(name), options.kills, options.seed, options.megabytes)
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
