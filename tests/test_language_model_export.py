"""Exported models give the probabilities of the model, in onnxruntime and in torch."""

import json
from functools import partial

import numpy as np
import pytest
from safetensors import safe_open

from embeddings import EmbeddingsError, Vocabulary
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.export import EXPORTERS, export_onnx, export_safetensors, export_torch
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.perplexity import sentence_log_likelihoods
from embeddings.text.vocabulary import EOS, UNK
from tests.torch_cells import cell_of_our_own
from vecmill.errors import OutputError

WORDS = [UNK, EOS, *(f"w{i}" for i in range(38))]
CONFIGS = {
    "tied": {},
    "untied": {"tie_weights": False},
    "sampled": {"output": "sampled", "num_sampled": 8},
    "adaptive": {"output": "adaptive", "tie_weights": False, "hidden_size": 16},  # torch allows a cluster 0 dimensions
    "gru": {"cell": "gru", "layers": 1},
    "rnn": {"cell": "rnn"},
    "awd": {
        "layers": 3,
        "dimension": 5,
        "last_hidden_size": 5,
        "weight_drop": 0.5,
        "embedding_dropout": 0.1,
        "dropout_input": 0.4,
        "dropout_output": 0.4,
    },
    "projection": {"dimension": 5},
    "mingru": {"cell": "mingru", "dimension": 5},
    "mogrifier": {"mogrifier": 5},
    "mogrifier-2": {"mogrifier": 2, "dimension": 5, "layers": 1},
}


def make_model(name):
    config = LanguageModelConfig(**{"hidden_size": 8, **CONFIGS[name]})
    model = LanguageModel(config, Vocabulary.from_words(WORDS, range(40, 0, -1)), rng=np.random.default_rng(1))
    for parameter in model.parameters.values():  # far from their start, biases too
        parameter.value += np.random.default_rng(2).normal(0, 0.3, parameter.value.shape).astype(np.float32)
    return model


@pytest.mark.parametrize("name", CONFIGS)
def test_onnxruntime_gives_the_same_probabilities(name, tmp_path):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = make_model(name)
    export_onnx(model, tmp_path / "lm.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "lm.onnx", providers=["CPUExecutionProvider"])
    ids = np.random.default_rng(0).integers(0, len(WORDS), (9, 3))
    states = {
        entry.name: np.zeros((3, entry.shape[1]), np.float32)
        for entry in session.get_inputs()
        if entry.name.startswith("state")
    }
    found = []
    for piece in (ids[:2], ids[2:3], ids[3:]):  # the state goes on from piece to piece
        log_p, *ends = session.run(None, {"ids": piece, **states})
        found.append(log_p)
        states = {
            entry.name.removeprefix("new_"): end for entry, end in zip(session.get_outputs()[1:], ends, strict=True)
        }
    hidden, _ = model.hidden(ids)
    expected = model.output.log_probabilities(hidden.reshape(27, -1)).reshape(9, 3, -1)
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.exp(np.concatenate(found)).sum(axis=2), 1, rtol=1e-5)


def test_an_onnx_file_says_what_it_takes_to_use_it(tmp_path):
    onnx = pytest.importorskip("onnx")
    model = make_model("tied")
    model.tokenizer_settings = {"spec": "fast", "punctuation": True}
    export_onnx(model, tmp_path / "lm.onnx")
    proto = onnx.load(tmp_path / "lm.onnx")
    onnx.checker.check_model(proto)
    about = {entry.key: entry.value for entry in proto.metadata_props}
    assert about["vocabulary"].split("\n") == WORDS
    assert (about["eos"], about["unk"]) == ("1", "0")
    assert json.loads(about["tokenizer"]) == {"spec": "fast", "punctuation": True}
    assert sum(np.prod(constant.dims) == 40 * 8 for constant in proto.graph.initializer) == 1  # tied: stored once


def torch_module(torch, config, words, cutoffs):
    """Build the module that the documentation of `export` shows."""
    nn = torch.nn
    kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN, "mingru": None}[config.cell]
    if kind is None or config.mogrifier:
        kind = partial(cell_of_our_own, torch, config.cell, config.mogrifier or 0)
    sizes = config.layer_sizes
    module = nn.Module()
    module.encoder = nn.Embedding(words, config.embedding_dimension)
    if len(set(sizes)) > 1:
        module.rnn = nn.ModuleList(
            [kind(d, h) for d, h in zip([config.embedding_dimension, *sizes], sizes, strict=False)]
        )
    else:
        module.rnn = kind(config.embedding_dimension, config.hidden_size, config.layers)
    if config.tie_weights and sizes[-1] != config.embedding_dimension:
        module.projection = nn.Linear(sizes[-1], config.embedding_dimension, bias=False)
    if config.output == "adaptive":
        module.decoder = nn.AdaptiveLogSoftmaxWithLoss(sizes[-1], words, cutoffs)
    else:
        module.decoder = nn.Linear(config.embedding_dimension if config.tie_weights else sizes[-1], words)
    return module


def torch_log_probabilities(torch, module, ids):
    x = module.encoder(torch.from_numpy(ids))
    for network in module.rnn if isinstance(module.rnn, torch.nn.ModuleList) else [module.rnn]:
        x, _ = network(x)
    if hasattr(module, "projection"):
        x = module.projection(x)
    x = x.reshape(ids.size, -1)
    return module.decoder.log_prob(x) if hasattr(module.decoder, "log_prob") else module.decoder(x).log_softmax(-1)


@pytest.mark.parametrize("name", CONFIGS)
def test_torch_gives_the_same_probabilities(name, tmp_path):
    torch = pytest.importorskip("torch")
    model = make_model(name)
    export_torch(model, tmp_path / "lm.pt")
    export_safetensors(model, tmp_path / "lm.safetensors")
    weights = torch.load(tmp_path / "lm.pt", weights_only=True)
    with safe_open(tmp_path / "lm.safetensors", "np") as file:
        cutoffs = [int(cutoff) for cutoff in file.metadata().get("cutoffs", "").split(",") if cutoff]
        for key in file.keys():  # noqa: SIM118 - no mapping
            np.testing.assert_array_equal(file.get_tensor(key), weights[key].numpy())
    module = torch_module(torch, model.config, len(WORDS), cutoffs)
    module.load_state_dict(weights)
    ids = np.random.default_rng(0).integers(0, len(WORDS), 9)
    with torch.no_grad():
        log_p = torch_log_probabilities(torch, module, np.append(model.eos, ids[:-1])[:, None]).numpy()
    (expected,) = sentence_log_likelihoods(model, [ids])
    np.testing.assert_allclose(log_p[np.arange(9), ids], expected, rtol=1e-4, atol=1e-5)


def test_a_torch_file_has_tied_weights_once(tmp_path):
    torch = pytest.importorskip("torch")
    export_torch(make_model("tied"), tmp_path / "lm.pt")
    weights = torch.load(tmp_path / "lm.pt", weights_only=True)
    assert weights["decoder.weight"].data_ptr() == weights["encoder.weight"].data_ptr()
    export_torch(make_model("untied"), tmp_path / "untied.pt")
    assert (tmp_path / "lm.pt").stat().st_size < (tmp_path / "untied.pt").stat().st_size


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_limit_on_the_size_of_files_is_said_to_be_one(name, tmp_path):
    resource = pytest.importorskip("resource")
    if name in ("torch", "onnx"):
        pytest.importorskip(name)
    model = make_model("untied")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, before[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*lm: File too large; raise the limit .*ulimit -f"):
            EXPORTERS[name](model, tmp_path / "lm")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["protobuf", "older protobuf"])
def test_weights_that_no_onnx_file_holds_are_one_error(kind, tmp_path, monkeypatch):
    """protobuf refuses messages of more than 2 GB."""
    pytest.importorskip("onnx")
    from google.protobuf.message import EncodeError

    from embeddings.language_model import onnx_graph

    class TooLarge:
        def SerializeToString(self):
            raise EncodeError("Failed to serialize proto") if kind == "protobuf" else ValueError("exceeds 2GB")

    monkeypatch.setattr(onnx_graph, "onnx_model", lambda _: TooLarge())
    with pytest.raises(EmbeddingsError, match=r"the weights are too large for an ONNX file .*; use safetensors"):
        export_onnx(make_model("untied"), tmp_path / "lm.onnx")
    assert list(tmp_path.iterdir()) == []
