"""The search for good settings of word vectors: many trainings, proposed by Optuna, each a job of a batch."""
