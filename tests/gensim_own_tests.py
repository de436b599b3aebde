"""gensim's own test files, run on `vecmill.gensim`: only the import of its models is changed.

``gensim_own_tests.toml`` lists the methods that are not expected to pass, each with its reason.
"""

import importlib.util
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from types import ModuleType

FILES = ("test_keyedvectors", "test_word2vec")
LIST = Path(__file__).with_suffix(".toml")


def load(name: str) -> ModuleType:
    """Import a test file of gensim's wheel with ``vecmill.gensim`` in the place of ``gensim.models``."""
    origin = importlib.util.find_spec(f"gensim.test.{name}").origin
    source = Path(origin).read_text("utf-8").replace("gensim.models", "vecmill.gensim")
    module = ModuleType(f"gensim_own_{name}")
    module.__file__ = origin
    sys.modules[module.__name__] = module
    exec(compile("import gensim\n" + source, origin, "exec"), module.__dict__)
    return module


def methods(name: str) -> dict[str, unittest.TestCase]:
    """Return the test methods of a file by "file.Class.method"."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(load(name))
    return {f"{name}.{case.id().split('.', 1)[1]}": case for group in suite for case in group}


def outcome(case: unittest.TestCase, folder: Path) -> str:
    """Run a method with an own temporary folder; return "", or why it failed."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        result = case.run()
    finally:
        tempfile.tempdir = before
    problems = [text for _, text in [*result.errors, *result.failures]]
    return problems[0] if problems else "skipped: " + result.skipped[0][1] if result.skipped else ""


def listed() -> dict[str, dict[str, str]]:
    """Return the list: kinds of reasons, each with methods and their reasons."""
    return tomllib.loads(LIST.read_text("utf-8"))
