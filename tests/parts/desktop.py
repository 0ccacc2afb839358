"""The real command line as a child process, with a home of its own."""

import json as json_format
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.parts.processes import REPOSITORY, Process

TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Result:
    """How a command ended; `json` is its parsed output when it was asked for."""

    exit_code: int
    stdout: str
    stderr: str
    json: Any = None


class Desktop:
    """`python -m scribe_desktop …` for one person: everything it writes lies under `home`."""

    def __init__(
        self,
        home: Path,
        env: Mapping[str, str] | None = None,
        *,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        """`python` are the words before `-m scribe_desktop`: an interpreter, or what starts one."""
        self._python = list(python)
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        # Nothing of the machine's own desktop, sound or keyring may leak into a test.
        own = ("SCRIBE_", "PULSE_", "DBUS_", "XDG_", "DISPLAY", "WAYLAND_")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(own)}
        self.env = {
            **clean,
            "SCRIBE_HOME": str(home),
            "PYTHONUNBUFFERED": "1",
            "QT_QPA_PLATFORM": "offscreen",
            **(env or {}),
        }
        self._started = 0

    def run(
        self,
        *args: str,
        json: bool = False,
        timeout: float = 120,
        expect: int | None = 0,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> Result:
        """Run a command to its end; `json` adds `--json` and parses what it prints.

        `expect` is the exit code that the test counts on (None: any). A traceback always fails.
        """
        command = self._command(*args, *(["--json"] if json else []))
        done = subprocess.run(
            command,
            input=stdin,
            env={**self.env, **(env or {})},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        told = f"{' '.join(args)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert TRACEBACK not in done.stderr, told
        assert expect is None or done.returncode == expect, told
        parsed = parse_json(done.stdout) if json and done.stdout.strip() else None
        return Result(done.returncode, done.stdout, done.stderr, parsed)

    def popen(self, *args: str, env: Mapping[str, str] | None = None) -> Process:
        """Start a command and return; its stdout and stderr are in `.log_text()`."""
        self._started += 1
        return Process(
            "scribe",
            self._command(*args),
            env={**self.env, **(env or {})},
            log=self.home / f"run-{self._started}.log",
        )

    def _command(self, *args: str) -> list[str]:
        return [*self._python, "-m", "scribe_desktop", *args]


def parse_json(text: str) -> Any:
    """A document over several lines, or the last of several one-line documents."""
    try:
        return json_format.loads(text)
    except json_format.JSONDecodeError:
        return json_format.loads(text.strip().splitlines()[-1])
