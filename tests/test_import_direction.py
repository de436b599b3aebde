"""The direction of imports, lazy ones included, read from the sources; `test_security` has what nobody may use."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from pipelines.running.source_imports import PACKAGES, imports, modules_of

REPOSITORY = Path(__file__).resolve().parents[1]
MODULES = [module for package in PACKAGES for module in modules_of(package)]
_GROUND_FLOOR = (
    *("arguments", "compression", "durations", "errors", "extras", "files", "hints", "plain_text", "plurals"),
    *("processors", "python_process", "records", "storage", "surrogates", "visible", "workers"),
)
GROUND_FLOOR = {f"vecmill.{name}" for name in _GROUND_FLOOR}
"""Modules that all packages stand on, and that stand on nothing; the rest of `vecmill` stands on all."""
ALLOWED = {
    "ground floor": set(),
    "corpora": {"ground floor"},
    "embeddings": {"ground floor"},
    "pipelines": {"ground floor", "corpora", "embeddings", "vecmill"},
    "vecmill": {"ground floor", "corpora", "embeddings"},
    "command": {"vecmill", "pipelines"},
}
FLOORS = [
    *("console", "settings", "backends", "running", "reports", "stages", "recipes", "batch", "tuning"),
    *("commands", "cli"),
]
"""Of `pipelines`, from the ground up: none imports one above it. The recipes are the files beside the folders."""


def imported_modules(module):
    """Return the modules that a module imports; modules that are chosen at run time are not known."""
    return {entry.module for entry in imports(module) if entry.name != "*"} - {module}


def package_of(module):
    if module == "vecmill.__main__":
        return "command"
    return "ground floor" if module in GROUND_FLOOR else module.partition(".")[0]


@pytest.mark.parametrize("module", MODULES)
def test_packages_stand_on_those_below(module):
    package = package_of(module)
    found = {package_of(imported) for imported in imported_modules(module)} - {package}
    assert found <= ALLOWED[package], f"{package} imports {found - ALLOWED[package]}"


def floor_of(module):
    folder = module.split(".")[1] if "." in module else ""
    return folder if folder in FLOORS or folder == "map_page" else "recipes"


@pytest.mark.parametrize("floor", FLOORS)
def test_folders_of_pipelines_stand_on_those_below(floor):
    above = set(FLOORS[FLOORS.index(floor) + 1 :])
    for module in (module for module in modules_of("pipelines") if floor_of(module) == floor):
        found = {
            name for name in imported_modules(module) if package_of(name) == "pipelines" and floor_of(name) in above
        }
        assert not found, f"{module} of {floor} imports {found}"


NETWORKS = {"language_model", "sequences", "trees"}
"""Packages of `embeddings` that stand on `embeddings.networks`, and apart from each other."""


@pytest.mark.parametrize("package", sorted({"networks", *NETWORKS}))
def test_packages_of_networks_stand_apart(package):
    for module in modules_of(f"embeddings.{package}"):
        found = {name.split(".")[1] for name in imported_modules(module) if name.startswith("embeddings.")}
        assert not found & (NETWORKS - {package}), f"{module} imports {found}"


# ---------------------------------------------------------------------------------------------------------- cycles


def cycles(graph):
    """Return the sets of nodes of a graph, ``{node: its successors}``, that all lead to each other."""
    reached = {node: reachable(graph, node) for node in graph}
    loops = (frozenset(other for other in reached[node] if node in reached[other]) for node in graph)
    return {loop for loop in loops if loop}


def reachable(graph, start):
    found, waiting = set(), [*graph[start]]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph[node]
    return found


def test_no_module_imports_itself_by_way_of_others():
    graph = {module: imported_modules(module) for module in MODULES}
    assert not cycles(graph)


def test_cycles_are_found():
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": set(), "d": {"e"}, "e": {"f"}, "f": {"d", "a"}}
    assert cycles(graph) == {frozenset("def")}


# ----------------------------------------------------------------------------------------------------------- names


def public_constants(path):
    for node in ast.parse(path.read_text("utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names = (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
        yield from (name for name in names if name.isupper() and not name.startswith("_"))


def test_a_constant_has_one_name_and_one_place():
    places = defaultdict(list)
    for path in sorted((REPOSITORY / "pipelines").rglob("*.py")):
        for name in public_constants(path):
            places[name].append(path.relative_to(REPOSITORY).as_posix())
    assert not {name: several for name, several in places.items() if len(several) > 1}
