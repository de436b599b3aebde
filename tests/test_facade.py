"""`import vecmill`: the names, and what `train` takes for a text."""

import ast
import dataclasses
import gzip
import inspect
import io
import logging
import subprocess
import sys
from pathlib import Path

import nltk
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecmill
from corpora import open_corpus
from embeddings.language_model.config import LanguageModelConfig

REPOSITORY = Path(__file__).resolve().parents[1]
LINES = ["The cat sat on the mat.", "the dog sat on the rug", "a cat, a dog"] * 40
WORDS = {"the", "cat", "sat", "on", "mat", "dog", "rug", "a"}
SMALL = {"dimension": 8, "epochs": 1, "threads": 1, "min_count": 1}


def train(text, **settings):
    return vecmill.train(text, **SMALL | settings)


@pytest.fixture(scope="module")
def expected():
    return train(LINES)


def run(code, folder):
    """Run Python in a folder of its own, as a user does."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(REPOSITORY)}
    )


# --- names ---


def test_the_import_loads_nothing_heavy(tmp_path):
    done = run("import sys, vecmill; dir(vecmill); print(*sys.modules)", tmp_path)
    heavy = {"numpy", "scipy", "numba", "pandas", "nltk", "pyarrow", "embeddings", "corpora", "pipelines"}
    assert "vecmill" in done.stdout.split(), done.stderr
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize("name", vecmill.__all__)
def test_every_name_is_there(name):
    assert getattr(vecmill, name) is not None
    assert name in dir(vecmill)


def test_names_are_those_of_the_stub():
    stub = ast.parse((REPOSITORY / "vecmill" / "__init__.pyi").read_text("utf-8"))
    names = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names | {"__version__"} == set(vecmill.__all__)


def test_no_module_has_the_name_of_something_public():
    """The import of such a module would put it in the place of the function."""
    modules = {path.stem for path in Path(vecmill.__file__).parent.glob("*.py")}
    assert not modules & set(vecmill.__all__)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="'vecmill' has no attribute 'trian'"):
        vecmill.trian  # noqa: B018


def test_settings_are_keywords_with_the_defaults_of_the_configuration():
    parameters = inspect.signature(vecmill.train).parameters
    for field in dataclasses.fields(vecmill.Word2VecConfig):
        parameter = parameters[field.name]
        assert (parameter.default, parameter.annotation) == (field.default, field.type)
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


SIX_LINES = """
import vecmill
vectors = vecmill.train("corpus.txt", dimension=100)
vectors = vecmill.train([["user", "item1", "item2"]] * 40, dimension=10)
vectors = vecmill.load("runs/wiki"); scores = vecmill.evaluate(vectors, "wordsim-353")
lm = vecmill.LanguageModel.load("runs/pydocs-lm"); lm.generate("Return the"); lm.perplexity("some text")
lm.score(["a line", "another"])
lm = vecmill.train_language_model("corpus.txt", embeddings=vectors)
print(vectors, scores["used"].tolist(), lm.perplexity("the cat") > 1)
"""


def test_the_first_lines_of_a_new_user(tmp_path, expected, language_model):
    (tmp_path / "corpus.txt").write_text("\n".join(LINES))
    (tmp_path / "wordsim-353").write_text("cat\tdog\t9\ncat\tmat\t3\ndog\trug\t2\n")  # in place of the download
    expected.save(tmp_path / "runs" / "wiki")
    language_model.save(tmp_path / "runs" / "pydocs-lm")
    done = run(SIX_LINES, tmp_path)
    assert done.stdout == "WordVectors(8 words, 8 dimensions) [3] True\n", done.stderr


# --- text ---


class Reader:
    """Lines that can be read once."""

    def __init__(self, items):
        self.items = iter(items)
        self.times = 0

    def __iter__(self):
        self.times += 1
        return self.items


MAKE = {
    "list": lambda folder: LINES,
    "tuple": lambda folder: tuple(LINES),
    "generator": lambda folder: (line for line in LINES),
    "Series": lambda folder: pd.Series(LINES, index=range(100, 100 + len(LINES))),
    "array": lambda folder: np.array(LINES),
    "array of objects": lambda folder: np.array(LINES, object),
    "Arrow": lambda folder: pa.chunked_array([LINES[:50], LINES[50:]]),
    "bytes": lambda folder: [line.encode() for line in LINES],
    "bytes and str": lambda folder: [line.encode() if i % 2 else line for i, line in enumerate(LINES)],
    "path": lambda folder: folder / "text.txt",
    "name": lambda folder: str(folder / "text.txt"),
    "gzip": lambda folder: folder / "text.txt.gz",
    "csv": lambda folder: folder / "text.csv",
    "parquet": lambda folder: folder / "text.parquet",
    "glob": lambda folder: str(folder / "*.gz"),
    "list of paths": lambda folder: [folder / "text.txt", folder / "directory" / ".." / "text.txt"],
    "paths of a glob": lambda folder: (folder / "directory").glob("*.txt"),
    "byte-order mark": lambda folder: ["\ufeff" + LINES[0], *LINES[1:]],
    "URL": lambda folder: (folder / "text.txt").as_uri(),
    "directory": lambda folder: folder / "directory",
    "corpus": lambda folder: open_corpus(folder / "text.txt.gz"),
    "text file": lambda folder: (folder / "text.txt").open(encoding="utf-8"),
    "binary file": lambda folder: (folder / "text.txt").open("rb"),
    "compressed binary file": lambda folder: (folder / "text.txt.gz").open("rb"),
    "opened gzip file": lambda folder: gzip.GzipFile(folder / "text.txt.gz"),
    "opened gzip file of text": lambda folder: io.TextIOWrapper(gzip.GzipFile(folder / "text.txt.gz")),
    "csv file": lambda folder: (folder / "text.csv").open("rb"),
    "StringIO": lambda folder: io.StringIO("\n".join(LINES)),
    "BytesIO": lambda folder: io.BytesIO("\n".join(LINES).encode()),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    text = "\n".join(LINES) + "\n"
    (folder / "text.txt").write_text(text, "utf-8")
    (folder / "directory").mkdir()
    (folder / "directory" / "text.txt").write_text(text, "utf-8")
    with gzip.open(folder / "text.txt.gz", "wt") as file:
        file.write(text)
    frame = pd.DataFrame({"text": LINES, "other": "x"})
    frame.to_csv(folder / "text.csv", index=False)
    pq.write_table(pa.Table.from_pandas(frame), folder / "text.parquet")
    return folder


@pytest.mark.parametrize("kind", MAKE)
def test_texts_of_many_kinds_give_the_same_vectors(kind, folder, expected):
    text = MAKE[kind](folder)
    vectors = train(text)
    assert set(vectors.words) == WORDS
    assert list(vectors.vocabulary.counts) == list(expected.vocabulary.counts)
    np.testing.assert_array_equal(vectors.matrix, expected.matrix)
    if hasattr(text, "read"):
        assert not text.closed
        text.close()


def test_what_can_be_read_once_is_read_once(expected):
    lines = Reader(LINES)
    np.testing.assert_array_equal(train(lines).matrix, expected.matrix)
    assert lines.times == 1


def test_lists_of_tokens_are_taken_as_they_are():
    baskets = [["oat milk", "Tea"], ["Tea", "sugar\n"], ["oat milk", "sugar\n", "Tea"]] * 20
    for text in (baskets, map(tuple, baskets), pd.Series(baskets), [np.array(basket) for basket in baskets]):
        vectors = train(text)
        assert dict(zip(vectors.words, vectors.vocabulary.counts.tolist(), strict=True)) == {
            "Tea": 60,
            "oat milk": 40,
            "sugar\n": 40,
        }
    assert set(train(baskets, lowercase=True).words) == {"tea", "oat milk", "sugar\n"}


def test_tokens_give_the_vectors_of_their_text(expected):
    tokens = [vecmill.make_tokenizer().tokenize(line)[0] for line in LINES]
    np.testing.assert_array_equal(train(tokens).matrix, expected.matrix)


@pytest.mark.parametrize(
    "tokenizer",
    [nltk.RegexpTokenizer(r"\w+"), str.split, vecmill.make_tokenizer("whitespace", lowercase=True), "nltk:wordpunct"],
    ids=["object of NLTK", "function", "Tokenizer", "name"],
)
def test_tokenizers_of_many_kinds(tokenizer):
    assert {"the", "cat"} < set(train(LINES, tokenizer=tokenizer).words)


def test_options_of_the_tokenizer():
    assert "The" in train(LINES, lowercase=False).words
    assert "," in train(LINES, punctuation=True).words
    assert "0000" in train(["in 1984 and 2001"] * 9, fold_digits=True).words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"None \(NoneType\) is not text; expected a path, an open file, an iterable of str"),
        (float("nan"), r"nan \(float\) is not text"),
        (5, r"5 \(int\) is not text"),
        ({"a": 1}, r"\{'a': 1\} \(dict\) is not text"),
        ({"a b", "c d"}, r"\(set\) is not text"),
        (b"some text", r"b'some text' \(bytes\) is not text"),
        (np.array("text"), r"\(ndarray\) is not text"),
        ([], "the text is empty"),
        (pd.DataFrame({"text": LINES, "n": 1}), r"a DataFrame is not text; give one of its columns.*'text', 'n'"),
        (pa.table({"text": LINES}), r"a Table is not text; give one of its columns.*'text'"),
        ([{"text": "a b"}], r"sentence 0 is \{'text': 'a b'\} \(dict\).*row\['text'\]"),
        ([5, "a b"], r"sentence 0 is 5 \(int\)"),
        (["a b", Path("a.txt")], r"line 1 is PosixPath.*give path objects alone for several files"),
        ([Path("a.txt"), "a b"], r"path 1 is 'a b' \(str\); expected a path object, as those before"),
        (np.arange(3), r"sentence 0 is .*0.*expected a str"),
        (["a b", None], r"line 1 is None \(NoneType\); expected a str, as the lines before; remove missing values"),
        (["a b"] * 20_000 + [7], r"line 20000 is 7 \(int\)"),
        (["a b", ["c", "d"]], r"line 1 is \['c', 'd'\] \(list\)"),
        ([["a", "b"], "c d"], r"sentence 1 is 'c d' \(str\); expected a list of tokens"),
        ([["a", "b"], ["c", 5]], r"sentence 1: token 1 is 5 \(int\)"),
        ([["a", "b"]] * 20_000 + [["c", None]], r"sentence 20000: token 1 is None"),
        (pd.Series(["a b", np.nan, 5], ["x", "y", "z"]), r"line 2 \(index 'z'\) is 5(\.0)? \((int|float)\)"),
        (pd.Series([["a"], ["b", 3]], [10, 20]), r"sentence 1 \(index 20\): token 1 is 3"),
        ("the cat\nsat", r"looks like text, not a path: 'the cat\\nsat' \(11 characters\); give \[text\]"),
        ("the cat sat on the mat", "looks like text, not a path"),
    ],
)
def test_what_is_not_text_is_refused(text, message):
    with pytest.raises(vecmill.NotTextError, match=message) as caught:
        train(text)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, vecmill.VecmillError)


@pytest.mark.parametrize("text", ["word " * 10**6, "x" * 10**6, "\n" * 10**6, ["x" * 10**6, 5], [["x" * 10**6], 5]])
def test_messages_are_short(text):
    with pytest.raises(vecmill.NotTextError) as caught:
        train(text)
    assert len(str(caught.value)) <= 200


def test_files_are_refused_as_on_the_command_line(tmp_path):
    (tmp_path / "binary").write_bytes(b"a b\0" * 100)
    (tmp_path / "utf16.txt").write_bytes("a b c".encode("utf-16"))
    for name, message in [("binary", "is a binary file"), ("utf16.txt", "UTF-16"), ("gone.txt", "does not exist")]:
        with pytest.raises(vecmill.VecmillError, match=message):
            train(tmp_path / name)
    with (tmp_path / "binary").open("rb") as file, pytest.raises(vecmill.VecmillError, match="is a binary file"):
        train(file)
    with pytest.raises(vecmill.VecmillError, match=r"expected a file, a directory.*did you mean"):
        train("pydosc")


def test_files_that_cannot_be_read_as_text(tmp_path):
    path = tmp_path / "latin1.txt"
    path.write_bytes("caf\xe9 a b\n".encode("latin-1") * 50)
    with (
        path.open(encoding="utf-8") as file,
        pytest.raises(vecmill.NotTextError, match="cannot be decoded"),
    ):
        train(file)
    with pytest.raises(vecmill.NotTextError, match="closed file; open it for reading"):
        train(file)


def test_what_was_left_out_is_told(tmp_path, caplog):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9 and tea\n" * 30 + b"rare\n")
    (tmp_path / "b.bin").write_bytes(b"\0" * 100)
    with caplog.at_level(logging.WARNING):
        vectors = train(tmp_path, min_count=5)
    assert vectors.dropped["invalid UTF-8 sequences"] == 30
    assert vectors.dropped["words not in the vocabulary"] == 1
    (binary,) = (what for what in vectors.dropped if "binary" in what)
    assert "b.bin" in binary
    assert "binary file skipped" in caplog.text


def test_losses_are_attributes(expected):
    vectors = train(LINES * 20, epochs=3)
    assert [entry["epoch"] for entry in vectors.metrics] == [1, 2, 3]
    assert all(entry["loss"] > 0 for entry in vectors.metrics)
    assert expected.dropped == {}


def test_progress_is_told():
    seen = []
    train(LINES, progress=seen.append)
    assert seen[-1].epoch == 1


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"vector_size": 5}, TypeError, "vector_size is called dimension here"),
        ({"sentences": 5}, TypeError, "sentences is called text here"),
        ({"dimensions": 5}, TypeError, "did you mean 'dimension'"),
        ({"dimension": "100"}, TypeError, r"dimension is '100' \(str\); expected a whole number"),
        ({"min_count": "5"}, TypeError, r"min_count is '5' \(str\)"),
        ({"max_vocabulary": 1.5}, TypeError, r"max_vocabulary is 1.5 \(float\)"),
        ({"window": 0}, ValueError, "window is 0; it must be from 1"),
        ({"tokenizer": "fats"}, ValueError, "did you mean 'fast'"),
        ({"tokenizer": 5}, ValueError, "tokenizer is 5"),
        ({"lowercase": "yes"}, TypeError, r"lowercase is 'yes' \(str\); expected True or False"),
        ({"punctuation": 1}, TypeError, "punctuation is 1"),
        ({"fold_digits": "no"}, TypeError, "fold_digits is 'no'"),
        ({"field": 3}, TypeError, "field is 3"),
        ({"column": None}, TypeError, "column is None"),
    ],
)
def test_settings_are_refused_by_name(settings, error, message):
    with pytest.raises(error, match=message):
        train(LINES, **settings)


def test_a_flat_list_of_tokens_is_refused():
    with pytest.raises(vecmill.VecmillError, match=r"each of the 40 sentences has one word.*give \[tokens\]"):
        train(["the", "cat"] * 20)


def test_a_tokenizer_for_lists_of_tokens_is_refused():
    with pytest.raises(ValueError, match=r"tokenizer is 'fast' .*, but the text is lists of tokens"):
        train([["a", "b"]], tokenizer="fast")


# --- load and evaluate ---


def test_vectors_are_loaded_from_anywhere(expected, tmp_path):
    expected.save(tmp_path / "run" / "train-embeddings")
    vecmill.write_vectors(expected, tmp_path / "vectors.txt")
    for place in ("run", "run/train-embeddings", "vectors.txt"):
        loaded = vecmill.load(tmp_path / place)
        np.testing.assert_allclose(loaded["cat"], expected["cat"], rtol=1e-6)
    with pytest.raises(vecmill.VecmillError, match="there is no"):
        vecmill.load(tmp_path / "gone")


def test_scores_on_files_and_folders(expected, tmp_path):
    (tmp_path / "pairs.tsv").write_text("cat\tdog\t9\ncat\tmat\t3\ndog\trug\t2\n")
    for data in (tmp_path / "pairs.tsv", str(tmp_path / "pairs.tsv"), [tmp_path / "pairs.tsv"], tmp_path):
        scores = vecmill.evaluate(expected, data)
        assert list(scores["set"]) == ["pairs"]
        assert list(scores["used"]) == [3]
    with pytest.raises(vecmill.VecmillError, match=r"there is no wordsim-335.*did you mean 'wordsim-353'"):
        vecmill.evaluate(expected, "wordsim-335")


# --- a list of words is a list ---


@pytest.mark.parametrize(
    "ask",
    [
        lambda vectors: vectors.mean_vector("cat"),
        lambda vectors: vectors.neighbors("cat"),
        lambda vectors: vectors.neighbors_frame("cat"),
        lambda vectors: vectors.doesnt_match("cat dog"),
        lambda vectors: vectors.n_similarity("cat", ["dog"]),
        lambda vectors: vectors.unit_vectors("cat"),
        lambda vectors: vectors.ids("cat"),
        lambda vectors: vectors.distances("cat", "dog"),
    ],
)
def test_a_str_for_a_list_of_words_is_refused(ask, expected):
    with pytest.raises(TypeError, match=r"got the str '(cat|dog|cat dog)'; expected a list of words, such as \['"):
        ask(expected)


def test_a_str_for_a_sentence_is_refused(expected):
    from embeddings.vectors.postprocessing import sif_sentence_vectors

    with pytest.raises(TypeError, match="sentence 0 is a str; expected a list of words"):
        sif_sentence_vectors(expected, pd.Series(LINES))
    with pytest.raises(TypeError, match="expected a list"):
        sif_sentence_vectors(expected, LINES[0])
    assert sif_sentence_vectors(expected, pd.Series([["cat"], ["dog", "mat"]])).shape == (2, 8)


# --- language models ---


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    counts = {"<eos>": 30, "the": 20, "cat": 10, "sat": 9, "<unk>": 1}
    vocabulary = vecmill.Vocabulary.from_words(list(counts), list(counts.values()))
    config = LanguageModelConfig(hidden_size=8, layers=1)
    model = vecmill.LanguageModel(config, vocabulary, rng=np.random.default_rng(3))
    place = tmp_path_factory.mktemp("run")
    model.save(place / "train-lm")
    return vecmill.LanguageModel.load(place)


def test_a_language_model_scores_text(language_model):
    text = "the cat sat\n\nthe dog\n"
    perplexity = language_model.perplexity(text)
    assert perplexity == language_model.perplexity(text.splitlines())
    assert 1 < perplexity < 20
    scores = language_model.score(["the cat sat", "", "the\ncat sat"])
    assert scores[0] == scores[2] < scores[1] < 0
    alone = language_model.perplexity("the cat sat")
    np.testing.assert_allclose(np.log10(alone), -scores[0] / 4, rtol=1e-6)
    with pytest.raises(TypeError, match=r"expected a list of lines: \[text\]"):
        language_model.score("the cat")
    with pytest.raises(TypeError, match=r"line 1 is None \(NoneType\); expected a str"):
        language_model.score(["the", None])
    with pytest.raises(vecmill.VecmillError, match="holds no words"):
        language_model.perplexity("")


def test_a_language_model_writes_text(language_model, caplog):
    written = language_model.generate("the cat", 5, seed=1)
    assert written.startswith("the cat")
    assert written == language_model.generate("the cat", 5, seed=1)
    assert "<unk>" not in language_model.generate(length=40, seed=2, stop_at_line_end=False)
    assert language_model.generate("the", 3, beam=2) == language_model.generate("the", 3, beam=2)
    language_model.generate("a strange cat", 1)
    assert "read as <unk>: a, strange" in caplog.text
    caplog.clear()
    language_model.generate(" ".join(f"w{n % 50}" for n in range(500)), 1)
    assert caplog.messages == [
        f"not in the vocabulary, read as <unk>: {', '.join(f'w{n}' for n in range(20))} and 30 more"
    ]
    with pytest.raises(ValueError, match="top_p"):
        language_model.generate(top_p=2)


def test_word_vectors_are_not_taken_from_a_language_model(language_model, tmp_path):
    language_model.save(tmp_path / "lm")
    with pytest.raises(vecmill.VecmillError, match=r"is a language model, expected word vectors"):
        vecmill.load(tmp_path / "lm")


# --- training a language model ---


def train_lm(text, **settings):
    return vecmill.train_language_model(text, **{"hidden_size": 8, "epochs": 1, "batch_size": 2} | settings)


def test_a_language_model_from_lines_tokens_and_files(folder):
    from_lines = train_lm(LINES)
    tokens = [vecmill.make_tokenizer(punctuation=True).tokenize(line)[0] for line in LINES]
    for text in (folder / "text.csv", (line for line in LINES), tokens):
        np.testing.assert_array_equal(train_lm(text).embedding.weight.value, from_lines.embedding.weight.value)
    assert {*WORDS, ".", ",", "<eos>", "<unk>"} == set(from_lines.vocabulary.words)
    assert from_lines.perplexity("the cat sat on the mat.") < 14


def test_parts_of_a_text_are_kept_apart(tmp_path):
    parts = {"train": ["a b c"] * 50, "valid": ["a b d"] * 5, "test": ["e"]}
    model = train_lm(parts)
    assert set(model.vocabulary.words) == {"a", "b", "c", "<eos>", "<unk>"}
    for name, lines in parts.items():
        (tmp_path / f"wiki.{name}.tokens").write_text("\n".join(lines))
    files = [tmp_path / f"wiki.{name}.tokens" for name in reversed(parts)]
    for text in (
        tmp_path,
        files,
        str(tmp_path / "*.tokens"),
        {"train": parts["train"], "test": parts["test"], "validation": parts["valid"]},
    ):
        np.testing.assert_array_equal(train_lm(text).embedding.weight.value, model.embedding.weight.value)


def test_a_language_model_starts_from_word_vectors(expected):
    model = train_lm(LINES, embeddings=expected, epochs=1, learning_rate=1e-9)
    rows = [model.vocabulary.id("cat"), model.vocabulary.id("dog")]
    found = model.embedding.weight.value[rows]
    centred = expected[["cat", "dog"]] - expected.matrix.mean(axis=0)
    assert np.corrcoef(found.ravel(), centred.ravel())[0, 1] > 0.999


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"preset": "smal"}, ValueError, "did you mean 'small'"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"min_count": "5"}, TypeError, "min_count is '5'"),
        ({"cell": "lsmt"}, ValueError, "lsmt"),
        ({"vector_size": 5}, TypeError, "vector_size"),
    ],
)
def test_settings_of_language_models_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        train_lm(LINES, **settings)


@pytest.mark.parametrize("text", [None, {"train": LINES}, ["a b", 5], "word " * 10**5, "~nobody/of/this name"])
def test_what_is_no_text_for_a_language_model(text):
    with pytest.raises(vecmill.VecmillError) as caught:
        train_lm(text)
    assert len(str(caught.value)) <= 400  # the names of all corpora among them, but not the text
