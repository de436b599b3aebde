"""What is written reads back: words, order, counts and every bit of every number."""

import bz2
import gzip
import lzma
import re
import shutil

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from embeddings import formats
from embeddings.formats import FORMATS, FormatError
from embeddings.formats.static_embedding import unit_rows
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors

SUFFIX = {
    "word2vec-text": ".txt",
    "word2vec-binary": ".bin",
    "word2vec-binary-newline": ".bin",
    "glove": ".txt",
    "fasttext-vec": ".vec",
    "fasttext-bin": ".bin",
    "npz": ".npz",
    "safetensors": ".safetensors",
    "parquet": ".parquet",
    "arrow": ".arrow",
    "csv": ".csv",
    "static-embedding": "",
    "projector": "",
    "model": "",
}
WRITTEN = [name for name, entry in FORMATS.items() if entry.can_write and name != "floret"]  # it has no words
SEPARATED_BY_SPACE = {
    "word2vec-text",
    "word2vec-binary",
    "word2vec-binary-newline",
    "glove",
    "fasttext-vec",
    "fasttext-bin",
}
WITH_COUNTS = {"fasttext-bin", "npz", "safetensors", "parquet", "arrow", "csv", "projector", "model"}

ODD = [
    *(
        "new york",
        "tab\tbed",
        "line\nend",
        "return\r",
        "\u00a0",
        "\u3000",
        "\\",
        "\\t",
        '"',
        "a,b",
        "null",
        "NA",
        "nan",
    ),
    *("1", "-0.5", "\ufeff", "\ufeffa", "\x00", "a\x00", "\x00b", "e\u0301", "🦜", "\u200d", "\x0b", "\x0c", "\x1c"),
    *("\x85", "\u2028", "</s>", "[UNK]", "__proto__", "#", "'", " a", "a ", "=1+1", "\\u00a0", "\U0010ffff", "a\nb\r"),
]
WORDS = st.lists(
    st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)),
    min_size=1,
    max_size=6,
    unique=True,
)
NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def word_vectors(draw):
    words = draw(WORDS)
    shape = (len(words), draw(st.integers(1, 4)))
    matrix = draw(npst.arrays(np.float32, shape, elements=NUMBERS))
    counts = draw(st.none() | st.lists(st.integers(0, 2**40), min_size=len(words), max_size=len(words)))
    return WordVectors(Vocabulary.from_words(words, counts), matrix)


def refused(name, vectors):
    """Why a format cannot hold vectors, or None."""
    words = list(vectors.words)
    if name in SEPARATED_BY_SPACE and any(re.search(r"[ \t\n\v\f\r]", word) for word in words):
        return "white space"
    if name == "glove" and words[0].startswith("\ufeff"):
        return "byte-order mark"
    if name == "npz" and any(word.endswith("\0") for word in words):
        return "zero byte"
    if name == "fasttext-bin" and any("\0" in word for word in words):
        return "zero byte"
    if name == "projector" and vectors.dimension == 1:
        return "1 dimension"
    return None


def fresh(path):
    """Make way for a directory: what is there is not replaced."""
    shutil.rmtree(path, ignore_errors=True)
    return path


def same(name, found, vectors):
    assert list(found.words) == list(vectors.words)
    expected = vectors.matrix
    if name == "static-embedding":
        expected = unit_rows(expected)
    if name == "fasttext-vec":
        np.testing.assert_allclose(found.matrix, expected, rtol=5.1e-5, atol=1e-44)
    else:
        np.testing.assert_array_equal(found.matrix.view(np.uint32), expected.view(np.uint32))
    counts = vectors.vocabulary.counts if name in WITH_COUNTS else np.zeros(len(vectors))
    if name == "fasttext-bin":  # fastText's dictionary has counts from 1 on
        counts = np.maximum(counts, 1)
    np.testing.assert_array_equal(found.vocabulary.counts, counts)


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(vectors=word_vectors())
def test_round_trip(name, vectors, tmp_path):
    path = fresh(tmp_path / f"vectors{SUFFIX[name]}")
    reason = refused(name, vectors)
    if reason:
        with pytest.raises(FormatError, match=reason):
            formats.write(vectors, path, name)
        return
    formats.write(vectors, path, name)
    reader = "word2vec-binary" if name == "word2vec-binary-newline" else name
    same(name, formats.read(path, reader), vectors)


@pytest.mark.parametrize("name", [name for name, entry in FORMATS.items() if "float16" in entry.dtypes])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(vectors=word_vectors())
def test_round_trip_in_half_precision(name, vectors, tmp_path):
    assume(refused(name, vectors) is None)
    path = fresh(tmp_path / f"vectors{SUFFIX[name]}")
    expected = unit_rows(vectors.matrix) if name == "static-embedding" else vectors.matrix
    with np.errstate(over="ignore"):
        expected = expected.astype(np.float16)
    if not np.isfinite(expected).all():
        with pytest.raises(FormatError, match=r"65,504"):
            formats.write(vectors, path, name, dtype="float16")
        return
    formats.write(vectors, path, name, dtype="float16")
    np.testing.assert_array_equal(formats.read(path).matrix, expected.astype(np.float32))


@pytest.fixture(scope="module")
def ordinary():
    rng = np.random.default_rng(5)
    words = ["the", "of", "köln", "don't", "東京"] + [f"w{i}" for i in range(500)]
    return WordVectors(
        Vocabulary.from_words(words, range(len(words), 0, -1)), rng.standard_normal((len(words), 7)).astype(np.float32)
    )


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary", "glove", "csv"])
def test_compressed_files_are_read_without_the_suffix_of_their_compression(name, pack, tmp_path, ordinary):
    path = tmp_path / f"vectors{SUFFIX[name]}"
    formats.write(ordinary, path, name)
    path.write_bytes(pack(path.read_bytes()))
    same(name, formats.read(path), ordinary)


def test_an_archive_that_is_compressed_under_another_name_is_unpacked_first(tmp_path, ordinary):
    formats.write(ordinary, tmp_path / "v.npz", "npz")
    (tmp_path / "v.npz").write_bytes(gzip.compress((tmp_path / "v.npz").read_bytes()))
    with pytest.raises(FormatError, match="cannot be read compressed; unpack the file first"):
        formats.read(tmp_path / "v.npz")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("name", [name for name in WRITTEN if FORMATS[name].compressible])
def test_round_trip_compressed(name, suffix, tmp_path, ordinary):
    path = tmp_path / f"vectors{SUFFIX[name]}{suffix}"
    formats.write(ordinary, path, name)
    plain = tmp_path / f"vectors{SUFFIX[name]}"
    formats.write(ordinary, plain, name)
    assert path.stat().st_size < plain.stat().st_size
    same(name, formats.read(path), ordinary)


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("source", ["word2vec-text", "glove", "npz", "parquet", "projector", "model"])
def test_conversion_equals_reading_and_writing(source, name, tmp_path, ordinary, monkeypatch):
    monkeypatch.setattr(formats.stream, "BLOCK_BYTES", 1000)  # many blocks
    first, second = tmp_path / f"a{SUFFIX[source]}", tmp_path / f"b{SUFFIX[name]}"
    formats.write(ordinary, first, source)
    progress = []
    formats.convert(first, second, source, name, progress=progress.append)
    assert progress
    kept = ordinary.vocabulary.counts if source in WITH_COUNTS else None
    same(name, formats.read(second), WordVectors(Vocabulary.from_words(ordinary.words, kept), ordinary.matrix))


def test_conversion_of_a_file_with_duplicates_corrects_the_header(tmp_path):
    source, destination = tmp_path / "a.txt", tmp_path / "b.bin"
    source.write_text("4 1\na 1\nb 2\na 3\nc 4\n")
    formats.convert(source, destination)
    assert destination.read_bytes().startswith(b"3 1\na ")
    assert list(formats.read(destination).words) == ["a", "b", "c"]


def test_binary_files_with_and_without_newlines(tmp_path, ordinary):
    without, with_newlines = tmp_path / "a.bin", tmp_path / "b.bin"
    formats.write(ordinary, without)
    formats.write(ordinary, with_newlines, "word2vec-binary-newline")
    assert with_newlines.stat().st_size == without.stat().st_size + len(ordinary)
    assert without.read_bytes().startswith(b"505 7\nthe " + ordinary.matrix[0].tobytes() + b"of ")
    assert with_newlines.read_bytes().startswith(b"505 7\nthe " + ordinary.matrix[0].tobytes() + b"\nof ")


@pytest.mark.parametrize("name", ["npz", "safetensors", "model"])
def test_files_are_memory_mapped(name, tmp_path, ordinary):
    path = tmp_path / f"vectors{SUFFIX[name]}"
    formats.write(ordinary, path, name)
    matrix = base = formats.read(path).matrix
    assert matrix.flags.aligned
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_numpy_opens_the_archive(tmp_path, ordinary):
    formats.write(ordinary, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["vectors"], ordinary.matrix)
        assert archive["words"].tolist() == list(ordinary.words)
        np.testing.assert_array_equal(archive["counts"], ordinary.vocabulary.counts)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2"])
def test_archives_that_numpy_wrote(tmp_path, save, order, dtype):
    matrix = np.asarray([[1, 2], [3, 4], [5, -6.5]], dtype, order=order)
    save(tmp_path / "a.npz", vectors=matrix, words=np.array(["a", "b", "ccc"]))
    found = formats.read(tmp_path / "a.npz")
    assert list(found.words) == ["a", "b", "ccc"]
    np.testing.assert_array_equal(found.matrix, matrix)


def test_pandas_opens_csv_and_parquet(tmp_path, ordinary):
    import pandas as pd

    formats.write(ordinary, tmp_path / "a.csv")
    frame = pd.read_csv(tmp_path / "a.csv", index_col="word", keep_default_na=False)
    assert list(frame.index) == list(ordinary.words)
    np.testing.assert_array_equal(frame["count"], ordinary.vocabulary.counts)
    np.testing.assert_array_equal(frame.drop(columns="count").to_numpy(np.float32), ordinary.matrix)
    frame.drop(columns="count").to_csv(tmp_path / "b.csv")
    same("glove", formats.read(tmp_path / "b.csv"), ordinary)
    formats.write(ordinary, tmp_path / "a.parquet")
    frame = pd.read_parquet(tmp_path / "a.parquet")
    np.testing.assert_array_equal(np.stack(frame["vector"]), ordinary.matrix)
    frame.drop(columns="count").to_parquet(tmp_path / "b.parquet")  # a list without fixed length
    same("glove", formats.read(tmp_path / "b.parquet"), ordinary)


def test_the_projectors_labels_stay_beside_their_vectors(tmp_path):
    words = ["plain", "\u00a0", "a\tb", " ", "\u3000\u2003", "\ufeff", "x\ny"]
    vectors = WordVectors(Vocabulary.from_words(words), np.eye(7, dtype=np.float32))
    formats.write(vectors, tmp_path / "out", "projector")
    labels = (tmp_path / "out" / "metadata.tsv").read_text("utf-8").split("\n")
    # the projector skips lines that are blank and takes a tab in the first line for a header
    assert labels == ["plain", "\\u00a0", "a\\tb", "\\u0020", "\\u3000\\u2003", "\\ufeff", "x\\ny", ""]
    rows = (tmp_path / "out" / "vectors.tsv").read_text().split("\n")
    assert rows[1] == "0\t1\t0\t0\t0\t0\t0"
    formats.write(
        WordVectors(Vocabulary.from_words(words, range(7)), vectors.matrix), tmp_path / "counted", "projector"
    )
    assert (tmp_path / "counted" / "metadata.tsv").read_text("utf-8").startswith("word\tcount\nplain\t0\n\\u00a0\t1\n")


def test_progress_reaches_the_end(tmp_path, ordinary):
    for name, suffix in SUFFIX.items():
        if name in ("model", "word2vec-binary-newline"):
            continue
        path = tmp_path / f"{name}{suffix}"
        written, read = [], []
        formats.write(ordinary, path, name, progress=written.append)
        assert written[-1] == len(ordinary)
        assert written == sorted(written)
        formats.read(path, progress=read.append)
        size = sum(f.stat().st_size for f in path.iterdir()) if path.is_dir() else path.stat().st_size
        assert 0 < read[-1] <= size
        assert read == sorted(read)


def test_slices_of_a_memory_map_are_written(tmp_path, ordinary):
    np.save(tmp_path / "m.npy", ordinary.matrix.astype(np.float32))
    mapped = WordVectors(ordinary.vocabulary, np.load(tmp_path / "m.npy", mmap_mode="r"))
    formats.write(mapped, tmp_path / "a.txt")
    same("word2vec-text", formats.read(tmp_path / "a.txt"), ordinary)
