"""The state of every stage of a run, read from its directory."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.running.directory_lock import DirectoryLock
from pipelines.running.manifest import MANIFEST_FILE, Manifest, ManifestError
from pipelines.running.run_directory import has_lost_settings, is_run
from pipelines.running.verification import is_saved, is_saved_language_model
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.errors import OutputError, VecmillError
from vecmill.files import entries, read_json, real_path
from vecmill.records import fits


@dataclass(frozen=True, kw_only=True)
class StageStatus:
    """A row of `vecmill status`.

    Attributes
    ----------
    stage : str
        Its name.
    state : str
        "finished", "stale" (its settings, its inputs or the code have changed since), "running", "unfinished" (it was
        stopped), "damaged" (its manifest cannot be read) or "never run".
    detail : str
        Reason why it is stale or damaged, or its progress.
    made : str or None
        Start of the last finished execution (UTC, ISO 8601). None, like the following, if it has never finished.
    wall_seconds, cpu_seconds : float or None
        Time that the stage took.
    peak_memory_bytes, bytes : int or None
        Peak memory of the process so far, and size of the outputs on disk.
    """

    stage: str
    state: str
    detail: str = ""
    made: str | None = None
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    """The output of `vecmill status`.

    Attributes
    ----------
    directory : str
        The directory.
    writer : str or None
        Description of the process that is writing it now, or None.
    note : str
        Reason why the stages could not be compared with their text; usually empty.
    stages : sequence of StageStatus
        In order of execution.
    """

    directory: str
    writer: str | None
    note: str
    stages: Sequence[StageStatus]

    def to_dict(self) -> dict[str, Any]:
        """Return the status as JSON values."""
        return asdict(self)


def status_of(directory: Path) -> Status:
    """Return the status of a run directory, a model directory, or unfinished work on a model directory.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    Status

    Raises
    ------
    OutputError
        `directory` is none of these.
    ManifestError
        The manifest of a model directory is damaged.
    """
    place = real_path(directory)
    work = place.parent / f".{place.name}.work"
    if is_run(directory):
        return _run_status(directory)
    if (work / CONFIG_FILE).exists():
        return _work_status(directory, work)
    if (directory / MANIFEST_FILE).exists():
        manifest = Manifest.read(directory)
        problem = manifest.problem(directory) or ""
        stages = [_finished(name, record, "finished") for name, record in manifest.history.items()]
        state = "damaged" if problem else "finished"
        stages.append(_finished(manifest.provenance.stage, manifest.to_dict(), state, problem))
        return Status(directory=str(directory), writer=None, note="", stages=stages)
    if is_saved(directory) or is_saved_language_model(directory):
        size = sum(path.stat().st_size for path in entries(directory) if path.is_file())
        kind = "vectors" if is_saved(directory) else "language model"
        saved = StageStatus(stage=kind, state="finished", bytes=size)
        return Status(
            directory=str(directory), writer=None, note="saved without a record of its making", stages=[saved]
        )
    if has_lost_settings(directory):
        raise OutputError(
            f"{directory}: {CONFIG_FILE}, the settings of the run, is missing or damaged; repeat the command of the run"
        )
    if not directory.exists():
        raise OutputError(
            f"there is no {directory}, and no command is writing it; expected a run or the output of a command"
        )
    raise OutputError(
        f"{directory} is neither a run directory nor the output of a command, and no command is writing it"
    )


def _run_status(directory: Path) -> Status:
    from pipelines.pipeline import plan
    from pipelines.settings.run_config import read_run_config
    from pipelines.stage_lists import run_stages

    config = read_run_config(directory / CONFIG_FILE)
    note = ""
    reasons: dict[str, str | None] = {}
    try:
        for step in plan(config, directory):
            reasons[step.stage] = f"follows {', '.join(step.waits_for)}" if step.waits_for else step.reason
    except VecmillError as error:
        note = f"cannot tell which stages are stale: {error}"
    names = [stage.name for stage in run_stages(config)]
    writer = DirectoryLock(directory, directory).holder()
    stages = [_stage(directory, name, reasons.get(name), writer) for name in names]
    return Status(directory=str(directory), writer=writer, note=note, stages=stages)


def _work_status(directory: Path, work: Path) -> Status:
    from pipelines.stage_lists import stage_names

    names = stage_names(read_json(work / CONFIG_FILE) or {})
    if names is None:
        raise OutputError(f"{work / CONFIG_FILE} cannot be read; the next training command starts over") from None
    writer = DirectoryLock(work, directory).holder()
    stages = [_stage(work, name, None, writer) for name in names]
    return Status(directory=str(directory), writer=writer, note="not finished yet", stages=stages)


def _stage(root: Path, name: str, reason: str | None, writer: str | None) -> StageStatus:
    """Return the state of one stage; `reason` says why it is stale, and is None if it is not or that is unknown."""
    record = read_json(root / f".{name}.progress.json")
    if writer and (root / f".{name}.partial").exists():
        return StageStatus(stage=name, state="running", detail=_progress_text(record))
    try:
        manifest = Manifest.read(root / name) if (root / name).exists() else None
    except ManifestError as error:
        return StageStatus(stage=name, state="damaged", detail=str(error))
    stopped = record is not None or any(root.glob(f".{name}.checkpoint-*/*"))
    if manifest is None:
        return StageStatus(stage=name, state="unfinished" if stopped else "never run", detail=_progress_text(record))
    detail = "; ".join(filter(None, [reason, _progress_text(record) if stopped else ""]))
    return _finished(name, manifest.to_dict(), "stale" if reason else "finished", detail)


def _finished(name: str, record: Mapping[str, Any], state: str, detail: str = "") -> StageStatus:
    cost = record.get("cost", {})
    return StageStatus(
        stage=name,
        state=state,
        detail=detail,
        made=cost.get("started"),
        wall_seconds=cost.get("wall_seconds"),
        cpu_seconds=cost.get("cpu_seconds"),
        peak_memory_bytes=cost.get("peak_memory_bytes"),
        bytes=sum(entry["bytes"] for entry in record.get("outputs", {}).values()),
    )


def _progress_text(record: Mapping[str, Any] | None) -> str:
    """Return a description of recorded progress."""
    if record is None:
        return ""
    share, safe = (_share(record.get(name)) for name in ("share", "checkpoint"))
    words = [str(record.get("title", ""))]
    if share is not None:
        words.append(f"{share:.0%}")
    if safe is not None:
        words.append(f"checkpoint at {safe:.0%}")
    return ", ".join(filter(None, words))


def _share(value: Any) -> float | None:
    """Return a share that was recorded, None for what is none: the record is not flushed to the disk."""
    return value if fits(value, float) and 0 <= value <= 1 else None
