"""Whatever the pipeline has written and reads again: damaged in great number, only the documented error comes.

What is protected by a hash is never read wrong. ``VECMILL_FUZZ_EXAMPLES`` says how many inputs each case tries.
"""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings import (
    EncodedCorpus,
    SplitText,
    TokenizedCorpus,
    Vocabulary,
    build_vocabulary,
    encode_corpus,
    make_tokenizer,
    split_text,
    tokenize_corpus,
)
from embeddings.checkpoint import load_checkpoint, save_checkpoint
from embeddings.errors import EmbeddingsError
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.text.vocabulary import EOS, UNK
from embeddings.vectors.word_vectors import WordVectors
from pipelines.running.manifest import Manifest, ManifestError
from pipelines.running.output_directory import OutputDirectory
from tests.fuzzing import FUZZED, damage
from tests.manifests import make_manifest
from vecmill.errors import OutputError

TEXT = b"the cat sat on the mat\na dog and a cat\n" * 8


def is_one_line(error):
    message = str(error)
    assert message
    assert "\n" not in message
    assert len(message) < 2000


def each_damaged(directory, name, check):
    """Call `check` with the directory, whose file `name` has been damaged, again and again."""
    whole = (directory / name).read_bytes()

    @FUZZED
    @given(content=damage(whole))
    def try_it(content):
        (directory / name).unlink()  # the file before may still be mapped
        (directory / name).write_bytes(content)
        check(content == whole)

    try_it()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Every kind of directory, whole."""
    root = tmp_path_factory.mktemp("made")
    tokenized = tokenize_corpus([TEXT], make_tokenizer("fast"), root / "tokenized", threads=1)
    vocabulary = build_vocabulary(tokenized, min_count=1)
    encode_corpus(tokenized, vocabulary, root / "encoded", threads=1, shard_tokens=40)
    rng = np.random.default_rng(0)
    WordVectors(vocabulary, rng.random((len(vocabulary), 3), np.float32)).save(root / "vectors")
    save_checkpoint(root / "checkpoint", {"E": rng.random((5, 3)), "n": np.arange(4)}, {"position": 12, "metrics": [1]})
    split_text(tokenize_corpus([TEXT * 2], make_tokenizer("fast"), root / "long", threads=1), root / "split")
    config = LanguageModelConfig(hidden_size=4, layers=1)
    LanguageModel(config, Vocabulary.from_words([UNK, EOS, *vocabulary.words]), rng=rng).save(root / "lm")
    return root


@pytest.fixture
def copy(made, tmp_path):
    def make(name):
        return shutil.copytree(made / name, tmp_path / name)

    return make


@pytest.mark.parametrize("name", ["state.json", "E.npy", "n.npy"])
def test_damaged_checkpoints(copy, name):
    directory = copy("checkpoint")
    expected = load_checkpoint(directory)

    def check(whole):
        found = load_checkpoint(directory)
        assert found is not None or not whole
        if found is not None:
            assert found.state == expected.state
            assert all(np.array_equal(found.arrays[key], expected.arrays[key]) for key in expected.arrays)

    each_damaged(next(directory.iterdir()), name, check)


@pytest.mark.parametrize("name", ["encoded.json", "train-ids-0.npy", "train-offsets-0.npy", "train-offsets-1.npy"])
def test_damaged_shards(copy, name):
    directory = copy("encoded")
    expected = [[array.tolist() for array in shard] for shard in EncodedCorpus.open(directory).shards]

    def check(whole):
        try:
            corpus = EncodedCorpus.open(directory)
            found = [[array.tolist() for array in shard] for shard in corpus.shards]
        except EmbeddingsError as error:
            assert not whole
            is_one_line(error)
        else:
            assert found == expected[: len(found)]
            assert name == "encoded.json" or found == expected

    each_damaged(directory, name, check)


@pytest.mark.parametrize("name", ["tokenized.json", "parts.npy", "ids-0.bin", "words-0-0.bin"])
def test_damaged_provisional_ids(copy, name, tmp_path):
    directory = copy("tokenized")

    def check(whole):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        try:
            tokenized = TokenizedCorpus.open(directory)
            encode_corpus(tokenized, build_vocabulary(tokenized, min_count=1), tmp_path / "out", threads=1)
        except EmbeddingsError as error:
            assert not whole
            is_one_line(error)

    each_damaged(directory, name, check)


VOCABULARY = "the\t9\nköln\t5\na\\tb\t3\nx\t1\n".encode()


@FUZZED
@given(content=damage(VOCABULARY) | st.binary(max_size=80))
def test_damaged_vocabularies(content, tmp_path):
    path = tmp_path / "vocabulary.tsv"
    path.write_bytes(content)
    try:
        vocabulary = Vocabulary.load(path)
        words = vocabulary.words
        assert len(words) == len(vocabulary) == len(vocabulary.counts)
        assert all(vocabulary.counts >= 0)
        for word in words:
            assert word in vocabulary or b"\\" in content  # of an escape that was never written
        with pytest.raises(ValueError, match="half of a surrogate pair"):
            Vocabulary.from_counts({"\ud800" + "".join(words[:1]): 3})
    except EmbeddingsError as error:
        is_one_line(error)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numbers that are none are read as they are, and overflow
@pytest.mark.parametrize("name", ["vectors.npy", "vocabulary.tsv"])
def test_damaged_word_vectors(copy, name):
    directory = copy("vectors")

    def check(whole):
        try:
            vectors = WordVectors.load(directory)
            assert len(vectors.words) == len(vectors.matrix)
            vectors.most_similar(vectors.words[0], topn=2)
        except EmbeddingsError as error:
            assert not whole
            is_one_line(error)

    each_damaged(directory, name, check)


@pytest.mark.parametrize("name", ["split.json", "lines.npy", "counts-0-0.npy"])
def test_damaged_splits(copy, name, made, tmp_path):
    directory = copy("split")
    tokenized = TokenizedCorpus.open(made / "long")

    def check(whole):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        try:
            split = SplitText.open(directory)
            vocabulary = build_vocabulary(tokenized, min_count=1, split=split)
            encode_corpus(tokenized, vocabulary, tmp_path / "out", threads=1, split=split)
        except EmbeddingsError as error:
            assert not whole
            is_one_line(error)

    each_damaged(directory, name, check)


@pytest.mark.parametrize("name", ["language_model.json", "model.safetensors", "vocabulary.tsv"])
def test_damaged_language_models(copy, name):
    directory = copy("lm")

    def check(whole):
        try:
            model = LanguageModel.load(directory)
            assert all(parameter.value.size for parameter in model.parameters.values())
        except EmbeddingsError as error:
            assert not whole
            is_one_line(error)

    each_damaged(directory, name, check)


# ------------------------------------------------------------------------------------------------------- manifests


def test_damaged_manifests(tmp_path):
    directory = tmp_path / "stage"
    directory.mkdir()
    (directory / "out.txt").write_text("text")
    manifest = make_manifest(directory)
    manifest.write(directory)

    def check(whole):
        try:
            found = Manifest.read(directory)
        except ManifestError as error:
            assert not whole
            is_one_line(error)
        else:
            assert found.provenance.fingerprint == manifest.provenance.fingerprint
            found.damaged(directory)
            json.dumps(found.to_dict())

    each_damaged(directory, "manifest.json", check)


@pytest.mark.parametrize("name", ["config.json", "owner.json"])
def test_damaged_settings_of_an_unfinished_run(tmp_path, name):
    out = tmp_path / "out"
    work = tmp_path / ".out.work"
    whole = json.dumps({"train": {"dimension": 3}, "pid": 4, "host": "here"}).encode()

    @FUZZED
    @given(content=damage(whole))
    def try_it(content):
        (work / "tokenize").mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(content)
        try:
            with OutputDirectory(out) as output:
                output.begin({"train": {"dimension": 3}})
                raise KeyboardInterrupt
        except OutputError as error:
            is_one_line(error)
        except KeyboardInterrupt:
            pass

    try_it()
