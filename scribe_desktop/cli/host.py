"""Who does the work: the instance that runs already, or one inside this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from scribe_desktop import control
from scribe_desktop.cli.interrupts import Interrupts
from scribe_desktop.cli.shell import Shell
from scribe_desktop.errors import SpoolError, UsageError
from scribe_desktop.log import logging_to
from scribe_desktop.model import CaptureState

if TYPE_CHECKING:
    from scribe_desktop.app import App

OWNER_STARTS_S: Final = 20.0
"""How long an instance that holds the lock may take until its socket answers."""


class Host(Protocol):
    """Answers the commands of app/commands.py."""

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """The reply's fields; raises the ScribeError that the work raised."""


class RunningHost:
    """The instance that runs already, asked through its control socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """Ask over the socket.

        Raises:
            UnreachableError: it has ended or hangs.
        """
        return control.call(self._socket, {"command": command, **fields})


class OwnHost:
    """An App in this process, asked directly."""

    def __init__(self, app: "App") -> None:
        from scribe_desktop.app.commands import handlers_of

        self.app = app
        self._handlers = handlers_of(app)

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """Ask in this process."""
        return dict(self._handlers[command](fields))


class Work:
    """A host that changes: when the running instance ends, this process takes its place."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._own: App | None = None
        self.host: Host = self._find()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._own is not None:
            self._own.stop()

    @property
    def is_own(self) -> bool:
        """Whether this process is the owner."""
        return self._own is not None

    @property
    def shell(self) -> Shell:
        """The shell that reads the recordings where the work puts them, also after its end."""
        return self._shell if self._own is None else replace(self._shell, paths=self._own.paths)

    def take_over(self) -> None:
        """The running instance has ended: find another, or be the owner from now on."""
        self.host = self._find()

    def wait_until_idle(self, interrupts: Interrupts) -> None:
        """Stay while somebody records through this process; an interrupt ends that, too."""
        while self.host.ask("status")["capture"]["state"] != CaptureState.IDLE:
            if interrupts.wait(0.2):
                interrupts.forget()
                self.host.ask("stop")

    def _find(self) -> Host:
        deadline = time.monotonic() + OWNER_STARTS_S
        while True:
            running = running_host(self._shell)
            if running is not None:
                return running
            try:
                return self._start()
            except SpoolError:
                # The owner is just starting or ending, or hangs.
                if not is_owned(self._shell) or time.monotonic() > deadline:
                    raise
                threading.Event().wait(0.1)

    def _start(self) -> Host:
        from scribe_desktop.app import App

        shell = self._shell
        app = App(shell.settings, shell.paths, shell.credentials(), environ=shell.environ)
        app.start()
        self._own = app
        return OwnHost(app)


def running_host(shell: Shell) -> RunningHost | None:
    """The instance that runs, if one does.

    Raises:
        UsageError: it delivers to another server than the one named for this run.
    """
    socket = shell.paths.control_socket
    if not control.is_listening(socket):
        return None
    host = RunningHost(socket)
    if shell.chose_server:
        used = host.ask("status")["server"]
        if used != shell.settings.server:
            raise UsageError(
                "Another server is in use",
                f"The running Scribe delivers to {used or 'no server'}.",
                "Leave out --server, or end that Scribe first.",
            )
    return host


def is_owned(shell: Shell) -> bool:
    """Whether some process holds the lock of the recordings."""
    from scribe_desktop.spool import SpoolLock

    try:
        with SpoolLock.acquire(shell.paths.owner_lock):
            return False
    except SpoolError:
        return True


@contextmanager
def working(shell: Shell) -> Iterator[tuple[Work, Interrupts]]:
    """A host to work with; Ctrl+C and SIGTERM become facts to look at, and a log is kept."""
    shell.paths.ensure_surroundings()
    with (
        logging_to(shell.paths.log_file),
        Interrupts() as interrupts,
        Work(shell) as work,
    ):
        yield work, interrupts
