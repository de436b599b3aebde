"""ARPA files: what is written is what was estimated, files of others are read, and damage is found."""

import gzip
import lzma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings import EmbeddingsError, Vocabulary, make_tokenizer
from embeddings.language_model import arpa
from embeddings.language_model.arpa import ArpaModel, write_arpa
from embeddings.language_model.ngram import KneserNeyEstimate
from embeddings.language_model.ngram_files import load_ngram_model
from embeddings.text.vocabulary import EOS, UNK
from tests.command_line import fails, vecmill

WORDS = [UNK, EOS, "the", "köln", "東京", "don't", "a"]
END = 1
ARPA = r"""
\data\
ngram 1=4
ngram 2=2

\1-grams:
-1.0 <unk>
-99 <s> -0.5
-0.4 a -0.25
-0.6 </s>

\2-grams:
-0.1 <s> a
-0.2 a </s>

\end\
"""


def random_ids(sentences, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([[*rng.integers(2, len(WORDS), rng.integers(1, 9)), END] for _ in range(sentences)])


@pytest.fixture
def written(tmp_path):
    """Return a function that writes the model of random sentences, and returns it and its path."""

    def write(order, name="model.arpa", **options):
        folder = tmp_path / f"counts-{order}"
        folder.mkdir()
        estimate = KneserNeyEstimate(random_ids(60, 1), len(WORDS), END, folder, order=order, **options)
        write_arpa(estimate, Vocabulary.from_words(WORDS), END, tmp_path / name)
        return estimate, tmp_path / name

    return write


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize(("name", "open_file"), [("model.arpa", open), ("model.arpa.gz", gzip.open)])
def test_what_is_written_is_what_was_estimated(written, order, name, open_file):
    estimate, path = written(order, name)
    model, table, ids = ArpaModel(path), estimate.table(), random_ids(9, 2)
    assert model.order == order
    for sentence in np.split(ids, np.flatnonzero(ids == END) + 1)[:-1]:
        found = model.log_likelihoods([WORDS[number] for number in sentence[:-1]])
        np.testing.assert_allclose(found, table.log_likelihoods(sentence), atol=order * 3e-6)
    with open_file(path, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert lines[0] == "\\data\\"
    assert lines[1] == f"ngram 1={len(WORDS) + 1}"
    assert lines[-1] == "\\end\\"


def test_the_bytes_do_not_depend_on_threads(written, tmp_path):
    _, one = written(3, "one.arpa.gz", threads=1)
    (tmp_path / "counts-3").rename(tmp_path / "counts")
    _, three = written(3, "three.arpa.gz", threads=3)
    assert one.read_bytes() == three.read_bytes()


@pytest.mark.parametrize("word", ["<s>", "</s>"])
def test_marks_of_sentences_are_no_words(word, tmp_path):
    estimate = KneserNeyEstimate(np.array([2, END]), 3, END, tmp_path, order=1)
    with pytest.raises(EmbeddingsError, match=f"{word}.*remove"):
        write_arpa(estimate, Vocabulary.from_words([UNK, EOS, word]), END, tmp_path / "model.arpa")
    assert not (tmp_path / "model.arpa").exists()


def test_arpa_files_back_off(tmp_path):
    path = tmp_path / "model.arpa"
    path.write_text(ARPA)
    model = ArpaModel(path)
    assert model.order == 2
    found = model.log_likelihoods(["a", "b"]) / np.log(10)
    np.testing.assert_allclose(found, [-0.1, -0.25 - 1.0, -0.6], rtol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 64])
def test_a_file_is_read_in_blocks(size, written, monkeypatch):
    _, path = written(3)
    whole = ArpaModel(path).log_likelihoods(WORDS[2:])
    monkeypatch.setattr(arpa, "_BLOCK_BYTES", size)
    monkeypatch.setattr(arpa, "_BLOCK_LINES", size)
    np.testing.assert_array_equal(ArpaModel(path).log_likelihoods(WORDS[2:]), whole)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("-0.4 a -0.25", "  -4.0e-1\ta\t-2.5E-01 "),
        lambda text: "made by hand\n\n" + text,
        lambda text: "\ufeff" + text.lstrip(),
        lambda text: text.replace("<unk>", "<UNK>"),
        lambda text: text.replace("-99 <s>", "-inf <s>"),
    ],
)
def test_other_ways_to_write_the_same_are_read(change, tmp_path):
    path = tmp_path / "model.arpa"
    path.write_bytes(change(ARPA).encode())
    found = ArpaModel(path).log_likelihoods(["a", "b"]) / np.log(10)
    np.testing.assert_allclose(found, [-0.1, -0.25 - 1.0, -0.6], rtol=1e-6)


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_compressed_files_are_known_by_their_content(compress, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(compress(ARPA.encode()))
    vocabulary = Vocabulary.from_words([UNK, EOS])
    assert isinstance(load_ngram_model(path, vocabulary, make_tokenizer()), ArpaModel)
    path.write_bytes(compress(ARPA.encode())[:-20])
    with pytest.raises(EmbeddingsError, match="cannot read"):
        ArpaModel(path)


def test_a_model_without_unk_gives_unknown_words_no_probability(tmp_path):
    path = tmp_path / "model.arpa"
    path.write_text(ARPA.replace("-1.0 <unk>\n", "").replace("1=4", "1=3"))
    assert ArpaModel(path).log_likelihoods(["b"])[0] == -np.inf


@pytest.mark.parametrize(
    ("old", "new", "pattern"),
    [
        ("-0.4 a", "number a", "arpa:9: not a line"),
        ("-0.4 a", "nan a", "arpa:9: not a line"),
        ("-0.4 a", "0.4 a", "arpa:9: .*above 1"),
        ("-0.2 a </s>", "-0.2 a", "arpa:14: not a line"),
        ("-0.2 a </s>", "-0.2 a </s> 0 0", "arpa:14: not a line"),
        ("-0.2 a </s>", "-0.2 a b", "'b' of a 2-gram"),
        ("-0.6 </s>", "-0.6 a", "twice"),
        ("-0.6 </s>", "-0.6 b", "no </s>"),
        ("-0.2 a </s>", "-0.1 <s> a", "an n-gram twice"),
        ("ngram 2=2", "ngram 2=3", "2 2-grams, by its heading 3"),
        ("ngram 2=2", "ngram 2=2\nngram 3=1", "ends before the 3-grams"),
        ("\\2-grams", "\\3-grams", "arpa:13.*next order"),
        ("-0.4 a -0.25", "-0.4 a inf", "arpa:9: not a line"),
        ("\\end\\\n", "", "was cut short"),
        ("\\end\\\n", "\\en", "was cut short"),
        ("ngram 1=4\n", "", "arpa:6.*next order"),
        ("ngram 1=4\n", f"ngram 1={'9' * 5000}\n", "arpa:7.*next order"),
    ],
)
def test_damage_is_found(old, new, pattern, tmp_path):
    path = tmp_path / "model.arpa"
    assert old in ARPA
    path.write_text(ARPA.replace(old, new))
    with pytest.raises(EmbeddingsError, match=pattern):
        ArpaModel(path)


def test_files_that_are_not_arpa_are_refused(tmp_path):
    path = tmp_path / "model.arpa"
    for content in (b"just text\n", b"", bytes(range(256))):
        path.write_bytes(content)
        with pytest.raises(EmbeddingsError, match="ARPA"):
            ArpaModel(path)
    with pytest.raises(EmbeddingsError, match="cannot read"):
        ArpaModel(tmp_path / "none.arpa")


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_byte_is_read_or_refused(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("arpa") / "model.arpa"
    content = bytearray(ARPA.encode())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        ArpaModel(path).log_likelihoods(["a", "b"])
    except EmbeddingsError as error:
        assert "\n" not in str(error)


TEXT = "The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 20


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def test_the_command_writes_a_model_that_perplexity_reads(text, tmp_path):
    out = tmp_path / "model.arpa.gz"
    result = vecmill("ngram", text, "--out", out, "--order", "3", "--prune", "0 0 1", "--json")
    assert result.exit_code == 0, result.output
    assert '"tokens": 460' in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.arpa.gz", "text.txt"]
    found = vecmill("perplexity", out, text, "--json")
    assert found.exit_code == 0, found.output
    assert '"oov": 0' in found.stdout
    model, lines = ArpaModel(out), make_tokenizer(punctuation=True).tokenize(TEXT)
    log10 = sum(model.log_likelihoods(line).sum() for line in lines) / np.log(10)
    assert f'"log10": {log10:.6f}'[:-2] in found.stdout
    fails(1, "exists; add --force", "ngram", text, "--out", out)
    assert vecmill("ngram", text, "--out", out, "--force").exit_code == 0


def test_words_outside_of_the_vocabulary_are_unk(text, tmp_path):
    out = tmp_path / "model.arpa"
    assert vecmill("ngram", text, "-o", out, "--max-vocabulary", "6", "--no-punctuation").exit_code == 0
    assert "ngram 1=7\n" in out.read_text()
    assert '"oov": 180' in vecmill("perplexity", out, text, "--no-punctuation", "--json").stdout


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        (["--prune", "0 x"], "--prune.*numbers"),
        (["--prune", "1"], "--prune.*0"),
        (["--order", "7"], "--order"),
        (["--threads", "0"], "threads"),
        (["--tokenizer", "slow"], "slow"),
    ],
)
def test_wrong_options_are_usage_errors(options, pattern, text, tmp_path):
    fails(2, pattern, "ngram", text, "--out", tmp_path / "model.arpa", *options)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_texts_without_words_or_with_marks_are_refused(tmp_path):
    text, out = tmp_path / "text.txt", tmp_path / "model.arpa"
    text.write_text(" \n\n")
    fails(1, "no words; give it some text", "ngram", text, "--out", out)
    text.write_text("<s> a b </s>\n")
    fails(1, "<s>.*remove", "ngram", text, "--out", out, "--tokenizer", "whitespace")
    fails(1, "expected an ARPA file", "perplexity", text, text)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]
