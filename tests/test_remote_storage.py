"""Texts and results in an S3 bucket, on a server of this machine that also fails and is slow: whole or not there."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import fails, vecmill
from tests.topics import topic_lines
from tests.unreliable_proxy import unreliable
from vecmill.storage import Storage, StorageError, local_path, url_of

pytest.importorskip("s3fs")
server = pytest.importorskip("moto.server")

import s3fs  # noqa: E402

TRAINING = ["--threads", 1, "--epochs", 1, "--dimension", 8, "--min-count", 1]


@pytest.fixture(scope="module")
def storage():
    """A server of S3; yields its address."""
    running = server.ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def proxy(storage, monkeypatch, tmp_path):
    """What stands between this machine and the storage; nobody waits, and only we ask again."""
    monkeypatch.setattr("vecmill.storage.PAUSES", (0.0,) * 5)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with unreliable(storage) as proxy:
        settings = {
            "AWS_ENDPOINT_URL": proxy.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
            "VECMILL_CACHE": str(tmp_path / "cache"),
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield proxy
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def system(proxy):
    """The file system of the storage, with an empty bucket."""
    system = s3fs.S3FileSystem()
    if system.exists("texts"):
        system.rm("texts", recursive=True)
    system.makedirs("texts")
    return system


@pytest.fixture
def bucket(system):
    """A bucket with a plain and a compressed text; yields its URL."""
    first, second = ("\n".join(topic_lines(100, seed=seed)).encode() for seed in range(2))
    system.pipe("texts/in/a.txt", first + b"\n")
    system.pipe("texts/in/b.txt.gz", gzip.compress(second))
    return "s3://texts"


@pytest.fixture
def text(tmp_path):
    """The same texts as files."""
    (tmp_path / "text").mkdir()
    for seed, name in enumerate(["a.txt", "b.txt"]):
        (tmp_path / "text" / name).write_text("\n".join(topic_lines(100, seed=seed)) + "\n")
    return tmp_path / "text"


def succeeds(*arguments):
    result = vecmill(*arguments)
    assert result.exit_code == 0, result.output
    return result


def made_again(*arguments):
    raise AssertionError("it was trained again")


# ------------------------------------------------------------------------------------------------------------ texts


def test_texts_of_a_bucket_are_those_of_files(bucket, text, tmp_path):
    local, remote = tmp_path / "local", tmp_path / "remote"
    succeeds("train-embeddings", text, "-o", local, *TRAINING)
    succeeds("train-embeddings", f"{bucket}/in/*", "-o", remote, *TRAINING)
    assert (local / "vectors.npy").read_bytes() == (remote / "vectors.npy").read_bytes()


def test_a_text_that_is_not_there_is_named(bucket, tmp_path):
    fails(1, f"{bucket}/missing.txt", "train-embeddings", f"{bucket}/missing.txt", "-o", tmp_path / "out", *TRAINING)


def test_a_text_is_read_on_where_a_request_failed(bucket, system, proxy, tmp_path, monkeypatch):
    monkeypatch.setattr("corpora.sources._CHUNK", 100)
    monkeypatch.setattr(s3fs.S3FileSystem, "default_block_size", 200)
    succeeds("train-embeddings", f"{bucket}/in/*", "-o", tmp_path / "whole", *TRAINING)
    proxy.fails_every = 4
    s3fs.S3FileSystem.clear_instance_cache()
    succeeds("train-embeddings", f"{bucket}/in/*", "-o", tmp_path / "out", *TRAINING)
    assert (tmp_path / "out" / "vectors.npy").read_bytes() == (tmp_path / "whole" / "vectors.npy").read_bytes()


# ---------------------------------------------------------------------------------------------------------- outputs


def test_a_model_at_a_url_is_that_of_a_directory(bucket, text, system, tmp_path):
    out = f"{bucket}/runs/mine"
    command = ["train-embeddings", text, *TRAINING, "-o"]
    succeeds(*command, tmp_path / "local")
    assert f"neighbors {out}" in succeeds(*command, out).stdout
    for name in ("vectors.npy", "vocabulary.tsv"):
        assert system.cat(f"texts/runs/mine/{name}") == (tmp_path / "local" / name).read_bytes()
    assert not list((tmp_path / "cache" / "work").glob("*")), "nothing is left"
    assert "horse" in succeeds("neighbors", out, "cat").stdout
    assert "nothing to do" in succeeds(*command, out, "--skip-finished").stdout
    assert json.loads(succeeds(*command, out, "--skip-finished", "--json").stdout)["out"] == out
    fails(1, rf"{out} exists and is finished; add --force", *command, out)
    fails(1, rf"{out} was made with other .*train.seed: 1 before, 2 now", *command, out, "--skip-finished", "--seed", 2)
    before = system.cat("texts/runs/mine/vectors.npy")
    succeeds(*command, out, "--force", "--seed", 2)
    assert system.cat("texts/runs/mine/vectors.npy") != before
    assert "horse" in succeeds("neighbors", out, "cat").stdout


def test_the_manifest_is_the_last_file_that_is_sent(bucket, text, proxy):
    succeeds("train-embeddings", text, "-o", f"{bucket}/runs/order", *TRAINING)
    sent = [path for method, path in proxy.requests if method == "PUT" and "/runs/order/" in path]
    assert sent[0] == "/texts/runs/order/.vecmill"
    assert sent[-1] == "/texts/runs/order/manifest.json"
    assert len(sent) > 5


def test_every_fourth_request_may_fail(bucket, text, system, proxy):
    proxy.fails_every = 4
    succeeds("train-embeddings", text, "-o", f"{bucket}/runs/fails", *TRAINING)
    proxy.fails_every = 0
    assert system.exists("texts/runs/fails/manifest.json")


def test_a_slow_storage_is_waited_for(bucket, text, proxy):
    proxy.seconds = 0.05
    succeeds("train-embeddings", text, "-o", f"{bucket}/runs/slow", *TRAINING)


def test_a_storage_that_goes_away_costs_nothing_but_the_rest_of_the_sending(bucket, text, system, proxy, monkeypatch):
    command = ["train-embeddings", text, *TRAINING, "-o", f"{bucket}/runs/away"]
    proxy.away_after = proxy.number + 6
    fails(1, r"s3://texts/runs/away/\S* cannot be reached .*repeat the command", *command)
    proxy.away_after = None
    s3fs.S3FileSystem.clear_instance_cache()
    assert "manifest.json" not in Storage(f"{bucket}/runs/away").names()
    monkeypatch.setattr("pipelines.stages.train.TrainEmbeddingsStage.run", made_again)
    succeeds(*command)
    assert "manifest.json" in Storage(f"{bucket}/runs/away").names()


def test_a_storage_that_is_away_is_found_before_the_training(bucket, text, proxy, monkeypatch):
    monkeypatch.setattr("pipelines.stages.train.TrainEmbeddingsStage.run", made_again)
    proxy.away_after = 0
    fails(1, "s3://texts/runs/x.* cannot be reached", "train-embeddings", text, "-o", f"{bucket}/runs/x", *TRAINING)


def test_files_of_somebody_else_are_not_replaced(bucket, text):
    fails(1, "holds a.txt and was not written by vecmill", "train-embeddings", text, "-o", f"{bucket}/in", *TRAINING)


def test_a_bucket_that_is_not_there_is_named(bucket, text, proxy):
    fails(1, "bucket does not exist", "train-embeddings", text, "-o", "s3://nowhere/x", *TRAINING)


def test_a_run_sends_its_finished_stages_and_later_only_what_has_changed(bucket, text, proxy, tmp_path):
    (tmp_path / "run.toml").write_text(
        f"[corpus]\nsource = {str(text)!r}\n[vocabulary]\nmin_count = 1\n[train]\ndimension = 8\nepochs = 1\n"
    )
    command = ["run", tmp_path / "run.toml", "--out", f"{bucket}/runs/run", "--work", tmp_path / "work"]
    assert f"{bucket}/runs/run: ran fetch" in succeeds(*command).stdout
    names = Storage(f"{bucket}/runs/run").names()
    assert {"config.json", "train-embeddings/manifest.json", "report/report.html"} <= {*names}
    assert not [name for name in names if name.startswith(".") and name != ".vecmill"]
    assert "horse" in succeeds("neighbors", f"{bucket}/runs/run", "cat").stdout
    sent = len(proxy.requests)
    succeeds(*command, "--set", "train.seed=2", "--force", "train-embeddings")
    again = {path for method, path in proxy.requests[sent:] if method == "PUT"}
    assert "/texts/runs/run/train-embeddings/vectors.npy" in again
    assert "/texts/runs/run/vocabulary/vocabulary.tsv" not in again


def test_a_sweep_sends_its_jobs_and_its_table(bucket, text, system, tmp_path):
    (tmp_path / "jobs.toml").write_text(
        f"[base.corpus]\nsource = {str(text)!r}\n[base.vocabulary]\nmin_count = 1\n[base.train]\nepochs = 1\n"
        "[grid]\ntrain.dimension = [4, 8]\n"
    )
    command = ["batch", tmp_path / "jobs.toml", "--out", f"{bucket}/runs/sweep", "--work", tmp_path / "work"]
    assert f"Table: {bucket}/runs/sweep/summary.csv" in succeeds(*command).stdout
    assert system.cat("texts/runs/sweep/summary.csv").count(b"finished") == 2
    assert "horse" in succeeds("neighbors", f"{bucket}/runs/sweep/dimension=8", "cat").stdout


def test_a_model_that_is_not_at_a_url_is_named(bucket):
    fails(1, "s3://texts/in holds no finished model", "neighbors", f"{bucket}/in", "cat")


# ------------------------------------------------------------------------------------------------------------- URLs


def test_paths_that_are_urls():
    assert url_of("s3://bucket/runs") == url_of("s3:/bucket/runs") == "s3://bucket/runs"
    assert url_of("runs/mine") is url_of("/data/a:b") is url_of("file:///data") is None
    assert local_path(Path("file:///data/x")) == Path("/data/x")


def test_a_file_url_is_a_directory(text, tmp_path):
    succeeds("train-embeddings", text, "-o", f"file://{tmp_path}/out", *TRAINING)
    assert (tmp_path / "out" / "vectors.npy").exists()


def test_work_is_for_urls(text, tmp_path):
    fails(2, "--work is for an --out that is a URL", "train-embeddings", text, "-o", tmp_path / "o", "--work", tmp_path)


def test_an_unknown_protocol_is_named_at_once(text):
    fails(1, "cannot use quux://x/y: .*quux", "train-embeddings", text, "-o", "quux://x/y", *TRAINING)


@pytest.mark.parametrize("url", ["s3://bucket/x", "file:///data/x"])
@pytest.mark.parametrize(
    "command",
    [
        "walks URL",
        "run URL",
        "batch URL",
        "status URL",
        "verify URL",
        "convert {0} URL",
        "init --out URL",
        "phrases {0} --out URL",
        "train-embeddings {0} --out o --config URL",
        "train-documents {0} --out o --names URL",
        "--log-file URL corpora list",
    ],
)
def test_a_url_in_the_place_of_a_path_is_refused(text, tmp_path, monkeypatch, command, url):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code = 1 if "--log-file" in command else 2
    fails(code, f"{url}(, a| is a) URL[,;] expected a path", *command.format(text).replace("URL", url).split())
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "command", ["neighbors MODEL cat", "info MODEL", "convert MODEL o.txt", "infer MODEL --out o.npy TEXT"]
)
def test_every_command_takes_a_model_at_a_url(text, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    kind = "train-documents" if "infer" in command else "train-embeddings"
    succeeds(kind, text, "-o", tmp_path / "model", *(TRAINING if kind == "train-embeddings" else ["--min-count", 1]))
    url = (tmp_path / "model").as_uri()
    succeeds(*command.replace("MODEL", url).replace("TEXT", str(text)).split())


def test_a_url_as_output_of_other_commands_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fails(2, "is a URL, expected a path", "train-glove", "pydocs", "-o", "s3://texts/out")
    assert not list(tmp_path.iterdir())


def test_requests_are_repeated_a_few_times(monkeypatch):
    monkeypatch.setattr("vecmill.storage.PAUSES", (0.0,) * 3)
    asked = []

    class Down:
        def cat_file(self, path):
            asked.append(path)
            raise OSError("no answer")

    storage = Storage("memory://nowhere")
    storage._system = Down()
    with pytest.raises(StorageError, match=r"memory://nowhere/x cannot be reached \(no answer\)"):
        storage.read("x")
    assert len(asked) == 4


@pytest.mark.parametrize("error", [PermissionError("no"), type("PartialCredentialsError", (Exception,), {})("no")])
def test_a_request_without_credentials_asks_for_them_at_once(monkeypatch, error):
    asked = []

    class Closed:
        def cat_file(self, path):
            asked.append(path)
            raise error

    storage = Storage("memory://closed")
    storage._system = Closed()
    with pytest.raises(StorageError, match=r"memory://closed/x: access is refused \(no\); see the credentials"):
        storage.read("x")
    assert len(asked) == 1


def test_without_fsspec_the_command_says_what_to_install(tmp_path):
    command = (
        "import sys; sys.modules['fsspec'] = None\n"
        "from vecmill.__main__ import main\n"
        "sys.argv = ['vecmill', 'train-embeddings', 'pydocs', '--out', 's3://bucket/x']\n"
        "main()"
    )
    result = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 1
    assert "pip install 'vecmill[remote]'" in result.stderr
