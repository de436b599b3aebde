"""The same vocabulary and ids, byte for byte, by any number of tasks; the same vectors by any processes of a crew."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from benchmarks import zipf
from benchmarks.text import encode
from corpora import CorpusError, open_corpus
from corpora.stretches import stretches
from embeddings import (
    TokenizedCorpus,
    Vocabulary,
    Word2Vec,
    build_vocabulary,
    encode_corpus,
    make_tokenizer,
    tokenize_corpus,
)
from embeddings.evaluation import WordPairs
from embeddings.executor import InProcess
from embeddings.text.phrase_table import PhraseSettings
from embeddings.text.phrases import find_phrases, join_found_phrases, join_given_phrases
from embeddings.text.split import split_text
from embeddings.word2vec import crew
from embeddings.word2vec.blocks import BlockTable
from embeddings.word2vec.changes import (
    Changes,
    added,
    added_up,
    cut,
    joined,
    share_of_sums,
)
from embeddings.word2vec.crew import FREQUENT_SHARE, deal, frequent_rows
from embeddings.word2vec.expected_updates import updates_per_token
from embeddings.word2vec.initial_parameters import extensions_of, initial_parameters, ngrams_of
from pipelines.backends.local import LocalCrew
from pipelines.backends.opening import open_backend
from pipelines.stages.evaluate import scores_of
from pipelines.stages.tokenize_shards import tokenize_shards
from tests.crews import Elsewhere, Losing, OneEach
from tests.topics import small, topic_lines
from vecmill.plain_text import OtherKindError


class Tasks(InProcess):
    """Runs tasks in this process as a cluster would: sent as bytes, each twice, the second result counts."""

    def __init__(self, tasks):
        self.tasks = tasks

    def map(self, work, items):
        for item in items:
            sent = pickle.dumps((work, item))
            results = [pickle.loads(sent)[0](pickle.loads(sent)[1]) for _ in range(2)]
            yield pickle.loads(pickle.dumps(results[1]))


class Threads(InProcess):
    """Runs tasks in this process; they need not be sent."""

    def __init__(self, tasks):
        self.tasks = tasks


# ------------------------------------------------------------------------------------------------------------ text


def text_of(stretch):
    return b"".join(stretch.open().blocks())


@given(text=st.binary(max_size=300).map(lambda data: b"a" + data.replace(b"\0", b"\n")), size=st.integers(1, 100))
def test_stretches_of_a_file_are_its_text(tmp_path_factory, text, size):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_bytes(text)
    corpus = open_corpus(path)
    try:
        whole = b"".join(corpus.blocks())
    except Exception:  # it is refused, and so is its one stretch
        assert len(stretches(corpus, size)) == 1
        return
    try:
        texts = [text_of(stretch) for stretch in stretches(corpus, size)]
    except OtherKindError:  # by fewer bytes than those by which a file is judged; real stretches are longer
        reject()
    assert b"".join(texts) == whole
    assert all(text.endswith(b"\n") for text in texts)


def test_a_long_text_is_cut_at_lines_and_compressed_files_stay_whole(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one line\n" * 100)
    import gzip

    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"zipped\n" * 100))
    found = stretches(open_corpus(tmp_path), 100)
    assert len(found) > 5
    assert b"".join(map(text_of, found)) == b"one line\n" * 100 + b"zipped\n" * 100
    assert text_of(found[-1]).count(b"zipped") == 100


def folder_of_texts(folder):
    folder.mkdir()
    for number in range(3):
        lines = topic_lines(300, seed=number)
        (folder / f"{number}.txt").write_text("\n".join([*lines[:99], "", "rare" * number, *lines[99:]]))
    (folder / "9.pdf").write_bytes(b"%PDF-1.4 no text")
    return folder


def ids_of(tokenized, directory, executor, parts):
    vocabulary = build_vocabulary(tokenized, 2, None, parts, executor)
    encode_corpus(tokenized, vocabulary, directory, shard_tokens=1000, split=parts, executor=executor)
    vocabulary.save(directory / "vocabulary.tsv")
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.mark.parametrize("with_split", [False, True])
@pytest.mark.parametrize("tasks", [2, 5])
def test_vocabulary_and_shards_are_the_same_by_any_number_of_tasks(tasks, with_split, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.stages.tokenize_shards._SMALLEST", 1000)
    corpus = open_corpus(folder_of_texts(tmp_path / "text"))
    whole = tokenize_corpus(corpus.blocks(), make_tokenizer("fast"), tmp_path / "whole")
    joined = tmp_path / "joined"
    joined.mkdir()
    warnings = tokenize_shards({"": corpus}, {"spec": "fast"}, joined, Threads(tasks), lambda _: None)
    assert warnings == corpus.warnings
    assert not list(joined.glob(".*"))
    shards = TokenizedCorpus.open(joined)
    assert (shards.token_count, shards.byte_count, shards.skipped) == (
        whole.token_count,
        whole.byte_count,
        whole.skipped,
    )
    assert len(np.unique(shards.parts[:, 0])) > tasks
    splits = [split_text(one, tmp_path / f"split-{n}") if with_split else None for n, one in enumerate((whole, shards))]
    expected = ids_of(whole, tmp_path / "ids", InProcess(), splits[0])
    assert ids_of(shards, tmp_path / "ids-of-tasks", Tasks(tasks), splits[1]) == expected


def test_a_file_that_another_machine_does_not_see_is_not_left_out(tmp_path):
    corpus = open_corpus(folder_of_texts(tmp_path / "text"))

    class OtherMachine(InProcess):
        tasks = 2

        def map(self, work, items):
            (tmp_path / "text" / "1.txt").rename(tmp_path / "hidden")
            results = [work(item) for item in items]
            (tmp_path / "hidden").rename(tmp_path / "text" / "1.txt")
            return iter(results)

    joined = tmp_path / "joined"
    joined.mkdir()
    with pytest.raises(CorpusError, match="a machine of the cluster cannot read it"):
        tokenize_shards({"": corpus}, {"spec": "fast"}, joined, OtherMachine(), lambda _: None)


PHRASE_SETTINGS = [{}, {"passes": 2, "scorer": "npmi", "threshold": 0.1, "connector_words": "of the"}]


@pytest.mark.parametrize("settings", PHRASE_SETTINGS, ids=str)
@pytest.mark.parametrize("given", [False, True])
def test_phrases_are_the_same_by_any_number_of_tasks(given, settings, tmp_path, monkeypatch):
    lines = [
        *topic_lines(200),
        *["bank of the moon and iron gold of the sea"] * 20,
        "new york city of new york city",
    ] * 2
    monkeypatch.setattr("embeddings.text.numbered_text._STRETCH", 100)
    tokenized = tokenize_corpus(
        {"one": ["\n".join(lines).encode()], "two": [b"iron gold new york"] * 9},
        make_tokenizer("fast"),
        tmp_path / "text",
    )
    asked = PhraseSettings(**{"passes": 1, "threshold": 0.5, "min_count": 2, **settings})

    def joined(name, executor):
        if given:
            return join_given_phrases(tokenized, tmp_path / name, table, 1, executor)
        found, text = join_found_phrases(tokenized, tmp_path / name, asked, 1, executor=executor)
        found.save(text.directory / "phrases.tsv")
        return text

    table = find_phrases(tokenized, asked, 1)
    assert min(map(len, table.passes)) > 5
    expected = files_of(joined("threads", InProcess()).directory)
    for tasks in (2, 5):
        assert files_of(joined(f"tasks-{tasks}", Tasks(tasks)).directory) == expected


def files_of(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_scores_are_the_same_by_any_number_of_tasks(encoded, tmp_path, caplog):
    model = Word2Vec(small(epochs=1)).fit(*encoded).vectors_
    model.save(tmp_path / "model")
    known = [("cat", "dog"), ("gold", "iron"), ("cat", "gold"), ("cow", "none")]
    sets = {
        "pairs": WordPairs(name="pairs", pairs=known, scores=[9, 8, 1, 3]),
        "unknown": WordPairs(name="unknown", pairs=[("x", "y"), ("z", "x")], scores=[1, 2]),
    }
    expected = scores_of(tmp_path / "model", sets, InProcess())
    assert expected["used"].tolist() == [3, 0]
    found = scores_of(tmp_path / "model", sets, Tasks(3))
    assert found.to_json(orient="records") == expected.to_json(orient="records")
    assert "unknown: no score" in caplog.text


# -------------------------------------------------------------------------------------------------------- changes


def test_gradients_are_added_row_by_row_and_joined():
    first, second = (
        Changes(np.array(rows), np.array(values, float))
        for rows, values in (([0, 2], [[1], [2]]), ([2, 5], [[3], [4]]))
    )
    total = added(first, second)
    assert total.rows.tolist() == [0, 2, 5]
    np.testing.assert_array_equal(total.values, [[1], [5], [4]])
    np.testing.assert_array_equal(added(total, total).values, 2 * total.values)
    for arrays in zip(joined(cut(total, [1, 1, 3])), total, strict=True):
        np.testing.assert_array_equal(*arrays)


@given(updates=st.lists(st.integers(0, 50), min_size=1, max_size=300))
def test_rows_that_are_trained_most_often_are_frequent(updates):
    updates = np.array(updates, float)
    found = frequent_rows(updates)
    assert found.sum() >= FREQUENT_SHARE * len(updates)
    assert updates[found].min() > updates[~found].max(initial=-1)
    assert (updates > updates[found].min()).sum() <= FREQUENT_SHARE * len(updates)


def test_the_tree_has_the_shape_of_the_number_of_leaves():
    assert added_up("abcde", lambda one, other: f"({one}{other})") == "(((ab)(cd))e)"
    assert added_up("a", None) == "a"


def moved(change, alone, workers):
    """How far a row moves that every worker has changed by `change`."""
    sums, squares = np.array([[change * workers]]), np.array([change**2 * workers])
    return float(sums[0, 0] * share_of_sums(sums, squares, np.array([alone]), workers)[0])


@given(alone=st.floats(1e-5, 30), workers=st.integers(1, 16))
def test_a_row_moves_as_if_one_worker_came_after_the_other(alone, workers):
    left = np.exp(-alone)  # of the way that a worker has before it, when it has gone
    one_after_the_other = 1 - left**workers
    assert moved(1 - left, alone, workers) == pytest.approx(one_after_the_other, rel=1e-4)


def test_changes_of_rare_rows_are_added_up_and_those_of_frequent_ones_averaged():
    assert moved(2, 0, 8) == pytest.approx(16)
    assert moved(2, 1e3, 8) == pytest.approx(2)
    assert moved(2, 1, 1) == pytest.approx(2)


def test_changes_that_lead_elsewhere_are_added_up_in_any_row():
    share = share_of_sums(np.array([[3, -4]]), np.array([9 + 16]), np.array([1e9]), 2)
    np.testing.assert_allclose(share, [1])


@pytest.mark.parametrize("number", [1e30, np.inf, np.nan])
def test_changes_of_a_training_that_diverges_are_no_warning(number):
    sums = np.full((1, 2), number, np.float32)
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        share_of_sums(sums, np.array([np.inf], np.float32), np.array([1e9]), 2)


COUNTS = np.array([50, 30, 20, 0])  # of words that are trained


def updates_of(**settings):
    config = small(**settings)
    words = Vocabulary.from_words(["the", "cat", "sat", ","], [50, 30, 20, 7])
    trained = COUNTS > 0
    ngrams = ngrams_of(config, words, trained)
    parameters = initial_parameters(config, words, trained, ngrams)
    found = updates_per_token(config, COUNTS, parameters, extensions_of(config, words, trained, ngrams))
    assert len(found["embedding"]) == len(parameters.embedding)
    return found


def test_rows_of_words_are_trained_as_often_as_their_words_are_met():
    noise = COUNTS**0.75 / (COUNTS**0.75).sum()
    found = updates_of(negative=5, window=3)
    np.testing.assert_allclose(found["embedding"], 4 * 6 * COUNTS / 100, rtol=1e-6)  # 4 centres, 6 words each
    np.testing.assert_allclose(found["context"], 4 * (COUNTS / 100 + 5 * noise), rtol=1e-6)
    assert found["embedding"].sum() == pytest.approx(found["context"].sum())
    fixed = updates_of(negative=5, window=3, dynamic_window=False)
    np.testing.assert_allclose(fixed["embedding"], found["embedding"] * 6 / 4, rtol=1e-6)


def test_subsampled_words_are_trained_less_often():
    assert updates_of(sample=1e-2)["embedding"][0] < updates_of()["embedding"][0]


def test_nodes_of_the_tree_are_trained_with_every_word_below_them():
    found = updates_of(hierarchical_softmax=True, architecture="cbow")
    np.testing.assert_allclose(found["context"], [0.5, 1, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(found["embedding"], [0.5, 0.6, 0.4, 0], rtol=1e-6)  # as many as there are nodes


def test_ngrams_are_trained_with_every_word_that_has_them():
    found = updates_of(subwords="3-3", negative=1, window=1)["embedding"]
    np.testing.assert_allclose(found[:4], 2 * 2 * COUNTS / 100, rtol=1e-6)
    assert found[4:].sum() == pytest.approx(2 * 2 * (0.5 * 3 + 0.3 * 3 + 0.2 * 3))  # <th the he> and so on


def test_blocks_are_dealt_by_turns_from_a_stretch_for_each():
    blocks = BlockTable(*(np.arange(7) for _ in BlockTable._fields))
    assert deal(blocks, 3).shard.tolist() == [0, 3, 5, 1, 4, 6, 2]
    assert deal(blocks, 1).shard.tolist() == list(range(7))
    assert deal(blocks, 9).shard.tolist() == list(range(7))


# ----------------------------------------------------------------------------------------------------------- crew


def matrix_of(encoded, crew, **settings):
    return Word2Vec(small(**settings)).fit(*encoded, crew=crew).vectors_.matrix


@pytest.mark.parametrize(
    "settings", [{}, {"architecture": "cbow", "position_weights": 4}, {"subwords": "3-4"}], ids=str
)
def test_vectors_depend_on_no_process(encoded, settings):
    expected = matrix_of(encoded, LocalCrew(3), **settings)
    np.testing.assert_array_equal(matrix_of(encoded, Elsewhere(3), **settings), expected)


def test_one_process_for_each_worker_and_one_for_all_train_the_same(encoded):
    np.testing.assert_array_equal(matrix_of(encoded, OneEach(3, 4)), matrix_of(encoded, LocalCrew(3, 4)))


@pytest.mark.parametrize("cycle", [1, 3])
def test_a_lost_process_costs_its_cycle(encoded, cycle):
    losing = Losing(3, cycle)
    found, expected = (matrix_of(encoded, crew, epochs=3) for crew in (losing, LocalCrew(3, cycle)))
    np.testing.assert_array_equal(found, expected)
    assert bool(losing.losses) == (cycle > 1)


class Recording(LocalCrew):
    """Remembers how many rows of E every round changed."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.rows = []

    def round(self, pieces, settling=None, size=None, *, goes_on=False):
        outcome = super().round(pieces, settling, size, goes_on=goes_on)
        self.rows.append(sum(len(part["embedding"].rows) for part in outcome.changes))
        return outcome


def test_rare_rows_are_exchanged_in_the_last_round_of_a_cycle(encoded):
    crew = Recording(2, 3)
    matrix_of(encoded, crew, epochs=1)
    words = len(encoded[1])
    assert max(crew.rows[0::3] + crew.rows[1::3]) < words / 2 < min(crew.rows[2::3])


@pytest.mark.parametrize("threads", [2, 5])
def test_vectors_of_workers_with_several_threads_depend_on_no_number(encoded, threads):
    few = matrix_of(encoded, LocalCrew(2), threads=2)
    np.testing.assert_array_equal(matrix_of(encoded, LocalCrew(2), threads=threads), few)


def test_workers_learn_what_one_learns(encoded):
    vectors = Word2Vec(small(epochs=10)).fit(*encoded, crew=LocalCrew(4)).vectors_
    assert set(vectors.neighbors_frame(["cat"], 5)["neighbor"]) == {"dog", "horse", "cow", "sheep", "goat"}


def test_the_mean_rows_of_many_workers_are_as_long_as_those_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(crew, "ROUNDS", 25)
    vocabulary, corpus = encode(zipf.write(tmp_path / "text.txt", 0.6, types=2000), tmp_path)

    def lengths(workers):
        config = small(epochs=4, sample=1e-3, learning_rate=0.05)
        vectors = Word2Vec(config).fit(corpus, vocabulary, crew=LocalCrew(workers)).vectors_
        return [np.linalg.norm(matrix.mean(axis=0)) for matrix in (vectors.matrix, vectors.context)]

    assert lengths(8) == pytest.approx(lengths(1), rel=0.06)


# -------------------------------------------------------------------------------------------------------- backends


def test_the_local_backend_trains_without_rounds_or_with_workers():
    with open_backend() as backend:
        assert backend.workers is None
    with open_backend(workers=3) as backend:
        assert backend.crew().workers == 3
