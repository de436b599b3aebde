"""Constituent labelling: predict the label of a phrase from the vector that a recursive network composes."""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from embeddings.networks import PADDING, Parameters, clear_gradients
from embeddings.sequences.estimator import Examples
from embeddings.sequences.labeller import SequenceLabeller
from embeddings.sequences.network import PREDICTION_BATCH_WORDS, apply_dropout, apply_dropout_to_vectors, label_numbers
from embeddings.sequences.training import SequenceTrainingConfig, length_bucketed_batches
from embeddings.sequences.word_inputs import EncodedSequences, WordInputsConfig
from embeddings.trees.recursive import RecursiveNN
from embeddings.trees.tree_batch import TreeBatch
from embeddings.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from nltk.tree import Tree

NO_WORD = "-NONE-"


def cleaned(tree: "Tree") -> "Tree | None":
    """Return a copy without traces, empty constituents and function tags in labels; None if nothing is left."""
    from nltk.tree import Tree

    if tree.label() == NO_WORD:
        return None
    if not isinstance(tree[0], Tree):
        return Tree(tree.label(), list(tree))
    children = [child for child in map(cleaned, tree) if child is not None]
    label = tree.label().split("-")[0].split("=")[0].split("|")[0]
    return Tree(label or "ROOT", children) if children else None


def constituent_labels(tree: "Tree") -> list[str]:
    """Return the labels of the constituents of at least two words, in the order of a `TreeBatch` of this tree."""
    batch = TreeBatch([tree], binary=True)
    return [label.partition("+")[0] for label in batch.labels[batch.n_leaves :] if label is not None]


class ConstituentLabeller(SequenceLabeller):
    """A `RecursiveNN` over word vectors, and a softmax on the vector of every constituent.

    ``fit(trees, labels)`` takes the labels of each tree as `constituent_labels` returns them; rare labels may be
    merged. The validation score is the accuracy.

    Parameters
    ----------
    training : SequenceTrainingConfig, optional
    hidden_size : int
        H, dimension of the phrase vectors.
    dropout : float
        Dropout probability of the word vectors and the phrase vectors.
    inputs : WordInputsConfig, optional
        See `SequenceLabeller`, also for the parameters below.
    vectors : WordVectors, optional
    labels : sequence of str, optional
    seed : int
    threads : int, optional
    dtype : type

    Attributes
    ----------
    network_ : RecursiveNN
    """

    def __init__(
        self,
        training: SequenceTrainingConfig | None = None,
        *,
        hidden_size: int = 100,
        dropout: float = 0.2,
        inputs: WordInputsConfig | None = None,
        vectors: WordVectors | None = None,
        labels: Sequence[str] | None = None,
        seed: int = 1,
        threads: int | None = None,
        dtype: type = np.float32,
    ) -> None:
        super().__init__(
            training, inputs=inputs, vectors=vectors, labels=labels, seed=seed, threads=threads, dtype=dtype
        )
        self.hidden_size, self.dropout = hidden_size, dropout

    def _words(self, source: "Tree") -> Sequence[str]:
        words: Sequence[str] = source.leaves()
        return words

    def _make_network(self, rng: np.random.Generator) -> Parameters:
        self.network_ = RecursiveNN(self.inputs_.size, self.hidden_size, rng=rng, dtype=self.dtype)
        own = {f"tree.{name}": parameter for name, parameter in self.network_.parameters.items()}
        return own | self._make_output(rng, self.hidden_size)

    def _encode(self, sources: Sequence["Tree"], targets: Sequence[Sequence[str]]) -> Examples:
        encoded = self.inputs_.encode([tree.leaves() for tree in sources])
        numbers = [label_numbers(labels, self._number) for labels in targets]
        return Examples((sources, encoded), numbers, np.array([len(words) for words in encoded.ids]))

    def _train_on(self, examples: Examples, chosen: np.ndarray) -> float:
        trees, encoded = examples.sources
        return self.loss_and_gradients(trees, encoded, examples.targets, chosen, self._rng)

    def _score(self, examples: Examples, chosen: np.ndarray) -> float:
        trees, encoded = examples.sources
        found = np.concatenate(self._predicted(trees, encoded, chosen))
        return float(np.mean(found == np.concatenate([examples.targets[i] for i in chosen])))

    def predict(self, trees: Sequence["Tree"]) -> list[list[str]]:
        """Return the most probable label of every constituent, in the order of `constituent_labels`."""
        encoded = self.inputs_.encode([tree.leaves() for tree in trees])
        with self._lock:
            numbers = self._predicted(trees, encoded, np.arange(len(trees)))
        return [[self.labels_[i] for i in one] for one in numbers]

    def loss_and_gradients(
        self,
        trees: Sequence["Tree"],
        encoded: EncodedSequences,
        targets: Sequence[np.ndarray],
        chosen: np.ndarray,
        rng: np.random.Generator | None,
    ) -> float:
        """Run the `chosen` trees forwards and backwards; leave the gradients in the parameters.

        Parameters
        ----------
        trees : sequence of Tree
        encoded : EncodedSequences
            Words of all trees, as `WordInputs.encode` returns them.
        targets : sequence of np.ndarray
            Numbers of the labels of each tree, (n,) int64.
        chosen : (B,) int64
            Numbers of the trees of the batch.
        rng : np.random.Generator or None
            Draws the dropout masks; None disables dropout.

        Returns
        -------
        float
            Mean cross-entropy per constituent, in nats.
        """
        clear_gradients(self.parameters_)
        batch, features, index = self._laid_out(trees, encoded, chosen)
        x, x_mask = apply_dropout_to_vectors(self.inputs_.forward(features, index, rng), self.dropout, rng)
        states = self.network_.forward(batch, x.dense())
        flat, mask = apply_dropout(states, self.dropout, rng)
        wanted = np.full(batch.n_nodes, PADDING, np.int64)
        for nodes, values in zip(_constituents(batch, len(chosen)), (targets[i] for i in chosen), strict=True):
            wanted[nodes] = values
        loss, d_states = self.output_.value_and_gradient(flat, wanted)
        d_leaves = self.network_.backward(d_states if mask is None else d_states * mask)
        assert d_leaves is not None
        d_vectors = x.summed(d_leaves)
        self.inputs_.backward(d_vectors if x_mask is None else d_vectors * x_mask)
        return loss

    def _predicted(self, trees: Sequence["Tree"], encoded: EncodedSequences, chosen: np.ndarray) -> list[np.ndarray]:
        lengths = np.array([len(encoded.ids[i]) for i in chosen])
        found: list[np.ndarray] = [np.empty(0, np.int64)] * len(chosen)
        for places in length_bucketed_batches(lengths, PREDICTION_BATCH_WORDS, np.random.default_rng(0)):
            batch, features, index = self._laid_out(trees, encoded, chosen[places])
            states = self.network_.forward(batch, self.inputs_.forward(features, index).dense())
            best = self.output_.log_probabilities(states).argmax(axis=1)
            for place, nodes in zip(places, _constituents(batch, len(places)), strict=True):
                found[place] = best[nodes]
        return found

    def _laid_out(
        self, trees: Sequence["Tree"], encoded: EncodedSequences, chosen: np.ndarray
    ) -> tuple[TreeBatch, np.ndarray, np.ndarray]:
        """Return the forest, the features (u, tables) of its distinct words, and the distinct word of each leaf."""
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
