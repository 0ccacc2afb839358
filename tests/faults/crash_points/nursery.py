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

from tests.faults.crash_points import capturing, client, live, mending, server
from tests.faults.crash_points.bugs import BUGS
from tests.faults.crash_points.points import CRASHED, Life, arm
from tests.faults.crash_points.table import POINTS
from tests.faults.crash_points.wire import GoneError
from tests.parts.processes import REPOSITORY

FAILED, GONE = 70, 75
"""Exit codes: something was raised; the other process had ended."""
LONGEST_S = 40
Codes = dict[str, int]


class Nursery:
    """The test's side: rounds of processes in a folder."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.crash_points.nursery"],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=LONGEST_S)

    def live(self, folder: Path, lives: list[Life], point: str = "", bug: str = "") -> Codes:
        """Let processes live until the last one named has ended; their exit codes."""
        codes: Codes = self._ask({"lives": lives}, folder, point, bug)
        return codes

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
        asked = {"folder": str(folder), "point": point, "bug": bug, **question}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, self._log.read_text()
        codes = json.loads(answer)
        words = self._log.read_bytes()[before:].decode(errors="replace")
        ended = codes.values() if isinstance(codes, dict) else codes
        assert FAILED not in ended, f"{codes}\n{words}"
        return codes


# ----------------------------------------------------------------------- the other process


def main() -> None:
    _warm_up()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = (
            _live_round(asked["folder"], asked["point"]) if "live" in asked else _round(**asked)
        )
        print(json.dumps(answer), flush=True)


def _warm_up() -> None:
    """Live once without dying, so that no child has to import what is imported on first use."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        capturing.record(folder)
        mine, other = socket.socketpair()
        serving = threading.Thread(target=server.serve, args=(folder, other))
        serving.start()
        client.deliver(folder, mine)
        mine.close()
        serving.join()
        other.close()
    # A child shares what its parent has in memory until a collection would touch all of it.
    gc.collect()
    gc.freeze()


def _round(folder: str, lives: list[str], point: str, bug: str) -> Codes:
    place = Path(folder)
    ends = socket.socketpair()
    children = {
        life: _fork(lambda life=life: _live(place, Life(life), ends, point, bug)) for life in lives
    }
    for end in ends:
        end.close()
    codes: Codes = {}
    for life, child in reversed(children.items()):
        _, status = os.waitpid(child, 0)
        codes[life] = os.waitstatus_to_exitcode(status)
    return codes


def _live_round(folder: str, point: str) -> list[int]:
    place, ended = Path(folder), list[int]()
    serving = _fork(lambda: _armed(place, Life.LIVE_SERVER, point, live.serve))
    _wait_until_ready(place, serving)
    client = _fork(lambda: _armed(place, Life.LIVE_CLIENT, point, live.deliver))
    while True:
        child, status = os.waitpid(-1, 0)
        ended.append(os.waitstatus_to_exitcode(status))
        if child == client and ended[-1] == CRASHED:
            client = _fork(lambda: live.deliver(place))
        elif child == client:
            break
        elif ended[-1] == CRASHED:
            live.ready(place).unlink()
            serving = _fork(lambda: live.serve(place))
        else:
            os.kill(client, signal.SIGKILL)
    os.kill(serving, signal.SIGKILL)
    os.waitpid(serving, 0)
    return ended


def _armed(folder: Path, life: Life, point: str, work: Callable[[Path], None]) -> None:
    if POINTS[point].life is life:
        arm(POINTS[point], folder)
    work(folder)


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
    except GoneError:
        os._exit(GONE)
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as a parent
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(FAILED)
    os._exit(0)


def _live(
    folder: Path, life: Life, ends: tuple[socket.socket, socket.socket], point: str, bug: str
) -> None:
    if bug:
        BUGS[bug]()
    if point and POINTS[point].life is life:
        arm(POINTS[point], folder)
    mine, other = ends if life is Life.CLIENT else reversed(ends)
    other.close()
    work: dict[Life, Callable[..., Any]] = {
        Life.RECORD: capturing.record,
        Life.RECOVER: capturing.recover,
        Life.SALVAGE: mending.salvage,
        Life.REBUILD: mending.rebuild_database,
        Life.MEND: mending.mend_folder,
    }
    if life is Life.CLIENT:
        client.deliver(folder, mine)
    elif life is Life.SERVER:
        server.serve(folder, mine)
    else:
        work[life](folder)


if __name__ == "__main__":
    main()
