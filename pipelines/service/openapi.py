"""The OpenAPI description of the service, made from the types of its messages."""

import importlib.metadata
import inspect
from typing import Any

import msgspec

from pipelines.service import arrow
from pipelines.service import messages as m
from pipelines.service.operations import HEALTH, OPERATIONS, Operation
from pipelines.service.problems import PROBLEM_JSON

_REFERENCE = "#/components/schemas/{name}"
STATUSES = {
    400: "The request is no HTTP or JSON, or asks for another host.",
    401: "The token is missing or wrong.",
    404: "A word or a model is unknown; the detail suggests the closest.",
    406: "The response does not exist in this form.",
    408: "The request did not arrive in time.",
    409: "The models cannot be aligned.",
    413: "The request is too large.",
    415: "The content is not JSON.",
    422: "A parameter is missing, unknown or out of range.",
    429: "Too many requests are in flight; repeat it after Retry-After seconds.",
}


def description(*, token: bool) -> dict[str, Any]:
    """Describe the service.

    Parameters
    ----------
    token : bool
        Whether requests need a token.

    Returns
    -------
    dict of str to Any
        An OpenAPI 3.1 document.
    """
    types = {kind for operation in OPERATIONS for kind in (operation.request, operation.response)}
    _, components = msgspec.json.schema_components([*types, m.Problem, m.MapQuery], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _operation(operation, components, token and operation.path != HEALTH)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    paths |= _others(components, token)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "vecmill",
            "version": importlib.metadata.version("vecmill"),
            "description": "Queries of word vectors and language models.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }
    if token:
        document["components"] |= {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    return document


def _operation(operation: Operation, components: dict[str, Any], token: bool) -> dict[str, Any]:
    name = operation.answer.__name__
    content: dict[str, Any] = {"application/json": {"schema": _schema(operation.response)}}
    if operation.arrow:
        content[arrow.ARROW_STREAM] = {"schema": {}}
    described: dict[str, Any] = {"operationId": name, "summary": inspect.getdoc(operation.answer)}
    problems = {400, 422, 429, *operation.problems}
    if operation.method == "GET":
        described["parameters"] = _parameters(operation.request, components)
    else:
        problems |= {406, 408, 413, 415}
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(operation.request)}},
        }
    return _finished(described, content, problems, token)


def _others(components: dict[str, Any], token: bool) -> dict[str, Any]:
    """Describe what is not answered with JSON."""
    metrics = {"operationId": "metrics", "summary": "Report counts and times of requests (Prometheus)."}
    layout = {
        "operationId": "map",
        "summary": "Return the map of a model, as the page reads it.",
        "parameters": _parameters(m.MapQuery, components),
    }
    data: dict[str, Any] = {"application/octet-stream": {"schema": {}}}
    text = {"text/plain": {"schema": {"type": "string"}}}
    described = _finished(layout, data, {400, 404, 422, 429}, token)
    described["responses"]["202"] = {"description": "The map is being laid out; repeat it after Retry-After seconds."}
    return {
        "/api/metrics": {"get": _finished(metrics, text, {400, 422, 429}, token)},
        "/api/map": {"get": described},
    }


def _finished(described: dict[str, Any], content: dict[str, Any], problems: set[int], token: bool) -> dict[str, Any]:
    described["responses"] = {"200": {"description": "The answer.", "content": content}}
    for status in sorted(problems | ({401} if token else set())):
        described["responses"][str(status)] = {
            "description": STATUSES[status],
            "content": {PROBLEM_JSON: {"schema": _schema(m.Problem)}},
        }
    if token:
        described["security"] = [{"token": []}]
    return described


def _schema(kind: type) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


def _parameters(request: type, components: dict[str, Any]) -> list[dict[str, Any]]:
    described = components[request.__name__]
    required = described.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": {key: value for key, value in schema.items() if key != "default"},
            **({"description": schema["description"]} if "description" in schema else {}),
        }
        for name, schema in described["properties"].items()
    ]
