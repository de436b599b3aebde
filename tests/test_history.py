"""The history of a training: it changes nothing, survives interruptions, and becomes a time-lapse."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from embeddings import (
    Checkpointing,
    EmbeddingsError,
    Vocabulary,
    Word2Vec,
    WordVectors,
    build_vocabulary,
    encode_corpus,
    make_tokenizer,
    tokenize_corpus,
)
from embeddings.vectors.history import HISTORY_FILE, TrainingHistory, directions_of
from embeddings.vectors.time_lapse import make_time_lapse
from embeddings.vectors.word_map import PCA, Former, lay_out, make_word_map
from embeddings.word2vec.snapshots import Snapshots, Snapshotting
from embeddings.word2vec.training_run import TrainingRun
from tests.command_line import fails, vecmill
from tests.topics import ANIMALS, METALS, interrupt, small, topic_lines


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoded")
    text = "".join(f"{line}\n" for line in topic_lines(300)).encode()
    tokenized = tokenize_corpus([text], make_tokenizer("fast"), folder / "tokenized", threads=1)
    vocabulary = build_vocabulary(tokenized, min_count=1)
    return encode_corpus(tokenized, vocabulary, folder / "encoded", threads=1), vocabulary


# ------------------------------------------------------------------------------------------------------- directions

LARGEST = float(np.float32(1e30))
FINITE = st.floats(-LARGEST, LARGEST, width=32)


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 40)), elements=FINITE))
def test_directions_point_where_the_vectors_do(vectors):
    directions = directions_of(vectors).astype(np.float64)
    for vector, direction in zip(vectors.astype(np.float64), directions, strict=True):
        largest = np.abs(vector).max()
        assert np.abs(direction).max() == (127 if largest > 0 else 0)
        np.testing.assert_allclose(direction / 127 * largest, vector, atol=0.51 / 127 * largest, rtol=0)


def test_what_is_not_finite_is_zero():
    assert directions_of(np.array([[np.nan, np.inf, -np.inf, 2.0]], np.float32)).tolist() == [[0, 0, 0, 127]]


def test_cosines_of_a_hundred_dimensions_are_kept():
    vectors = np.random.default_rng(1).standard_normal((50, 100)).astype(np.float32)
    history = history_of([vectors])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(history.units(0) @ history.units(0).T, units @ units.T, atol=0.005)


# -------------------------------------------------------------------------------------------------------- snapshots


def test_moments_begin_and_end_with_the_training_and_lie_closer_at_first():
    snapshots = Snapshots(Snapshotting(moments=5), 1000, lambda: np.ones((3, 2), np.float32))
    for done in range(1001):
        snapshots.update(done, loss=2.0 * (done > 0), examples=int(done > 0))
    history = snapshots.history()
    assert history.trained.tolist() == [0, 125, 354, 650, 1000]
    assert np.isnan(history.losses[0])
    assert history.losses[1:].tolist() == [2.0] * 4


def test_moments_that_were_missed_are_not_made_up_for():
    snapshots = Snapshots(Snapshotting(moments=40), 1000, lambda: np.ones((3, 2), np.float32))
    for done in (0, 0, 700, 1000, 1000):
        snapshots.update(done)
    assert snapshots.history().trained.tolist() == [0, 700, 1000]


@pytest.mark.parametrize(
    "settings",
    [{}, {"architecture": "cbow"}, {"subwords": "3-4", "buckets": 500}, {"deterministic": True, "threads": 2}],
)
def test_taking_snapshots_changes_nothing_and_the_last_one_is_the_result(encoded, settings):
    seen = []
    model = Word2Vec(small(**settings)).fit(*encoded, snapshotting=Snapshotting(words=5, taken=seen.append))
    expected = Word2Vec(small(**settings)).fit(*encoded)
    np.testing.assert_array_equal(model.vectors_.matrix, expected.vectors_.matrix)
    np.testing.assert_array_equal(model.vectors_.context, expected.vectors_.context)
    assert expected.history_ is None
    history = model.history_
    assert history.directions.shape[1:] == (5, 16)
    np.testing.assert_allclose(
        history.directions[-1].astype(int), directions_of(model.vectors_.matrix[:5]).astype(int), atol=1
    )
    assert history.trained.tolist() == [snapshot.trained for snapshot in seen]
    assert history.trained[0] == 0
    assert history.trained[-1] == model.metrics_[-1]["words"]


@pytest.mark.parametrize("moments", [2, 40])
def test_with_patience_the_history_ends_with_the_best_epoch(encoded, tmp_path, monkeypatch, moments):
    losses = [3.0, 2.0, 2.5, 2.1]
    monkeypatch.setattr(TrainingRun, "held_out_loss", lambda run: losses[len(run.metrics)])
    config, checkpointing = small(epochs=20, held_out=0.1, patience=2), Checkpointing(tmp_path, every=3600.0)
    for _ in "first", "again, from the last checkpoint":
        model = Word2Vec(config).fit(*encoded, checkpointing=checkpointing, snapshotting=Snapshotting(moments, 5))
        history = model.history_
        assert history.trained[-1] == model.metrics_[1]["words"]
        assert (np.diff(history.trained) > 0).all()
        np.testing.assert_array_equal(history.directions[-1], directions_of(model.vectors_.matrix[:5]))


def test_only_trained_words_are_in_the_history(encoded):
    trained = np.ones(len(encoded[1]), bool)
    trained[[0, 2]] = False
    model = Word2Vec(small()).fit(*encoded, trained=trained, snapshotting=Snapshotting(words=100))
    assert model.history_.words == len(model.vectors_) == trained.sum()
    np.testing.assert_array_equal(model.history_.directions[-1], directions_of(model.vectors_.matrix))


def test_an_interrupted_training_keeps_the_moments_of_before(encoded, tmp_path):
    checkpointing = Checkpointing(tmp_path, every=3600.0)
    first = []
    with pytest.raises(KeyboardInterrupt):
        Word2Vec(small()).fit(
            *encoded, progress=interrupt, checkpointing=checkpointing, snapshotting=Snapshotting(taken=first.append)
        )
    model = Word2Vec(small()).fit(*encoded, checkpointing=checkpointing, snapshotting=Snapshotting())
    assert model.history_.trained[: len(first)].tolist() == [snapshot.trained for snapshot in first]
    assert (np.diff(model.history_.trained) > 0).all()
    np.testing.assert_array_equal(model.history_.directions[0], first[0].directions)
    without = Word2Vec(small()).fit(*encoded, checkpointing=checkpointing)  # of a finished checkpoint
    np.testing.assert_array_equal(without.vectors_.matrix, model.vectors_.matrix)
    other = Word2Vec(small()).fit(*encoded, checkpointing=checkpointing, snapshotting=Snapshotting(words=3))
    assert other.history_.directions.shape == (1, 3, 16)


# ------------------------------------------------------------------------------------------------------------- file


def history_of(moments, step=100):
    return TrainingHistory(
        directions=np.stack([directions_of(vectors) for vectors in moments]),
        trained=np.arange(len(moments)) * step,
        losses=np.array([np.nan, *np.linspace(4, 2, len(moments) - 1)]),
    )


def test_a_history_is_read_as_it_was_written_and_damage_is_named(tmp_path):
    with pytest.raises(EmbeddingsError, match=r"has no history\.safetensors; train it with --history or --watch"):
        TrainingHistory.read(tmp_path)
    history = history_of(np.random.default_rng(0).standard_normal((3, 4, 5)))
    history.write(tmp_path)
    again = TrainingHistory.read(tmp_path)
    for name in ("directions", "trained", "losses"):
        np.testing.assert_array_equal(getattr(again, name), getattr(history, name))
    whole = (tmp_path / HISTORY_FILE).read_bytes()
    for damaged in (b"", whole[:50], whole[:-1], whole.replace(b"trained", b"trailed"), whole.replace(b"I8", b"U8")):
        (tmp_path / HISTORY_FILE).write_bytes(damaged)
        with pytest.raises(EmbeddingsError, match=r"history\.safetensors is damaged"):
            TrainingHistory.read(tmp_path)


# ----------------------------------------------------------------------------------------------- maps that follow

RANDOM = np.random.default_rng(7)
TURN = np.array([[0.6, -0.8], [-0.8, -0.6]])  # a reflection
UNIT = RANDOM.standard_normal((80, 6)).astype(np.float32)
UNIT /= np.linalg.norm(UNIT, axis=1, keepdims=True)


def test_positions_are_turned_mirrored_and_scaled_to_the_former_ones():
    free = lay_out(UNIT, np.empty((80, 0)), np.empty((80, 0)), PCA)
    former = 3 * free @ TURN + 5
    np.testing.assert_allclose(
        lay_out(UNIT, np.empty((80, 0)), np.empty((80, 0)), PCA, former=former), former, atol=1e-4
    )


def test_clusters_keep_their_numbers_at_the_next_moment():
    groups = np.repeat(4 * np.eye(4), 40, axis=0) + 0.3 * RANDOM.standard_normal((160, 4))
    vectors = WordVectors(Vocabulary.from_words([f"w{number}" for number in range(160)]), groups.astype(np.float32))
    first = make_word_map(vectors, clusters=4, method=PCA)
    other = (first.clusters + 1) % 4
    followed = make_word_map(vectors, clusters=4, method=PCA, former=Former(first.positions, other))
    assert (followed.clusters == other).mean() > 0.95
    for number in range(4):  # names went along
        assert followed.cluster_names[number] == first.cluster_names[(number - 1) % 4]
    fewer = make_word_map(vectors, clusters=3, method=PCA, former=Former(first.positions, other))
    assert set(fewer.clusters) == {0, 1, 2}


def test_every_moment_of_a_time_lapse_has_its_own_neighbours_and_the_last_is_the_map():
    spread = np.array([np.eye(6)[number % 3] for number in range(60)])
    moments = [RANDOM.standard_normal((60, 6)), spread + 0.1 * RANDOM.standard_normal((60, 6))]
    vectors = WordVectors(
        Vocabulary.from_words([f"w{number}" for number in range(70)]),
        np.float32(np.vstack([moments[1], moments[0][:10]])),
    )
    lapse = make_time_lapse(vectors, history_of(moments), method=PCA, topn=4)
    assert lapse.positions.shape == (2, 60, 2)
    assert lapse.neighbors.shape == lapse.similarities.shape == (2, 60, 4)
    np.testing.assert_array_equal(lapse.positions[1], lapse.last.positions)
    same_group = (lapse.neighbors % 3 == np.arange(60)[:, None] % 3).mean(axis=(1, 2))
    assert same_group[1] == 1
    assert same_group[0] < 0.6
    assert len(make_time_lapse(vectors, history_of(moments), method=PCA, words=20).last.words) == 20
    with pytest.raises(EmbeddingsError, match="60 words of 6 dimensions, the model 60 of 5"):
        make_time_lapse(
            WordVectors(Vocabulary.from_words(vectors.words[:60]), np.ones((60, 5), np.float32)), history_of(moments)
        )


# --------------------------------------------------------------------------------------------------------- commands


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    (folder / "text.txt").write_text("\n".join(topic_lines(2000)))
    training = ["train-embeddings", folder / "text.txt", "--out", folder / "model", "--dimension", 8, "--epochs", 3]
    result = vecmill(*training, "--threads", 1, "--history", 6, "--history-words", 10)
    assert result.exit_code == 0, result.output
    return folder / "model"


def test_a_training_keeps_its_history_and_nothing_else_changes(model, tmp_path):
    history = TrainingHistory.read(model)
    assert history.directions.shape[1:] == (10, 8)
    assert 2 <= len(history) <= 6
    text = model.with_name("text.txt")
    result = vecmill(
        "train-embeddings", text, "--out", tmp_path / "plain", "--dimension", 8, "--epochs", 3, "--threads", 1
    )
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "plain" / HISTORY_FILE).exists()
    for name in ("vectors.npy", "context.npy", "vocabulary.tsv", "config.json"):
        assert (tmp_path / "plain" / name).read_bytes() == (model / name).read_bytes()
    assert vecmill("verify", model).exit_code == 0
    again = vecmill("train-embeddings", text, "--out", model, "--dimension", 8, "--epochs", 3, "--skip-finished")
    assert "nothing to do" in again.stdout  # a history is no setting


def test_a_run_keeps_the_history_of_its_word_vectors(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(topic_lines(300)))
    (tmp_path / "run.toml").write_text(
        f'[corpus]\nsource = "{tmp_path / "text.txt"}"\n[train]\ndimension = 8\nepochs = 1\n[lm]\nenabled = false\n'
        "[evaluate]\ndata = []\n[export]\nformats = []\n"
    )
    result = vecmill("run", tmp_path / "run.toml", "--out", tmp_path / "run", "--history", 4)
    assert result.exit_code == 0, result.output
    assert TrainingHistory.read(tmp_path / "run" / "train-embeddings").words == len(ANIMALS + METALS)
    made = vecmill("map", tmp_path / "run", "--history", "--out", tmp_path / "page.html", "--json")
    assert json.loads(made.stdout)["words"] == len(ANIMALS + METALS)


def test_a_page_plays_the_history(model, tmp_path):
    out = tmp_path / "page.html"
    result = vecmill("map", model, "--history", "--out", out, "--method", "pca", "--json")
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert (made["words"], made["moments"]) == (10, len(TrainingHistory.read(model)))
    assert 'id="time"' in out.read_text("utf-8")
    assert vecmill("map", model, "--out", tmp_path / "plain.html", "--method", "pca").exit_code == 0
    assert 'id="time"' not in (tmp_path / "plain.html").read_text("utf-8")


def test_a_film_has_all_moments(model, tmp_path):
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    out = tmp_path / "film.gif"
    result = vecmill("map", model, "--history", "--out", out, "--method", "pca", "--title", "$\\frac$ <b>")
    assert result.exit_code == 0, result.output
    assert f"{out}: 10 words at" in result.stdout
    with image.open(out) as film:
        assert film.n_frames >= len(TrainingHistory.read(model))
        first = film.convert("RGB").tobytes()
        film.seek(film.n_frames // 2)
        assert film.convert("RGB").tobytes() != first


def test_what_cannot_be_drawn_is_refused_in_one_line(model, tmp_path, monkeypatch):
    out = tmp_path / "out"
    fails(2, "must end in .html; films, .gif and .mp4, need --history", "map", model, "--out", tmp_path / "film.gif")
    fails(2, "must end in .html, .gif or .mp4", "map", model, "--history", "--out", tmp_path / "film.png")
    WordVectors.load(model).save(out)
    fails(1, "has no history.safetensors", "map", out, "--history", "--out", tmp_path / "map.html")
    monkeypatch.setattr("shutil.which", lambda name: None)
    fails(1, "MP4 needs the program ffmpeg.*\\.gif", "map", model, "--history", "--out", tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
