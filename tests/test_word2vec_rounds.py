"""Reproducible training: one round against the reference, and the same bytes for any threads and interruptions."""

import threading

import numpy as np
import pytest

from embeddings import Checkpointing, Word2Vec
from embeddings.word2vec import deterministic as rounds
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.architectures import KERNELS
from embeddings.word2vec.replicas import (
    copied_extensions,
    copied_parameters,
    make_copies,
    make_owners,
    merge,
    take_block,
)
from tests.kernel_inputs import WORDS, as_block, make_extensions, make_parameters, make_sentences, make_step
from tests.reference import word2vec as reference
from tests.topics import interrupt, small

NOISE = 15


def train_round(parameters, extensions, architecture, blocks, steps, threads):
    """What `Rounds` does in a round, step by step."""
    noise = NOISE if steps[0].negative else 0
    copies = make_copies(parameters, extensions, len(blocks), 100, 20, noise)
    owners, place = make_owners(parameters, copies), np.full(len(parameters.embedding), -1, np.int32)
    results = []
    for worker, (sentences, step) in enumerate(zip(blocks, steps, strict=True)):
        tables = extensions.subwords, extensions.paths
        tokens, state = take_block(as_block(sentences), parameters, *tables, copies, worker, noise, place, step.state)
        assert (place == -1).all()
        on_copy, own = copied_parameters(copies, worker, noise), copied_extensions(extensions, copies, worker)
        block = kernels.Block(copies.tokens[worker], copies.offsets[worker], 0, len(sentences), 0, tokens)
        width = parameters.embedding.shape[1]
        scratch = kernels.scratch(width, 100, step.window, step.negative, extensions)
        kernel = KERNELS[architecture]
        results.append(kernel(block, on_copy, step._replace(state=np.uint64(state)), scratch, *own))
    for thread in range(threads):
        merge(parameters, copies, owners, len(blocks), thread, threads)
    assert (owners.place == -1).all()
    return results


KINDS = [
    ({}, {}),
    ({}, {"share_negatives": False}),
    ({"subwords": True}, {}),
    ({"paths": True}, {"negative": 0}),
    ({"subwords": True, "paths": True}, {"negative": 0}),
]


@pytest.mark.parametrize(("kinds", "settings"), KINDS, ids=str)
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_a_round_equals_the_reference(architecture, kinds, settings):
    dimension = 20
    has_subwords = kinds.get("subwords", False)
    parameters, before = (make_parameters(dimension, subwords=has_subwords) for _ in range(2))
    extensions = make_extensions(**kinds)
    blocks = [make_sentences([9, 0, 1, 14], seed=seed) for seed in range(4)]
    step = make_step(**settings)
    steps = [step._replace(state=np.uint64(1 << 40 + worker)) for worker in range(4)]
    results = train_round(parameters, extensions, architecture, blocks, steps, threads=2)
    E, C, expected = reference.train_round(
        before, extensions, architecture, blocks, steps, NOISE if step.negative else 0
    )
    assert abs(parameters.embedding - before.embedding).max() > 0.01
    np.testing.assert_allclose(parameters.embedding, E, rtol=0, atol=2e-5)
    np.testing.assert_allclose(parameters.context, C, rtol=0, atol=2e-5)
    for (loss, examples), (expected_loss, expected_examples) in zip(results, expected, strict=True):
        assert examples == expected_examples
        assert loss == pytest.approx(expected_loss, rel=1e-4)


def merge_rows(changes):
    """Give every worker one row of E, of the same word, and merge."""
    dimension = len(changes[0])
    parameters = make_parameters(dimension)._replace(embedding=matrices.zeros(WORDS, dimension))
    copies = make_copies(parameters, kernels.Extensions(), len(changes), 1, 1, 1)
    for worker, change in enumerate(changes):
        copies.words[worker, 0], copies.sizes[worker, 0] = 5, 1
        copies.embedding[worker, 0, :dimension] = change
    merge(parameters, copies, make_owners(parameters, copies), len(changes), 0, 1)
    return parameters.embedding[5, :dimension]


def test_equal_changes_are_averaged_and_orthogonal_ones_added():
    np.testing.assert_allclose(merge_rows([[2, 1], [2, 1], [2, 1]]), [2, 1], rtol=1e-6)
    np.testing.assert_array_equal(merge_rows([[2, 0, 0], [0, 3, 0], [0, 0, 1]]), [2, 3, 1])
    np.testing.assert_array_equal(merge_rows([[2, 1], [-2, 0]]), [0, 1])


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_every_row_is_merged_by_exactly_one_thread(threads):
    words = 5000
    E, C = matrices.zeros(words, 1), matrices.zeros(words, 1)
    parameters = make_parameters(1)._replace(embedding=E, context=C)
    copies = make_copies(parameters, kernels.Extensions(), 1, words, 1, 1)
    copies.words[0, :words] = np.arange(words)
    copies.sizes[:] = words
    copies.embedding[:], copies.context[:] = 1, 1
    owners, shares = make_owners(parameters, copies), []
    for thread in range(threads):
        before = E.sum()
        merge(parameters, copies, owners, 1, thread, threads)
        shares.append(E.sum() - before)
    assert (E == 1).all()
    assert (C == 1).all()
    assert min(shares) > 0.5 * sum(shares) / threads


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_any_number_of_threads_gives_the_same_bytes(encoded, architecture):
    results = []
    for threads in (1, 2, 3, 5):
        model = Word2Vec(small(architecture=architecture, deterministic=True, threads=threads, held_out=0.1))
        vectors = model.fit(*encoded).vectors_
        losses = [(entry["loss"], entry["held_out_loss"]) for entry in model.metrics_]
        results.append((vectors.matrix.tobytes(), vectors.context.tobytes(), losses))
    assert results[1:] == results[:-1]
    assert results[0][2][-1][1] < results[0][2][0][1]  # it has learnt


def test_more_threads_than_workers_do_no_harm(encoded):
    few, many = (Word2Vec(small(deterministic=True, threads=n)).fit(*encoded).vectors_ for n in (1, rounds.WORKERS + 3))
    np.testing.assert_array_equal(few.matrix, many.matrix)


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_interruptions_and_other_threads_leave_no_trace(encoded, tmp_path, architecture):
    expected = Word2Vec(small(architecture=architecture, deterministic=True, epochs=6)).fit(*encoded).vectors_
    checkpointing = Checkpointing(tmp_path / "checkpoints", every=0.0)
    for threads in (3, 1, 2):
        config = small(architecture=architecture, deterministic=True, epochs=6, threads=threads)
        with pytest.raises(KeyboardInterrupt):
            Word2Vec(config).fit(*encoded, progress=interrupt, checkpointing=checkpointing)
    config = small(architecture=architecture, deterministic=True, epochs=6, threads=2)
    vectors = Word2Vec(config).fit(*encoded, checkpointing=checkpointing).vectors_
    np.testing.assert_array_equal(vectors.matrix, expected.matrix)
    np.testing.assert_array_equal(vectors.context, expected.context)


def test_seed_and_mode_decide_the_result(encoded):
    one, other, hogwild = (
        Word2Vec(small(**settings)).fit(*encoded).vectors_.matrix
        for settings in ({"deterministic": True}, {"deterministic": True, "seed": 2}, {})
    )
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, hogwild)


def test_neighbours_are_found_as_by_hogwild_threads(encoded):
    vectors = Word2Vec(small(deterministic=True, epochs=8, threads=2)).fit(*encoded).vectors_
    assert vectors.similarity("gold", "iron") > vectors.similarity("gold", "cat") + 0.5


def test_a_thread_that_fails_ends_the_others_and_says_why(encoded, monkeypatch):
    def fail(self, worker, thread, block, step):
        raise MemoryError("no room")

    monkeypatch.setattr(rounds.Rounds, "compile", lambda self, step: None)
    monkeypatch.setattr(rounds.Rounds, "train_block", fail)
    with pytest.raises(MemoryError, match="no room"):
        Word2Vec(small(deterministic=True, threads=3)).fit(*encoded)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("word2vec")]
