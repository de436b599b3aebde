"""Names of files that one stage writes and others read."""

CONFIG_FILE = "config.json"
"""Effective settings of a run or of a model directory."""
METRICS_FILE = "metrics.jsonl"
"""Metrics of a training: one line of JSON per epoch."""
SCORES_FILE = "scores.json"
"""Scores of word vectors on evaluation sets."""
LANGUAGE_MODEL_FILE = "language_model.json"
"""Settings of a language model; no other directory has it."""
PERPLEXITY_FILE = "evaluation.json"
"""Perplexity of a language model and of its baselines."""
ADAPTATION_FILES = ("adaptation.json", "gradient_rms.safetensors", ".gradient_rms.safetensors.new")
"""What tune-lm adds to the finished directory of a language model: settings, gradients, and those not yet in place."""
