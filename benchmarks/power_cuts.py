"""Cut the power at every point of a command, on a replayed file system; then repeat the command.

    python -m benchmarks.power_cuts [--states 300] [--commands train-embeddings,train-lm] [--seed 1]

A run is recorded: every name, every content, every flush below its directory (`benchmarks.disk_journal`). Between any
two of these events the power may be cut; the directory is then laid out as the disk could have it, with more or less of
what was not flushed. What has a final name must be whole; the same command must end with the files of an undisturbed
run, bit for bit, or with one line that says what is damaged.
"""

import argparse
import collections
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import measuring
from benchmarks.disk_journal import CONTENTS, Disk, Journal, lay_out
from benchmarks.injected_failures import COMMANDS, Lab, complaint

NAMES = ("none", "all", "some")
DEFAULT = "train-embeddings,train-embeddings --force,train-lm,run,export .txt,convert .npz,convert projector"


class Cut(NamedTuple):
    """A point, and how much of what was not flushed by then is on the disk."""

    point: int
    names: str
    contents: str


def record(lab: Lab, command: str) -> Journal:
    """Run a command undisturbed, record what it does, and keep what its files are."""
    lab.clear()
    lab.begin(command)
    journal = Journal(lab.place)
    with journal.recording():
        lab.here(lab.arguments(command))
    lab.expected[command] = lab.contents()
    return journal


def cuts(points: Sequence[int], count: int, draw: random.Random) -> list[Cut]:
    """Return `count` cuts, spread evenly over the points; or all kinds of cut at every point, if these are fewer."""
    kinds = [(names, contents) for names in NAMES for contents in (*CONTENTS, "mixed")]
    every = [Cut(point, *kind) for point in sorted(set(points)) for kind in kinds]
    step = max(len(every) / count, 1)
    chosen = {int(step * place + draw.random() * step) for place in range(min(count, len(every)))}
    return [every[place] for place in sorted(chosen) if place < len(every)]


def states(journal: Journal, chosen: Sequence[Cut], draw: random.Random) -> Iterator[tuple[Cut, dict[str, Any]]]:
    """Yield what each cut leaves; cuts with the same result as one before are left out."""
    disk, done, seen = Disk(), 0, set()
    for event in journal.events[: journal.start]:
        disk.take(event)
    disk.settle()
    done = journal.start
    for cut in chosen:
        for event in journal.events[done : cut.point]:
            disk.take(event)
        done = max(done, cut.point)
        left = disk.after_a_cut(cut.names, cut.contents, draw)
        key = hash(tuple(sorted(left.items(), key=lambda entry: entry[0])))
        if key not in seen:
            seen.add(key)
            yield cut, left


def fault(lab: Lab, command: str) -> tuple[str, str]:
    """Repeat a command after a cut; return how it ended and what was wrong, "" if nothing was."""
    if half := _half_written(lab, command):
        return "failure", half
    outcome = lab.run(command)
    if wrong := complaint(outcome):
        return "failure", wrong
    if outcome.code:
        return "line", ""
    return "right", lab.difference(command)


def _half_written(lab: Lab, command: str) -> str:
    """Return the files that have a final name and another content; of a run, its stages are looked at by itself."""
    if command == "run":
        return ""
    old = lab.expected.get(f"before {command}", {})
    found, expected = lab.contents(strict=False), lab.expected[command]
    final = {name: digest for name, digest in found.items() if not any(part[0] == "." for part in Path(name).parts)}
    wrong = sorted(name for name, digest in final.items() if digest not in (expected.get(name), old.get(name)))
    folders = {name.split("/")[0] for name in final if "/" in name}
    missing = sorted(name for name in expected if name.split("/")[0] in folders and name not in final)
    return f"half-written under a final name: {wrong or missing}" if wrong or missing else ""


def cut_power(folder: Path, commands: Sequence[str], count: int, seed: int) -> dict[str, Any]:
    """Cut the power in every command; return counts and what went wrong."""
    lab, draw = Lab(folder), random.Random(seed)
    lab.prepare(commands)
    rows, wrong = [], []
    for command in commands:
        lab.clear()
        lab.begin(command)
        lab.expected[f"before {command}"] = lab.contents()
        journal = record(lab, command)
        counts: collections.Counter[str] = collections.Counter()
        points = [point for point in journal.points if point >= journal.start]
        for cut, left in states(journal, cuts(points, count, draw), draw):
            lay_out(lab.place, left)
            how, what = fault(lab, command)
            counts["failure" if what else how] += 1
            if what:
                wrong.append({"command": command, **cut._asdict(), "what": what})
                print(json.dumps(wrong[-1]), file=sys.stderr, flush=True)
        rows.append(
            {
                "command": command,
                "points": len(set(points)),
                "states": counts.total(),
                "ended right": counts["right"],
                "one clear line": counts["line"],
                "failures": counts["failure"],
            }
        )
    return {"rows": rows, "wrong": wrong}


def main() -> None:
    """Cut the power and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--states", type=int, default=300, help="of each command")
    parser.add_argument(
        "--commands", default=DEFAULT, help=f"separated by commas: {', '.join(COMMANDS)}", metavar="NAMES"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object, write no results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = cut_power(Path(name), options.commands.split(","), options.states, options.seed)
    if options.json:
        print(json.dumps(found))
        return
    notes = [f"{sum(row['states'] for row in found['rows'])} states after a power cut, seed {options.seed}"]
    for entry in found["wrong"]:
        cut = Cut(entry["point"], entry["names"], entry["contents"])
        notes.append(f"{entry['command']}: {cut}: {entry['what']}")
    measuring.write_results("power_cuts", "Power cuts", found["rows"], notes)


if __name__ == "__main__":
    # one thread each, and libraries read this when they are imported
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.environ |= {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.power_cuts", *sys.argv[1:]])
    main()
