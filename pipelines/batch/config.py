"""The settings file of a sweep: shared settings, and lists of values that span a grid."""

import dataclasses
import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.settings.config import (
    ConfigError,
    Setting,
    build_sections,
    line_of,
    read_sections,
    read_tables,
    with_tokenizer_of_start,
)
from pipelines.settings.run_config import RunConfig, build_run_config
from vecmill.hints import did_you_mean

TABLES = ("batch", "base", "grid")
MOST_JOBS = 10_000


@dataclass(frozen=True, kw_only=True)
class BatchSettings:
    """Settings of the execution of the jobs.

    Attributes
    ----------
    directory : str or None
        Parent of the directories of the jobs; None: ``runs/`` and the name of the file.
    jobs : int
        Number of jobs that run in parallel; they divide the processors among them.
    """

    directory: str | None = None
    jobs: int = 1

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {self.jobs}")


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job of a sweep.

    Attributes
    ----------
    name : str
        Name of its directory: ``dimension=50,architecture=cbow``.
    varied : mapping of str to Any
        Its settings from the grid, ``{"train.dimension": 50}``.
    given : mapping of str to Setting
        Its settings that are not defaults.
    config : RunConfig
        All its settings.
    """

    name: str
    varied: Mapping[str, Any]
    given: Mapping[str, Setting]
    config: RunConfig

    def to_toml(self) -> str:
        """Return the settings as a file for ``vecmill run``."""
        sections: dict[str, list[str]] = {}
        for name, (value, _) in self.given.items():
            section, _, key = name.partition(".")
            sections.setdefault(section, []).append(f"{key} = {_as_toml(value)}")
        return "\n".join(
            f"[{section}]\n" + "".join(f"{line}\n" for line in lines) for section, lines in sections.items()
        )


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A sweep: its settings, and its jobs in the order of the grid, in which the last setting varies fastest."""

    settings: BatchSettings
    jobs: list[Job]


def load_batch(path: Path) -> Batch:
    """Read the file of a sweep.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Batch

    Raises
    ------
    ConfigError
        The file cannot be read, a table or key is unknown, a value has the wrong type or is out of range, the grid is
        empty, or two jobs have the same name.
    """
    text, tables = read_tables(path)
    for name, table in tables.items():
        if name not in TABLES or not isinstance(table, dict):
            known = ", ".join(f"[{known}]" for known in TABLES)
            raise ConfigError(
                f"{path}:{line_of(text, name)}: unknown table {name!r}{did_you_mean(name, TABLES)} ({known})"
            )
    settings = _batch_settings(path, text, tables.get("batch", {}))
    base = read_sections(path, text, tables.get("base", {}), "base")
    grid = read_sections(path, text, tables.get("grid", {}), "grid")
    combinations = _combinations(path, grid)
    labels = _labels(list(grid))
    jobs = []
    for values in combinations:
        varied = {name: value for name, (value, _) in values.items()}
        name = ",".join(f"{labels[setting]}={_shown(value)}" for setting, value in varied.items())
        given = {**base, **values}
        jobs.append(Job(name=name, varied=varied, given=given, config=build_run_config(with_tokenizer_of_start(given))))
    name, times = Counter(job.name for job in jobs).most_common(1)[0]
    if times > 1:
        raise ConfigError(
            f"{path}: {times} jobs would have the name {name!r}; the values in [grid] must differ in name"
        )
    return Batch(settings=settings, jobs=jobs)


def _batch_settings(path: Path, text: str, table: Mapping[str, Any]) -> BatchSettings:
    known = [entry.name for entry in dataclasses.fields(BatchSettings)]
    given = {}
    for key, value in table.items():
        origin = f"{path}:{line_of(text, 'batch', key)}"
        if key not in known:
            raise ConfigError(
                f"{origin}: unknown key {key!r} in [batch]{did_you_mean(key, known)} (keys: {', '.join(known)})"
            )
        given[f"batch.{key}"] = Setting(value, origin)
    settings: BatchSettings = build_sections({"batch": BatchSettings}, given)["batch"]
    return settings


def _combinations(path: Path, grid: Mapping[str, Setting]) -> list[dict[str, Setting]]:
    """Return the values from the grid for every job."""
    if not grid:
        raise ConfigError(f"{path}: the grid is empty; write lists of values under [grid.train], [grid.corpus], ...")
    for name, (values, origin) in grid.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(
                f"{origin}: {name} must be a list of values in [grid], got {values!r}; write a single value in [base]"
            )
    number = 1
    for values, _ in grid.values():
        number *= len(values)
    if number > MOST_JOBS:
        raise ConfigError(f"{path}: the grid has {number:,} jobs, expected at most {MOST_JOBS:,}")
    choices = [[Setting(value, origin) for value in values] for values, origin in grid.values()]
    return [dict(zip(grid, chosen, strict=True)) for chosen in itertools.product(*choices)]


def _labels(settings: list[str]) -> dict[str, str]:
    """Return ``dimension`` for ``train.dimension``, unless another section of the grid has the same key."""
    keys = Counter(name.rpartition(".")[2] for name in settings)
    return {name: key if keys[key := name.rpartition(".")[2]] == 1 else name for name in settings}


def _shown(value: Any) -> str:
    """Return a value as part of a directory name; for a path, its last part without suffixes."""
    text = "+".join(map(_shown, value)) if isinstance(value, list) else value
    if not isinstance(text, str):
        return json.dumps(text, default=str)
    last = PurePosixPath(text).name or text
    stem = last.partition(".")[0] or last
    return re.sub(r"[^\w.+-]", "_", stem)[:60]


def _as_toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_as_toml, value))}]"
    if isinstance(value, float):
        return repr(value)  # nan and inf are the same in TOML
    return json.dumps(value, ensure_ascii=False)
