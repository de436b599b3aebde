"""Every setting with values of every wrong type and size: one line that names the place, and nothing else."""

import dataclasses

import pytest

from pipelines.batch.config import BatchSettings, load_batch
from pipelines.settings.config import ConfigError, _sections, read_assignment
from pipelines.settings.run_config import load_run_config

SETTINGS = [(section, entry.name) for section, kind in _sections().items() for entry in dataclasses.fields(kind)]
WRONG = [
    "true",
    "-1",
    "0",
    "9223372036854775808",
    "1" + 400 * "0",
    "1" + 5000 * "0",
    "1.5",
    "1e400",
    "nan",
    "-inf",
    '""',
    '"x"',
    r'"\u0000"',
    '"[bold]"',
    "[]",
    '["a"]',
    "[[]]",
    "[1]",
    "{}",
    "{a = 1}",
    "[{a = [1]}]",
    "1979-05-27",
    "1979-05-27T07:32:00Z",
    "07:32:00",
    "[" * 5000,
]


def one_line(load):
    try:
        load()
    except ConfigError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 6000


@pytest.mark.parametrize(("section", "key"), SETTINGS, ids=[".".join(setting) for setting in SETTINGS])
def test_a_setting_of_a_run(section, key, tmp_path):
    path = tmp_path / "pipeline.toml"
    for value in WRONG:
        other = "" if (section, key) == ("corpus", "source") else '[corpus]\nsource = "t.txt"\n'
        if section == "corpus":
            other = f"{other}{key} = {value}\n" if other else f"[corpus]\n{key} = {value}\n"
        else:
            other += f"[{section}]\n{key} = {value}\n"
        path.write_text(other)
        one_line(lambda: load_run_config(path))
        one_line(lambda value=value: read_assignment(f"{section}.{key}={value}"))


@pytest.mark.parametrize("table", ["batch", "base", "grid", "grid.train", "base.lm"])
@pytest.mark.parametrize("key", [entry.name for entry in dataclasses.fields(BatchSettings)] + ["preset", "dimension"])
def test_a_setting_of_a_sweep(table, key, tmp_path):
    path = tmp_path / "jobs.toml"
    for value in WRONG:
        path.write_text(
            f"[{table}]\n{key} = {value}\n" + ("[grid.train]\ndimension = [3]\n" if "grid" not in table else "")
        )
        one_line(lambda: load_batch(path))
