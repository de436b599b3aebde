"""`vecmill serve --workers`: processes that share models, limits and metrics, are replaced, and end together."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embeddings.vectors.neighbors import FEW, FEWEST_ROUNDED
from tests.chromium import wait_until
from tests.command_line import fails
from tests.running_service import ask, children, half_sent, send, service
from tests.served_models import make_vectors

pytest.importorskip("starlette")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forks, on Linux only")

TOKEN = "secret-of-16-letters"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
SHORTEST_LIFE = (
    "from pipelines.service import worker_processes as w; w.SHORTEST_LIFE = {}; "
    "from vecmill.__main__ import main; main()"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "m"
    make_vectors().save(path)
    return path


def test_workers_share_token_limit_and_metrics_and_are_replaced(model):
    arguments = [model, "--workers", 2, "--max-requests", 1]
    with service(*arguments, code=SHORTEST_LIFE.format(0), VECMILL_TOKEN=TOKEN) as (process, address):
        workers = children(process)
        assert len(workers) == 2
        for _ in range(10):  # each has a connection of its own, which either worker may take
            assert ask(address, "api/neighbors?word=king")[0] == 401
            assert ask(address, "api/neighbors?word=king", **HEADERS)[0] == 200
        with half_sent(address, **HEADERS) as finish:
            wait_until(lambda: ask(address, "api/neighbors?word=king", **HEADERS)[0] == 429)
            assert {ask(address, "api/neighbors?word=king", **HEADERS)[0] for _ in range(8)} == {429}
            assert finish().startswith(b"HTTP/1.1 200")
        _, text = ask(address, "api/metrics", **HEADERS)
        assert counted(text, "/api/neighbors", 401) == 10
        assert counted(text, "/api/neighbors", 200) >= 11

        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda: len(children(process)) == 2 and children(process) != workers)
        assert {ask(address, "api/neighbors?word=king", **HEADERS)[0] for _ in range(8)} == {200}
        _, text = ask(address, "api/metrics", **HEADERS)
        assert counted(text, "/api/neighbors", 401) == 10
        assert re.search(r"^vecmill_requests_in_flight 1.0$", text, re.MULTILINE)
        process.terminate()
        assert "worker 0 ended: signal 9; another one is started" in process.communicate(timeout=60)[1]


def counted(text, operation, status):
    found = re.search(
        rf'^vecmill_requests_total{{operation="{operation}",status="{status}"}} (\S+)$', text, re.MULTILINE
    )
    return float(found[1])


def test_sigterm_ends_all_workers_when_the_requests_in_flight_are_answered(model):
    with service(model, "--workers", 3) as (process, address):
        workers = children(process)
        with half_sent(address) as finish:
            process.terminate()
            time.sleep(0.3)
            answer = finish()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"results"' in answer
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM
        assert "requests in flight were answered" in errors
        assert "Traceback" not in errors
        assert not any(is_running(worker) for worker in workers)


def test_workers_end_when_the_process_that_started_them_is_killed(model):
    with service(model, "--workers", 2) as (process, _):
        workers = children(process)
        process.kill()
        process.wait()
        wait_until(lambda: not any(is_running(worker) for worker in workers))


def is_running(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_that_ends_at_once_ends_the_service(model):
    with service(model, "--workers", 2, code=SHORTEST_LIFE.format(600)) as (process, _):
        os.kill(children(process)[1], signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "worker 1 ended soon after its start: signal 9" in errors
        assert "Traceback" not in errors


ENDED_AT_ONCE = """
import time
from pipelines.console.interruption import run_interruptibly
from pipelines.service.worker_processes import Workers
def work(number):
    while True:
        time.sleep(0.01)
def start_and_end():
    for _ in range(20):
        with Workers(2, work):
            pass
run_interruptibly(start_and_end)
"""


def test_workers_that_are_ended_while_they_start_say_nothing():
    result = subprocess.run([sys.executable, "-c", ENDED_AT_ONCE], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_workers_elsewhere_are_refused(model, monkeypatch):
    monkeypatch.setattr("pipelines.service.worker_processes.CAN_FORK", False)
    fails(2, "on Linux only", "serve", model, "--workers", 2)


def test_another_process_compiles_the_kernels_of_the_service(model, tmp_path):
    """The cache holds what requests need before they arrive; the service, which keeps its memory, compiles none."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    compiling = "from pipelines.service.kernels import call_kernels; call_kernels()"
    subprocess.run([sys.executable, "-c", compiling], check=True, env={**os.environ, **environment})
    before = sorted(tmp_path.rglob("*.nbc"))
    assert any("search_coded" in file.name for file in before), "single queries that arrive together need it"
    with service(model, **environment) as (_, address):
        for number in (FEW + 1, FEWEST_ROUNDED):
            send(address, "api/neighbors", {"words": (["king", "queen"] * number)[:number]})
        send(address, "api/embed", {"texts": ["a queen, a King"]})
        assert sorted(tmp_path.rglob("*.nbc")) == before
