"""The real server as a process: started, killed, paused, stopped and started again."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.parts.processes import REPOSITORY, PartFailedError, Process, wait_until

TRACEBACK = "Traceback (most recent call last)"


class ServerProcess:
    """`python -m scribe_server` on loopback; with `auth="token"` it first makes users' tokens.

    The log lies beside the data folder. Leaving the context ends the server and fails the test
    when the log holds a traceback.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        auth: str = "token",
        extra_args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        port: int = 0,
        users: Sequence[str] = ("tester",),
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        """`python` are the words before `-m scribe_server`: an interpreter, or what starts one."""
        self.data_dir = data_dir
        self.python = list(python)
        self.port = port
        self.url = ""
        self.server_id = ""
        self.tokens: dict[str, str] = {}
        self._auth = auth
        self._extra_args = list(extra_args)
        self._users = list(users)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SCRIBE_")}
        self._env = {**clean, "PYTHONUNBUFFERED": "1", **(env or {})}
        self._log = data_dir.with_name(data_dir.name + ".log")
        self._output = data_dir.with_name(data_dir.name + ".out")
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self._auth == "token":
            for user in self._users:
                self.tokens[user] = self.create_token(user)
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if kind is None:
            assert TRACEBACK not in self.log_text(), self.log_text()

    @property
    def token(self) -> str:
        """The first user's token."""
        return next(iter(self.tokens.values()))

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    def log_text(self) -> str:
        """Everything that all its runs wrote to stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def create_token(self, user: str) -> str:
        """A new token for a user, made by the server's own command."""
        words = ["tokens", "create", "--data-dir", str(self.data_dir), "--user", user]
        done = subprocess.run(
            [sys.executable, "-m", "scribe_server", *words],
            env=self._env,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        found = re.search(r"scribe_[A-Za-z0-9_-]{20,}", done.stdout)
        if done.returncode != 0 or found is None:
            raise PartFailedError(f"no token (exit {done.returncode}): {done.stdout}{done.stderr}")
        return found.group()

    def start(self) -> None:
        """Start it (on the same port as before, if it ran before) and wait until it listens."""
        if self.alive:
            raise AssertionError("the server runs already")
        self._output.unlink(missing_ok=True)
        command = [*self.python, "-m", "scribe_server", "--data-dir", str(self.data_dir)]
        command += ["--port", str(self.port), "--auth", self._auth, "--announce"]
        self._process = Process(
            "scribe_server",
            [*command, *self._extra_args],
            env=self._env,
            log=self._log,
            output=self._output,
        )
        announced = self._process.wait_ready(self._announced, what="announce line", timeout_s=30)
        assert announced is not None
        self.url = announced["url"]
        self.server_id = announced["serverId"]
        self.port = urlsplit(self.url).port or 0

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, closed or said."""
        self._running().kill()
        self._process = None

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._running().signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on where it was."""
        self._running().signal(signal.SIGCONT)

    def stop(self, timeout_s: float = 20) -> int:
        """SIGTERM; its exit code."""
        process = self._running()
        process.signal(signal.SIGTERM)
        code = process.wait(timeout_s)
        self._process = None
        return code

    def restart(self) -> None:
        """Start it again on the same port; a running one is stopped first."""
        if self.alive:
            self.stop()
        self.start()

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            if self._process.alive:
                self._process.signal(signal.SIGCONT)
            self._process.end(10)
            self._process = None

    def wait_for_log(self, words: str, timeout_s: float = 10) -> None:
        """Return once the log holds the words."""
        wait_until(lambda: words in self.log_text(), timeout_s=timeout_s, what=f"log: {words}")

    def _running(self) -> Process:
        if self._process is None:
            raise AssertionError("the server does not run")
        return self._process

    def _announced(self) -> dict[str, Any] | None:
        for line in self._output.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n"):
                announced: dict[str, Any] = json.loads(line)
                return announced
        return None
