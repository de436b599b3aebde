"""Files with values that no damage makes, hashes and all: only documented errors, never a crash of compiled code.

Every value of every record is replaced by others of wrong types and sizes; every array by one of another shape or type,
or with ids out of range.
"""

import hashlib
import json
import os
import shutil

import numpy as np
import pytest

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
from embeddings.count_based.positive_pmi import CountBased, CountBasedConfig
from embeddings.errors import EmbeddingsError
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.perplexity import evaluate
from embeddings.language_model.trainer import LMTrainer
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.text.vocabulary import EOS, UNK
from embeddings.training import Checkpointing
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec import Word2Vec, Word2VecConfig
from tests.wrong_values import replaced

TEXT = b"the cat sat on the mat\na dog and a cat\n" * 40


def each_replaced(path, use):
    """Call `use` with every variant of a JSON file; only an EmbeddingsError of one line may come."""
    record = json.loads(path.read_text("utf-8"))
    for variant in replaced(record):
        path.write_text(json.dumps(variant))
        only_one_line(use, variant)


def only_one_line(use, variant=None):
    try:
        use()
    except EmbeddingsError as error:
        assert "\n" not in str(error), variant
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error} for {json.dumps(variant)[:2000]}") from error


@pytest.fixture(autouse=True)
def unflushed(monkeypatch):
    """Write without waiting for the disk: thousands of files."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    tokenized = tokenize_corpus([TEXT], make_tokenizer("fast"), root / "tokenized", threads=1)
    vocabulary = build_vocabulary(tokenized, min_count=1)
    encode_corpus(tokenized, vocabulary, root / "encoded", threads=1, shard_tokens=300)
    vocabulary.save(root / "vocabulary.tsv")
    split_text(tokenized, root / "split")
    words = Vocabulary.from_words([UNK, EOS, *vocabulary.words])
    LanguageModel(LanguageModelConfig(hidden_size=4, layers=1), words, rng=np.random.default_rng(1)).save(root / "lm")
    return root


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made, tmp_path / "copy")


# --------------------------------------------------------------------------------------------------------- records


def test_records_of_tokenized_text(copy, tmp_path):
    def use():
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        tokenized = TokenizedCorpus.open(copy / "tokenized")
        encode_corpus(tokenized, build_vocabulary(tokenized, min_count=1), tmp_path / "out", threads=1)

    each_replaced(copy / "tokenized" / "tokenized.json", use)


def test_records_of_splits(copy, tmp_path):
    tokenized = TokenizedCorpus.open(copy / "tokenized")

    def use():
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        split = SplitText.open(copy / "split")
        vocabulary = build_vocabulary(tokenized, min_count=1, split=split)
        encode_corpus(tokenized, vocabulary, tmp_path / "out", threads=1, split=split)

    each_replaced(copy / "split" / "split.json", use)


def test_records_of_shards(copy):
    vocabulary = Vocabulary.load(copy / "vocabulary.tsv")

    def use():
        corpus = EncodedCorpus.open(copy / "encoded")
        corpus.part("train").stream()[:]
        Word2Vec(Word2VecConfig(dimension=4, epochs=1, threads=1)).fit(corpus, vocabulary)

    each_replaced(copy / "encoded" / "encoded.json", use)


def test_records_of_language_models(copy):
    def use():
        evaluate(LanguageModel.load(copy / "lm"), np.arange(5))

    each_replaced(copy / "lm" / "language_model.json", use)


def test_records_of_ngrams(copy):
    words = Vocabulary.load(copy / "vocabulary.tsv")
    ngrams = CharacterNgrams(buckets=50)
    buckets = ngrams.table(words.words).buckets
    subwords = SubwordVectors(ngrams, buckets, np.ones((len(buckets), 2), np.float32))
    WordVectors(words, np.ones((len(words), 2), np.float32), subwords=subwords).save(copy / "vectors")

    def use():
        WordVectors.load(copy / "vectors").most_similar("cats")

    each_replaced(copy / "vectors" / "subwords.json", use)


# ------------------------------------------------------------------------------------------------------------- ids


def forge(directory, name, array):
    """Replace an array of an encoded corpus, and its hash."""
    np.save(directory / name, array)
    digest = hashlib.sha256((directory / name).read_bytes()).hexdigest()
    about = json.loads((directory / "encoded.json").read_text())
    for part in about["parts"].values():
        for files in part["files"]:
            files |= {name: digest} if name in files else {}
    (directory / "encoded.json").write_text(json.dumps(about))


def uses(directory, vocabulary):
    """Return everything that reads shards."""
    settings = {"dimension": 4, "epochs": 1, "threads": 1}
    return [
        lambda: Word2Vec(Word2VecConfig(**settings)).fit(EncodedCorpus.open(directory), vocabulary),
        lambda: Word2Vec(Word2VecConfig(**settings, architecture="cbow", deterministic=True)).fit(
            EncodedCorpus.open(directory), vocabulary
        ),
        lambda: CountBased(CountBasedConfig(dimension=2)).fit(EncodedCorpus.open(directory), vocabulary),
        lambda: EncodedCorpus.open(directory).stream()[:],
    ]


def changed(array, place, value):
    copied = array.copy()
    copied[place] = value
    return copied


FORGED = {
    "an id of V": ("train-ids-1.npy", lambda ids: changed(ids, 5, 9)),
    "a huge id": ("train-ids-0.npy", lambda ids: changed(ids, -1, 2**31 - 1)),
    "a negative id": ("train-ids-0.npy", lambda ids: changed(ids, 0, -1)),
    "ids of another type": ("train-ids-0.npy", lambda ids: ids.astype(np.int64)),
    "ids of another shape": ("train-ids-0.npy", lambda ids: ids[:, None]),
    "no ids": ("train-ids-0.npy", lambda ids: ids[:0]),
    "fewer ids": ("train-ids-0.npy", lambda ids: ids[:-3]),
}
FORGED_OFFSETS = {
    "beyond the ids": ("train-offsets-0.npy", lambda offsets: changed(offsets, -1, 10**9)),
    "not in order": ("train-offsets-0.npy", lambda offsets: changed(offsets, 1, 10**9)),
    "negative": ("train-offsets-0.npy", lambda offsets: changed(offsets, 0, -5)),
    "of another type": ("train-offsets-0.npy", lambda offsets: offsets.astype(np.int32)),
    "of another shape": ("train-offsets-0.npy", lambda offsets: offsets[None]),
    "none": ("train-offsets-0.npy", lambda offsets: offsets[:0]),
}


@pytest.mark.parametrize("forged", [*FORGED, *FORGED_OFFSETS])
def test_shards_are_checked_before_compiled_code_sees_them(copy, forged):
    name, change = (FORGED | FORGED_OFFSETS)[forged]
    vocabulary = Vocabulary.load(copy / "vocabulary.tsv")
    forge(copy / "encoded", name, change(np.load(copy / "encoded" / name)))
    readers = uses(copy / "encoded", vocabulary)
    for use in readers if forged in FORGED and forged not in ("no ids", "fewer ids") else readers[:3]:
        with pytest.raises(EmbeddingsError, match="encode the corpus again"):
            use()


def test_another_vocabulary_is_refused_by_everything_that_uses_ids(copy):
    words = Vocabulary.load(copy / "vocabulary.tsv").words
    for vocabulary in (Vocabulary.from_words(words[:4]), Vocabulary.from_words([*words, "more"])):
        for use in uses(copy / "encoded", vocabulary)[:3]:
            with pytest.raises(EmbeddingsError, match="vocabulary"):
                use()


def test_a_size_of_the_vocabulary_that_fits_forged_ids_is_refused(copy):
    path = copy / "encoded" / "encoded.json"
    vocabulary = Vocabulary.load(copy / "vocabulary.tsv")
    ids = np.load(copy / "encoded" / "train-ids-0.npy")
    forge(copy / "encoded", "train-ids-0.npy", changed(ids, 0, 10**6))
    path.write_text(json.dumps({**json.loads(path.read_text()), "vocabulary_size": 10**7}))
    for use in uses(copy / "encoded", vocabulary)[:3]:
        with pytest.raises(EmbeddingsError, match="vocabulary is not the one"):
            use()


@pytest.mark.parametrize("wrong", [-2, 11, 2**31])
@pytest.mark.parametrize("output", ["full", "sampled", "adaptive"])
def test_a_language_model_checks_ids(copy, wrong, output):
    words = Vocabulary.load(copy / "lm" / "vocabulary.tsv")
    config = LanguageModelConfig(hidden_size=4, layers=1, output=output, tie_weights=output != "adaptive")
    model = LanguageModel(config, words, rng=np.random.default_rng(1))
    ids = changed(np.arange(200, dtype=np.int64) % len(words), 70, wrong)
    good = np.zeros(20, np.int64)
    for use in (
        lambda: LMTrainer(model, LMTrainingConfig(epochs=1)).fit(ids, good),
        lambda: LMTrainer(model, LMTrainingConfig(epochs=1)).fit(good, ids),
        lambda: evaluate(model, ids),
    ):
        with pytest.raises(EmbeddingsError, match="word id"):
            use()


# ----------------------------------------------------------------------------------------------------- checkpoints


def language_model_training(copy, directory):
    words = Vocabulary.load(copy / "lm" / "vocabulary.tsv")
    model = LanguageModel(LanguageModelConfig(hidden_size=4, layers=1), words, rng=np.random.default_rng(1))
    config = LMTrainingConfig(epochs=2, batch_size=4, bptt=5, optimizer="adamw")
    ids = np.arange(200) % len(words)
    trainer = LMTrainer(model, config, checkpointing=Checkpointing(directory))
    return lambda progress=None: trainer.fit(ids, ids[:50], progress=progress)


def word2vec_training(copy, directory):
    corpus, vocabulary = EncodedCorpus.open(copy / "encoded"), Vocabulary.load(copy / "vocabulary.tsv")
    model = Word2Vec(Word2VecConfig(dimension=4, epochs=3, threads=1))
    return lambda progress=None: model.fit(
        corpus, vocabulary, progress=progress, checkpointing=Checkpointing(directory)
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a learning rate that is no number is only noticed later
@pytest.mark.parametrize("training", [language_model_training, word2vec_training])
def test_checkpoints_are_checked_before_training_goes_on(copy, tmp_path, training):
    directory = tmp_path / "checkpoints"

    def interrupt(progress):
        if progress.done > progress.total / 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training(copy, directory)(interrupt)
    arrays, state = load_checkpoint(directory)
    for name, array in arrays.items():
        for forged in (array[:0], array[..., :-1], np.zeros((2, *array.shape), array.dtype), array.astype("U1")):
            save_checkpoint(directory, {**arrays, name: forged}, state)
            only_one_line(training(copy, directory), name)
        save_checkpoint(directory, {key: other for key, other in arrays.items() if key != name}, state)
        only_one_line(training(copy, directory), name)
    for variant in replaced(state):
        if isinstance(variant, dict):
            save_checkpoint(directory, arrays, variant)
            only_one_line(training(copy, directory), variant)


# ------------------------------------------------------------------------------------------------------ parts, splits

NUMBERS = [-1, 0, 1, 7, 2**31, 2**62, 2**63 - 1]


def each_number_replaced(path, use):
    array = np.load(path)
    for place in np.ndindex(array.shape):
        for number in NUMBERS:
            np.save(path, changed(array, place, number))
            only_one_line(use, [*place, number])
    for forged in (array[:0], array[..., :1], array.astype(np.int32), array.astype(float), array[None], array.ravel()):
        np.save(path, forged)
        only_one_line(use, str(forged.dtype))
    np.save(path, array)


@pytest.mark.parametrize("sources", [False, True])
def test_places_of_ids_and_lines_of_splits(tmp_path, sources):
    text = {"train": [TEXT], "valid": [TEXT[:300]], "test": [TEXT[:300]]} if sources else [TEXT]
    tokenized = tokenize_corpus(text, make_tokenizer("fast"), tmp_path / "tokenized", threads=1)
    split_text(tokenized, tmp_path / "split")

    def use():
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        shutil.rmtree(tmp_path / "again", ignore_errors=True)
        tokenized = TokenizedCorpus.open(tmp_path / "tokenized")
        split = SplitText.open(tmp_path / "split")
        vocabulary = build_vocabulary(tokenized, min_count=1, split=split)
        encode_corpus(tokenized, vocabulary, tmp_path / "out", threads=1, split=split)
        split_text(tokenized, tmp_path / "again")

    use()
    each_number_replaced(tmp_path / "tokenized" / "parts.npy", use)
    each_number_replaced(tmp_path / "split" / "lines.npy", use)
    each_number_replaced(tmp_path / "split" / "counts-0-0.npy", use)
