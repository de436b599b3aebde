"""Batch jobs: a sweep over settings as independent runs."""
