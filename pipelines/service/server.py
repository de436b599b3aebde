"""Runs the application on uvicorn."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from multiprocessing import parent_process

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from pipelines.service.problems import RequestError
from vecmill.errors import VecmillError

HEAD_SECONDS = 30.0
LARGEST_HEAD = 1 << 20
GRACE_SECONDS = 30
BACKGROUND_GRACE_SECONDS = 2


class _Protocol(HttpToolsProtocol):
    """Answers what is no HTTP, or too long or too slow before an application sees it, with a problem, too.

    Of a head, which is what a request has before its body, uvicorn would keep any length for any time.
    """

    _in_head = True  # the head of a request is awaited or has begun
    _received = 0  # bytes of it
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        super().on_message_begin()
        self._in_head, self._received = True, 0

    def on_headers_complete(self) -> None:
        """Note that a head has ended."""
        self._end_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._received += len(data)
        if self._received > LARGEST_HEAD:
            self._refuse(RequestError(431, f"request line and headers are longer than {LARGEST_HEAD >> 20} MiB"))
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP and close the connection."""
        self._refuse(RequestError(400, f"{msg.rstrip('.')}; expected HTTP/1.1"))

    def _end_head(self) -> None:
        self._in_head = False
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self.cycle and not self.cycle.response_complete:  # of the request before, which takes longer
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)
        elif not self.transport.is_closing():
            self._refuse(RequestError(408, f"the headers of the request did not arrive in {HEAD_SECONDS:.0f} s"))

    def _refuse(self, error: RequestError) -> None:
        """Answer and close the connection."""
        response = error.response()
        response.headers["connection"] = "close"
        headers = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[error.status] + headers + b"\r\n" + bytes(response.body))
        self.transport.close()


class _Server(uvicorn.Server):
    """Calls a function when requests are accepted; in a worker, ends when the process that started it has ended."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept requests."""
        await super().startup(sockets)
        if parent := parent_process():
            asyncio.get_running_loop().add_reader(parent.sentinel, self._stop, parent.sentinel)
        self._started()

    def _stop(self, sentinel: int) -> None:
        asyncio.get_running_loop().remove_reader(sentinel)
        self.should_exit = True


def listen(host: str, port: int, remedy: str = "choose another --host or --port") -> socket.socket:
    """Return a socket that listens.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        0 for one that is free.
    remedy : str
        What the message of an error advises.

    Returns
    -------
    socket

    Raises
    ------
    VecmillError
        The address cannot be used.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VecmillError(f"cannot listen on {host}, port {port}: {reason}; {remedy}") from None


def run(application: ASGIApp, listening: socket.socket, started: Callable[[], object] = lambda: None) -> None:
    """Serve until a signal arrives, and answer the requests in flight.

    Parameters
    ----------
    application : ASGI application
    listening : socket
    started : callable, optional
        Called when requests are accepted.
    """
    config = _configured(application, GRACE_SECONDS)
    server = _Server(config, started)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve([listening]))


class BackgroundServer:
    """Serves from a thread, beside the work of the program.

    Parameters
    ----------
    application : ASGI application
    listening : socket
        Closed at the end.
    """

    def __init__(self, application: ASGIApp, listening: socket.socket) -> None:
        self._server = uvicorn.Server(_configured(application, BACKGROUND_GRACE_SECONDS))
        self._listening = listening
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name="page", daemon=True)

    def start(self) -> None:
        """Begin to accept requests."""
        self._thread.start()

    def stop(self) -> None:
        """Answer the requests in flight and end."""
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()


def _configured(application: ASGIApp, grace_seconds: int) -> uvicorn.Config:
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return uvicorn.Config(
        application,
        http=_Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=grace_seconds,
    )
