"""Cells that torch does not have, as the equations read, with gradients by torch."""


def cell_of_our_own(torch, cell, rounds, input_size, hidden_size, layers):
    """Return a module in the manner of torch.nn.LSTM: a minGRU, or an LSTM with rounds of a Mogrifier."""

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            rows = (2 if cell == "mingru" else 4) * hidden_size
            for layer, size in enumerate([input_size, *[hidden_size] * (layers - 1)]):
                shapes = {"weight_ih": (rows, size), "bias_ih": (rows,)}
                if cell == "lstm":
                    shapes |= {"weight_hh": (rows, hidden_size), "bias_hh": (rows,)}
                for i in range(1, rounds + 1):
                    shapes[f"mogrify_{i}"] = (size, hidden_size) if i % 2 else (hidden_size, size)
                for name, shape in shapes.items():
                    self.register_parameter(f"{name}_l{layer}", torch.nn.Parameter(torch.zeros(shape)))

        def forward(self, x):
            states = []
            for layer in range(layers):
                suffix = f"_l{layer}"
                w = {n.removesuffix(suffix): p for n, p in self.named_parameters() if n.endswith(suffix)}
                outputs, state = [], (torch.zeros(x.shape[1], hidden_size),) * 2
                for x_t in x:
                    state = step(w, x_t, *state)
                    outputs.append(state[0])
                x = torch.stack(outputs)
                states.append(state)
            return x, states

    def step(w, x, h, c):
        if cell == "mingru":
            z, n = (x @ w["weight_ih"].T + w["bias_ih"]).chunk(2, -1)
            return (1 - z.sigmoid()) * h + z.sigmoid() * n, c
        for i in range(1, rounds + 1):
            if i % 2:
                x = 2 * (h @ w[f"mogrify_{i}"].T).sigmoid() * x
            else:
                h = 2 * (x @ w[f"mogrify_{i}"].T).sigmoid() * h
        i, f, g, o = (x @ w["weight_ih"].T + h @ w["weight_hh"].T + w["bias_ih"] + w["bias_hh"]).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    return Network()
