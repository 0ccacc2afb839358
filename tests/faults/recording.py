"""The real recorder of one home, told what to do through its control socket."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scribe_desktop.control import call
from scribe_desktop.model import SAMPLE_RATE, Gap, Marker
from tests.faults.drill import Round, must_hold
from tests.parts.desktop import TRACEBACK, Desktop
from tests.parts.processes import Process, wait_until
from tests.parts.proof import Delivered, assert_delivered, only_session, paths_of, spool_of
from tests.parts.recorder import status_of
from tests.parts.server import ServerProcess

START_LIMIT_S = 60
END_LIMIT_S = 60


class RealRecorder:
    """`scribe record`, delivering to a server; ended in any case when the round ends."""

    def __init__(
        self,
        round_: Round,
        server: ServerProcess,
        *words: str,
        home: Path | None = None,
        env: Mapping[str, str] | None = None,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        """Begin a recording and wait for its first sound.

        Args:
            round_: where its home is, and what ends it.
            server: where it delivers to.
            words: more words for `scribe record`.
            home: its home, when it is not the round's own.
            env: more environment, as that of a virtual microphone.
            python: the interpreter, or what starts one.
        """
        self.home = home or round_.folder / "recorder"
        self.server = server
        own = {"SCRIBE_TOKEN": server.token, **(env or {})}
        self.desktop = Desktop(self.home, env=own, python=python)
        self.process: Process = self.desktop.popen(
            "record", "--server", server.url, "--wait", "--timeout", str(END_LIMIT_S), *words
        )
        round_.cleanup.callback(self.process.kill)
        self.process.wait_ready(
            lambda: self.samples > 0, what="the first sound", timeout_s=START_LIMIT_S
        )

    @property
    def capture(self) -> dict[str, Any]:
        """What it says of capture; empty when it does not answer."""
        status = status_of(self.home)
        return {} if status is None else dict(status["capture"])

    @property
    def samples(self) -> int:
        """The length of the timeline so far."""
        return int(self.capture.get("samples", 0))

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """Give it a command."""
        return call(paths_of(self.home).control_socket, {"command": command, **fields}, 10)

    def wait_for(self, state: str, reason: str = "") -> None:
        """Return when it says that it is in this state, for this reason."""
        wait_until(
            lambda: (self.capture.get("state"), self.capture.get("reason")) == (state, reason),
            timeout_s=60,
            what=f"{state} {reason}; it says {self.capture}",
        )

    def record(self, seconds: float) -> None:
        """Return when the timeline is so much longer."""
        wanted = self.samples + seconds * SAMPLE_RATE
        wait_until(lambda: self.samples >= wanted, timeout_s=60, what=f"{seconds:g} s of sound")

    def labels(self) -> tuple[list[Gap], list[Marker]]:
        """Gaps and markers so far."""
        session_id = only_session(self.home).session_id
        with spool_of(self.home) as spool:
            return spool.gaps(session_id), spool.markers(session_id)

    def ended(self) -> Delivered:
        """Stop it; everything must be on the server, with a receipt, and nothing have crashed."""
        self.ask("stop")
        code = self.process.wait(END_LIMIT_S)
        log = self.process.log_text()
        must_hold(code == 0, f"it ended with {code}:\n{log}")
        must_hold(TRACEBACK not in log, log)
        return assert_delivered(self.home, self.server, only_session(self.home).session_id)
