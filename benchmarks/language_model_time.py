"""Time from text to a perplexity, and quality at equal epochs, against the recipe of torch's word language model.

The recipe: LSTM of 2 x 200 with tied weights, dropout 0.2, batch 20, windows of 35 steps, SGD at a rate of 20 that is
quartered after a validation without improvement, gradients clipped to 0.25, full softmax.  Its time is that of training
and validation alone.  Ours is that of the command `train-lm`, from text to a finished model, word vectors included.
Both sides see the same tokens of the same vocabulary, and perplexity counts all of them.

python -m benchmarks.language_model_time [--text FOLDER] [--tokens 400000] [--epochs 3]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measuring
from benchmarks.language_models import WIKI, train_lm, write_slice
from embeddings import make_tokenizer, text_to_ids
from embeddings.networks.batching import PADDING, Columns, windows

PARTS = ("train", "valid", "test")
BATCH, STEPS, HIDDEN, DROPOUT, RATE, CLIP = 20, 35, 200, 0.2, 20.0, 0.25


def train_torch(file: Path, epochs: int) -> dict[str, Any]:
    """Train by the recipe; return the seconds, and perplexity on valid after each epoch and on test."""
    import torch
    from torch import nn

    torch.set_num_threads(2)
    torch.manual_seed(1)
    corpus = np.load(file)
    words, eos = int(corpus["words"]), int(corpus["eos"])
    embedding, network = nn.Embedding(words, HIDDEN), nn.LSTM(HIDDEN, HIDDEN, 2, dropout=DROPOUT)
    decoder, drop = nn.Linear(HIDDEN, words), nn.Dropout(DROPOUT)
    nn.init.uniform_(embedding.weight, -0.1, 0.1)
    nn.init.zeros_(decoder.bias)
    decoder.weight = embedding.weight
    model = nn.ModuleList([embedding, network, decoder, drop])

    def loss_of(inputs: np.ndarray, targets: np.ndarray, states: Any, reduction: str) -> tuple[Any, Any]:
        outputs, states = network(drop(embedding(torch.from_numpy(inputs))), states)
        logits, wanted = decoder(drop(outputs)).view(-1, words), torch.from_numpy(targets).view(-1)
        return nn.functional.cross_entropy(logits, wanted, ignore_index=PADDING, reduction=reduction), states

    def train_epoch(rate: float) -> None:
        model.train()
        states = None
        columns = Columns(corpus["train"], BATCH, eos)
        for rows in windows(columns.steps, STEPS):
            model.zero_grad()
            loss, states = loss_of(*columns.window(rows), states, "mean")
            states = tuple(state.detach() for state in states)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(parameter.grad, alpha=-rate)

    @torch.no_grad()
    def perplexity(ids: np.ndarray) -> float:
        model.eval()
        total, states = 0.0, None
        columns = Columns(ids, BATCH // 2, eos)
        for rows in windows(columns.steps, STEPS):
            loss, states = loss_of(*columns.window(rows), states, "sum")
            total += loss.item()
        return float(np.exp(total / len(ids)))

    valid: list[float] = []
    rate, best, started = RATE, {}, time.perf_counter()
    for _ in range(epochs):
        train_epoch(rate)
        valid.append(perplexity(corpus["valid"]))
        if valid[-1] == min(valid):
            best = {name: value.clone() for name, value in model.state_dict().items()}
        else:
            rate /= 4
    seconds = time.perf_counter() - started
    model.load_state_dict(best)
    return {"seconds": seconds, "valid": valid, "test": perplexity(corpus["test"])}


def main() -> None:
    """Train all sides one after the other and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, default=WIKI, help="folder of train.txt, valid.txt and test.txt")
    parser.add_argument("--tokens", type=int, default=400_000, help="of train.txt, from its beginning; 0 is all")
    parser.add_argument("--epochs", type=int, default=3, help="of the recipe")
    parser.add_argument("--torch", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.torch:
        print(json.dumps(train_torch(options.torch, options.epochs)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = write_slice(options.text, Path(name) / "text", options.tokens)
        blocks = {part: [(folder / f"{part}.txt").read_bytes()] for part in PARTS}
        tokenizer = make_tokenizer("whitespace", lowercase=False)  # the text is tokenized already
        vocabulary, corpus = text_to_ids(blocks, tokenizer, name, min_count=1, split=True)
        ids = Path(name) / "ids.npz"
        streams = {part: corpus.part(part).stream()[:] for part in PARTS}
        np.savez(ids, words=len(vocabulary), eos=vocabulary.id("<eos>"), **streams)
        theirs = measuring.run_alone(
            "benchmarks.language_model_time", "--torch", str(ids), "--epochs", str(options.epochs)
        )
        quick = train_lm(folder, Path(name) / "quick", "--epochs", "1")
        small = train_lm(folder, Path(name) / "small", "--preset", "small", "--epochs", str(options.epochs))
    epochs = f"{options.epochs} epochs"
    sides = {
        f"torch, the recipe, {epochs}": theirs,
        "vecmill, preset quick, 1 epoch": quick,
        f"vecmill, preset small, {epochs}": small,
    }
    rows = [
        {
            "training": side,
            "time": f"{found['seconds']:.0f} s",
            "valid perplexity": f"{min(found['valid']):.1f}",
            "test perplexity": f"{found['test']:.1f}",
        }
        for side, found in sides.items()
    ]
    reached = min(quick["valid"]) <= min(theirs["valid"])
    notes = [
        f"{options.text.name}: {len(streams['train']):,} tokens of training, {len(streams['valid']):,} of "
        f"validation, {len(streams['test']):,} of test, V = {len(vocabulary):,}; 2 threads each",
        f"quick {'reaches' if reached else 'DOES NOT REACH'} the recipe's validation perplexity, "
        f"{theirs['seconds'] / quick['seconds']:.1f} times as fast, from text, word vectors included; "
        "bar: 2 times",
        f"small at equal epochs: test perplexity {small['test'] / theirs['test']:.2f} of the recipe's; bar: at most 1",
    ]
    title = "Language model: time to a perplexity, and quality at equal epochs"
    file = "language_model_time" if options.tokens else "language_model_time_whole"
    measuring.write_results(file, title, rows, notes)


if __name__ == "__main__":
    main()
