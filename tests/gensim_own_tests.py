"""gensim's own test files, run on `vecmill.gensim`: only the import of its models is changed.

``gensim_own_tests.toml`` lists the methods that are not expected to pass, each with its reason.
"""

import contextlib
import importlib.util
import re
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from types import ModuleType

FILES = ("test_keyedvectors", "test_word2vec", "test_phrases", "test_fasttext", "test_doc2vec")
NEEDED = ("gensim", "testfixtures", "ot")
LISTED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
NOT_APPLICABLE, FAILING = LISTED["not_applicable"], LISTED["failing"]


def missing_packages() -> list[str]:
    """Return the packages that the test files import and that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def load(name: str) -> ModuleType:
    """Import a test file of gensim's wheel with ``vecmill.gensim`` in the place of ``gensim.models``.

    What tests private modules and functions of gensim stays as it is.
    """
    origin = importlib.util.find_spec(f"gensim.test.{name}").origin
    source = Path(origin).read_text("utf-8").replace(", _unpack", "")
    source = re.sub(r"gensim\.models(?!\._fasttext_bin|\.fasttext_inner)", "vecmill.gensim", source)
    module = ModuleType(f"gensim_own_{name}")
    module.__file__ = origin
    sys.modules[module.__name__] = module
    names = {"gensim": importlib.import_module("gensim"), "vecmill": importlib.import_module("vecmill")}
    module.__dict__.update(names)
    exec(compile(source, origin, "exec"), module.__dict__)
    return module


def methods() -> dict[str, unittest.TestCase]:
    """Return the test methods of all files by "file.Class.method"."""
    found = {}
    for name in FILES:
        module = load(name)
        cases = (case for group in unittest.defaultTestLoader.loadTestsFromModule(module) for case in group)
        own = (case for case in cases if type(case).__module__ == module.__name__)  # not one that it imports
        found |= {f"{name}.{case.id().split('.', 1)[1]}": case for case in own}
    return found


def outcome(case: unittest.TestCase, folder: Path) -> str:
    """Run a method in a folder of its own; return "" or why it did not pass."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        with contextlib.chdir(folder):
            result = case.run()
    finally:
        tempfile.tempdir = before
    problems = [*result.errors, *result.failures, *result.skipped]
    return problems[0][1] if problems else ""
