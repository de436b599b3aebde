"""The direction of imports, held against the syntax trees; `test_security` has what nobody may use."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
ALLOWED = {"corpora": {"corpora"}, "embeddings": {"embeddings"}, "pipelines": {"corpora", "embeddings", "pipelines"}}
SOURCES = sorted(path for package in ALLOWED for path in (REPOSITORY / package).rglob("*.py"))


def imported_modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:  # a relative import stays in its package
            yield node.module


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_imports(path):
    tree = ast.parse(path.read_text("utf-8"))
    package = path.relative_to(REPOSITORY).parts[0]
    rooms = {name.split(".")[0] for name in imported_modules(tree)} & ALLOWED.keys()
    assert rooms <= ALLOWED[package], f"{package} imports {rooms - ALLOWED[package]}"
