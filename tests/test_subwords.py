"""Words outside of the vocabulary have the mean vector of their n-grams: in queries, files and sentence vectors."""

import itertools
import json
import struct

import numpy as np
import pytest
from hypothesis import given

from embeddings import formats
from embeddings.errors import EmbeddingsError
from embeddings.evaluation import (
    Categories,
    OddOneOut,
    Topic,
    WordPairs,
    evaluate,
    evaluate_categories,
    evaluate_odd_one_out,
    evaluate_similarity,
)
from embeddings.evaluation.probing.task_data import TaskData
from embeddings.evaluation.probing.tasks import restrict_to_vocabulary
from embeddings.formats import FormatError
from embeddings.networks.initial_embedding import initial_embedding
from embeddings.sequences.word_inputs import WordInputs
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.text.vocabulary import UnknownWordError, Vocabulary
from embeddings.vectors import model_directory, postprocessing
from embeddings.vectors.ann import NeighborIndex
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors
from tests.fuzzing import FUZZED, damage
from tests.quantised_model import quantised_model
from tests.reference import character_ngrams as reference

wraps = pytest.mark.filterwarnings("ignore:overflow encountered in scalar:RuntimeWarning")
"""64-bit products of MurmurHash3 wrap around, about which NumPy warns where nothing is compiled."""

WORDS = ["train", "trains", "training", "köln", "kölner", "river", "rivers", "the"]
NGRAMS = CharacterNgrams(min_length=3, max_length=4, buckets=200)
UNSEEN = ["trainer", "Köln", "riverside"]


def vectors_of(words, ngrams=NGRAMS, seed=1, dimension=6):
    """Vectors of words and of the n-grams that these have, drawn at random."""
    rng = np.random.default_rng(seed)
    table = ngrams.table(words)
    subwords = SubwordVectors(
        ngrams, table.buckets, rng.standard_normal((len(table.buckets), dimension)).astype(np.float32)
    )
    own = rng.standard_normal((len(words), dimension)).astype(np.float32)
    counts = range(10 * len(words), 0, -10)
    vocabulary = Vocabulary.from_words(words, counts)
    context = rng.standard_normal(own.shape).astype(np.float32)
    return WordVectors(vocabulary, subwords.word_vectors(own, words), context, subwords), own


@pytest.fixture(scope="module")
def vectors():
    return vectors_of(WORDS)[0]


def mean_of_ngrams(vectors, word, own=None):
    """The vector of a word in float64, from the n-grams of the reference."""
    rows = dict(zip(vectors.subwords.buckets.tolist(), vectors.subwords.matrix.astype(np.float64), strict=True))
    ngrams = vectors.subwords.ngrams
    buckets = reference.buckets(word, ngrams.min_length, ngrams.max_length, ngrams.buckets)
    parts = [rows.get(bucket, np.zeros(vectors.dimension)) for bucket in buckets]
    return np.mean(parts if own is None else [own, *parts], axis=0)


# ----------------------------------------------------------------------------------------------------- vectors


def test_words_of_the_vocabulary_are_means_of_their_row_and_their_ngrams():
    vectors, own = vectors_of(WORDS)
    for row, word in enumerate(WORDS):
        np.testing.assert_allclose(vectors[word], mean_of_ngrams(vectors, word, own[row]), atol=1e-6)


def test_unseen_words_are_means_of_all_their_ngrams(vectors):
    for word in UNSEEN:
        np.testing.assert_allclose(vectors[word], mean_of_ngrams(vectors, word), atol=1e-6)
    np.testing.assert_array_equal(vectors[UNSEEN], [vectors.get_vector(word) for word in UNSEEN])
    np.testing.assert_array_equal(vectors[np.array(UNSEEN)], vectors[UNSEEN])
    assert vectors[[]].shape == (0, vectors.dimension)
    np.testing.assert_array_equal(vectors[["train", UNSEEN[0], 2]], [vectors[0], vectors[UNSEEN[0]], vectors[2]])
    assert vectors.get_vector("trainer", norm=True) @ vectors["trainer"] == pytest.approx(
        np.linalg.norm(vectors["trainer"]), rel=1e-6
    )


def test_own_rows_follow_from_vectors_and_ngrams():
    vectors, own = vectors_of(WORDS)
    np.testing.assert_allclose(vectors.subwords.own_rows(vectors.matrix, WORDS), own, atol=1e-5)


def test_threads_change_nothing():
    words = [f"word{number}ing" for number in range(3000)]
    vectors, own = vectors_of(words)
    for threads in (1, 3):
        np.testing.assert_array_equal(vectors.subwords.word_vectors(own, words, threads), vectors.matrix)
        np.testing.assert_array_equal(
            vectors.subwords.own_rows(vectors.matrix, words, threads), vectors.subwords.own_rows(vectors.matrix, words)
        )


def test_words_without_a_known_ngram_stay_unknown(vectors):
    assert not vectors.subwords.know(["zzz"])[0]
    for query in (vectors.get_vector, vectors.most_similar, lambda word: vectors.neighbors([word]), vectors.rank):
        with pytest.raises((UnknownWordError, TypeError)):
            query("zzz")
    with pytest.raises(UnknownWordError, match="word 'zzz' is not in the vocabulary"):
        vectors[["train", "zzz"]]


def test_in_means_the_vocabulary(vectors):
    assert "train" in vectors
    assert "trainer" not in vectors
    assert vectors.has_vector("trainer")
    assert not vectors.has_vector("zzz")
    with pytest.raises(UnknownWordError):
        vectors.id("trainer")


# ----------------------------------------------------------------------------------------------------- queries


@pytest.fixture(scope="module")
def closed(vectors):
    """The same vectors with the unseen words at the end of the vocabulary: what queries must answer."""
    words = [*vectors.words, *UNSEEN]
    return WordVectors(Vocabulary.from_words(words), np.concatenate([vectors.matrix, vectors[UNSEEN]]))


def without_unseen(answers):
    return [(word, pytest.approx(score, abs=1e-6)) for word, score in answers if word not in UNSEEN]


@pytest.mark.parametrize(
    "query",
    [
        {"positive": "trainer"},
        {"positive": ["trainer", "river"], "negative": ["Köln"]},
        {"positive": [("trainer", 2.0), "the"]},
        {"positive": ["train"], "negative": "riverside"},
    ],
)
def test_most_similar_takes_unseen_words(vectors, closed, query):
    assert vectors.most_similar(**query, topn=20) == without_unseen(closed.most_similar(**query, topn=20))


def test_other_queries_take_unseen_words(vectors, closed):
    assert vectors.similarity("trainer", "train") == pytest.approx(closed.similarity("trainer", "train"), abs=1e-6)
    assert vectors.distance("trainer", "Köln") == pytest.approx(closed.distance("trainer", "Köln"), abs=1e-6)
    np.testing.assert_allclose(
        vectors.distances("trainer", ["the", "Köln"]), closed.distances("trainer", ["the", "Köln"]), atol=1e-6
    )
    assert vectors.n_similarity(["trainer", "the"], ["Köln"]) == pytest.approx(
        closed.n_similarity(["trainer", "the"], ["Köln"]), abs=1e-6
    )
    found, expected = (
        vectors.most_similar_cosmul(["trainer"], ["the"], 20),
        closed.most_similar_cosmul(["trainer"], ["the"], 20),
    )
    assert found == without_unseen(expected)
    assert vectors.analogy("train", "trainer", "river", 20) == without_unseen(
        closed.analogy("train", "trainer", "river", 20)
    )
    assert vectors.doesnt_match(["train", "trains", "zzz", "Köln"]) == closed.doesnt_match(["train", "trains", "Köln"])
    assert vectors.closer_than("trainer", "the") == [w for w in closed.closer_than("trainer", "the") if w not in UNSEEN]
    assert vectors.closer_than("the", "trainer") == [w for w in closed.closer_than("the", "trainer") if w not in UNSEEN]
    np.testing.assert_allclose(
        vectors.mean_vector(["trainer", "zzz", 0], pre_normalize=False), closed[["trainer", "train"]].mean(0), atol=1e-6
    )


def test_neighbours_of_unseen_words(vectors):
    ids, similarities = vectors.neighbors(["trainer", "train"], 3)
    for row, word in enumerate(["trainer", "train"]):
        expected = vectors.most_similar(word, topn=3)
        assert [vectors.words[i] for i in ids[row]] == [neighbor for neighbor, _ in expected]
        np.testing.assert_allclose(similarities[row], [score for _, score in expected], atol=1e-6)
    assert vectors.neighbors_frame(["trainer", 0], 2)["word"].tolist() == ["trainer", "trainer", "train", "train"]


def test_an_approximate_index_takes_unseen_words(vectors):
    pytest.importorskip("usearch")
    index = NeighborIndex.build(vectors, threads=1)
    np.testing.assert_array_equal(
        index.neighbors(["trainer", "the"], 3)[0], vectors.neighbors(["trainer", "the"], 3)[0]
    )


def test_sentences_use_the_ngrams_of_unseen_words(vectors, closed):
    sentences = [["train", "trainer"], ["Köln", "zzz"], ["zzz"], ["Köln", "Köln", "the"], []]
    np.testing.assert_allclose(
        postprocessing.mean_sentence_vectors(vectors, sentences),
        postprocessing.mean_sentence_vectors(closed, sentences),
        atol=1e-6,
    )
    counted = WordVectors(
        Vocabulary.from_words(closed.words, [*vectors.vocabulary.counts.tolist(), *[0] * len(UNSEEN)]), closed.matrix
    )
    np.testing.assert_allclose(
        postprocessing.weighted_sentence_vectors(vectors, sentences),
        postprocessing.weighted_sentence_vectors(counted, sentences),
        atol=1e-6,
    )
    known = postprocessing.known_words(vectors, sentences)
    assert known.by_ngrams == ["trainer", "Köln"]


# ------------------------------------------------------------------------------------------------ model directories


def test_a_model_directory_keeps_ngrams(vectors, tmp_path):
    vectors.save(tmp_path / "model")
    found = WordVectors.load(tmp_path / "model")
    for name in ("buckets", "matrix"):
        np.testing.assert_array_equal(getattr(found.subwords, name), getattr(vectors.subwords, name))
    assert found.subwords.ngrams == NGRAMS
    np.testing.assert_array_equal(found[UNSEEN], vectors[UNSEEN])
    base = found.subwords.matrix
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("subwords.json", b"{}", "subwords.json is damaged (expected whole numbers min_length, max_length, buckets,"),
        ("subwords.json", b"[" * 100_000, "subwords.json is damaged"),
        ("subwords.json", b'{"min_length": 9, "max_length": 3, "buckets": 5}', "n-grams of 9 to 3 characters are"),
        ("subwords.json", b'{"min_length": 3, "max_length": 4, "buckets": 10}', "not ascending numbers from 0 to 9"),
        ("ngram_buckets.npy", b"", "is not a whole .npy file"),
        ("ngram_buckets.npy", np.arange(3, dtype=np.int32), "expected one whole number per vector"),
        ("ngram_buckets.npy", np.int32([0, 2**31 - 1, -(2**31), *range(1, 44)]), "not ascending numbers from 0 to 199"),
        ("ngram_buckets.npy", np.zeros(1000, np.float32), "expected one whole number per vector"),
        ("ngram_vectors.npy", np.zeros(5, np.float32), "expected float32 of shape (U, d)"),
        ("ngram_vectors.npy", np.zeros((5, 2), np.float64), "expected float32 of shape (U, d)"),
        ("ngram_vectors.npy", None, "has subwords.json but no ngram_vectors.npy"),
    ],
)
def test_damaged_ngrams_are_refused(vectors, tmp_path, name, content, message):
    vectors.save(tmp_path / "model")
    path = tmp_path / "model" / name
    path.unlink()
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(EmbeddingsError) as caught:
        WordVectors.load(tmp_path / "model")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ngrams_of_another_dimension_are_refused(vectors):
    other = SubwordVectors(NGRAMS, vectors.subwords.buckets, vectors.subwords.matrix[:, :3])
    with pytest.raises(EmbeddingsError, match="6 dimensions, those of n-grams 3; expected as many"):
        WordVectors(vectors.vocabulary, vectors.matrix, subwords=other)


def test_ngrams_that_are_not_finite_are_found_when_they_are_used(vectors):
    matrix = vectors.subwords.matrix.copy()
    matrix[:] = np.nan
    broken = WordVectors(
        vectors.vocabulary, vectors.matrix, subwords=SubwordVectors(NGRAMS, vectors.subwords.buckets, matrix)
    )
    with pytest.raises(EmbeddingsError, match="the vector of an n-gram of 'trainer' holds NaN or infinity"):
        broken.most_similar("trainer")


@wraps
@pytest.mark.parametrize("name", model_directory.SUBWORD_FILES)
def test_damaged_files_of_ngrams(name, vectors, tmp_path):
    vectors.save(tmp_path / "model")
    path = tmp_path / "model" / name
    whole = path.read_bytes()

    @FUZZED
    @given(content=damage(whole))
    def try_it(content):
        path.unlink()
        path.write_bytes(content)
        try:
            WordVectors.load(tmp_path / "model").most_similar("trainer")
        except EmbeddingsError as error:
            assert "\n" not in str(error)

    try_it()


# ------------------------------------------------------------------------------------------------------ fasttext-bin


def test_a_model_survives_fasttexts_format(vectors, tmp_path):
    formats.write(vectors, tmp_path / "a.bin")
    assert formats.guess_format(tmp_path / "a.bin") == "fasttext-bin"
    found = formats.read(tmp_path / "a.bin")
    assert list(found.words) == WORDS
    np.testing.assert_array_equal(found.vocabulary.counts, vectors.vocabulary.counts)
    np.testing.assert_allclose(found.matrix, vectors.matrix, atol=1e-6)
    np.testing.assert_array_equal(found.subwords.buckets, vectors.subwords.buckets)
    np.testing.assert_array_equal(found[UNSEEN], vectors[UNSEEN])
    np.testing.assert_array_equal(found.context, vectors.context)
    assert found.subwords.ngrams == NGRAMS


def test_conversion_keeps_ngrams_where_the_format_can(vectors, tmp_path, caplog):
    vectors.save(tmp_path / "model")
    formats.convert(tmp_path / "model", tmp_path / "a.bin")
    formats.write(vectors, tmp_path / "b.bin")
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()
    formats.convert(tmp_path / "a.bin", tmp_path / "again", format="model")
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "again")[UNSEEN], vectors[UNSEEN])
    assert not caplog.records
    formats.convert(tmp_path / "model", tmp_path / "a.txt")
    assert (
        "the vectors of n-grams, for words not in the vocabulary, are left out; fasttext-bin and model hold them"
        in caplog.text
    )
    assert formats.read(tmp_path / "a.txt").subwords is None


def floret_vectors():
    """Vectors whose n-grams are hashed as floret does: no word has a row of its own."""
    ngrams = CharacterNgrams(min_length=3, max_length=4, buckets=50, floret_hashes=2)
    table = ngrams.table(WORDS)
    matrix = np.random.default_rng(1).standard_normal((len(table.buckets), 3)).astype(np.float32)
    subwords = SubwordVectors(ngrams, table.buckets, matrix)
    return WordVectors(Vocabulary.from_words(WORDS), subwords.vectors(WORDS), subwords=subwords)


@wraps
def test_a_floret_table_has_a_row_for_every_bucket(tmp_path):
    vectors = floret_vectors()
    vectors.save(tmp_path / "model")
    assert WordVectors.load(tmp_path / "model").subwords.ngrams == vectors.subwords.ngrams
    formats.convert(tmp_path / "model", tmp_path / "a.floret")
    header, *lines = (tmp_path / "a.floret").read_text().splitlines()
    assert header == "50 3 3 4 2 2166136261 < >"
    table = np.array([line.split() for line in lines], np.float32)
    np.testing.assert_array_equal(table[:, 0], np.arange(50))
    np.testing.assert_array_equal(table[vectors.subwords.buckets, 1:], vectors.subwords.matrix)
    assert not np.delete(table[:, 1:], vectors.subwords.buckets, axis=0).any()


@wraps
def test_each_hash_has_its_own_format(vectors, tmp_path):
    with pytest.raises(FormatError, match="hashed as floret does; fastText cannot: choose floret"):
        formats.write(floret_vectors(), tmp_path / "a.bin")
    with pytest.raises(FormatError, match="have n-grams that are hashed as fastText does; a floret table needs"):
        formats.write(vectors, tmp_path / "a.floret")
    with pytest.raises(FormatError, match="have no n-grams; a floret table needs"):
        formats.write(WordVectors(vectors.vocabulary, vectors.matrix), tmp_path / "a.floret")
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.floret").write_text("50 3 3 4 2 2166136261 < >\n")
    with pytest.raises(FormatError, match="format 'floret' is for writing; it has no words"):
        formats.read(tmp_path / "a.floret", "floret")


def test_bin_is_word2vecs_format_without_ngrams(vectors, tmp_path):
    formats.write(WordVectors(vectors.vocabulary, vectors.matrix), tmp_path / "a.bin")
    assert formats.guess_format(tmp_path / "a.bin") == "word2vec-binary"


@pytest.mark.parametrize("norms", [False, True])
def test_quantised_models_are_unpacked(vectors, tmp_path, norms):
    data, matrix = quantised_model(WORDS, NGRAMS, norms=norms)
    (tmp_path / "a.ftz").write_bytes(data)
    found = formats.read(tmp_path / "a.ftz")
    np.testing.assert_allclose(found.subwords.matrix, matrix[len(vectors) :], rtol=1e-6)
    np.testing.assert_allclose(
        found.matrix, found.subwords.word_vectors(matrix[: len(vectors)], WORDS), rtol=1e-5, atol=1e-6
    )
    assert found.context is None


def test_damaged_quantised_models(vectors, tmp_path):
    whole, names = quantised_model(WORDS, NGRAMS, norms=True)[0], itertools.count()

    @FUZZED
    @given(content=damage(whole))
    def try_it(content):
        path = tmp_path / f"{next(names)}.ftz"
        path.write_bytes(content)
        try:
            formats.read(path, "fasttext-bin")
        except EmbeddingsError as error:
            assert "\n" not in str(error)
        finally:
            path.unlink()

    try_it()


HEAD = 8 + 56  # bytes of magic, version and settings
FORGED = {
    "supervised": (8 + 4 * 7, struct.pack("<i", 3), "is a supervised fastText model"),
    "an unknown model": (8 + 4 * 7, struct.pack("<i", 9), "has the model 9"),
    "no dimensions": (8, struct.pack("<i", 0), "0 dimensions"),
    "other dimensions": (8, struct.pack("<i", 7), "the input matrix has the shape (208, 6), by its settings (208, 7)"),
    "more buckets": (8 + 4 * 8, struct.pack("<i", 201), "by its settings (209, 6)"),
    "too many buckets": (8 + 4 * 8, struct.pack("<i", 2**31 - 1), "buckets=2147483647; expected 1 to"),
    "negative buckets": (8 + 4 * 8, struct.pack("<i", -1), "-1 buckets"),
    "another version": (4, struct.pack("<i", 13), "begins with 793712314 and 13; expected 793712314 and 12"),
    "labels": (HEAD + 8, struct.pack("<i", 1), "8 words and 1 labels"),
    "very many words": (HEAD, struct.pack("<ii", 2**31 - 1, 2**31 - 1), "ends within its dictionary of 2,147,483,647"),
    "no words": (HEAD, struct.pack("<ii", 0, 0), "its dictionary has 0 entries"),
    "pruned n-grams": (HEAD + 20, struct.pack("<q", 5), "its n-grams are pruned (fasttext quantize -cutoff)"),
    "an empty word": (HEAD + 28, b"\0", "word 2 of its dictionary is b''"),
    "a label": (HEAD + 28 + 6 + 8, b"\1", "word 1 of its dictionary is"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_forged_models_are_refused(vectors, tmp_path, forged):
    place, piece, message = FORGED[forged]
    formats.write(vectors, tmp_path / "a.bin")
    data = bytearray((tmp_path / "a.bin").read_bytes())
    data[place : place + len(piece)] = piece
    (tmp_path / "forged.bin").write_bytes(data)
    with pytest.raises(FormatError) as caught:
        formats.read(tmp_path / "forged.bin", "fasttext-bin")
    assert message.replace("b''", "''") in str(caught.value).replace("b''", "''")
    assert "\n" not in str(caught.value)


def test_models_that_end_early_or_late_are_refused(vectors, tmp_path):
    formats.write(vectors, tmp_path / "a.bin")
    data = (tmp_path / "a.bin").read_bytes()
    for size in [4, 30, HEAD + 10, HEAD + 40, 200, len(data) // 2, len(data) - 1]:
        (tmp_path / "cut.bin").write_bytes(data[:size])
        with pytest.raises(FormatError, match="ends within"):
            formats.read(tmp_path / "cut.bin", "fasttext-bin")
    (tmp_path / "long.bin").write_bytes(data + b"more")
    with pytest.raises(FormatError, match="continues after the output matrix with 4 bytes"):
        formats.read(tmp_path / "long.bin")


def test_a_vector_of_an_ngram_that_is_not_finite_is_refused(vectors, tmp_path):
    matrix = vectors.subwords.matrix.copy()
    matrix[3] = np.inf
    subwords = SubwordVectors(NGRAMS, vectors.subwords.buckets, matrix)
    formats.write(WordVectors(vectors.vocabulary, vectors.matrix, subwords=subwords), tmp_path / "a.bin")
    with pytest.raises(FormatError, match="the vector of an n-gram holds NaN or infinity"):
        formats.read(tmp_path / "a.bin")


def test_settings_are_readable(vectors, tmp_path):
    vectors.save(tmp_path / "model")
    settings = json.loads((tmp_path / "model" / "subwords.json").read_text())
    assert settings == {"min_length": 3, "max_length": 4, "buckets": 200, "floret_hashes": 0}


# ---------------------------------------------------------------------------------------------- evaluation, networks


@pytest.fixture
def sets(tmp_path):
    """Evaluation sets with words that only n-grams know, and one that nothing knows."""
    words = ["train", "Trainer", "River", "zzz"]
    pairs = [f"{a}\t{b}\t{score}\n" for score, (a, b) in enumerate(itertools.combinations(words, 2))]
    (tmp_path / "pairs.tsv").write_text("".join(pairs))
    (tmp_path / "analogies.txt").write_text(
        ": plural\ntrain trains river rivers\ntrain trainer river rivers\ntrain trains river riverside\n"
    )
    return {"pairs": tmp_path / "pairs.tsv", "analogies": tmp_path / "analogies.txt"}


def test_evaluation_reports_scores_with_and_without_ngrams(vectors, sets):
    table = evaluate(vectors, sets)
    found = list(table[["set", "measure", "items", "used"]].itertuples(index=False, name=None))
    assert found == [
        ("pairs", "Spearman", 6, 1),
        ("pairs", "Spearman with n-grams", 6, 3),
        ("analogies", "accuracy (3CosAdd)", 3, 1),
        ("analogies", "accuracy (3CosAdd) with n-grams", 3, 2),
    ]
    assert len(evaluate(WordVectors(vectors.vocabulary, vectors.matrix), sets)) == 2


def test_scores_with_ngrams_are_those_of_a_vocabulary_with_these_words(vectors):
    words = ["train", "Trainer", "River", "riverside", "the"]
    closed = WordVectors(
        Vocabulary.from_words([*vectors.words, "trainer", "riverside"]),
        np.concatenate([vectors.matrix, vectors[["trainer", "riverside"]]]),
    )
    pairs = WordPairs(name="pairs", pairs=list(itertools.combinations(words, 2)), scores=[5, 1, 4, 2, 3, 9, 7, 0, 6, 8])
    found, expected = evaluate_similarity(vectors, pairs, use_ngrams=True), evaluate_similarity(closed, pairs)
    assert found.to_dict("records") == [pytest.approx(row) for row in expected.to_dict("records")]
    categories = Categories(name="groups", words=[*words, "zzz"], categories=["a", "a", "b", "b", "c", "c"])
    found, expected = evaluate_categories(vectors, categories, use_ngrams=True), evaluate_categories(closed, categories)
    assert found.to_dict("records") == [pytest.approx(row) for row in expected.to_dict("records")]
    topic = Topic(name="trains", members=["train", "trains", "trainer"], outliers=["River", "Riverside", "zzz"])
    odd = OddOneOut(name="odd", topics=[topic])
    found, expected = evaluate_odd_one_out(vectors, odd, use_ngrams=True), evaluate_odd_one_out(closed, odd)
    assert found.to_dict("records") == [pytest.approx(row) for row in expected.to_dict("records")]


def test_the_embedding_of_a_network_begins_with_vectors_by_ngrams(vectors, closed):
    words = Vocabulary.from_words(["<unk>", "<eos>", "the", "trainer", "zzz", "Rivers"], [9, 8, 7, 6, 5, 5])
    found, alignment = initial_embedding(words, vectors, 6, np.random.default_rng(3))
    expected, _ = initial_embedding(words, closed, 6, np.random.default_rng(3))
    assert alignment.by_ngrams == {3: "trainer"}
    assert alignment.missing == ["<unk>", "<eos>", "zzz"]
    assert "3 of 6 words have a trained vector (1 by their n-grams)" in str(alignment)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_taggers_know_words_by_ngrams(vectors):
    inputs = WordInputs([["Trainer", "the", "zzz", "zzz"]], vectors=vectors, rng=np.random.default_rng(1))
    assert inputs.missing_share == 0.5


def test_probes_take_vectors_by_ngrams(vectors):
    data = TaskData(
        train=[["the", "Trainer"]], train_labels=[["a"]], test=[["zzz"]], test_labels=[["b"]], unit="sentence"
    )
    found = restrict_to_vocabulary(vectors, data)
    assert sorted(found.words) == ["the", "trainer"]
    np.testing.assert_array_equal(found["trainer"], vectors["trainer"])
    np.testing.assert_array_equal(found.context[found.id("trainer")], np.zeros(6))
