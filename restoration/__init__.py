"""Restore photographs with generative models."""
