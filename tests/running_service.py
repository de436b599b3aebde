"""`vecmill serve` as a process of its own, for tests of signals, workers and memory."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def service(*arguments, code="from vecmill.__main__ import main; main()", **environment):
    """Start the service on a free port; yield its process and its address, and kill what is left of it."""
    command = [sys.executable, "-c", code, "serve", *map(str, arguments), "--port", "0", "--map-words", "0", "--json"]
    environment = os.environ | environment
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            yield process, json.loads(line)["address"]
        finally:
            process.kill()


def ask(address, path, **headers):
    """Return status and JSON, or text, of a GET with a connection of its own."""
    request = urllib.request.Request(f"{address}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, content = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    return status, json.loads(content) if content[:1] == b"{" else content.decode()


def send(address, path, content, **headers):
    """Return the content of the answer to a POST of JSON."""
    headers |= {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}{path}", json.dumps(content).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()


@contextmanager
def half_sent(address, **headers):
    """Begin a request; yield, when the service reads it, a function that sends the rest and returns the response."""
    host, port = address.removeprefix("http://").rstrip("/").split(":")
    body = b'{"words": ["king"]}'
    given = {"Host": host, "Content-Type": "application/json", "Content-Length": len(body), "Connection": "close"}
    given["Expect"] = "100-continue"
    fields = [f"{name}: {value}" for name, value in {**given, **headers}.items()]
    lines = ["POST /api/neighbors HTTP/1.1", *fields, "", ""]

    def finish():
        connection.sendall(body[5:])
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer

    with socket.create_connection((host, int(port)), 60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body[:5])
        yield finish


def children(process):
    """Return the numbers of the forks of a process, which do not include another program that it has started."""
    found = []
    command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            same = stat.with_name("cmdline").read_bytes() == command
        except OSError:  # it has ended
            continue
        if int(parent) == process.pid and same and state != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)
