"""Manifests of a stage that never ran."""

from pipelines.running.manifest import Basis, Manifest, Stopwatch, list_outputs, machine


def make_basis(**changes):
    parts = {
        "stage": "train",
        "settings": {"dimension": 100},
        "inputs": {"encode": "abc"},
        "code": "0.1.0+x",
        "libraries": {"numpy": "2.0"},
    }
    return Basis(**(parts | changes))


def make_manifest(directory, **changes):
    return Manifest(
        basis=make_basis(**changes),
        outputs=list_outputs(directory),
        summary={"tokens": 3},
        cost=Stopwatch().cost(),
        machine=machine(),
        history={"encode": {"fingerprint": "def"}},
    )
