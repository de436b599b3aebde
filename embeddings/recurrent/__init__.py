"""Recurrent networks with hand-written gradients: cells, BPTT, stacks of layers, losses and optimizers."""

from .activations import ACTIVATIONS, Activation
from .batching import PADDING, batchify, pad_sequences, windows
from .bptt import RecurrentLayer
from .cells import CELLS, Cell, GRUCell, LSTMCell, RNNCell, State
from .dropout import Dropout, dropout_mask
from .embedding import Embedding, RepeatedVectors
from .losses import AdaptiveSoftmax, OutputLoss, SampledSoftmax, SoftmaxCrossEntropy
from .noise import LogUniformNoise, Noise, UnigramNoise
from .optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    AveragedSGD,
    DivergenceError,
    Momentum,
    Optimizer,
    RMSProp,
)
from .parameters import Parameter, Parameters, RowGradient, clear_gradients, global_norm
from .schedules import Cosine, OneCycle, ReduceOnPlateau, StepDecay
from .stacking import BidirectionalLayer, BidirectionalRNN, DeepRNN

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "OPTIMIZERS",
    "PADDING",
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "AdaptiveSoftmax",
    "AveragedSGD",
    "BidirectionalLayer",
    "BidirectionalRNN",
    "Cell",
    "Cosine",
    "DeepRNN",
    "DivergenceError",
    "Dropout",
    "Embedding",
    "GRUCell",
    "LSTMCell",
    "LogUniformNoise",
    "Momentum",
    "Noise",
    "OneCycle",
    "Optimizer",
    "OutputLoss",
    "Parameter",
    "Parameters",
    "RMSProp",
    "RNNCell",
    "RecurrentLayer",
    "ReduceOnPlateau",
    "RepeatedVectors",
    "RowGradient",
    "SampledSoftmax",
    "SoftmaxCrossEntropy",
    "State",
    "StepDecay",
    "UnigramNoise",
    "batchify",
    "clear_gradients",
    "dropout_mask",
    "global_norm",
    "pad_sequences",
    "windows",
]
