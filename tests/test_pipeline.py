"""The whole pipeline in one directory: what is asked for, what is skipped, what is made again, and why."""

import json
import shutil

import pytest

from corpora import Corpus, CorpusError
from embeddings import WordVectors
from pipelines.console.progress import LogProgress
from pipelines.pipeline import Selection, plan, run
from pipelines.running.run_directory import RunDirectory
from pipelines.settings.config import ConfigError, Setting
from pipelines.settings.run_config import build_run_config, load_run_config, read_run_config
from pipelines.stage_lists import run_stages
from vecmill.errors import OutputError

TEXT = "The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 40
VECTORS = ["fetch", "tokenize", "vocabulary", "encode", "train-embeddings"]
SPLIT_VECTORS = ["fetch", "tokenize", "split", "vocabulary", "encode", "train-embeddings"]


def make_config(source, **options):
    settings = {"corpus.source": str(source), "train.dimension": 8, "train.epochs": 1, "train.threads": 1}
    return build_run_config({name: Setting(value, name) for name, value in {**settings, **options}.items()})


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("king\tqueen\t9\ndog\tcat\t8\nking\tcat\t2\nhouse\tland\t5\n", encoding="utf-8")
    return path


def make(config, directory, **selection):
    return run(config, directory, LogProgress(), Selection(**selection)).made


def names(steps):
    return [step.stage for step in steps if step.reason]


def test_only_what_is_asked_for_is_a_stage(text, pairs):
    def stages(**options):
        return [stage.name for stage in run_stages(make_config(text, **options))]

    assert stages() == [*VECTORS, "report"]
    assert stages(**{"evaluate.data": [str(pairs)]}) == [*VECTORS, "evaluate", "report"]
    assert stages(**{"export.formats": ["npz"]}) == [*VECTORS, "export", "report"]
    assert stages(**{"lm_network.layers": 1}) == [*SPLIT_VECTORS, "train-lm", "report"]
    assert stages(**{"lm_network.layers": 1, "lm.enabled": False}) == [*VECTORS, "report"]


def test_everything_is_made_once_and_a_second_run_makes_nothing(text, pairs, tmp_path):
    config = make_config(
        text,
        **{"evaluate.data": [str(pairs)], "export.formats": ["glove", "npz"], "lm_network.hidden_size": 8},
    )
    directory = tmp_path / "run"
    made = make(config, directory)
    assert made == [*SPLIT_VECTORS, "evaluate", "export", "train-lm", "report"]
    assert json.loads((directory / "config.json").read_text()) == config.to_dict()
    assert read_run_config(directory / "config.json") == config
    assert sorted(path.name for path in (directory / "export").iterdir()) == ["glove.txt", "manifest.json", "npz.npz"]
    assert json.loads((directory / "evaluate" / "scores.json").read_text())[0]["set"] == "pairs"
    assert make(config, directory) == []
    assert names(plan(config, directory)) == []
    assert not [path for path in directory.iterdir() if path.suffix in (".partial", ".work")]


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"train.threads": 2}, []),
        ({"train.seed": 2}, ["train-embeddings", "evaluate", "report"]),
        ({"train.epochs": 2, "evaluate.data": []}, ["train-embeddings", "report"]),
        ({"vocabulary.min_count": 2}, ["vocabulary", "encode", "train-embeddings", "evaluate", "report"]),
    ],
)
def test_a_changed_setting_makes_again_only_what_may_depend_on_it(text, pairs, tmp_path, change, again):
    options = {"evaluate.data": [str(pairs)]}
    make(make_config(text, **options), tmp_path / "run")
    changed = make_config(text, **{**options, **change})
    planned = names(plan(changed, tmp_path / "run"))
    made = make(changed, tmp_path / "run")
    assert planned == again
    assert set(made) <= set(again)  # what comes out the same stops there
    assert bool(made) == bool(again)


def test_text_that_has_moved_is_the_same_text(text, tmp_path):
    make(make_config(text), tmp_path / "run")
    moved = tmp_path / "elsewhere" / "other-name.txt"
    moved.parent.mkdir()
    text.rename(moved)
    assert make(make_config(moved), tmp_path / "run") == ["fetch"]


def test_changed_text_is_noticed_whatever_its_time_stamp(text, tmp_path):
    make(make_config(text), tmp_path / "run")
    text.write_text(TEXT.replace("king", "duke"), encoding="utf-8")
    assert make(make_config(text), tmp_path / "run")[:2] == ["fetch", "tokenize"]
    assert "duke" in WordVectors.load(tmp_path / "run" / "train-embeddings")


def test_until_stops_there_and_the_next_run_goes_on(text, tmp_path):
    assert make(make_config(text), tmp_path / "run", until="encode") == VECTORS[:4]
    assert make(make_config(text), tmp_path / "run") == ["train-embeddings", "report"]


def test_force_makes_a_stage_and_all_that_depends_on_it(text, tmp_path):
    make(make_config(text), tmp_path / "run")
    steps = plan(make_config(text), tmp_path / "run", Selection(force=["encode"]))
    assert names(steps) == ["encode", "train-embeddings", "report"]
    assert make(make_config(text), tmp_path / "run", force=["encode"]) == ["encode", "train-embeddings", "report"]


@pytest.mark.parametrize(
    ("selection", "message"),
    [({"until": "encod"}, "did you mean 'encode'"), ({"force": ["train-lm"]}, "not part of this run")],
)
def test_a_stage_that_is_not_there_is_an_error(text, tmp_path, selection, message):
    with pytest.raises(ConfigError, match=message):
        make(make_config(text), tmp_path / "run", **selection)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokenizer.name": "fasst"}, "fasst"),
        ({"export.formats": ["glov"]}, "did you mean 'glove'"),
        ({"export.formats": ["glove"], "export.float16": True}, "float16"),
    ],
)
def test_what_cannot_work_is_said_before_anything_begins(text, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        make(make_config(text, **options), tmp_path / "run")
    assert not (tmp_path / "run" / "fetch").exists()


def test_evaluation_sets_are_missed_before_anything_begins(text, tmp_path):
    with pytest.raises(CorpusError, match="no-such-file"):
        make(make_config(text, **{"evaluate.data": ["no-such-file"]}), tmp_path / "run")
    assert not (tmp_path / "run" / "fetch").exists()


def test_text_that_can_be_read_once_only_is_refused():
    with pytest.raises(ConfigError, match=r"corpus\.source: '-' can be read only once"):
        make_config("-")


def test_a_plan_makes_nothing(text, tmp_path):
    steps = plan(make_config(text), tmp_path / "run")
    assert {step.reason for step in steps} == {"never run"}
    assert not (tmp_path / "run").exists()


def test_a_damaged_file_is_noticed_and_made_again(text, tmp_path, caplog):
    make(make_config(text), tmp_path / "run")
    path = tmp_path / "run" / "encode" / "train-ids-0.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert plan(make_config(text), tmp_path / "run")[3].reason == "train-ids-0.npy is damaged"
    caplog.set_level("INFO")
    assert make(make_config(text), tmp_path / "run") == ["encode"]
    assert "encode: running again: train-ids-0.npy is damaged" in caplog.text
    assert make(make_config(text), tmp_path / "run") == []


def test_a_directory_that_was_moved_or_copied_is_as_good(text, tmp_path):
    make(make_config(text), tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    (tmp_path / "run").rename(tmp_path / "moved")
    assert make(make_config(text), tmp_path / "copy") == []
    assert make(make_config(text), tmp_path / "moved") == []


def test_what_is_no_run_is_never_written_to(text, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    for directory, message in ((tmp_path / "mine", r"thesis\.tex"), (text, "is a file")):
        with pytest.raises(OutputError, match=message):
            make(make_config(text), directory)
        with pytest.raises(OutputError, match=message):
            plan(make_config(text), directory)


@pytest.mark.parametrize("left", [".lock", ".owner.json", "..owner.json.partial", ".config.json.partial"])
def test_a_run_begins_again_after_a_kill_in_its_first_moment(text, tmp_path, left):
    directory = tmp_path / "run"
    directory.mkdir()
    (directory / left).touch()
    make(make_config(text), directory)
    assert not list(directory.glob(".*.partial"))


def test_a_model_directory_is_no_run(text, tmp_path):
    make(make_config(text), tmp_path / "run")
    with pytest.raises(OutputError, match="single model or stage"):
        make(make_config(text), tmp_path / "run" / "train-embeddings")


def test_a_second_process_is_refused(text, tmp_path):
    with RunDirectory(tmp_path / "run"), pytest.raises(OutputError, match="is being written by process"):
        make(make_config(text), tmp_path / "run")


def test_settings_of_a_file_and_overrides(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('[export]\nformats = ["npz"]\n[lm]\nmin_count = 2\n')
    config = load_run_config(path, {"lm.min_count": Setting(3, "--set")})
    assert config.export.formats == ("npz",)
    assert config.lm is not None
    assert config.lm.lm.min_count == 3
    assert config.lm.tokenizer.punctuation


@pytest.mark.parametrize("kept", [True, False])
def test_the_language_model_decides_whether_punctuation_marks_are_tokens(tmp_path, kept):
    path = tmp_path / "a.toml"
    path.write_text(f"[tokenizer]\npunctuation = {str(not kept).lower()}\n[lm]\npunctuation = {str(kept).lower()}\n")
    tokenize = next(stage for stage in run_stages(load_run_config(path)) if stage.name == "tokenize")
    assert tokenize.settings["tokenizer"]["punctuation"] is kept


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[export]\nformats = 'npz'\n", r"a\.toml:2: formats must be a list of quoted strings, got 'npz'"),
        ("[export]\nformat = ['npz']\n", r"a\.toml:2: unknown key 'format' in \[export\]; did you mean 'formats'"),
        ("[evalute]\n", r"a\.toml:1: unknown section \[evalute\]; did you mean 'evaluate'"),
        ("[lm]\nenabled = 1\n", r"a\.toml:2: enabled must be true or false, got 1"),
        ("[output]\ndirectry = 'x'\n", "did you mean 'directory'"),
    ],
)
def test_mistakes_in_a_file_are_named_with_their_line(tmp_path, line, message):
    path = tmp_path / "a.toml"
    path.write_text(line)
    with pytest.raises(ConfigError, match=message):
        load_run_config(path)


@pytest.mark.parametrize("lm", [False, True])
def test_text_that_changes_while_it_is_read_is_refused(text, tmp_path, monkeypatch, lm):
    config = make_config(text, **{"lm.enabled": lm})

    def growing(corpus, *_):
        yield text.read_bytes()
        text.write_text(TEXT + "more\n", encoding="utf-8")

    monkeypatch.setattr(Corpus, "blocks", growing)
    with pytest.raises(CorpusError, match=r"text\.txt was changed while it was read"):
        make(config, tmp_path / "run", until="tokenize")
    assert not (tmp_path / "run" / "tokenize").exists()
