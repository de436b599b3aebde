"""Which source files decide what a stage makes, and their hash: an edit elsewhere makes no stage again."""

import hashlib
import importlib.metadata
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Rooms whose code decides results; of `pipelines` these only: the others call, show and keep.
DECISIVE = re.compile(r"(corpora|embeddings|pipelines\.(stages|corpus_source|reports))(\.|$)")

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n#]+)"
    r"|import[ \t]+(?P<whole>[\w.]+))",
    re.MULTILINE,
)
_COMMENT = re.compile(r"#[^\n]*")


@cache
def code_version(module: str) -> str:
    """Return ``0.1.0+<hash of the source files that a module needs>``.

    Parameters
    ----------
    module
        Of a stage: ``pipelines.stages.encode``.
    """
    found = hashlib.sha256()
    for path in source_files(module):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{importlib.metadata.version('vecmill')}+{found.hexdigest()[:12]}"


def source_files(module: str) -> list[Path]:
    """Return the file of a module and all files of this project that decide results and that it imports, sorted.

    Imports inside functions count. A name that a package only passes on is followed to where it is defined; of a
    package that is imported as a whole all modules count.
    """
    seen: set[tuple[str, str]] = set()
    files: set[Path] = set()
    waiting = [(module, "")]
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen or not DECISIVE.match(name):
            continue
        seen.add((name, wanted))
        package, path = _folder(name) / "__init__.py", _folder(name).with_suffix(".py")
        if package.exists():
            passed_on = [entry for entry in _imports(package) if wanted and entry[1] == wanted]
            if not passed_on:
                files.add(package)
            waiting += passed_on or [(name, "") for name in _modules(package.parent)]
        elif path.exists():
            files.add(path)
            waiting += _imports(path)
    return sorted(files)


@cache
def _imports(path: Path) -> list[tuple[str, str]]:
    """Return (module, name) of all imports of a file; a name that is a module itself has become part of the module."""
    found = []
    for match in _IMPORT.finditer(path.read_text("utf-8")):
        if match["whole"]:
            found.append((match["whole"], ""))
            continue
        names = _COMMENT.sub("", match["names"]).strip("() \n")
        for name in filter(None, (part.split(" as ")[0].strip() for part in names.split(","))):
            inner = f"{match['module']}.{name}"
            is_module = _folder(inner).is_dir() or _folder(inner).with_suffix(".py").exists()
            found.append((inner, "") if is_module else (match["module"], name))
    return found


def _modules(package: Path) -> list[str]:
    paths = (path for path in package.rglob("*.py") if path.name != "__init__.py")
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]


def _folder(module: str) -> Path:
    return ROOT.joinpath(*module.split("."))
