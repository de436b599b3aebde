"""What a stage was made from and what it made: `manifest.json`, the proof that nothing needs doing twice.

The *fingerprint* of a stage is a hash over its settings, the hashes of what it reads, the code and the libraries
that decide its result. The outputs are listed with their size and SHA-256, the same that `sha256sum` prints.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from vecmill.errors import VecmillError
from vecmill.files import file_digest, write_json

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MANIFEST_FILE = "manifest.json"
LIBRARIES = ("numpy", "numba", "nltk", "pyarrow")  # those that decide results


class ManifestError(VecmillError):
    """A manifest that is missing, damaged or of another format."""


@dataclass(frozen=True, kw_only=True)
class Basis:
    """Everything that decides the result of a stage.

    Attributes
    ----------
    stage
        Name of the stage.
    settings
        Settings that change the result, as JSON values.
    inputs
        Hash by name: of the outputs of earlier stages, and of what is read from outside.
    code
        Version of vecmill with a hash of the source files that decide the result (`pipelines.running.code_version`).
    libraries
        Versions of the libraries that decide results.
    """

    stage: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    code: str
    libraries: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all attributes."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def change_since(self, old: "Basis") -> str | None:
        """Return in words what differs from an older basis, or None."""
        for name in ("settings", "inputs", "libraries"):
            before, now = getattr(old, name), getattr(self, name)
            changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
            if changed:
                return f"{', '.join(changed)} changed"
        return "the code changed" if old.code != self.code else None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Record of one finished stage, written as the last file of its directory.

    Attributes
    ----------
    basis
        What the result was made from.
    outputs
        ``{relative path: {"bytes": size, "sha256": hex}}``.
    summary
        What the stage counted (tokens, words dropped, ...), for reports.
    cost
        ``started`` (UTC, ISO 8601), ``wall_seconds``, ``cpu_seconds``, ``peak_memory_bytes`` (of the
        process so far; 0 where the system does not say).
    machine
        Where it ran.
    history
        The manifests of all earlier stages that lead here, without their own histories.
    digest
        One hash that later stages depend on: over the names and hashes of all outputs, where the stage has nothing
        better (`pipelines.running.stage.Stage.digest`).
    """

    basis: Basis
    outputs: Mapping[str, Mapping[str, Any]]
    summary: Mapping[str, Any]
    cost: Mapping[str, Any]
    machine: Mapping[str, Any]
    history: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    digest: str = ""

    def __post_init__(self) -> None:
        if not self.digest:
            object.__setattr__(self, "digest", digest_of(self.outputs))

    @property
    def corpus(self) -> str | None:
        """Hash of the text that it was made from: `corpora.Corpus.fingerprint`, or that of a download; None if none."""
        for record in [*self.history.values(), {"inputs": self.basis.inputs}]:
            if found := record.get("inputs", {}).get("corpus"):
                return str(found)
        return self.history.get("fetch", {}).get("digest")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; the stage, its fingerprint and the hash of the text come first."""
        basis = asdict(self.basis)
        rest = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "basis"}
        top = {"stage": basis.pop("stage"), "fingerprint": self.basis.fingerprint, "corpus": self.corpus}
        return {**top, **basis, **rest}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Rebuild from `to_dict`'s form.

        Raises
        ------
        ManifestError
            If a part is missing, has the wrong type, or the fingerprint does not fit the rest.
        """
        try:
            parts = dict(record)
            fingerprint = parts.pop("fingerprint")
            parts.pop("corpus", None)  # is found again in the history
            basis = Basis(**{entry.name: parts.pop(entry.name) for entry in fields(Basis)})
            manifest = cls(basis=basis, **parts)
            parts.pop("digest", None)
            tables = [basis.settings, basis.inputs, basis.libraries, *parts.values(), *manifest.outputs.values()]
            sound = (
                basis.fingerprint == fingerprint
                and isinstance(manifest.digest, str)
                and all(isinstance(table, dict) for table in tables)
                and all(isinstance(record.get("inputs", {}), dict) for record in manifest.history.values())
                and all(
                    isinstance(entry["bytes"], int) and isinstance(entry["sha256"], str)
                    for entry in manifest.outputs.values()
                )
            )
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ManifestError(f"not a manifest of a stage: {type(error).__name__} {error}") from None
        if not sound:
            raise ManifestError("the manifest was changed: its fingerprint does not fit its settings and inputs")
        return manifest

    def write(self, directory: Path) -> None:
        """Write `manifest.json` into a directory that is not yet in its final place."""
        write_json(directory / MANIFEST_FILE, self.to_dict())

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read `manifest.json` of a directory.

        Raises
        ------
        ManifestError
            If there is none or it is damaged.
        """
        path = directory / MANIFEST_FILE
        try:
            record = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise ManifestError(f"{path}: missing") from None
        except (OSError, ValueError, RecursionError) as error:
            raise ManifestError(f"{path}: cannot be read: {error}") from None
        if not isinstance(record, dict):
            raise ManifestError(f"{path}: not a manifest")
        try:
            return cls.from_dict(record)
        except ManifestError as error:
            raise ManifestError(f"{path}: {error}") from None

    def missing(self, directory: Path) -> list[str]:
        """Return the outputs that are not there with their recorded size: a quick check that reads no content."""
        found = []
        for name, entry in self.outputs.items():
            path = directory / name
            if not path.is_file() or path.stat().st_size != entry["bytes"]:
                found.append(name)
        return found

    def damaged(self, directory: Path) -> list[str]:
        """Return the outputs that are missing or whose content is no longer the recorded one."""
        missing = self.missing(directory)
        present = [name for name in self.outputs if name not in missing]
        hashes = hash_files([directory / name for name in present])
        return missing + [n for n, found in zip(present, hashes, strict=True) if found != self.outputs[n]["sha256"]]


def digest_of(outputs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one hash over the names, sizes and hashes of outputs."""
    return hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()


def hash_files(paths: list[Path]) -> list[str]:
    """Return the SHA-256 of every file, read in chunks; several files at a time (hashing releases the GIL)."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(file_digest, paths))


def list_outputs(directory: Path) -> dict[str, dict[str, Any]]:
    """Return ``{relative path: {"bytes", "sha256"}}`` of every file under a directory but the manifest."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != MANIFEST_FILE)
    hashes = hash_files(paths)
    return {
        path.relative_to(directory).as_posix(): {"bytes": path.stat().st_size, "sha256": found}
        for path, found in zip(paths, hashes, strict=True)
    }


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide results."""
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **versions}


@cache
def machine() -> dict[str, Any]:
    """Return system, processor and number of cores of this machine."""
    return {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


class Stopwatch:
    """Wall and processor time from its creation on, and the peak memory of the process so far."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._wall = time.monotonic()  # not the clock of the wall, which may jump
        self._cpu = _processor_seconds()

    def cost(self) -> dict[str, Any]:
        """Return the record for `Manifest.cost`."""
        return {
            "started": self._started,
            "wall_seconds": round(time.monotonic() - self._wall, 3),
            "cpu_seconds": round(_processor_seconds() - self._cpu, 3),
            "peak_memory_bytes": _peak_memory(),
        }


def _peak_memory() -> int:
    """Return the most bytes of memory that this process has had; 0 where the system does not say."""
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _processor_seconds() -> float:
    """Return the processor time of this process and, where the system says, of its children that have ended."""
    if resource is None:
        return time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
