"""Whatever is read: settings, text in every format, archives. Damaged in great number, only the documented error comes.

``VECMILL_FUZZ_EXAMPLES`` says how many inputs each case tries.
"""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from typing import get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from corpora import CorpusError, open_corpus
from corpora.archives import ARCHIVE_DAMAGE, members
from corpora.markup import EXTRACTORS
from pipelines.batch.config import load_batch
from pipelines.settings.config import ConfigError, PipelineConfig, load_config
from pipelines.settings.lm_config import load_lm_config
from pipelines.settings.lm_settings import LM_SECTIONS
from tests.fuzzing import FUZZED, damage

TEXT = "".join(f"line {number} has köln, {'x' * (number % 7)} and more\n" for number in range(60)).encode()
LINES = TEXT.decode().splitlines()
COMPRESS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def parquet():
    out = io.BytesIO()
    pq.write_table(pa.table({"text": LINES, "year": list(range(60))}), out, row_group_size=25)
    return out.getvalue()


def archive_zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a/one.txt", "a/two.txt"):
            archive.writestr(name, TEXT)
    return out.getvalue()


def archive_tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("a/one.txt", "a/two.txt"):
            member = tarfile.TarInfo(name)
            member.size = len(TEXT)
            archive.addfile(member, io.BytesIO(TEXT))
    return out.getvalue()


FILES = {
    "a.txt": TEXT,
    "a.jsonl": "".join(json.dumps({"text": line, "n": [1]}) + "\n" for line in LINES).encode(),
    "a.csv": b"text,n\n" + "".join(f'"{line}",1\n' for line in LINES).encode(),
    "a.tsv": b"n\ttext\n" + "".join(f"1\t{line}\n" for line in LINES).encode(),
    "a.parquet": parquet(),
    **{f"a.txt{suffix}": compress(TEXT) for suffix, compress in COMPRESS.items()},
    **{f"a.jsonl{suffix}": compress(b'{"text": "one word"}\n' * 9) for suffix, compress in COMPRESS.items()},
}


def is_one_line(error):
    message = str(error)
    assert message
    assert "\n" not in message
    assert len(message) < 2000


# ------------------------------------------------------------------------------------------------------------ text


@pytest.mark.parametrize("name", FILES)
def test_damaged_text(name, tmp_path):
    path = tmp_path / name

    @FUZZED
    @given(content=damage(FILES[name]))
    def try_it(content):
        path.write_bytes(content)
        corpus = open_corpus(path)
        try:
            for block in corpus.blocks(100):
                assert block[-1:].isspace()
        except CorpusError as error:
            is_one_line(error)
        assert len(corpus.fingerprint()) == 64

    try_it()


@FUZZED
@given(content=st.binary(max_size=300), name=st.sampled_from([*FILES, "a", "a.TXT.GZ", "a.ndjson.zst"]))
def test_anything_at_all_as_text(content, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    try:
        assert all(block[-1:].isspace() for block in open_corpus(path).blocks(64))
    except CorpusError as error:
        is_one_line(error)


@FUZZED
@given(contents=st.lists(damage(TEXT), min_size=1, max_size=3))
def test_damaged_files_in_a_folder(contents, tmp_path):
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.txt").write_bytes(content)
    try:
        b"".join(open_corpus(tmp_path).blocks())
    except CorpusError as error:
        is_one_line(error)


@FUZZED
@given(name=st.text(max_size=30))
def test_any_name_of_a_corpus(name):
    if name in ("-", "pydocs"):
        return
    try:
        open_corpus(name.replace("://", "").replace("*", "").replace("~", ""))
    except CorpusError as error:
        assert str(error)


@pytest.mark.parametrize("content", [archive_zip(), archive_tar(), archive_tar()[:60]], ids=["zip", "tar", "stump"])
def test_damaged_archives(content, tmp_path):
    path = tmp_path / "archive"

    @FUZZED
    @given(content=damage(content))
    def try_it(content):
        path.write_bytes(content)
        try:
            for name, stream in members(path, "archive"):
                assert not name.is_absolute()
                assert ".." not in name.parts
                stream.read()
        except CorpusError as error:
            is_one_line(error)
        except (*ARCHIVE_DAMAGE, OSError) as error:  # which the catalog turns into one
            assert not isinstance(error, FileNotFoundError)

    try_it()


MARKUP = (
    b"<page><title>A</title><text xml:space='preserve'>'''A''' is [[b|the ''b'']] {{cite|{{x}}}} &lt;ref>no&lt;/ref>\n"
    b"{| table\n|}\n[[Category:x]] [http://a.b c] &amp;amp; __TOC__ <!-- gone -->\n== End ==\n* one\n</text></page>\n"
)


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_damaged_markup_is_still_text(extractor):
    @FUZZED
    @given(content=damage(MARKUP * 2) | st.binary(max_size=100))
    def try_it(content):
        for line in EXTRACTORS[extractor](io.BytesIO(content), "utf-8"):
            line.encode()

    try_it()


# -------------------------------------------------------------------------------------------------------- settings

SETTINGS = b"""
[corpus]
source = "pydocs"
[tokenizer]
name = "fast"
[vocabulary]
min_count = 5
max_size = 1000
[train]
architecture = "cbow"
dimension = 100
sample = 1e-3
cbow_mean = true
[lm]
preset = "small"
[lm_training]
epochs = 3
"""
SECTIONS = {**get_type_hints(PipelineConfig), **LM_SECTIONS}
KEYS = sorted({key for section in SECTIONS.values() for key in section.__annotations__})
VALUES = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.sampled_from(
        ['"fast"', '"cbow"', '"skip-gram"', "true", "[]", "[1, 2]", "{}", "{a = 1}", "1979-05-27", "nan", "-inf"]
    ),
    st.text(max_size=10).map(lambda text: json.dumps(text)),
)
WORDS = st.sampled_from([*KEYS, "dimensoin", '"a b"', "a.b", ""])
LINE = st.one_of(
    st.sampled_from([*SECTIONS, "trian", ""]).map(lambda name: f"[{name}]"),
    st.builds(lambda key, value: f"{key} = {value}", WORDS, VALUES),
)


def reads(content, path):
    path.write_bytes(content)
    for load in (load_config, load_lm_config):
        try:
            load(path)
        except ConfigError as error:
            is_one_line(error)
            assert str(path) in str(error) or "preset" in str(error)


@FUZZED
@given(content=damage(SETTINGS))
def test_damaged_settings(content, tmp_path):
    reads(content, tmp_path / "pipeline.toml")


@FUZZED
@given(lines=st.lists(LINE, max_size=8))
def test_any_settings(lines, tmp_path):
    reads("\n".join(lines).encode("utf-8", "replace"), tmp_path / "pipeline.toml")


@FUZZED
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_anything_at_all_as_settings(content, tmp_path):
    reads(content, tmp_path / "pipeline.toml")


SWEEP = b"""
[batch]
jobs = 2
[base.train]
epochs = 3
[grid]
corpus.source = ["a.txt", "pydocs"]
train.dimension = [4, 8]
export.formats = [["npz"]]
"""


@FUZZED
@given(content=damage(SWEEP) | st.binary(max_size=60))
def test_damaged_sweeps(content, tmp_path):
    path = tmp_path / "jobs.toml"
    path.write_bytes(content)
    try:
        batch = load_batch(path)
    except ConfigError as error:
        is_one_line(error)
        assert "jobs.toml" in str(error)
    else:
        assert len({job.name for job in batch.jobs}) == len(batch.jobs) > 0
        assert all("/" not in job.name and job.name not in (".", "..") for job in batch.jobs)
