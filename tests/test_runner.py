"""The runner: nothing done twice, nothing half done. Stages here write a file each."""

import logging

import pytest

from pipelines.console.progress import LogProgress
from pipelines.running.manifest import Manifest
from pipelines.running.runner import Runner
from pipelines.running.stage import Stage


class Recorder(Stage):
    """A stage that joins its inputs' texts and its own, and notes that it ran."""

    name = inputs = None

    def __init__(self, name, text, inputs=(), log=None, source="s"):
        self.name, self.text, self.inputs, self.log, self.source = name, text, inputs, log, source
        self.fail_with = None

    @property
    def settings(self):
        return {"text": self.text}

    def sources(self):
        return {} if self.inputs else {"source": self.source}

    def run(self, directory, context):
        self.log.append(self.name)
        assert list(directory.iterdir()) == []
        read = [(context.inputs[name] / "out.txt").read_text() for name in self.inputs]
        (directory / "out.txt").write_text(f"{self.name}:{self.text}({','.join(read)})")
        (context.checkpoint / "note.txt").write_text("half way")
        if self.fail_with:
            raise self.fail_with
        return {"letters": len(self.text)}


@pytest.fixture
def log():
    return []


def make_stages(log, **texts):
    texts = {"one": "1", "two": "2", "three": "3"} | texts
    return [
        Recorder("one", texts["one"], log=log),
        Recorder("two", texts["two"], ("one",), log=log),
        Recorder("three", texts["three"], ("one", "two"), log=log),
    ]


def run(root, stages):
    return Runner(root, stages, LogProgress()).run()


def test_stages_run_in_order_and_leave_complete_directories_only(tmp_path, log):
    run(tmp_path, make_stages(log))
    assert log == ["one", "two", "three"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "three", "two"]
    assert (tmp_path / "three" / "out.txt").read_text() == "three:3(one:1(),two:2(one:1()))"


def test_a_second_run_does_nothing_and_says_so(tmp_path, log, caplog):
    first = run(tmp_path, make_stages(log))
    log.clear()
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert run(tmp_path, make_stages(log)) == first
    assert log == []
    assert [record.getMessage() for record in caplog.records] == [
        f"{name}: unchanged, skipped" for name in ("one", "two", "three")
    ]


def test_a_changed_setting_reruns_only_what_depends_on_it(tmp_path, log):
    run(tmp_path, make_stages(log))
    log.clear()
    run(tmp_path, make_stages(log, two="other"))
    assert log == ["two", "three"]


def test_what_comes_out_the_same_stops_the_rerunning(tmp_path, log):
    stages = make_stages(log)
    run(tmp_path, stages)
    log.clear()
    stages[0].source = "changed, but read the same"
    run(tmp_path, stages)
    assert log == ["one"]


def test_a_rerun_names_the_reason(tmp_path, log, caplog):
    run(tmp_path, make_stages(log))
    with caplog.at_level(logging.INFO):
        run(tmp_path, make_stages(log, two="other"))
    assert "two: running again: text changed" in caplog.text
    assert "three: running again: two changed" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failed_stage_leaves_nothing_but_its_checkpoint_and_the_next_run_goes_on(tmp_path, log, error):
    stages = make_stages(log)
    stages[1].fail_with = error
    with pytest.raises(type(error)):
        run(tmp_path, stages)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[1:] == ["one"]
    assert names[0].startswith(".two.checkpoint-")
    log.clear()
    stages[1].fail_with = None
    run(tmp_path, stages)
    assert log == ["two", "three"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "three", "two"]


def test_a_checkpoint_is_there_again_for_the_same_stage_and_gone_for_another(tmp_path, log):
    stages = make_stages(log)
    stages[2].fail_with = KeyboardInterrupt()
    found = []

    class Looking(Recorder):
        def run(self, directory, context):
            found.append((context.checkpoint / "note.txt").exists())
            return super().run(directory, context)

    for text in ("3", "3", "other"):
        stages[2] = Looking("three", text, ("one", "two"), log=log)
        stages[2].fail_with = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, stages)
    assert found == [False, True, False]


def test_the_remains_of_a_killed_run_are_cleared(tmp_path, log):
    (tmp_path / ".one.partial").mkdir()
    (tmp_path / ".one.partial" / "half.txt").write_text("ha")
    run(tmp_path, make_stages(log))
    assert not (tmp_path / ".one.partial").exists()
    assert not (tmp_path / "one" / "half.txt").exists()


def test_the_record_of_progress_of_a_run_killed_at_its_very_end_is_cleared(tmp_path, log):
    run(tmp_path, make_stages(log))
    (tmp_path / ".one.progress.json").write_text("{}")
    run(tmp_path, make_stages(log))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "three", "two"]


@pytest.mark.parametrize("content", [None, "one:", "damaged!"])
def test_a_missing_or_cut_or_changed_file_is_noticed_and_made_again(tmp_path, log, content):
    expected = run(tmp_path, make_stages(log))["three"].digest
    (tmp_path / "one" / "out.txt").unlink()
    if content:
        (tmp_path / "one" / "out.txt").write_text(content[: len("one:1()")])
    (tmp_path / "three" / "out.txt").unlink()
    log.clear()
    assert run(tmp_path, make_stages(log))["three"].digest == expected
    assert log == ["one", "three"] if content != "damaged!" else sorted(log) == ["one", "three"]


def test_a_damaged_manifest_makes_its_stage_again(tmp_path, log, caplog):
    run(tmp_path, make_stages(log))
    (tmp_path / "two" / "manifest.json").write_text("{")
    log.clear()
    run(tmp_path, make_stages(log))
    assert log == ["two"]
    assert "manifest.json" in caplog.text


def test_manifests_carry_settings_summary_and_the_whole_history(tmp_path, log):
    manifests = run(tmp_path, make_stages(log))
    manifest = Manifest.read(tmp_path / "three")
    assert manifest == manifests["three"]
    assert manifest.provenance.settings == {"text": "3"}
    assert manifest.summary == {"letters": 1}
    assert list(manifest.history) == ["one", "two"]
    assert manifest.history["one"]["inputs"] == {"source": "s"}
    assert "history" not in manifest.history["two"]
