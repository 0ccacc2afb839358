"""The bundled server as a child process: started, watched, started again, and never orphaned.

The child ends when its stdin does, so it cannot outlive this process, however that ends. Its token
is made for one start, goes through that pipe and is never written anywhere.
"""

import contextlib
import json
import logging
import os
import secrets
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from scribe_desktop.errors import UnreachableError

log = logging.getLogger(__name__)

START_TIMEOUT_S: Final = 30.0
FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 30.0
STEADY_S: Final = 60.0
"""A server that ran so long is started again without a long wait."""
MAX_LOG_BYTES: Final = 5_000_000

# The child gets these and nothing else: a DATABASE_URL meant for another program is not for it.
_PASSED_ON: Final = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT",
    "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV",
)  # fmt: skip


@dataclass(frozen=True)
class LocalEndpoint:
    """Where the running child listens, and the token it takes."""

    origin: str
    server_id: str
    pid: int
    token: str = field(repr=False)


def server_command() -> list[str]:
    """The program that serves: beside the executable in a frozen build, else a module."""
    if getattr(sys, "frozen", False):
        suffix = ".exe" if sys.platform == "win32" else ""
        return [str(Path(sys.executable).with_name(f"scribe-server{suffix}"))]
    return [sys.executable, "-m", "scribe_server"]


def delay_after(failures: int) -> float:
    """Seconds to wait before the next start, after so many short runs."""
    return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(failures, 10)))


class LocalServer:
    """Keeps one child server running on a data folder.

    `on_endpoint` is called (on the thread `scribe-local-server`) with each new endpoint, and with
    None when the child has ended. `failure` says why the last start did not work, or is empty.
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        log_file: Path,
        on_endpoint: Callable[[LocalEndpoint | None], None],
        environ: Mapping[str, str],
        command: Sequence[str] | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        base = list(command) if command is not None else server_command()
        self._command = [
            *base, "--data-dir", str(data_dir), "--port", "0", "--announce", "--child",
        ]  # fmt: skip
        self._log_file = log_file
        self._on_endpoint = on_endpoint
        self._environ = {name: environ[name] for name in _PASSED_ON if name in environ}
        self._start_timeout_s = start_timeout_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self.failure = ""

    def start(self) -> None:
        """Start the child and keep it running."""
        self._thread = threading.Thread(
            target=self._keep_running, name="scribe-local-server", daemon=True
        )
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Close the child's stdin and wait for its end; kill it after `timeout_s`. Idempotent."""
        self._stopping.set()
        with self._lock:
            child = self._child
        if child is not None:
            _end(child, timeout_s)
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None

    def _keep_running(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._run_once()
            except UnreachableError as error:
                self.failure = error.message
                log.warning("%s", error)
            failures = 0 if time.monotonic() - began > STEADY_S else failures + 1
            self._stopping.wait(delay_after(failures - 1))

    def _run_once(self) -> None:
        token = "scribe_" + secrets.token_urlsafe(32)
        child = self._spawn()
        try:
            endpoint = self._introduce(child, token)
            self.failure = ""
            log.info("the bundled server listens at %s (process %d)", endpoint.origin, child.pid)
            self._on_endpoint(endpoint)
            code = child.wait()
            self._on_endpoint(None)
            if not self._stopping.is_set():
                raise _failed(f"It ended with {code}")
        finally:
            _end(child, 5)
            with self._lock:
                self._child = None

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._stopping.is_set():
                raise _failed("It was stopped before it began")
            try:
                with _open_log(self._log_file) as log_file:
                    self._child = subprocess.Popen(
                        self._command,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log_file,
                        env=self._environ,
                        start_new_session=True,  # Ctrl+C in a terminal is for us, not for it
                    )
            except OSError as error:
                raise _failed(f"It cannot be run: {error.strerror or error}") from error
            return self._child

    def _introduce(self, child: "subprocess.Popen[bytes]", token: str) -> LocalEndpoint:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(token.encode() + b"\n")
            child.stdin.flush()
            line = _read_line(child.stdout.fileno(), time.monotonic() + self._start_timeout_s)
            said = json.loads(line)
            return LocalEndpoint(str(said["url"]), str(said["serverId"]), child.pid, token)
        except (OSError, ValueError, LookupError, TypeError) as error:
            reason = f"It did not begin to listen ({error}); {self._log_file} has its words"
            raise _failed(reason) from error


def _read_line(descriptor: int, deadline: float) -> bytes:
    received = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError("no announcement in time")
            piece = os.read(descriptor, 65_536)
            if not piece:
                raise OSError("it ended at once")
            received += piece
    return bytes(received)


def _open_log(file: Path) -> BinaryIO:
    if file.exists() and file.stat().st_size > MAX_LOG_BYTES:
        file.replace(file.with_suffix(".log.1"))
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _end(child: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    if child.stdin is not None and not child.stdin.closed:
        with contextlib.suppress(OSError):  # it may be gone already: that is what is wanted
            child.stdin.close()
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        log.warning("the bundled server did not end in %g s and is killed", timeout_s)
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _failed(what: str) -> UnreachableError:
    return UnreachableError("The built-in server does not run", f"{what}.", "Run: scribe doctor")
