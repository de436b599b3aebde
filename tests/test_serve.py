"""The HTTP service: its answers are those of the library, its errors are problem details, its limits hold."""

import asyncio
import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path

import numpy as np
import pytest

from embeddings.vectors.rounded_matrix import RoundedMatrix
from tests.command_line import fails
from tests.conftest import REPOSITORY
from tests.running_service import ask, half_sent, send, service
from tests.served_models import MARKUP, make_service, make_vectors

pytest.importorskip("starlette")
pytest.importorskip("httpx2")
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from pipelines.service import application as limits
from pipelines.service.arrow import ARROW_STREAM as ARROW
from pipelines.service.guard import Guard
from pipelines.service.in_flight import InFlight
from pipelines.service.layouts import Layouts, _keep_locks_in_this_process
from pipelines.service.metrics import Metrics
from pipelines.service.problems import RequestError
from pipelines.service.served import Served, ServedModel
from pipelines.service.server import BackgroundServer, listen
from pipelines.service.shared_passes import SharedPasses

VECTORS = make_vectors()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    made, _ = make_service(tmp_path_factory.mktemp("served"))
    with TestClient(made) as client:
        yield client


def get(client, path, **query):
    response = client.get(f"/api/{path}", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def post(client, path, **content):
    response = client.post(f"/api/{path}", json=content)
    assert response.status_code == 200, response.text
    return response.json()


def problem(response, status, detail):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found["status"] == status
    assert detail in found["detail"]
    assert found["title"]


# ---------------------------------------------------------------------------------------------------------- answers


def pairs(found):
    return [(near["word"], pytest.approx(near["similarity"], abs=1e-5)) for near in found]


def test_neighbours_are_those_of_the_library(client):
    assert VECTORS.most_similar("king", topn=4) == pairs(get(client, "neighbors", word="king", topn=4)["neighbors"])
    several = get(client, "neighbors", word=["king", "woman"], without="man", topn=3)["neighbors"]
    assert VECTORS.most_similar(["king", "woman"], ["man"], topn=3) == pairs(several)
    assert several[0]["word"] == "queen"


def test_neighbours_of_many_words_name_those_that_are_unknown(client):
    found = post(client, "neighbors", words=["king", "nowhere", "café"], topn=2)
    assert found["unknown"] == ["nowhere"]
    assert [result["word"] for result in found["results"]] == ["king", "café"]
    for result in found["results"]:
        assert VECTORS.most_similar(result["word"], topn=2) == pairs(result["neighbors"])
    assert post(client, "neighbors", words=["nowhere"])["results"] == []


@pytest.mark.parametrize("copied", [False, True])
def test_queries_that_wait_share_a_pass_and_get_their_own_answers(monkeypatch, copied):
    """Also those that are asked once the matrix is copied."""
    monkeypatch.setattr("pipelines.service.shared_passes.COPIED", range(VECTORS.matrix.size + copied))
    of_copy, nearest = [], RoundedMatrix.nearest
    monkeypatch.setattr(RoundedMatrix, "nearest", lambda *given: of_copy.append(given) or nearest(*given))
    passes, sizes = [], []
    shared = SharedPasses(VECTORS, sizes.append)

    async def ask():
        words = [*VECTORS.words[:50], "king"]
        tasks = [
            shared.nearest(VECTORS.get_vector(w, norm=True), [VECTORS.id(w)], 1 + i % 7) for i, w in enumerate(words)
        ]
        passes.extend(zip(words, await asyncio.gather(*tasks), strict=True))

    asyncio.run(ask())
    waited = time.monotonic() + 60
    while copied and len(of_copy) < 3 and time.monotonic() < waited:  # the first query of the copy loads its kernel
        asyncio.run(ask())
    shared.close()
    assert bool(of_copy) == copied
    assert sum(sizes) == len(passes)
    assert max(sizes) > 1
    for place, (word, (ids, similarities)) in enumerate(passes):
        expected = VECTORS.most_similar(word, topn=1 + place % 51 % 7)
        assert [VECTORS.words[row] for row in ids] == [neighbor for neighbor, _ in expected]
        np.testing.assert_allclose(similarities, [cosine for _, cosine in expected], atol=1e-5)


def test_a_query_that_arrives_a_moment_later_shares_the_first_pass():
    sizes = []
    shared = SharedPasses(VECTORS, sizes.append)

    async def ask():
        unit = VECTORS.get_vector("king", norm=True)
        first = asyncio.create_task(shared.nearest(unit, [0], 1))
        await asyncio.sleep(0)  # the first one is asked now
        await asyncio.gather(first, shared.nearest(unit, [0], 1))

    asyncio.run(ask())
    shared.close()
    assert sizes == [2]


def test_an_error_in_a_pass_reaches_all_who_wait_and_no_one_after_them():
    shared = SharedPasses(VECTORS)

    async def ask():
        bad = np.zeros(3, np.float32)
        failed = await asyncio.gather(*(shared.nearest(bad, [], 1) for _ in range(2)), return_exceptions=True)
        assert all(isinstance(error, ValueError) for error in failed)
        return await shared.nearest(VECTORS.get_vector("king", norm=True), [0], 1)

    ids, _ = asyncio.run(ask())
    shared.close()
    assert VECTORS.words[ids[0]] == VECTORS.most_similar("king", topn=1)[0][0]


def test_other_queries_of_word_vectors(client):
    found = get(client, "analogy", a="man", b="king", c="woman", topn=2, method="3CosMul")
    expected = VECTORS.analogy("man", "king", "woman", 2, "3CosMul")
    assert [answer["word"] for answer in found["answers"]] == [word for word, _ in expected]
    np.testing.assert_allclose(get(client, "vector", word="king")["vector"], VECTORS["king"])
    both = post(client, "vector", words=["king", "nowhere", "queen"])
    np.testing.assert_allclose(both["vectors"], VECTORS[["king", "queen"]])
    assert both["unknown"] == ["nowhere"]
    assert get(client, "similarity", a="king", b="queen")["similarity"] == pytest.approx(
        VECTORS.similarity("king", "queen"), abs=1e-5
    )
    odd = get(client, "doesnt-match", word=["king", "queen", "bread", "man", "nowhere"])
    assert (odd["word"], odd["unknown"]) == (VECTORS.doesnt_match(["king", "queen", "bread", "man"]), ["nowhere"])
    assert odd["similarities"][-1]["word"] == odd["word"]
    vectors = post(client, "embed", texts=["King, queen!", "xyz"])["vectors"]
    np.testing.assert_allclose(vectors[0], VECTORS.mean_vector(["king", "queen"]), atol=1e-5)
    assert not any(vectors[1])


def test_words_are_placed_on_axes(client):
    axes = [{"positive": ["woman"], "negative": ["man"]}, {"positive": ["king", "queen"], "negative": ["bread"]}]
    found = post(client, "axes", axes=axes, words=["queen", "king", "nowhere"])
    (queen, king) = found["words"]
    assert queen["places"][0] > 0 > king["places"][0]
    assert queen["places"][1] > 0
    assert found["unknown"] == ["nowhere"]
    problem(
        client.post("/api/axes", json={"axes": [{"positive": ["kin"], "negative": ["man"]}], "words": ["man"]}),
        404,
        "king",
    )


def test_every_operation_of_the_page_finds_words_as_they_are_typed():
    vectors = make_vectors()
    vectors.tokenizer_settings = {"spec": "fast", "lowercase": True}
    models = [ServedModel(name, vectors) for name in ("one", "two")]
    with TestClient(limits.make_application(Served(models), Layouts(models, 0), Metrics())) as client:
        assert get(client, "neighbors", word="King")["words"] == ["king"]
        assert get(client, "analogy", a="Man", b="KING", c="woman")["words"] == ["man", "king", "woman"]
        odd = get(client, "doesnt-match", word=["King", "queen", "Bread", "Zebra"])
        assert {near["word"] for near in odd["similarities"]} == {"king", "queen", "bread"}
        assert odd["unknown"] == ["Zebra"]
        axes = [{"positive": ["Woman"], "negative": ["Man"]}]
        placed = post(client, "axes", axes=axes, words=["King", "king", "Zebra"])
        assert ([word["word"] for word in placed["words"]], placed["unknown"]) == (["king"], ["Zebra"])
        compared = get(client, "compare", a="one", b="two", word=["King", "Zebra"])
        assert ([word["word"] for word in compared["moved"]], compared["unknown"]) == (["king"], ["Zebra"])


def test_two_models_are_compared_after_an_alignment(client):
    found = get(client, "compare", a="first", b="second", words=3)
    assert (found["common"], len(found["moved"])) == (310, 3)
    assert found["similarity"] > 0.8 > found["chance"]
    [word] = get(client, "compare", a="first", b="second", word="king")["moved"]
    assert word["word"] == "king"
    assert word["neighbors_a"][0] == VECTORS.most_similar("king", topn=1)[0][0]


def test_the_language_model_completes_and_scores(client, tmp_path_factory):
    _, served = make_service(tmp_path_factory.mktemp("lm"))
    found = post(client, "complete", text="the dog zebra", topn=50)
    assert found["unknown"] == ["zebra"]
    total = sum(word["probability"] for word in found["words"]) + found["end"]
    model = served.with_language_model(lambda model: model)
    assert total == pytest.approx(1 - np.exp(log_unk(model, ["the", "dog", "zebra"])), abs=1e-4)
    scored = post(client, "perplexity", text="the cat sat\nthe zebra")
    assert [[token["word"] for token in line] for line in scored["lines"]] == [
        ["the", "cat", "sat", "<eos>"],
        ["the", "zebra", "<eos>"],
    ]
    assert scored["lines"][1][1]["oov"]
    assert scored["perplexity"] == pytest.approx(model.perplexity("the cat sat\nthe zebra"), rel=1e-4)
    assert post(client, "perplexity", text=" \n")["perplexity"] is None


def log_unk(model, words):
    ids = np.array([model.eos, *model.vocabulary.ids(words, missing=model.unk)])
    return model.log_probabilities(ids[-1:], model.hidden(ids[:-1, None])[1])[0][0, model.unk]


def test_batches_are_also_arrow_streams(client):
    pa = pytest.importorskip("pyarrow")

    def table(path, **content):
        response = client.post(f"/api/{path}", json=content, headers={"Accept": ARROW})
        assert response.headers["content-type"] == ARROW
        return pa.ipc.open_stream(response.content).read_all()

    frame = table("neighbors", words=["king", "queen"], topn=3).to_pandas()
    assert list(frame.columns) == ["word", "rank", "neighbor", "similarity"]
    assert list(frame[frame.word == "queen"].neighbor) == [word for word, _ in VECTORS.most_similar("queen", topn=3)]
    vectors = table("vector", words=["king", "nowhere"])
    assert vectors["word"].to_pylist() == ["king"]
    np.testing.assert_array_equal(vectors["vector"].to_pylist()[0], VECTORS["king"])
    assert len(table("embed", texts=["king", "queen"])) == 2
    assert len(table("vector", words=["nowhere"])) == 0


def test_what_is_served_is_listed(client):
    found = get(client, "models")
    assert [model["name"] for model in found["models"]] == ["first", "second"]
    assert found["language_model"]["name"] == "small"
    assert get(client, "health")["status"] == "ok"
    assert get(client, "neighbors", word="king", model="second")["model"] == "second"
    text = client.get("/api/metrics").text
    assert 'vecmill_requests_total{operation="/api/neighbors",status="200"}' in text
    assert "vecmill_request_seconds_bucket" in text


# ----------------------------------------------------------------------------------------------------- bad requests


def test_errors_are_problem_details_with_hints(client):
    problem(client.get("/api/neighbors", params={"word": "qeen"}), 404, "closest: queen")
    problem(client.get("/api/neighbors", params={"word": "king", "model": "frist"}), 404, "did you mean 'first'")
    problem(client.get("/api/neighbors"), 422, "`word`")
    problem(client.get("/api/neighbors", params={"word": "king", "topn": 0}), 422, "topn")
    problem(client.get("/api/neighbors", params={"word": "king", "tpon": 3}), 422, "tpon")
    problem(client.get("/api/analogy", params={"a": ["x", "y"], "b": "z", "c": "z"}), 422, "2 times")
    problem(client.post("/api/embed", content=b"{", headers={"Content-Type": "application/json"}), 400, "JSON")
    problem(
        client.post("/api/embed", content=b'{"a":' * 5000, headers={"Content-Type": "application/json"}),
        400,
        "one another",
    )
    problem(client.post("/api/embed", content=b"texts=a"), 415, "application/json")
    problem(client.get("/api/nothing"), 404, "openapi.json")
    problem(client.delete("/api/neighbors"), 405, "DELETE")
    problem(client.get("/page/../../../etc/passwd"), 404, "does not exist")
    problem(client.get("/page/%2e%2e/__init__.py"), 404, "does not exist")
    problem(client.get("/api/map"), 404, "no map")


def test_without_a_language_model_the_error_says_how_to_get_one(tmp_path):
    made, _ = make_service(tmp_path, language_model=False)
    with TestClient(made) as client:
        problem(client.post("/api/complete", json={"text": "a"}), 404, "--lm")
        assert get(client, "models")["language_model"] is None


def test_the_map_is_laid_out_by_a_process_of_its_own_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("VECMILL_CACHE", str(tmp_path / "cache"))
    made, _ = make_service(tmp_path, map_words=100)
    with TestClient(made) as client:
        for _ in range(600):
            response = client.get("/api/map")
            if response.status_code != 202:
                break
            assert response.headers["retry-after"]
            time.sleep(0.1)
        assert response.status_code == 200, response.text
        assert b"queen" in gzip.decompress(response.content)
    again, _ = make_service(tmp_path, map_words=100)
    with TestClient(again) as client:
        assert client.get("/api/map").status_code == 200


def test_a_map_is_not_that_of_a_model_trained_in_its_place_since(tmp_path, monkeypatch):
    """The service keeps what it opened; another process reads the directory, and later services the cache."""
    monkeypatch.setenv("VECMILL_CACHE", str(tmp_path / "cache"))
    make_vectors().save(tmp_path / "model")
    model = ServedModel("some", VECTORS, tmp_path / "model")
    shutil.rmtree(tmp_path / "model")
    make_vectors(turn=9).save(tmp_path / "model")
    layouts = Layouts([model], 100, "PCA").start()
    try:
        layouts._process.join()
        with pytest.raises(RequestError, match="holds another model than the one that is served; start the service"):
            layouts.data(model)
    finally:
        layouts.close()
    assert not list((tmp_path / "cache").rglob("*.map"))


def _no_home(monkeypatch, tmp_path):
    def unknown(name):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("VECMILL_CACHE", raising=False)
    monkeypatch.setattr("corpora.cache.user_cache_dir", unknown)


def _file_in_the_way(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VECMILL_CACHE", str(tmp_path / "file" / "cache"))


@pytest.mark.parametrize("obstacle", [_no_home, _file_in_the_way])
def test_a_cache_that_cannot_be_written_stops_neither_the_service_nor_the_map(tmp_path, monkeypatch, caplog, obstacle):
    obstacle(monkeypatch, tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    models = [ServedModel("some", VECTORS)]
    layouts = Layouts(models, 100, "PCA")
    assert re.search("maps are kept until the service ends: .*VECMILL_CACHE", caplog.text)
    (folder,) = (tmp_path / "temporary").iterdir()
    layouts.close()
    assert not folder.exists()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file" / "nowhere"))
    with pytest.raises(RequestError, match=r"some has no map; .*VECMILL_CACHE"):
        Layouts(models, 100, "PCA").data(models[0])


def _bar_that_is_ended():
    from tqdm import tqdm

    _keep_locks_in_this_process()
    tqdm(range(1), disable=True)
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
def test_a_layout_that_is_ended_leaves_no_semaphore():
    pytest.importorskip("tqdm")
    program = (
        "from multiprocessing import get_context; from tests.test_serve import _bar_that_is_ended as work\n"
        "if __name__ == '__main__': p = get_context('spawn').Process(target=work); p.start(); p.join()"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_markup_in_words_and_queries_comes_back_as_data(client):
    response = client.get("/api/neighbors", params={"word": MARKUP})
    assert response.json()["words"] == [MARKUP]
    assert response.headers["content-type"] == "application/json"
    missing = client.get("/api/neighbors", params={"word": "<img src=x onerror=alert(1)>"})
    problem(missing, 404, "<img")
    for answer in (response, missing, client.get("/")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self';" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /api/embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/embed HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
    ],
)
def test_what_is_no_http_gets_a_problem_too(sent):
    listening = listen("127.0.0.1", 0)
    server = BackgroundServer(_never, listening)
    server.start()
    try:
        with socket.create_connection(listening.getsockname(), timeout=30) as connection:
            connection.sendall(sent)
            response = HTTPResponse(connection)
            response.begin()
            body = json.loads(response.read())
    finally:
        server.stop()
    assert (response.status, response.getheader("content-type")) == (400, "application/problem+json")
    assert body["status"] == 400
    assert "expected HTTP/1.1" in body["detail"]


SILENT = [b"", b"GET /api/health HTTP/1.1\r\nHost: ", b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET"]


@pytest.mark.parametrize("sent", SILENT)
def test_a_connection_whose_request_does_not_arrive_is_closed(monkeypatch, sent):
    monkeypatch.setattr("pipelines.service.server.HEAD_SECONDS", 0.3)
    with answering(PlainTextResponse("here")) as address, socket.create_connection(address, timeout=30) as connection:
        connection.sendall(sent)
        got = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert got.count(b"HTTP/1.1 200 OK") == sent.count(b"\r\n\r\n")
    assert b"HTTP/1.1 408 Request Timeout\r\n" in got
    assert b"did not arrive in" in got


@pytest.mark.parametrize("begin", [b"GET /?x=", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_without_an_end_is_refused(begin):
    piece = b"X: y\r\n" * 10_000 if begin.endswith(b"\n") else b"x" * 60_000
    with answering(PlainTextResponse("here")) as address, socket.create_connection(address, timeout=30) as connection:
        connection.sendall(begin)
        with pytest.raises(OSError, match=r"reset|Broken"):
            for _ in range(2000):
                connection.sendall(piece)


def test_a_long_head_is_read():
    with answering(PlainTextResponse("here")) as address, socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"GET /?x=" + b"x" * 60_000 + b" HTTP/1.1\r\nX: " + b"x" * 900_000 + b"\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"


@contextmanager
def answering(application):
    """Serve an application for HTTP alone; give its address."""

    async def answer(scope, receive, send):
        if scope["type"] == "http":
            await application(scope, receive, send)

    listening = listen("127.0.0.1", 0)
    server = BackgroundServer(answer, listening)
    server.start()
    try:
        yield listening.getsockname()
    finally:
        server.stop()


def test_a_request_is_counted_no_longer_once_its_client_can_have_the_answer():
    metrics, statuses = Metrics(), []
    scope = {"type": "http", "path": "/here", "headers": [], "method": "GET"}
    answer = PlainTextResponse("found")
    guard = Guard(answer, metrics, in_flight=InFlight(1), token=None, hosts=(), operations=["/here"])

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        elif len(statuses) < 3:  # the client has it, and asks again
            assert f'status="200"}} {len(statuses)}.0'.encode() in metrics.text()
            await guard(scope, None, send)

    asyncio.run(guard(scope, None, send))
    assert statuses == [200, 200, 200]
    assert b"vecmill_requests_in_flight 0.0" in metrics.text()


async def _never(scope, receive, send):
    assert scope["type"] == "lifespan"


def test_large_requests_are_refused_before_they_are_read(client, monkeypatch):
    monkeypatch.setattr(limits, "LARGEST_BODY", 1000)
    sent = 0

    def endless():
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b" " * 500

    headers = {"Content-Type": "application/json"}
    problem(client.post("/api/embed", content=endless(), headers=headers), 413, "split it")
    problem(client.post("/api/neighbors", json={"words": ["king"] * 20_000}), 413, "larger")
    monkeypatch.undo()
    problem(client.post("/api/neighbors", json={"words": ["king"] * 20_000}), 422, "10000")
    problem(client.post("/api/perplexity", json={"text": "a " * 20_000}), 422, "20000")


def test_a_request_that_states_too_large_a_content_is_refused_before_it_arrives(tmp_path):
    made, _ = make_service(tmp_path)
    with answering(made) as address, socket.create_connection(address, timeout=10) as connection:
        connection.sendall(
            b"POST /api/neighbors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999\r\n\r\n"
        )
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_token_is_asked_for_where_there_is_one(tmp_path):
    made, _ = make_service(tmp_path, token="secret-of-16-letters")
    with TestClient(made) as client:
        problem(client.get("/api/models"), 401, "Authorization")
        problem(client.get("/api/models", headers={"Authorization": "Bearer wrong"}), 401, "Bearer")
        assert client.get("/api/models", headers={"Authorization": "Bearer secret-of-16-letters"}).status_code == 200
        assert client.get("/api/health").status_code == 200
        assert client.get("/").status_code == 200


def test_a_name_from_elsewhere_is_not_served_on_loopback(tmp_path):
    made, _ = make_service(tmp_path, hosts=("localhost", "127.0.0.1", "[::1]"))
    with TestClient(made) as client:
        problem(client.get("/api/models", headers={"Host": "evil.example:8000"}), 400, "evil.example")
        for host in ("localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
            assert client.get("/api/models", headers={"Host": host}).status_code == 200


def test_too_many_requests_are_refused_and_the_others_answered(tmp_path):
    made, served = make_service(tmp_path, in_flight=InFlight(2))
    entered, leave = threading.Semaphore(0), threading.Event()

    def slow(work):
        entered.release()
        leave.wait(30)
        return original(work)

    original, served.with_language_model = served.with_language_model, slow
    with TestClient(made) as client:
        answers = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(client.post("/api/complete", json={"text": "a"}).status_code)
            )
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert entered.acquire(timeout=30)
        refused = client.get("/api/neighbors", params={"word": "king"})
        problem(refused, 429, "in flight")
        assert refused.headers["retry-after"] == "1"
        assert client.get("/api/health").status_code == 200
        leave.set()
        for thread in threads:
            thread.join(30)
        assert answers == [200, 200]
        assert client.get("/api/neighbors", params={"word": "king"}).status_code == 200


# ---------------------------------------------------------------------------------------------------------- command


def test_addresses_that_others_reach_need_a_token(tmp_path):
    make_vectors().save(tmp_path / "m")
    fails(2, "add --token", "serve", tmp_path / "m", "--host", "0.0.0.0")
    fails(2, "16 or more", "serve", tmp_path / "m", "--token", "short")
    fails(2, "given twice", "serve", tmp_path / "m", tmp_path / "m")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fails(1, f"port {port}", "serve", tmp_path / "m", "--port", port)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
def test_sigterm_stops_the_service_when_the_requests_in_flight_are_answered(tmp_path):
    make_vectors().save(tmp_path / "m")
    with service(tmp_path / "m") as (process, address):
        assert ask(address, "api/neighbors?word=king&topn=1")[1]["neighbors"]
        with half_sent(address) as finish:
            process.terminate()
            time.sleep(0.3)
            answer = finish()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"results"' in answer
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 128 + signal.SIGTERM
        assert "requests in flight were answered" in errors
        assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_single_queries_need_no_compiler(tmp_path):
    make_vectors().save(tmp_path / "m")
    queries = (
        *("neighbors?word=king", "neighbors?word=king&without=man", "analogy?a=man&b=king&c=woman", "vector?word=king"),
        *("similarity?a=king&b=man", "doesnt-match?word=king&word=queen&word=bread", "models", "metrics"),
    )
    with service(tmp_path / "m") as (process, address):
        assert [ask(address, f"api/{query}")[0] for query in queries] == [200] * len(queries)
        with ThreadPoolExecutor(20) as threads:  # queries that share passes
            assert set(threads.map(lambda _: ask(address, "api/neighbors?word=king")[0], range(200))) == {200}
        assert "llvmlite" not in Path(f"/proc/{process.pid}/maps").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_batches_leave_neither_the_code_of_the_compiler_nor_pandas_in_memory(tmp_path):
    make_vectors().save(tmp_path / "m")
    batch = {"words": list(VECTORS.words[:40])}
    with service(tmp_path / "m") as (process, address):
        assert b"queen" in send(address, "api/neighbors", batch)
        assert b"queen" in send(address, "api/neighbors", batch, Accept=ARROW)
        send(address, "api/embed", {"texts": ["king queen"]})
        mapped = Path(f"/proc/{process.pid}/smaps").read_text()
    assert "pyarrow" in mapped
    assert "pandas" not in mapped
    sizes = re.findall(r"^\S+ r-xp .*llvm.*\n(?:\w+:.*\n)*?Rss: +(\d+) kB", mapped, re.MULTILINE)
    assert sizes
    assert all(int(size) < 1000 for size in sizes)
