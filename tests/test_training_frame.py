"""The convention that everything that trains keeps, the speed it reports, and when it saves."""

import math
from pathlib import Path

import numpy as np
import pytest
from nltk.tree import Tree

from embeddings import (
    Checkpointing,
    TrainingDiverged,
    TrainingProgress,
    Word2Vec,
    Word2VecConfig,
    build_vocabulary,
    encode_corpus,
    make_tokenizer,
    tokenize_corpus,
)
from embeddings.checkpoint import load_checkpoint
from embeddings.count_based import CountBased, CountBasedConfig
from embeddings.evaluation.probing.constituents import ConstituentLabeller, constituent_labels
from embeddings.glove import GloVe, GloVeConfig
from embeddings.language_model import LanguageModel, LanguageModelConfig, LMTrainer, LMTrainingConfig
from embeddings.sequences import (
    EncoderDecoder,
    SequenceClassifier,
    SequenceGeneratorConfig,
    SequenceNetworkConfig,
    SequenceTagger,
    SequenceTrainingConfig,
    VectorDecoder,
)
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Checkpoints, Pace

TEXTS = [["the", "cat", "sat"], ["a", "dog", "ran", "home"], ["the", "dog", "sat"], ["a", "cat", "ran"]] * 3
TAGS = [[f"tag of {word}" for word in text] for text in TEXTS]
TREE = Tree.fromstring("(S (NP (D the) (N cat)) (VP (V saw) (NP (D a) (N dog))))")
NETWORK, GENERATOR = SequenceNetworkConfig(layer_sizes=(4,)), SequenceGeneratorConfig(dimension=3, layer_sizes=(4,))
ABSURD = 1e30


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoded")
    draw = np.random.default_rng(0)
    lines = "".join(" ".join(f"w{word}" for word in draw.zipf(1.5, 12).clip(max=30)) + "\n" for _ in range(200))
    tokenized = tokenize_corpus([lines.encode()], make_tokenizer("fast"), folder / "tokenized", threads=1)
    vocabulary = build_vocabulary(tokenized, min_count=1)
    return encode_corpus(tokenized, vocabulary, folder / "encoded", threads=1), vocabulary


def sequence_training(learning_rate):
    return SequenceTrainingConfig(epochs=2, batch_words=8, learning_rate=learning_rate or 5e-3)


def sequence_case(make, sources, targets):
    """Return how to make a sequence model with a seed and a learning rate, its data, and its result as an array."""

    def weights(model):
        return np.concatenate([parameter.value.ravel() for parameter in model.parameters_.values()])

    return make, lambda encoded: (sources, targets), weights, ("metrics_", "validation_scores_", "parameters_")


def word2vec(seed, learning_rate):
    return Word2Vec(Word2VecConfig(dimension=8, epochs=2, seed=seed, threads=1, learning_rate=learning_rate))


def glove(seed, learning_rate):
    return GloVe(GloVeConfig(dimension=8, epochs=2, seed=seed, threads=1, learning_rate=learning_rate or 0.05))


def language_model(seed, learning_rate):
    vocabulary = Vocabulary.from_words(["<eos>", "<unk>", *"abcdef"], range(8, 0, -1))
    model = LanguageModel(LanguageModelConfig(hidden_size=4), vocabulary, rng=np.random.default_rng(seed))
    return LMTrainer(model, LMTrainingConfig(epochs=2, batch_size=4, bptt=5, learning_rate=learning_rate), seed=seed)


def ids(words):
    return np.random.default_rng(words).integers(0, 8, words)


def weights_of_language_model(trainer):
    return np.concatenate([parameter.value.ravel() for parameter in trainer.model_.parameters.values()])


CASES = {
    "Word2Vec": (word2vec, lambda encoded: encoded, lambda model: model.vectors_.matrix, ("vectors_", "metrics_")),
    "CountBased": (
        lambda seed, _: CountBased(CountBasedConfig(dimension=4, seed=seed)),
        lambda encoded: encoded,
        lambda model: model.vectors_.matrix,
        ("vectors_",),
    ),
    "GloVe": (glove, lambda encoded: encoded, lambda model: model.vectors_.matrix, ("vectors_", "metrics_")),
    "LMTrainer": (language_model, lambda _: (ids(200), ids(60)), weights_of_language_model, ("model_", "metrics_")),
    "SequenceTagger": sequence_case(
        lambda seed, rate: SequenceTagger(NETWORK, sequence_training(rate), seed=seed), TEXTS, TAGS
    ),
    "SequenceClassifier": sequence_case(
        lambda seed, rate: SequenceClassifier(NETWORK, sequence_training(rate), seed=seed), TEXTS, ["x", "y"] * 6
    ),
    "VectorDecoder": sequence_case(
        lambda seed, rate: VectorDecoder(GENERATOR, sequence_training(rate), seed=seed),
        np.tile(np.eye(2), (6, 1)),
        ["abb", "ba"] * 6,
    ),
    "EncoderDecoder": sequence_case(
        lambda seed, rate: EncoderDecoder(GENERATOR, sequence_training(rate), seed=seed), TEXTS, ["abb", "ba"] * 6
    ),
    "ConstituentLabeller": sequence_case(
        lambda seed, rate: ConstituentLabeller(sequence_training(rate), hidden_size=4, seed=seed),
        [TREE] * 6,
        [constituent_labels(TREE)] * 6,
    ),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_fit_returns_the_estimator_with_its_results(case, encoded):
    make, data, _, attributes = case
    model = make(1, None)
    for name in attributes:
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match=f"has no {name} yet: call fit first"):
            getattr(model, name)
    assert model.fit(*data(encoded)) is model
    assert all(hasattr(model, name) for name in attributes)
    if "metrics_" in attributes:
        assert [entry["epoch"] for entry in model.metrics_] == [1, 2]


def test_the_seed_decides_the_result(case, encoded):
    make, data, result, _ = case
    first, again, other = (result(make(seed, None).fit(*data(encoded))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_progress_counts_up_to_the_whole(case, encoded):
    make, data, _, _ = case
    events = []
    model = make(1, None).fit(*data(encoded), progress=events.append)
    assert {type(event) for event in events} == {TrainingProgress}
    ends = [event for event in events if event.epoch_metrics is not None]
    assert [event.epoch_metrics for event in ends] == getattr(model, "metrics_", [])
    assert [event.epoch for event in ends] == [event.epoch_metrics["epoch"] for event in ends]
    assert all(1 <= event.epoch <= event.epochs and 0 < event.done <= event.total for event in events)
    within = [event.done for event in events if event.epoch_metrics is None]
    assert within == sorted(set(within))
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert [event.epoch for event in events] == sorted(event.epoch for event in events)
    assert len({(event.epochs, event.total, event.unit) for event in events}) == 1
    assert events[0].unit in ("words", "tokens", "pairs", "symbols")
    assert events[-1].done == events[-1].total
    assert events[-1].seconds_left == 0
    assert all(event.speed >= 0 and event.seconds_left >= 0 for event in events)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [name for name in CASES if name != "CountBased"])
def test_an_absurd_learning_rate_is_told(name, encoded):
    make, data, _, _ = CASES[name]
    model = make(1, ABSURD)
    with pytest.raises(TrainingDiverged, match="learning rate"):
        model.fit(*data(encoded))
    assert not hasattr(model, "metrics_")


# ----------------------------------------------------------------------------------------------- speed and checkpoints


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_the_time_before_the_first_step_does_not_count():
    clock = Clock()
    pace = Pace(1000, clock)
    assert (pace.speed, pace.seconds_left(0)) == (0, math.inf)
    clock.now += 60  # compilation
    pace.update(10)
    assert (pace.speed, pace.seconds_left(10)) == (0, math.inf)
    clock.now += 1
    pace.update(30)
    assert pace.speed == pytest.approx(20)
    assert pace.seconds_left(1000) == 0


def test_the_time_until_processes_have_started_does_not_count():
    """Nothing is trained for 20 seconds in which the progress is reported; then a round is done every second."""
    clock = Clock()
    pace, done = Pace(10**6, clock), 0
    for report in range(200):
        clock.now += 0.25
        done += 1000 if report >= 80 and report % 4 == 0 else 0
        pace.update(done)
        if math.isfinite(estimate := pace.seconds_left(done)):
            assert 0.5 < estimate / ((10**6 - done) / 1000) < 2, "the first ones see only a few rounds"
    assert pace.speed == pytest.approx(1000, rel=0.1)


@pytest.mark.parametrize("interval", [0.02, 0.1, 1.0, 7.0])
@pytest.mark.parametrize("slow", range(6))
@pytest.mark.parametrize("pauses", [False, True])
def test_the_first_estimate_comes_after_the_warm_up_and_is_right(interval, slow, pauses):
    """One of the first steps waits for the compiler; all others are equally fast."""
    clock, total = Clock(), 5000
    pace, done, estimates = Pace(total, clock), 0, []
    for step in range(total // 10):
        clock.now += interval + (12.0 if step == slow else 0.0)
        done += 10
        pace.update(done)
        if pauses and step % 50 == 49:
            pace.pause()
        if math.isfinite(estimate := pace.seconds_left(done)):
            estimates.append((step, estimate / max(interval * (total - done) / 10, interval)))
    assert estimates[0][0] <= max(7, 3 / interval + 1), "an estimate comes within seconds"
    assert all(share == pytest.approx(1, rel=0.01) for _, share in estimates[:-1])


def test_the_speed_follows_a_change_and_leaves_pauses_out():
    clock = Clock()
    pace, done = Pace(10**9, clock), 0
    pace.update(0)
    for speed in (100, 10):
        for _ in range(300):
            clock.now += 0.2
            done += speed / 5
            pace.update(done)
        assert pace.speed == pytest.approx(speed, rel=0.5)
        pace.pause()
        clock.now += 1000  # a validation
        pace.update(done)
        assert pace.speed == pytest.approx(speed, rel=0.5)


def test_checkpoints_are_due_after_their_interval_and_never_cost_more_than_their_share(tmp_path):
    clock = Clock()
    checkpoints = Checkpoints(Checkpointing(tmp_path, every=30), clock)
    assert checkpoints.load() is None
    clock.now += 29
    assert not checkpoints.due
    assert checkpoints.seconds_to_next == pytest.approx(1)
    clock.now += 1
    assert checkpoints.due

    class Slow(dict):
        """Takes five seconds to write."""

        def items(self):
            clock.now += 5
            return super().items()

    checkpoints.save(Slow(E=np.ones(3)), {"epoch": 4})
    assert checkpoints.seconds_to_next == pytest.approx(5 / 0.025)
    assert checkpoints.load().state == load_checkpoint(tmp_path).state == {"epoch": 4}


def test_without_a_directory_nothing_is_saved():
    checkpoints = Checkpoints(None)
    checkpoints.save({"E": np.ones(3)}, {})
    assert (checkpoints.load(), checkpoints.due) == (None, False)


@pytest.mark.parametrize("given", ["folder", Path("folder"), {"directory": "folder"}, 5])
def test_checkpointing_is_named_where_something_else_is_given(given):
    with pytest.raises(TypeError, match=r"checkpointing is .*; expected a Checkpointing"):
        Checkpoints(given)


@pytest.mark.parametrize("directory", [None, 5, "", "s3://bucket/folder", "a\0b"])
def test_the_directory_of_checkpoints_is_a_path_of_this_machine(directory):
    with pytest.raises((TypeError, ValueError), match="directory of Checkpointing is "):
        Checkpoints(Checkpointing(directory))


@pytest.mark.parametrize("every", ["60", None, True, float("nan"), -1])
def test_the_interval_of_checkpoints_is_a_number_of_seconds(tmp_path, every):
    with pytest.raises((TypeError, ValueError), match=r"every of Checkpointing is .*; expected"):
        Checkpoints(Checkpointing(tmp_path, every))


def test_the_directory_of_checkpoints_may_be_a_str(tmp_path):
    Checkpoints(Checkpointing(str(tmp_path / "run"))).save({"a": np.zeros(3)}, {})
    assert Checkpoints(Checkpointing(tmp_path / "run")).load() is not None
