"""Text in an S3 bucket, on a server of this machine; results go to directories, and a URL as output is refused."""

import gzip

import pytest

from tests.command_line import fails, vecmill
from tests.topics import topic_lines

pytest.importorskip("s3fs")
server = pytest.importorskip("moto.server")

import s3fs  # noqa: E402

TRAINING = ["--threads", 1, "--epochs", 1, "--dimension", 8, "--min-count", 1]


@pytest.fixture
def bucket(monkeypatch):
    """A bucket with a plain and a compressed text; yields its URL."""
    running = server.ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.makedirs("texts", exist_ok=True)
    first, second = ("\n".join(topic_lines(100, seed=seed)).encode() for seed in range(2))
    system.pipe("texts/a.txt", first + b"\n")
    system.pipe("texts/b.txt.gz", gzip.compress(second))
    yield "s3://texts"
    running.stop()
    s3fs.S3FileSystem.clear_instance_cache()


def test_texts_of_a_bucket_are_those_of_files(bucket, tmp_path):
    (tmp_path / "text").mkdir()
    for seed, name in enumerate(["a.txt", "b.txt"]):
        (tmp_path / "text" / name).write_text("\n".join(topic_lines(100, seed=seed)) + "\n")
    local, remote = tmp_path / "local", tmp_path / "remote"
    assert vecmill("train-embeddings", tmp_path / "text", "-o", local, *TRAINING).exit_code == 0
    result = vecmill("train-embeddings", f"{bucket}/*", "-o", remote, *TRAINING)
    assert result.exit_code == 0, result.output
    assert (local / "vectors.npy").read_bytes() == (remote / "vectors.npy").read_bytes()


def test_a_text_that_is_not_there_is_named(bucket, tmp_path):
    fails(1, f"{bucket}/missing.txt", "train-embeddings", f"{bucket}/missing.txt", "-o", tmp_path / "out", *TRAINING)


def test_a_url_as_output_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fails(2, "is a URL, expected a directory", "train-embeddings", "pydocs", "-o", "s3://texts/out")
    assert not list(tmp_path.iterdir())
