"""The direction of imports, held against the syntax trees; `test_security` has what nobody may use."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
ALLOWED = {"corpora": {"corpora"}, "embeddings": {"embeddings"}, "pipelines": {"corpora", "embeddings", "pipelines"}}
SOURCES = sorted(path for package in ALLOWED for path in (REPOSITORY / package).rglob("*.py"))
GROUND_FLOOR = {"vecmill.compression", "vecmill.errors", "vecmill.extras", "vecmill.files", "vecmill.hints"}
"""Modules that all packages stand on, and that stand on nothing; the rest of `vecmill` stands on all."""


def imported_modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:  # a relative import stays in its package
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if (REPOSITORY / inner.replace(".", "/")).with_suffix(".py").exists() else node.module


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_imports(path):
    tree = ast.parse(path.read_text("utf-8"))
    package = path.relative_to(REPOSITORY).parts[0]
    rooms = {name.split(".")[0] for name in imported_modules(tree)} & ALLOWED.keys()
    assert rooms <= ALLOWED[package], f"{package} imports {rooms - ALLOWED[package]}"
    ground = {name for name in imported_modules(tree) if name.split(".")[0] == "vecmill"}
    assert package == "pipelines" or ground <= GROUND_FLOOR


@pytest.mark.parametrize("module", sorted(GROUND_FLOOR))
def test_the_ground_floor_stands_on_nothing(module):
    tree = ast.parse((REPOSITORY / module.replace(".", "/")).with_suffix(".py").read_text("utf-8"))
    ours = {name for name in imported_modules(tree) if name.split(".")[0] in {*ALLOWED, "vecmill"}}
    assert ours <= GROUND_FLOOR


FLOORS = ["console", "settings", "running", "reports", "stages"]
"""Packages of `pipelines`, from the ground up: none imports one above it, or a command."""


@pytest.mark.parametrize("floor", FLOORS)
def test_packages_of_pipelines_import_downwards(floor):
    above = {*FLOORS[FLOORS.index(floor) + 1 :], "commands", "probe", "cli", "pipeline", "batch"}
    for path in (REPOSITORY / "pipelines" / floor).glob("*.py"):
        names = [name.split(".") for name in imported_modules(ast.parse(path.read_text("utf-8")))]
        found = {name[1] for name in names if name[0] == "pipelines" and len(name) > 1} & above
        assert not found, f"{path.name} of {floor} imports {found}"


NETWORKS = ["language_model", "sequences", "trees"]
"""Packages of `embeddings.networks`: they stand on the files beside them, and apart from each other."""


@pytest.mark.parametrize("package", [None, *NETWORKS])
def test_packages_of_recurrent_networks_stand_apart(package):
    folder = REPOSITORY / "embeddings" / "recurrent"
    for path in (folder / package if package else folder).glob("*.py"):
        if path == folder / "__init__.py":  # hands all names on
            continue
        names = [name.split(".") for name in imported_modules(ast.parse(path.read_text("utf-8")))]
        found = {name[2] for name in names if name[:2] == ["embeddings", "recurrent"] and len(name) > 2}
        found &= {*NETWORKS} - {package}
        assert not found, f"{path.name} imports {found}"
