"""What a recurrent network can remember: how gradients vanish through time, and what each kind of unit learns.

Three pictures, which docs/recurrent-networks.md explains, and their numbers. It needs Matplotlib (`pip install
'vecmill[plot]'`). Run with (about a minute)::

    python docs/examples/vanishing_gradient.py --out runs/figures
"""

import argparse
from pathlib import Path

import numpy as np

try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:
    raise SystemExit(f"the pictures need Matplotlib ({error}): pip install matplotlib") from error

from embeddings.networks import (
    ACTIVATIONS,
    Adam,
    Cell,
    DeepRNN,
    GRUCell,
    LSTMCell,
    Parameter,
    RepeatedVectors,
    RNNCell,
    SoftmaxCrossEntropy,
    clear_gradients,
)
from embeddings.networks.initializers import glorot_uniform, identity
from embeddings.vectors.training_plot import INK, PLOT_STYLE, SOFT

KINDS, NOISE, HIDDEN, BATCH = 4, 4, 32, 50
DELAYS = (5, 10, 20, 40, 80)
UNITS: dict[str, Cell] = {
    "sigmoid RNN": RNNCell(activation="sigmoid", recurrent_initializer=glorot_uniform),
    "tanh RNN": RNNCell(activation="tanh", recurrent_initializer=glorot_uniform),
    "ReLU RNN": RNNCell(activation="relu", recurrent_initializer=glorot_uniform),
    "tanh RNN, orthogonal": RNNCell(activation="tanh"),
    "ReLU RNN, identity": RNNCell(activation="relu", recurrent_initializer=identity),
    "GRU": GRUCell(),
    "LSTM": LSTMCell(),
    "LSTM, forget bias 3": LSTMCell(forget_bias=3.0),
}
COLOURS = dict(
    zip(UNITS, ["#b5534e", "#4c78a8", "#d9a441", "#4c78a8", "#d9a441", "#8c6bb1", "#3f8f6b", "#3f8f6b"], strict=True)
)
REMEDIES = ("tanh RNN, orthogonal", "ReLU RNN, identity", "LSTM, forget bias 3")


def task(rng: np.random.Generator, delay: int) -> tuple[RepeatedVectors, np.ndarray]:
    """Return sequences of ``delay`` + 1 one-hot vectors, and what is to be told at the end: the kind of the first."""
    ids = rng.integers(KINDS, KINDS + NOISE, (delay + 1, BATCH))
    ids[0] = rng.integers(0, KINDS, BATCH)
    return RepeatedVectors(np.eye(KINDS + NOISE, dtype=np.float32), ids), ids[0]


def network(cell: Cell, rng: np.random.Generator) -> DeepRNN:
    """Return one layer of ``cell``, as it starts."""
    return DeepRNN(cell, KINDS + NOISE, (HIDDEN,), rng=rng)


def gradient_norms(net: DeepRNN, rng: np.random.Generator, steps: int = 80) -> np.ndarray:
    """Return |∂L/∂a<T-k>| / |∂L/∂a<T>| for k = 0 to ``steps``, the geometric mean over a batch.

    L is a random direction of the last a<T>.  BPTT goes window by window, each of one step, so that the gradient of
    every state comes out; for the LSTM the state is h and c together.
    """
    inputs = task(rng, steps - 1)[0].dense()
    states = [None]
    for x in inputs:
        states.append(net.forward(x[None], states[-1])[1])
    gradient = [tuple(np.zeros_like(array) for array in states[-1][0])]
    gradient[0][0][:] = rng.standard_normal((BATCH, HIDDEN))
    nothing, norms = np.zeros((1, BATCH, HIDDEN), np.float32), [norm(gradient)]
    for x, state in zip(inputs[::-1], states[-2::-1], strict=True):
        net.forward(x[None], state)
        _, gradient = net.backward(nothing, gradient, input_gradient=False)
        norms.append(norm(gradient))
    logarithms = np.log(np.maximum(norms, 1e-30))
    return np.exp((logarithms - logarithms[0]).mean(axis=1))


def norm(gradient: list[tuple[np.ndarray, ...]]) -> np.ndarray:
    """Return the norm of the gradient of each sequence's state."""
    return np.sqrt(sum((array.astype(np.float64) ** 2).sum(axis=1) for array in gradient[0]))


def learn(cell: Cell, delay: int, seed: int, steps: int) -> tuple[DeepRNN, float]:
    """Train on the task; return the network and its accuracy on new sequences."""
    rng = np.random.default_rng(seed)
    net = network(cell, rng)
    weight = Parameter(glorot_uniform(rng, (KINDS, HIDDEN)).astype(np.float32))
    output = SoftmaxCrossEntropy(weight, Parameter(np.zeros(KINDS, np.float32)))
    parameters = {**net.parameters, **{f"output_{name}": p for name, p in output.parameters.items()}}
    optimizer = Adam(parameters, 0.005)
    for _ in range(steps):
        inputs, kinds = task(rng, delay)
        clear_gradients(parameters)
        outputs, _ = net.forward(inputs)
        d_outputs = np.zeros_like(outputs)
        _, d_outputs[-1] = output.value_and_gradient(outputs[-1], kinds)
        net.backward(d_outputs, input_gradient=False)
        optimizer.step(max_norm=1.0)
    right = []
    for _ in range(10):
        inputs, kinds = task(rng, delay)
        right.append(output.log_probabilities(net.forward(inputs)[0][-1]).argmax(axis=1) == kinds)
    return net, float(np.mean(right))


def plot_units(figure: Figure) -> None:
    """Draw g and g' of the three activations."""
    z = np.linspace(-6, 6, 241)
    for axes, (name, g) in zip(figure.subplots(1, 3), ACTIVATIONS.items(), strict=True):
        a = g(z)
        axes.plot(z, a, color=INK, linewidth=1.8)
        axes.plot(z, g.derivative(a), color="#b5534e", linewidth=1.8, linestyle=(0, (4, 2)))
        axes.set(title=f"{name}: g' ≤ {g.derivative(a).max():.2f}", xlabel="z", ylim=(-1.1, 1.6))
    figure.axes[0].annotate("a = g(z)", (1.0, 0.73), (-5.5, 1.1), color=INK)
    figure.axes[0].annotate("g'(z)", (0, 0.25), (-5.5, 0.35), color="#b5534e")


def plot_gradients(figure: Figure, curves: dict[str, dict[str, np.ndarray]]) -> None:
    """Draw the norm of the gradient by steps back in time, one panel a title."""
    for axes, (title, by_unit) in zip(figure.subplots(1, len(curves), sharey=True), curves.items(), strict=True):
        for name, norms in by_unit.items():
            style = "--" if name in REMEDIES else "-"
            axes.semilogy(norms, style, color=COLOURS[name], label=name, linewidth=1.8)
        axes.set(title=title, xlabel="steps back in time, k", ylim=(1e-12, 1e2))
    figure.axes[0].set_ylabel("|∂L/∂a<T-k>| / |∂L/∂a<T>|")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False)


def plot_memory(axes: Axes, accuracy: dict[str, list[float]]) -> None:
    """Draw a field for each unit and delay, the darker the better."""
    table = np.array(list(accuracy.values()))
    axes.imshow(table, cmap="Blues", vmin=1 / KINDS, vmax=1.2, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        axes.text(column, row, f"{value:.0%}", ha="center", va="center", color="white" if value > 0.75 else SOFT)
    axes.set_xticks(range(len(DELAYS)), [str(delay) for delay in DELAYS])
    axes.set_yticks(range(len(accuracy)), list(accuracy))
    axes.set(title="Right answers after training", xlabel="steps between the symbol and the question")
    axes.grid(visible=False)


def write_pictures(out: Path, curves: dict[str, dict[str, np.ndarray]], accuracy: dict[str, list[float]]) -> list[Path]:
    """Write units.png, vanishing-gradient.png and memory.png."""
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"{name}.png" for name in ("units", "vanishing-gradient", "memory")]
    with mpl.rc_context(PLOT_STYLE):
        units, gradients, memory = (
            Figure(figsize=size, layout="constrained") for size in ((9.5, 2.7), (11, 3.8), (7.5, 3.8))
        )
        plot_units(units)
        plot_gradients(gradients, curves)
        plot_memory(memory.subplots(), accuracy)
        for path, figure in zip(paths, (units, gradients, memory), strict=True):
            figure.savefig(path, dpi=90)
    return paths


def main() -> None:
    """Train each unit at each delay, print the accuracies and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/figures"), help="folder (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=200, help="training steps (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=2, help="trainings that accuracies are means of")
    options = parser.parse_args()
    print(f"{'':22}" + "".join(f"{delay:6}" for delay in DELAYS) + "   steps to remember")
    start, trained, accuracy = {}, {}, {}
    for name, cell in UNITS.items():
        fresh = [gradient_norms(network(cell, np.random.default_rng(i)), np.random.default_rng(1)) for i in range(10)]
        start[name] = np.exp(np.log(fresh).mean(axis=0))
        runs = [[learn(cell, delay, seed, options.steps) for delay in DELAYS] for seed in range(options.seeds)]
        trained[name] = gradient_norms(runs[0][DELAYS.index(20)][0], np.random.default_rng(1))
        accuracy[name] = np.mean([[right for _, right in run] for run in runs], axis=0).tolist()
        print(f"{name:22}" + "".join(f"{right:6.0%}" for right in accuracy[name]), flush=True)
    write_pictures(
        options.out, {"As networks start (mean of 10)": start, "Trained to remember 20 steps": trained}, accuracy
    )


if __name__ == "__main__":
    main()
