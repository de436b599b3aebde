"""Damaged files in great number: only the documented error comes out of the readers.

Each test tries ``VECMILL_FUZZ_EXAMPLES`` inputs, few by default; with 4000 there are more than 100,000 in all.
"""

import itertools
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings import formats
from embeddings.errors import EmbeddingsError
from embeddings.formats import FORMATS
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors
from tests.fuzzing import FUZZED, damage

FILES = {
    "word2vec-text": "a.txt",
    "word2vec-binary": "a.bin",
    "glove": "a.txt",
    "fasttext-vec": "a.vec",
    "fasttext-bin": "a.bin",
    "npz": "a.npz",
    "safetensors": "a.safetensors",
    "parquet": "a.parquet",
    "arrow": "a.arrow",
    "csv": "a.csv",
}
DIRECTORIES = {
    "static-embedding": ("model.safetensors", "tokenizer.json"),
    "projector": ("vectors.tsv", "metadata.tsv"),
}


@pytest.fixture(scope="module")
def vectors():
    words = ["the", "köln", "a,b", "x"]
    subwords = SubwordVectors(
        CharacterNgrams(min_length=1, max_length=3, buckets=7),
        np.int32([0, 2, 5]),
        np.float32([[1, 2], [3, 4], [5, 6]]),
    )
    return WordVectors(
        Vocabulary.from_words(words, [9, 5, 3, 1]),
        np.float32([[0.5, -1.25], [3e-7, 1e10], [0, -0.0], [0.1, 123456.78]]),
        subwords=subwords,
    )


def survives(path, name):
    """Read a file in whatever state; what is read keeps the promises of word vectors."""
    try:
        found = formats.read(path, name)
    except EmbeddingsError as error:
        message = str(error)
        assert "\n" not in message
        assert len(message) < 1000
        return
    assert len(found) == len(set(found.words)) == len(found.matrix) > 0
    assert np.isfinite(found.matrix).all()
    if found.subwords is not None and found.subwords.know(["unseen"])[0]:
        assert found["unseen"].shape == (found.dimension,)
    "".join(found.words).encode()


@pytest.mark.parametrize("guessed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_damaged_files(name, guessed, vectors, tmp_path):
    path = tmp_path / FILES[name]
    formats.write(vectors, path, name)
    whole = path.read_bytes()
    names = itertools.count()

    @FUZZED
    @given(content=damage(whole))
    def try_it(content):
        # a file of its own each: what was read before may still be memory-mapped
        broken = tmp_path / f"{next(names)}{path.suffix}"
        broken.write_bytes(content)
        try:
            survives(broken, None if guessed else name)
        finally:
            broken.unlink()

    try_it()


@pytest.mark.parametrize("member", ["vectors.npy", "words.npy", "counts.npy"])
def test_damaged_members_of_an_archive_whose_checksums_fit(member, vectors, tmp_path):
    path = tmp_path / "a.npz"
    formats.write(vectors, path)
    with zipfile.ZipFile(path) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    names = itertools.count()

    @FUZZED
    @given(content=damage(whole[member]))
    def try_it(content):
        broken = tmp_path / f"{next(names)}.npz"
        with zipfile.ZipFile(broken, "w") as archive:
            for name, data in (whole | {member: content}).items():
                archive.writestr(name, data)
        try:
            survives(broken, None)
        finally:
            broken.unlink()

    try_it()


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_damaged_compressed_files(suffix, vectors, tmp_path):
    path = tmp_path / f"a.txt{suffix}"
    formats.write(vectors, path)
    whole = path.read_bytes()

    @FUZZED
    @given(content=damage(whole))
    def try_it(content):
        path.write_bytes(content)
        survives(path, None)

    try_it()


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in DIRECTORIES.items() for file in files])
def test_damaged_directories(name, file, vectors, tmp_path):
    formats.write(vectors, tmp_path / "whole", name)
    whole = {entry.name: entry.read_bytes() for entry in (tmp_path / "whole").iterdir()}
    names = itertools.count()

    @FUZZED
    @given(content=damage(whole[file]))
    def try_it(content):
        broken = tmp_path / str(next(names))
        broken.mkdir()
        for other in DIRECTORIES[name]:
            (broken / other).write_bytes(whole[other])
        (broken / file).unlink()
        (broken / file).write_bytes(content)
        survives(broken, name)
        for entry in broken.iterdir():
            entry.unlink()
        broken.rmdir()

    try_it()


@FUZZED
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_anything_at_all(content, tmp_path):
    path = tmp_path / "anything.txt"
    path.write_bytes(content)
    for name, entry in FORMATS.items():
        if entry.can_read and not entry.is_directory and name not in ("npz", "safetensors"):
            survives(path, name)
    survives(path, None)
