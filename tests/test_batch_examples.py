"""The examples in docs/batch: shell, systemd, SLURM, Kubernetes, and a sweep; each checked by its own kind of tool."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.batch.config import load_batch

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "batch"
SCRIPTS = ["nightly.sh", "sweep.slurm"]


def tool(name):
    """Path of a program beside Python or on the path; the test skips where it is missing."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)


def test_every_file_is_tried_here():
    tried = {*SCRIPTS, "vecmill.service", "vecmill.timer", "job.yaml", "jobs.toml"}
    assert {path.name for path in FOLDER.iterdir()} == tried
    page = (FOLDER.parent / "batch-jobs.md").read_text("utf-8")
    assert all(f"batch/{name}" in page for name in tried)


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing(name):
    found = run(tool("shellcheck"), "--severity=style", FOLDER / name)
    assert found.returncode == 0, found.stdout


@pytest.fixture
def home(tmp_path):
    """A home with a project and a stand-in for vecmill that tells its arguments, and ends as it is told."""
    program = tmp_path / "vecmill" / ".venv" / "bin" / "vecmill"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$*" >> arguments\necho a log line >&2\nexit "${END:-0}"\n')
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("code", [0, 1])
def test_the_script_for_cron_is_silent_unless_something_failed(home, code):
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "END": str(code)}
    found = run("sh", FOLDER / "nightly.sh", env=environment)
    assert found.returncode == code
    assert (found.stdout, bool(found.stderr)) == ("", bool(code))
    assert (home / "vecmill" / "arguments").read_text() == "--log-format json run pipeline.toml\n"
    assert (home / "vecmill" / "runs" / "nightly.jsonl").read_text() == "a log line\n"
    if code:
        assert "ended with exit code 1" in found.stderr


SLEEPER = """#!{python} -S
import os, signal, sys, time
def end(*_):
    print("checkpoint", flush=True)
    os._exit(143)  # an exception could be raised in a finalizer, and be lost
signal.signal(signal.SIGTERM, end)
with open("arguments.new", "w") as file:
    file.write(" ".join(sys.argv[1:]) + chr(10))
os.rename("arguments.new", "arguments")
time.sleep({seconds})
"""


@pytest.mark.parametrize("stopped", [False, True])
def test_a_task_of_the_array_is_queued_again_if_it_was_stopped(home, stopped):
    tool("bash")
    folder = home / "vecmill"
    (folder / ".venv/bin/vecmill").write_text(SLEEPER.format(python=sys.executable, seconds=30 if stopped else 0))
    (home / "scontrol").write_text("#!/bin/sh\necho scontrol $*\n")
    (home / "scontrol").chmod(0o755)
    environment = {
        "PATH": f"{home}:{os.environ['PATH']}", "SLURM_SUBMIT_DIR": str(folder), "SLURM_CPUS_PER_TASK": "8",
        "SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "77",
    }  # fmt: skip
    with subprocess.Popen(
        ["bash", FOLDER / "sweep.slurm"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        while stopped and not (folder / "arguments").exists():
            assert process.poll() is None
        if stopped:
            process.terminate()
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert output.splitlines() == (["checkpoint", "scontrol requeue 77_3"] if stopped else [])
    assert (folder / "arguments").read_text() == (
        "run pipeline.toml --set train.dimension=300 --set train.architecture=cbow --set train.threads=8 "
        "--out runs/sweep/cbow-300\n"
    )


def test_systemd_takes_the_units(home):
    analyze = tool("systemd-analyze")
    environment = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    units = [FOLDER / "vecmill.service", FOLDER / "vecmill.timer"]
    found = run(analyze, "verify", "--user", *units, env=environment)
    if "Failed to initialize manager" in found.stderr:
        pytest.skip(f"systemd-analyze cannot work here: {found.stderr.strip()}")
    assert (found.returncode, found.stderr) == (0, "")
    (home / "vecmill.service").write_text(units[0].read_text().replace("Nice=", "Nicce="))
    assert "Unknown key" in run(analyze, "verify", "--user", home / "vecmill.service", env=environment).stderr


def test_the_kubernetes_job_follows_the_schema(tmp_path):
    validate = pytest.importorskip("kubernetes_validate")
    import yaml

    documents = list(yaml.safe_load_all((FOLDER / "job.yaml").read_text("utf-8")))
    assert [document["kind"] for document in documents] == ["PersistentVolumeClaim", "Job"]
    for document in documents:
        validate.validate(document, validate.latest_version(), strict=True)
    documents[1]["spec"]["template"]["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(validate.ValidationError):
        validate.validate(documents[1], validate.latest_version(), strict=True)


def test_the_sweep_has_the_jobs_that_the_page_shows():
    names = [job.name for job in load_batch(FOLDER / "jobs.toml").jobs]
    assert len(names) == 4
    page = (FOLDER.parent / "batch-jobs.md").read_text("utf-8")
    assert all(name in page for name in names)


def test_the_options_in_the_examples_exist():
    from tests.command_line import vecmill

    lines = [line for path in FOLDER.iterdir() for line in path.read_text("utf-8").splitlines() if line[:1] != "#"]
    calls = [line for line in lines if re.search(r"bin/vecmill|^\s+--(set|out)|args:", line)]
    used = {option for line in calls for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)}
    known = vecmill("--help").stdout + vecmill("run", "--help").stdout
    assert {"--log-format", "--set", "--out"} <= used
    assert sorted(option for option in used if option not in known) == []
