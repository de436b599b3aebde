"""Schemathesis holds the service against its own OpenAPI description."""

import pytest

pytest.importorskip("starlette")
pytest.importorskip("schemathesis")
pytest.importorskip("uvicorn")
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from pipelines.service.operations import OPERATIONS
from tests.served_models import make_service, serving

ALL = [*((operation.method, operation.path) for operation in OPERATIONS), ("GET", "/api/map"), ("GET", "/api/metrics")]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    made, _ = make_service(tmp_path_factory.mktemp("served"))
    with serving(made) as address:
        yield schemathesis.openapi.from_url(f"http://{address}/api/openapi.json")


def test_the_description_names_every_operation(service):
    described = [found.ok() for found in service.get_all_operations()]
    assert sorted((operation.method.upper(), operation.path) for operation in described) == sorted(ALL)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=["valid", "invalid"])
@pytest.mark.parametrize(("method", "path"), ALL)
def test_every_answer_is_as_described(service, method, path, mode):
    if mode is GenerationMode.NEGATIVE and path in ("/api/models", "/api/health", "/api/metrics"):
        pytest.skip("without parameters nothing is invalid")

    @given(case=service[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case):
        case.call_and_validate(timeout=60)  # on a busy machine the first text loads kernels for long

    check()
