"""The transformers keep scikit-learn's contract, and their vectors are those of their definitions."""

import importlib.util
import pickle
import unicodedata

import numpy as np
import pytest

import vecmill
from embeddings.text.tokenizer.token_lists import NotTextError
from tests.topics import topic_lines

pytest.importorskip("sklearn", reason="needs scikit-learn: extra sklearn")
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

from vecmill.gensim import KeyedVectors
from vecmill.sklearn import Word2VecTransformer, WordEmbeddingVectorizer

TEXTS = topic_lines(300)
FAST = {"dimension": 8, "epochs": 2, "threads": 1}


@pytest.fixture(scope="module")
def vectors():
    return vecmill.train(TEXTS, dimension=8, threads=1, min_count=1)


@pytest.mark.filterwarnings("ignore:Can't test estimator")
@pytest.mark.parametrize("estimator", [WordEmbeddingVectorizer(), Word2VecTransformer()], ids=str)
def test_scikit_learns_checks_of_an_estimator_pass(estimator):
    check_estimator(estimator)
    name = type(estimator).__name__
    for check in (  # those that check_estimator leaves out for estimators of text
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
    ):
        check(name, clone(estimator))


def test_a_mean_is_that_of_the_unit_vectors(vectors):
    texts = ["cat dog cat", "iron unknown", "unknown"]
    found = WordEmbeddingVectorizer(vectors).fit(texts).transform(texts)
    np.testing.assert_allclose(found, vecmill.sentence_vectors(vectors, texts), atol=1e-6)
    assert not found[2].any()


def test_smooth_inverse_frequency_removes_the_direction_of_the_texts_of_fit(vectors):
    vectorizer = WordEmbeddingVectorizer(vectors, weighting="sif").fit(TEXTS)
    np.testing.assert_allclose(
        vectorizer.transform(TEXTS), vecmill.sentence_vectors(vectors, TEXTS, weighting="sif"), atol=1e-5
    )
    assert vectorizer.transform(["cat"])[0] @ vectorizer.component_ == pytest.approx(0, abs=1e-5)


def test_tf_idf_weights_are_those_of_scikit_learn(vectors):
    texts = ["cat dog", "cat iron", "gold gold cat", "unknown"]
    found = WordEmbeddingVectorizer(vectors, weighting="tfidf").fit(texts).transform(texts)
    counted = TfidfVectorizer(norm=None).fit(texts)
    counts = counted.transform(texts).toarray()
    known = [word for word in counted.get_feature_names_out() if word in vectors]
    places = [counted.vocabulary_[word] for word in known]
    expected = counts[:, places] @ vectors[known] / np.array([[2], [2], [3], [1]])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_tf_idf_counts_words_that_write_accents_in_another_way():
    vectors = vecmill.train(["caf\u00e9 tea milk"] * 20, dimension=4, min_count=1, threads=1)
    texts = [["cafe\u0301", "caf\u00e9"], ["tea", "cafe\u0301"], ["tea"]]
    composed = [[unicodedata.normalize("NFC", word) for word in words] for words in texts]
    found, expected = (WordEmbeddingVectorizer(vectors, weighting="tfidf").fit(given) for given in (texts, composed))
    np.testing.assert_array_equal(found.weights_, expected.weights_)


@pytest.mark.parametrize("transformer", [WordEmbeddingVectorizer(**FAST), Word2VecTransformer(**FAST)], ids=str)
@pytest.mark.parametrize("tokenized", [False, True])
def test_vectors_are_trained_on_texts_or_tokens(transformer, tokenized):
    documents = [text.split() for text in TEXTS] if tokenized else TEXTS
    found = clone(transformer).fit_transform(documents)
    assert found.shape == (300, 8)
    animals, metals = found[::2].mean(axis=0), found[1::2].mean(axis=0)
    assert np.linalg.norm(animals - metals) > 0.1


def test_settings_of_training_are_searched_in_a_pipeline():
    labels = ["animals", "metals"] * 150
    pipeline = make_pipeline(Word2VecTransformer(**FAST, learning_rate=0.1), LogisticRegression())
    search = GridSearchCV(pipeline, {"word2vectransformer__weighting": ["mean", "tfidf", "sif"]}, cv=2)
    assert search.fit(TEXTS, labels).best_score_ > 0.9


def test_names_of_columns_and_pandas_output(vectors):
    vectorizer = WordEmbeddingVectorizer(vectors).set_output(transform="pandas").fit(TEXTS)
    names = [f"wordembeddingvectorizer{number}" for number in range(8)]
    assert vectorizer.get_feature_names_out().tolist() == names
    assert vectorizer.transform(TEXTS).columns.tolist() == names


def test_a_clone_shares_the_matrix_of_given_vectors(vectors):
    assert np.shares_memory(clone(WordEmbeddingVectorizer(vectors)).vectors.matrix, vectors.matrix)


@pytest.mark.parametrize("given", ["nothing", "vectors", "path"])
def test_a_pickle_transforms_as_before(given, vectors, tmp_path):
    vectors.save(tmp_path / "vectors")
    source = {"nothing": None, "vectors": vectors, "path": str(tmp_path / "vectors")}[given]
    fitted = WordEmbeddingVectorizer(source, weighting="sif", **FAST).fit(TEXTS)
    pickled = pickle.dumps(fitted)
    np.testing.assert_array_equal(pickle.loads(pickled).transform(TEXTS), fitted.transform(TEXTS))
    assert (fitted.vectors_.matrix.tobytes() in pickled) == (given != "path")


def test_a_pickle_knows_the_words_that_ngrams_know():
    vectors = vecmill.train(TEXTS, dimension=8, epochs=1, min_count=1, threads=1, subwords="3-4", buckets=100)
    fitted = WordEmbeddingVectorizer(vectors).fit(TEXTS)
    texts = [f"{TEXTS[0].split()[0]}es"]
    found = pickle.loads(pickle.dumps(fitted)).transform(texts)
    assert found.any()
    np.testing.assert_array_equal(found, fitted.transform(texts))


@pytest.mark.parametrize("weighting", ["mean", "sif", "tfidf"])
def test_a_pickle_does_not_take_the_vectors_that_a_path_holds_since_the_fit(vectors, tmp_path, weighting):
    vectors.save(tmp_path / "model")
    fitted = WordEmbeddingVectorizer(tmp_path / "model", weighting=weighting).fit(TEXTS)
    pickled = pickle.dumps(fitted)
    np.testing.assert_array_equal(pickle.loads(pickled).transform(TEXTS), fitted.transform(TEXTS))
    other = vecmill.WordVectors(vectors.vocabulary, np.array(vectors.matrix)[::-1])
    (tmp_path / "model").rename(tmp_path / "before")
    other.save(tmp_path / "model")
    with pytest.raises(vecmill.VecmillError, match="model holds other vectors than at fit; fit again"):
        pickle.loads(pickled)


def test_what_is_no_list_of_texts_is_refused(vectors):
    with pytest.raises(ValueError, match="unknown weighting 'max'"):
        WordEmbeddingVectorizer(vectors, weighting="max").fit(TEXTS)
    with pytest.raises(NotTextError, match=r"give \[document\]"):
        WordEmbeddingVectorizer(vectors, weighting="tfidf").fit("a text")
    with pytest.raises(NotFittedError):
        WordEmbeddingVectorizer(vectors).transform(TEXTS)


def test_vectors_of_another_kind_are_refused(vectors):
    wv = KeyedVectors.of(vectors)
    for given, hint in ((wv, "these are vectors.word_vectors"), (7, "vectors is 7")):
        with pytest.raises(TypeError, match=hint):
            WordEmbeddingVectorizer(given).fit(["the text"])
    assert WordEmbeddingVectorizer(wv.word_vectors).fit_transform(["the text"]).shape == (1, vectors.dimension)


def test_columns_of_arrow_are_documents_and_tables_are_none(vectors):
    pyarrow = pytest.importorskip("pyarrow")
    texts = [*TEXTS[:40], "cat dog"]
    column, lists = pyarrow.chunked_array([texts[:7], texts[7:]]), pyarrow.array([text.split() for text in texts])
    expected = WordEmbeddingVectorizer(vectors, weighting="tfidf").fit_transform(texts)
    for given in (column, column.cast(pyarrow.large_string()), column.dictionary_encode(), lists):
        found = WordEmbeddingVectorizer(vectors, weighting="tfidf").fit_transform(given)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    table = pyarrow.table({"text": texts})
    for given in (table, table.to_pandas() if _has_pandas() else table):
        with pytest.raises(NotTextError, match="give one of its columns"):
            WordEmbeddingVectorizer(**FAST).fit(given)


@pytest.mark.parametrize("weighting", ["mean", "tfidf", "sif"])
def test_documents_that_can_be_read_once_are_fitted_and_transformed(vectors, weighting):
    for make in (lambda: WordEmbeddingVectorizer(vectors, weighting=weighting), lambda: Word2VecTransformer(**FAST)):
        expected = make().fit_transform(TEXTS)
        for once in (iter(TEXTS), map(str, TEXTS), (text for text in TEXTS)):
            np.testing.assert_array_equal(make().fit_transform(once), expected)


def test_a_document_is_no_documents():
    with pytest.raises(NotTextError, match=r"give \[document\]"):
        Word2VecTransformer(**FAST).fit("text.txt")


def _has_pandas():
    return importlib.util.find_spec("pandas") is not None
