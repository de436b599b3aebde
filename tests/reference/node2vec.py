"""node2vec (Grover & Leskovec 2016) in plain Python and float64, one walk after the other.

`step_probabilities` is equation 2 of the paper. `walk` proposes edges by alias tables and draws from the same random
stream as `embeddings.graphs.walk_kernels`, so that walks can be compared node by node.
"""

from tests.reference.word2vec import RandomStream

ALWAYS = 2**32 - 1


def adjacency(edges, directed=False):
    """Return {node: {neighbour: weight}} of (source, target, weight)."""
    graph = {}
    for source, target, weight in edges:
        for a, b in [(source, target)] if directed or source == target else [(source, target), (target, source)]:
            graph.setdefault(b, {})
            of = graph.setdefault(a, {})
            of[b] = of.get(b, 0.0) + weight
    return graph


def alpha(graph, p, q, before, target):
    """The search bias of a step to `target`, after one that came from `before`."""
    if target == before:
        return 1 / p
    return 1.0 if target in graph[before] else 1 / q


def step_probabilities(graph, p, q, before, node):
    """Return {target: probability} of a step from `node`, to which the walk came from `before`."""
    weights = {target: alpha(graph, p, q, before, target) * w for target, w in graph[node].items()}
    total = sum(weights.values())
    return {target: weight / total for target, weight in weights.items()}


def alias_table(weights):
    """Return thresholds, out of 2^32 - 1, and aliases of Vose's method (1991)."""
    share = [w / sum(weights) * len(weights) for w in weights]
    threshold, alias = [ALWAYS] * len(weights), list(range(len(weights)))
    small = [i for i, part in enumerate(share) if part < 1]
    large = [i for i, part in enumerate(share) if part >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        threshold[low], alias[low] = int(share[low] * ALWAYS), high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    return threshold, alias


def walk(graph, p, q, state, start, length, proposals):
    """Return one walk; nodes are numbers, and the edges of a node are in ascending order."""
    random, nodes = RandomStream(state), [start]
    weighted = any(weight != 1 for of in graph.values() for weight in of.values())
    largest = max(1 / p, 1, 1 / q)

    def uniform():
        return (random.bits() >> 11) / 2**53

    def proposed(targets, weights):
        place = random.below(len(targets))
        threshold, alias = alias_table(weights)
        if weighted and random.state & ALWAYS >= threshold[place]:
            place = alias[place]
        return targets[place]

    while len(nodes) < length and graph[nodes[-1]]:
        targets = sorted(graph[nodes[-1]])
        weights = [graph[nodes[-1]][target] for target in targets]
        if len(nodes) == 1 or p == q == 1:
            nodes.append(proposed(targets, weights))
            continue
        before = nodes[-2]
        for _ in range(proposals):
            target = proposed(targets, weights)
            if uniform() * largest < alpha(graph, p, q, before, target):
                break
        else:
            left = uniform() * sum(
                alpha(graph, p, q, before, target) * weight for target, weight in zip(targets, weights, strict=True)
            )
            for target, weight in zip(targets, weights, strict=True):
                left -= alpha(graph, p, q, before, target) * weight
                if left < 0:
                    break
        nodes.append(target)
    return nodes
