"""The examples in docstrings and in pages give the output that stands below them."""

import doctest
import importlib
import re

import pytest

from tests.conftest import REPOSITORY

PACKAGES = ("vecmill", "corpora", "embeddings", "pipelines")
MODULES = [
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for package in PACKAGES
    for path in sorted((REPOSITORY / package).rglob("*.py"))
    if re.search(r"^ +>>> (?!.*\+SKIP)", path.read_text("utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testmod(importlib.import_module(name), optionflags=options)
    assert found.failed == 0 < found.attempted


@pytest.mark.parametrize("name", ["languages.md"])
def test_examples_in_pages(name):
    found = doctest.testfile(str(REPOSITORY / "docs" / name), module_relative=False, encoding="utf-8")
    assert found.failed == 0 < found.attempted
