"""What a process has said to somebody, kept in a file that outlives it."""

import json
import os
from pathlib import Path
from typing import Any

_NAME = "said"


def say(folder: Path, what: str, *details: Any) -> None:
    """Note that somebody was told; there before this returns, whatever ends the process then."""
    descriptor = os.open(folder / _NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, json.dumps([what, *details]).encode() + b"\n")
    finally:
        os.close(descriptor)


def said(folder: Path, what: str) -> list[list[Any]]:
    """The details of everything of one kind that was said, in order."""
    path = folder / _NAME
    lines = path.read_text().splitlines() if path.exists() else []
    return [details for kind, *details in map(json.loads, lines) if kind == what]
