"""What other tools make of our files; each test runs where its tool is installed (extra ``interop``)."""

import subprocess
import sys

import numpy as np
import pytest

import vecmill
from embeddings import formats
from embeddings.formats.static_embedding import unit_rows
from embeddings.language_model.arpa import ArpaModel, write_arpa
from embeddings.language_model.ngram import KneserNeyEstimate
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.text.tokenizer.tokenizers import make_tokenizer
from embeddings.text.vocabulary import EOS, UNK, Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from tests.quantised_model import quantised_model

WORDS = ["the", "king", "queen", "köln", "東京", "don't", "new_york", "2010", "naïve", "man"]


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(11)
    words = WORDS + [f"word{i}" for i in range(300)]
    matrix = rng.standard_normal((len(words), 20)).astype(np.float32) * 3
    return WordVectors(Vocabulary.from_words(words, range(len(words), 0, -1)), matrix)


@pytest.mark.parametrize(
    ("name", "format", "options"),
    [
        ("a.txt", "word2vec-text", {}),
        ("a.txt.gz", "word2vec-text", {}),
        ("a.bin", "word2vec-binary", {"binary": True}),
        ("a.bin", "word2vec-binary-newline", {"binary": True}),
        ("a.txt", "glove", {"no_header": True}),
    ],
)
def test_gensim_reads_our_files_and_finds_the_same_neighbours(tmp_path, vectors, name, format, options):
    keyed_vectors = pytest.importorskip("gensim.models").KeyedVectors
    formats.write(vectors, tmp_path / name, format)
    theirs = keyed_vectors.load_word2vec_format(tmp_path / name, **options)
    assert theirs.index_to_key == list(vectors.words)
    np.testing.assert_array_equal(theirs.vectors, vectors.matrix)
    for word in WORDS:
        found, expected = vectors.most_similar(word), theirs.most_similar(word)
        assert [w for w, _ in found] == [w for w, _ in expected]
        np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], atol=1e-5)


def test_gensim_reads_our_fasttext_text(tmp_path, vectors):
    keyed_vectors = pytest.importorskip("gensim.models").KeyedVectors
    formats.write(vectors, tmp_path / "a.vec")
    theirs = keyed_vectors.load_word2vec_format(tmp_path / "a.vec")
    np.testing.assert_allclose(theirs.vectors, vectors.matrix, rtol=5.1e-5)


@pytest.mark.parametrize("binary", [False, True])
def test_we_read_gensims_files(tmp_path, vectors, binary):
    keyed_vectors = pytest.importorskip("gensim.models").KeyedVectors
    theirs = keyed_vectors(vectors.dimension)
    theirs.add_vectors(list(vectors.words), vectors.matrix)
    theirs.save_word2vec_format(tmp_path / "a", binary=binary)
    found = formats.read(tmp_path / "a")
    assert list(found.words) == list(vectors.words)
    np.testing.assert_array_equal(found.matrix, vectors.matrix)


def test_gensims_own_model_is_refused(tmp_path, vectors):
    keyed_vectors = pytest.importorskip("gensim.models").KeyedVectors
    theirs = keyed_vectors(vectors.dimension)
    theirs.add_vectors(list(vectors.words), vectors.matrix)
    theirs.save(str(tmp_path / "a.kv"))
    with pytest.raises(formats.FormatError, match=r"Python pickle .* refused"):
        formats.read(tmp_path / "a.kv")


SENTENCES = {
    "the king": ["the", "king"],
    "The King, don't!": ["the", "king", "don't"],
    "Köln: 東京 (2010) unheard-of new_york": ["köln", "東京", "2010", "new_york"],
    "queen " * 1000: ["queen"],
}


def expected_encoding(vectors, words):
    """The mean of the unit vectors of the known words, scaled to length 1."""
    mean = unit_rows(vectors.matrix)[[vectors.vocabulary.id(word) for word in words]].mean(axis=0)
    return mean / np.linalg.norm(mean)


@pytest.fixture(scope="module", params=["float32", "float16"])
def static_model(request, vectors, tmp_path_factory):
    path = tmp_path_factory.mktemp("static") / "model"
    formats.write(vectors, path, "static-embedding", dtype=request.param)
    return path, {"atol": 1e-5} if request.param == "float32" else {"atol": 2e-3}


def test_model2vec_encodes_to_the_mean_of_our_unit_vectors(static_model, vectors):
    static = pytest.importorskip("model2vec").StaticModel
    path, tolerance = static_model
    model = static.from_pretrained(path)
    for sentence, words in SENTENCES.items():
        np.testing.assert_allclose(model.encode(sentence), expected_encoding(vectors, words), **tolerance)
    np.testing.assert_array_equal(model.encode("unheard of"), np.zeros(vectors.dimension))


def test_sentence_transformers_encode_to_the_mean_of_our_unit_vectors(static_model, vectors):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    path, tolerance = static_model
    model = sentence_transformers.SentenceTransformer(str(path), device="cpu")
    assert [type(module).__name__ for module in model] == ["StaticEmbedding", "Normalize"]
    for sentence, words in SENTENCES.items():
        expected = expected_encoding(vectors, words)
        if "unheard" in sentence:  # counted as zeros, which the final normalisation undoes
            assert model.encode(sentence) @ expected == pytest.approx(1, abs=2e-3)
        else:
            np.testing.assert_allclose(model.encode(sentence), expected, **tolerance)
    if tolerance["atol"] < 1e-4:  # in half precision the library divides zeros by zero
        np.testing.assert_array_equal(model.encode("unheard of"), np.zeros(vectors.dimension))


def test_we_read_what_model2vec_saves(static_model, tmp_path, vectors):
    static = pytest.importorskip("model2vec").StaticModel
    model = static.from_pretrained(static_model[0])
    model.save_pretrained(tmp_path / "again")
    found = formats.read(tmp_path / "again")
    assert list(found.words) == list(vectors.words)
    np.testing.assert_array_equal(found.matrix, formats.read(static_model[0]).matrix)


def test_we_read_model2vecs_quantized_vocabulary(static_model, tmp_path, vectors):
    model2vec = pytest.importorskip("model2vec")
    count = len(vectors) + 1
    mapping = np.arange(count, dtype=np.int64) // 2
    weights = np.linspace(0.5, 2, count).astype(np.float32)
    rows = np.random.default_rng(1).standard_normal((count // 2 + 1, 20)).astype(np.float32)
    tokenizer = model2vec.StaticModel.from_pretrained(static_model[0]).tokenizer
    model2vec.StaticModel(rows, tokenizer, weights=weights, token_mapping=mapping).save_pretrained(tmp_path / "small")
    found = formats.read(tmp_path / "small")
    np.testing.assert_allclose(found.matrix, rows[mapping] * weights[:, None], rtol=1e-6)


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.txt.gz"])
def test_spacys_command_reads_our_text(tmp_path, vectors, name):
    spacy = pytest.importorskip("spacy")
    formats.write(vectors, tmp_path / name, "word2vec-text")
    command = [sys.executable, "-m", "spacy", "init", "vectors", "en", str(tmp_path / name), str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    theirs = spacy.load(tmp_path / "out")
    for word in WORDS:
        np.testing.assert_array_equal(theirs.vocab[word].vector, vectors[word])


@pytest.mark.parametrize("spec", ["fast", "whitespace"])
def test_sentences_are_split_into_the_words_of_the_vocabulary(tmp_path, spec):
    tokenizers = pytest.importorskip("tokenizers")
    text = (
        "Don’t go to New_York; the naïve cafe\u0301 isn't 'open' in 2010! 東京 (tokyo) 3.14 a-b x\u200dy Straße\n"
        "İstanbul “Quoted” e.g. U.S.A. rock'n'roll 'twice' हिन्दी русский\u00a0язык 10% £5 C++ @me #tag http://a.b/c_d"
    )
    ours = make_tokenizer(spec)
    lines = [words for words in ours.tokenize(text) if words]
    words = sorted({word for line in lines for word in line})
    vectors = WordVectors(Vocabulary.from_words(words), np.ones((len(words), 2), np.float32))
    formats.write(vectors, tmp_path / "model", "static-embedding")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json"))
    assert [theirs.encode(line).tokens for line in text.split("\n")] == lines


def test_pytorch_loads_our_tensors_even_where_they_are_odd(tmp_path):
    load_file = pytest.importorskip("safetensors.torch", exc_type=ImportError).load_file
    matrix = np.float32([[1, 2, 3]])
    odd = WordVectors(Vocabulary.from_words(["a"], [7]), matrix)
    for dtype in ("float32", "float16"):
        formats.write(odd, tmp_path / "a.safetensors", dtype=dtype)
        tensors = load_file(tmp_path / "a.safetensors")
        np.testing.assert_array_equal(tensors["vectors"].float().numpy(), matrix)
        assert tensors["counts"].tolist() == [7]


@pytest.mark.parametrize("whole_pipeline", [True, False])
def test_we_read_what_spacy_saves(tmp_path, whole_pipeline):
    spacy = pytest.importorskip("spacy")
    rng = np.random.default_rng(3)
    words = [*WORDS, "NOUN", "a", "exactly8", "seventeen letters", "x" * 300, "🦜", "e\u0301"]
    pipeline = spacy.blank("en")
    for word in words:
        pipeline.vocab.set_vector(word, rng.standard_normal(6).astype(np.float32))
    (pipeline if whole_pipeline else pipeline.vocab.vectors).to_disk(tmp_path / "out")
    found = formats.read(tmp_path / "out")
    assert sorted(found.words) == sorted(words)
    for word in words:
        np.testing.assert_array_equal(found[word], pipeline.vocab.get_vector(word))


def test_we_read_words_that_share_a_row_in_spacy(tmp_path):
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    rows = np.random.default_rng(4).standard_normal((30, 5)).astype(np.float32)
    for number, row in enumerate(rows):
        pipeline.vocab.set_vector(f"word{number}", row)
        pipeline.vocab[f"word{number}"].prob = -number
    pipeline.vocab.prune_vectors(10)
    pipeline.to_disk(tmp_path / "out")
    found = formats.read(tmp_path / "out")
    assert len(found) == 30
    for word in found.words:
        np.testing.assert_array_equal(found[word], pipeline.vocab.get_vector(word))
    formats.convert(tmp_path / "out", tmp_path / "a.txt")
    assert list(formats.read(tmp_path / "a.txt").words) == list(found.words)


def test_spacys_vectors_of_parts_of_words_are_refused(tmp_path):
    vectors = pytest.importorskip("spacy.vectors")
    strings = pytest.importorskip("spacy.strings").StringStore()
    data = np.ones((10, 4), np.float32)
    vectors.Vectors(strings=strings, data=data, mode="floret", minn=2, maxn=3, hash_count=2).to_disk(tmp_path)
    with pytest.raises(formats.FormatError, match="the mode is 'floret', whose rows are those of parts of words"):
        formats.read(tmp_path)


@pytest.fixture(scope="module", params=["skipgram", "cbow"])
def fasttexts_model(request, tmp_path_factory):
    """A small model with n-grams that fastText trained, and its file."""
    fasttext = pytest.importorskip("fasttext")
    directory = tmp_path_factory.mktemp("fasttext")
    rng = np.random.default_rng(7)
    lines = (" ".join(WORDS[number] for number in rng.integers(0, len(WORDS), 12)) for _ in range(300))
    (directory / "text.txt").write_text("\n".join(lines), "utf-8")
    options = {"minCount": 1, "dim": 10, "epoch": 1, "bucket": 500, "thread": 1, "minn": 2, "maxn": 4, "verbose": 0}
    model = fasttext.train_unsupervised(str(directory / "text.txt"), model=request.param, **options)
    model.save_model(str(directory / "model.bin"))
    return model, directory / "model.bin"


UNSEEN = ["kings", "Köln", "東", "unheard", "don't!", "a"]


def fasttexts_vector(model, word):
    """The mean of the rows of a word and its n-grams; some versions of `get_word_vector` return its direction only."""
    _, rows = model.get_subwords(word)
    return model.get_input_matrix()[rows].mean(axis=0)


def require_same_vectors(ours, model):
    assert list(ours.words) == model.get_words()
    for word in [*ours.words, *UNSEEN]:
        vector = fasttexts_vector(model, word)
        np.testing.assert_allclose(ours[word], vector, atol=1e-5)
        direction = model.get_word_vector(word)
        np.testing.assert_allclose(ours.get_vector(word, norm=True), direction / np.linalg.norm(direction), atol=1e-5)


def test_we_read_what_fasttext_trains(fasttexts_model):
    model, path = fasttexts_model
    ours = formats.read(path)
    require_same_vectors(ours, model)
    np.testing.assert_array_equal(ours.context, model.get_output_matrix())
    assert ours.vocabulary.counts.tolist() == model.get_words(include_freq=True)[1].tolist()
    for word in ["king", *UNSEEN]:
        theirs = model.get_nearest_neighbors(word, k=5)
        found = ours.most_similar(word, topn=5)
        assert [neighbor for neighbor, _ in found] == [neighbor for _, neighbor in theirs]
        np.testing.assert_allclose([score for _, score in found], [score for score, _ in theirs], atol=1e-5)


def test_the_buckets_of_ngrams_are_fasttexts(fasttexts_model):
    model, path = fasttexts_model
    ours = formats.read(path)
    words = [*ours.words, *UNSEEN, "</s", "\U0001f99c", "e\u0301"]
    found = ours.subwords.ngrams.buckets_of(words)
    for word, buckets in zip(words, np.split(found.buckets, found.offsets[1:-1]), strict=True):
        rows = model.get_subwords(word)[1]
        assert [row - len(ours) for row in rows if row >= len(ours)] == buckets.tolist()


def test_fasttext_and_gensim_load_what_we_write(fasttexts_model, tmp_path):
    fasttext, gensim = pytest.importorskip("fasttext"), pytest.importorskip("gensim.models.fasttext")
    ours = formats.read(fasttexts_model[1])
    ours.save(tmp_path / "model")
    formats.convert(tmp_path / "model", tmp_path / "a.bin")
    require_same_vectors(ours, fasttext.load_model(str(tmp_path / "a.bin")))
    theirs = gensim.load_facebook_vectors(tmp_path / "a.bin")
    assert theirs.index_to_key == list(ours.words)
    words = [word for word in (*ours.words, *UNSEEN) if word != "</s>"]  # in gensim it has n-grams
    np.testing.assert_allclose([theirs[word] for word in words], ours[words], atol=1e-5)
    whole = gensim.load_facebook_model(tmp_path / "a.bin")
    np.testing.assert_array_equal(whole.syn1neg, ours.context)
    gensim.save_facebook_model(whole, str(tmp_path / "theirs.bin"))
    again = formats.read(tmp_path / "theirs.bin")
    np.testing.assert_allclose(again[words], ours[words], atol=1e-5)


def test_fasttext_and_gensim_load_words_without_ngrams(tmp_path, vectors):
    fasttext, gensim = pytest.importorskip("fasttext"), pytest.importorskip("gensim.models.fasttext")
    formats.write(vectors, tmp_path / "a.bin", "fasttext-bin")
    model = fasttext.load_model(str(tmp_path / "a.bin"))
    np.testing.assert_array_equal(model.get_input_matrix(), vectors.matrix)
    np.testing.assert_allclose(gensim.load_facebook_vectors(tmp_path / "a.bin").vectors, vectors.matrix, atol=1e-6)


def test_a_supervised_model_of_fasttext_is_refused(tmp_path):
    fasttext = pytest.importorskip("fasttext")
    (tmp_path / "text.txt").write_text("__label__a king queen\n__label__b man tree\n" * 300)
    options = {"dim": 4, "epoch": 1, "minCount": 1, "bucket": 300, "minn": 2, "maxn": 3, "verbose": 0}
    model = fasttext.train_supervised(str(tmp_path / "text.txt"), **options)
    model.save_model(str(tmp_path / "model.bin"))
    with pytest.raises(formats.FormatError, match=r"model.bin: is a supervised fastText model, .* give a model of"):
        formats.read(tmp_path / "model.bin")
    model.quantize(str(tmp_path / "text.txt"))
    model.save_model(str(tmp_path / "model.ftz"))
    with pytest.raises(formats.FormatError, match="is a supervised fastText model"):
        formats.read(tmp_path / "model.ftz")


@pytest.mark.parametrize("norms", [False, True])
def test_quantised_models_are_unpacked_as_by_fasttext(tmp_path, norms):
    fasttext = pytest.importorskip("fasttext")
    ngrams = CharacterNgrams(min_length=2, max_length=4, buckets=50)
    (tmp_path / "model.ftz").write_bytes(quantised_model(WORDS, ngrams, norms=norms)[0])
    model, ours = fasttext.load_model(str(tmp_path / "model.ftz")), formats.read(tmp_path / "model.ftz")
    for word in [*WORDS, *UNSEEN]:
        direction = model.get_word_vector(word)
        expected = direction / np.linalg.norm(direction)
        np.testing.assert_allclose(ours.get_vector(word, norm=True), expected, atol=1e-5)


def test_spacy_loads_our_floret_table(tmp_path):
    spacy = pytest.importorskip("spacy")
    settings = {"subwords": "2-4", "buckets": 300, "floret_hashes": 2}
    ours = vecmill.train([WORDS] * 20, dimension=8, min_count=1, threads=1, **settings)
    ours.save(tmp_path / "model")
    formats.convert(tmp_path / "model", tmp_path / "a.floret")
    options = ["en", str(tmp_path / "a.floret"), str(tmp_path / "out"), "--mode", "floret"]
    command = [sys.executable, "-m", "spacy", "init", "vectors", *options]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    theirs = spacy.load(tmp_path / "out")
    for word in [*WORDS, *UNSEEN, "\U0001f99c", "e\u0301"]:
        np.testing.assert_allclose(theirs.vocab[word].vector, ours[word], atol=1e-6)


@pytest.mark.parametrize("prune", [(0,), (0, 0, 1)])
@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_kenlm_reads_our_ngram_models_and_gives_sentences_the_same_probability(tmp_path, name, prune):
    kenlm = pytest.importorskip("kenlm")
    rng = np.random.default_rng(3)
    words = [UNK, EOS, *WORDS]
    ids = np.concatenate([[*rng.integers(2, len(words), rng.integers(1, 12)), 1] for _ in range(400)])
    (tmp_path / "counts").mkdir()
    estimate = KneserNeyEstimate(ids, len(words), 1, tmp_path / "counts", order=4, prune=prune)
    write_arpa(estimate, Vocabulary.from_words(words), 1, tmp_path / name)
    theirs, ours = kenlm.Model(str(tmp_path / name)), ArpaModel(tmp_path / name)
    for length in range(1, 9):
        sentence = [*rng.choice(WORDS, length).tolist(), "unknown"]
        found = [log10 for log10, _, _ in theirs.full_scores(" ".join(sentence))]
        np.testing.assert_allclose(ours.log_likelihoods(sentence) / np.log(10), found, atol=1e-5)


def test_the_hub_understands_our_model_card(tmp_path, vectors):
    hub = pytest.importorskip("huggingface_hub")
    formats.write(vectors, tmp_path / "model", "static-embedding")
    card = hub.ModelCard.load(tmp_path / "model" / "README.md")
    assert card.data.library_name == "model2vec"
    assert {"sentence-transformers", "static-embeddings", "word-embeddings", "vecmill"} <= set(card.data.tags)
    assert card.data.pipeline_tag == "sentence-similarity"
    assert "words" in card.text
