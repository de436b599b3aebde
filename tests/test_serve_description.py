"""Schemathesis holds the service against its own OpenAPI description."""

import pytest

schemathesis = pytest.importorskip("schemathesis")
pytest.importorskip("starlette")
from hypothesis import HealthCheck, settings  # noqa: E402

from tests.served_models import make_service  # noqa: E402


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    made, _ = make_service(tmp_path_factory.mktemp("served"))
    return schemathesis.openapi.from_asgi("/api/openapi.json", made)


schema = schemathesis.pytest.from_fixture("service")


@schema.parametrize()
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case):
    case.call_and_validate()


def test_the_description_names_every_operation(service):
    operations = {f"{found.ok().method.upper()} {found.ok().path}" for found in service.get_all_operations()}
    assert {"GET /api/neighbors", "POST /api/embed", "GET /api/map", "GET /api/metrics"} <= operations
