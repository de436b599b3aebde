"""Arguments of the Python API: words, paths, vectors and texts of other kinds are refused with one line."""

import enum
import functools
import unicodedata
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import vecmill
import vecmill.plot
from embeddings import (
    EncodedCorpus,
    PhraseTable,
    SplitText,
    TokenizedCorpus,
    evaluation,
    formats,
    tokenize_corpus,
)
from embeddings.documents import DocumentVectors
from embeddings.language_model.export import export_safetensors
from embeddings.setting_types import require_type
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.vectors import postprocessing, small_vectors
from embeddings.vectors.axes import axis
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_map import make_word_map
from embeddings.vectors.word_movers import word_movers_distance
from embeddings.word2vec.scoring import SentenceScorer
from tests.small_language_model import make_model
from vecmill.gensim import (
    Doc2Vec,
    FastText,
    KeyedVectors,
    LineSentence,
    PathLineSentences,
    Text8Corpus,
    Word2Vec,
    load_facebook_model,
    save_facebook_model,
    simple_preprocess,
)
from vecmill.gensim import phrases as gensim_phrases
from vecmill.surrogates import encoded, replaced

WORDS = ["the", "king", "queen", "café", "man", "land"]
DECOMPOSED = unicodedata.normalize("NFD", "café")
SENTENCES = [["the", "king", "rules"], ["a", "queen", "rules", "land"]] * 30
FRAME = pd.DataFrame({"text": ["the king"], "year": [1900]})


def make_vectors(subwords=None, normalize="nfc"):
    matrix = np.random.default_rng(1).standard_normal((len(WORDS), 8)).astype(np.float32)
    vectors = vecmill.WordVectors(vecmill.Vocabulary.from_words(WORDS, [9, 8, 7, 6, 5, 4]), matrix, matrix, subwords)
    vectors.tokenizer_settings = {"spec": "fast", "lowercase": True, "normalize": normalize}
    return vectors


@pytest.fixture(scope="module")
def vectors():
    return make_vectors()


@pytest.fixture(scope="module")
def ngram_vectors():
    ngrams = CharacterNgrams.of_range("3-4", 100)
    buckets = np.arange(100, dtype=np.int32)
    rows = np.random.default_rng(2).standard_normal((100, 8)).astype(np.float32)
    return make_vectors(SubwordVectors(ngrams, buckets, rows))


QUERIES = {
    "[]": lambda vectors, words: vectors[words],
    "ids": lambda vectors, words: vectors.ids(words),
    "places": lambda vectors, words: vectors.places(words),
    "unit_vectors": lambda vectors, words: vectors.unit_vectors(words),
    "mean_vector": lambda vectors, words: vectors.mean_vector(words),
    "n_similarity": lambda vectors, words: vectors.n_similarity(words, ["king"]),
    "neighbors": lambda vectors, words: vectors.neighbors(words),
    "doesnt_match": lambda vectors, words: vectors.doesnt_match(words),
    "distances": lambda vectors, words: vectors.distances("king", words),
    "most_similar": lambda vectors, words: vectors.most_similar(words),
    "batch": lambda vectors, words: vectors.most_similar_batch(words),
    "negative of batch": lambda vectors, words: vectors.most_similar_batch(["queen", "queen"], words),
    "most_similar_cosmul": lambda vectors, words: vectors.most_similar_cosmul(words),
    "among": lambda vectors, words: vectors.most_similar("king", among=words),
    "most_likely_word": lambda vectors, words: vectors.most_likely_word(words),
}
NO_WORDS = [b"king", bytearray(b"king"), {"king": 1, "man": 2}, 1.5, object(), FRAME]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("words", NO_WORDS, ids=lambda value: type(value).__name__)
def test_what_is_no_list_of_words_is_refused_by_every_query(vectors, ngram_vectors, query, words):
    for model in (vectors, ngram_vectors):
        with pytest.raises(TypeError, match=r"^got .*; expected a (list of words|word)"):
            QUERIES[query](model, words)


@pytest.mark.parametrize("words", [slice(0, 2), None])
def test_slices_and_none_are_no_words(vectors, words):
    with pytest.raises(TypeError, match=r"^got .*expected a"):
        vectors[words]


@pytest.mark.parametrize("query", ["[]", "ids", "unit_vectors", "neighbors", "among", "batch", "negative of batch"])
def test_a_set_has_no_rows_in_an_order(vectors, query):
    with pytest.raises(TypeError, match="has no order"):
        QUERIES[query](vectors, {"king", "man"})


@pytest.mark.parametrize("query", ["mean_vector", "n_similarity", "doesnt_match"])
def test_the_mean_of_a_set_has_no_order_either(vectors, query):
    assert QUERIES[query](vectors, {"king", "man"}) is not None


@pytest.mark.parametrize("terms", [("king", "x"), ("king", 1.0, 2), ("king",)])
def test_a_term_and_its_weight_are_a_pair(vectors, terms):
    with pytest.raises(TypeError, match=r"expected a word, or a pair \(word, weight\)"):
        vectors.most_similar([terms])


def test_an_array_of_words_is_a_list(vectors):
    assert vectors.most_similar(np.array(["king"])) == vectors.most_similar(["king"])


@pytest.mark.parametrize("word", [None, b"king", 5.0])
def test_no_other_word_than_a_str_has_a_vector(vectors, ngram_vectors, word):
    assert not vectors.has_vector(word)
    assert not ngram_vectors.has_vector(word)


# ------------------------------------------------------------------------------ the same word in two Unicode forms


def test_a_word_in_another_unicode_form_is_found(vectors):
    assert DECOMPOSED not in WORDS
    assert DECOMPOSED in vectors
    expected = vectors["café"]
    found = [vectors[DECOMPOSED], vectors.get_vector(DECOMPOSED), vectors[["king", DECOMPOSED]][1]]
    found.append(vectors.mean_vector([DECOMPOSED], pre_normalize=False))
    assert all(np.allclose(vector, expected) for vector in found)
    assert vectors.most_similar(DECOMPOSED) == vectors.most_similar("café")
    assert vectors.similarity(DECOMPOSED, "king") == vectors.similarity("café", "king")
    given = [[DECOMPOSED, "king"]], [f"{DECOMPOSED} king"], [["café", "king"]]
    first, *others = (vecmill.sentence_vectors(vectors, documents) for documents in given)
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("word", ["café", "cafés", "décafé"])
def test_ngrams_are_those_of_the_form_of_the_model(ngram_vectors, word):
    other = unicodedata.normalize("NFD", word)
    assert ngram_vectors.has_vector(other)
    assert np.array_equal(ngram_vectors[other], ngram_vectors[word])
    assert np.array_equal(ngram_vectors[["king", other]], ngram_vectors[["king", word]])


def test_models_of_text_that_was_not_normalized_keep_the_forms_apart():
    vectors = make_vectors(normalize="none")
    assert DECOMPOSED not in vectors
    with pytest.raises(KeyError):
        vectors[DECOMPOSED]


# ------------------------------------------------------------------------------------------------------------ functions

CALLS = {
    "sentence_vectors of a mapping": lambda v, _: vecmill.sentence_vectors(v, {"a": "the king"}),
    "sentence_vectors of a table": lambda v, _: vecmill.sentence_vectors(v, FRAME),
    "sentence_vectors of a number": lambda v, _: vecmill.sentence_vectors(v, 5),
    "sentence_vectors of a path": lambda v, _: vecmill.sentence_vectors("model", ["the king"]),
    "WordVectors of words": lambda v, _: vecmill.WordVectors(["king"], np.ones((1, 2))),
    "WordVectors of lists": lambda v, _: vecmill.WordVectors(v.vocabulary, [[1.0, 2.0]]),
    "write_vectors of a mapping": lambda v, folder: vecmill.write_vectors({"king": [1, 2]}, folder / "a.txt"),
    "write_vectors to nothing": lambda v, _: vecmill.write_vectors(v, None),
    "write_vectors with a flag": lambda v, folder: vecmill.write_vectors(v, folder / "a.txt", progress=True),
    "evaluate a path": lambda v, _: vecmill.evaluate("model", "pairs.txt"),
    "evaluate on pairs": lambda v, _: vecmill.evaluate(v, [("king", "queen", 8.0)]),
    "evaluate on a mapping": lambda v, _: vecmill.evaluate(v, {"pairs": "pairs.txt"}),
    "load nothing": lambda v, _: vecmill.load(None),
    "load bytes": lambda v, _: vecmill.load(b"model"),
    "save to nothing": lambda v, _: v.save(None),
    "plot a path": lambda v, _: vecmill.plot_training("model"),
    "open a number": lambda v, _: vecmill.open_corpus(5),
    "open a mapping": lambda v, _: vecmill.open_corpus({"a": 1}),
    "tokenize bytes": lambda v, _: vecmill.make_tokenizer().tokenize(b"the king"),
    "make a tokenizer": lambda v, _: vecmill.make_tokenizer(lowercase="yes"),
    "words of a str": lambda v, _: vecmill.Vocabulary.from_words("king"),
    "words of bytes": lambda v, _: vecmill.Vocabulary.from_words([b"king"]),
    "counts of a list": lambda v, _: vecmill.Vocabulary.from_counts(["king"]),
    "a vocabulary of a str": lambda v, _: vecmill.Vocabulary("king\t5\n"),
    "the id of a number": lambda v, _: v.vocabulary.id(5),
    "fit Word2Vec on lines": lambda v, _: vecmill.Word2Vec().fit(["the king"], v.vocabulary),
    "fit GloVe on lines": lambda v, _: vecmill.GloVe().fit(["the king"], v.vocabulary),
    "a GloVe of a number": lambda v, _: vecmill.GloVe(5),
    "convert from nothing": lambda v, folder: formats.convert(None, folder / "a.txt"),
    "convert to a number": lambda v, _: formats.convert("a.txt", 5),
    "counts of a number": lambda v, _: formats.read("a.txt", counts=5),
    "pairs by path": lambda v, _: evaluation.evaluate_similarity(v, "pairs.txt"),
    "analogies as a list": lambda v, _: evaluation.evaluate_analogies(v, [("a", "b", "c", "d")]),
    "categories of nothing": lambda v, _: evaluation.evaluate_categories(v, None),
    "topics of nothing": lambda v, _: evaluation.evaluate_odd_one_out(v, None),
    "compare with a path": lambda v, _: evaluation.compare(v, "model", {}),
    "compare on a path": lambda v, _: evaluation.compare(v, v, "pairs.txt"),
    "read no pairs": lambda v, _: evaluation.read_word_pairs(None),
    "unit_norm of a path": lambda v, _: postprocessing.unit_norm("model"),
    "components of a str": lambda v, _: postprocessing.remove_top_components(v, "1"),
    "prune to a half": lambda v, _: small_vectors.prune(v, 2.5),
    "prefix of a str": lambda v, _: small_vectors.prefix(v, "2"),
    "quantize a path": lambda v, _: small_vectors.quantize("model", "int8"),
    "join a number": lambda v, _: list(vecmill.Phrases(SENTENCES)[[["the"], 5]]),
    "find phrases in a str": lambda v, _: vecmill.Phrases(SENTENCES).find_phrases("the king"),
    "load no phrases": lambda v, _: vecmill.Phrases.load(None),
    "a prompt of a number": lambda v, _: make_model().generate(prompt=5),
    "a prompt of bytes": lambda v, _: make_model().generate(b"the cat"),
    "a length of a half": lambda v, _: make_model().generate("the", length=2.5),
    "fit a tagger on a str": lambda v, _: vecmill.SequenceTagger().fit("the king", "DN"),
    "a tagger of a number": lambda v, _: vecmill.SequenceTagger(5),
    "phrases of bytes": lambda v, _: vecmill.Phrases(SENTENCES)[b"the"],
    "connector words": lambda v, _: vecmill.Phrases(SENTENCES, connector_words=5),
    "embeddings by path": lambda v, _: vecmill.train_language_model(["the king"] * 9, embeddings="model"),
    "a network of settings": lambda v, _: vecmill.train_language_model(["the king"] * 9, network={"layers": 1}),
    "align a path": lambda v, _: vecmill.align("model", v),
    "align with a path": lambda v, _: vecmill.align(v, "model"),
    "anchors as a str": lambda v, _: vecmill.align(v, v, anchors="king"),
    "anchors as a mapping": lambda v, _: vecmill.align(v, v, anchors={"king": 1, "man": 2, "land": 3}),
    "words of a plot as bytes": lambda v, _: vecmill.plot.map(v, b"king"),
    "words of a plot as a mapping": lambda v, _: vecmill.plot.map(v, {"king": 1, "man": 2, "land": 3}),
    "a plot of a path": lambda v, _: vecmill.plot.map("model"),
    "a title of a number": lambda v, _: vecmill.plot.map(v, title=5),
    "one pole": lambda v, _: vecmill.plot.axis(v, ["king"], "queen"),
    "three poles": lambda v, _: vecmill.plot.axis(v, ["king"], ("man", "queen", "land")),
    "axes of a path": lambda v, _: vecmill.plot.axis("model", ["king"], ("man", "queen")),
    "a pole of a str": lambda v, _: axis(v, "king", ["queen"]),
    "names as a str": lambda v, _: vecmill.train_documents(["the king"] * 9, "names.txt", min_count=1),
    "names of a table": lambda v, _: vecmill.train_documents(["the king"], FRAME, min_count=1),
    "names that are numbers": lambda v, _: vecmill.train_documents(["the king"], [1], min_count=1),
}


@pytest.mark.parametrize("call", CALLS)
def test_arguments_of_another_type_are_named(vectors, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match=r"expected|no list of tokens|is not text|is no iterable") as caught:
        CALLS[call](vectors, tmp_path)
    assert len(str(caught.value).splitlines()) == 1
    assert not list(tmp_path.iterdir())


CHOICES = {
    "method of an analogy": lambda v, name: v.analogy("man", "king", "land", method=name),
    "method of an evaluation": lambda v, name: evaluation.evaluate(v, {}, name),
    "errors": lambda v, name: formats.read("vectors.txt", errors=name),
    "encoding": lambda v, name: formats.read("vectors.txt", encoding=name),
    "normalize": lambda v, name: vecmill.make_tokenizer(normalize=name),
    "dtype": lambda v, name: vecmill.write_vectors(v, "a.txt", dtype=name),
    "format": lambda v, name: vecmill.write_vectors(v, "a.txt", format=name),
    "tokenizer": lambda v, name: vecmill.make_tokenizer(name),
    "scorer": lambda v, name: vecmill.Phrases(SENTENCES, scorer=name),
    "weighting": lambda v, name: vecmill.sentence_vectors(v, ["the king"], weighting=name),
    "architecture": lambda v, name: vecmill.train(SENTENCES, architecture=name),
    "subwords": lambda v, name: vecmill.train(SENTENCES, subwords=name),
    "phrases": lambda v, name: vecmill.train(SENTENCES, phrases=name, phrase_scorer=name),
    "quantization": lambda v, name: small_vectors.quantize(v, name),
}


@pytest.mark.parametrize("call", CHOICES)
def test_a_name_that_is_none_is_shown_shortly_in_one_line(vectors, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    Path("vectors.txt").write_text("1 2\nking 1 2\n")
    for name in (FRAME, [FRAME], FRAME["text"], "9" * 5000, "two\nlines", 5):
        with pytest.raises((TypeError, ValueError, vecmill.VecmillError)) as caught:
            CHOICES[call](vectors, name)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        assert len(message) < 500
        assert "truth value" not in message


@pytest.mark.parametrize(
    "counts", [[1.5, 2.0], [2**70, 1], [np.inf, 1.0], ["a", "b"], [FRAME, FRAME], np.array([2**64 - 1, 1], np.uint64)]
)
def test_counts_are_whole_numbers(counts):
    with pytest.raises(ValueError, match=r"^counts are [^\n]*; expected a list of whole numbers of 64 bits$"):
        vecmill.Vocabulary.from_words(["king", "queen"], counts)


@pytest.mark.parametrize("counts", [[2, 1], np.array([2.0, 1.0]), np.array([2, 1], np.uint8), iter([2, 1]), (2, True)])
def test_counts_may_be_of_any_type_that_holds_whole_numbers(counts):
    assert vecmill.Vocabulary.from_words(["king", "queen"], counts).counts.tolist() == [2, 1]


def test_ranks_and_places_of_an_alignment_are_checked(vectors):
    alignment = vecmill.align(vectors, vectors)
    for ranks in ([FRAME, FRAME], (0,), (-1, 5), "ab", (0, 1.5)):
        with pytest.raises((TypeError, ValueError), match=r"^ranks[^\n]*expected"):
            alignment.moved(2, ranks)
    for places in ([len(WORDS)], [-1], [0.5], [[0]], ["king"]):
        with pytest.raises(ValueError, match=r"^places are [^\n]*; expected numbers from 0 to 5$"):
            alignment.described(places)
    assert [found.word for found in alignment.described([1], topn=2)] == ["king"]


@pytest.mark.parametrize("call", [vecmill.load, lambda name: vecmill.evaluate(make_vectors(), name)])
def test_a_name_that_no_file_can_have_is_no_path(call):
    for name in ("9" * 5000, "a\0b", "folder/" + "é" * 200):
        with pytest.raises(
            ValueError, match=r"is [^\n]*, which (is too long for the name of a file|has a NUL); expected"
        ):
            call(name)


def make_index(vectors):
    return vecmill.TextIndex(vectors, ["king"])


def make_documents(vectors):
    return DocumentVectors(vectors, ["first"], vectors.matrix[:1])


def small_gensim(kind):
    return kind(vector_size=4, min_count=1, workers=1)


SAVES = {
    "vectors": lambda place: make_vectors().save(place),
    "vocabulary": lambda place: make_vectors().vocabulary.save(place),
    "file of vectors": lambda place: vecmill.write_vectors(make_vectors(), place),
    "conversion": lambda place: formats.convert("a.txt", place),
    "language model": lambda place: make_model().save(place),
    "language model as safetensors": lambda place: export_safetensors(make_model(), Path(place)),
    "phrases": lambda place: vecmill.Phrases(SENTENCES).save(place),
    "index": lambda place: make_index(make_vectors()).save(place),
    "documents": lambda place: make_documents(make_vectors()).save(place),
    "tokenized text": lambda place: tokenize_corpus([b"the king\n"], vecmill.make_tokenizer(), place),
    "Word2Vec": lambda place: small_gensim(Word2Vec).save(place),
    "Doc2Vec": lambda place: small_gensim(Doc2Vec).save(place),
    "KeyedVectors": lambda place: KeyedVectors(4).save(place),
    "word2vec format": lambda place: KeyedVectors(4).save_word2vec_format(place),
    "counts": lambda place: small_gensim(Word2Vec).wv.save_word2vec_format("a.txt", fvocab=place),
    "Phrases": lambda place: gensim_phrases.Phrases(SENTENCES).save(place),
    "fastText": lambda place: save_facebook_model(small_gensim(FastText), place),
}
LOADS = {
    "any": vecmill.load,
    "vectors": vecmill.WordVectors.load,
    "vocabulary": vecmill.Vocabulary.load,
    "language model": vecmill.LanguageModel.load,
    "phrases": vecmill.Phrases.load,
    "index": lambda place: vecmill.TextIndex.load(place, make_vectors(), ["king"]),
    "documents": DocumentVectors.load,
    "tokenized text": TokenizedCorpus.open,
    "encoded text": EncodedCorpus.open,
    "split text": SplitText.open,
    "table of phrases": PhraseTable.load,
    "evaluation set": lambda place: vecmill.evaluate(make_vectors(), place),
    "pairs": evaluation.read_word_pairs,
    "edges": vecmill.walks,
    "counts of words": lambda place: formats.read("a.txt", counts=place),
    "settings of the tokenizer": formats.read_tokenizer_settings,
    "conversion": lambda place: formats.convert(place, "b.txt"),
    "Word2Vec": Word2Vec.load,
    "KeyedVectors": KeyedVectors.load,
    "word2vec format": KeyedVectors.load_word2vec_format,
    "Phrases": gensim_phrases.Phrases.load,
    "fastText": load_facebook_model,
    "folder of sentences": PathLineSentences,
}
URLS = ["s3://bucket/a.txt", Path("gs://bucket/a.txt"), "file:///tmp/a.txt", "https://example.org/a.txt"]


@pytest.mark.parametrize("use", [*SAVES.items(), *LOADS.items()], ids=lambda use: use[0])
@pytest.mark.parametrize("place", URLS, ids=str)
def test_a_url_is_no_path_of_this_machine(tmp_path, monkeypatch, use, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(vecmill.VecmillError, match=r"^[^\n]* a URL; expected a path of this machine[^\n]*$") as caught:
        use[1](place)
    assert isinstance(caught.value, ValueError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("read", [vecmill.open_corpus, LineSentence, Text8Corpus], ids=lambda read: read.__name__)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_text_may_be_at_a_url_whatever_type_names_it(tmp_path, read, kind):
    (tmp_path / "a.txt").write_text("the king\n" * 3)
    texts = read(kind((tmp_path / "a.txt").as_uri()))
    assert "king" in (b"".join(texts.blocks()).decode() if read is vecmill.open_corpus else next(iter(texts)))


@pytest.mark.parametrize("table", [FRAME, pa.table({"text": ["the king"]})], ids=["pandas", "Arrow"])
@pytest.mark.parametrize("first", [[], [["the", "king"]]], ids=["first", "later"])
def test_a_table_among_sentences_is_not_read_as_its_column_names(table, first):
    for use in (
        lambda texts: vecmill.train(texts, min_count=1, dimension=4),
        lambda texts: vecmill.train_documents(texts, min_count=1, dimension=4),
        lambda texts: vecmill.train_language_model(texts),
        lambda texts: vecmill.Phrases(texts),
    ):
        with pytest.raises(vecmill.NotTextError, match=r"is [^\n]*Table\)|is [^\n]*DataFrame\)"):
            use([*first, table])


@pytest.mark.parametrize("weights", [pd.date_range("2020", periods=2), np.ones(2, complex), ["a", "b"], [[1], [2, 3]]])
def test_weights_are_numbers(vectors, weights):
    with pytest.raises(TypeError, match=r"^weights is [^\n]*; expected numbers$"):
        vectors.mean_vector(["king", "man"], weights)


@pytest.mark.parametrize("save", [lambda place: make_vectors().save(place), lambda place: make_model().save(place)])
def test_a_new_directory_has_a_name(tmp_path, monkeypatch, save):
    monkeypatch.chdir(tmp_path)
    for place in (".", Path(), "/"):
        with pytest.raises(vecmill.VecmillError, match=r"has no name; expected that of a new file or directory"):
            save(place)


@pytest.mark.parametrize(
    "read", [evaluation.read_word_pairs, evaluation.read_analogies, evaluation.read_evaluation_set]
)
@pytest.mark.parametrize("path", [".", "absent.txt"])
def test_an_evaluation_set_that_cannot_be_read_is_named(tmp_path, monkeypatch, read, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(vecmill.VecmillError, match=rf"^cannot read {path}: [^\n]*; expected the file of a set$"):
        read(path)


@pytest.mark.parametrize("texts", [[FRAME], [FRAME["text"]], [np.array(["a", "b"])], [pd.NA]])
def test_a_list_of_texts_holds_names(texts):
    with pytest.raises(TypeError, match=r"^source is [^\n]*; expected a str, a path"):
        vecmill.open_corpus(texts)


PAIRS = evaluation.WordPairs(name="pairs", pairs=[("king", "queen"), ("king", "man")], scores=[9.0, 5.0])
ANALOGIES = evaluation.Analogies(name="analogies", sections={"all": [("man", "king", "land", "queen")]})


class Number(enum.IntEnum):
    TWO = 2


LINES = [" ".join(sentence) for sentence in SENTENCES]
SMALL = {"dimension": 4, "epochs": 1, "min_count": 1, "threads": 1}


def train_small(train, name):
    return lambda v, number: train(LINES, **{**SMALL, name: number})


WHOLE_NUMBERS = {
    "topn of neighbours": lambda v, number: v.neighbors(["king"], topn=number),
    "restrict_vocab of neighbours": lambda v, number: v.neighbors(["king"], restrict_vocab=number),
    "topn of most_similar": lambda v, number: v.most_similar("king", topn=number),
    "topn of most_likely_word": lambda v, number: v.most_likely_word(["king"], topn=number),
    "limit of load": lambda v, number: formats.read("vectors.txt", limit=number),
    "restrict_vocab of evaluate": lambda v, number: evaluation.evaluate_similarity(v, PAIRS, restrict_vocab=number),
    "restrict_vocab of analogies": lambda v, number: evaluation.evaluate_analogies(v, ANALOGIES, restrict_vocab=number),
    "resamples of pairs": lambda v, number: evaluation.evaluate_similarity(v, PAIRS, resamples=number),
    "words of compare": lambda v, number: evaluation.changed_neighbors(v, v, words=number),
    "topn of compare": lambda v, number: evaluation.changed_neighbors(v, v, topn=number),
    "topn of search": lambda v, number: make_index(v).search("king", topn=number),
    "words to keep": small_vectors.prune,
    "dimension to keep": small_vectors.prefix,
    "components": postprocessing.remove_top_components,
    "topn of a map": lambda v, number: make_word_map(v, topn=number),
    "min_count of a vocabulary": lambda v, number: v.vocabulary.prefix(min_count=number),
    "max_vocabulary of a vocabulary": lambda v, number: v.vocabulary.prefix(number),
    "missing": lambda v, number: v.vocabulary.ids(["none"], missing=number),
    "walks": lambda v, number: list(vecmill.walks([("a", "b")], walks=number)),
    "length of walks": lambda v, number: list(vecmill.walks([("a", "b")], length=number)),
    "passes of phrases": lambda v, number: vecmill.Phrases(SENTENCES, passes=number),
    "threads of phrases": lambda v, number: vecmill.Phrases(SENTENCES, threads=number),
    "window of a classifier": lambda v, number: vecmill.SequenceClassifier(window=number),
    "seed of a tagger": lambda v, number: vecmill.SequenceTagger(seed=number),
    "threads of a tagger": lambda v, number: vecmill.SequenceTagger(threads=number),
    "length of a text": lambda v, number: make_model().generate("the", length=number),
    "beam": lambda v, number: make_model().generate("the", beam=number),
    "seed of a text": lambda v, number: make_model().generate("the", length=2, seed=number),
    "topn of next words": lambda v, number: make_model().next_words("the", topn=number),
    "epochs of inference": lambda v, number: trained_documents().infer(["the king"], epochs=number),
    **{f"{name} of train": train_small(vecmill.train, name) for name in ("epochs", "max_vocabulary", "threads")},
    "max_vocabulary of documents": train_small(vecmill.train_documents, "max_vocabulary"),
    "min_count of a language model": lambda v, number: vecmill.train_language_model(
        LINES, min_count=number, hidden_size=4, epochs=1, threads=1
    ),
}
FRACTIONS = [2.0, np.float32(2), "2", np.array([2]), Decimal(2), True]


@functools.cache
def trained_documents():
    return vecmill.train_documents(LINES, **SMALL)


@pytest.mark.parametrize("call", WHOLE_NUMBERS)
def test_a_whole_number_is_one_whatever_its_type(vectors, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    Path("vectors.txt").write_text("3 2\nking 1 2\nman 3 4\nland 5 6\n")
    for number in (Number.TWO, np.uint8(2), np.int64(2)):
        WHOLE_NUMBERS[call](vectors, number)
    for number in FRACTIONS:
        with pytest.raises(TypeError, match=r"; expected a (whole )?number") as caught:
            WHOLE_NUMBERS[call](vectors, number)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("threads", [0, -1, 1025, 10**12, 2**70])
def test_threads_are_as_many_as_a_machine_may_have(threads):
    for use in (
        lambda: vecmill.train(LINES, threads=threads),
        lambda: vecmill.train_documents(LINES, threads=threads),
        lambda: vecmill.train_language_model(LINES, threads=threads),
        lambda: vecmill.GloVeConfig(threads=threads),
        lambda: vecmill.Phrases(SENTENCES, threads=threads),
        lambda: vecmill.walks([("a", "b")], threads=threads),
        lambda: vecmill.SequenceTagger(threads=threads),
    ):
        with pytest.raises(ValueError, match=r"^threads is [^\n]*; expected (1 to 1024|a number of 64 bits)"):
            use()


@pytest.mark.parametrize("train", [vecmill.train, vecmill.train_documents])
@pytest.mark.parametrize(
    "checkpoints", [5, b"folder", "", "a\0b", "s3://bucket/folder", ["folder"], pd.Series(["folder"])]
)
def test_checkpoints_have_a_folder_of_this_machine(tmp_path, monkeypatch, train, checkpoints):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match=r"^checkpoints is [^\n]*expected (a|the) path"):
        train(LINES, checkpoints=checkpoints)
    assert not list(tmp_path.iterdir())


def test_a_number_of_an_enumeration_is_a_number(vectors):
    assert type(require_type("epochs", Number.TWO, int)) is int
    assert len(vectors.most_similar("king", topn=Number.TWO)) == 2
    assert len(vecmill.train(SENTENCES, dimension=4, epochs=Number.TWO, min_count=1).metrics) == 2


GENSIM_NUMBERS = {
    **{
        f"{name} of Word2Vec": lambda number, name=name: Word2Vec(SENTENCES, **{**SMALL_GENSIM, name: number})
        for name in (
            *("vector_size", "window", "min_count", "max_vocab_size", "max_final_vocab", "seed", "workers", "epochs"),
            *("sg", "hs", "negative", "cbow_mean", "null_word", "sorted_vocab", "batch_words"),
        )
    },
    **{
        f"{name} of FastText": lambda number, name=name: FastText(
            SENTENCES, **{**SMALL_GENSIM, "bucket": 50, name: number}
        )
        for name in ("min_n", "max_n", "bucket", "word_ngrams")
    },
    "dm": lambda number: Doc2Vec(dm=number),
    "dm_mean": lambda number: Doc2Vec(dm_mean=number),
    "vector_size of KeyedVectors": KeyedVectors,
    "count of KeyedVectors": lambda number: KeyedVectors(4, count=number),
    "min_count of Phrases": lambda number: gensim_phrases.Phrases(SENTENCES, min_count=number),
    "max_vocab_size of Phrases": lambda number: gensim_phrases.Phrases(SENTENCES, max_vocab_size=number),
    "max_sentence_length": lambda number: LineSentence("a.txt", max_sentence_length=number),
    "limit": lambda number: LineSentence("a.txt", limit=number),
    "epochs of train": lambda number: gensim_model().train(SENTENCES, total_examples=60, epochs=number),
    "topn": lambda number: gensim_model().wv.most_similar("king", topn=number),
    "topn of batch": lambda number: gensim_model().wv.most_similar_batch(["king"], topn=number),
    "topn of cosmul": lambda number: gensim_model().wv.most_similar_cosmul("king", topn=number),
}
SMALL_GENSIM = {"vector_size": 4, "min_count": 1, "workers": 1, "epochs": 1}


@functools.cache
def gensim_model():
    return Word2Vec(SENTENCES, **SMALL_GENSIM)


@pytest.mark.parametrize("call", GENSIM_NUMBERS)
def test_gensim_layer_takes_numbers_as_gensim_and_refuses_what_it_would_truncate(call):
    negative = {"hs": 0} if call == "hs of Word2Vec" else {}
    for number in (np.int64(1), 1.0, True, Number.TWO):
        if not negative:
            GENSIM_NUMBERS[call](number)
    for number in (1.5, "2", float("nan"), np.array([2]), [2], 2**70):
        with pytest.raises((TypeError, ValueError), match=r"^\w+ is [^\n]*; expected [^\n]*$"):
            GENSIM_NUMBERS[call](number)


@pytest.mark.parametrize("name", ["alpha", "min_alpha", "sample", "ns_exponent"])
def test_gensim_layer_refuses_rates_that_are_none(name):
    for number in ("0.1", None, float("nan"), float("inf"), [0.1]):
        with pytest.raises((TypeError, ValueError), match=rf"^{name} is [^\n]*; expected a (finite )?number$"):
            Word2Vec(SENTENCES, **{**SMALL_GENSIM, name: number})


FLAGS = {
    "norm": lambda v, flag: v.get_vector("king", norm=flag),
    "pre_normalize": lambda v, flag: v.mean_vector(WORDS, pre_normalize=flag),
    "post_normalize": lambda v, flag: v.mean_vector(WORDS, post_normalize=flag),
    "ignore_missing": lambda v, flag: v.mean_vector(WORDS, ignore_missing=flag),
    "mean": lambda v, flag: v.most_likely_word(WORDS, mean=flag),
    "overwrite of a directory": lambda v, flag: v.save("model", overwrite=flag),
    "overwrite of a file": lambda v, flag: vecmill.write_vectors(v, "vectors.npz", overwrite=flag),
    "normalize": lambda v, flag: word_movers_distance(v, ["king"], ["king"], normalize=flag),
    "dynamic": lambda v, flag: make_model().perplexity("the cat", dynamic=flag),
    "stop_at_line_end": lambda v, flag: make_model().generate("the", 2, stop_at_line_end=flag),
    "allow_unknown": lambda v, flag: make_model().generate("the", 2, allow_unknown=flag),
    "dummy4unknown of pairs": lambda v, flag: evaluation.evaluate_similarity(v, PAIRS, dummy4unknown=flag),
    "dummy4unknown of analogies": lambda v, flag: evaluation.evaluate_analogies(v, ANALOGIES, dummy4unknown=flag),
    "case_insensitive": lambda v, flag: evaluation.evaluate_similarity(v, PAIRS, case_insensitive=flag),
    "use_ngrams": lambda v, flag: evaluation.evaluate_analogies(v, ANALOGIES, use_ngrams=flag),
    "lowercase": lambda v, flag: vecmill.make_tokenizer(lowercase=flag),
    "punctuation": lambda v, flag: vecmill.train(["the king rules"] * 9, min_count=1, punctuation=flag),
}


@pytest.mark.parametrize("call", FLAGS)
def test_a_flag_is_true_or_false(vectors, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    for flag in (FRAME, FRAME["text"], np.array([True, False]), "no", None, 2):
        with pytest.raises(TypeError, match=rf"^{call.split()[0]} is [^\n]*; expected True or False$"):
            FLAGS[call](vectors, flag)
    assert not list(tmp_path.iterdir())


def test_a_flag_of_numpy_is_one(vectors):
    norm = np.array([True, False])
    assert vectors.get_vector("king", norm=norm[0]) == pytest.approx(vectors.get_vector("king", norm=True))
    assert vectors.mean_vector(["king"], pre_normalize=norm[1]) == pytest.approx(vectors["king"])


@pytest.mark.parametrize("call", [lambda v: vecmill.evaluate(v, []), lambda v: vecmill.evaluate(v, ""), vecmill.load])
def test_an_empty_name_is_not_the_current_directory(vectors, call):
    with pytest.raises(ValueError, match="empty"):
        call("" if call is vecmill.load else vectors)


@pytest.mark.parametrize("given", [list, tuple, iter])
def test_names_of_files_are_not_trained_on(tmp_path, given):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("the king rules\n" * 20)
    names = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    with pytest.raises(vecmill.NotTextError, match="the name of a file; to read files give path objects"):
        vecmill.train(given(names), dimension=4)
    assert len(vecmill.train(map(Path, names), dimension=4, threads=1)) == 3


def test_a_line_that_is_no_name_of_a_file_is_text(tmp_path):
    lines = [str(tmp_path / "absent.txt"), "the king"] * 20
    assert "king" in vecmill.train(lines, dimension=4, threads=1)


@pytest.mark.parametrize(
    ("settings", "needed"), [({"buckets": 100}, "subwords"), ({"phrase_threshold": 2.0}, "phrases"), ({}, None)]
)
def test_a_setting_without_effect_is_refused(settings, needed):
    if needed is None:
        assert len(vecmill.train(SENTENCES, dimension=4, threads=1, **settings)) == 6
        return
    with pytest.raises(ValueError, match=f"no effect without {needed}"):
        vecmill.train(SENTENCES, dimension=4, **settings)


@pytest.mark.parametrize("rate", [float("inf"), float("nan"), 0.0])
def test_a_learning_rate_is_finite(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        vecmill.train_language_model(["the king"] * 9, learning_rate=rate)
    with pytest.raises(ValueError, match="learning_rate"):
        vecmill.train(SENTENCES, learning_rate=rate)


@pytest.mark.parametrize("method", ["umap", "pca", "tsne", ""])
def test_there_is_no_other_layout_of_a_map(vectors, method):
    for draw in (vecmill.plot.map, make_word_map):
        with pytest.raises(ValueError, match="unknown method"):
            draw(vectors, method=method)


def test_poles_may_be_arrays(vectors):
    assert axis(vectors, np.array(["king"]), pd.Series(["queen", "man"])).shape == (8,)


# ------------------------------------------------------------------------------------------------------- documents


@pytest.fixture(scope="module")
def documents():
    return vecmill.train_documents(
        ["the king rules", "a queen rules"] * 9, dimension=4, min_count=1, epochs=1, threads=1
    )


@pytest.mark.parametrize("given", ["the king", b"the king", {"a": "the king"}, {"the king"}, 5, None, FRAME])
def test_one_document_is_not_read_as_several(documents, given):
    with pytest.raises(vecmill.NotTextError, match=r"give \[document\]|expected a list of str|give one of its columns"):
        documents.infer(given)


@pytest.mark.parametrize("item", [None, 5, b"the king", float("nan"), ["the", None], {"the": 1}])
def test_a_document_that_is_none_is_named_by_its_place(documents, item):
    with pytest.raises(vecmill.NotTextError, match=r"^document 1 is .*; expected a str or a list of str"):
        documents.infer(["the king", item])


@pytest.mark.parametrize(
    "setting",
    [
        *({"epochs": epochs} for epochs in (0, 1.5, -1)),
        *({"learning_rate": rate} for rate in (float("nan"), 0.0)),
        *({"seed": seed} for seed in (-1, "1")),
        *({"threads": threads} for threads in (0, 2.0)),
    ],
    ids=str,
)
def test_a_setting_of_inference_is_checked(documents, setting):
    with pytest.raises((TypeError, ValueError), match=rf"^{next(iter(setting))} is .*(expected|must be)"):
        documents.infer(["the king"], **setting)


@pytest.mark.parametrize("names", [np.array, pd.Series, iter, tuple])
def test_names_of_documents_may_be_any_list(names):
    texts = ["the king rules", "a queen rules"] * 5
    given = [f"text {number}" for number in range(10)]
    model = vecmill.train_documents(pd.Series(texts), names(given), dimension=4, min_count=1, epochs=1, threads=1)
    assert model.names == given


# ----------------------------------------------------------------------------------------------------- lone surrogates


@pytest.mark.parametrize("text", ["a\ud800", "\udfff\ud800b", "\udc80", "é\ud83d."])
def test_each_lone_surrogate_becomes_one_invalid_byte(text):
    lone = sum("\ud800" <= character <= "\udfff" for character in text)
    assert encoded(text).decode("utf-8", "replace") == "".join(
        "\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text
    )
    assert replaced(text)[1] == lone


@pytest.mark.parametrize("tokenizer", ["fast", "whitespace", str.split])
def test_lone_surrogates_of_lines_are_counted_as_invalid_text(tokenizer):
    lines = ["the king \ud800 rules", "a queen \udc80 rules"] * 20
    assert vecmill.train(lines, dimension=4, threads=1, tokenizer=tokenizer).dropped["invalid UTF-8 sequences"] == 40


# --------------------------------------------------------------------------------------------------------------- gensim


@pytest.fixture
def model():
    return Word2Vec(SENTENCES, vector_size=8, min_count=1, workers=1)


TAKEN = ("vectors_for_all", {"king": 1})
GENSIM = {
    "[]": lambda model, words: model.wv[words],
    "vectors_for_all": lambda model, words: model.wv.vectors_for_all(words),
    "wmdistance": lambda model, words: model.wv.wmdistance(words, ["king"]),
    "predict_output_word": lambda model, words: model.predict_output_word(words),
    "most_similar": lambda model, words: model.wv.most_similar(words),
}


@pytest.mark.parametrize(
    ("query", "words"),
    [(query, words) for query in GENSIM for words in (b"king", {"king": 1}, 1.5) if (query, words) != TAKEN],
)
def test_gensim_layer_refuses_what_is_no_list_of_words(model, query, words):
    with pytest.raises(TypeError, match="expected a list of words"):
        GENSIM[query](model, words)


def test_gensim_layer_takes_the_keys_of_a_mapping_where_gensim_does(model):
    query, words = TAKEN
    assert GENSIM[query](model, words).index_to_key == ["king"]


@pytest.mark.parametrize("query", ["vectors_for_all", "wmdistance", "predict_output_word"])
def test_gensim_layer_does_not_read_letters_as_words(model, query):
    with pytest.raises(TypeError, match=r"such as \['the', 'king'\]"):
        GENSIM[query](model, "the king")


def test_words_that_were_added_are_not_predicted(model):
    before = model.predict_output_word(["the", "rules"])
    model.wv.add_vector("new", np.ones(8))
    assert model.predict_output_word(["the", "rules"]) == before
    assert model.predict_output_word(["new", "the"])
    contexts = model.syn1neg.copy()
    model.train([["a", "b"]], total_examples=1, epochs=1)  # neither has a neighbour: nothing is learned
    assert np.array_equal(model.syn1neg[: len(contexts)], contexts)


@pytest.mark.parametrize(
    ("name", "present"), [("size", "vector_size"), ("iter", "epochs"), ("dimension", "vector_size"), ("alhpa", "alpha")]
)
def test_settings_of_gensim_3_are_answered_with_the_present_name(name, present):
    with pytest.raises(TypeError, match=f"unknown setting '{name}'.*{present}"):
        Word2Vec(SENTENCES, **{name: 5})


@pytest.mark.parametrize(
    ("name", "present"), [("vocab", "key_to_index"), ("index2word", "index_to_key"), ("syn0", "vectors")]
)
def test_attributes_of_gensim_3_are_answered_with_the_present_name(model, name, present):
    with pytest.raises(AttributeError, match=f"in gensim 4 it is {present}"):
        getattr(model.wv, name)
    with pytest.raises(AttributeError, match=r"model\.wv\.most_similar"):
        _ = model.most_similar
    assert not hasattr(model, "anything_else")


@pytest.mark.parametrize("binary", [True, False])
def test_the_other_kind_of_file_is_named(model, tmp_path, binary):
    path = tmp_path / "vectors"
    model.wv.save_word2vec_format(path, binary=binary)
    with pytest.raises(vecmill.VecmillError, match=f"looks like word2vec-.*give binary={binary}"):
        KeyedVectors.load_word2vec_format(path, binary=not binary)


def test_a_document_is_text():
    with pytest.raises(TypeError, match="doc is None"):
        simple_preprocess(None)


def test_sentences_to_score_are_lists():
    model = Word2Vec(SENTENCES, vector_size=8, min_count=1, workers=1, hs=1, negative=0)
    with pytest.raises(TypeError, match="expected a list of words"):
        model.score(["the king"])
    assert SentenceScorer(model._trained()).score([["the", "king"]]) < 0
