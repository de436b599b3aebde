"""Extrinsic evaluation of word vectors: tasks on labelled text, learned from E and from random vectors."""
