"""Progress that other processes can read, and which share of it a checkpoint holds."""

import pytest

from pipelines.console.progress import LogProgress
from pipelines.running import recorded_progress
from pipelines.running.recorded_progress import RecordedProgress
from vecmill.files import read_json


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Write every update down."""
    monkeypatch.setattr(recorded_progress, "_INTERVAL", 0.0)


@pytest.fixture
def checkpoints(tmp_path):
    path = tmp_path / "checkpoints"
    path.mkdir()
    return path


def test_the_share_done_is_written_down_and_forgotten_at_the_end(tmp_path, checkpoints):
    path = tmp_path / "progress.json"
    progress = RecordedProgress(LogProgress(), path, checkpoints)
    with progress.task("training", 200) as update:
        assert read_json(path)["share"] is None
        update(50, "fast")
        assert {**read_json(path), "at": None} == {
            "title": "training", "share": 0.25, "note": "fast", "at": None, "checkpoint": None,
        }  # fmt: skip
        update(300, total=400)
        assert read_json(path)["share"] == 0.75
    progress.forget()
    assert read_json(path) is None


def test_a_checkpoint_holds_at_least_what_was_done_before_it_was_seen(tmp_path, checkpoints):
    path = tmp_path / "progress.json"
    with RecordedProgress(LogProgress(), path, checkpoints).task("training", 100) as update:
        update(10)
        (checkpoints / "000000001").mkdir()
        (checkpoints / ".000000002.partial").mkdir()
        update(20)
        assert read_json(path)["checkpoint"] == 0.1
        update(30)
        assert read_json(path)["checkpoint"] == 0.1
    with RecordedProgress(LogProgress(), path, checkpoints).task("training", 100) as update:  # goes on
        update(12)
        assert read_json(path)["checkpoint"] == 0.1


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_record_is_none(tmp_path, content):
    (tmp_path / "progress.json").write_text(content)
    assert read_json(tmp_path / "progress.json") is None
