"""The files in docs/scale: SLURM, KubeRay and an image; each checked by its own kind of tool, as far as one is here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "scale"


def test_the_page_names_every_file():
    page = (FOLDER.parent / "scale.md").read_text("utf-8")
    assert all(f"scale/{path.name}" in page for path in FOLDER.iterdir())


def test_shellcheck_finds_nothing():
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    shellcheck = shutil.which("shellcheck", path=places)
    if shellcheck is None:
        pytest.skip("shellcheck is not installed")
    found = subprocess.run([shellcheck, "--severity=style", FOLDER / "cluster.sbatch"], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_the_pods_of_the_rayjob_are_valid():
    validate = pytest.importorskip("kubernetes_validate")
    import yaml

    job = yaml.safe_load((FOLDER / "rayjob.yaml").read_text("utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for group in groups:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, **group["template"]}
        validate.validate(pod, "1.31", strict=True)
        assert isinstance(group["rayStartParams"], dict)
    assert "--backend ray" in job["spec"]["entrypoint"]


def test_the_image_runs_as_a_user_and_has_ray():
    lines = (FOLDER / "Dockerfile").read_text("utf-8").splitlines()
    assert any(line.startswith("USER ") for line in lines)
    assert any("[ray,remote]" in line for line in lines)
