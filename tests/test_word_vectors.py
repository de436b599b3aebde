"""Queries of word vectors equal their definitions and gensim's; files load, mapped and in part."""

import numpy as np
import pytest

from embeddings import formats
from embeddings.errors import EmbeddingsError
from embeddings.formats import FormatError
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from tests.reference import word_vectors as reference
from vecmill.errors import OutputError

WORDS = ["king", "queen", "man", "woman", "paris", "rome", "café", "naïve", "東京", "null"]


def make(matrix, words=None, context=None):
    words = words or [f"w{i:04}" for i in range(len(matrix))]
    return WordVectors(Vocabulary.from_words(words, np.arange(len(words), 0, -1)), matrix, context)


@pytest.fixture(scope="module")
def matrix():
    matrix = np.random.default_rng(3).standard_normal((10, 6)).astype(np.float32)
    matrix[9] = 0
    return matrix


@pytest.fixture(scope="module")
def vectors(matrix):
    return make(matrix, WORDS)


def assert_answers(found, expected, words=WORDS):
    assert [word for word, _ in found] == [words[row] for row, _ in expected]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], atol=1e-5)


def test_look_up_of_words_ids_and_lists(vectors, matrix):
    assert len(vectors) == 10
    assert vectors.dimension == 6
    assert list(vectors.words) == WORDS
    assert "café" in vectors
    assert "cafe" not in vectors
    np.testing.assert_array_equal(vectors["queen"], matrix[1])
    np.testing.assert_array_equal(vectors[1], matrix[1])
    np.testing.assert_array_equal(vectors[["東京", 0]], matrix[[8, 0]])
    assert vectors.get_vector("king", norm=True) == pytest.approx(reference.unit(matrix[0]), abs=1e-6)


def test_vectors_are_read_only(vectors):
    with pytest.raises(ValueError, match="read-only"):
        vectors["king"][0] = 1
    with pytest.raises(ValueError, match="read-only"):
        vectors.unit_matrix[0, 0] = 1


def test_unknown_word_offers_close_spellings(vectors):
    with pytest.raises(KeyError, match="queen"):
        vectors["quen"]
    with pytest.raises(KeyError, match="queen"):
        vectors.most_similar("quen")


@pytest.mark.parametrize("row", [-1, 10])
def test_number_that_is_no_row(vectors, row):
    with pytest.raises(IndexError, match=f"{row} is not a row; expected 0 to 9"):
        vectors[row]


def test_similarity_and_distance(vectors, matrix):
    expected = reference.cosine(matrix[0], matrix[1])
    assert vectors.similarity("king", "queen") == pytest.approx(expected, abs=1e-6)
    assert vectors.distance("king", "queen") == pytest.approx(1 - expected, abs=1e-6)
    assert vectors.distances("king", ["queen", "man"])[0] == pytest.approx(1 - expected, abs=1e-6)
    every = vectors.distances(matrix[0])
    assert every == pytest.approx([1 - reference.cosine(matrix[0], row) for row in matrix], abs=1e-6)


def test_cosines_of_parallel_vectors_are_within_their_range():
    """Rounding errors would make an arc cosine NaN."""
    half = np.random.default_rng(8).standard_normal((300, 50)).astype(np.float32)
    vectors = make(np.concatenate([half, -3 * half]))
    for row in range(300):
        for other, cosine in ((row, 1), (row + 300, -1)):
            found = [
                vectors.similarity(row, other),
                1 - vectors.distance(row, other),
                vectors.n_similarity([row], [other]),
            ]
            found += (1 - vectors.distances(row, [other])).tolist()
            assert found == pytest.approx([cosine] * 4, abs=1e-6)
            assert np.abs(found).max() <= 1


def test_vector_of_zeros_is_similar_to_nothing(vectors):
    assert vectors.similarity("null", "king") == 0
    assert [score for _, score in vectors.most_similar("null")] == [0.0] * 9


def test_most_similar_agrees_with_its_definition(vectors, matrix):
    found = vectors.most_similar(positive=["king", "woman"], negative=["man"], topn=4)
    assert_answers(found, reference.most_similar(matrix, [(0, 1), (3, 1)], [(2, -1)], 4, given=(0, 2, 3)))


def test_most_similar_with_weights_ids_and_vectors(vectors, matrix):
    found = vectors.most_similar([("king", 2.0), 3, matrix[4] / np.linalg.norm(matrix[4])], [("man", -0.5)], topn=3)
    expected = reference.most_similar(matrix, [(0, 2), (3, 1), (4, 1)], [(2, -0.5)], 3, given=(0, 2, 3))
    assert_answers(found, expected)


def test_most_similar_of_one_word_one_id_or_one_vector(vectors, matrix):
    expected = reference.most_similar(matrix, [(4, 1)], [], 3, given=(4,))
    assert_answers(vectors.most_similar("paris", topn=3), expected)
    assert_answers(vectors.most_similar(4, topn=3), expected)
    assert_answers(vectors.similar_by_word("paris", 3), expected)
    assert vectors.similar_by_vector(matrix[4], topn=1)[0][0] == "paris"


def test_a_batch_of_queries_has_the_answer_of_each(vectors, matrix):
    positive = ["king", 4, ["king", "woman"], [("king", 2.0), "東京"], matrix[5]]
    negative = [None, "man", ["man"], None, ["king", "queen"]]
    for restrict in (None, 6):
        batch = vectors.most_similar_batch(positive * 9, negative * 9, topn=3, restrict_vocab=restrict)
        each = [vectors.most_similar(*terms, 3, restrict) for terms in zip(positive, negative, strict=True)]
        for found, expected in zip(batch, each * 9, strict=True):
            assert [word for word, _ in found] == [word for word, _ in expected]
            np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], rtol=0, atol=1e-6)
    assert vectors.most_similar_batch(["king", "paris"], topn=1)[1] == vectors.most_similar_batch(["paris"], topn=1)[0]
    assert vectors.most_similar_batch(["king"], topn=0) == [[]]
    assert vectors.most_similar_batch([]) == []


def test_a_batch_with_a_bad_query_is_refused(vectors):
    with pytest.raises(KeyError, match="closest: queen"):
        vectors.most_similar_batch(["king", "quen"])
    with pytest.raises(ValueError, match="1 negative entries for 2 queries"):
        vectors.most_similar_batch(["king", "queen"], [None])
    with pytest.raises(ValueError, match="at least one word or vector"):
        vectors.most_similar_batch(["king", None])
    with pytest.raises(TypeError, match="king"):
        vectors.most_similar_batch("king")


def test_a_loop_over_single_words_finds_the_same_vectors(vectors, matrix):
    for _ in range(3):  # the first look-ups search the text
        for row, word in enumerate(vectors.words):
            np.testing.assert_array_equal(vectors.get_vector(word), matrix[row])
            np.testing.assert_array_equal(vectors[word], matrix[row])
    with pytest.raises(KeyError, match="closest: queen"):
        vectors.get_vector("quen")
    with pytest.raises(TypeError):
        vectors.get_vector(["king"])


def test_restricted_search(vectors, matrix):
    every = reference.most_similar(matrix, [(8, 1)], [], 10)
    assert_answers(vectors.most_similar("東京", topn=10, restrict_vocab=4), [pair for pair in every if pair[0] < 4])
    assert {word for word, _ in vectors.most_similar("king", topn=10, restrict_vocab=4)} == {"queen", "man", "woman"}
    assert len(vectors.most_similar_cosmul("king", topn=10, restrict_vocab=4)) == 3


def test_cosmul_agrees_with_its_definition(vectors, matrix):
    found = vectors.most_similar_cosmul(["king", "woman"], ["man"], topn=5)
    assert_answers(found, reference.most_similar_cosmul(matrix, [0, 3], [2], 5))


def test_analogy_is_b_minus_a_plus_c(vectors):
    assert vectors.analogy("man", "king", "woman", topn=3) == vectors.most_similar(["king", "woman"], ["man"], topn=3)
    multiplied = vectors.analogy("man", "king", "woman", topn=3, method="3CosMul")
    assert multiplied == vectors.most_similar_cosmul(["king", "woman"], ["man"], topn=3)
    with pytest.raises(ValueError, match="'3cosadd'; expected one of 3CosAdd, 3CosMul"):
        vectors.analogy("man", "king", "woman", method="3cosadd")


def test_queries_without_words_are_refused(vectors):
    with pytest.raises(ValueError, match="got no words"):
        vectors.most_similar()
    with pytest.raises(ValueError, match="no positive words"):
        vectors.most_similar_cosmul(negative=["king"])
    with pytest.raises(ValueError, match="got no words"):
        vectors.n_similarity([], ["king"])
    with pytest.raises(ValueError, match=r"shape \(2,\); expected \(6,\)"):
        vectors.similar_by_vector(np.ones(2))
    with pytest.raises(ValueError, match="finite numbers"):
        vectors.similar_by_vector(np.full(6, np.nan))
    assert vectors.most_similar("king", topn=0) == []


@pytest.mark.parametrize(
    "vector",
    [
        *(np.ones(6, np.int64).astype(kind) for kind in (complex, object, "timedelta64[s]", "U3")),
        np.ma.array(np.ones(6), mask=[True] + [False] * 5),
    ],
)
def test_vectors_that_hold_no_real_numbers_are_refused(vectors, vector):
    for use in (
        lambda: vectors.most_similar([vector]),
        lambda: vectors.most_similar("king", negative=[vector]),
        lambda: vectors.most_similar_batch([[vector]]),
        lambda: vectors.mean_vector([vector, "king"]),
        lambda: vectors.distances(vector),
    ):
        with pytest.raises(TypeError, match=r"expected \(6,\) of finite numbers|expected a (word|list)"):
            use()


def test_mean_vector(vectors, matrix):
    units = [reference.unit(row) for row in matrix]
    mean = vectors.mean_vector(["king", "queen"], weights=[3, -1])
    assert mean == pytest.approx((3 * units[0] - units[1]) / 4, abs=1e-6)
    assert vectors.mean_vector(["king", "unseen"]) == pytest.approx(units[0], abs=1e-6)
    raw = vectors.mean_vector(["king", "queen"], pre_normalize=False, post_normalize=True)
    assert raw == pytest.approx(reference.unit(matrix[0] + matrix[1]), abs=1e-6)
    with pytest.raises(KeyError):
        vectors.mean_vector(["king", "unseen"], ignore_missing=False)
    with pytest.raises(ValueError, match="one weight a word"):
        vectors.mean_vector(["king", "queen"], weights=[1])


@pytest.mark.parametrize("number", [1, 2, 3])
def test_words_that_cancel_out_have_no_neighbours_by_rounding_errors(number):
    """The mean is the zero vector, whatever the order of the sum leaves of it."""
    vectors = make(np.random.default_rng(4).standard_normal((50, 33)).astype(np.float32) * 1e-3)
    for row in range(10):
        words = [f"w{row + i:04}" for i in range(number)]
        units = [reference.unit(vectors[word]).astype(np.float32) for word in words]
        for terms, weights in (
            ([*words, *words[::-1]], [1] * number + [-1] * number),
            ([*words, *units], [1] * number + [-1] * number),
            ([*words, *(-unit for unit in units)], None),
        ):
            assert not vectors.mean_vector(terms, weights, post_normalize=True).any()
        assert {score for _, score in vectors.most_similar(words, negative=words)} == {0}
        raw = vectors.mean_vector([*words, *words[::-1]], [3] * number + [-3] * number, pre_normalize=False)
        assert not raw.any()
        small = vectors.mean_vector([words[0], words[0]], [1, -0.999], post_normalize=True)
        assert small == pytest.approx(reference.unit(vectors[words[0]]), abs=1e-5)


def test_n_similarity(vectors, matrix):
    expected = reference.cosine(matrix[0] + matrix[1], matrix[2] + matrix[3])
    assert vectors.n_similarity(["king", "queen"], ["man", "woman"]) == pytest.approx(expected, abs=1e-6)


def test_doesnt_match_is_farthest_from_the_mean(caplog):
    vectors = make(np.float32([[1, 0], [0.9, 0.1], [0.8, -0.1], [0, 1]]), ["apple", "pear", "plum", "truck"])
    assert vectors.doesnt_match(["apple", "truck", "pear", "plum", "bicycle"]) == "truck"
    assert "bicycle" in caplog.text
    with pytest.raises(ValueError, match="got no words"):
        vectors.doesnt_match(["bicycle"])


def test_rank_and_closer_than(vectors, matrix):
    order = [row for row, _ in reference.most_similar(matrix, [(0, 1)], [], 10, given=(0,))]
    for place, row in enumerate(order):
        assert vectors.rank("king", WORDS[row]) == place + 1
        assert vectors.closer_than("king", row) == [WORDS[i] for i in sorted(order[:place])]


def test_neighbors_of_many_words_are_those_of_each(vectors):
    ids, similarities = vectors.neighbors(["king", "paris", 8], topn=3)
    for word, row, scores in zip(["king", "paris", "東京"], ids, similarities, strict=True):
        assert_answers(vectors.most_similar(word, topn=3), list(zip(row, scores, strict=True)))
    frame = vectors.neighbors_frame(["king", "paris"], topn=2)
    assert list(frame["word"]) == ["king", "king", "paris", "paris"]
    assert list(frame["rank"]) == [1, 2, 1, 2]
    assert list(frame["neighbor"]) == [WORDS[i] for i in ids[:2, :2].ravel()]


def test_neighbors_of_no_words_and_of_a_lonely_word(vectors):
    assert vectors.neighbors([], topn=3)[0].shape == (0, 3)
    assert vectors.neighbors(["king"], topn=99)[0].shape == (1, 9)
    alone = make(np.ones((1, 2), np.float32))
    assert alone.neighbors(["w0000"])[0].shape == (1, 0)
    assert alone.most_similar("w0000") == []


def test_unusable_matrices_are_refused_in_one_line(matrix):
    with pytest.raises(EmbeddingsError, match="10 rows for 2 words"):
        make(matrix, ["a", "b"])
    with pytest.raises(EmbeddingsError, match=r"shape \(10,\)"):
        make(matrix[:, 0])
    with pytest.raises(EmbeddingsError, match=r"type <U1"):
        make(np.full((2, 2), "x"))
    with pytest.raises(EmbeddingsError, match=r"context \(10, 5\)"):
        make(matrix, context=matrix[:, :5])
    bad = matrix.copy()
    bad[4, 2] = np.nan
    with pytest.raises(EmbeddingsError, match=r"matrix holds NaN or infinity in row 4 \('paris'\)"):
        make(bad, WORDS)


def test_other_number_types_become_float32(matrix):
    assert make(matrix.astype(np.float64)).matrix.dtype == np.float32
    assert make(np.eye(3, dtype=np.int8)).similarity("w0000", "w0001") == 0


def test_large_and_small_numbers_do_not_overflow():
    vectors = make(np.float32([[3e38, 3e38], [1e-38, 1e-38], [1, -1]]))
    assert vectors.similarity("w0000", "w0001") == pytest.approx(1)
    assert vectors.most_similar("w0000", topn=1) == [("w0001", pytest.approx(1))]


def test_save_and_load(tmp_path, vectors, matrix):
    with_context = make(matrix, WORDS, context=2 * matrix)
    with_context.save(tmp_path / "models" / "m")
    loaded = WordVectors.load(tmp_path / "models" / "m")
    assert list(loaded.words) == WORDS
    np.testing.assert_array_equal(loaded.matrix, matrix)
    np.testing.assert_array_equal(loaded.context, 2 * matrix)
    np.testing.assert_array_equal(loaded.vocabulary.counts, vectors.vocabulary.counts)
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["m"]
    vectors.save(tmp_path / "models" / "n")
    assert WordVectors.load(tmp_path / "models" / "n").context is None


def test_save_replaces_nothing(tmp_path, vectors):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        vectors.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_files_of_other_formats_are_read_by_formats(tmp_path):
    (tmp_path / "few.txt").write_text("2 3\nking 1 2 3\nqueen 4 5 6\n")
    loaded = formats.read(tmp_path / "few.txt")
    assert list(loaded.words) == ["king", "queen"]
    np.testing.assert_array_equal(loaded["queen"], [4, 5, 6])


def test_load_maps_the_matrix(tmp_path, vectors):
    vectors.save(tmp_path / "m")
    loaded = WordVectors.load(tmp_path / "m")
    np.load(tmp_path / "m" / "vectors.npy", mmap_mode="r+")[0, 0] = 42
    assert loaded["king"][0] == 42


def test_load_reads_only_what_is_asked(tmp_path, vectors, matrix):
    vectors.save(tmp_path / "m")
    bad = matrix.copy()
    bad[4] = np.inf
    np.save(tmp_path / "m" / "vectors.npy", bad)
    loaded = WordVectors.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded["king"], matrix[0])
    assert loaded.similarity("king", "queen") == pytest.approx(reference.cosine(matrix[0], matrix[1]), abs=1e-6)
    for ask in (lambda: loaded.most_similar("king"), lambda: loaded.similarity("king", "paris")):
        with pytest.raises(EmbeddingsError, match="NaN or infinity in row 4"):
            ask()


def test_load_of_damaged_directories(tmp_path, vectors):
    with pytest.raises(EmbeddingsError, match="there is no"):
        WordVectors.load(tmp_path / "missing")
    with pytest.raises(EmbeddingsError, match=r"has no vectors\.npy; expected a model directory"):
        WordVectors.load(tmp_path)
    with pytest.raises(FormatError, match=r"not a known directory.*expected .*vectors\.npy, vocabulary\.tsv"):
        formats.read(tmp_path)
    (tmp_path / "vectors.txt").write_text("king 1\n")
    with pytest.raises(EmbeddingsError, match=r"is a file; expected a model directory.*vecmill\.load"):
        WordVectors.load(tmp_path / "vectors.txt")
    vectors.save(tmp_path / "m")
    (tmp_path / "m" / "vocabulary.tsv").rename(tmp_path / "moved.tsv")
    for load in (WordVectors.load, formats.read):
        with pytest.raises(EmbeddingsError, match=r"no vocabulary\.tsv; expected a model directory"):
            load(tmp_path / "m")
    (tmp_path / "moved.tsv").rename(tmp_path / "m" / "vocabulary.tsv")
    whole = (tmp_path / "m" / "vectors.npy").read_bytes()
    for cut in (0, 50, len(whole) - 8):
        (tmp_path / "m" / "vectors.npy").write_bytes(whole[:cut])
        with pytest.raises(EmbeddingsError, match=r"not a whole \.npy file"):
            WordVectors.load(tmp_path / "m")


def test_answers_are_those_of_gensim():
    keyedvectors = pytest.importorskip("gensim.models.keyedvectors")
    big = np.random.default_rng(0).standard_normal((3000, 20)).astype(np.float32)
    ours = make(big)
    theirs = keyedvectors.KeyedVectors(20)
    theirs.add_vectors(list(ours.words), big)
    terms = ["w0001", "w0010"], ["w0100"]
    queries = [
        lambda v: v.most_similar(*terms, topn=20),
        lambda v: v.most_similar([("w0001", 2.5), "w0002", big[7]], [("w0003", -0.3)]),
        lambda v: v.most_similar(5, topn=3, restrict_vocab=100),
        lambda v: v.most_similar_cosmul(*terms, topn=20),
        lambda v: v.similar_by_vector(big[3], topn=5),
        lambda v: v.similar_by_word("w0003", 5, 50),
    ]
    for query in queries:
        found, expected = query(ours), query(theirs)
        assert [word for word, _ in found] == [word for word, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)
    assert ours.rank("w0001", "w0002") == theirs.rank("w0001", "w0002")
    assert ours.closer_than("w0001", "w0002") == theirs.closer_than("w0001", "w0002")
    assert ours.doesnt_match(["w0001", "w0002", "w0003"]) == theirs.doesnt_match(["w0001", "w0002", "w0003"])
    assert ours.n_similarity(*terms) == pytest.approx(float(theirs.n_similarity(*terms)), abs=1e-5)
    assert ours.distances("w0001") == pytest.approx(theirs.distances("w0001"), abs=1e-5)
    mean = theirs.get_mean_vector(["w0001", "w0002"], [1, -3], post_normalize=True)
    assert ours.mean_vector(["w0001", "w0002"], [1, -3], post_normalize=True) == pytest.approx(mean, abs=1e-5)


def test_means_and_similarities_are_those_of_a_plain_loop_for_any_number_of_calls():
    """Lengths are computed row by row at first, then for all rows at once; the answers do not change."""
    rng = np.random.default_rng(3)
    vectors = make(np.float32(rng.normal(size=(300, 7)) * 10.0 ** rng.integers(-12, 12, (300, 1))))
    units = vectors.matrix / np.linalg.norm(vectors.matrix.astype(np.float64), axis=1, keepdims=True)
    for _ in range(400):
        rows = rng.integers(0, 300, rng.integers(1, 5)).tolist()
        words = [vectors.words[row] if rng.random() < 0.7 else row for row in rows]
        weights = rng.normal(size=len(rows))
        np.testing.assert_allclose(vectors.mean_vector(words), units[rows].mean(axis=0), atol=1e-6)
        expected = weights @ units[rows] / np.abs(weights).sum()
        np.testing.assert_allclose(vectors.mean_vector(words, weights), expected, atol=1e-6)
        assert vectors.similarity(words[0], words[-1]) == pytest.approx(units[rows[0]] @ units[rows[-1]], abs=2e-6)
        np.testing.assert_allclose(vectors.get_vector(words[0], norm=True), units[rows[0]], atol=1e-6)


def test_a_mean_mixes_vectors_words_ids_and_unknown_words():
    vectors = make(np.float32([[2, 0], [0, 3]]), ["a", "b"])
    given = ["a", np.float32([1, 1]), "unknown", 1]
    np.testing.assert_allclose(vectors.mean_vector(given), np.array([2, 2]) / 3, rtol=1e-6)
    np.testing.assert_allclose(vectors.mean_vector(given, [1, 2, 5, -1]), np.array([3, 1]) / 4, rtol=1e-6)
    assert not vectors.mean_vector(["unknown", "words"]).any()
    with pytest.raises(KeyError):
        vectors.mean_vector(given, ignore_missing=False)


def test_neighbours_are_found_among_given_words(vectors, matrix):
    every = reference.most_similar(matrix, [(0, 1)], [(2, 1)], 10, given=(0, 2))
    among = ["rome", "queen", 8, "king"]
    expected = [(row, score) for row, score in every if row in (5, 1, 8)]
    assert_answers(vectors.most_similar("king", [("man", 1)], topn=5, among=among), expected)
    assert_answers(vectors.most_similar("king", [("man", 1)], topn=2, among=np.array([5, 1, 8])), expected[:2])
    assert vectors.most_similar("king", topn=0, among=among) == []
    assert vectors.most_similar("king", among=["king"]) == []
    with pytest.raises(KeyError, match="quen"):
        vectors.most_similar("king", among=["quen"])


@pytest.mark.parametrize("mean", [True, False])
def test_the_most_likely_word_is_that_of_the_softmax(matrix, mean):
    context = np.random.default_rng(5).standard_normal(matrix.shape).astype(np.float32)
    found = make(matrix, WORDS, context).most_likely_word(["king", 2], topn=10, mean=mean)
    hidden = (matrix[0].astype(np.float64) + matrix[2]) / (2 if mean else 1)
    expected = np.exp(context.astype(np.float64) @ hidden)
    assert [word for word, _ in found] == [WORDS[row] for row in np.argsort(-expected)]
    assert sum(share for _, share in found) == pytest.approx(1)
    assert dict(found)["paris"] == pytest.approx(expected[4] / expected.sum(), rel=1e-4)


def test_no_word_is_predicted_without_context_vectors(vectors):
    with pytest.raises(EmbeddingsError, match="no context matrix"):
        vectors.most_likely_word(["king"])


def test_the_first_words_of_a_file_are_read(tmp_path):
    every = make(np.arange(12, dtype=np.float32).reshape(6, 2) + 1)
    every.save(tmp_path / "model")
    for name in ("model", "a.txt", "a.bin", "a.npz", "a.parquet", "a.safetensors"):
        if name != "model":
            formats.write(every, tmp_path / name)
        first = formats.read(tmp_path / name, limit=4)
        assert list(first.words) == list(every.words[:4])
        np.testing.assert_array_equal(first.matrix, every.matrix[:4])
        assert len(formats.read(tmp_path / name, limit=99)) == 6
    with pytest.raises(ValueError, match="limit is 0"):
        formats.read(tmp_path / "a.txt", limit=0)


@pytest.mark.parametrize("word", [None, 1.0, 1.5, True, b"king", ["king"], np.float32(1), ("king", 1)])
def test_what_is_neither_a_word_nor_an_id_is_refused(vectors, word):
    calls = [vectors.get_vector, lambda w: vectors.similarity(w, "king"), lambda w: vectors.similarity("king", w)]
    calls += [lambda w: vectors.neighbors([w]), lambda w: vectors.unit_vectors([w]), lambda w: vectors.rank("king", w)]
    calls += [lambda w: vectors.mean_vector([w, "king"]), lambda w: vectors.mean_vector([w])]
    for call in calls[isinstance(word, list) :]:  # a list has vectors
        with pytest.raises(TypeError, match="expected a word or its id"):
            call(word)


@pytest.mark.parametrize("ids", [np.array([[1, 2]]), np.array(1), np.zeros((0, 2), int)])
def test_ids_are_a_list(vectors, ids):
    with pytest.raises(TypeError, match="expected a list of words or ids"):
        vectors.neighbors(ids)


@pytest.mark.parametrize("query", ["most_similar", "most_similar_cosmul", "neighbors"])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"topn": 2.5}, TypeError),
        ({"topn": "5"}, TypeError),
        ({"topn": None}, TypeError),
        ({"topn": True}, TypeError),
        ({"restrict_vocab": 2.0}, TypeError),
        ({"restrict_vocab": 0}, ValueError),
        ({"restrict_vocab": -1}, ValueError),
    ],
)
def test_numbers_of_neighbours_are_whole(vectors, query, options, error):
    (name,) = options
    with pytest.raises(error, match=f"{name} is .*; expected"):
        getattr(vectors, query)(["king"], **options)


@pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf])
def test_weights_are_finite(vectors, weight):
    with pytest.raises(ValueError, match="weight is NaN or infinite"):
        vectors.mean_vector(["king", "man"], [1, weight])


def test_a_matrix_with_masked_numbers_is_refused(matrix):
    make(np.ma.masked_array(matrix))  # none is masked
    with pytest.raises(EmbeddingsError, match=r"matrix has masked numbers; .* give matrix\.filled\(0\)"):
        make(np.ma.masked_array(matrix, matrix > 1))


@pytest.mark.filterwarnings("error")
def test_numbers_too_large_for_float32_are_an_error_without_a_warning(matrix):
    with pytest.raises(EmbeddingsError, match="matrix holds NaN or infinity in row 0"):
        make(matrix.astype(np.float64) * 1e300)
