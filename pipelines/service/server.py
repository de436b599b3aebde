"""Runs the application on uvicorn."""

import asyncio
import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from vecmill.errors import VecmillError

GRACE_SECONDS = 30


class _Server(uvicorn.Server):
    """Calls a function when requests are accepted."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept requests."""
        await super().startup(sockets)
        self._started()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        0 for one that is free.

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
        raise VecmillError(f"cannot listen on {host}, port {port}: {reason}; choose another --host or --port") from None


def run(application: ASGIApp, listening: socket.socket, started: Callable[[], object]) -> None:
    """Serve until a signal arrives, and answer the requests in flight.

    Parameters
    ----------
    application : ASGI application
    listening : socket
    started : callable
        Called when requests are accepted.
    """
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    server = _Server(config, started)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve([listening]))
