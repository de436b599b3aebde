"""Walks of node2vec beside fastnode2vec, on a generated graph: edges to walks, p = 1, q = 0.5.

Both propose a neighbour and accept it by its bias. fastnode2vec walks on one thread, a walk a call.

python -m benchmarks.walks_speed [--nodes 20000] [--degree 20] [--walks 5] [--length 40] [--threads 2] [--repeats 3]
"""

import argparse
from collections.abc import Callable
from statistics import median
from typing import Any

import fastnode2vec
import numpy as np

import vecmill
from benchmarks import measuring

P, Q = 1.0, 0.5
_NEAR = 0.005  # shares of steps back that are the same but for chance


def edges_of(nodes: int, degree: int) -> np.ndarray:
    """Edges whose ends are drawn by falling frequency, as in most graphs; (n, 2) int64."""
    generator = np.random.default_rng(1)
    chances = 1 / np.sqrt(np.arange(1, nodes + 1))
    pairs = generator.choice(nodes, (nodes * degree // 2, 2), p=chances / chances.sum())
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]]), axis=0)
    generator.shuffle(pairs)
    return pairs


def steps_back(walks: list[list[Any]]) -> float:
    """Return the share of steps that lead back to the node before the last one."""
    back = [first == third for walk in walks for first, third in zip(walk, walk[2:], strict=False)]
    return sum(back) / len(back)


def compared(case: str, edges: list[tuple[Any, ...]], options: argparse.Namespace) -> dict[str, str]:
    """Measure both sides from the list of edges to lists of nodes."""
    weighted = len(edges[0]) == 3
    found: dict[str, list[list[Any]]] = {}

    def ours(threads: int) -> Callable[[], None]:
        def walk() -> None:
            settings = {"p": P, "q": Q, "walks": options.walks, "length": options.length, "threads": threads}
            found["vecmill"] = list(vecmill.walks(edges, **settings))

        return walk

    def theirs() -> None:
        graph = fastnode2vec.Graph(edges, directed=False, weighted=weighted, verbose=False)
        found["fastnode2vec"] = [
            graph.generate_random_walk(options.length, P, Q, start)
            for _ in range(options.walks)
            for start in graph.node_names
        ]

    sides = {"one thread": ours(1), f"{options.threads} threads": ours(options.threads), "fastnode2vec": theirs}
    for run in sides.values():  # compile
        run()
    shares = {side: steps_back(walks) for side, walks in found.items()}
    if abs(shares["vecmill"] - shares["fastnode2vec"]) > _NEAR:
        raise AssertionError(f"the walks differ: steps back are {shares}")
    seconds, processors = measuring.take_turns_and_count(sides, options.repeats)
    times = {side: f"{median(seconds[side]):.2f} s ({median(processors[side]):.2f} s)" for side in sides}
    ratios = [measuring.ratio_of_medians(seconds[side], seconds["fastnode2vec"]) for side in list(sides)[:2]]
    return {"case": case, **times, "ratio": ", ".join(f"{ratio:.1f}×" for ratio in ratios)}


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in {"nodes": 20_000, "degree": 20, "walks": 5, "length": 40, "threads": 2, "repeats": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    pairs = edges_of(options.nodes, options.degree).tolist()
    weights = np.random.default_rng(2).integers(1, 10, len(pairs)).tolist()
    graphs = {
        "without weights": [(first, second) for first, second in pairs],
        "with weights": [(first, second, weight) for (first, second), weight in zip(pairs, weights, strict=True)],
    }
    rows = [
        compared(f"{options.nodes:,} nodes, {len(pairs):,} edges {what}", graph, options)
        for what, graph in graphs.items()
    ]
    notes = [
        f"p = {P:g}, q = {Q:g}, {options.walks} walks of {options.length} nodes from each node; from pairs in a list "
        f"to lists of nodes, the sides in turns, median of {options.repeats}; in brackets seconds of "
        "processor; both sides lead back equally often"
    ]
    measuring.write_results("walks_speed", "Walks of node2vec beside fastnode2vec", rows, notes)


if __name__ == "__main__":
    main()
