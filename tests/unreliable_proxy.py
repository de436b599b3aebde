"""A proxy before a server of this machine whose requests fail, or are slow, as those of a storage far away may be."""

import http.client
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SKIPPED = ("transfer-encoding", "connection", "content-length", "expect", "date", "server")


class Proxy:
    """Forwards requests to a server.

    Attributes
    ----------
    url : str
    requests : list of tuple of str
        Method and path of every request that was answered.
    fails_every : int
        Every so many-th request gets an HTTP 500; 0 for none.
    away_after : int or None
        After so many requests no other is answered.
    seconds : float
        Wait before every answer.
    """

    def __init__(self, target):
        self.target, self.requests, self.number = target, [], 0
        self.fails_every, self.away_after, self.seconds = 0, None, 0.0
        self._lock = threading.Lock()

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self._lock:
            self.number += 1
            number = self.number
        if self.away_after is not None and number > self.away_after:
            handler.close_connection = True
            return
        time.sleep(self.seconds)
        if self.fails_every and number % self.fails_every == 0:
            handler.send_response(500)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        self.requests.append((handler.command, handler.path.partition("?")[0]))
        host, _, port = self.target.removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port))
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "expect"}
        connection.request(handler.command, handler.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        handler.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in SKIPPED:
                handler.send_header(name, value)
        length = response.getheader("Content-Length", "0") if handler.command == "HEAD" else str(len(content))
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.wfile.write(content)
        connection.close()


@contextmanager
def unreliable(target):
    """Start a proxy before the server at a URL."""
    proxy = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            proxy.answer(self)

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield proxy
    server.shutdown()
    server.server_close()
