"""Build wheel and sdist twice, compare them, and try the wheel in a new environment; `make build` runs this."""

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = "the cat sat on the mat\nthe dog sat on the rug\n" * 200
COMMANDS = ["--version", "train-embeddings text.txt --out model --dimension 8 --min-count 1", "neighbors model cat"]


def build(folder: Path, *, seconds: str) -> dict[str, str]:
    """Build wheel and sdist from a clean copy of the tracked files and return the SHA-256 of each by name.

    Parameters
    ----------
    folder : Path
        Folder of the distributions; made if it is missing.
    seconds : str
        Time of all files in the archives, as ``SOURCE_DATE_EPOCH``.

    Returns
    -------
    dict of str to str
    """
    environment = os.environ | {"SOURCE_DATE_EPOCH": seconds}
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def time_of_last_commit() -> str:
    """Return the seconds since 1970 of the last commit, or ``SOURCE_DATE_EPOCH`` where it is set."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return given or subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=ROOT, text=True).strip()


def try_wheel(wheel: Path, folder: Path) -> None:
    """Install a wheel into a new environment, and train and ask a model in a folder without any of our files.

    Parameters
    ----------
    wheel : Path
    folder : Path
        An empty folder.

    Raises
    ------
    subprocess.CalledProcessError
        A command failed.
    """
    venv.create(folder / "environment", with_pip=True)
    scripts = folder / "environment" / ("Scripts" if os.name == "nt" else "bin")
    run([scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], folder)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "text.txt").write_text(TEXT, "utf-8")
    for command in COMMANDS:
        run([scripts / "vecmill", *command.split()], elsewhere)


def run(command: Iterable[str | Path], folder: Path) -> None:
    """Run a command in `folder`, without the Python path of this process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([str(word) for word in command], check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)


def main(folder: str = "dist") -> int:
    """Build, compare and try; print one line a distribution."""
    target = ROOT / folder
    for earlier in target.glob("vecmill-*"):
        earlier.unlink()
    seconds = time_of_last_commit()
    with tempfile.TemporaryDirectory() as scratch:
        first, second = build(target, seconds=seconds), build(Path(scratch, "again"), seconds=seconds)
        if first != second:
            print(f"two builds differ: {first} and {second}")
            return 1
        for name, digest in first.items():
            print(f"{digest}  {folder}/{name}")
        (wheel,) = target.glob("*.whl")
        Path(scratch, "try").mkdir()
        try_wheel(wheel, Path(scratch, "try"))
    print(f"built twice with the same bytes; {wheel.name} works in a new environment, from another folder")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
