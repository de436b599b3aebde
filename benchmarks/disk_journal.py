"""What a program does to a directory, and what a power cut at any moment of it could leave on the disk.

The model is that of file systems with a journal, at their worst. Creations, renames and removals reach the disk in
their order; the flush of a directory takes along what was done before. Others may or may not have happened, any of
them. Of the content of a file, nothing is certain but what was flushed: the rest may be lost, cut short, or zeros.
"""

import contextlib
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock


class Link(NamedTuple):
    """A file or directory gets a name, and loses another one if it had one; no name in place of None: it is removed."""

    node: int
    old: tuple[int, str] | None
    new: tuple[int, str] | None


class Written(NamedTuple):
    """A file has another content."""

    node: int
    content: bytes


class Flushed(NamedTuple):
    """A file or directory is on the disk."""

    node: int


Event = Link | Written | Flushed
CONTENTS: dict[str, Callable[[bytes], bytes]] = {  # of a file that was written to since its last flush
    "lost": lambda _: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "all there": lambda content: content,
}


class Journal:
    """Records what happens below a directory: names, contents and flushes.

    Files are read whenever this process flushes, renames or removes something there, so that it does not
    matter how they were written: also memory maps and compiled code count.

    Parameters
    ----------
    root : Path
        A directory; what is in it counts as on the disk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[Event] = []
        self.points: list[int] = []  # numbers of events between which the power may be cut
        self._lock = threading.RLock()
        self._numbers: dict[int, int] = {root.stat().st_ino: 0}  # of inodes; those of removed files are given again
        self._children: dict[int, dict[str, int]] = {0: {}}
        self._contents: dict[int, bytes] = {}
        self._count = 1
        self._look()
        self.start = len(self.events)

    def _look(self) -> None:
        """Record what has changed since the last look."""
        for folder, directories, files in os.walk(self.root):
            parent = self._number(Path(folder))
            for name in sorted(directories) + sorted(files):
                path = Path(folder, name)
                if name not in self._children[parent]:
                    self._created(path, parent, name)
                number = self._children[parent][name]
                if number not in self._children:
                    with contextlib.suppress(FileNotFoundError):  # removed by another thread
                        self._written(number, path.read_bytes())
        self.points.append(len(self.events))

    def _number(self, path: Path) -> int:
        return self._numbers[path.stat().st_ino]

    def _created(self, path: Path, parent: int, name: str) -> None:
        number, self._count = self._count, self._count + 1
        self._numbers[path.stat().st_ino] = self._children[parent][name] = number
        if path.is_dir():
            self._children[number] = {}
        self.events.append(Link(number, None, (parent, name)))

    def _written(self, number: int, content: bytes) -> None:
        if self._contents.get(number) != content:
            self._contents[number] = content
            self.events.append(Written(number, content))

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record what this process does."""
        calls: dict[str, tuple[Callable[..., None], int]] = {  # what records a call, and how many paths it takes
            "fsync": (self._flushed, 1),
            "fdatasync": (self._flushed, 1),
            "rename": (self._renamed, 2),
            "replace": (self._renamed, 2),
            "unlink": (self._removed, 1),
            "remove": (self._removed, 1),
            "rmdir": (self._removed, 1),
        }
        with contextlib.ExitStack() as patches:
            for name, (record, paths) in calls.items():
                patches.enter_context(mock.patch.object(os, name, self._watched(getattr(os, name), record, paths)))
            yield
        self._look()

    def _watched(self, call: Callable[..., Any], record: Callable[..., None], paths: int) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                self._look()
                places = [self._place(argument, **options) for argument in arguments[:paths]]
                result = call(*arguments, **options)
                if any(places):
                    record(*places)
                return result

        return watched

    def _place(self, argument: Any, *, dir_fd: int | None = None, **_: Any) -> Path | None:
        """Return the path of a file, or of one that is open, if it is in the directory."""
        if isinstance(argument, int):
            argument = Path(f"/proc/self/fd/{argument}").readlink()
        folder = Path.cwd() if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
        path = folder / os.fsdecode(argument)
        return path if self.root in (path, *path.parents) else None

    def _flushed(self, path: Path) -> None:
        self.events.append(Flushed(self._number(path)))

    def _renamed(self, old: Path, new: Path) -> None:
        parents = self._number(old.parent), self._number(new.parent)
        number = self._children[parents[0]].pop(old.name)
        self._children[parents[1]][new.name] = number
        self.events.append(Link(number, (parents[0], old.name), (parents[1], new.name)))

    def _removed(self, path: Path) -> None:
        parent = self._number(path.parent)
        number = self._children[parent].pop(path.name)
        self.events.append(Link(number, (parent, path.name), None))


@dataclass
class Disk:
    """What is on a disk: the names in every directory, and the contents of files.

    Attributes
    ----------
    names : dict
        Number of each file and directory by that of its directory and its name.
    flushed, written : dict
        Contents of files by number: as last flushed, and as last written.
    pending : list of Link
        Names that were changed, in order, and may not have reached the disk.
    """

    names: dict[tuple[int, str], int] = field(default_factory=dict)
    flushed: dict[int, bytes] = field(default_factory=dict)
    written: dict[int, bytes] = field(default_factory=dict)
    pending: list[Link] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Go on by one event."""
        if isinstance(event, Written):
            self.written[event.node] = event.content
        elif isinstance(event, Link):
            self.pending.append(event)
        elif event.node in self.written:
            self.flushed[event.node] = self.written[event.node]
        else:
            places = [place for place, link in enumerate(self.pending) if event.node in _directories(link)]
            count = places[-1] + 1 if places else 0
            for link in self.pending[:count]:
                _apply(self.names, link)
            del self.pending[:count]

    def settle(self) -> None:
        """Take all to be on the disk."""
        for link in self.pending:
            _apply(self.names, link)
        self.pending.clear()
        self.flushed |= self.written

    def after_a_cut(self, names: str, contents: str, draw: random.Random) -> dict[str, bytes | None]:
        """Return the files that a power cut leaves: the content by path, None for a directory.

        Parameters
        ----------
        names : {"none", "all", "some"}
            Which of the pending changes of names have happened; "some" draws each.
        contents : str
            One of `CONTENTS`, or "mixed": drawn for each file.
        draw : random.Random

        Returns
        -------
        dict of str to bytes or None
        """
        found = dict(self.names)
        for link in self.pending:
            if names == "all" or (names == "some" and draw.random() < 0.5):
                _apply(found, link)
        kinds = {number: draw.choice([*CONTENTS]) if contents == "mixed" else contents for number in self.written}
        return dict(self._tree(found, 0, "", kinds))

    def _tree(
        self, names: dict[tuple[int, str], int], number: int, path: str, kinds: dict[int, str]
    ) -> Iterator[tuple[str, bytes | None]]:
        for (parent, name), child in names.items():
            if parent == number:
                here = f"{path}/{name}".lstrip("/")
                if child in self.written:
                    yield here, self._content(child, kinds[child])
                else:
                    yield here, None
                    yield from self._tree(names, child, here, kinds)

    def _content(self, number: int, kind: str) -> bytes:
        written, flushed = self.written[number], self.flushed.get(number)
        if written == flushed:
            return written
        return flushed if flushed is not None and kind == "lost" else CONTENTS[kind](written)


def _directories(link: Link) -> tuple[int, ...]:
    return tuple(place[0] for place in (link.old, link.new) if place)


def _apply(names: dict[tuple[int, str], int], link: Link) -> None:
    """Change a name, if what has it is there."""
    if link.old and names.get(link.old) != link.node:
        return
    if link.old:
        del names[link.old]
    if link.new:
        names[link.new] = link.node


def lay_out(root: Path, files: dict[str, bytes | None]) -> None:
    """Replace the content of a directory by files, as `Disk.after_a_cut` returns them."""
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, content in files.items():
        if content is None:
            (root / name).mkdir(parents=True, exist_ok=True)
        else:
            (root / name).write_bytes(content)
