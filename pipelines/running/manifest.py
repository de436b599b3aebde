"""``manifest.json``: the provenance and the outputs of a stage, by which a finished stage is recognized.

The *fingerprint* of a stage is a hash over its settings, the hashes of its inputs, and the code and the libraries that
determine its result. The outputs are listed with their size and SHA-256 (as `sha256sum` prints it).
"""

import contextlib
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from pipelines.settings.file_names import ADAPTATION_FILES, LANGUAGE_MODEL_FILE
from vecmill.errors import VecmillError
from vecmill.files import entries, file_digest, write_json
from vecmill.records import fits

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MANIFEST_FILE = "manifest.json"
LIBRARIES = ("numpy", "numba", "nltk", "pyarrow")  # those that determine results
_COST = {"started": str, "wall_seconds": float, "cpu_seconds": float, "peak_memory_bytes": int}


class ManifestError(VecmillError):
    """A manifest that is missing, damaged or of another format."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Everything that determines the result of a stage.

    Attributes
    ----------
    stage : str
        Name.
    settings : mapping of str to Any
        Settings that change the result, as JSON values.
    inputs : mapping of str to str
        Hash by name: of the outputs of earlier stages and of external files.
    code : str
        Version of vecmill with a hash of the source files that determine the result (`pipelines.running.code_version`).
    libraries : mapping of str to str
        Version by name: Python and the libraries that determine results.
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

    def change_since(self, old: "Provenance") -> str | None:
        """Return a description of the first difference from an older provenance, or None."""
        for name in ("settings", "inputs", "libraries"):
            before, now = getattr(old, name), getattr(self, name)
            changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
            if changed:
                return f"{', '.join(changed)} changed"
        return "the code changed" if old.code != self.code else None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The record of a finished stage, written as the last file of its directory.

    Attributes
    ----------
    provenance : Provenance
        Inputs, settings and code of the stage.
    outputs : mapping of str to mapping of str to Any
        ``{relative path: {"bytes": size, "sha256": hex}}``.
    summary : mapping of str to Any
        Counts of the stage (tokens, dropped words, ...), for reports.
    cost : mapping of str to Any
        ``started`` (UTC, ISO 8601), ``wall_seconds``, ``cpu_seconds``, ``peak_memory_bytes`` (of the process so far;
        0 if the system does not tell).
    machine : mapping of str to Any
        System, processor and number of cores.
    history : mapping of str to mapping of str to Any
        The manifests of all stages that this one depends on, without their own histories.
    digest : str
        The hash that later stages depend on (`pipelines.running.stage.Stage.digest`); by default over the names and
        hashes of all outputs.
    """

    provenance: Provenance
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
        """Hash of the source text: `corpora.Corpus.fingerprint`, or the digest of a download; None without a text."""
        for record in [*self.history.values(), {"inputs": self.provenance.inputs}]:
            if found := record.get("inputs", {}).get("corpus"):
                return str(found)
        return self.history.get("fetch", {}).get("digest")

    @property
    def known_files(self) -> set[str]:
        """Names of the files that may be in the directory: outputs, the manifest, and what tune-lm adds to a model."""
        added = ADAPTATION_FILES if LANGUAGE_MODEL_FILE in self.outputs else ()
        return {*self.outputs, MANIFEST_FILE, *added}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, which begins with the stage, its fingerprint and the hash of the text."""
        provenance = asdict(self.provenance)
        rest = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "provenance"}
        top = {"stage": provenance.pop("stage"), "fingerprint": self.provenance.fingerprint, "corpus": self.corpus}
        return {**top, **provenance, **rest}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the manifest of a dictionary that `to_dict` made.

        Parameters
        ----------
        record : mapping of str to Any

        Returns
        -------
        Self

        Raises
        ------
        ManifestError
            A part is missing or has the wrong type, or the fingerprint does not match the rest.
        """
        try:
            parts = dict(record)
            fingerprint = parts.pop("fingerprint")
            parts.pop("corpus", None)  # also part of the history
            provenance = Provenance(**{entry.name: parts.pop(entry.name) for entry in fields(Provenance)})
            manifest = cls(provenance=provenance, **parts)
            records = [parts, *manifest.history.values()]
            tables = [provenance.settings, provenance.inputs, provenance.libraries, manifest.summary, manifest.machine]
            sound = (
                provenance.fingerprint == fingerprint
                and isinstance(manifest.digest, str)
                and all(isinstance(table, dict) for table in [*tables, *records])
                and all(_fit(record) for record in records)
            )
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ManifestError(f"not a manifest of a stage: {type(error).__name__} {error}") from None
        if not sound:
            raise ManifestError("the manifest was changed: its fingerprint does not match its settings and inputs")
        return manifest

    def write(self, directory: Path) -> None:
        """Write ``manifest.json`` into a directory that is not published yet."""
        write_json(directory / MANIFEST_FILE, self.to_dict())

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read ``manifest.json`` of a directory.

        Parameters
        ----------
        directory : Path

        Returns
        -------
        Self

        Raises
        ------
        ManifestError
            The file is missing or damaged.
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
        """Return the outputs that are missing or have another size; reads no content."""
        found = []
        for name, entry in self.outputs.items():
            path = directory / name
            if not path.is_file() or path.stat().st_size != entry["bytes"]:
                found.append(name)
        return found

    def problem(self, directory: Path) -> str | None:
        """Return what is wrong with the names and sizes of the outputs, in words; None if nothing is."""
        missing = self.missing(directory)
        return f"{missing[0]} is missing or its size has changed" if missing else None

    def damaged(self, directory: Path) -> list[str]:
        """Return the outputs that are missing or whose content has changed."""
        missing = self.missing(directory)
        present = [name for name in self.outputs if name not in missing]
        hashes = hash_files([directory / name for name in present])
        return missing + [n for n, found in zip(present, hashes, strict=True) if found != self.outputs[n]["sha256"]]


def _fit(record: Mapping[str, Any]) -> bool:
    """Return whether the parts of the record of a stage have their types; records of earlier versions lack some."""
    outputs, cost = record.get("outputs", {}), record.get("cost", {})
    known = [(cost[name], kind) for name, kind in _COST.items() if name in cost]
    return (
        all(isinstance(record.get(name, {}), dict) for name in ("inputs", "outputs", "summary", "cost"))
        and all(fits(entry["bytes"], int) and isinstance(entry["sha256"], str) for entry in outputs.values())
        and all(fits(value, kind) and (kind is str or math.isfinite(value)) for value, kind in known)
    )


def is_whole(directory: Path) -> bool:
    """Return whether a directory holds a finished stage with all of its files; reads no content."""
    try:
        return Manifest.read(directory).problem(directory) is None
    except ManifestError:
        return False


def digest_of(outputs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one hash over the names, sizes and hashes of outputs."""
    return hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()


def hash_files(paths: list[Path]) -> list[str]:
    """Return the SHA-256 of every file; several are hashed in parallel (hashing releases the GIL)."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(file_digest, paths))


def list_outputs(directory: Path) -> dict[str, dict[str, Any]]:
    """Return ``{relative path: {"bytes", "sha256"}}`` of every file in a directory, without the manifest."""
    paths = sorted(path for path in entries(directory) if path.is_file() and path.name != MANIFEST_FILE)
    hashes = hash_files(paths)
    return {
        path.relative_to(directory).as_posix(): {"bytes": path.stat().st_size, "sha256": found}
        for path, found in zip(paths, hashes, strict=True)
    }


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that determine results."""
    return {"python": platform.python_version(), **dict(_installed(LIBRARIES))}


def _installed(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and version of each library that is installed: pyarrow is an extra."""
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)


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
    """Measures wall and CPU time since its creation, and the peak memory of the process so far."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._wall = time.monotonic()  # unlike the system clock it never jumps
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
    """Return the CPU time of this process and, if the system tells, of its child processes that have ended."""
    if resource is None:
        return time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
