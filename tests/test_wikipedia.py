"""Dumps of Wikipedia: articles as text, whatever cuts, compression and processes; what is left out is counted."""

import bz2
import gzip
import io
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpora.wikipedia
import vecmill.compression
import vecmill.workers
from corpora import CorpusError, open_corpus
from corpora.pydocs_extract import paragraphs_of_files
from tests.command_line import vecmill as command
from vecmill.workers import mapped

HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en">\n  <siteinfo>x</siteinfo>\n'


def page(title, text, namespace=0, more=""):
    return (
        f"  <page>\n    <title>{title}</title>\n    <ns>{namespace}</ns>\n    <id>1</id>\n{more}    <revision>\n"
        f'      <text bytes="9" xml:space="preserve">{text}</text>\n    </revision>\n  </page>\n'
    )


PAGES = [
    page(
        "Cat",
        "'''Cats''' eat [[mouse|mice]].{{cn|date=1}}\n== Food ==\n* [[milk]]\n{|\n| a table\n|}\nEnd &amp;amp; more.",
    ),
    page("Kitten", "#REDIRECT [[Cat]]", more='    <redirect title="Cat" />\n'),
    page("Talk:Cat", "I disagree.", namespace=1),
    page("Empty &amp; void", "{{only a template}}"),
    page("Void", "").replace('"></text>', '" />'),
    page("Düsseldorf", "Düsseldorf liegt am [[Rhein]].&lt;ref&gt;no&lt;/ref&gt;"),
]
TEXT = "Cats eat mice.\nFood\nmilk\nEnd & more.\nDüsseldorf liegt am Rhein.\n"
LEFT_OUT = {"redirect skipped": 1, "page that is no article skipped": 1, "article without text skipped": 2}


def streams(parts):
    """Bzip2 data with one stream for each part, as in a multistream dump."""
    return b"".join(bz2.compress(part.encode()) for part in parts)


DUMPS = {
    "pages-articles.xml": (HEAD + "".join(PAGES) + "</mediawiki>\n").encode(),
    "pages-articles.xml.bz2": bz2.compress((HEAD + "".join(PAGES)).encode()),
    "pages-articles-multistream.xml.bz2": streams([HEAD, *PAGES, "</mediawiki>\n"]),
    "cut-anywhere.xml.bz2": streams(
        [HEAD + PAGES[0][:70], PAGES[0][70:] + PAGES[1] + PAGES[2][:9], PAGES[2][9:], *PAGES[3:]]
    ),
    "pages-articles.xml.gz": gzip.compress((HEAD + "".join(PAGES)).encode()),
}


def read(path):
    corpus = open_corpus(path)
    text = b"".join(corpus.blocks()).decode()
    return text, corpus


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("name", DUMPS)
def test_articles_are_text_and_all_else_is_counted(name, processors, tmp_path, monkeypatch):
    for module in (vecmill.workers, vecmill.compression):
        monkeypatch.setattr(module, "available_processors", lambda: processors)
    (tmp_path / name).write_bytes(DUMPS[name])
    text, corpus = read(tmp_path / name)
    assert text == TEXT
    counted = {kind.partition(" (")[0].replace("es ", "e ", 1): n for kind, n in corpus.warnings.items()}
    assert sorted(counted.values()) == sorted(LEFT_OUT.values())
    assert any("'Empty & void'" in kind for kind in corpus.warnings)


@given(st.integers(1, 400), st.integers(0, 2**32))
def test_pages_are_whole_wherever_the_stream_is_cut(size, seed):
    order = random.Random(seed)
    xml = (HEAD + "".join(order.choices(PAGES, k=7)) + "</mediawiki>").encode()

    class Short(io.BytesIO):
        def read(self, _=-1):
            return super().read(size)

    pieces = list(corpora.wikipedia._whole_pages(Short(xml), "dump"))
    assert b"".join(pieces) == xml
    assert all(piece.endswith(b"</page>") for piece in pieces[:-1])


def test_streams_are_joined_in_their_order_and_long_ones_are_not_held_in_memory(monkeypatch):
    monkeypatch.setattr(vecmill.compression, "available_processors", lambda: 3)
    monkeypatch.setattr(vecmill.compression, "_BZIP2_PART", 500)
    monkeypatch.setattr(vecmill.compression, "_BZIP2_LONGEST", 3000)
    order = random.Random(1)
    parts = [order.randbytes(order.choice([10, 300, 5000])) for _ in range(40)] + [b"0" * 100_000, b"end"]
    data = b"".join(map(bz2.compress, parts))
    assert vecmill.compression.decompressed(io.BytesIO(data), "x.bz2").read() == b"".join(parts)
    with pytest.raises(EOFError):
        vecmill.compression.decompressed(io.BytesIO(data[:-7]), "x.bz2").read()


def test_a_damaged_stream_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(vecmill.compression, "available_processors", lambda: 2)
    data = bytearray(DUMPS["pages-articles-multistream.xml.bz2"])
    data[len(data) // 2] ^= 255
    (tmp_path / "damaged.xml.bz2").write_bytes(data)
    with pytest.raises(CorpusError, match=r"damaged\.xml\.bz2 is damaged"):
        read(tmp_path / "damaged.xml.bz2")


def test_a_dump_without_pages_is_no_text(tmp_path):
    (tmp_path / "empty.xml").write_text(HEAD + "</mediawiki>")
    with pytest.raises(CorpusError, match="there is no text"):
        read(tmp_path / "empty.xml")


def test_results_of_workers_come_in_the_order_of_the_items(monkeypatch):
    monkeypatch.setattr(vecmill.workers, "available_processors", lambda: 3)
    items = [page(f"T{i}", f"text {i}").encode() for i in range(20)]
    found = list(mapped(corpora.wikipedia.text_of_pages, items))
    assert found == list(map(corpora.wikipedia.text_of_pages, items))


def test_without_processes_the_work_is_done_here(monkeypatch):
    def refuse(*args, **options):
        raise OSError("no processes here")

    monkeypatch.setattr(vecmill.workers, "available_processors", lambda: 2)
    monkeypatch.setattr("subprocess.Popen", refuse)
    assert list(mapped(corpora.wikipedia.text_of_pages, [b"", b""])) == [b"{}\n", b"{}\n"]


def test_a_dump_is_a_corpus_of_the_command_line(tmp_path):
    (tmp_path / "pages-articles.xml.bz2").write_bytes(streams([HEAD, *[PAGES[0]] * 20]))
    result = command("phrases", tmp_path / "pages-articles.xml.bz2", "--min-count", 2, "--json")
    assert result.exit_code == 0, result.output


def test_an_error_in_a_worker_is_the_error_of_the_function(monkeypatch, tmp_path):
    monkeypatch.setattr(vecmill.workers, "available_processors", lambda: 2)
    with pytest.raises(FileNotFoundError, match="missing"):
        list(mapped(paragraphs_of_files, [str(tmp_path / "missing.py").encode()] * 3))


def test_a_script_without_a_main_guard_is_not_run_again_by_workers(tmp_path):
    (tmp_path / "pages.xml").write_bytes(DUMPS["pages-articles.xml"] * 3)
    script = (
        "print('begun')\nimport multiprocessing, vecmill.workers\nmultiprocessing.set_start_method('spawn')\n"
        "vecmill.workers.available_processors = lambda: 2\n"
        "from corpora import open_corpus\nprint(len(b''.join(open_corpus('pages.xml').blocks())))\n"
    )
    (tmp_path / "script.py").write_text(script)
    found = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert found.stdout.split()[0] == "begun" and len(found.stdout.split()) == 2, found.stderr
