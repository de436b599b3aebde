"""Trees: recursive networks learn the value of logical expressions, from expressions of up to 6 values.

A tree such as ((true and (not false)) or false) has words at its leaves only, and the network must find out from the
value of the whole what "and", "or" and "not" do.  It is then asked expressions of 8 to 16 values.  Run with::

    python docs/examples/recursive.py
"""

import numpy as np
from nltk.tree import Tree

from embeddings import Vocabulary
from embeddings.networks import Adam, Embedding, Parameter, SoftmaxCrossEntropy, clear_gradients
from embeddings.trees import BinaryTreeLSTM, RecursiveNN, TreeBatch

WORDS = Vocabulary.from_words(["true", "false", "and", "or", "not"])
SIZE = 32


def expression(rng: np.random.Generator, values: int) -> tuple[Tree, bool]:
    """Return a random tree with so many values, and its own value."""
    if rng.random() < 0.25:
        tree, value = expression(rng, values)
        return Tree("X", ["not", tree]), not value
    if values == 1:
        value = bool(rng.random() < 0.5)
        return Tree("X", [str(value).lower()]), value
    left = int(rng.integers(1, values))
    (a, a_value), (b, b_value) = expression(rng, left), expression(rng, values - left)
    if rng.random() < 0.5:
        return Tree("X", [a, "and", b]), a_value and b_value
    return Tree("X", [a, "or", b]), a_value or b_value


def learn(network: RecursiveNN | BinaryTreeLSTM, rng: np.random.Generator) -> float:
    """Train a network; return the share of longer expressions that it knows the value of."""
    embedding = Embedding(Parameter(rng.normal(0, 1, (len(WORDS), SIZE)).astype(np.float32)))
    weight = Parameter(rng.normal(0, 0.1, (2, SIZE)).astype(np.float32))
    output = SoftmaxCrossEntropy(weight, Parameter(np.zeros(2, np.float32)))
    parameters = {"E": embedding.weight, **network.parameters, **{f"y_{k}": p for k, p in output.parameters.items()}}
    optimizer = Adam(parameters, 0.005)
    for _ in range(100):
        trees, values = zip(*[expression(rng, int(rng.integers(1, 7))) for _ in range(100)], strict=True)
        batch = TreeBatch(trees, binary=True)
        clear_gradients(parameters)
        leaves = embedding.forward(WORDS.ids(batch.words))
        nodes = network.forward(batch, leaves.dense())
        d_nodes = np.zeros_like(nodes)
        _, d_nodes[batch.roots] = output.value_and_gradient(nodes[batch.roots], np.array(values))
        embedding.backward(leaves.summed(network.backward(d_nodes)))
        optimizer.step(max_norm=5.0)

    trees, values = zip(*[expression(rng, int(rng.integers(8, 17))) for _ in range(500)], strict=True)
    batch = TreeBatch(trees, binary=True)
    nodes = network.forward(batch, embedding.forward(WORDS.ids(batch.words)).dense())
    return float(np.mean(output.log_probabilities(nodes[batch.roots]).argmax(axis=1) == values))


def main() -> dict[str, float]:
    """Return the share of right answers of each network."""
    rng = np.random.default_rng(0)
    right = {
        "RecursiveNN": learn(RecursiveNN(SIZE, rng=rng), rng),
        "BinaryTreeLSTM": learn(BinaryTreeLSTM(SIZE, SIZE, rng=rng), rng),
    }
    for name, share in right.items():
        print(f"{name:15} {share:.1%} of 500 expressions of 8 to 16 values are right")
    return right


if __name__ == "__main__":
    main()
