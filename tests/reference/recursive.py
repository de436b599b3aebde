"""Recursive networks as their equations read: one recursion for each tree, forwards and backwards.

A gradient comes out of the recursion as the functions return: ``value(tree)`` gives the vector of a node and a function
that takes ∂L/∂(vector) from above and passes it on to the children.
"""

import numpy as np
from nltk.tree import Tree

from tests.reference.recurrent import G1, sigmoid

G1_DERIVATIVE = {"sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a**2, "relu": lambda a: (a > 0) * 1.0}


def collapsed(tree):
    """A chain of single children is what stands at its end."""
    while isinstance(tree, Tree) and len(tree) == 1:
        tree = tree[0]
    return tree


def binary_children(tree):
    """The first child, and the others as a tree of their own."""
    first, *others = tree
    return [first, others[0] if len(others) == 1 else Tree("rest", others)]


class Recursion:
    """Vectors and gradients of one tree after the other; ``d_vectors`` and ``gradients`` add up.

    Nodes are visited children first, from left to right; ``outputs`` has their vectors, and ``weigh`` (a function of
    the number of the node) is ∂L/∂(vector).
    """

    def __init__(self, weights, word_vectors):
        self.w, self.word_vectors = weights, word_vectors
        self.gradients = {name: np.zeros_like(array) for name, array in weights.items()}
        self.d_vectors = np.zeros_like(word_vectors)
        self.words_seen = 0
        self.outputs = []

    def run(self, trees, weigh):
        for tree in trees:
            state, backward = self.node(tree)
            self.down(backward, np.zeros_like(state[0]), *[np.zeros_like(s) for s in state[1:]], weigh=weigh)

    def node(self, tree):
        tree = collapsed(tree)
        if isinstance(tree, str):
            word = self.words_seen
            self.words_seen += 1
            state, local = self.leaf(self.word_vectors[word])
            children, kind = [], ("leaf", word)
        else:
            children = [self.node(child) for child in self.children(tree)]
            state, local = self.inner([child for child, _ in children])
            kind = ("inner", None)
        number = len(self.outputs)
        self.outputs.append(state[0])
        return state, (number, kind, local, [backward for _, backward in children])

    def down(self, backward, d_h, *d_rest, weigh):
        number, (kind, word), local, children = backward
        d_below = local(d_h + weigh(number), *d_rest)
        if kind == "leaf":
            self.d_vectors[word] += d_below
        else:
            for child, d_child in zip(children, d_below, strict=True):
                self.down(child, *d_child, weigh=weigh)

    def add(self, name, d_z, x):
        self.gradients[name] += np.outer(d_z, x)

    children = staticmethod(binary_children)


class PlainRecursiveNN(Recursion):
    """p = g(W [c1; c2] + b)."""

    def __init__(self, weights, word_vectors, activation):
        super().__init__(weights, word_vectors)
        self.g, self.derivative = G1[activation], G1_DERIVATIVE[activation]

    def leaf(self, x):
        if "leaf_weight" not in self.w:
            return (x,), lambda d_p: d_p
        p = self.g(self.w["leaf_weight"] @ x + self.w["leaf_bias"])

        def backward(d_p):
            d_z = d_p * self.derivative(p)
            self.add("leaf_weight", d_z, x)
            self.gradients["leaf_bias"] += d_z
            return self.w["leaf_weight"].T @ d_z

        return (p,), backward

    def inner(self, children):
        pair = np.concatenate([p for (p,) in children])
        p = self.g(self.w["weight"] @ pair + self.w["bias"])

        def backward(d_p):
            d_z = d_p * self.derivative(p)
            self.add("weight", d_z, pair)
            self.gradients["bias"] += d_z
            return [(half,) for half in np.split(self.w["weight"].T @ d_z, 2)]

        return (p,), backward


class PlainTreeLSTM(Recursion):
    """Both kinds; they differ in s and in what the forget gates see."""

    def __init__(self, weights, word_vectors, child_sum):
        super().__init__(weights, word_vectors)
        self.child_sum = child_sum
        self.children = list if child_sum else binary_children

    def leaf(self, x):
        state, gates_backward = self.gates(self.w["weight_ih"] @ x, 0)

        def backward(d_h, d_c):
            d_z, _ = gates_backward(d_h, d_c)
            self.add("weight_ih", d_z, x)
            return self.w["weight_ih"].T @ d_z

        return state, backward

    def inner(self, children):
        hs, cs = zip(*children, strict=True)
        s = sum(hs) if self.child_sum else np.concatenate(hs)
        w_f = self.w["weight_f"]
        z_f = [w_f @ h for h in hs] if self.child_sum else np.split(w_f @ s, 2)
        f = [sigmoid(z + self.w["bias_f"]) for z in z_f]
        kept = sum(gate * c for gate, c in zip(f, cs, strict=True))
        state, gates_backward = self.gates(self.w["weight_hh"] @ s, kept)

        def backward(d_h, d_c):
            d_z, d_c = gates_backward(d_h, d_c)
            self.add("weight_hh", d_z, s)
            d_f = [d_c * c * gate * (1 - gate) for gate, c in zip(f, cs, strict=True)]
            self.gradients["bias_f"] += sum(d_f)
            d_s = self.w["weight_hh"].T @ d_z
            if self.child_sum:
                for d, h in zip(d_f, hs, strict=True):
                    self.add("weight_f", d, h)
                d_hs = [d_s + self.w["weight_f"].T @ d for d in d_f]
            else:
                self.add("weight_f", np.concatenate(d_f), s)
                d_hs = np.split(d_s + self.w["weight_f"].T @ np.concatenate(d_f), 2)
            return [(d, d_c * gate) for d, gate in zip(d_hs, f, strict=True)]

        return state, backward

    def gates(self, z, kept):
        z_i, z_o, z_u = np.split(z + self.w["bias"], 3)
        i, o, u = sigmoid(z_i), sigmoid(z_o), np.tanh(z_u)
        c = i * u + kept
        squashed = np.tanh(c)

        def backward(d_h, d_c):
            d_c = d_c + d_h * o * (1 - squashed**2)
            d_z = np.concatenate([d_c * u * i * (1 - i), d_h * squashed * o * (1 - o), d_c * i * (1 - u**2)])
            self.gradients["bias"] += d_z
            return d_z, d_c

        return (o * squashed, c), backward


def node_numbers(batch):
    """The numbers that a batch gives to the nodes, tree by tree and children first, as the recursion visits them."""
    below = {node: [] for node in range(batch.n_nodes)}
    for parent, child in zip(batch.parents, batch.children, strict=True):
        below[parent].append(child)

    def visit(node):
        for child in below[node]:
            yield from visit(child)
        yield node

    return [node for root in batch.roots for node in visit(root)]
