"""What trained embeddings buy a language model: perplexity after each epoch, E-initialised and random.

All models have the same seed, settings and text; only the starting point of E differs.

python -m benchmarks.language_model_start [--text FOLDER] [--tokens 400000] [--epochs 4] [--larger MODEL]
    [--settings "--preset small --dropout 0.2 --schedule plateau"]
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks import measuring
from benchmarks.language_models import WIKI, train_lm, write_slice


def main() -> None:
    """Train the models and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, default=WIKI, help="folder of train.txt, valid.txt and test.txt")
    parser.add_argument("--tokens", type=int, default=400_000, help="of train.txt, from its beginning; 0 is all")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--settings", default="--preset small --dropout 0.2 --schedule plateau", help="of train-lm")
    parser.add_argument("--larger", type=Path, help="also start from these vectors, trained on more text")
    options = parser.parse_args()
    settings = *options.settings.split(), "--epochs", str(options.epochs)
    with tempfile.TemporaryDirectory() as name:
        folder = write_slice(options.text, Path(name) / "text", options.tokens)
        models = {
            "E of the training part": train_lm(folder, Path(name) / "trained", *settings),
            "random": train_lm(folder, Path(name) / "random", "--embeddings", "none", *settings),
        }
        if options.larger:
            start = "--embeddings", str(options.larger)
            models["E of more text"] = train_lm(folder, Path(name) / "larger", *start, *settings)
    rows = [
        {
            "start of E": start,
            **{f"epoch {n}": f"{value:.1f}" for n, value in enumerate(model["valid"], start=1)},
            "test": f"{model['test']:.1f}",
        }
        for start, model in models.items()
    ]
    notes = [
        f"validation perplexity after each epoch, test perplexity at the end; {options.text.name}, "
        f"{options.tokens or 'all'} tokens of training; {options.settings}",
    ]
    measuring.write_results("language_model_start", "What the embeddings buy a language model", rows, notes)


if __name__ == "__main__":
    main()
