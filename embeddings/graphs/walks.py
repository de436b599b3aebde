"""Random walks of node2vec (Grover & Leskovec 2016), as sequences of nodes or as text."""

import re
from collections.abc import Iterator
from math import inf

import numpy as np

from embeddings import parallel
from embeddings.compilation import read_only
from embeddings.errors import EmbeddingsError
from embeddings.graphs import walk_kernels as kernels
from embeddings.graphs.graph import Graph
from embeddings.setting_types import require_number, require_type
from embeddings.threads import thread_count
from vecmill.surrogates import encoded

_NODES_AT_ONCE = 1 << 22  # of walks in memory
_NAMED_AT_ONCE = 512  # walks whose names are looked up together: they stay in the processor's cache
_SEPARATES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")  # as the tokenizer whitespace has it
_LEAST = 1e-300  # p and q: their inverses are finite
_STEP_COST = 64  # element operations that a step takes as long as
_GOLDEN, _FIRST, _SECOND = (np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def require_walk_settings(*, p: float, q: float, walks: int, length: int, seed: int, threads: int | None) -> None:
    """Check the settings of `Walks`, which can be done before a graph is read.

    Parameters
    ----------
    p, q : float
    walks, length, seed : int
    threads : int, optional

    Raises
    ------
    ValueError, TypeError
        A setting is out of range or of another type.
    """
    for name, value in {"p": p, "q": q}.items():
        if not _LEAST <= require_type(name, value, float) < inf:
            raise ValueError(f"{name} is {value}; expected a number above 0, {_LEAST:g} or more")
    for name, number, least in (("walks", walks, 1), ("length", length, 1), ("seed", seed, 0)):
        require_number(name, number, least)
    if threads is not None:
        thread_count(threads)


class Walks:
    """Walks over a graph, some from every node; an iterable of lists of names that `vecmill.train` takes.

    The walks are the same in every iteration and for any number of threads: each has random numbers of its own. A walk
    ends early at a node that no edge leaves.

    Parameters
    ----------
    graph : Graph
    p : float
        Return parameter: the larger, the less often a walk goes back to the node that it came from.
    q : float
        In-out parameter: above 1 walks stay near their start, below 1 they move away from it.
    walks : int
        Walks from each node.
    length : int
        Nodes of a walk.
    seed : int
        Of all draws, and of the order of the walks.
    threads : int, optional
        Default: all processors that this process may use.

    Raises
    ------
    ValueError, TypeError
        A setting is out of range or of another type.

    Examples
    --------
    >>> from embeddings.graphs import edges_of_pairs
    >>> graph = Graph.from_edges(edges_of_pairs([("a", "b"), ("b", "c")]))
    >>> walks = Walks(graph, walks=2, length=5)
    >>> len(walks), [len(walk) for walk in walks]
    (6, [5, 5, 5, 5, 5, 5])
    """

    def __init__(
        self,
        graph: Graph,
        *,
        p: float = 1.0,
        q: float = 1.0,
        walks: int = 10,
        length: int = 80,
        seed: int = 1,
        threads: int | None = None,
    ) -> None:
        require_walk_settings(p=p, q=q, walks=walks, length=length, seed=seed, threads=threads)
        length, walks = int(length), int(walks)  # NumPy's small integers would overflow
        self.graph, self._rounds, self._length, self._threads = graph, walks, length, threads
        self._seed = seed
        self._bias = kernels.Bias(1 / p, 1 / q, max(1 / p, 1.0, 1 / q))
        self._rows = _rows(graph, threads)

    def __len__(self) -> int:
        return self._rounds * len(self.graph)

    def __iter__(self) -> Iterator[list[str]]:
        names = np.array([*self.graph.names, ""], object)  # the last one stands for the end of a walk
        for block in self.blocks():
            for start in range(0, len(block), _NAMED_AT_ONCE):
                piece = block[start : start + _NAMED_AT_ONCE]
                for walk, nodes in zip(names[piece].tolist(), (piece >= 0).sum(axis=1).tolist(), strict=True):
                    yield walk if nodes == len(walk) else walk[:nodes]

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield walks in random order, a round from all nodes after the other.

        Yields
        ------
        (n, length) int32
            Nodes; -1 after the end of a walk.
        """
        at_once = max(1, _NODES_AT_ONCE // self._length)
        seed, nodes = np.random.SeedSequence(self._seed), len(self.graph)
        key = seed.generate_state(1, np.uint64)[0]
        for number, of_round in enumerate(seed.spawn(self._rounds)):
            order = np.random.default_rng(of_round).permutation(nodes).astype(np.int32)
            for start in range(0, nodes, at_once):
                starts = order[start : start + at_once]
                yield self._walk(starts, random_states(key, starts.astype(np.uint64) + np.uint64(number * nodes)))

    def text(self) -> Iterator[bytes]:
        """Yield the walks as lines of names with spaces between them, which ``--tokenizer whitespace`` reads.

        Yields
        ------
        bytes

        Raises
        ------
        EmbeddingsError
            The name of a node has white space or a control character.
        """
        names = self.graph.names
        if spaced := next(filter(_SEPARATES.search, names), None):
            raise EmbeddingsError(
                f"the node {spaced[:60]!r} has white space or a control character, which separates nodes in a text; "
                "replace it, as by _, or train in Python: vecmill.train(vecmill.walks(...))"
            )
        found = [encoded(name) for name in names]
        letters = read_only(np.frombuffer(b"".join(found), np.uint8))
        ends = np.concatenate([[0], np.cumsum([len(name) for name in found], dtype=np.int64)])
        for block in self.blocks():
            yield self._text(block, letters, ends)

    def _walk(self, starts: np.ndarray, states: np.ndarray) -> np.ndarray:
        walks = np.empty((len(starts), self._length), np.int32)

        def take(rows: parallel.Rows) -> None:
            part = slice(*rows)
            kernels.walk(self._rows, self._bias, states[part], starts[part], walks[part])

        with parallel.threads_or_context(self._threads):
            parallel.over_rows(take, len(walks), cost=_STEP_COST * self._length, pieces=4)
        return walks

    def _text(self, block: np.ndarray, letters: np.ndarray, ends: np.ndarray) -> bytes:
        sizes = np.empty(len(block), np.int64)
        kernels.text_sizes(block, ends, sizes)
        places = np.concatenate([[0], np.cumsum(sizes)])
        text = np.empty(places[-1], np.uint8)

        def write(rows: parallel.Rows) -> None:
            part = slice(*rows)
            kernels.write_text(block[part], letters, ends, places[part], text)

        with parallel.threads_or_context(self._threads):
            parallel.over_rows(write, len(block), cost=_STEP_COST * self._length)
        return text.tobytes()


def random_states(key: np.uint64, numbers: np.ndarray) -> np.ndarray:
    """Return a state for each number: SplitMix64 (Steele, Lea & Flood 2014).

    Parameters
    ----------
    key : uint64
    numbers : (n,) uint64

    Returns
    -------
    (n,) uint64
        None of them is 0, from which xorshift does not get away.
    """
    states = key + (numbers + np.uint64(1)) * _GOLDEN
    states = (states ^ (states >> np.uint64(30))) * _FIRST
    states = (states ^ (states >> np.uint64(27))) * _SECOND
    states ^= states >> np.uint64(31)
    return np.where(states == 0, _GOLDEN, states)


def _rows(graph: Graph, threads: int | None) -> kernels.Rows:
    """Return the arrays that the kernels read; with weights, alias tables of all nodes."""
    if graph.weights is None:
        empty = np.empty(0)
        return kernels.Rows(graph.offsets, graph.targets, empty, empty.astype(np.uint32), empty.astype(np.int32))
    offsets, weights = graph.offsets, graph.weights
    threshold, alias = np.empty(len(weights), np.uint32), np.empty(len(weights), np.int32)

    def fill(nodes: parallel.Rows) -> None:
        kernels.fill_alias_tables(offsets, weights, *nodes, threshold, alias)

    with parallel.threads_or_context(threads):
        parallel.over_rows(fill, len(graph), cost=max(1, 8 * len(weights) // len(graph)), pieces=4)
    return kernels.Rows(offsets, graph.targets, weights, threshold, alias)
