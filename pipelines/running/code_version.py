"""Which source files decide what a stage makes, and their hash: after an edit elsewhere no stage is made again."""

import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

from pipelines.running.source_imports import Import, imports, is_package, modules_of, source_file
from vecmill.errors import VecmillError

DECISIVE = ("corpora", "embeddings", "vecmill", "pipelines.stages", "pipelines.reports")
"""Packages whose code decides results; the others call, show and keep."""


@cache
def code_version(module: str) -> str:
    """Return ``0.1.0+<hash of the source files that a module needs>``.

    Parameters
    ----------
    module : str
        The module of a stage: ``pipelines.stages.encode``.

    Raises
    ------
    VecmillError
        The module has no source file.
    """
    found = hashlib.sha256()
    for name, path in source_files(module).items():
        found.update(name.encode() + b"\0" + path.read_bytes())
    return f"{importlib.metadata.version('vecmill')}+{found.hexdigest()[:12]}"


def source_files(module: str) -> dict[str, Path]:
    """Return the source files that decide what a stage makes, by the name of the module, sorted.

    They are that of its own module, wherever it lies, and those of all modules that it imports, directly or not, from
    the packages in `DECISIVE` and from its own package. Of a package that is imported as a whole, or whose modules are
    chosen at run time, all modules count.

    Raises
    ------
    VecmillError
        The module has no source file.
    """
    own = module.partition(".")[0]
    packages = DECISIVE if own == "pipelines" else (*DECISIVE, own)
    seen: set[Import] = set()
    found: dict[str, Path] = {}
    waiting = [Import(module)]
    while waiting:
        entry = waiting.pop()
        if entry in seen or not (entry.module == module or _is_in(entry.module, packages)):
            continue
        seen.add(entry)
        if path := source_file(entry.module):
            found[entry.module] = path
            waiting += imports(entry.module)
            if is_package(entry.module) and entry.name in ("", "*"):
                waiting += map(Import, modules_of(entry.module))
    if module not in found:
        raise VecmillError(f"{module} has no source file; define a stage in a module, so that its code can be compared")
    return dict(sorted(found.items()))


def _is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
