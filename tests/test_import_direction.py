"""The rules of the house, held against the syntax trees: who imports whom, and what nobody uses."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
ALLOWED = {"corpora": {"corpora"}, "embeddings": {"embeddings"}, "pipelines": {"corpora", "embeddings", "pipelines"}}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "os.system", "os.popen"}
SOURCES = sorted(path for package in ALLOWED for path in (REPOSITORY / package).rglob("*.py"))


def imported_modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:  # a relative import stays in its package
            yield node.module


def dotted_name(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def forbidden(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if dotted_name(node.func) in FORBIDDEN_CALLS:
                yield dotted_name(node.func)
            for keyword in node.keywords:
                if keyword.arg in ("allow_pickle", "shell") and getattr(keyword.value, "value", None) is not False:
                    yield f"{keyword.arg}={ast.unparse(keyword.value)}"
    yield from FORBIDDEN_MODULES & {name.split(".")[0] for name in imported_modules(tree)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_imports_and_forbidden_calls(path):
    tree = ast.parse(path.read_text("utf-8"))
    package = path.relative_to(REPOSITORY).parts[0]
    rooms = {name.split(".")[0] for name in imported_modules(tree)} & ALLOWED.keys()
    assert rooms <= ALLOWED[package], f"{package} imports {rooms - ALLOWED[package]}"
    assert not list(forbidden(tree))


@pytest.mark.parametrize(
    "code",
    [
        "eval('1')",
        "exec(x)",
        "import pickle",
        "from pickle import loads",
        "np.load(p, allow_pickle=flag)",
        "subprocess.run(c, shell=True)",
        "import os\nos.system('x')",
        "def f():\n    import joblib.externals",
    ],
)
def test_the_rules_can_be_broken(code):
    assert list(forbidden(ast.parse(code)))


def test_harmless_code_passes():
    assert not list(forbidden(ast.parse("ast.literal_eval(x)\nnp.load(p, allow_pickle=False)\nre.compile(x)")))
