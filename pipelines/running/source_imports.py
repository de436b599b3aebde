"""The imports of a module, read from its source file without importing or running it."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("corpora", "embeddings", "pipelines", "vecmill")


class Import(NamedTuple):
    """A name imported from a module, or a whole module.

    Attributes
    ----------
    module : str
    name : str
        Empty for the whole module; "*" for modules of a package that are chosen at run time.
    """

    module: str
    name: str = ""


@cache
def source_file(module: str) -> Path | None:
    """Return the source file of a module (``__init__.py`` for a package), or None.

    A module of another project is searched where its package was imported from.
    """
    top, *inner = module.split(".")
    place = ROOT / top
    if top not in PACKAGES:
        file = getattr(sys.modules.get(top), "__file__", None)
        if not file:
            return None
        place = Path(file).parent if Path(file).name == "__init__.py" else Path(file).with_suffix("")
    place = place.joinpath(*inner)
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


def is_package(module: str) -> bool:
    """Return whether a module is a package."""
    path = source_file(module)
    return path is not None and path.name == "__init__.py"


def modules_of(package: str) -> list[str]:
    """Return the names of all modules in a package and its subpackages."""
    path = source_file(package)
    assert path is not None
    found = []
    for inner in sorted(path.parent.rglob("*.py")):
        parts = inner.relative_to(path.parent).with_suffix("").parts
        found.append(".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)]))
    return found


@cache
def imports(module: str) -> frozenset[Import]:
    """Return the imports of a module from this project and from its own package.

    Imports inside functions are included, imports for type checkers are not. A name that a package re-exports is
    replaced by the module that defines it.
    """
    path = source_file(module)
    if path is None:
        return frozenset()
    packages = {*PACKAGES, module.partition(".")[0]}
    entries = _imports(module, path.read_text("utf-8"))
    return frozenset(_origin(entry) for entry in entries if entry.module.partition(".")[0] in packages)


def _imports(module: str, text: str) -> Iterator[Import]:
    tree = ast.parse(text)
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(_base(node, module), alias.name) for alias in node.names)
    if "import_module(" in text:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                yield Import(_beginning(node.args[0]), "*")


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements, without their expressions and without blocks for type checkers."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        blocks = ["orelse"] if _is_for_type_checkers(node) else ["body", "orelse", "finalbody", "handlers", "cases"]
        waiting += [statement for block in blocks for statement in getattr(node, block, [])]


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in (
        getattr(node.test, "id", ""),
        getattr(node.test, "attr", ""),
    )


def _base(node: ast.ImportFrom, module: str) -> str:
    """Return the absolute name of the module of a from-import."""
    if not node.level:
        return node.module or ""
    parents = module.split(".") if is_package(module) else module.split(".")[:-1]
    parents = parents[: len(parents) - node.level + 1]
    return ".".join([*parents, node.module] if node.module else parents)


def _beginning(argument: ast.AST) -> str:
    """Return the literal beginning of a module name that is composed at run time."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    first = parts[0]
    return str(first.value).rstrip(".") if isinstance(first, ast.Constant) else ""


def _origin(entry: Import) -> Import:
    """Follow a name to the module that defines it."""
    if entry.name in ("", "*"):
        return entry
    if source_file(inner := f"{entry.module}.{entry.name}"):
        return Import(inner)
    reexport = _reexports(entry.module).get(entry.name)
    return _origin(reexport) if reexport else entry


@cache
def _reexports(package: str) -> dict[str, Import]:
    """Return the origins of the names that a package re-exports, by its stub if it has one."""
    path = source_file(package)
    if path is None or path.name != "__init__.py":
        return {}
    stub = path.with_suffix(".pyi")
    tree = ast.parse((stub if stub.exists() else path).read_text("utf-8"))
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: Import(_base(node, package), alias.name) for node in nodes for alias in node.names
    }
