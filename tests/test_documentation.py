"""The embedded corpus: what is taken out of source files, in one process and in several."""

import re
import sys

import pytest

from corpora import CorpusError, fetch, info, open_corpus
from corpora import pydocs as documentation
from corpora.pydocs_extract import paragraphs, source_paragraphs

NUMPY_STYLE = """
    Return the sum of array elements
    over a given axis.

    Parameters
    ----------
    a : array_like
        Elements to sum,
        as an array.
    axis : int, optional
        See :func:`numpy.sum` and [1]_.

    .. versionadded:: 1.7
        The axis may be a tuple.

    .. math:: x + y

    Values are computed like this::

        literal block here

    - first item
    - second item
      goes on

    Examples
    --------
    Here is an example:

    >>> np.sum([0.5, 1.5])
    2.0 is the output

    More text follows.
    """

SOURCE = '''"""Module docstring here."""

# Copyright notices and other comments that are whole sentences
# are taken, over several lines.
x = 1  # a comment after code is not taken, however long it may be
# y = compute(x) is code that somebody has put aside for now
# short one


class Thing:
    """A thing of beauty."""

    if x:
        def method(self):
            """Do something nice."""
            return "not documentation at all\\n\\nand neither is this"


async def coroutine():
    """Wait for it."""


add_newdoc("numpy", "array", """
    Create an array.

    It is made by hand.
    """)
add_newdoc("numpy", "ndarray", ("T", """View of the transposed array.\\n\\nNothing is copied."""))
topics = {"assert": "The assert statement\\n********************\\n\\nAssert statements are convenient."}
other = {"assert": "Not a topic\\n\\nat all"}
'''


def test_paragraphs_of_a_docstring():
    assert list(paragraphs(NUMPY_STYLE)) == [
        "Return the sum of array elements over a given axis.",
        "a : array_like Elements to sum, as an array.",
        "axis : int, optional See `numpy.sum` and .",
        "1.7 The axis may be a tuple.",
        "Values are computed like this::",
        "- first item",
        "- second item goes on",
        "Here is an example:",
        "More text follows.",
    ]
    assert list(paragraphs("")) == []


def test_text_of_a_source_file(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    assert sorted(source_paragraphs(path)) == sorted(
        [
            "Module docstring here.",
            "Copyright notices and other comments that are whole sentences are taken, over several lines.",
            "A thing of beauty.",
            "Do something nice.",
            "Wait for it.",
            "Create an array.",
            "It is made by hand.",
            "View of the transposed array.",
            "Nothing is copied.",
            "The assert statement",
            "Assert statements are convenient.",
        ]
    )


@pytest.mark.parametrize("content", [b"def broken(:", b"\xff\xfe\0", b"x = " + b"(" * 5000, b""])
def test_file_that_cannot_be_parsed_gives_nothing(tmp_path, content):
    (tmp_path / "a.py").write_bytes(content)
    assert source_paragraphs(tmp_path / "a.py") == []


@pytest.fixture
def small_stack(monkeypatch, tmp_path):
    """A cache of its own, and a standard library of three files."""
    for name, text in {
        "a.py": '"""First module of them.\n\nShared paragraph here."""',
        "b/c.py": '"""Shared paragraph here.\n\nSecond module of them."""',
        "test/d.py": '"""Tests are not read."""',
        "test/guide.doctest": "A guide to things\n=================\n\n>>> x\n1\n",
    }.items():
        (tmp_path / "lib" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / name).write_text(text)
    monkeypatch.setenv("VECMILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(documentation.sysconfig, "get_path", lambda name: str(tmp_path / "lib"))
    monkeypatch.setattr(documentation, "PACKAGES", {"surely_not_installed": "Nothing"})
    documentation._inventory.cache_clear()
    yield tmp_path / "lib"
    documentation._inventory.cache_clear()


TEXT = b"First module of them.\nShared paragraph here.\nSecond module of them.\nA guide to things\n"


@pytest.mark.parametrize("processors", [1, 2])
def test_extraction_into_the_cache(small_stack, monkeypatch, processors):
    monkeypatch.setattr("vecmill.workers.available_processors", lambda: processors)
    assert not info("pydocs").cached
    seen = []
    found = fetch("pydocs", lambda done, total: seen.append((done, total)))
    assert found.text_files[0].read_bytes() == TEXT
    assert seen[-1][0] == seen[-1][1] > 0
    corpus = open_corpus("pydocs")
    assert (corpus.name, corpus.size) == ("pydocs", len(TEXT))
    version = sys.version.split()[0]
    assert corpus.description.startswith(f"docstrings, comments and topics of Python {version}: 3 files, 0.")
    assert corpus.description.endswith(" kB of text")
    assert b"".join(corpus.blocks()) == TEXT


def test_other_source_is_another_file_in_the_cache(small_stack):
    before = documentation.cached_path()
    (small_stack / "a.py").write_text('"""Another first module."""')
    documentation._inventory.cache_clear()
    assert documentation.cached_path() != before


def test_no_source(small_stack, monkeypatch, tmp_path):
    monkeypatch.setattr(documentation.sysconfig, "get_path", lambda name: str(tmp_path / "nothing"))
    documentation._inventory.cache_clear()
    with pytest.raises(CorpusError, match="source files are not installed"):
        fetch("pydocs")


def test_inventory_of_what_is_installed():
    inventory = dict(documentation._inventory())
    titles = [name.split()[0] for name in inventory]
    assert titles == ["Python", "NumPy", "SciPy", "pandas", "NLTK", "Numba"]
    names = [file.name for files in inventory.values() for file in files]
    assert "pydoc_data/topics.py" in names
    assert "_core/_add_newdocs.py" in names
    assert not any("/tests/" in name for name in names)


def test_numpy_documentation_reads_well():
    files = {file.name: file.path for name, files in documentation._inventory() for file in files if "NumPy" in name}
    text = "\n".join(source_paragraphs(files["_core/fromnumeric.py"]))
    assert "Return a contiguous flattened array." in text.splitlines()
    assert ">>>" not in text
    assert len(re.findall(r"\barray\b", text)) > 100
