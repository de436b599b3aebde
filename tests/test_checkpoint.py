"""Checkpoints: whole or not there, and never wrong unnoticed."""

import numpy as np
import pytest

from embeddings import checkpoint
from embeddings.checkpoint import load_checkpoint, save_checkpoint
from vecmill.errors import OutputError

ARRAYS = {"embedding": np.arange(12, dtype=np.float32).reshape(3, 4), "counts": np.array([7, 8])}


def assert_arrays(found, expected):
    assert found.arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype


def test_what_was_saved_is_loaded(tmp_path):
    save_checkpoint(tmp_path / "run", ARRAYS, {"epoch": 3, "metrics": [{"loss": 0.5}]})
    found = load_checkpoint(tmp_path / "run")
    assert_arrays(found, ARRAYS)
    assert found.state == {"epoch": 3, "metrics": [{"loss": 0.5}]}


def test_there_is_none_before_the_first(tmp_path):
    assert load_checkpoint(tmp_path / "missing") is None
    assert load_checkpoint(tmp_path) is None


def test_only_the_newest_is_kept(tmp_path):
    for step in range(12):
        save_checkpoint(tmp_path, {"a": np.array([step])}, {"step": step})
    assert load_checkpoint(tmp_path).state == {"step": 11}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["embedding.npy", "counts.npy", "state.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_one_is_passed_over_and_named(tmp_path, caplog, name, damage):
    save_checkpoint(tmp_path, ARRAYS, {"step": 1})
    (file,) = tmp_path.glob(f"*/{name}")
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[-20] ^= 0x01
    file.write_bytes(content[: len(content) // 2] if damage == "cut" else content)
    if damage == "remove":
        file.unlink()
    assert load_checkpoint(tmp_path) is None
    assert name in caplog.text
    assert "damaged" in caplog.text


def test_a_changed_state_is_noticed(tmp_path):
    save_checkpoint(tmp_path, ARRAYS, {"position": 12345})
    (file,) = tmp_path.glob("*/state.json")
    file.write_text(file.read_text().replace("12345", "12346"))
    assert load_checkpoint(tmp_path) is None


def test_a_failure_while_writing_leaves_the_one_before(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, ARRAYS, {"step": 1})

    def no_space(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_array", no_space)
    with pytest.raises(OutputError, match="No space left on device"):
        save_checkpoint(tmp_path, ARRAYS, {"step": 2})
    monkeypatch.undo()
    assert load_checkpoint(tmp_path).state == {"step": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_objects_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Python objects"):
        save_checkpoint(tmp_path, {"a": np.array([{}])}, {})
    assert load_checkpoint(tmp_path) is None
