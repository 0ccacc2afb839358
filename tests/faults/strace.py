"""Faults at system calls, made by strace: it fails, delays or kills at exactly the call it is told.

strace counts `when=` for each thread apart, from the moment on that it traces it. Its own record
proves how often a fault fired. Source of the formats: strace(1).
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.faults.drill import NotHereError, Round, must_hold
from tests.parts.processes import wait_until

_CALL = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<rest>.*)")
_RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)")
_UNFINISHED = re.compile(r" *<unfinished \.\.\.>(\) += \?)?$")
_RESULT = re.compile(r" += (?P<result>-?\d+|\?)[^=]*$")
_FIRED = re.compile(r"\((?:INJECTED|DELAYED)\)\s*$", re.MULTILINE)
_KILLED = re.compile(r"^\d+ +\+\+\+ killed by SIGKILL \+\+\+$", re.MULTILINE)
_PROGRAM = "strace"


@dataclass(frozen=True)
class Call:
    """One system call in a record.

    Attributes:
        thread: its id.
        name: of the call.
        arguments: as strace prints them.
        result: None when the call never returned.
        order: where in the record the call was entered, and where it returned.
    """

    thread: int
    name: str
    arguments: str
    result: int | None
    order: tuple[int, int]


def calls(record: str) -> Iterator[Call]:
    """The calls of a record, in the order in which they returned; those that never did come last.

    Args:
        record: what `strace -f -o` wrote.
    """
    entered: dict[int, tuple[str, str, int]] = {}
    lines = record.splitlines()
    for number, line in enumerate(lines):
        if found := _RESUMED.match(line):
            name, arguments, began = entered.pop(int(found["thread"]), (found["name"], "", number))
            arguments += found["rest"]
        elif found := _CALL.match(line):
            name, arguments, began = found["name"], found["rest"], number
        else:
            continue
        thread = int(found["thread"])
        if _UNFINISHED.search(arguments):
            entered[thread] = (name, _UNFINISHED.sub("", arguments), began)
        elif (end := _RESULT.search(arguments)) is not None and end["result"] != "?":
            arguments = arguments[: end.start()]
            yield Call(thread, name, arguments, int(end["result"]), (began, number))
        else:
            entered[thread] = (name, _RESULT.sub("", arguments), began)
    for thread, (name, arguments, began) in sorted(entered.items(), key=lambda item: item[1][2]):
        yield Call(thread, name, arguments, None, (began, len(lines)))


def fired(record: str) -> int:
    """How often a call was failed or delayed."""
    return len(_FIRED.findall(record))


def killed_in(record: str, names: Sequence[str]) -> str | None:
    """The call of these names at whose entry the program was killed; None when it was not."""
    if not _KILLED.search(record):
        return None
    return next((c.name for c in calls(record) if c.result is None and c.name in names), None)


def need_ptrace() -> None:
    """Raise NotHereError unless strace is there and may trace."""
    if shutil.which(_PROGRAM) is None:
        raise NotHereError("needs strace")
    tried = subprocess.run(
        [_PROGRAM, "-f", "-o", os.devnull, "-e", "trace=none", "true"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    if tried.returncode != 0:
        raise NotHereError(f"needs ptrace: {tried.stderr.strip()}")


class Tracer:
    """One strace, and its record.

    Args:
        record: where it writes.
        inject: as for `strace -e inject=`; empty: it only records.
        trace: the calls that go into the record; those of `inject` when left out.
        paths: touch only calls on these files.
        words: more for strace, as `-xx`.
    """

    def __init__(
        self,
        record: Path,
        inject: str = "",
        *,
        trace: str = "",
        paths: Sequence[Path] = (),
        words: Sequence[str] = (),
    ) -> None:
        self._record = record
        self._record.unlink(missing_ok=True)
        self.names = inject.partition(":")[0].split(",")
        chosen = trace or inject.partition(":")[0]
        self._words = [_PROGRAM, "-f", "-qq", "-o", str(record), "-e", f"trace={chosen}", *words]
        if inject:
            self._words += ["-e", f"inject={inject}"]
        for path in paths:
            self._words += ["-P", str(path)]
        self._process: subprocess.Popen[bytes] | None = None

    def starting(self, program: Sequence[str] = (sys.executable,)) -> list[str]:
        """The words that start a program traced from its first call; it keeps its own pid."""
        return [self._words[0], "-D", *self._words[1:], *program]

    def attach(self, pid: int, round_: Round) -> Self:
        """Trace a running program, all its threads, from now on."""
        with self._record.with_suffix(".err").open("wb") as errors:
            self._process = subprocess.Popen([*self._words, "-p", str(pid)], stderr=errors)
        round_.cleanup.callback(self.detach)
        tracer = self._process

        def attached() -> bool:
            return tracer.poll() is not None or tracers(pid) == {tracer.pid}

        wait_until(attached, timeout_s=20, what="strace to attach", every_s=0.005)
        return self

    def detach(self) -> None:
        """Let the program go; again does nothing."""
        tracer, self._process = self._process, None
        if tracer is None or tracer.poll() is not None:
            return
        tracer.send_signal(signal.SIGINT)
        try:
            tracer.wait(20)
        except subprocess.TimeoutExpired:
            tracer.kill()
            tracer.wait()

    def text(self) -> str:
        """The record by now."""
        return self._record.read_text(errors="replace") if self._record.exists() else ""

    def fired(self) -> int:
        """How often a call was failed or delayed by now."""
        return fired(self.text())

    def killed(self) -> str | None:
        """The call at whose entry the program was killed; None when it was not."""
        return killed_in(self.text(), self.names)

    def wait_killed(self, timeout_s: float) -> str | None:
        """Wait until the program was killed: the call; None when that time has passed."""
        deadline = time.monotonic() + timeout_s
        while (found := self.killed()) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if found is not None and self._process is not None:
            self._process.wait(20)  # told to detach from what is dying, strace may hang
        return found

    def wait_fired(self, times: int = 1, *, timeout_s: float = 30) -> None:
        """Return once it fired so often."""
        wait_until(
            lambda: self.fired() >= times, timeout_s=timeout_s, what=self._words[-1], every_s=0.02
        )

    def must_have_fired(self, times: int = 1) -> int:
        """How often it fired; ViolatedError when that is too seldom."""
        found = self.fired()
        must_hold(found >= times, f"{' '.join(self._words)}: fired {found} times")
        return found


def tracers(pid: int) -> set[int]:
    """Who traces the threads of a process (0: nobody); empty when it has ended."""
    found = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            status = thread.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found.add(int(re.search(r"^TracerPid:\s+(\d+)$", status, re.MULTILINE)[1]))  # type: ignore[index]
    return found
