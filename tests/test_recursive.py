"""Recursive networks: against plain recursions, central differences, and what they are asked that they cannot do."""

from functools import partial

import nltk
import numpy as np
import pytest
from nltk.corpus import treebank
from nltk.tree import Tree

from embeddings.networks import ACTIVATIONS, OPTIMIZERS, clear_gradients
from embeddings.trees import BinaryTreeLSTM, ChildSumTreeLSTM, RecursiveNN, TreeBatch
from tests.reference.recurrent import assert_gradient
from tests.reference.recursive import PlainRecursiveNN, PlainTreeLSTM, node_numbers

SIZE = 4
NETWORKS = {
    **{f"recursive-{g}": partial(RecursiveNN, SIZE, activation=g) for g in ACTIVATIONS},
    **{f"recursive-{g}-leaves": partial(RecursiveNN, SIZE, 3, activation=g) for g in ACTIVATIONS},
    "binary": partial(BinaryTreeLSTM, SIZE, 3),
    "child-sum": partial(ChildSumTreeLSTM, SIZE, 3),
}
BINARY = [name for name in NETWORKS if name != "child-sum"]


def random_tree(rng, leaves):
    """A tree of up to four children a node, with chains."""
    if leaves == 1:
        return Tree("W", ["word"]) if rng.random() < 0.5 else "word"
    ends = np.sort(rng.choice(leaves - 1, size=min(leaves - 1, rng.integers(1, 4)), replace=False)) + 1
    tree = Tree("X", [random_tree(rng, part) for part in np.diff([0, *ends, leaves])])
    return Tree("Y", [tree]) if rng.random() < 0.3 else tree


def random_forest(rng, sizes=(1, 2, 3, 7, 12)):
    trees = [random_tree(rng, size) for size in sizes]
    return [tree if isinstance(tree, Tree) else Tree("S", [tree]) for tree in trees]


def random_network(name, rng, dtype=np.float64):
    network = NETWORKS[name](rng=rng, dtype=dtype)
    for parameter in network.parameters.values():
        parameter.value[...] = rng.normal(0, 0.6, parameter.value.shape)
    return network


def plain(name, network, leaf_vectors):
    weights = {key: parameter.value.astype(np.float64) for key, parameter in network.parameters.items()}
    if name.startswith("recursive"):
        return PlainRecursiveNN(weights, leaf_vectors.astype(np.float64), name.split("-")[1])
    return PlainTreeLSTM(weights, leaf_vectors.astype(np.float64), child_sum=name == "child-sum")


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_the_plain_recursions(name, dtype, tolerance):
    rng = np.random.default_rng(0)
    network, trees = random_network(name, rng, dtype), random_forest(rng)
    batch = TreeBatch(trees, binary=name in BINARY)
    leaf_vectors = rng.standard_normal((batch.n_leaves, SIZE)).astype(dtype)
    d_nodes = rng.standard_normal((batch.n_nodes, network.output_size)).astype(dtype)
    outputs = network.forward(batch, leaf_vectors).copy()
    d_leaves = network.backward(d_nodes)

    recursion, numbers = plain(name, network, leaf_vectors), node_numbers(batch)
    recursion.run(trees, lambda visited: d_nodes[numbers[visited]])
    expected = {"outputs": np.array(recursion.outputs), "leaves": recursion.d_vectors, **recursion.gradients}
    found = {"outputs": outputs[numbers], "leaves": d_leaves}
    found |= {key: parameter.gradient for key, parameter in network.parameters.items()}
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert np.linalg.norm(found[key] - array) <= tolerance * np.linalg.norm(array), key


@pytest.mark.parametrize("name", ["recursive-tanh", "binary", "child-sum"])
def test_real_trees(name, shared_data, monkeypatch):
    monkeypatch.setattr(nltk.data, "path", [str(shared_data / "nltk_data")])
    try:
        rng, trees = np.random.default_rng(0), treebank.parsed_sents("wsj_0003.mrg")
    except LookupError:
        pytest.skip(f"no treebank in {nltk.data.path[0]}")
    network, batch = random_network(name, rng, np.float32), TreeBatch(trees, binary=name in BINARY)
    assert batch.words == [word for tree in trees for word in tree.leaves()]
    leaf_vectors = rng.standard_normal((batch.n_leaves, SIZE)).astype(np.float32)
    outputs = network.forward(batch, leaf_vectors)
    recursion = plain(name, network, leaf_vectors)
    recursion.run(trees, lambda _: 1.0)
    np.testing.assert_allclose(outputs[node_numbers(batch)], recursion.outputs, atol=1e-5)
    d_leaves = network.backward(np.ones_like(outputs))
    assert np.linalg.norm(d_leaves - recursion.d_vectors) < 1e-5 * np.linalg.norm(recursion.d_vectors)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_gradient(name):
    rng = np.random.default_rng(1)
    network = random_network(name, rng)
    batch = TreeBatch(random_forest(rng), binary=name in BINARY)
    leaf_vectors = rng.standard_normal((batch.n_leaves, SIZE))
    d_nodes = rng.standard_normal((batch.n_nodes, network.output_size))
    network.forward(batch, leaf_vectors)
    gradients = {"leaves": network.backward(d_nodes)}
    gradients |= {key: parameter.gradient for key, parameter in network.parameters.items()}
    arrays = {"leaves": leaf_vectors, **{key: parameter.value for key, parameter in network.parameters.items()}}
    assert_gradient(lambda: float((network.forward(batch, leaf_vectors) * d_nodes).sum()), arrays, gradients, rng)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_forest_is_its_trees(name):
    rng = np.random.default_rng(2)
    network, trees, binary = random_network(name, rng), random_forest(rng), name in BINARY
    together = TreeBatch(trees, binary=binary)
    leaf_vectors = rng.standard_normal((together.n_leaves, SIZE))
    outputs = network.forward(together, leaf_vectors).copy()
    for number, tree in enumerate(trees):
        first, last = together.spans[together.roots[number]]
        alone = network.forward(TreeBatch([tree], binary=binary), leaf_vectors[first:last])
        np.testing.assert_allclose(outputs[together.tree_of == number], alone, atol=1e-12)


def test_the_children_of_a_sum_have_no_order():
    rng = np.random.default_rng(3)
    network, leaf_vectors = random_network("child-sum", rng), rng.standard_normal((4, SIZE))
    batch, order = TreeBatch([Tree("X", ["a", "b", "c", "d"])]), [2, 0, 3, 1]
    root = network.forward(batch, leaf_vectors)[-1].copy()
    np.testing.assert_allclose(network.forward(batch, leaf_vectors[order])[-1], root, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_deep_trees_do_not_overflow_the_stack(name):
    rng = np.random.default_rng(4)
    network = random_network(name, rng)
    tree = "word"
    for _ in range(2_000):
        tree = Tree("X", ["word", tree])
    batch = TreeBatch([tree], binary=name in BINARY)
    outputs = network.forward(batch, rng.standard_normal((batch.n_leaves, SIZE)) * 0.1)
    assert outputs.shape == (4_001, network.output_size)
    d_leaves = network.backward(np.zeros_like(outputs) + 1e-3)
    assert np.isfinite(d_leaves).all()
    assert d_leaves[0].any()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["recursive-tanh-leaves", "binary", "child-sum"])
def test_any_optimizer_trains_them(name, optimizer):
    rng = np.random.default_rng(5)
    network = NETWORKS[name](rng=rng)
    batch = TreeBatch(random_forest(rng), binary=name in BINARY)
    leaf_vectors = rng.standard_normal((batch.n_leaves, SIZE))
    wanted = rng.uniform(-0.5, 0.5, (len(batch.roots), network.output_size))
    steps = OPTIMIZERS[optimizer](network.parameters, 0.02)
    losses = []
    for _ in range(30):
        clear_gradients(network.parameters)
        outputs = network.forward(batch, leaf_vectors)
        d_nodes = np.zeros_like(outputs)
        d_nodes[batch.roots] = outputs[batch.roots] - wanted
        losses.append(float((d_nodes**2).sum()))
        assert network.backward(d_nodes, input_gradient=False) is None
        steps.step(max_norm=5.0)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("name", BINARY)
def test_trees_that_are_not_binary_are_an_error(name):
    network = random_network(name, np.random.default_rng(0))
    batch = TreeBatch([Tree("S", ["a", "b"]), Tree("S", ["a", Tree("NP", ["b", "c", "d"])])])
    message = "node 'NP' of tree 1 has 3 children: this network takes 2; make the batch with binary=True"
    with pytest.raises(ValueError, match=message):
        network.forward(batch, np.zeros((batch.n_leaves, SIZE)))


@pytest.mark.parametrize("shape", [(2, SIZE + 1), (3, SIZE), (2,)])
@pytest.mark.parametrize("name", ["recursive-tanh", "child-sum"])
def test_vectors_that_do_not_fit_are_an_error(name, shape):
    network = random_network(name, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"leaf vectors of shape .*: expected \(2, 4\)"):
        network.forward(TreeBatch([Tree("S", ["a", "b"])], binary=True), np.zeros(shape))


def test_bad_settings_are_an_error():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown activation 'softplus': choose one of sigmoid, tanh, relu"):
        RecursiveNN(SIZE, activation="softplus", rng=rng)
    for network in (RecursiveNN, BinaryTreeLSTM, ChildSumTreeLSTM):
        with pytest.raises(ValueError, match="sizes 0 and 3: expected at least 1"):
            network(0, 3, rng=rng)
