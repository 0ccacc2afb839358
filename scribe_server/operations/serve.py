"""The command that serves."""

import json
import os
import sys
from typing import TYPE_CHECKING, Final

from scribe_server.config import ServerConfig
from scribe_server.errors import StartupError
from scribe_server.operations.logs import log_to_stderr

if TYPE_CHECKING:
    from scribe_server.store.files import Files

_SHORTEST_TOKEN: Final = 20
_LONGEST_TOKEN: Final = 4096


def serve(
    config: ServerConfig, *, child_user: str | None = None, files: "Files | None" = None
) -> None:
    """Serve until told to end.

    Args:
        config: the settings.
        child_user: whose recordings the token on a child's stdin opens.
        files: the disk, when it is not simply the operating system's.

    Raises:
        StartupError: the server cannot start.
    """
    log_to_stderr()
    child_token = _token_from_stdin() if config.child else None
    from scribe_server.app import run

    def announce(url: str, server_id: str) -> None:
        if config.announce:
            line = {"url": url, "pid": os.getpid(), "serverId": server_id}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()

    run(config, announce, child_token=child_token, child_user=child_user, files=files)


def _token_from_stdin() -> str:
    """The first line of stdin, read byte by byte so that what follows stays unread."""
    line = b""
    while len(line) <= _LONGEST_TOKEN:
        byte = os.read(0, 1)
        if byte in {b"", b"\n"}:
            break
        line += byte
    token = line.decode(errors="replace").strip()
    if not _SHORTEST_TOKEN <= len(token) <= _LONGEST_TOKEN:
        raise StartupError(
            "A child server needs a token of at least 20 characters as the first line of stdin.",
            "Leave --child out to start a server by hand.",
        )
    return token
