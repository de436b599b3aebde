"""What holds for every command there is: help with an example, exit codes, imports, completion, logs as JSON."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from embeddings.language_model.training_config import Schedule
from pipelines.cli import load_command
from pipelines.commands import ALIASES, OTHER_NAMES, PLACES, summary
from pipelines.console.logs import configure_logging
from pipelines.console.progress import LogProgress
from tests.command_line import fails, vecmill

SUMMARIES = {name: summary(name) for name in PLACES}
SUBCOMMANDS = ["corpora list", "corpora fetch", "corpora info"]
SLOW = ("numba", "scipy", "pandas", "pyarrow", "nltk", "matplotlib", "torch")
SCRIPT = Path(sys.executable).with_name("vecmill")

# Arguments with which each command must fail: exit code 1, one line, nothing on stdout. NOWHERE does not exist.
FAILING = {
    "demo": ["NOWHERE", "--out", "OUT"],
    "init": ["--out", "NOWHERE/pipeline.toml"],
    "run": ["NOWHERE.toml"],
    "batch": ["NOWHERE.toml"],
    "tune": ["NOWHERE", "--out", "OUT"],
    "status": ["NOWHERE"],
    "verify": ["NOWHERE"],
    "info": ["NOWHERE"],
    "train-embeddings": ["NOWHERE", "--out", "OUT"],
    "train-count-based": ["NOWHERE", "--out", "OUT"],
    "train-glove": ["NOWHERE", "--out", "OUT"],
    "train-documents": ["NOWHERE", "--out", "OUT"],
    "walks": ["NOWHERE", "--out", "OUT"],
    "phrases": ["NOWHERE"],
    "corpora": ["info", "nowhere"],
    "neighbors": ["NOWHERE", "word"],
    "analogy": ["NOWHERE", "a", "b", "c"],
    "vector": ["NOWHERE", "word"],
    "embed": ["NOWHERE", "--out", "OUT.npy"],
    "search": ["NOWHERE", "NOWHERE", "a query"],
    "infer": ["NOWHERE"],
    "score-sentences": ["NOWHERE"],
    "evaluate": ["NOWHERE", "--data", "NOWHERE"],
    "compare": ["NOWHERE", "NOWHERE", "--data", __file__],  # the catalog may have to be downloaded
    "align": ["NOWHERE", "NOWHERE"],
    "probe": ["NOWHERE", "--out", "OUT"],
    "serve": ["NOWHERE"],
    "map": ["NOWHERE", "--out", "OUT.html"],
    "plot": ["NOWHERE", "--out", "OUT.png"],
    "export": ["NOWHERE", "--format", "glove", "--out", "OUT"],
    "convert": ["NOWHERE.bin", "OUT.txt"],
    "train-lm": ["NOWHERE", "--out", "OUT"],
    "ngram": ["NOWHERE", "--out", "OUT"],
    "tune-lm": ["NOWHERE", "NOWHERE"],
    "perplexity": ["NOWHERE", "NOWHERE"],
    "score": ["NOWHERE"],
    "generate": ["NOWHERE"],
    "export-lm": ["NOWHERE", "--out", "OUT"],
}
USAGE_INSTEAD = {"run", "batch"}  # a settings file that cannot be read is a usage error


@pytest.mark.parametrize("command", [*SUMMARIES, *SUBCOMMANDS])
def test_help_says_what_it_does_and_gives_an_example_that_is_understood(command):
    result = vecmill(*command.split(), "--help")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    if command in SUMMARIES:
        assert SUMMARIES[command].rstrip(".") in text, "the list of commands shows the first line of their help"
    example = re.search(rf"Example: vecmill ({command}.*?)(?: [<|>&]+ | Arguments:| Options:|$)", text)
    assert example, f"'vecmill {command} --help' has no example"
    for word in shlex.split(example[1]):
        assert not word.startswith("--") or word in text[example.end() :], f"{word} is no option of {command}"


METAVARS = {  # of arguments and of options that name a file, by what they stand for
    "CORPUS", "CORPUS...", "MODEL", "MODEL...", "LM", "DIR", "FILE", "FILE...", "FILE.toml", "NAME", "STAGE", "WORD...",
    "A B C", "OUT", "N", "X", "TEXT", "NUMBERS", "FOLDER", "SECTION.KEY=VALUE",
}  # fmt: skip


@pytest.mark.parametrize("command", [*SUMMARIES, *SUBCOMMANDS])
def test_one_thing_has_one_name_in_every_help(command):
    found = load_command(command.split()[0])
    found = getattr(found, "commands", {}).get(command.split()[-1], found)
    for parameter in found.params:
        metavar = "" if getattr(parameter, "is_flag", False) else parameter.metavar or ""
        assert set(filter(None, [metavar])) <= METAVARS or "|" in metavar, (parameter.name, metavar)
        if parameter.name == "model":
            assert metavar in ("MODEL", "LM")
        if parameter.name == "out":
            assert {"--out", "-o"} == set(parameter.opts)
            assert metavar.partition(".")[0] in ("DIR", "FILE")
    shown = vecmill(*command.split(), "--help").stdout
    assert not re.search(r"\{|<(int|float|str|path|bool)\b", shown.partition("Options:")[2])


@pytest.mark.parametrize("command", [*SUMMARIES, *SUBCOMMANDS])
def test_every_result_is_also_printed_as_json(command):
    if command != "corpora":  # which prints its help
        assert "--json" in vecmill(*command.split(), "--help").stdout


@pytest.mark.parametrize("command", [*SUMMARIES, *SUBCOMMANDS])
def test_an_unknown_option_is_a_usage_error(command):
    fails(2, "--no-such-option", *command.split(), "--no-such-option")


@pytest.mark.parametrize("command", SUMMARIES)
def test_what_is_missing_is_a_failure(command, tmp_path):
    assert command in FAILING, f"add a call of {command} that must fail to FAILING"
    if command == "serve":
        pytest.importorskip("starlette")
    places = {"NOWHERE": str(tmp_path / "nowhere"), "OUT": str(tmp_path / "out")}
    arguments = [re.sub("NOWHERE|OUT", lambda found: places[found[0]], argument) for argument in FAILING[command]]
    fails(2 if command in USAGE_INSTEAD else 1, "nowhere", command, *arguments)
    assert not list(tmp_path.iterdir())


def test_a_misspelt_command_offers_the_nearest():
    fails(2, "'nieghbors'.*'neighbors'", "nieghbors")
    fails(2, "'ftech'.*'fetch'", "corpora", "ftech")


@pytest.mark.parametrize(("name", "meaning"), ALIASES.items())
def test_a_name_that_other_tools_give_a_command_is_understood(name, meaning, tmp_path):
    assert vecmill(name, "--help").stdout == vecmill(meaning[0], "--help").stdout
    places = {"NOWHERE": str(tmp_path / "nowhere"), "OUT": str(tmp_path / "out")}
    fails(1, "nowhere", name, *(re.sub("NOWHERE|OUT", lambda found: places[found[0]], a) for a in FAILING[meaning[0]]))


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_what_other_tools_have_under_another_name_is_answered_with_ours(name):
    if name != "help":
        fails(2, f"No such command '{name}'; .*(vecmill|Python)", name, "--anything")
    for command in re.findall(r"'vecmill ([a-z][\w-]*)", OTHER_NAMES[name]):
        assert command in PLACES


def test_help_is_a_command_too():
    assert vecmill("help").stdout == vecmill("--help").stdout
    for words in (["neighbors"], ["corpora", "list"], ["corpora"], ["nn"]):
        assert vecmill("help", *words).stdout == vecmill(*words, "--help").stdout
    fails(2, "'nieghbors'.*'neighbors'", "help", "nieghbors")


def test_an_architecture_named_as_a_command_is_trained(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the king and the queen rule the old land\n" * 60)
    for name, architecture in {"skipgram": "skip-gram", "cbow": "cbow"}.items():
        assert vecmill(name, text, "-o", tmp_path / name, "--dimension", 4, "--epochs", 1).exit_code == 0
        settings = json.loads((tmp_path / name / "config.json").read_text())
        assert settings["train"]["architecture"] == architecture


def modules_after(code):
    code = f"import sys\n{code}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {module.partition(".")[0] for module in run.stdout.split()}


def test_no_command_line_waits_for_what_only_its_work_needs():
    assert not modules_after("import pipelines.cli").intersection([*SLOW, "numpy", "corpora", "embeddings"])
    loaded = modules_after(
        "from pipelines.commands import PLACES\n"
        "from pipelines.cli import load_command\n"
        "for name in PLACES: load_command(name)"
    )
    assert not loaded.intersection(SLOW)


@pytest.mark.skipif(not (shutil.which("bash") and SCRIPT.exists()), reason="bash, or an installed vecmill, is missing")
def test_completion_in_bash():
    def completed(*words):
        call = f'_vecmill_completion vecmill "{words[-1]}" ""; echo "${{COMPREPLY[@]}}"'
        array = " ".join(shlex.quote(word) for word in ("vecmill", *words))
        return f"COMP_WORDS=({array}); COMP_CWORD={len(words)}; {call}"

    lines = [
        f'PATH="{SCRIPT.parent}:$PATH"',
        'eval "$(vecmill --show-completion bash)"',
        completed("neigh"),
        completed("neighbors", "--to"),
        completed("corpora", "fetch", "text"),
        completed("export", "m", "--format", "word2vec-t"),
        completed("train-embeddings", "--architecture", ""),
    ]
    run = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n") == ["neighbors", "--topn", "text8", "word2vec-text", "skip-gram cbow", ""]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("vecmill evaluate m --data m", ["mturk-771", "men"]),
        ("vecmill evaluate m --method ", ["3CosAdd", "3CosMul"]),
        ("vecmill run f.toml --until tr", ["train-embeddings", "train-lm"]),
        ("vecmill run f.toml --force ev", ["evaluate"]),
        ("vecmill run f.toml --set train.dim", ["train.dimension=100"]),
        ("vecmill run f.toml --set lm.pr", ['lm.preset="quick"']),
        ("vecmill export m --format word2vec-t", ["word2vec-text"]),
        ("vecmill convert m o --input-format gl", ["glove", "glove-binary"]),
        ("vecmill embed m --format ", ["text", "tsv", "csv", "jsonl", "npy", "parquet"]),
        ("vecmill train-lm --preset ", ["quick", "small", "medium", "awd", "10m", "1h", "3h"]),
        ("vecmill train-lm --budget ", ["10m", "1h", "3h"]),
        ("vecmill train-lm --schedule ", list(get_args(Schedule))),
        ("vecmill train-lm --optimizer a", ["averaged-sgd", "adagrad", "adam", "adamw"]),
        ("vecmill train-lm --embeddings ", ["none"]),
        ("vecmill train-embeddings --tokenizer ", ["fast", "whitespace"]),
        ("vecmill train-embeddings wikitext-2", ["wikitext-2", "wikitext-2-raw"]),
        ("vecmill train-embeddings --checkpoint-every ", ["90s", "5m", "1h"]),
        ("vecmill neighbors --log-format ", ["text", "json", "auto"]),
        ("vecmill train-lm --we", ["--weight-decay", "--weight-drop"]),
        ("vecmill corpora info text", ["text8"]),
    ],
)  # fmt: skip
def test_completion_offers_values(typed, offered):
    words = {"_VECMILL_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    result = vecmill(env=words, prog_name="vecmill")
    assert (result.exit_code, result.stdout.split()) == (0, offered)


def test_logs_and_errors_are_json_lines_when_asked(tmp_path, monkeypatch):
    text = tmp_path / "text.txt"
    text.write_text("the king and the queen rule the old land\n" * 60)
    training = ["train-embeddings", text, "--out", tmp_path / "out", "--dimension", "8", "--epochs", "1"]
    result = vecmill("--log-format", "json", *training)
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in result.stderr.splitlines()]
    assert len(records) > 3
    assert all({"time", "level", "logger", "message"} <= record.keys() for record in records)
    monkeypatch.setenv("VECMILL_LOG_FORMAT", "auto")  # which is JSON, as no terminal is there
    for arguments in (["neighbors", tmp_path / "nowhere", "x"], ["nieghbors"]):
        [line] = vecmill(*arguments).stderr.splitlines()
        assert json.loads(line)["level"] == "ERROR"
    assert vecmill("--log-format", "text", "nieghbors").stderr.startswith("error: ")
    fails(2, "'jsn' is none of text, json, auto", "--log-format", "jsn", "neighbors")


def test_what_was_made_is_told_as_json_when_asked(tmp_path):
    text, out = tmp_path / "text.txt", tmp_path / "model"
    text.write_text("the king and the queen rule the old land\n" * 60)
    training = ["train-embeddings", text, "--out", out, "--dimension", "8", "--epochs", "1", "--json"]
    made = json.loads(vecmill(*training).stdout)
    assert (made["out"], made["words"], made["dimension"], len(made["epochs"])) == (str(out), 7, 8, 1)
    assert json.loads(vecmill(*training, "--skip-finished").stdout) == made
    vectors = tmp_path / "vectors.txt"
    exported = json.loads(vecmill("export", out, "--format", "glove", "--out", vectors, "--json").stdout)
    assert exported == {"out": str(vectors), "bytes": vectors.stat().st_size}
    listed = {
        record["name"]: record for record in map(json.loads, vecmill("corpora", "list", "--json").stdout.splitlines())
    }
    assert listed["text8"] == json.loads(vecmill("corpora", "info", "text8", "--json").stdout)


def test_progress_in_logs_has_numbers(caplog):
    configure_logging()
    with LogProgress(interval=0).task("counting", 200) as update:
        update(50, "fast")
    [record] = caplog.records
    assert (record.task, record.done, record.total) == ("counting", 50, 200)
    assert record.getMessage() == "counting: 25 %, fast"


@pytest.mark.parametrize("given", [["-o", "{}"], ["-o{}"], ["-o={}"], ["--out", "{}"], ["--out={}"]])
def test_a_value_may_follow_a_short_option_with_an_equals_sign(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    assert vecmill("init", *[word.format("mine ü.toml") for word in given]).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine ü.toml"]


def test_after_two_hyphens_an_equals_sign_is_part_of_a_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = vecmill("neighbors", "missing", "--", "-o=x")
    assert result.exit_code == 1
    assert "missing" in result.stderr
