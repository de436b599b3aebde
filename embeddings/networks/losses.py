"""Output layers with their losses: y<t> = softmax(W_ya a<t> + b_y) and L = Σ_t L(ŷ<t>, y<t>).

Each takes hidden states (N, H) and targets (N,), returns the mean loss over the targets and ∂L/∂(hidden states), and
adds to the gradients of its parameters. They differ in the cost of a training step:

- `SoftmaxCrossEntropy` computes all V outputs,
- `SampledSoftmax` computes those of the targets and of some noise words, so that its gradients have few rows,
- `AdaptiveSoftmax` computes those of the frequent words and, less often, of clusters of rarer ones.

`log_likelihood` is the log-probability normalised over all V classes for each of them; perplexity is computed from it.
A negative target is padding and does not count.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Self

import numpy as np

from embeddings.networks.initializers import glorot_uniform
from embeddings.networks.kernels import add_exponentials, softmax_cross_entropy
from embeddings.networks.noise import Noise
from embeddings.networks.parameters import Parameter, RowGradient
from embeddings.networks.products import product
from embeddings.parallel import Rows, over_rows, own_threads

LARGEST_BLOCK = 1 << 26
"""Numbers in the largest matrix of logits; more rows are handled block by block."""
_ROWS_READ, _CLASSES_READ = 512, 512  # of a block of logits that stays in the cache of a processor core
_FEW_ROWS = 64  # for which a product takes as long as the weights take to be read


class OutputLoss(ABC):
    """A softmax over V classes and its cross-entropy.

    Attributes
    ----------
    parameters : dict of str to Parameter
    classes : int
        V.
    """

    parameters: dict[str, Parameter]
    classes: int

    @own_threads
    def value_and_gradient(self, hidden: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
        """Compute the mean loss and its gradient; add to the gradients of the parameters.

        Parameters
        ----------
        hidden : (N, H)
            Hidden states, of the parameters' dtype.
        targets : (N,) integers
            Classes below V; negative ones do not count.

        Returns
        -------
        loss : float
            In nats, the mean over the targets that count; 0 if there are none.
        d_hidden : (N, H)
            ∂(mean loss)/∂hidden.

        Raises
        ------
        IndexError
            A target is V or more.
        """
        targets = self._checked(targets)
        count = int((targets >= 0).sum())
        d_hidden = np.zeros(hidden.shape, hidden.dtype)
        if count == 0:
            return 0.0, d_hidden
        total = self._add_gradients(hidden, targets, 1.0 / count, d_hidden)
        return total / count, d_hidden

    @abstractmethod
    def _add_gradients(self, hidden: np.ndarray, targets: np.ndarray, scale: float, d_hidden: np.ndarray) -> float:
        """Return the sum of the losses; add `scale` times its gradients."""

    @abstractmethod
    def log_likelihood(self, hidden: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Compute the log-probability of each target.

        Parameters
        ----------
        hidden : (N, H)
        targets : (N,) integers

        Returns
        -------
        (N,) float64
            ln P(target | hidden), normalised over all V classes; 0 for padding.
        """

    @abstractmethod
    def log_probabilities(self, hidden: np.ndarray) -> np.ndarray:
        """Return ln P(class | hidden) of all classes, (N, V)."""

    def scores(self, hidden: np.ndarray) -> np.ndarray:
        """Return ln P(class | hidden) of all classes up to a constant of each row, (N, V)."""
        return self.log_probabilities(hidden)

    def _checked(self, targets: np.ndarray) -> np.ndarray:
        targets = np.ascontiguousarray(targets, np.int64)
        if targets.size and targets.max() >= self.classes:
            raise IndexError(f"target {targets.max()} for a softmax over {self.classes} classes: expected less")
        return targets


class SoftmaxCrossEntropy(OutputLoss):
    """Loss -ln softmax(W_ya a + b_y)[target], with all outputs computed.

    Parameters
    ----------
    weight : Parameter
        W_ya, (V, H); may also be the weight of the embedding (tied weights).
    bias : Parameter, optional
        b_y, (V,). Default: no bias.
    """

    def __init__(self, weight: Parameter, bias: Parameter | None = None):
        self.parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        self.classes = len(weight.value)
        self._weight, self._bias = weight, bias
        self._logits = np.empty((0, 0), weight.value.dtype)

    @classmethod
    def random(cls, rng: np.random.Generator, classes: int, size: int, dtype: type) -> Self:
        """Return a softmax with Glorot weights (`glorot_uniform`) and a bias of zeros.

        Parameters
        ----------
        rng : Generator
            Draws the weights.
        classes, size : int
            V and H.
        dtype : type
            float32 or float64.

        Returns
        -------
        SoftmaxCrossEntropy
        """
        weight = Parameter(glorot_uniform(rng, (classes, size)).astype(dtype))
        return cls(weight, Parameter(np.zeros(classes, dtype)))

    def _bias_value(self) -> np.ndarray:
        return np.zeros(self.classes, self._weight.value.dtype) if self._bias is None else self._bias.value

    def _blocks(self, count: int) -> Iterator[slice]:
        size = max(1, LARGEST_BLOCK // self.classes)
        return (slice(start, min(start + size, count)) for start in range(0, count, size))

    def _block_logits(self, hidden: np.ndarray) -> np.ndarray:
        if self._logits.shape[0] < len(hidden):
            self._logits = np.empty((len(hidden), self.classes), hidden.dtype)
        return product(hidden, self._weight.value.T, out=self._logits[: len(hidden)])

    def _add_gradients(self, hidden: np.ndarray, targets: np.ndarray, scale: float, d_hidden: np.ndarray) -> float:
        total = 0.0
        for block in self._blocks(len(hidden)):
            logits = self._block_logits(hidden[block])
            losses, d_bias = _cross_entropy(logits, (self._bias_value(),) * 2, targets[block], scale)
            total += losses.sum()
            product(logits, self._weight.value, out=d_hidden[block])
            gradient = self._weight.gradient_buffer()
            self._weight.add_gradient(product(logits.T, hidden[block], out=gradient))
            if self._bias is not None:
                self._bias.add_gradient(d_bias)
        return float(total)

    @own_threads
    def log_likelihood(self, hidden: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return ln P(target | hidden); see `OutputLoss.log_likelihood`."""
        targets, bias, weight = self._checked(targets), self._bias_value(), self._weight.value
        log_p = np.zeros(len(hidden))
        is_small = len(hidden) <= min(_FEW_ROWS, LARGEST_BLOCK // self.classes)
        few = product(hidden, weight.T) if is_small else None  # threads share the classes

        def read(rows: Rows) -> None:
            for start in range(*rows, _ROWS_READ):
                part = slice(start, min(start + _ROWS_READ, rows[1]))
                blocks = _logit_blocks(hidden[part], weight) if few is None else [(0, few[part])]
                log_p[part] = _log_likelihood_of_blocks(blocks, bias, targets[part])

        over_rows(read, len(hidden), cost=weight.size if few is None else 4 * self.classes)
        log_p[targets < 0] = 0.0
        return log_p

    def log_probabilities(self, hidden: np.ndarray) -> np.ndarray:
        """Return the logarithm of the softmax, (N, V)."""
        return _log_softmax(self.scores(hidden))

    def scores(self, hidden: np.ndarray) -> np.ndarray:
        """Return the logits, (N, V)."""
        logits = product(hidden, self._weight.value.T)
        logits += self._bias_value()
        return logits


class SampledSoftmax(SoftmaxCrossEntropy):
    """Softmax over the target and a sample of noise words (Jean et al. 2015).

    Each step draws K words from a noise distribution q, with replacement. A word w is then in the sample with
    probability Q(w) = 1 - (1 - q(w))^K, and its logit is lowered by ln Q(w): the gradient is an estimate of the full
    softmax's, closer for larger K (Bengio & Senécal 2008). All rows share the sample, so that their logits are one
    product; a row whose target is in the sample counts it as the target only. Gradients are `RowGradient`s.

    Parameters
    ----------
    weight, bias : Parameter
        Those of `SoftmaxCrossEntropy`.
    noise : Noise
        q.
    num_sampled : int
        K, draws per step.
    rng : Generator
        Draws the noise words.

    Attributes
    ----------
    full : bool
        Train on all outputs, as `SoftmaxCrossEntropy` does. False at first.

    Raises
    ------
    ValueError
        `num_sampled` is less than 1.
    """

    def __init__(
        self,
        weight: Parameter,
        bias: Parameter | None = None,
        *,
        noise: Noise,
        num_sampled: int,
        rng: np.random.Generator,
    ):
        super().__init__(weight, bias)
        if num_sampled < 1:
            raise ValueError(f"sampled softmax with {num_sampled} noise words: expected at least 1")
        self._noise, self._num_sampled, self.rng = noise, num_sampled, rng
        self.full = False

    def _add_gradients(self, hidden: np.ndarray, targets: np.ndarray, scale: float, d_hidden: np.ndarray) -> float:
        if self.full:
            return super()._add_gradients(hidden, targets, scale, d_hidden)
        drawn = np.unique(self._noise.sample(self.rng, self._num_sampled))
        rows = np.union1d(drawn, targets[targets >= 0])
        missed = self._num_sampled * np.log1p(-np.exp(self._noise.log_probability(rows)))  # log (1 - q)^K
        target_bias = (self._bias_value()[rows] - np.log(-np.expm1(missed))).astype(hidden.dtype)
        noise_bias = np.where(np.isin(rows, drawn), target_bias, hidden.dtype.type(-np.inf))

        weight = self._weight.value[rows]
        logits = product(hidden, weight.T)
        columns = np.where(targets >= 0, np.searchsorted(rows, targets), -1)
        losses, d_bias = _cross_entropy(logits, (noise_bias, target_bias), columns, scale)
        product(logits, weight, out=d_hidden)
        self._weight.add_gradient(RowGradient(rows, product(logits.T, hidden)))
        if self._bias is not None:
            self._bias.add_gradient(RowGradient(rows, d_bias))
        return float(losses.sum())


class AdaptiveSoftmax(OutputLoss):
    """Adaptive softmax (Grave et al. 2017): frequent words in the head, rarer ones in clusters of smaller dimension.

    P(w) = P_head(w) for the ``cutoffs[0]`` most frequent words, P_head(cluster) P_cluster(w) for the others. The logits
    of cluster i are W_i P_i a with P_i (H / divisor^i, H): `head` (cutoffs[0] + clusters, H), ``tail<i>_projection``,
    ``tail<i>_weight``. There are no biases, the default of torch's ``AdaptiveLogSoftmaxWithLoss``.

    Parameters
    ----------
    hidden_size, classes : int
        H and V; classes are ordered by falling frequency.
    cutoffs : sequence of int
        First class of each cluster, increasing, from 1 to V - 1.
    rng : Generator
        Draws the starting weights from U(-1/sqrt(inputs), 1/sqrt(inputs)).
    divisor : float
        The dimension of each cluster is that of the previous one divided by this.
    dtype : type
        float32 or float64.

    Attributes
    ----------
    cutoffs : list of int

    Raises
    ------
    ValueError
        `cutoffs` are not increasing numbers from 1 to V - 1.
    """

    def __init__(
        self,
        hidden_size: int,
        classes: int,
        cutoffs: Sequence[int],
        *,
        rng: np.random.Generator,
        divisor: float = 4.0,
        dtype: type = np.float32,
    ):
        bounds = [0, *cutoffs, classes]
        if not cutoffs or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"cutoffs {list(cutoffs)}: expected increasing numbers from 1 to {classes - 1} (V - 1)")
        self.classes, self.cutoffs, self._bounds = classes, list(cutoffs), bounds[1:]

        def drawn(outputs: int, inputs: int) -> Parameter:
            return Parameter(rng.uniform(-(inputs**-0.5), inputs**-0.5, (outputs, inputs)).astype(dtype))

        self._head = drawn(cutoffs[0] + len(cutoffs), hidden_size)
        self._tails: list[tuple[Parameter, Parameter]] = []
        for i, (first, last) in enumerate(pairwise(self._bounds), start=1):
            dimension = max(1, int(hidden_size // divisor**i))
            self._tails.append((drawn(dimension, hidden_size), drawn(last - first, dimension)))
        self.parameters = {"head": self._head}
        for i, (projection, weight) in enumerate(self._tails):
            self.parameters |= {f"tail{i}_projection": projection, f"tail{i}_weight": weight}

    def _head_targets(self, targets: np.ndarray) -> np.ndarray:
        """Return the class in the head: the word itself if it is frequent, else the class of its cluster."""
        cluster = np.searchsorted(self._bounds[:-1], targets, side="right")
        return np.where(cluster == 0, targets, self._bounds[0] + cluster - 1)

    def _members(self, targets: np.ndarray) -> Iterator[tuple[Parameter, Parameter, np.ndarray, np.ndarray]]:
        """Yield projection, weight, positions in `targets` and targets in the cluster, of each cluster with targets."""
        for (projection, weight), (first, last) in zip(self._tails, pairwise(self._bounds), strict=True):
            where = np.flatnonzero((targets >= first) & (targets < last))
            if where.size:
                yield projection, weight, where, targets[where] - first

    def _add_gradients(self, hidden: np.ndarray, targets: np.ndarray, scale: float, d_hidden: np.ndarray) -> float:
        total, d_head = _linear_cross_entropy(hidden, self._head, self._head_targets(targets), scale)
        d_hidden[:] = d_head
        for projection, weight, where, within in self._members(targets):
            inputs = hidden[where]
            loss, d_projected = _linear_cross_entropy(product(inputs, projection.value.T), weight, within, scale)
            total += loss
            projection.add_gradient(product(d_projected.T, inputs, out=projection.gradient_buffer()))
            d_hidden[where] += product(d_projected, projection.value)
        return total

    def log_likelihood(self, hidden: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return ln P(target | hidden); see `OutputLoss.log_likelihood`."""
        targets = self._checked(targets)
        total = _log_likelihood(hidden, self._head, self._head_targets(targets))
        for projection, weight, where, within in self._members(targets):
            total[where] += _log_likelihood(product(hidden[where], projection.value.T), weight, within)
        return total

    def log_probabilities(self, hidden: np.ndarray) -> np.ndarray:
        """Return ln P of all classes, (N, V): ln P_head(cluster) + ln P_cluster(w) for the rarer ones."""
        head = _log_softmax(hidden @ self._head.value.T)
        parts = [head[:, : self._bounds[0]]]
        for i, (projection, weight) in enumerate(self._tails):
            tail = _log_softmax(hidden @ projection.value.T @ weight.value.T)
            parts.append(tail + head[:, self._bounds[0] + i, None])
        return np.concatenate(parts, axis=1)


def _cross_entropy(
    logits: np.ndarray, biases: tuple[np.ndarray, np.ndarray], targets: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return losses (N,) float64 and ∂L/∂bias; replace `logits` by their gradient (`kernels.softmax_cross_entropy`)."""
    losses = np.zeros(len(logits))
    partial: dict[Rows, np.ndarray] = {}

    def work(rows: Rows) -> None:
        d_bias = np.zeros(logits.shape[1], logits.dtype)
        softmax_cross_entropy(logits, biases, targets, scale, losses, d_bias, rows)
        partial[rows] = d_bias

    over_rows(work, len(logits), cost=4 * logits.shape[1])
    in_order = [partial[rows] for rows in sorted(partial)]  # sums depend on the order, which threads do not keep
    return losses, np.sum(in_order, axis=0, dtype=logits.dtype)


def _logit_blocks(hidden: np.ndarray, weight: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the logits of one block of classes after the other, with its first class; the next may overwrite them."""
    size = min(_CLASSES_READ, len(weight))
    logits = np.empty((len(hidden), size), hidden.dtype)
    for first in range(0, len(weight), size):
        classes = weight[first : first + size]
        # an array of its own for the last block, whose rows are shorter
        block = logits if len(classes) == size else np.empty((len(hidden), len(classes)), hidden.dtype)
        yield first, np.matmul(hidden, classes.T, out=block)


def _log_likelihood_of_blocks(
    blocks: Iterable[tuple[int, np.ndarray]], bias: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """Return ln P(target) of each row, (N,) float64, from blocks of logits, which change; no gradient."""
    largest, found = np.full(len(targets), -np.inf, bias.dtype), np.zeros(len(targets), bias.dtype)
    totals = np.zeros(len(targets))
    for first, logits in blocks:
        add_exponentials(logits, bias[first : first + logits.shape[1]], first, targets, largest, totals, found)
    return np.asarray(found - largest - np.log(totals))


def _linear_cross_entropy(
    inputs: np.ndarray, weight: Parameter, targets: np.ndarray, scale: float
) -> tuple[float, np.ndarray]:
    """Return the sum of the losses of softmax(W x), and ∂/∂x; add to the gradient of W."""
    logits = product(inputs, weight.value.T)
    none = np.zeros(logits.shape[1], logits.dtype)
    losses, _ = _cross_entropy(logits, (none, none), targets, scale)
    weight.add_gradient(product(logits.T, inputs, out=weight.gradient_buffer()))
    return float(losses.sum()), product(logits, weight.value)


def _log_likelihood(inputs: np.ndarray, weight: Parameter, targets: np.ndarray) -> np.ndarray:
    return SoftmaxCrossEntropy(weight).log_likelihood(inputs, targets)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted: np.ndarray = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
