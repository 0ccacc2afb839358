"""The flags of the commands; each has the name of an environment variable too."""

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from scribe_server.config import ServerConfig, load_config

F = TypeVar("F", bound=Callable[..., Any])

STORAGE_FLAGS: Final = {
    "DATA_DIR": ("--data-dir", "Folder for database, segments, archives and keys."),
    "STORAGE_DIR": ("--storage-dir", "Folder for the chunks' bytes."),
    "DATABASE_URL": ("--database-url", "sqlite:////path/to/file."),
    "ARCHIVE_STORAGE_PATH": ("--archive-dir", "Folder or s3://BUCKET/PREFIX for archives."),
}
RETENTION_FLAGS: Final = {
    "RETENTION_DAYS": ("--retention-days", "Days after which a recording is archived (7)."),
    "WARM_DAYS": ("--warm-days", "Days that an archive keeps its audio (30); 0: for ever."),
    "COLD_DAYS": ("--cold-days", "Days that an archive without audio stays; 0: for ever."),
    "RETENTION_TIMEZONE": ("--retention-timezone", "Whose 02:00 it is (UTC)."),
    "COLD_ENGINES": ("--cold-engines", "Whose transcripts stand in for audio."),
    "COLD_WITHOUT_TRANSCRIPT": (
        "--cold-without-transcript",
        "yes: audio goes also when there is no transcript (no).",
    ),
}
SERVE_FLAGS: Final = {
    "HOST": ("--host", "Address to listen on (127.0.0.1)."),
    "PORT": ("--port", "Port to listen on (8765); 0 takes a free one."),
    **STORAGE_FLAGS,
    **RETENTION_FLAGS,
    "AUTH": ("--auth", "token, or none for development on loopback."),
    "ALLOWED_ORIGINS": ("--allowed-origins", "Web pages that may use this server."),
    "MAX_QUEUE_SIZE": ("--max-queue-size", "Unstored chunks a connection may have (10)."),
    "MEMORY_THRESHOLD": ("--memory-threshold", "Share of the memory limit (0.8)."),
    "MAX_SOCKET_BUFFER": ("--max-socket-buffer", "Unstored bytes of a connection (5M)."),
    "MAX_UNSTORED_BYTES": ("--max-unstored-bytes", "Unstored bytes of all connections."),
    "MAX_CONNECTIONS_PER_ADDRESS": (
        "--max-connections-per-address",
        "Connections from one address (2000); 0: any number.",
    ),
    "SCRUB_MB_PER_S": (
        "--scrub-mb-per-s",
        "Stored chunks hashed again (1); 0: never.",
    ),
}


def flags(table: dict[str, tuple[str, str]]) -> Callable[[F], F]:
    """The decorator that adds a flag for each setting; the environment has the same names."""

    def add(function: F) -> F:
        for name, (flag, text) in reversed(table.items()):
            help_text = f"{text} [{name}]"
            function = click.option(flag, name, metavar="VALUE", help=help_text)(function)
        return function

    return add


def config_of(values: dict[str, Any]) -> ServerConfig:
    """The settings of a command's flags and the environment.

    Raises:
        ConfigError: naming the variable whose value cannot be used.
    """
    return load_config(values, os.environ)
