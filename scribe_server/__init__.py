"""Scribe's server: stores each audio chunk exactly once and signs a receipt for whole sessions."""

__version__ = "0.1.0"
