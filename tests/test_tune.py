"""Tuning: the search space, halves of evaluation sets, the order of trials, pruning, resuming, and what comes out."""

import itertools
import json
import math
import re
import tomllib
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import zipf
from embeddings.evaluation import Analogies, OddOneOut, WordPairs, read_evaluation_set
from embeddings.word2vec.config import Word2VecConfig
from pipelines.batch import jobs as batch_module
from pipelines.batch.jobs import FAILED, FINISHED
from pipelines.console.progress import LogProgress
from pipelines.settings.config import ConfigError, Setting, load_config
from pipelines.settings.run_config import load_run_config
from pipelines.tuning.metric import Metric, halves, read_metric
from pipelines.tuning.proposals import COMPLETE_BEFORE_PRUNING, Proposals
from pipelines.tuning.search_space import DEFAULT_VALUES, Choices, Range, ends_as_settings, read_search
from pipelines.tuning.trials import PRUNED, Trial, best_of, read_trials, write_trials
from pipelines.tuning.tuner import Search, TrialFailedError, TrialStoppedError, Tuner
from tests.command_line import fails, vecmill
from tests.conftest import REPOSITORY
from vecmill.errors import OutputError

pytest.importorskip("optuna")

SPACE = {"train.learning_rate": Range(0.01, 0.2), "train.window": Range(2, 12, whole=True)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return tmp_path


# ------------------------------------------------------------------------------------------------------- search space


def test_the_settings_that_are_searched_follow_from_the_metric():
    assert list(read_search([], Word2VecConfig(), by_held_out_loss=True)) == ["train.learning_rate", "train.epochs"]
    by_set = list(read_search([], Word2VecConfig(), by_held_out_loss=False))
    assert by_set == [
        f"train.{key}" for key in ("learning_rate", "window", "sample", "negative", "noise_exponent", "epochs")
    ]
    without_noise = read_search([], Word2VecConfig(hierarchical_softmax=True), by_held_out_loss=False)
    assert set(by_set) - set(without_noise) == {"train.negative", "train.noise_exponent"}


def test_a_search_names_settings_and_values():
    given = ["train.window = 3..8", "dimension", "noise-exponent=-0.5..1", "architecture=cbow,skip-gram"]
    assert read_search(given, Word2VecConfig(), by_held_out_loss=False) == {
        "train.window": Range(3, 8, whole=True),
        "train.dimension": DEFAULT_VALUES["dimension"],
        "train.noise_exponent": Range(-0.5, 1.0, logarithmic=False),
        "train.architecture": Choices(("cbow", "skip-gram")),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("windwo", "cannot search 'windwo'; did you mean 'window'"),
        ("window=5", r"--search window=5: expected two whole numbers, the lower one first, such as 2\.\.12"),
        ("window=2.5..4", "expected two whole numbers"),
        ("window=8..2", "expected two whole numbers, the lower one first"),
        ("sample=0..0.1", "must be above 0, since the scale is logarithmic"),
        ("learning_rate=nan..1", "expected two numbers"),
        ("architecture=cbow", "expected two or more different ones of skip-gram, cbow"),
        ("architecture=cbow,cbow", "expected two or more different ones"),
        ("architecture=cbow,glove", "expected two or more different ones"),
    ],
)
def test_a_search_that_cannot_be_read_says_what_was_expected(given, message):
    with pytest.raises(ConfigError, match=message):
        read_search([given], Word2VecConfig(), by_held_out_loss=False)


def test_a_search_names_each_setting_once():
    with pytest.raises(ConfigError, match="window is given twice"):
        read_search(["window", "train.window"], Word2VecConfig(), by_held_out_loss=False)


@pytest.mark.parametrize("key", ["window", "sample", "negative", "noise_exponent", "architecture"])
def test_held_out_losses_of_other_examples_are_not_compared(key):
    with pytest.raises(ConfigError, match=f"the held-out loss is another quantity with another {key}"):
        read_search([key], Word2VecConfig(), by_held_out_loss=True)


def test_proposed_numbers_have_few_digits_and_stay_in_their_range():
    assert Range(0.01, 0.2).rounded(0.0437219) == 0.0437
    assert Range(0.01234567, 0.2).rounded(0.01234567) == 0.01234567
    assert Range(2, 12000, whole=True).rounded(1234) == 1234
    assert [ends["train.window"].value for ends in ends_as_settings(SPACE)] == [2, 12]


# ------------------------------------------------------------------------------------------------ halves of a set


def test_the_halves_of_word_pairs_are_all_pairs_once():
    pairs = [(f"a{i}", f"b{i}") for i in range(41)]
    whole = WordPairs(name="mine", pairs=pairs, scores=[float(i) for i in range(41)])
    tune, test = halves(whole)
    assert (len(tune.pairs), len(test.pairs)) == (21, 20)
    assert {*zip(tune.pairs, tune.scores, strict=True), *zip(test.pairs, test.scores, strict=True)} == {
        *zip(whole.pairs, whole.scores, strict=True)
    }
    assert halves(whole) == (tune, test), "the test half is the same in every search"


def test_analogies_are_split_within_their_sections(tmp_path):
    sections = {f"s{i}": [(f"{j}", "b", "c", "d") for j in range(2 + i)] for i in range(3)}
    tune, test = halves(Analogies(name="mine", sections=sections))
    assert [len(part) for part in tune.sections.values()] == [1, 2, 2]
    assert [len(part) for part in test.sections.values()] == [1, 1, 2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([f"a{i} b{i} {i}" for i in range(19)], "19 items are too few"),
        (["cat", "dog", "", "stone"], "sets of topics cannot be split"),
    ],
)
def test_a_set_that_cannot_be_split_is_refused(lines, message, tmp_path):
    (tmp_path / "mine.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(ConfigError, match=message):
        read_metric(str(tmp_path / "mine.txt"), held_out=0.01)


@pytest.mark.parametrize(
    "lines",
    [
        [f"a{i},b {i},{i}" for i in range(30)],
        [f"a{i} {'fruit' if i % 2 else 'tool'}" for i in range(30)],
        [": one", *["a b c d", "e f g h"], ": two", *["i j k l", "m n o p"]],
    ],
    ids=["pairs", "categories", "analogies"],
)
def test_the_files_of_both_halves_are_read_as_the_set_was(lines, tmp_path):
    (tmp_path / "mine.txt").write_text("\n".join(lines) + "\n")
    metric = read_metric(str(tmp_path / "mine.txt"), held_out=0.01)
    metric.write(tmp_path)
    for half, part in zip(("tune", "test"), halves(read_evaluation_set(metric.source)), strict=True):
        path = metric.file(half, tmp_path)
        assert path.name == f"mine-{half}.tsv"
        assert replace(read_evaluation_set(path), name="mine") == part
    assert not isinstance(part, OddOneOut)


def test_without_held_out_text_there_is_no_held_out_loss():
    with pytest.raises(ConfigError, match=r"train\.held_out is 0"):
        read_metric("held-out", held_out=0)


# ------------------------------------------------------------------------------------------------------------ trials


def make_trial(number, score=None, short_score=None, status=FINISHED, **settings):
    settings = {"train.learning_rate": 0.05, "train.window": 5} | settings
    return Trial(number=number, status=status, settings=settings, score=score, short_score=short_score, seconds=1.5)


def test_trials_are_read_as_they_were_written(tmp_path):
    trials = [make_trial(0, 0.5, 0.4), make_trial(1, None, 0.1, PRUNED), make_trial(2, status=FAILED)]
    write_trials(trials, tmp_path / "trials.jsonl")
    assert read_trials(tmp_path / "trials.jsonl") == trials
    assert read_trials(tmp_path / "nowhere") == []
    (tmp_path / "trials.jsonl").write_text('{"number": 3}\n')
    with pytest.raises(OutputError, match="is no record of trials"):
        read_trials(tmp_path / "trials.jsonl")


WRONG_TRIALS = [
    {"number": 1},
    {"number": "0"},
    {"status": "done"},
    {"status": FAILED},
    {"score": None},
    {"score": float("nan")},
    {"score": "0.5"},
    {"short_score": float("inf")},
    {"seconds": -1},
    {"seconds": float("nan")},
    {"settings": []},
    {"settings": {"train.window": None}},
    {"reason": 5},
    {"more": 1},
]


@pytest.mark.parametrize("change", WRONG_TRIALS, ids=str)
def test_a_record_of_trials_with_other_values_is_refused(tmp_path, change):
    path = tmp_path / "trials.jsonl"
    path.write_text(json.dumps({**asdict(make_trial(0, 0.5, 0.4)), **change}) + "\n")
    with pytest.raises(OutputError, match=r"trials.jsonl is no record of trials"):
        read_trials(path)


def test_the_best_trial_is_the_first_of_the_best_finished_ones():
    trials = [make_trial(0, 0.5), make_trial(1, 0.7), make_trial(2, 0.7), make_trial(3, None, 0.9, PRUNED)]
    assert best_of(trials, minimize=False) is trials[1]
    assert best_of(trials, minimize=True) is trials[0]
    assert best_of(trials[3:], minimize=True) is None


def test_proposals_follow_from_the_seed_and_the_trials_alone():
    trials = [make_trial(i, 1 / (i + 1), 0.1, **{"train.window": 2 + i % 9}) for i in range(15)]
    for upto in (0, 1, 15):
        first, again = (Proposals(SPACE, minimize=True, seed=3).propose(trials[:upto]) for _ in range(2))
        assert first == again
        assert first != Proposals(SPACE, minimize=True, seed=4).propose(trials[:upto])
        assert all(first[name] in values for name, values in SPACE.items())


def test_proposals_come_near_to_what_was_good():
    draws = np.random.default_rng(0)
    trials = []
    for number in range(40):
        rate = float(f"{np.exp(draws.uniform(*np.log([0.01, 0.2]))):.3g}")
        trials.append(make_trial(number, abs(np.log(rate / 0.05)), 0.1, **{"train.learning_rate": rate}))
    proposed = [Proposals(SPACE, minimize=True, seed=seed).propose(trials)["train.learning_rate"] for seed in range(12)]
    assert 0.03 < np.median(proposed) < 0.08


def test_settings_of_the_user_may_lie_outside_of_the_search_space():
    outside = make_trial(0, 0.5, 0.4, **{"train.window": 99})
    assert 2 <= Proposals(SPACE, minimize=True, seed=1).propose([outside])["train.window"] <= 12


def test_a_trial_is_hopeless_if_it_is_worse_than_the_median_of_finished_ones():
    proposals = Proposals(SPACE, minimize=True, seed=1)
    trials = [make_trial(i, 0.5, score) for i, score in enumerate([1.0, 2.0, 3.0, 4.0, 5.0])]
    trials.append(make_trial(5, None, 9.0, PRUNED))
    assert proposals.is_hopeless(trials, 3.1)
    assert not proposals.is_hopeless(trials, 2.9)
    assert not proposals.is_hopeless(trials[: COMPLETE_BEFORE_PRUNING - 1], 99.0)
    assert Proposals(SPACE, minimize=False, seed=1).is_hopeless(trials, 2.9)


# ------------------------------------------------------------------------------------------------------------ search

# A stand-in for `vecmill run`: a loss that is lowest with learning rate 0.05, and falls with the epochs.
STAND_IN = """
import json, math, sys, tomllib
from pathlib import Path
run, settings, _, out = sys.argv[1:5]
train = tomllib.loads(Path(settings).read_text())["train"]
with open("made.txt", "a") as made:
    made.write(f"{Path(settings).stem} {train['epochs']}\\n")
if train["learning_rate"] > FAILS_ABOVE:
    print('{"level": "ERROR", "message": "it diverged"}', file=sys.stderr)
    sys.exit(1)
loss = 2 + math.log(train["learning_rate"] / 0.05) ** 2 + 1 / train["epochs"]
directory = Path(out) / "train-embeddings"
directory.mkdir(exist_ok=True)
(directory / "metrics.jsonl").write_text(json.dumps({"loss": 1, "held_out_loss": loss}) + "\\n")
"""


@pytest.fixture
def stand_in(folder, monkeypatch):
    def put(fails_above=1, first=""):
        code = first + STAND_IN.replace("FAILS_ABOVE", str(fails_above))
        monkeypatch.setattr(batch_module, "_PROGRAM", ["-S", "-c", code])

    monkeypatch.setattr(batch_module, "_POLL", 0.005)
    (folder / "text.txt").write_text("some words of a text\n")
    put()
    return put


def make_tuner(seed=1, space=None, **given):
    settings = {"corpus.source": "text.txt", "train.epochs": 6, "train.learning_rate": 0.2} | given
    search = Search(
        given={name: Setting(value, "test") for name, value in settings.items()},
        space={"train.learning_rate": Range(0.01, 0.2)} if space is None else space,
        metric=Metric(name="held-out"),
        seed=seed,
    )
    return Tuner(search, Path("out"))


def tune(most, **options):
    tuner = make_tuner(**options)
    tuner.run(1e6, most, LogProgress())
    return tuner


def without_times(trials):
    return [replace(trial, seconds=0) for trial in trials]


def test_the_first_trial_is_that_of_the_given_settings_and_the_best_is_not_worse(stand_in):
    tuner = tune(9)
    assert tuner.trials[0].settings == {"train.learning_rate": 0.2}
    assert tuner.best.score < tuner.trials[0].score
    assert [trial.number for trial in tuner.trials] == list(range(9))
    assert all(trial.seconds > 0 for trial in tuner.trials)


def test_trials_train_a_third_of_their_epochs_first_and_bad_ones_no_more(stand_in):
    tuner = tune(12)
    made = Path("made.txt").read_text().splitlines()
    assert made[:2] == ["trial-000-short 2", "trial-000 6"]
    pruned = [trial for trial in tuner.trials if trial.status == PRUNED]
    assert pruned
    for trial in tuner.trials:
        assert f"{trial.name}-short 2" in made
        assert (f"{trial.name} 6" in made) == (trial.status == FINISHED)
        assert (trial.score is None) == (trial.status == PRUNED)
    assert min(trial.short_score for trial in pruned) > tuner.best.short_score


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(stand_in, monkeypatch):
    whole = without_times(tune(8).trials)
    monkeypatch.setattr(batch_module, "_POLL", 0.01)
    Path("out").rename("whole")
    tune(3)
    tuner = make_tuner()
    monkeypatch.setattr(tuner, "_record", lambda trial: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        tuner.run(1e6, 8, LogProgress())
    assert without_times(make_tuner().trials) == whole[:3]
    assert without_times(tune(8).trials) == whole
    assert make_tuner().run(1e6, 8, LogProgress()) == 0


def test_the_time_left_is_that_of_the_trials_that_are_left(stand_in):
    shown = []

    class Shown:
        @contextmanager
        def task(self, title, total):
            yield lambda done, note, seconds_left, total: shown.append((done, seconds_left, total))

    tuner = make_tuner()
    tuner.run(1e6, 3, Shown())
    assert shown[0][1] > 1e5, "nothing is known before the first trial has ended"
    assert shown[-1][1] < 3 * tuner.seconds
    assert shown[-1][2] <= math.ceil(3 * tuner.seconds)


def test_the_budget_counts_earlier_trials(stand_in):
    tuner = make_tuner()
    assert tuner.run(1e-9, None, LogProgress()) == 1, "the trial that runs at the end of the budget is finished"
    assert make_tuner().run(tuner.seconds / 2, None, LogProgress()) == 0
    assert make_tuner().run(tuner.seconds * 1.01, None, LogProgress()) == 1


def test_the_vectors_of_the_first_and_the_best_trial_are_kept_and_the_settings_of_all(stand_in):
    tuner = tune(10)
    kept = {path.name for path in Path("out/trials").iterdir() if path.name.startswith("trial")}
    assert kept == {"trial-000", tuner.best.name}
    assert len(list(Path("out/trials/settings").glob("*.toml"))) >= 10
    assert len(list(Path("out/trials/logs").glob("*.jsonl"))) >= 10


@pytest.mark.parametrize("trials", [1, 5])
def test_vectors_that_a_stopped_search_could_not_remove_are_removed_by_the_same_command(stand_in, monkeypatch, trials):
    with monkeypatch.context() as stopped:
        stopped.setattr(Tuner, "_remove_vectors", lambda tuner: None)
        tune(trials)
    tuner = make_tuner()
    assert tuner.run(1e6, trials, LogProgress()) == 0
    kept = {path.name for path in Path("out/trials").iterdir() if path.name.startswith("trial")}
    assert kept == {"trial-000", tuner.best.name}


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(stand_in):
    stand_in(fails_above=0.15)
    tuner = tune(12, **{"train.learning_rate": 0.05})
    failed = [trial for trial in tuner.trials if trial.status == FAILED]
    assert failed
    assert {trial.reason for trial in failed} == {"it diverged"}
    assert tuner.best.status == FINISHED


def test_a_search_that_always_fails_ends_with_the_reason(stand_in):
    stand_in(fails_above=0.001)
    with pytest.raises(TrialFailedError, match="trial-000 failed: it diverged"):
        tune(5)
    stand_in(fails_above=0.05)
    with pytest.raises(TrialFailedError, match=r"trial-\d+ failed: it diverged"):
        tune(50, space={"train.learning_rate": Range(0.06, 0.2)}, **{"train.learning_rate": 0.05})
    assert [trial.status for trial in make_trials()][-2:] == [FAILED, FAILED]


# What the process of the second trial does instead of training, and what the search says of it.
FAULTS = {
    "killed": ("os.kill(os.getpid(), 9)", "killed by signal 9"),
    "told to stop": ("sys.exit(143)", "exit code 143"),
    "no room for its log": ("sys.exit(1)", "exit code 1"),
    "half a line in its log": ("""sys.stderr.write('{"level": "ERROR", "mess'); sys.exit(1)""", "exit code 1"),
    "full disk": (
        """print('{"level": "ERROR", "message": "no room", "transient": true}', file=sys.stderr); sys.exit(1)""",
        "no room",
    ),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("job", ["trial-001-short", "trial-001"])
def test_a_trial_that_the_system_failed_is_repeated_as_if_it_had_not_been(stand_in, fault, reason, job):
    whole = without_times(tune(4).trials)
    Path("out").rename("whole")
    stand_in(first=f"import os, sys\nif sys.argv[2].endswith('{job}.toml'): {fault}\n")
    Path("out/trials/logs").mkdir(parents=True)
    Path("out/tuning.json").write_text("{}")
    Path(f"out/trials/logs/{job}.jsonl").write_text('{"level": "ERROR", "message": "an error of before"}\n')
    with pytest.raises(TrialStoppedError, match=f"{job} was stopped, and the same command tries it again: {reason}"):
        tune(4)
    assert [trial.number for trial in make_trials()] == [0]
    stand_in()
    assert without_times(tune(4).trials) == whole


def test_a_trial_whose_directory_cannot_be_written_is_repeated(stand_in):
    tune(1)
    Path("out/trials/trial-001-short").write_text("a file in the way")
    with pytest.raises(TrialStoppedError, match="trial-001-short was stopped"):
        tune(2)
    Path("out/trials/trial-001-short").unlink()
    assert [trial.status for trial in tune(2).trials] == [FINISHED, FINISHED]


def make_trials():
    return read_trials(Path("out/trials.jsonl"))


def test_one_epoch_has_no_third(stand_in):
    tuner = tune(2, **{"train.epochs": 1})
    assert Path("made.txt").read_text().splitlines() == ["trial-000 1", "trial-001 1"]
    assert tuner.trials[0].short_score == tuner.trials[0].score


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "seed: 1 before, 2 now"),
        ({"train.epochs": 5}, r"given\.train\.epochs: 6 before, 5 now"),
        ({"space": {"train.learning_rate": Range(0.01, 0.3)}}, r"search\.train\.learning_rate: \[0.01, 0.2\] before"),
    ],
)
def test_trials_of_another_search_are_not_continued(stand_in, change, message):
    tune(1)
    with pytest.raises(OutputError, match=message):
        make_tuner(**change)
    make_tuner(**{"train.threads": 1})  # the number of threads is not part of a search


def test_a_directory_with_something_else_is_refused(stand_in):
    Path("out").mkdir()
    Path("out/notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"out contains notes\.txt and no search"):
        make_tuner()
    Path("out/notes.txt").unlink()
    Path("out").rmdir()
    Path("out").write_text("a file")
    with pytest.raises(OutputError, match="out is a file"):
        make_tuner()


# --------------------------------------------------------------------------------------------------------- the command


def test_real_trials_end_with_settings_that_training_and_runs_read(folder):
    zipf.write(folder / "text.txt", 0.03, types=200)
    common = [word for word, _ in Counter((folder / "text.txt").read_text().split()).most_common(41)]
    pairs = [f"{a} {b} {i}\n" for i, (a, b) in enumerate(itertools.pairwise(common))]
    (folder / "mine.tsv").write_text("".join(pairs))
    command = ["tune", "text.txt", "--out", "out", "--metric", "mine.tsv", "--search", "window", "--threads", 1]
    command += ["--set", "train.dimension=8", "--set", "train.epochs=3", "--trials", 2]
    result = vecmill(*command)
    assert result.exit_code == 0, result.output
    assert re.search(r"^trial +mine +seconds +window$", result.stdout, re.M)
    assert "2 trials in" in result.stdout
    assert re.search(
        r"On the other half of mine, which no trial has seen: best -?\d\.\d+, given -?\d\.\d+", result.stdout
    )
    ended = tomllib.loads(Path("out/best.toml").read_text())["train"]["window"] in (2, 12)
    assert ended == ("The best value of window is at an end of its range" in result.stdout)
    assert Path("out/trials.png").read_bytes()[:4] == b"\x89PNG"
    best = tomllib.loads(Path("out/best.toml").read_text())
    assert set(best) == {"corpus", "train"}
    assert load_config(Path("out/best.toml")).train.dimension == 8
    assert load_run_config(Path("out/best.toml")).embedding.train.window == best["train"]["window"]
    first = Path("out/trials/trial-000/evaluate/scores.json")
    assert json.loads(first.read_text())[0]["set"] == "mine-tune"
    assert "all unchanged" in vecmill("verify", "out").stdout
    assert re.search(r"^trial-000 +finished: score -?\d\.\d+ ", vecmill("status", "out").stdout, re.M)
    again = vecmill(*command, "--json")
    found = json.loads(again.stdout)
    assert [trial["status"] for trial in found["trials"]] == ["finished", "finished"]
    assert found["given"]["settings"] == {"train.window": 5}
    with (folder / "text.txt").open("a") as file:
        file.write("one more line\n")
    fails(1, "the text has changed", *command)


def test_the_status_of_a_search_is_that_of_its_trials(tmp_path):
    ended = [
        {"status": FINISHED, "score": 2.5, "short_score": 3.0},
        {"status": PRUNED, "short_score": 4.25},
        {"status": FAILED, "reason": "no score"},
    ]
    trials = [Trial(number=number, settings={}, seconds=2, **each) for number, each in enumerate(ended)]
    for folder in ("settings", "logs"):
        (tmp_path / "trials" / folder).mkdir(parents=True)
    for name in ("trial-000-short", "trial-000", "trial-001-short", "trial-003-short"):
        (tmp_path / "trials" / "settings" / f"{name}.toml").write_text("")
    (tmp_path / "tuning.json").write_text("{}")
    write_trials(trials, tmp_path / "trials.jsonl")
    found = json.loads(vecmill("status", tmp_path, "--json").stdout)["jobs"]
    assert [(job["job"], job["state"], job["detail"]) for job in found] == [
        ("trial-000", "finished", "score 2.5"),
        ("trial-001", "pruned", "score 4.25 after a third of its epochs"),
        ("trial-002", "failed", "no score"),
        ("trial-003-short", "never run", ""),
    ]
    (tmp_path / "trials.jsonl").write_text("{}\n")
    fails(1, "is no record of trials", "status", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], "--seed: seed is -1; expected 0 or more"),
        (["--budget", "soon"], "--budget: 'soon' is not a duration"),
        (["--budget", "0"], "--budget: 0 leaves no time"),
        (["--search", "windwo"], "cannot search 'windwo'"),
        (["--metric", "mine.tsv", "--search", "window=0..5"], "must be above 0"),
        (["--search", "epochs=1..2000000"], "epochs is 2000000; it must be from 1 to"),
        (["--set", "train.held_out=0"], r"train\.held_out is 0"),
    ],
)
def test_bad_options_are_usage_errors_before_anything_is_written(folder, arguments, message):
    (folder / "text.txt").write_text("some words of a text\n")
    (folder / "mine.tsv").write_text("".join(f"a{i} b{i} {i}\n" for i in range(30)))
    fails(2, message, "tune", "text.txt", "--out", "out", *arguments)
    assert not Path("out").exists()


def test_a_link_to_nothing_is_no_place_for_a_search(folder):
    (folder / "text.txt").write_text("some words of a text\n")
    (folder / "out").symlink_to("nothing")
    fails(1, "out is a link to nothing; remove it or choose another --out", "tune", "text.txt", "--out", "out")


def test_only_the_settings_of_word_vectors_are_taken_from_a_file(folder):
    text = '[corpus]\nsource = "nowhere.txt"\n[lm]\nenabled = true\n[export]\nformats = ["npz"]\n'
    (folder / "pipeline.toml").write_text(text)
    fails(1, "nowhere.txt", "tune", "--config", "pipeline.toml", "--out", "out")
    fails(1, "elsewhere.txt", "tune", "elsewhere.txt", "--config", "pipeline.toml", "--out", "out")


@pytest.mark.parametrize("content", ["<!doctype html>\n", '{"text": "one two"}\n'])
def test_a_text_that_cannot_be_used_is_one_error_and_leaves_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(content)
    fails(1, "trial-000 failed: ", "tune", "text.txt", "--out", "new/out", "--trials", 1, "--set", "train.epochs=1")
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]
