"""Manifests of a stage that never ran."""

from pipelines.running.manifest import Manifest, Provenance, Stopwatch, list_outputs, machine


def make_provenance(**changes):
    parts = {
        "stage": "train",
        "settings": {"dimension": 100},
        "inputs": {"encode": "abc"},
        "code": "0.1.0+x",
        "libraries": {"numpy": "2.0"},
    }
    return Provenance(**(parts | changes))


def make_manifest(directory, **changes):
    return Manifest(
        provenance=make_provenance(**changes),
        outputs=list_outputs(directory),
        summary={"tokens": 3},
        cost=Stopwatch().cost(),
        machine=machine(),
        history={"encode": {"fingerprint": "def"}},
    )
