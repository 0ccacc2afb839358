"""The command line: one file per command; they import what they need when they run."""

from scribe_desktop.cli.program import main

__all__ = ["main"]
