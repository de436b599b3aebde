"""Let single system calls of commands fail; then repeat the command and compare with an undisturbed run.

    python -m benchmarks.injected_failures [--cases 6] [--commands run,export] [--seed 1]

strace makes one call in the directory of the command fail: a write, a flush, a rename. The command must end with the
right files nevertheless, or with one line that says what failed; the same command, given again, must then end with the
files of an undisturbed run, bit for bit, and leave nothing else. Needs Linux, strace, and the right to trace.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import kills, measuring

CALLS = {
    "write": ("write", "pwrite64", "writev"),
    "fsync": ("fsync",),
    "rename": ("rename",),
    "mkdir": ("mkdir",),
    "unlink": ("unlink", "unlinkat", "rmdir"),
    "openat": ("openat",),
    "read": ("read", "pread64"),
    "lseek": ("lseek",),
    "ftruncate": ("ftruncate",),
    "close": ("close",),
}
ERRORS = {
    "write": ("ENOSPC", "EIO"),
    "fsync": ("ENOSPC", "EIO"),
    "rename": ("ENOSPC", "EIO"),
    "mkdir": ("ENOSPC", "EACCES"),
    "unlink": ("EIO", "EACCES"),
    "openat": ("EMFILE", "EACCES", "ENOSPC"),
    "read": ("EIO",),
    "lseek": ("EIO",),
    "ftruncate": ("EIO",),
    "close": ("EIO",),
}
COMMANDS = {
    "run": "run {folder}/pipeline.toml --out {place}/run --until {until}",
    "train-embeddings": "train-embeddings {folder}/text.txt --out {place}/v --dimension 16 --epochs 2 --threads 1 "
    "--skip-finished",
    "train-embeddings --force": "train-embeddings {folder}/text.txt --out {place}/v --dimension 16 --epochs 2 "
    "--threads 1 --force",
    "train-embeddings --history": "train-embeddings {folder}/text.txt --out {place}/h --dimension 8 --epochs 2 "
    "--threads 1 --history 4 --skip-finished",
    "train-glove": "train-glove {folder}/text.txt --out {place}/g --dimension 8 --epochs 2 --min-count 1 --threads 1 "
    "--skip-finished",
    "train-lm": "train-lm {folder}/text.txt --out {place}/lm --epochs 1 --hidden-size 8 --max-vocabulary 50 "
    "--min-count 1 --threads 1 --skip-finished",
    "export .txt": "export {folder}/model --out {place}/v.txt --force",
    "export .csv.gz": "export {folder}/model --out {place}/v.csv.gz --force",
    "export .arrow": "export {folder}/model --out {place}/v.arrow --force",
    "export .bin": "export {folder}/model --out {place}/v.bin --force",
    "export int8": "export {folder}/model --out {place}/small --quantize int8 --force",
    "export static-embedding": "export {folder}/model --out {place}/static --format static-embedding --force",
    "export spacy": "export {folder}/model --out {place}/spacy --format spacy --force",
    "export .txt.zst": "export {folder}/model --out {place}/v.txt.zst --force",
    "export --prefix": "export {folder}/model --out {place}/v.npz --prefix 4 --float16 --force",
    "export embedding-atlas": "export {folder}/model --out {place}/map.parquet --format embedding-atlas --prune 50 "
    "--force",
    "convert .npz": "convert {folder}/model {place}/v.npz --force",
    "convert .safetensors": "convert {folder}/model {place}/v.safetensors --force",
    "convert .parquet": "convert {folder}/model {place}/v.parquet --force",
    "convert projector": "convert {folder}/model {place}/projector --format projector --force",
    "export-lm .safetensors": "export-lm {folder}/lm --out {place}/m.safetensors --format safetensors --force",
    "export-lm .pt": "export-lm {folder}/lm --out {place}/m.pt --format torch --force",
    "train-count-based": "train-count-based {folder}/model --out {place}/c --dimension 4 --threads 1 --force",
    "train-documents": "train-documents {folder}/text.txt --out {place}/d --dimension 8 --epochs 1 --min-count 1 "
    "--threads 1 --force",
    "infer": "infer {folder}/d {folder}/text.txt --out {place}/i.npy --threads 1 --force",
    "ngram": "ngram {folder}/text.txt --out {place}/n.arpa --order 3 --threads 1 --force",
    "ngram .gz": "ngram {folder}/text.txt --out {place}/n.arpa.gz --order 3 --threads 1 --force",
    "align": "align {folder}/model {folder}/model --out {place}/a --force",
    "embed .npy": "embed {folder}/model {folder}/text.txt --out {place}/e.npy --force",
    "embed .csv": "embed {folder}/model {folder}/text.txt --out {place}/e.csv --force",
    "embed .parquet": "embed {folder}/model {folder}/text.txt --out {place}/e.parquet --force",
    "evaluate": "evaluate {folder}/model --data {folder}/similar.txt --out {place}/e.csv --force",
    "plot": "plot {folder}/model --out {place}/m.png --force",
    "init": "init --out {place}/p.toml",
    "phrases": "phrases {folder}/text.txt --min-count 1 --threshold 1 --out {place}/p.tsv --force",
    "walks": "walks {folder}/similar.txt --weight none --walks 2 --length 9 --threads 1 --out {place}/w.txt --force",
    "walks .gz": "walks {folder}/similar.txt --weight none --walks 2 --length 9 --threads 1 --out {place}/w.txt.gz "
    "--force",
    "search": "search {folder}/model {folder}/text.txt ba --index {place}/t.index --force",
    "map": "map {folder}/model --method pca --words 100 --out {place}/m.html --force",
    "map --history": "map {folder}/h --history --out {place}/h.html --force",
    "tune-lm": "tune-lm {place}/lm {folder}/text.txt --no-dynamic --cache 20",
    "batch": "batch {folder}/jobs.toml --out {place}/jobs --jobs 1",
}
JOBS = """
[base.corpus]
source = "{folder}/text.txt"
[base.vocabulary]
min_count = 1
[base.train]
epochs = 1
threads = 1
[grid]
train.dimension = [8, 16]
"""
TIMED = ("logs", "summary.csv", "summary.parquet", "history.safetensors")  # they tell times, or depend on the clock
READ = {
    "tune-lm": ("train-lm", "lm"),
    "export-lm .safetensors": ("train-lm", "lm"),
    "export-lm .pt": ("train-lm", "lm"),
    "infer": ("train-documents", "d"),
    "map --history": ("train-embeddings --history", "h"),
}
PATIENCE = 120  # seconds until a command is taken to hang
RESUMABLE = (
    "run",
    "train-embeddings",
    "train-embeddings --force",
    "train-embeddings --history",
    "train-glove",
    "train-count-based",
    "train-lm",
    "train-documents",
    "batch",
)


class Failure(NamedTuple):
    """The call of a thread, by its number from 1, that fails, and how."""

    call: str
    error: str
    number: int


class Outcome(NamedTuple):
    """Exit code (negative for a signal, None for a hang) and output of a command."""

    code: int | None
    log: str


@dataclass
class Lab:
    """A folder with what commands read, and a place that they write."""

    folder: Path
    until: str = "train-lm"
    expected: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """The place; empty at the start of every case."""
        return self.folder / "place"

    @property
    def temporary(self) -> Path:
        """The directory of temporary files."""
        return self.folder / "tmp"

    def prepare(self, commands: Sequence[str]) -> None:
        """Write a text, settings and a model; load, and once compile, what the commands need."""
        self.temporary.mkdir()
        os.environ["TMPDIR"] = str(self.temporary)
        tempfile.tempdir = None
        kills.prepare(self.folder, 0.03, 1, self.until)
        (self.folder / "jobs.toml").write_text(JOBS.format(folder=self.folder))
        kills.save_often()
        self.clear()
        self.here(self.arguments("train-embeddings"))
        (self.place / "v").rename(self.folder / "model")
        for maker, made in {READ[command] for command in commands if command in READ}:
            self.clear()
            self.here(self.arguments(maker))
            (self.place / made).rename(self.folder / made)
        for command in commands:
            self.clear()
            self.begin(command)
            self.here(self.arguments(command))

    def arguments(self, command: str) -> list[str]:
        """Return the words of a command."""
        return COMMANDS[command].format(folder=self.folder, place=self.place, until=self.until).split()

    def here(self, arguments: Sequence[str]) -> None:
        """Run a command in this process."""
        from pipelines.cli import main

        with (
            (self.folder / "log").open("w") as log,
            contextlib.redirect_stderr(log),
            contextlib.redirect_stdout(log),
            contextlib.suppress(SystemExit),
        ):
            main(arguments)

    def clear(self) -> None:
        """Empty the place."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()

    def run(self, command: str, *tracing: str, meanwhile: Callable[[int], None] | None = None) -> Outcome:
        """Run a command in a process of its own, traced if options of strace are given.

        `meanwhile` is called with the number of the process.
        """
        log = self.folder / "log"
        log.write_text("")
        pid = os.fork()
        if not pid:
            self._child(command, log)
        os.waitpid(pid, os.WUNTRACED)
        tracer = _attach(pid, tracing) if tracing else None
        os.kill(pid, signal.SIGCONT)
        if meanwhile:
            meanwhile(pid)
        deadline, code = time.monotonic() + PATIENCE, None
        while code is None and time.monotonic() < deadline:
            ended, status = os.waitpid(pid, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if ended else None
            time.sleep(0.002)
        if code is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if tracer:
            tracer.wait()
        return Outcome(code, log.read_text("utf-8", "replace"))

    def _child(self, command: str, log: Path) -> None:
        code = 99
        with contextlib.suppress(BaseException):
            output = os.open(log, os.O_WRONLY | os.O_APPEND)
            os.dup2(output, 1)
            os.dup2(output, 2)
            from pipelines.cli import main
            from pipelines.console.interruption import run_interruptibly

            def run() -> None:
                os.kill(os.getpid(), signal.SIGSTOP)  # until the parent is ready
                main(self.arguments(command))

            try:
                run_interruptibly(run)
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        os._exit(code)

    def calls(self, command: str) -> dict[str, list[int]]:
        """Run a command undisturbed; return the numbers of its calls in the folder, by call, and keep its files."""
        trace = self.trace(command)
        self.expected[command] = self.contents()
        return numbers_of_calls(trace, f"{self.folder}/", f"{self.folder}/log")

    def expect(self, command: str) -> None:
        """Run a command undisturbed and keep what its files are."""
        self.clear()
        self.begin(command)
        outcome = self.run(command)
        assert outcome.code == 0, outcome.log
        self.expected[command] = self.contents()

    def trace(self, command: str) -> list[str]:
        """Run a command undisturbed in an empty place; return its calls as strace writes them."""
        self.clear()
        self.begin(command)
        record = self.folder / "trace"
        outcome = self.run(command, "-y", "-e", f"trace={_names(CALLS)}", "-o", str(record))
        assert outcome.code == 0, outcome.log
        return record.read_text("utf-8", "replace").splitlines()

    def fault(self, command: str, failure: Failure) -> str | None:
        """Run a command in which one call fails, then repeat it; return what went wrong, "" if nothing did.

        None if the call was not made this time.
        """
        self.clear()
        self.begin(command)
        record = self.folder / "trace"
        injected = f"inject={failure.call}:error={failure.error}:when={failure.number}"
        first = self.run(command, "-e", f"trace={failure.call}", "-e", injected, "-o", str(record))
        if "(INJECTED)" not in record.read_text("utf-8", "replace"):
            return None
        self.ended = "right" if first.code == 0 else "line"
        wrong = complaint(first, processes=command == "batch") or (
            "" if first.code or command in RESUMABLE else self.difference(command)
        )
        if first.code and command not in RESUMABLE and (left := self._left(command)):
            return f"left over: {left}"
        if wrong:
            return wrong
        if first.code or command in RESUMABLE:
            second = self.run(command)
            if second.code:
                return f"the repeated command failed: {second.log[-300:]}; at first: {first.log[-300:]}"
            return self.difference(command)
        return ""

    def contents(self, strict: bool = True) -> dict[str, str]:
        """Return the SHA-256 of every file in the place that is the same in every run.

        Files of JSON that cannot be read are an error, or count as they are if not `strict`.
        """
        found = kills.contents(self.place, strict)
        return {name: digest for name, digest in found.items() if not {*Path(name).parts} & {*TIMED}}

    def begin(self, command: str) -> None:
        """Give a command what it is to replace or to change."""
        if command == "tune-lm":
            shutil.copytree(self.folder / "lm", self.place / "lm")
        if command.endswith("--force"):
            shutil.copytree(self.folder / "model", self.place / "v")

    def _left(self, command: str) -> list[str]:
        """Return files in the place that an undisturbed run does not leave."""
        return sorted(set(self.contents()) - set(self.expected[command])) + kills.leftovers(self.place, self.temporary)

    def difference(self, command: str) -> str:
        """Return how the place differs from that of an undisturbed run; "" if it does not."""
        found, expected = self.contents(), self.expected[command]
        different = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
        if different:
            return f"not the same as in an undisturbed run: {different}"
        left = kills.leftovers(self.place, self.temporary)
        for path in self.temporary.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return f"left over: {left}" if left else ""


def _names(calls: dict[str, tuple[str, ...]]) -> str:
    return ",".join(name for names in calls.values() for name in names)


def _attach(pid: int, options: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Trace a stopped process."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "signal=none", *options, "-p", str(pid)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while "TracerPid:\t0" in Path(f"/proc/{pid}/status").read_text() and tracer.poll() is None:
        time.sleep(0.001)
    time.sleep(0.01)
    return tracer


def numbers_of_calls(trace: Sequence[str], place: str, but: str) -> dict[str, list[int]]:
    """Return by call the numbers, within a thread, of the calls that name a path in `place` but one."""
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    found: dict[str, set[int]] = collections.defaultdict(set)
    for line in trace:
        if match := re.match(r"(\d+) +(\w+)\((.*)", line):
            thread, call, rest = match.groups()
            counts[thread, call] += 1
            if place in rest and but not in rest:
                found[call].add(counts[thread, call])
    return {call: sorted(numbers) for call, numbers in found.items()}


def names_before_contents(trace: Sequence[str], place: str) -> list[str]:
    """Return what a power cut could leave half-written: files that got a name before their content was on the disk.

    Hidden names do not count: they are those of files that are read again with care, or not at all.
    """
    unflushed: set[str] = set()
    found = []
    for line in trace:
        match = re.match(r"\d+ +(\w+)\((.*)", line)
        call, rest = match.groups() if match else ("", "")
        paths = [path for path in re.findall(r'[<"](/[^>"]*)[>"]', rest) if path.startswith(place)]
        if not paths or " = -1 " in rest:
            continue
        if call in (*CALLS["write"], "ftruncate"):
            unflushed.add(paths[0])
        elif call == "fsync":
            unflushed.discard(paths[0])
        elif call in CALLS["unlink"]:
            named = re.findall(r'"([^"]*)"', rest)[0]  # unlinkat takes a directory and a name in it
            unflushed.discard(str(Path(paths[0], named)))
        elif call == "rename":
            old, new = paths[:2]
            moved = {path for path in unflushed if path == old or path.startswith(f"{old}/")}
            if not Path(new).name.startswith("."):
                found += [f"{path} as {new}" for path in sorted(moved)]
            unflushed = (unflushed - moved) | {new + path[len(old) :] for path in moved}
    return found


def complaint(outcome: Outcome, processes: bool = False) -> str:
    """Return what is wrong with the end of a command; "" if it succeeded, or failed with one clear line.

    A command of several `processes`, in each of which a call may fail, may have several.
    """
    errors = [line for line in outcome.log.splitlines() if re.search('error: |Traceback|"level": "ERROR"', line)]
    if outcome.code is None:
        return "it hangs"
    if outcome.code < 0:
        return f"ended by signal {-outcome.code}: {outcome.log[-300:]}"
    if "Traceback" in outcome.log or "unexpected" in outcome.log or "xception ignored" in outcome.log:
        return f"no clear line: {outcome.log[-500:]}"
    if outcome.code and (not errors or (len(errors) > 1 and not processes)):
        return f"{len(errors)} lines for one error: {outcome.log[-500:]}"
    return ""


def failures(calls: dict[str, list[int]], cases: int, draw: random.Random) -> Iterator[tuple[str, Failure]]:
    """Yield kinds of calls and failures, at most `cases` for each call and error."""
    for kind, names in CALLS.items():
        for error in ERRORS[kind]:
            possible = [Failure(name, error, number) for name in names for number in calls.get(name, [])]
            for failure in sorted(draw.sample(possible, min(cases, len(possible)))):
                yield kind, failure


def inject(folder: Path, commands: Sequence[str], cases: int, seed: int, until: str = "train-lm") -> dict[str, Any]:
    """Try failures of every kind in commands; return counts and what went wrong."""
    lab, draw = Lab(folder, until), random.Random(seed)
    lab.prepare(commands)
    counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
    wrong = []
    for command in commands:
        for kind, failure in failures(lab.calls(command), cases, draw):
            fault = lab.fault(command, failure)
            if fault is None:
                continue
            counts[kind, failure.error, "failure" if fault else lab.ended] += 1
            if fault:
                wrong.append({"command": command, **failure._asdict(), "what": fault})
                print(json.dumps(wrong[-1]), file=sys.stderr, flush=True)
    rows = [
        {
            "system call": kind,
            "error": error,
            "cases": sum(counts[kind, error, end] for end in ("right", "line", "failure")),
            "ended right": counts[kind, error, "right"],
            "one clear line, right when repeated": counts[kind, error, "line"],
            "failures": counts[kind, error, "failure"],
        }
        for kind in CALLS
        for error in ERRORS[kind]
    ]
    return {"rows": [row for row in rows if row["cases"]], "wrong": wrong}


def count_names(commands: Sequence[str]) -> None:
    """Print for each command how many files got their name before their content was on the disk."""
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        lab.prepare(commands)
        for command in commands:
            found = names_before_contents(lab.trace(command), str(lab.place))
            print(f"{command}: {len(found)}")
            print("\n".join(found), file=sys.stderr)


def main() -> None:
    """Inject failures and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=6, help="of each call and error in each command")
    parser.add_argument("--commands", default=",".join(COMMANDS), help="separated by commas", metavar="NAMES")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", default="train-lm", help="last stage of vecmill run", metavar="STAGE")
    parser.add_argument("--json", action="store_true", help="print one JSON object, write no results")
    parser.add_argument("--names", action="store_true", help="count files named before they were flushed; no failures")
    options = parser.parse_args()
    if options.names:
        count_names(options.commands.split(","))
        return
    with tempfile.TemporaryDirectory() as name:
        found = inject(Path(name), options.commands.split(","), options.cases, options.seed, options.until)
    if options.json:
        print(json.dumps(found))
        return
    notes = [
        f"{sum(row['cases'] for row in found['rows'])} failures in the commands {options.commands}",
        *(f"{entry['command']}: {entry['call']} {entry['number']}: {entry['what']}" for entry in found["wrong"]),
    ]
    measuring.write_results("injected_failures", "Failures of system calls", found["rows"], notes)


if __name__ == "__main__":
    # one thread each, and libraries read this when they are imported
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.environ |= {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.injected_failures", *sys.argv[1:]])
    main()
