"""What every command starts from: folders, settings, tokens, and the spool."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from scribe_desktop import control
from scribe_desktop.config import LOCAL, Settings, load_settings
from scribe_desktop.credentials import Credentials, KeyringCredentials, MemoryCredentials
from scribe_desktop.errors import UnreachableError
from scribe_desktop.paths import Paths, resolve_paths
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError

F = TypeVar("F", bound=Callable[..., Any])

_INSECURE_RISK: Final = (
    "Allow plain http to another computer: everyone on the way can listen and take the token."
)


@dataclass(frozen=True)
class Shell:
    """One run of the program. `chose_server` says that a flag named the server."""

    environ: Mapping[str, str]
    paths: Paths
    settings: Settings
    chose_server: bool = False

    def credentials(self) -> Credentials:
        """The keyring, or the one token that SCRIBE_TOKEN gives this run for its server."""
        token = self.environ.get("SCRIBE_TOKEN", "").strip()
        if token and self.settings.server not in {"", LOCAL}:
            return MemoryCredentials({self.settings.server: token})
        return KeyringCredentials()

    @property
    def spool_dir(self) -> Path:
        """Where the running instance keeps its recordings; without one, where they belong."""
        socket = self.paths.control_socket
        if not control.is_listening(socket):
            return self.paths.spool_dir
        try:
            folder = control.call(socket, {"command": "status"}).get("folder")
        except UnreachableError:  # it has ended just now
            return self.paths.spool_dir
        return self.paths.kept_in(Path(folder)).spool_dir if folder else self.paths.spool_dir

    @contextmanager
    def reading(self) -> Iterator[Spool | None]:
        """The spool, read-only and without its lock; None when nothing was ever recorded."""
        try:
            spool = Spool.open_read_only(self.spool_dir)
        except SpoolFailureError as error:
            if error.kind is not FailureKind.MISSING:
                raise
            yield None
            return
        try:
            yield spool
        finally:
            spool.close()


def open_shell(
    environ: Mapping[str, str], *, server: str | None = None, insecure: bool = False
) -> Shell:
    """Read the settings of this run.

    Raises:
        UsageError: a setting does not fit.
    """
    paths = resolve_paths(environ)
    overrides = {"server": server, "insecure": True if insecure else None}
    return Shell(environ, paths, load_settings(paths, environ, overrides), server is not None)


def json_option(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(command)


def server_options(command: F) -> F:
    """Add `--server` and `--insecure`."""
    insecure = click.option("--insecure", is_flag=True, help=_INSECURE_RISK)
    server = click.option(
        "--server", metavar="URL", help="The server for this run, or 'local' (built in)."
    )
    return server(insecure(command))
