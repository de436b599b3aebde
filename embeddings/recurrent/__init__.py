"""Recurrent networks with hand-written gradients: cells, BPTT, stacks of layers, losses and optimizers."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from embeddings.recurrent.activations import ACTIVATIONS, Activation
    from embeddings.recurrent.batching import PADDING, batchify, pad_sequences, windows
    from embeddings.recurrent.bptt import RecurrentLayer
    from embeddings.recurrent.cells import CELLS, Cell, GRUCell, LSTMCell, RNNCell, State
    from embeddings.recurrent.dropout import Dropout, dropout_mask
    from embeddings.recurrent.embedding import Embedding, RepeatedVectors
    from embeddings.recurrent.initial_embedding import initial_embedding
    from embeddings.recurrent.language_model.config import LanguageModelConfig
    from embeddings.recurrent.language_model.corpus import LanguageModelCorpus
    from embeddings.recurrent.language_model.generation import SamplingConfig, beam_search, generate
    from embeddings.recurrent.language_model.model import LanguageModel
    from embeddings.recurrent.language_model.ngram import KneserNey
    from embeddings.recurrent.language_model.perplexity import Perplexity
    from embeddings.recurrent.language_model.trainer import LMProgress, LMTrainer
    from embeddings.recurrent.language_model.training_config import LMTrainingConfig
    from embeddings.recurrent.losses import AdaptiveSoftmax, OutputLoss, SampledSoftmax, SoftmaxCrossEntropy
    from embeddings.recurrent.noise import LogUniformNoise, Noise, UnigramNoise
    from embeddings.recurrent.optimizers import (
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
    from embeddings.recurrent.parameters import Parameter, Parameters, RowGradient, clear_gradients, global_norm
    from embeddings.recurrent.schedules import Cosine, OneCycle, ReduceOnPlateau, StepDecay
    from embeddings.recurrent.sequences.classifier import SequenceClassifier
    from embeddings.recurrent.sequences.decoder import SequenceGenerator, SequenceGeneratorConfig
    from embeddings.recurrent.sequences.encoder_decoder import EncoderDecoder
    from embeddings.recurrent.sequences.network import SequenceNetworkConfig
    from embeddings.recurrent.sequences.tagger import SequenceTagger
    from embeddings.recurrent.sequences.training import SequenceTrainingConfig
    from embeddings.recurrent.sequences.vector_decoder import VectorDecoder
    from embeddings.recurrent.sequences.word_inputs import WordInputs, WordInputsConfig
    from embeddings.recurrent.stacking import BidirectionalLayer, BidirectionalRNN, DeepRNN
    from embeddings.recurrent.trees.recursive import RecursiveNN
    from embeddings.recurrent.trees.tree_batch import TreeBatch
    from embeddings.recurrent.trees.tree_lstm import BinaryTreeLSTM, ChildSumTreeLSTM, TreeLSTM

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
    "BinaryTreeLSTM",
    "Cell",
    "ChildSumTreeLSTM",
    "Cosine",
    "DeepRNN",
    "DivergenceError",
    "Dropout",
    "Embedding",
    "EncoderDecoder",
    "GRUCell",
    "KneserNey",
    "LMProgress",
    "LMTrainer",
    "LMTrainingConfig",
    "LSTMCell",
    "LanguageModel",
    "LanguageModelConfig",
    "LanguageModelCorpus",
    "LogUniformNoise",
    "Momentum",
    "Noise",
    "OneCycle",
    "Optimizer",
    "OutputLoss",
    "Parameter",
    "Parameters",
    "Perplexity",
    "RMSProp",
    "RNNCell",
    "RecurrentLayer",
    "RecursiveNN",
    "ReduceOnPlateau",
    "RepeatedVectors",
    "RowGradient",
    "SampledSoftmax",
    "SamplingConfig",
    "SequenceClassifier",
    "SequenceGenerator",
    "SequenceGeneratorConfig",
    "SequenceNetworkConfig",
    "SequenceTagger",
    "SequenceTrainingConfig",
    "SoftmaxCrossEntropy",
    "State",
    "StepDecay",
    "TreeBatch",
    "TreeLSTM",
    "UnigramNoise",
    "VectorDecoder",
    "WordInputs",
    "WordInputsConfig",
    "batchify",
    "beam_search",
    "clear_gradients",
    "dropout_mask",
    "generate",
    "global_norm",
    "initial_embedding",
    "pad_sequences",
    "windows",
]

# The same at run time: a module is imported when one of its names is asked for, as Numba takes half a second
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "activations": ["ACTIVATIONS", "Activation"],
        "batching": ["PADDING", "batchify", "pad_sequences", "windows"],
        "bptt": ["RecurrentLayer"],
        "cells": ["CELLS", "Cell", "GRUCell", "LSTMCell", "RNNCell", "State"],
        "dropout": ["Dropout", "dropout_mask"],
        "embedding": ["Embedding", "RepeatedVectors"],
        "sequences.encoder_decoder": ["EncoderDecoder"],
        "language_model.generation": ["SamplingConfig", "beam_search", "generate"],
        "initial_embedding": ["initial_embedding"],
        "language_model.model": ["LanguageModel"],
        "language_model.config": ["LanguageModelConfig"],
        "language_model.corpus": ["LanguageModelCorpus"],
        "language_model.trainer": ["LMProgress", "LMTrainer"],
        "language_model.training_config": ["LMTrainingConfig"],
        "losses": ["AdaptiveSoftmax", "OutputLoss", "SampledSoftmax", "SoftmaxCrossEntropy"],
        "language_model.ngram": ["KneserNey"],
        "noise": ["LogUniformNoise", "Noise", "UnigramNoise"],
        "optimizers": [
            "OPTIMIZERS",
            "SGD",
            "Adagrad",
            "Adam",
            "AdamW",
            "AveragedSGD",
            "DivergenceError",
            "Momentum",
            "Optimizer",
            "RMSProp",
        ],
        "parameters": ["Parameter", "Parameters", "RowGradient", "clear_gradients", "global_norm"],
        "language_model.perplexity": ["Perplexity"],
        "trees.recursive": ["RecursiveNN"],
        "schedules": ["Cosine", "OneCycle", "ReduceOnPlateau", "StepDecay"],
        "sequences.classifier": ["SequenceClassifier"],
        "sequences.decoder": ["SequenceGenerator", "SequenceGeneratorConfig"],
        "sequences.network": ["SequenceNetworkConfig"],
        "sequences.tagger": ["SequenceTagger"],
        "sequences.training": ["SequenceTrainingConfig"],
        "stacking": ["BidirectionalLayer", "BidirectionalRNN", "DeepRNN"],
        "trees.tree_batch": ["TreeBatch"],
        "trees.tree_lstm": ["BinaryTreeLSTM", "ChildSumTreeLSTM", "TreeLSTM"],
        "sequences.vector_decoder": ["VectorDecoder"],
        "sequences.word_inputs": ["WordInputs", "WordInputsConfig"],
    },
)
