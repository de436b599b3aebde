"""spaCy pipelines: made in Python or by one command, opened by `spacy.load`, with the same vectors."""

import errno
import json

import numpy as np
import pytest

import vecmill
from embeddings.errors import EmbeddingsError
from embeddings.vectors.spacy_pipeline import write_pipeline
from tests.command_line import fails
from tests.command_line import vecmill as run

spacy = pytest.importorskip("spacy")
WORDS = ["king", "queen", "the", "köln", "don", "東京", "ORTH", "new_york", "🦜"]
UNSEEN = ["kings", "queenly", "x", "Köln"]


def train(**settings):
    return vecmill.train([WORDS, WORDS[::-1]] * 20, dimension=8, min_count=1, threads=1, **settings)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spacy")
    train().save(folder / "words")
    train(subwords="2-4", buckets=300, floret_hashes=2).save(folder / "floret")
    train(subwords="2-4", buckets=300).save(folder / "fasttext")
    train(lowercase=True).save(folder / "lower")
    return folder


@pytest.mark.parametrize("lang", ["en", "xx"])
def test_words_have_their_vectors(models, tmp_path, lang):
    vectors = vecmill.load(models / "words")
    pipeline = vectors.to_spacy(lang)
    pipeline.to_disk(tmp_path / "out")
    for found in (pipeline, spacy.load(tmp_path / "out")):
        assert found.lang == lang
        assert found.vocab.vectors.shape == vectors.matrix.shape
        for word in WORDS:
            np.testing.assert_array_equal(found.vocab[word].vector, vectors[word])
        assert not found.vocab["unseen"].has_vector
    assert [token.text for token in found("the king, the queen.")] == ["the", "king", ",", "the", "queen", "."]
    mean = np.mean([vectors[word] for word in ("the", "king")], axis=0)
    np.testing.assert_allclose(found("the king").vector, mean, atol=1e-6)


def test_every_word_has_a_vector_in_floret_mode(models):
    vectors = vecmill.load(models / "floret")
    pipeline = vectors.to_spacy("en")
    assert pipeline.vocab.vectors.mode == "floret"
    for word in [*WORDS, *UNSEEN, "e\u0301"]:
        np.testing.assert_allclose(pipeline.vocab[word].vector, vectors[word], atol=1e-6)


def test_tokens_are_looked_up_in_lower_case_if_the_text_was(models):
    vectors = vecmill.load(models / "lower")
    pipeline = vectors.to_spacy("en")
    np.testing.assert_array_equal(pipeline("King")[0].vector, vectors["king"])
    assert not vecmill.load(models / "words").to_spacy("en")("King")[0].has_vector


@pytest.mark.parametrize("name", ["words", "floret", "lower"])
def test_the_command_writes_what_spacy_loads(models, tmp_path, name):
    out = tmp_path / "pipeline"
    result = run("export", models / name, "--format", "spacy", "--lang", "en", "--out", out)
    assert result.exit_code == 0, result.output
    assert f"spacy.load('{out}')" in result.stdout
    theirs, ours = spacy.load(out), vecmill.load(models / name)
    for word in WORDS:
        np.testing.assert_allclose(
            theirs.vocab[word].vector, ours[word.lower() if name == "lower" else word], atol=1e-6
        )
    fails(1, "exists; add --force", "export", models / name, "--format", "spacy", "--out", out)
    again = run("export", models / name, "--format", "spacy", "--out", out, "--force", "--json")
    assert json.loads(again.stdout)["out"] == str(out)
    assert spacy.load(out).lang == "xx"
    if name == "words":
        np.testing.assert_array_equal(vecmill.load(out).matrix[0], theirs.vocab[vecmill.load(out).words[0]].vector)


def test_what_cannot_be_written_is_said(models, tmp_path):
    out = tmp_path / "pipeline"
    call = ("export", models / "words", "--format", "spacy", "--out", out)
    fails(1, "spaCy has no tokenizer for the language 'qq'", *call, "--lang", "qq")
    fails(2, "spaCy has no smaller vectors", *call, "--quantize", "int8")
    assert not out.exists()
    result = run("export", models / "fasttext", "--format", "spacy", "--out", out)
    assert result.exit_code == 0
    assert "the vectors of n-grams are left out" in result.stderr
    with pytest.raises(EmbeddingsError, match="'qq'"):
        vecmill.load(models / "words").to_spacy("qq")
    with pytest.raises(TypeError, match="lang is 5"):
        vecmill.load(models / "words").to_spacy(5)


@pytest.mark.parametrize("name", ["vectors", "vectors.cfg"])
def test_a_file_that_spacy_could_not_write_or_that_cannot_be_read_is_one_line(models, tmp_path, monkeypatch, name):
    """NumPy's C code hides an error of its last write; a file without its settings is another model."""
    write = spacy.language.Language.to_disk

    def cut(pipeline, folder):
        write(pipeline, folder)
        file = folder / "vocab" / name
        file.write_bytes(file.read_bytes()[:-8]) if name == "vectors" else file.unlink()

    monkeypatch.setattr(spacy.language.Language, "to_disk", cut)
    out = tmp_path / "out"
    message = f"no space left for {out};" if name == "vectors" else f"cannot write {out}: No such file"
    fails(1, message, "export", models / "words", "--format", "spacy", "--out", out)
    assert not list(tmp_path.iterdir())


def test_a_write_that_numpy_cuts_short_is_that_of_a_full_disk(tmp_path):
    class CutShort:
        def to_disk(self, folder):
            raise OSError("900 requested and 12 written")

    with pytest.raises(OSError, match="No space left on device") as raised:
        write_pipeline(CutShort(), tmp_path / "pipeline")
    assert raised.value.errno == errno.ENOSPC
