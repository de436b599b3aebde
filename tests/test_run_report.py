"""The report of a run: curves, and generated sentences that can be read."""

import re

import pytest

from pipelines.commands import PLACES
from pipelines.console.progress import make_progress
from pipelines.pipeline import run
from pipelines.reports.lm_report import SAMPLED_NOTE
from pipelines.reports.vectors_report import LOSS_NOTE
from pipelines.settings.config import Setting
from pipelines.settings.run_config import build_run_config
from pipelines.stages.lm_evaluation import can_be_read

TEXT = "the king and the queen rule the old land .\nthe dog and the cat sleep in the old house .\n" * 300


@pytest.fixture
def report(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text(TEXT, "utf-8")

    def make(**settings):
        given = {
            "corpus.source": str(text),
            "train.dimension": 8,
            "train.threads": 1,
            "train.held_out": 0.1,
            **settings,
        }
        config = build_run_config({name: Setting(value, "test") for name, value in given.items()})
        run(config, tmp_path / "run", make_progress())
        folder = tmp_path / "run" / "report"
        return (folder / "report.html").read_text("utf-8"), (folder / "report.md").read_text("utf-8"), folder

    return make


def test_a_report_has_the_curve_of_the_losses_and_says_why_they_differ(report):
    page, markdown, folder = report(**{"train.epochs": 2})
    assert page.count("<svg") == 1
    assert "held out" in page
    assert LOSS_NOTE in page
    assert "![Loss by epoch](training.svg)" in markdown
    assert (folder / "training.svg").read_text("utf-8").startswith("<svg")
    assert "Generated" not in page


def test_a_report_leads_to_the_map_and_other_pages_of_the_run(report):
    page, markdown, _ = report(**{"train.epochs": 1})
    named = re.findall(r"'vecmill (\w+) DIR'", markdown)
    assert named == re.findall(r"vecmill (\w+) DIR", page) == ["map", "plot", "serve"]
    assert set(named) <= set(PLACES)


def test_one_epoch_is_no_curve(report):
    page, _, folder = report(**{"train.epochs": 1})
    assert "<svg" not in page
    assert not (folder / "training.svg").exists()


@pytest.mark.parametrize(("output", "curves"), [("full", ["trained", "validation"]), ("sampled", ["validation"])])
def test_only_losses_that_compare_are_drawn_side_by_side(report, output, curves):
    network = {"lm_network.output": output, "lm_network.hidden_size": 8, "lm_network.layers": 1}
    page, _, folder = report(**{"train.epochs": 1, "lm_training.epochs": 2, **network})
    drawn = (folder / "language-model.svg").read_text("utf-8")
    assert [label for label in ("trained", "validation") if label in drawn] == curves
    assert (SAMPLED_NOTE in page) == (output == "sampled")


@pytest.mark.parametrize(
    ("sentence", "readable"),
    [
        ("the dog and the cat sleep .", True),
        ("dog cat .", False),  # short
        ("1 . the default is ' f ' .", False),  # signs
        ("3 4 5 6 7 8 9", False),
        ("the the the the the the", False),  # repetitions
        ("왕 과 여왕 이 옛 땅", True),
        (" ".join(f"{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(40)), False),  # cut
    ],
)
def test_generated_sentences_thatcan_be_read(sentence, readable):
    assert can_be_read(sentence.split()) is readable
