"""Trained models with a damaged file, or one of another model: refused in one line, not read as something else."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import vecmill as vecmill_api
from embeddings.errors import EmbeddingsError
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors import model_directory
from embeddings.vectors.word_vectors import WordVectors
from pipelines.running.manifest import Manifest, ManifestError
from tests.command_line import fails, vecmill
from tests.manifests import make_manifest
from tests.small_language_model import make_model
from tests.topics import ANIMALS, METALS, topic_lines
from tests.wrong_values import WRONG, replaced

SMALL = ["--dimension", 4, "--epochs", 1, "--min-count", 1, "--threads", 1]
KINDS = {
    "plain": [],
    "subwords": ["--subwords", "3-4", "--buckets", 50],
    "tree": ["--hierarchical-softmax"],
    "phrases": ["--phrases", 1, "--phrase-threshold", "0.1"],
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Word vectors of every kind, each trained with two seeds, and the text."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "text.txt").write_text("\n".join(topic_lines(200)))
    for kind, options in KINDS.items():
        for seed in (1, 2):
            command = ["train-embeddings", folder / "text.txt", "--out", folder / f"{kind}-{seed}", *SMALL]
            result = vecmill(*command, *options, "--seed", seed)
            assert result.exit_code == 0, result.output
    return folder


FILES = {
    "plain": ["vectors.npy", "context.npy", "vocabulary.tsv"],
    "subwords": ["vectors.npy", "ngram_buckets.npy", "ngram_vectors.npy", "subwords.json"],
    "tree": ["vectors.npy", "nodes.npy"],
    "phrases": ["phrases.tsv", "vocabulary.tsv"],
}


def flipped(path):
    """Flip the lowest bit of a byte in the middle, which leaves a number or a letter."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in FILES for name in FILES[kind]])
def test_a_file_with_a_flipped_bit_or_of_another_training_is_named(trained, tmp_path, kind, name):
    shutil.copytree(trained / f"{kind}-1", tmp_path / "model")
    assert vecmill("neighbors", tmp_path / "model", ANIMALS[0]).exit_code == 0
    flipped(tmp_path / "model" / name)
    fails(1, f"{name} is damaged or that of another model", "neighbors", tmp_path / "model", ANIMALS[0])
    with pytest.raises(EmbeddingsError, match=f"{name} is damaged"):
        vecmill_api.load(tmp_path / "model")
    other = (trained / f"{kind}-2" / name).read_bytes()
    if other != (trained / f"{kind}-1" / name).read_bytes():
        (tmp_path / "model" / name).write_bytes(other)
        fails(1, f"{name} is damaged or that of another model", "embed", tmp_path / "model", trained / "text.txt")


@pytest.mark.parametrize("damage", [lambda words: b"", lambda words: words[:-3], lambda words: words[::-1]])
def test_a_plot_is_not_drawn_of_damaged_counts(trained, tmp_path, damage):
    pytest.importorskip("matplotlib")
    shutil.copytree(trained / "plain-1", tmp_path / "model")
    words = tmp_path / "model" / "vocabulary.tsv"
    words.write_bytes(damage(words.read_bytes()))
    fails(
        1, "vocabulary.tsv is damaged or that of another model", "plot", tmp_path / "model", "--out", tmp_path / "a.png"
    )


def test_large_files_are_compared_by_their_size(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(model_directory, "LARGEST_COMPARED", 10)
    shutil.copytree(trained / "plain-1", tmp_path / "model")
    flipped(tmp_path / "model" / "vectors.npy")
    assert len(WordVectors.load(tmp_path / "model")) == len(ANIMALS + METALS)
    with (tmp_path / "model" / "vectors.npy").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(EmbeddingsError, match=r"vectors\.npy is damaged"):
        WordVectors.load(tmp_path / "model")


@pytest.mark.parametrize(("kind", "name"), [("phrases", "phrases.tsv"), ("subwords", "subwords.json")])
def test_what_decides_how_text_is_read_must_not_be_lost(trained, tmp_path, kind, name):
    shutil.copytree(trained / f"{kind}-1", tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    fails(1, f"model has lost its {name}", "embed", tmp_path / "model", trained / "text.txt")
    (tmp_path / "model" / "manifest.json").unlink()
    assert vecmill("neighbors", tmp_path / "model", ANIMALS[0]).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"[]", b'{"outputs"', b"\xff{}"])
def test_a_manifest_that_cannot_be_read_is_warned_of(trained, tmp_path, content):
    shutil.copytree(trained / "plain-1", tmp_path / "model")
    command = "neighbors", tmp_path / "model", ANIMALS[0]
    assert vecmill(*command).stderr == ""
    (tmp_path / "model" / "manifest.json").write_bytes(content)
    result = vecmill(*command)
    assert result.exit_code == 0
    assert "manifest.json is damaged or cannot be read: no file beside it is compared" in result.stderr


@pytest.mark.parametrize("name", ["vectors.npy", "metrics.jsonl", "vocabulary.tsv"])
def test_a_damaged_model_is_not_taken_for_finished(trained, tmp_path, name):
    shutil.copytree(trained / "plain-1", tmp_path / "model")
    command = ["train-embeddings", trained / "text.txt", "--out", tmp_path / "model", *SMALL, "--skip-finished"]
    assert "nothing to do" in vecmill(*command).stdout
    (tmp_path / "model" / name).write_bytes((tmp_path / "model" / name).read_bytes()[:20])
    fails(1, f"model is damaged: {name} .*add --force", *command)
    assert vecmill(*command, "--force").exit_code == 0


# --------------------------------------------------------------------------------------------------- language models


@pytest.fixture
def lm(tmp_path):
    make_model(dtype=np.float32).save(tmp_path / "lm")
    return tmp_path / "lm"


@pytest.mark.parametrize("name", ["vocabulary.tsv", "model.safetensors", "language_model.json"])
def test_files_of_a_trained_language_model_are_compared(lm, name):
    make_manifest(lm, stage="train-lm").write(lm)
    assert vecmill("generate", lm, "--seed", 1).exit_code == 0
    flipped(lm / name)
    fails(1, f"{name} is damaged or that of another model", "generate", lm)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_found(lm, number):
    arrays = load_file(lm / "model.safetensors")
    next(array for name, array in sorted(arrays.items()))[:] = number
    save_file(arrays, lm / "model.safetensors")
    fails(1, "holds what is no number", "generate", lm)


def test_a_record_that_is_nested_too_deep_or_needs_too_much_memory_is_one_line(lm):
    record = json.loads((lm / "language_model.json").read_text())
    (lm / "language_model.json").write_text("[" * 100_000)
    fails(1, "lm is damaged", "generate", lm)
    record["model"] |= {"dimension": 150, "tie_weights": False}
    (lm / "language_model.json").write_text(json.dumps(record))
    fails(1, "more weights than the file", "generate", lm)


# ----------------------------------------------------------------------------------------------------------- records


@pytest.mark.parametrize("command", ["status", "info", "verify"])
def test_records_of_a_model_with_other_values_are_one_line_or_the_rest_is_shown(trained, tmp_path, command):
    directory = shutil.copytree(trained / "plain-1", tmp_path / "model")
    record = json.loads((directory / "manifest.json").read_text())
    history = {name: {**stage, "libraries": {}, "settings": {}} for name, stage in record["history"].items()}
    for part in ("cost", "outputs", "history", "summary", "machine", "digest"):
        value = {name: history[name] for name in ("fetch", "encode")} if part == "history" else record[part]
        for variant in list(replaced(value))[:: 5 if part in ("history", "outputs") else 1]:
            (directory / "manifest.json").write_text(json.dumps({**record, part: variant}))
            result = vecmill(command, directory)
            assert "unexpected" not in result.stderr, (part, variant, result.stderr)
            assert result.stderr.count("error: ") <= 1


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_recorded_costs_and_sizes_have_their_types(tmp_path, wrong):
    (tmp_path / "out.txt").write_text("text")
    record = make_manifest(tmp_path).to_dict()
    for forged in ({"outputs": {"out.txt": {"bytes": wrong, "sha256": "x"}}}, {"cost": {"wall_seconds": wrong}}):
        try:
            found = Manifest.from_dict({**record, **forged})
        except ManifestError:
            continue
        assert sum(entry["bytes"] for entry in found.outputs.values()) / 1e6 >= 0
        assert isinstance(round(found.cost["wall_seconds"]) if "wall_seconds" in found.cost else 0, int)


@pytest.mark.parametrize("share", [*WRONG, 2, -0.5], ids=repr)
def test_a_record_of_progress_with_other_values_says_nothing(tmp_path, share):
    work = tmp_path / ".out.work"
    work.mkdir()
    config = {"corpus": {"source": "t"}, "train": {}, "tokenizer": {}, "vocabulary": {}}
    (work / "config.json").write_text(json.dumps(config))
    (work / ".train-embeddings.progress.json").write_text(json.dumps({"share": share, "checkpoint": share}))
    result = vecmill("status", tmp_path / "out")
    assert "unexpected" not in result.stderr, result.stderr


def test_vocabularies_of_two_models_of_one_size_are_told_apart(trained, tmp_path):
    """Without the hash, rows of one model would have the words of another."""
    directory = shutil.copytree(trained / "plain-1", tmp_path / "model")
    words = Vocabulary.load(directory / "vocabulary.tsv")
    Vocabulary.from_words([*words.words[1:], words.words[0]], words.counts).save(directory / "vocabulary.tsv")
    fails(1, r"vocabulary\.tsv is damaged or that of another model", "neighbors", directory, ANIMALS[0])
