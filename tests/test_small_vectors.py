"""Quantised, pruned and rotated vectors: queries from the codes equal those of the unpacked rows; bad values fail."""

import itertools
import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import vecmill as library
from embeddings import formats
from embeddings.errors import EmbeddingsError
from embeddings.evaluation.analogies import evaluate_analogies
from embeddings.evaluation.benchmark_files import Analogies
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors import quantized_matrix
from embeddings.vectors.postprocessing import remove_top_components
from embeddings.vectors.quantized_matrix import Int8Matrix, ProductMatrix
from embeddings.vectors.small_vectors import make_smaller, prefix, prune, quantize
from embeddings.vectors.word_vectors import WordVectors
from tests.command_line import fails, vecmill
from tests.fuzzing import FUZZED, damage

KINDS = ["int8", "pq"]
PQ_FILES = ["vectors.codes", "codebooks", "scales"]
WORDS, DIMENSION = 300, 21  # the last code of product quantisation stands for one number


def make(words=WORDS, dimension=DIMENSION, seed=0):
    """Vectors near a few centres, one of them zero, of very different lengths."""
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(9, dimension))[draw.integers(0, 9, words)] + draw.normal(0, 0.4, (words, dimension))
    matrix *= 10 ** draw.uniform(-3, 3, (words, 1))
    matrix[7] = 0
    return WordVectors(Vocabulary.from_words([f"w{i}" for i in range(words)], range(words, 0, -1)), np.float32(matrix))


@pytest.fixture(scope="module", params=KINDS)
def quantized(request):
    return quantize(make(), request.param)


@pytest.fixture(scope="module")
def unpacked(quantized):
    return WordVectors(quantized.vocabulary, np.asarray(quantized.matrix))


def same_answers(found, expected):
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], atol=1e-5)


@settings(max_examples=50)
@given(arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 9)), elements=st.floats(-1e4, 1e4, width=32)))
def test_int8_is_off_by_half_a_step_at_most(matrix):
    found = quantize(_vectors(matrix), "int8").matrix
    assert isinstance(found, Int8Matrix)
    step = np.abs(matrix).max(axis=1, keepdims=True) / 127
    assert (np.abs(np.asarray(found) - matrix) <= step * 0.5001 + 1e-30).all()


def _vectors(matrix):
    return WordVectors(Vocabulary.from_words([f"w{i}" for i in range(len(matrix))]), matrix)


def test_product_codes_are_those_of_the_nearest_centroids():
    vectors = make()
    found = quantize(vectors, "pq").matrix
    assert isinstance(found, ProductMatrix)
    assert (found.codes.shape, found.codebooks.shape) == ((WORDS, 11), (256, DIMENSION))
    for part, start in enumerate(range(0, DIMENSION, 2)):
        columns = slice(start, start + 2)
        distances = np.linalg.norm(vectors.unit_matrix[:, None, columns] - found.codebooks[None, :, columns], axis=2)
        chosen = distances[np.arange(WORDS), found.codes[:, part]]
        np.testing.assert_allclose(chosen, distances.min(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.scales, np.linalg.norm(vectors.matrix, axis=1), rtol=1e-5)
    np.testing.assert_array_equal(quantize(vectors, "pq").matrix.codes, found.codes)  # the seed decides


@pytest.mark.parametrize("queries", [1, 3, 40])
def test_products_from_codes_are_those_of_unpacked_rows(quantized, unpacked, queries, monkeypatch):
    monkeypatch.setattr(quantized_matrix, "_BLOCK", 64)
    columns = np.random.default_rng(1).normal(size=(DIMENSION, queries)).astype(np.float32)
    expected = unpacked.unit_matrix @ columns
    np.testing.assert_allclose(quantized.unit_matrix @ columns, expected, atol=1e-5)
    np.testing.assert_allclose(quantized.unit_matrix[40:90] @ columns[:, 0], expected[40:90, 0], atol=1e-5)


def test_rows_are_unpacked_one_by_one(quantized, unpacked):
    matrix, expected = quantized.matrix, unpacked.matrix
    assert (matrix.shape, len(matrix), matrix.ndim) == (expected.shape, WORDS, 2)
    for rows in (3, np.int64(7), [5, 1, 5], np.array([8]), np.arange(WORDS) < 4):
        np.testing.assert_array_equal(matrix[rows], expected[rows])
        assert matrix[rows].dtype == np.float32
    np.testing.assert_array_equal(np.asarray(matrix[10:20]), expected[10:20])
    np.testing.assert_array_equal(quantized["w3"], unpacked["w3"])
    np.testing.assert_allclose(quantized.get_vector("w3", norm=True), unpacked.get_vector("w3", norm=True), atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        quantized["w3"][0] = 1


def test_queries_are_those_of_unpacked_vectors(quantized, unpacked):
    same_answers(quantized.most_similar("w5", topn=20), unpacked.most_similar("w5", topn=20))
    for limit in (None, 50):
        same_answers(
            quantized.most_similar(["w1", "w2"], ["w4"], restrict_vocab=limit),
            unpacked.most_similar(["w1", "w2"], ["w4"], restrict_vocab=limit),
        )
        same_answers(
            quantized.analogy("w1", "w2", "w3", 5, "3CosMul", limit),
            unpacked.analogy("w1", "w2", "w3", 5, "3CosMul", limit),
        )
    assert quantized.similarity("w5", "w6") == pytest.approx(unpacked.similarity("w5", "w6"), abs=1e-6)
    assert quantized.similarity("w5", "w7") == 0
    for words in (["w3"], [f"w{i}" for i in range(40)]):
        found, expected = quantized.neighbors(words, 5), unpacked.neighbors(words, 5)
        np.testing.assert_allclose(found[1], expected[1], atol=1e-5)
    np.testing.assert_allclose(quantized.distances("w1"), unpacked.distances("w1"), atol=1e-5)
    np.testing.assert_allclose(quantized.mean_vector(["w1", "w2"]), unpacked.mean_vector(["w1", "w2"]), atol=1e-6)
    assert quantized.doesnt_match(["w1", "w2", "w3"]) == unpacked.doesnt_match(["w1", "w2", "w3"])
    questions = Analogies(
        name="questions", sections={"all": [[f"w{i + j}" for j in range(4)] for i in range(0, 200, 3)]}
    )
    assert evaluate_analogies(quantized, questions).equals(evaluate_analogies(unpacked, questions))
    np.testing.assert_allclose(
        remove_top_components(quantized).matrix, remove_top_components(unpacked).matrix, rtol=1e-3, atol=1e-3
    )


def test_a_saved_directory_is_mapped_and_has_the_same_rows(quantized, tmp_path):
    quantized.tokenizer_settings = {"spec": "whitespace", "lowercase": False}
    quantized.save(tmp_path / "model")
    found = library.load(tmp_path / "model")
    assert isinstance(found.matrix.codes, np.memmap)
    assert type(found.matrix) is type(quantized.matrix)
    assert found.vocabulary == quantized.vocabulary
    assert found.tokenizer_settings == quantized.tokenizer_settings
    np.testing.assert_array_equal(np.asarray(found.matrix), np.asarray(quantized.matrix))
    same_answers(found.most_similar("w5"), quantized.most_similar("w5"))
    assert not (tmp_path / "model" / "vectors.npy").exists()
    for name in ("out.txt", "out.npz"):
        formats.convert(tmp_path / "model", tmp_path / name)
        np.testing.assert_array_equal(library.load(tmp_path / name).matrix, np.asarray(quantized.matrix))


@pytest.mark.parametrize("dimension", [1, 7, 8, 9, 15, 16, 17, 31, 32, 40, 100])
def test_products_of_int8_rows_with_queries(dimension):
    """Registers hold 4, 8 or 16 columns; the last ones may fill none of them."""
    rng = np.random.default_rng(dimension)
    codes = rng.integers(-127, 128, (13, dimension)).astype(np.int8)
    scales, queries = rng.random(13, np.float32), rng.standard_normal((2, dimension), np.float32)
    expected = (codes * scales[:, None].astype(np.float64)) @ queries.T
    np.testing.assert_allclose(Int8Matrix(codes, scales) @ queries.T, expected, rtol=1e-5, atol=1e-3)


def test_a_prefix_of_all_dimensions_keeps_cosines_and_shorter_ones_nest():
    vectors = make()
    whole = prefix(vectors, DIMENSION)
    np.testing.assert_allclose(
        whole.unit_matrix @ whole.unit_matrix.T, vectors.unit_matrix @ vectors.unit_matrix.T, atol=2e-5
    )
    short = prefix(vectors, 6)
    np.testing.assert_allclose(short.matrix, whole.matrix[:, :6], rtol=1e-3, atol=1e-3)
    kept = (whole.unit_matrix**2).sum(axis=0)
    assert (np.diff(kept) <= 1e-3).all()
    _, values, _ = np.linalg.svd(vectors.unit_matrix.astype(np.float64))
    np.testing.assert_allclose(kept, values**2, rtol=1e-3)


def test_pruning_keeps_the_most_frequent_words_in_their_order():
    vocabulary = Vocabulary.from_words(["a", "b", "c", "d"], [2, 9, 5, 9])
    matrix = np.float32(np.arange(8).reshape(4, 2))
    found = prune(WordVectors(vocabulary, matrix, matrix), 3)
    assert list(found.words) == ["b", "c", "d"]
    np.testing.assert_array_equal(found.matrix, matrix[1:])
    assert found.context is None
    assert list(prune(_vectors(matrix), 2).words) == ["w0", "w1"]  # without counts: the first
    assert len(prune(_vectors(matrix), 100)) == 4


def test_impossible_values_are_named():
    for values, message in (
        ({"words": 0}, "cannot keep 0 words; expected 1 or more"),
        ({"dimension": 0}, "cannot keep 0 of 21 dimensions; expected 1 to 21"),
        ({"dimension": 22}, "cannot keep 22 of 21 dimensions"),
        ({"words": 255, "quantization": "pq"}, "product quantisation of 255 words; expected 256 or more: use int8"),
        ({"quantization": "int4"}, "unknown quantisation 'int4'; expected int8 or pq"),
    ):
        with pytest.raises(EmbeddingsError, match=message):
            make_smaller(make(), **values)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("scales.npy", np.ones(3, np.float32), "300 rows and 3 scales"),
        ("scales.npy", np.ones(300), "holds float64"),
        ("codebooks.npy", np.ones((256, 40), np.float32), "11 codes a row, codebooks"),
        ("codebooks.npy", np.ones((200, 21), np.float32), "11 codes a row, codebooks"),
        ("vectors.codes.npy", np.ones((300, 0), np.uint8), "0 codes a row"),
        ("codebooks.npy", None, "has no codebooks.npy"),
        ("scales.npy", None, "has no scales.npy"),
        ("vocabulary.tsv", None, "has no vocabulary.tsv"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path, name, array, message):
    quantize(make(), "pq").save(tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    if array is not None:
        np.save(tmp_path / "model" / name, array)
    with pytest.raises(EmbeddingsError, match=message):
        WordVectors.load(tmp_path / "model")


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_scales_are_found(tmp_path, kind):
    quantize(make(), kind).save(tmp_path / "model")
    scales = np.load(tmp_path / "model" / "scales.npy")
    scales[4] = np.nan
    np.save(tmp_path / "model" / "scales.npy", scales)
    with pytest.raises(EmbeddingsError, match=r"NaN or infinity in row 4 \('w4'\)"):
        WordVectors.load(tmp_path / "model").most_similar("w1")
    assert vecmill("verify", tmp_path / "model").exit_code == 1


@pytest.mark.parametrize(
    ("kind", "file"),
    [("int8", "vectors.int8.npy"), ("int8", "scales.npy"), *(("pq", f"{name}.npy") for name in PQ_FILES)],
)
def test_damaged_files_are_refused_or_give_finite_answers(kind, file, tmp_path):
    quantize(make(256, 3), kind).save(tmp_path / "whole")
    whole = (tmp_path / "whole" / file).read_bytes()
    names = itertools.count()

    @FUZZED
    @given(content=damage(whole))
    def try_it(content):
        broken = tmp_path / str(next(names))
        shutil.copytree(tmp_path / "whole", broken)
        (broken / file).write_bytes(content)
        try:
            found = WordVectors.load(broken).most_similar("w1", topn=300)
        except EmbeddingsError as error:
            assert "\n" not in str(error)
        else:
            assert len(found) == 255
            assert all(-1.001 <= score <= 1.001 for _, score in found)
        shutil.rmtree(broken)

    try_it()


def test_commands_write_and_read_small_directories(tmp_path):
    make().save(tmp_path / "model")
    small = tmp_path / "small"
    shrink = ["--quantize", "int8", "--prune", "280", "--prefix", "8"]
    result = vecmill("convert", tmp_path / "model", small, *shrink, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["dtype"] == "int8"
    again = tmp_path / "again"
    assert vecmill("export", tmp_path / "model", "--out", again, *shrink).exit_code == 0
    assert (again / "vectors.int8.npy").read_bytes() == (small / "vectors.int8.npy").read_bytes()
    facts = json.loads(vecmill("info", small, "--json").stdout)
    assert (facts["words"], facts["dimension"], facts["quantised"]) == (280, 8, "int8")
    assert facts["bytes"] < 280 * (8 + 4 + 12)
    assert "w5" in vecmill("neighbors", small, "w1", "--topn", "279").stdout
    (tmp_path / "pairs.txt").write_text("w1\tw2\t9\nw3\tw4\t1\nw5\tw6\t4\n")
    assert vecmill("evaluate", small, "--data", tmp_path / "pairs.txt").exit_code == 0
    assert vecmill("verify", small).exit_code == 0
    assert vecmill("convert", tmp_path / "model", small, "--quantize", "pq", "--force").exit_code == 0
    assert vecmill("convert", small, tmp_path / "out.txt", "--prune", "9").exit_code == 0
    assert len(library.load(tmp_path / "out.txt")) == 9
    fails(1, "cannot keep 0 words", "convert", tmp_path / "model", tmp_path / "x", "--prune", "0")
    fails(1, "cannot keep 22 of 21", "convert", tmp_path / "model", tmp_path / "x", "--prefix", "22")
    fails(
        1,
        "product quantisation of 200 words",
        "convert",
        tmp_path / "model",
        tmp_path / "x",
        "--quantize",
        "pq",
        "--prune",
        "200",
    )
    fails(
        2, "--quantize: 'int9' is none of int8, pq", "convert", tmp_path / "model", tmp_path / "x", "--quantize", "int9"
    )
    fails(2, "format npz are not quantised", "convert", tmp_path / "model", tmp_path / "x.npz", "--quantize", "int8")
    assert not (tmp_path / "x").exists()
