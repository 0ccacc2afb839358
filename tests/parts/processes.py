"""Real processes for the tests: each with a log, ended for certain, waited for to a deadline."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

T = TypeVar("T")
REPOSITORY = Path(__file__).resolve().parents[2]
UNIX_SOCKET_PATH_LIMIT = 107


class PartFailedError(Exception):
    """A part of the test bench did not do what it should; the message ends with its log."""


def wait_until(
    condition: Callable[[], T], *, timeout_s: float, what: str, every_s: float = 0.05
) -> T:
    """The condition's first truthy value; `AssertionError` naming `what` after the deadline."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain for: {what}")
        time.sleep(every_s)


def short_folder(prefix: str) -> Path:
    """A fresh private folder whose path leaves room for a Unix socket's name."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if len(str(folder / "a-socket-of-some-kind")) <= UNIX_SOCKET_PATH_LIMIT:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))


def program(name: str) -> str:
    """The program's full path; says how to install it when it is not there."""
    found = shutil.which(name)
    if found is None:
        raise PartFailedError(f"{name} is not installed: run packaging/system-deps.sh test")
    return found


class Process:
    """A child in a process group of its own whose output goes to a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        output: Path | None = None,
        stdin: bytes | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start it. `output` takes stdout apart from the log; `stdin` is fed, then closed."""
        self.name = name
        self.log = log
        with log.open("ab") as log_file:
            out: BinaryIO = output.open("ab") if output else log_file
            self.popen = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=out,
                stderr=log_file,
                env=dict(env),
                cwd=REPOSITORY,
                start_new_session=True,
                pass_fds=pass_fds,
            )
            if output:
                out.close()
        if stdin is not None and self.popen.stdin is not None:
            self.popen.stdin.write(stdin)
            self.popen.stdin.close()

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def failed(self, what: str) -> PartFailedError:
        """The exception to raise when this process did not do its part."""
        code = self.popen.poll()
        state = "runs" if code is None else f"ended with {code}"
        return PartFailedError(f"{self.name} {what} (it {state}); its log:\n{self.log_text()}")

    def wait_ready(self, ready: Callable[[], T], *, what: str, timeout_s: float = 20) -> T:
        """The first truthy value of `ready`; fails at once when the process ends before it."""
        deadline = time.monotonic() + timeout_s
        while True:
            value = ready()
            if value:
                return value
            if not self.alive or time.monotonic() > deadline:
                raise self.failed(f"did not become ready: {what}")
            time.sleep(0.03)

    def signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        self.popen.send_signal(number)

    def wait(self, timeout_s: float) -> int:
        """Its exit code; fails with the log when it still runs after the deadline."""
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise self.failed(f"still runs after {timeout_s:g} s") from None

    def kill(self) -> None:
        """SIGKILL to the whole group, also when it is stopped; returns when it is gone."""
        with contextlib.suppress(ProcessLookupError):  # all gone is what was asked for
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(10)

    def end(self, timeout_s: float = 5) -> None:
        """SIGTERM, and SIGKILL to what is left of its group after the deadline."""
        if self.alive:
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):  # the SIGKILL is for this
                self.popen.wait(timeout_s)
        self.kill()
