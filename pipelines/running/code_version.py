"""The hash of the source files that determine the output of a stage; edits of other files rerun no stage."""

import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

from pipelines.running.source_imports import Import, imports, is_package, modules_of, source_file
from vecmill.errors import VecmillError

RESULT_PACKAGES = ("corpora", "embeddings", "vecmill", "pipelines.stages", "pipelines.reports")
"""Packages whose code determines results; the code of the others calls stages, prints and stores."""


@cache
def code_version(module: str) -> str:
    """Return the version of the code of a stage.

    Parameters
    ----------
    module : str
        Module of the stage: ``pipelines.stages.encode``.

    Returns
    -------
    str
        ``0.1.0+<hash of the source files that the module needs>``.

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
    """Return the source files that determine the output of a stage, by module name, sorted.

    These are the file of its own module and the files of all modules that it imports, directly or indirectly, from the
    packages in `RESULT_PACKAGES` and from its own package. If a package is imported as a whole, or its modules are
    chosen at run time, all of its modules are included.

    Parameters
    ----------
    module : str

    Returns
    -------
    dict of str to Path

    Raises
    ------
    VecmillError
        The module has no source file.
    """
    own = module.partition(".")[0]
    packages = RESULT_PACKAGES if own == "pipelines" else (*RESULT_PACKAGES, own)
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
        raise VecmillError(
            f"{module} has no source file; define the stage in a module file, so that changes of its code are noticed"
        )
    return dict(sorted(found.items()))


def _is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
