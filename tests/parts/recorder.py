"""What a running recorder says of itself, asked through its control socket."""

from pathlib import Path
from typing import Any

from scribe_desktop.control import call
from scribe_desktop.errors import UnreachableError
from tests.parts.proof import paths_of


def status_of(home: Path) -> dict[str, Any] | None:
    """The status of the instance that owns this home; None when none answers."""
    try:
        reply: dict[str, Any] = call(paths_of(home).control_socket, {"command": "status"}, 10)
    except UnreachableError:
        return None
    return reply


def captured_samples(home: Path) -> int:
    """How many samples the recorder has captured by now; 0 when it does not record."""
    status = status_of(home)
    return int(status["capture"]["samples"]) if status else 0
