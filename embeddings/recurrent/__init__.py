"""Recurrent networks with hand-written gradients."""
