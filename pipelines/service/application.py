"""The ASGI application: routes, what requests hold, and the files of the page."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import msgspec
from msgspec.inspect import ListType, type_info
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.service import arrow, metrics
from pipelines.service.guard import Guard
from pipelines.service.in_flight import InFlight
from pipelines.service.layouts import RETRY_SECONDS, Layouts
from pipelines.service.messages import Empty, MapQuery
from pipelines.service.metrics import Metrics
from pipelines.service.openapi import description
from pipelines.service.operations import OPERATIONS, Operation
from pipelines.service.page import page_files
from pipelines.service.problems import RequestError
from pipelines.service.served import Served

LARGEST_BODY = 8 << 20
BODY_SECONDS = 30.0
MOST_IN_FLIGHT = 256
JSON = "application/json"

Handler = Callable[[Request], Awaitable[Response]]


def _number(text: str) -> int | float:
    """Return a JSON number; 10.0 is an integer (JSON Schema)."""
    number = float(text)
    return int(number) if number.is_integer() else number


_decode_json = msgspec.json.Decoder(float_hook=_number).decode


def make_application(
    served: Served,
    layouts: Layouts,
    counted: Metrics,
    *,
    token: str | None = None,
    hosts: Collection[str] = (),
    in_flight: InFlight | None = None,
) -> ASGIApp:
    """Make the application.

    Parameters
    ----------
    served : Served
    layouts : Layouts
        Of the maps.
    counted : Metrics
    token, hosts, in_flight : str, collection of str, InFlight
        See `Guard`.

    Returns
    -------
    ASGI application
    """

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        yield
        served.close()

    methods: dict[str, dict[str, Handler]] = {}
    for operation in OPERATIONS:
        methods.setdefault(operation.path, {})[operation.method] = _handler(operation, served)

    async def report(request: Request) -> Response:
        _from_query(request, Empty)
        return Response(counted.text(), media_type=metrics.METRICS_TEXT)

    async def word_map(request: Request) -> Response:
        model = served.model(_from_query(request, MapQuery).model)
        data = layouts.data(model)
        if data is None:  # no error, which browsers would write into their consoles
            return Response(status_code=202, headers={"Retry-After": str(RETRY_SECONDS)})
        return Response(data, media_type="application/octet-stream")

    api = msgspec.json.encode(description(token=token is not None))
    methods |= {"/api/metrics": {"GET": report}, "/api/map": {"GET": word_map}}
    methods["/api/openapi.json"] = {"GET": _fixed(api, JSON)}
    methods |= {path: {"GET": _fixed(content, kind)} for path, (content, kind) in page_files().items()}
    application = Starlette(
        routes=[Route(path, _by_method(handlers), methods=list(handlers)) for path, handlers in methods.items()],
        exception_handlers={RequestError: _problem, HTTPException: _http_problem, Exception: _failure},
        lifespan=lifespan,
    )
    in_flight = in_flight or InFlight(MOST_IN_FLIGHT)
    return Guard(application, counted, in_flight=in_flight, token=token, hosts=hosts, operations=methods.keys())


def _by_method(handlers: Mapping[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return handle


def _fixed(content: bytes, media_type: str) -> Handler:
    async def handle(request: Request) -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return handle


def _handler(operation: Operation, served: Served) -> Handler:
    async def handle(request: Request) -> Response:
        if operation.method == "GET":
            query = _from_query(request, operation.request)
            as_arrow = False
        else:
            query = await _from_body(request, operation.request)
            as_arrow = operation.arrow and _wants_arrow(request)
        answer = await operation.answer(served, query)
        if as_arrow:
            return Response(await served.in_thread(arrow.stream, answer), media_type=arrow.ARROW_STREAM)
        return Response(msgspec.json.encode(answer), media_type=JSON)

    return handle


def _from_query(request: Request, kind: Any) -> Any:
    """Return the parameters of a query as a `kind` of Struct; lists are repeated parameters."""
    given: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        given.setdefault(name, []).append(value)
    lists = _lists(kind)
    twice = [name for name, values in given.items() if len(values) > 1 and name not in lists]
    if twice:
        raise RequestError(422, f"{twice[0]!r} is given {len(given[twice[0]])} times; expected once")
    values = {name: values if name in lists else values[0] for name, values in given.items()}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise RequestError(422, str(error)) from None


@cache  # msgspec takes as long to describe a type as all else takes to read a query
def _lists(kind: Any) -> frozenset[str]:
    """Return the names of the parameters that are lists."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind) if _is_list(field.type))


def _is_list(kind: Any) -> bool:
    described = type_info(kind)
    return isinstance(getattr(described, "type", described), ListType)


async def _from_body(request: Request, message: type[Any]) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise RequestError(415, f"the content type is {kind!r}; expected {JSON}")
    body = await _body(request)
    try:
        return msgspec.convert(_decode_json(body), message)
    except msgspec.ValidationError as error:
        raise RequestError(422, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(400, f"the content is not JSON: {error}") from None
    except RecursionError:
        raise RequestError(400, "the content has too many arrays or objects in one another") from None


def _too_large() -> RequestError:
    return RequestError(413, f"the request is larger than {LARGEST_BODY >> 20} MiB; split it", Connection="close")


async def _body(request: Request) -> bytes:
    if int(request.headers.get("content-length", 0)) > LARGEST_BODY:  # the server refuses what is no number
        raise _too_large()
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > LARGEST_BODY:
                    raise _too_large()
                parts.append(part)
    except ClientDisconnect:
        raise RequestError(400, "the client went away before the request had arrived") from None
    except TimeoutError:
        raise RequestError(408, f"the request did not arrive in {BODY_SECONDS:.0f} s", Connection="close") from None
    return b"".join(parts)


def _wants_arrow(request: Request) -> bool:
    accepted = request.headers.get("accept", "*/*")
    if arrow.ARROW_STREAM not in accepted:
        return False
    if not arrow.is_installed():
        raise RequestError(406, "Arrow needs pyarrow where the service runs: pip install 'vecmill[parquet]'")
    return True


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return error.response()


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    details = {404: f"{path} does not exist; see /api/openapi.json", 405: f"{path} has no {request.method}"}
    response = RequestError(error.status_code, details.get(error.status_code, error.detail)).response()
    response.headers.update(error.headers or {})
    return response


async def _failure(request: Request, error: Exception) -> Response:
    return RequestError(500, "the service failed; its log has the reason").response()
