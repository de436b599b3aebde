"""Runs the application on uvicorn."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pipelines.service.problems import RequestError
from vecmill.errors import VecmillError

GRACE_SECONDS = 30
BACKGROUND_GRACE_SECONDS = 2


class _Protocol(AutoHTTPProtocol):
    """Answers what is no HTTP, which no application sees, with a problem too."""

    def send_400_response(self, msg: str) -> None:
        """Answer and close the connection."""
        response = RequestError(400, f"{msg.rstrip('.')}; expected HTTP/1.1", Connection="close").response()
        headers = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n%s\r\n%s" % (headers, response.body))
        self.transport.close()


class _Server(uvicorn.Server):
    """Calls a function when requests are accepted."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept requests."""
        await super().startup(sockets)
        self._started()


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


def run(application: ASGIApp, listening: socket.socket, started: Callable[[], object]) -> None:
    """Serve until a signal arrives, and answer the requests in flight.

    Parameters
    ----------
    application : ASGI application
    listening : socket
    started : callable
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
