"""A local HTTP server that misbehaves on request."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Site:
    """What the server has and how it behaves.

    ``cuts`` are the numbers of bytes after which it closes the connection, one a request; ``statuses`` the codes that
    it answers instead, one a request. ``requests`` collects the Range headers that it saw, "" where there was none.
    """

    files: dict[str, bytes]
    url: str = ""
    etag: str | None = '"1"'
    ranges: bool = True
    tells_length: bool = True
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    wrong_range: bool = False
    if_range: bool = True


@contextlib.contextmanager
def serve(files: dict[str, bytes]) -> Iterator[Site]:
    """Serve ``files`` on 127.0.0.1."""
    site = Site(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range", "")
            site.requests.append(wanted)
            content = site.files.get(unquote(self.path[1:]))
            status = site.statuses.pop(0) if site.statuses else 200 if content is not None else 404
            if status != 200 or content is None:
                self.send_error(status)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-") or 0) if site.ranges else 0
            if site.if_range and self.headers.get("If-Range", site.etag) != site.etag:
                start = 0
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.answer(content, start)

        def answer(self, content, start):
            body = content[start:]
            self.send_response(206 if start else 200)
            if start:
                first = 0 if site.wrong_range else start
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            if site.etag:
                self.send_header("ETag", site.etag)
            if site.tells_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body[: site.cuts.pop(0)] if site.cuts else body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
