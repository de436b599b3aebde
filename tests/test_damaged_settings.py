"""A damaged setting in the config.json of a model is one line that names the model."""

import json

import pytest

import vecmill as vecmill_api
from tests.command_line import fails, vecmill

OPTIONS = ["--hierarchical-softmax", "--dimension", 4, "--epochs", 1, "--min-count", 1, "--threads", 1]


def test_a_damaged_setting_of_a_scorer_is_one_line(tmp_path):
    text, model = tmp_path / "text.txt", tmp_path / "model"
    text.write_text("the cat sat on the mat\na dog sat on a rug\n" * 20)
    assert vecmill("train-embeddings", text, "--out", model, *OPTIONS).exit_code == 0
    config = json.loads((model / "config.json").read_text())
    for damage in ({"windpw": 5}, {"window": -1}, {"dimension": "four"}):
        (model / "config.json").write_text(json.dumps({**config, "train": {**config["train"], **damage}}))
        fails(1, "model.* damaged", "score-sentences", model, text)
    for damage in (None, 5, "text", []):
        (model / "config.json").write_text(json.dumps({**config, "corpus": damage}))
        result = vecmill("info", model)
        assert result.exit_code == 0, result.output


def test_info_reads_a_model_whose_record_has_no_cost(tmp_path):
    text, model = tmp_path / "text.txt", tmp_path / "model"
    text.write_text("the cat sat on the mat\na dog sat on a rug\n" * 20)
    assert vecmill("train-embeddings", text, "--out", model, *OPTIONS).exit_code == 0
    record = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps({**record, "cost": {}}))
    result = vecmill("info", model)
    assert result.exit_code == 0, result.output


DAMAGED = [{"lowercase": True}, {"spec": "fast", "lowercasf": True}, {"spec": "fast", "normalize": 5}]


@pytest.mark.parametrize("settings", DAMAGED)
def test_a_damaged_tokenizer_of_a_language_model_is_one_line(settings, tmp_path):
    lm = vecmill_api.train_language_model(["the cat sat on the mat"] * 30, preset="quick", epochs=1, hidden_size=8)
    lm.save(tmp_path / "lm")
    record = json.loads((tmp_path / "lm" / "language_model.json").read_text())
    (tmp_path / "lm" / "language_model.json").write_text(json.dumps({**record, "tokenizer": settings}))
    (tmp_path / "text.txt").write_text("the cat\n")
    fails(1, "no usable tokenizer", "score", tmp_path / "lm", tmp_path / "text.txt")
