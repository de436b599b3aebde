"""Sweeps over settings, whose jobs are independent runs."""
