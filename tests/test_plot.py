"""The plot of a training."""

import json
import re

import numpy as np
import pytest

from embeddings import EmbeddingsError, Vocabulary
from pipelines.reports.training_metrics import read_metrics
from tests.command_line import fails, vecmill

EPOCHS = [
    {"epoch": number, "learning_rate": 0.025 - 0.005 * number, "loss": 3 / number, "held_out_loss": 4 / number}
    for number in (1, 2, 3)
]


@pytest.fixture
def model(tmp_path):
    directory = tmp_path / "a $model"
    directory.mkdir()
    words = ["the", "$money$", *(f"word{number}" for number in range(300))]
    Vocabulary.from_words(words, (10_000 // np.arange(1, 303)).tolist()).save(directory / "vocabulary.tsv")
    write(directory, EPOCHS)
    return directory


def write(directory, epochs):
    (directory / "metrics.jsonl").write_text("".join(json.dumps(epoch) + "\n" for epoch in epochs))


def drawn(model, out):
    """Text of the picture as SVG: all that is written in it."""
    result = vecmill("plot", model, "--out", out, "--force", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["epochs"] == read_metrics(model)
    return re.findall(r"<text[^>]*>([^<]+)</text>", out.read_text("utf-8"))


def test_the_picture_names_what_it_shows(model, tmp_path):
    pytest.importorskip("matplotlib")
    texts = drawn(model, tmp_path / "plot.svg")
    for expected in ("Loss per example", "Learning rate", "Words by frequency", "the", "word7", "1 / rank"):
        assert expected in texts
    assert "held out" in texts
    assert "1.333" in texts  # the last held-out loss
    first = (tmp_path / "plot.svg").read_bytes()
    drawn(model, tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_bytes() == first


def test_a_png_has_the_size_of_a_slide(model, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "plot.png"
    result = vecmill("plot", model, "--out", out)
    assert (result.exit_code, "3 epochs, 302 words" in result.stdout) == (0, True)
    header = out.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    assert int.from_bytes(header[16:20]) > 1800
    fails(1, "exists; add --force", "plot", model, "--out", out)


def test_one_epoch_without_held_out_text_is_plotted(model, tmp_path):
    pytest.importorskip("matplotlib")
    write(model, [{**EPOCHS[0], "held_out_loss": None}])
    texts = drawn(model, tmp_path / "plot.svg")
    assert "training" in texts
    assert "held out" not in texts


def test_damaged_metrics_are_named(model, tmp_path):
    named = {"epoch": 1, "learning_rate": 0.1, "loss": "2.5", "held_out_loss": None}
    for damaged in (b'{"epoch": 1}\n', b"\xff\x00\n", b"[" * 100_000, json.dumps(named).encode()):
        (model / "metrics.jsonl").write_bytes(damaged)
        with pytest.raises(EmbeddingsError, match="line 1 is not the record"):
            read_metrics(model)
    write(model, [])
    fails(1, "is empty", "plot", model, "--out", tmp_path / "p.png")
    (model / "metrics.jsonl").unlink()
    fails(1, "no metrics.jsonl", "plot", model, "--out", tmp_path / "p.png")
    fails(2, "must end in .png or .svg", "plot", model, "--out", tmp_path / "p.pdf")


def test_without_matplotlib_the_extra_is_named(model, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None)
    fails(1, r"pip install 'vecmill\[plot\]'", "plot", model, "--out", tmp_path / "p.png")


def test_a_language_model_is_named(model, tmp_path):
    (tmp_path / "lm").mkdir()
    (tmp_path / "lm" / "language_model.json").write_text("{}")
    with pytest.raises(EmbeddingsError, match="lm is a language model; its losses are in"):
        read_metrics(tmp_path / "lm")
