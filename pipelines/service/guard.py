"""What every request passes: the number in flight, the host it asks for, the token; and what every response carries."""

import hmac
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.service.in_flight import InFlight
from pipelines.service.metrics import Metrics
from pipelines.service.operations import HEALTH
from pipelines.service.problems import RequestError

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Guard:
    """Lets requests through to an application.

    Parameters
    ----------
    application : ASGI application
    metrics : Metrics
    in_flight : InFlight
        Too many requests get a 429.
    token : str, optional
        Requests below /api/ need ``Authorization: Bearer TOKEN``, but that of the health.
    hosts : collection of str
        Host names that requests may ask for; all if empty. A page on the web that has its own name lead to a loopback
        address (DNS rebinding) could otherwise read what is served there.
    operations : collection of str
        Paths that are told apart in the metrics.
    """

    def __init__(
        self,
        application: ASGIApp,
        metrics: Metrics,
        *,
        in_flight: InFlight,
        token: str | None,
        hosts: Collection[str],
        operations: Collection[str],
    ) -> None:
        self._application, self._metrics = application, metrics
        self._in_flight = in_flight
        self._token, self._hosts, self._operations = token, frozenset(hosts), frozenset(operations)
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *self._headers]
            elif not message.get("more_body"):
                counted.close()  # before a client that has the answer can send the next request
            await send(message)

        with ExitStack() as counted:
            counted.enter_context(self._counted(scope["path"], lambda: status))
            try:
                self._check(scope)
            except RequestError as error:
                await error.response()(scope, receive, answer)
            else:
                await self._application(scope, receive, answer)

    @contextmanager
    def _counted(self, path: str, status: Callable[[], int]) -> Iterator[None]:
        """Count a request as in flight inside the context, and in the metrics at its end."""
        began = time.perf_counter()
        operation = path if path in self._operations else "other"
        self._in_flight.enter()
        self._metrics.in_flight.inc()
        try:
            yield
        finally:
            self._in_flight.leave()
            self._metrics.in_flight.dec()
            self._metrics.requests.labels(operation, str(status())).inc()
            self._metrics.seconds.labels(operation).observe(time.perf_counter() - began)

    def _check(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        if self._hosts and name.lower() not in self._hosts:
            raise RequestError(400, f"the host {name!r} is not served here; expected {', '.join(sorted(self._hosts))}")
        if scope["path"] == HEALTH:
            return
        if self._in_flight.too_many:
            raise RequestError(
                429, f"more than {self._in_flight.most} requests are in flight; repeat it later", Retry_After="1"
            )
        if self._token is not None and scope["path"].startswith("/api/"):
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
                raise RequestError(401, "expected the header 'Authorization: Bearer TOKEN'", WWW_Authenticate="Bearer")
