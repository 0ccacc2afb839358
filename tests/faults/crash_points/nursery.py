"""Processes that cost milliseconds: one that has imported everything forks for each life.

Run as a module it reads rounds from stdin, one JSON object a line, and answers each with the exit
codes of its processes.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scribe_desktop.spool import Spool
from tests.faults.crash_points import capturing, client, live, mending, server
from tests.faults.crash_points.bugs import BUGS
from tests.faults.crash_points.points import CRASHED, Life, arm
from tests.faults.crash_points.table import POINTS
from tests.parts.processes import REPOSITORY

FAILED = 70
"""The exit code of a process in which something was raised."""
LONGEST_S = 40


class Nursery:
    """The test's side: rounds of processes in a folder."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._asked = 0
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.crash_points.nursery"],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

        self.empty = log.parent / "empty"
        """A folder in which client and server have been, and did nothing."""

    def __enter__(self) -> Self:
        self.empty.mkdir()
        ends = socket.socketpair()
        ends[0].close()
        with ends[1]:
            server.serve(self.empty, ends[1])
        Spool.open(self.empty / "client").close()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=LONGEST_S)

    def live(self, folder: Path, life: Life, point: str = "", bug: str = "") -> int:
        """Let a process live; its exit code. A client has its server with it, and the reverse."""
        code: int = self._ask({"life": life}, folder, point, bug)
        return code

    def live_on(self, folder: Path, point: str) -> list[int]:
        """Live server and client: who ends at the point begins anew, the other one goes on.

        Returns:
            How those ended that have, in order; the last one is the client that was served.
        """
        codes: list[int] = self._ask({"live": True}, folder, point)
        return codes

    def _ask(self, question: dict[str, Any], folder: Path, point: str, bug: str = "") -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        before = self._log.stat().st_size
        self._asked += 1
        common = {"number": self._asked, "folder": str(folder), "point": point, "bug": bug}
        asked = {**common, **question}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        number = 0
        while number != self._asked:  # a test that ran out of time has left its answer behind
            answer = self._process.stdout.readline()
            assert answer, self._log.read_text()
            number, ended = json.loads(answer)
        words = self._log.read_bytes()[before:].decode(errors="replace")
        assert FAILED not in (ended if isinstance(ended, list) else [ended]), f"{ended}\n{words}"
        return ended


# ----------------------------------------------------------------------- the other process


def main() -> None:
    _warm_up()
    for line in sys.stdin:
        asked = json.loads(line)
        folder, point = Path(asked["folder"]), asked["point"]
        if "life" in asked:
            answer: Any = _alone(folder, Life(asked["life"]), point, asked["bug"])
        else:
            answer = _live_round(folder, point)
        print(json.dumps([asked["number"], answer]), flush=True)


def _warm_up() -> None:
    """Live once without dying, so that no child has to import what is imported on first use."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        capturing.record(folder)
        _together(folder)
    # A child shares what its parent has in memory until a collection would touch all of it.
    gc.collect()
    gc.freeze()


def _together(folder: Path) -> None:
    """A client and its server on two threads: to both, the end of the process is a kill."""
    mine, other = socket.socketpair()

    def serve() -> None:
        with other:
            server.serve(folder, other)

    serving = threading.Thread(target=serve)
    serving.start()
    with mine:
        client.deliver(folder, mine)
    serving.join()


_WORK: dict[Life, Callable[[Path], None]] = {
    Life.RECORD: capturing.record,
    Life.RECOVER: capturing.recover,
    Life.CLIENT: _together,
    Life.SERVER: _together,
    Life.SALVAGE: mending.salvage,
    Life.REBUILD: mending.rebuild_database,
    Life.MEND: mending.mend_folder,
    Life.LIVE_SERVER: live.serve,
    Life.LIVE_CLIENT: live.deliver,
}


def _alone(folder: Path, life: Life, point: str, bug: str) -> int:
    _, status = os.waitpid(_born(folder, life, point, bug), 0)
    return os.waitstatus_to_exitcode(status)


def _born(folder: Path, life: Life, point: str = "", bug: str = "") -> int:
    """A new process; its id."""

    def work() -> None:
        if bug:
            BUGS[bug]()
        if point and POINTS[point].life in _SHARED.get(life, {life}):
            arm(POINTS[point], folder)
        _WORK[life](folder)

    return _fork(work)


_SHARED = {life: {Life.CLIENT, Life.SERVER} for life in (Life.CLIENT, Life.SERVER)}


def _live_round(place: Path, point: str) -> list[int]:
    ended: list[int] = []
    serving = _born(place, Life.LIVE_SERVER, point)
    _wait_until_ready(place, serving)
    delivering = _born(place, Life.LIVE_CLIENT, point)
    while True:
        child, status = os.waitpid(-1, 0)
        ended.append(os.waitstatus_to_exitcode(status))
        if child == delivering and ended[-1] == CRASHED:
            delivering = _born(place, Life.LIVE_CLIENT)
        elif child == delivering:
            break
        elif ended[-1] == CRASHED:
            live.ready(place).unlink()
            serving = _born(place, Life.LIVE_SERVER)
        else:
            os.kill(delivering, signal.SIGKILL)
    os.kill(serving, signal.SIGKILL)
    os.waitpid(serving, 0)
    return ended


def _wait_until_ready(folder: Path, serving: int) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not live.ready(folder).exists():
        assert time.monotonic() < deadline, "the server does not begin to listen"
        assert os.waitpid(serving, os.WNOHANG) == (0, 0), "the server has ended at its start"
        time.sleep(0.01)


def _fork(live: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    signal.alarm(LONGEST_S)
    try:
        live()
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as a parent
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(FAILED)
    os._exit(0)


if __name__ == "__main__":
    main()
