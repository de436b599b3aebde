"""Labelling constituents: the label of a phrase from the vector that a recursive network composes of its words."""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from embeddings.networks import PADDING, Parameters, SoftmaxCrossEntropy, clear_gradients
from embeddings.sequences.network import PREDICTED_TOGETHER, dropped, dropped_rows, label_numbers
from embeddings.sequences.training import (
    SequenceTrainingConfig,
    batches_of_like_length,
    held_out,
    train_sequences,
)
from embeddings.sequences.word_inputs import EncodedSequences, WordInputs
from embeddings.trees.recursive import RecursiveNN
from embeddings.trees.tree_batch import TreeBatch

if TYPE_CHECKING:
    from nltk.tree import Tree

NO_WORD = "-NONE-"


def cleaned(tree: "Tree") -> "Tree | None":
    """Return a copy without traces and empty constituents, labels without functions and numbers; None if all goes."""
    from nltk.tree import Tree

    if tree.label() == NO_WORD:
        return None
    if not isinstance(tree[0], Tree):
        return Tree(tree.label(), list(tree))
    children = [child for child in map(cleaned, tree) if child is not None]
    label = tree.label().split("-")[0].split("=")[0].split("|")[0]
    return Tree(label or "ROOT", children) if children else None


def constituent_labels(tree: "Tree") -> list[str]:
    """Return the labels of all constituents of two words or more, in the order of a `TreeBatch` of this tree."""
    batch = TreeBatch([tree], binary=True)
    return [label.partition("+")[0] for label in batch.labels[batch.n_leaves :] if label is not None]


class ConstituentLabeller:
    """A `RecursiveNN` over word vectors, and a softmax on the vector of every constituent.

    Parameters
    ----------
    inputs
        The tables of word vectors.
    labels
        All labels that there are.
    hidden_size
        H, dimension of the vectors of phrases.
    dropout
        Share of the words' and phrases' numbers that is left out in training.
    rng
        Draws the starting weights and, in training, everything else.
    dtype
        float32, or float64 for gradient checks.
    """

    def __init__(
        self,
        inputs: WordInputs,
        labels: Sequence[str],
        *,
        hidden_size: int = 100,
        dropout: float = 0.2,
        rng: np.random.Generator,
        dtype: type = np.float32,
    ):
        self.inputs, self.labels = inputs, list(labels)
        self._number = {label: number for number, label in enumerate(self.labels)}
        self._rng, self._dropout = rng, dropout
        self.network = RecursiveNN(inputs.size, hidden_size, rng=rng, dtype=dtype)
        self.output = SoftmaxCrossEntropy.drawn(rng, len(self.labels), hidden_size, dtype)
        own = {f"tree.{name}": parameter for name, parameter in self.network.parameters.items()}
        own |= {f"output.{name}": parameter for name, parameter in self.output.parameters.items()}
        self.parameters: Parameters = {**inputs.parameters, **own}
        self.trained: Parameters = {**inputs.trained, **own}

    def fit(
        self,
        trees: Sequence["Tree"],
        labels: Sequence[Sequence[str]],
        *,
        training: SequenceTrainingConfig,
    ) -> list[float]:
        """Train, and keep the weights of the epoch that labels the constituents held out best.

        Parameters
        ----------
        trees
        labels
            As `constituent_labels` returns them, but for labels that are merged.
        training
            See `train_sequences`.

        Returns
        -------
        list[float]
            Accuracy on the trees held out after each epoch.
        """
        encoded = self.inputs.encode([tree.leaves() for tree in trees])
        targets = [label_numbers(one, self._number) for one in labels]
        kept, aside = held_out(len(trees), training.validation_share, self._rng)

        def batch_loss(batch: np.ndarray) -> float:
            return self.loss_and_gradients(trees, encoded, targets, kept[batch], self._rng)

        def validate() -> float:
            gold = np.concatenate([targets[i] for i in aside])
            return float(np.mean(np.concatenate(self._predicted(trees, encoded, aside)) == gold))

        return train_sequences(
            self.trained,
            np.array([len(encoded.ids[i]) for i in kept]),
            batch_loss,
            validate if len(aside) else None,
            config=training,
            rng=self._rng,
        )

    def predict(self, trees: Sequence["Tree"]) -> list[list[str]]:
        """Return the most probable label of every constituent, in the order of `constituent_labels`."""
        encoded = self.inputs.encode([tree.leaves() for tree in trees])
        return [[self.labels[i] for i in one] for one in self._predicted(trees, encoded, np.arange(len(trees)))]

    def loss_and_gradients(
        self,
        trees: Sequence["Tree"],
        encoded: EncodedSequences,
        targets: Sequence[np.ndarray],
        chosen: np.ndarray,
        rng: np.random.Generator | None,
    ) -> float:
        """Run the ``chosen`` trees forwards and backwards; return the mean cross-entropy of a constituent in nats."""
        clear_gradients(self.parameters)
        batch, features, index = self._laid_out(trees, encoded, chosen)
        x, x_mask = dropped(self.inputs.forward(features, index, rng), self._dropout, rng)
        states = self.network.forward(batch, x.dense())
        flat, mask = dropped_rows(states, self._dropout, rng)
        wanted = np.full(batch.n_nodes, PADDING, np.int64)
        for nodes, values in zip(_constituents(batch, len(chosen)), (targets[i] for i in chosen), strict=True):
            wanted[nodes] = values
        loss, d_states = self.output.value_and_gradient(flat, wanted)
        d_leaves = self.network.backward(d_states if mask is None else d_states * mask)
        assert d_leaves is not None
        d_vectors = x.summed(d_leaves)
        self.inputs.backward(d_vectors if x_mask is None else d_vectors * x_mask)
        return loss

    def _predicted(self, trees: Sequence["Tree"], encoded: EncodedSequences, chosen: np.ndarray) -> list[np.ndarray]:
        lengths = np.array([len(encoded.ids[i]) for i in chosen])
        found: list[np.ndarray] = [np.empty(0, np.int64)] * len(chosen)
        for places in batches_of_like_length(lengths, PREDICTED_TOGETHER, np.random.default_rng(0)):
            batch, features, index = self._laid_out(trees, encoded, chosen[places])
            states = self.network.forward(batch, self.inputs.forward(features, index).dense())
            best = self.output.log_probabilities(states).argmax(axis=1)
            for place, nodes in zip(places, _constituents(batch, len(places)), strict=True):
                found[place] = best[nodes]
        return found

    def _laid_out(
        self, trees: Sequence["Tree"], encoded: EncodedSequences, chosen: np.ndarray
    ) -> tuple[TreeBatch, np.ndarray, np.ndarray]:
        """Return the forest, the tables' rows of its distinct words, and which of them is which leaf."""
        words = np.fromiter(chain.from_iterable(encoded.ids[i] for i in chosen), np.int64)
        distinct, index = np.unique(words, return_inverse=True)
        return TreeBatch([trees[i] for i in chosen], binary=True), encoded.features[distinct], index


def _constituents(batch: TreeBatch, trees: int) -> list[np.ndarray]:
    """Return the nodes of each tree that are constituents, by height and from left to right."""
    labelled = np.array([label is not None for label in batch.labels])
    labelled[: batch.n_leaves] = False
    nodes = np.flatnonzero(labelled)
    order = np.argsort(batch.tree_of[nodes], kind="stable")
    return np.split(nodes[order], np.cumsum(np.bincount(batch.tree_of[nodes], minlength=trees))[:-1])
