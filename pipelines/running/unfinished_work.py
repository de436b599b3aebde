"""What an interrupted run leaves that saves time when its command is repeated: stages and checkpoints."""

from pathlib import Path

_FETCH, _TEXT = "fetch", "text"  # the first stage is worth keeping only if it downloaded a text


def has_stage(root: Path) -> bool:
    """Return whether the directory `root` holds a finished stage that took time.

    Parameters
    ----------
    root : Path

    Returns
    -------
    bool

    Raises
    ------
    OSError
        The directory cannot be listed.
    """
    stages = (entry for entry in _directories(root) if entry.name[0] != "." and entry.name != _FETCH)
    return any(stages) or (root / _FETCH / _TEXT).exists()


def has_checkpoint(root: Path, stage: str = "") -> bool:
    """Return whether the directory `root` holds a checkpoint.

    Parameters
    ----------
    root : Path
    stage : str
        Name of the stage; by default any.

    Returns
    -------
    bool

    Raises
    ------
    OSError
        A directory cannot be listed.
    """
    return any(any(entry.iterdir()) for entry in _directories(root) if f"{stage}.checkpoint-" in entry.name)


def _directories(root: Path) -> list[Path]:
    """Return the directories in `root`; an error is one: what cannot be listed must not be removed."""
    return [entry for entry in root.iterdir() if entry.is_dir()] if root.exists() else []
