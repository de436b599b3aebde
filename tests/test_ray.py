"""A Ray cluster of three machines in one process: the bytes of one machine, whatever becomes of the others."""

import math
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from embeddings import EncodedCorpus, Word2Vec, make_tokenizer
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.trainer import LMTrainer
from embeddings.language_model.training_config import LMTrainingConfig
from embeddings.training import Checkpointing
from pipelines.backends.backend import BackendError
from pipelines.backends.local import LocalCrew
from pipelines.backends.opening import open_backend
from tests.command_line import fails, vecmill
from tests.split_text import split_ids
from tests.topics import interrupt, small, topic_lines
from vecmill.errors import VecmillError

ray = pytest.importorskip("ray")

from ray.cluster_utils import Cluster  # noqa: E402

from pipelines.backends import ray as backend_of_ray  # noqa: E402
from pipelines.backends.ray import Machine, RayJob, places  # noqa: E402

STORE = 80 << 20  # bytes of the object store, the least that Ray takes
WORKERS = 3
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"
)


@pytest.fixture(scope="module")
def cluster():
    """Three machines of one processor each; tests that remove one add another."""
    os.environ["RAY_raylet_start_wait_time_s"] = "120"  # noqa: SIM112
    settings = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=settings)
    for _ in range(2):
        cluster.add_node(num_cpus=1, object_store_memory=STORE)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(topic_lines(400)))
    return path


def expected(encoded, **settings):
    return Word2Vec(small(**settings)).fit(*encoded, crew=LocalCrew(WORKERS)).vectors_.matrix


def trained(encoded, cluster, progress=None, **settings):
    with open_backend("ray", address=cluster.address, workers=WORKERS, threads=1) as backend:
        model = Word2Vec(small(**settings)).fit(*encoded, crew=backend.crew(), progress=progress)
    return model.vectors_.matrix, model.metrics_


def test_a_command_makes_the_same_files_as_on_one_machine(cluster, text, tmp_path):
    options = ["--workers", WORKERS, "--threads", 1, "--epochs", 1, "--dimension", 8, "--min-count", 1]
    options += ["--phrases", 1, "--phrase-threshold", 1]
    one, many = tmp_path / "one", tmp_path / "many"
    assert vecmill("train-embeddings", text, "-o", one, *options).exit_code == 0
    result = vecmill("train-embeddings", text, "-o", many, *options, "--backend", "ray", "--address", cluster.address)
    assert result.exit_code == 0, result.output
    for name in ("phrases.tsv", "vocabulary.tsv", "vectors.npy", "context.npy"):
        assert (one / name).read_bytes() == (many / name).read_bytes(), name
    assert '"processes": 3' in (many / "metrics.jsonl").read_text()


def test_a_machine_that_is_lost_costs_its_round_and_one_that_joins_is_used(cluster, encoded):
    lost = []

    def lose_one(event):
        if not lost and event.done:
            lost.append(cluster.add_node(num_cpus=1, object_store_memory=STORE))
            cluster.remove_node(next(iter(cluster.worker_nodes - {lost[0]})), allow_graceful=False)

    matrix, metrics = trained(encoded, cluster, lose_one, epochs=6)
    assert lost
    np.testing.assert_array_equal(matrix, expected(encoded, epochs=6))
    assert metrics[0]["rounds"] > 1


def killing_once(monkeypatch):
    """Kill a process before the first round that has one; return a list that then holds its number."""
    killed = []

    def kill_one(crew, *round_):
        if crew._members and not killed:
            killed.append(ray.get(crew._members[0].actor.__ray_call__.remote(lambda _: os.getpid())))
            os.kill(killed[0], signal.SIGKILL)
        return attempt(crew, *round_)

    attempt = backend_of_ray.RayCrew._attempt
    monkeypatch.setattr(backend_of_ray.RayCrew, "_attempt", kill_one)
    return killed


def test_a_process_that_is_killed_costs_its_round(cluster, encoded, monkeypatch):
    killed = killing_once(monkeypatch)
    matrix, _ = trained(encoded, cluster)
    assert killed
    np.testing.assert_array_equal(matrix, expected(encoded))


def test_a_language_model_has_the_weights_of_one_machine_though_a_process_is_killed(cluster, monkeypatch):
    text = split_ids([b"the cat sat on the mat\na dog and a cat ran\n" * 60], make_tokenizer("fast"))

    def fit(crew):
        model = LanguageModel(LanguageModelConfig(hidden_size=8), text.vocabulary, rng=np.random.default_rng(1))
        training = LMTrainingConfig(epochs=1, batch_size=6, bptt=7)
        return LMTrainer(model, training, threads=1).fit(text.train, text.valid, crew=crew).model_.parameters

    kills = killing_once(monkeypatch)
    with open_backend("ray", address=cluster.address, workers=WORKERS, threads=1) as backend:
        found = fit(backend.crew())
    assert kills
    for name, parameter in fit(LocalCrew(WORKERS)).items():
        np.testing.assert_array_equal(found[name].value, parameter.value, err_msg=name)


def test_an_interrupted_training_ends_with_the_same_vectors(cluster, encoded, tmp_path):
    checkpointing = Checkpointing(tmp_path, 0.0)
    with open_backend("ray", address=cluster.address, workers=WORKERS, threads=1) as backend:
        with pytest.raises(KeyboardInterrupt):
            Word2Vec(small()).fit(*encoded, crew=backend.crew(), checkpointing=checkpointing, progress=interrupt)
        assert list(tmp_path.iterdir())
        model = Word2Vec(small()).fit(*encoded, crew=backend.crew(), checkpointing=checkpointing)
    np.testing.assert_array_equal(model.vectors_.matrix, expected(encoded))


def test_a_shard_that_vanished_is_named(cluster, encoded, tmp_path):
    corpus, vocabulary = encoded
    shutil.copytree(corpus.directory, tmp_path / "encoded")
    copy = EncodedCorpus.open(tmp_path / "encoded")
    with open_backend("ray", address=cluster.address, workers=WORKERS, threads=1) as backend:
        crew = backend.crew()
        (crew.begin, begin) = (lambda make, state: begin(make, lambda: lose_shard(copy) or state()), crew.begin)
        with pytest.raises(VecmillError, match="train-ids-0"):
            Word2Vec(small()).fit(copy, vocabulary, crew=crew)


def lose_shard(corpus):
    (corpus.directory / "train-ids-0.npy").unlink(missing_ok=True)


def test_a_directory_that_a_machine_does_not_see_is_found_first(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(backend_of_ray, "_look", lambda path: ("0.1.0", 0.0, "No such file or directory"))
    with (
        open_backend("ray", address=cluster.address) as backend,
        pytest.raises(BackendError, match=r"does not see .* storage that all machines share"),
    ):
        backend.begin(tmp_path)


def test_another_version_of_vecmill_is_found_first(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(backend_of_ray, "_look", lambda path: ("9.9", 0.0, ""))
    with (
        open_backend("ray", address=cluster.address) as backend,
        pytest.raises(BackendError, match=r"has vecmill 9\.9"),
    ):
        backend.begin(tmp_path)


def test_a_job_runs_on_another_machine(cluster, tmp_path):
    with open_backend("ray", address=cluster.address) as backend:
        assert backend.jobs == len(backend_of_ray._machines())
        job = backend.start_job(["-c", "import sys; sys.exit('it went wrong')"], tmp_path / "log", 1, 3)
        assert isinstance(job, RayJob)
        assert job.wait(60) == 1
        assert "it went wrong" in (tmp_path / "log").read_text()
        job = backend.start_job(["-c", "import time; time.sleep(99)"], tmp_path / "log", 1, 3)
        job.send_signal(signal.SIGTERM)
        assert job.wait(60) == -signal.SIGTERM


def test_a_sweep_runs_its_jobs_on_the_machines(cluster, text, tmp_path):
    (tmp_path / "jobs.toml").write_text(
        f"[base.corpus]\nsource = {str(text)!r}\n[base.vocabulary]\nmin_count = 1\n[base.train]\nepochs = 1\n"
        "[grid]\ntrain.dimension = [4, 8]\n"
    )
    command = ["batch", tmp_path / "jobs.toml", "--out", tmp_path / "out", "--backend", "ray"]
    result = vecmill(*command, "--address", cluster.address)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "summary.csv").read_text().count("finished") == 2


def where(_):
    return os.getcwd()  # noqa: PTH109


def test_relative_paths_mean_the_same_on_other_machines(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open_backend("ray", address=cluster.address) as backend:
        assert list(backend.map(where, [0])) == [str(tmp_path)]


def test_no_cluster_at_an_address(text, tmp_path):
    fails(1, "there is no Ray cluster at 127.0.0.1:1", "train-embeddings", text, "-o", tmp_path / "out",
          "--backend", "ray", "--address", "127.0.0.1:1")  # fmt: skip


def test_a_cluster_that_asks_for_a_token_says_so():
    error = ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")
    error.__cause__ = RuntimeError("RPC error: InvalidAuthToken: Authentication token is missing or incorrect")
    assert "asks for a token; set RAY_AUTH_MODE=token" in backend_of_ray._why_not_connected("10.0.0.1:6379", error)


def test_other_versions_are_named():
    error = RuntimeError("Version mismatch: The cluster was started with:\n Ray: 1.0\n Python: 3.8.1")
    message = backend_of_ray._why_not_connected("auto", error)
    assert "Python: 3.8.1" in message
    assert "install the same everywhere" in message


class Addressee:
    """Stands for an actor; tells in which step it was sent something, and by whom."""

    def __init__(self, name, passes):
        self.name, self._passes = name, passes
        self.follow = self.pass_on = self

    def options(self, num_returns):
        return self

    def remote(self, held, after):
        self.sender, _ = held
        self.step = 1 + (after[1] if after else 0)
        answer = self.name, self.step
        return (answer, answer) if self._passes else answer


@pytest.mark.parametrize("number", [1, 2, 3, 7, 8])
def test_changes_are_passed_on_in_a_tree(number):
    steps = math.ceil(math.log2(number + 1))
    actors = [Addressee(name, name < 2 ** (steps - 1) - 1) for name in range(number)]
    assert len(backend_of_ray._passed_on(("leader", 0), actors)) == number
    assert max(actor.step for actor in actors) == steps
    assert len({(actor.sender, actor.step) for actor in actors}) == number  # nobody sends to two at a time


MACHINES = [Machine("a", "10.0.0.1", 4), Machine("b", "10.0.0.2", 2)]


@pytest.mark.parametrize(
    ("workers", "threads", "found"),
    [
        (1, None, [("a", 4)]),
        (2, None, [("a", 4), ("b", 2)]),
        (4, None, [("a", 2), ("b", 1), ("a", 2), ("b", 1)]),
        (9, 2, [("a", 2), ("b", 2), ("a", 2)]),
        (2, 8, [("a", 4), ("b", 2)]),
    ],
)
def test_processes_are_spread_over_the_machines(workers, threads, found):
    assert [(machine.id, share) for machine, share in places(MACHINES, workers, threads)] == found
    assert places([], workers, threads) == []


def test_without_ray_the_command_says_what_to_install(tmp_path, text):
    command = (
        "import sys; sys.modules['ray'] = None\n"
        "from vecmill.__main__ import main\n"
        "sys.argv = ['vecmill', 'train-embeddings', *sys.argv[1:], '--backend', 'ray']\n"
        "main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", command, text, "--out", tmp_path / "o"], capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "pip install 'vecmill[ray]'" in result.stderr
