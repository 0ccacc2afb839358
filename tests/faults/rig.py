"""A server, a feeder that delivers to it, and what a drill does with both."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from scribe_desktop.model import now_ms
from tests.faults import invariants
from tests.faults.drill import Outcome, Round, must_hold
from tests.parts.processes import REPOSITORY, Process, wait_until
from tests.parts.proof import paths_of
from tests.parts.server import TRACEBACK, ServerProcess

START_LIMIT_S = 60
RECOVERY_LIMIT_S = 60
PAUSE_TRIES = 20
DRAIN_LIMIT_S = 180
DESCRIPTORS_MORE = 8
"""Idle connections, log files: what a server may have open after a drill and not before it."""


class Rig:
    """One server and one feeder in the round's folder, ended in any case when the round ends.

    A drill makes its faults happen in between, calls `recovered` after each, and returns `ended`.
    """

    def __init__(
        self,
        round_: Round,
        *,
        home: Path | None = None,
        data_dir: Path | None = None,
        beside: "Rig | None" = None,
        url: str | None = None,
        rate: float = 50,
        size: int = 20_000,
        chunks: int = 20,
        server_env: Mapping[str, str] | None = None,
        server_args: Sequence[str] = (),
        server_python: Sequence[str] = (sys.executable,),
        feeder_args: Sequence[str] = (),
        feeder_env: Mapping[str, str] | None = None,
        feeder_python: Sequence[str] = (sys.executable,),
    ) -> None:
        """Start the server.

        Args:
            round_: where to put everything, and what ends it.
            home: of the feeder, when it has to lie on a disk of its own.
            data_dir: of the server, likewise.
            beside: another rig whose server this feeder uses, too; it needs a home of its own.
            url: what the feeder connects to, when that is not the server itself.
            rate: chunks per second.
            size: bytes of a chunk.
            chunks: how many a session has.
            server_env: more environment for the server.
            server_args: more words for the server.
            server_python: the interpreter of the server, or what starts one.
            feeder_args: more words for the feeder.
            feeder_env: more environment for the feeder.
            feeder_python: the interpreter of the feeder, or what starts one.
        """
        self.round = round_
        self.home = home or round_.folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        if beside is None:
            self.server = ServerProcess(
                data_dir or round_.folder / "server",
                env=server_env,
                extra_args=server_args,
                python=server_python,
            )
            round_.cleanup.enter_context(self.server)
        else:
            self.server = beside.server
        round_.cleanup.callback(self._end_feeder)
        self.url = url
        # Not beside the home, which may lie on a disk that is cut.
        notes = round_.folder
        self.source = invariants.Source(size, notes / f"{self.home.name}-promised.txt")
        self.recovery_ms: list[int] = []
        self.harmed: set[tuple[str, int]] = set()
        """Chunks that are known to be lost and were reported: (session, sequence)."""
        self.foreign: set[str] = set()
        """Sessions that the feeder has not fed: there is no source to compare them with."""
        self._rate, self._chunks = rate, chunks
        self._feeder_args = list(feeder_args)
        self._feeder_env = dict(feeder_env or {})
        self._feeder_python = list(feeder_python)
        self._log = notes / f"{self.home.name}-feeder.log"
        self._feeder: Process | None = None
        self._open_before = open_descriptors(self.server.pid)

    @property
    def feeder(self) -> Process:
        """The running feeder."""
        assert self._feeder is not None, "the feeder does not run"
        return self._feeder

    def start_feeder(self, *options: str) -> None:
        """Start it, or start it again, and wait until the server has acknowledged a chunk.

        Args:
            options: more words for it.
        """
        began = now_ms()
        self.launch_feeder(*options)
        self.wait_for_ack(began, limit_s=START_LIMIT_S)

    def launch_feeder(self, *options: str, python: Sequence[str] = ()) -> None:
        """Start it, once in another way if words for that are given, and wait for nothing."""
        words = [str(self.home), self.url or self.server.url, str(self.source.promised)]
        words += [f"--rate={self._rate}", f"--size={self.source.size}", f"--chunks={self._chunks}"]
        env = {k: v for k, v in os.environ.items() if not k.startswith("SCRIBE_")}
        env |= {"SCRIBE_TOKEN": self.server.token, "PYTHONUNBUFFERED": "1", **self._feeder_env}
        program = [*(python or self._feeder_python), "-m", "tests.faults.feeder"]
        command = [*program, *words, *self._feeder_args, *options]
        self._feeder = Process("feeder", command, env=env, log=self._log)

    def kill_feeder(self) -> None:
        """SIGKILL."""
        self.feeder.kill()
        self._feeder = None

    def acked_after(self, moment_ms: int) -> int | None:
        """When the first chunk at or after this moment was acknowledged; None when none was."""
        return acked_since(self.home, moment_ms)

    def troubles(self, code: str) -> int:
        """How often the feeder's engine has reported this error code."""
        return self.log_text().count(f"delivery: {code}\n")

    def promised(self) -> int:
        """How many chunks the spool has promised to keep by now."""
        path = self.source.promised
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def wait_for_ack(self, moment_ms: int, *, limit_s: float = RECOVERY_LIMIT_S) -> int:
        """Return when a chunk was acknowledged at or after a moment: how long after it, in ms."""

        def acked() -> int | None:
            must_hold(
                self._feeder is None or self._feeder.alive,
                f"the feeder ended by itself:\n{self.log_text()}",
            )
            if not self.promised():  # the spool is being made
                return None
            try:
                at = self.acked_after(moment_ms)
            except sqlite3.Error as error:  # it is being made or opened; else time runs out
                print(f"the spool cannot be read yet: {error}")
                return None
            return None if at is None else at - moment_ms + 1

        found = wait_until(acked, timeout_s=limit_s, what="an acknowledged chunk", every_s=0.02)
        assert found is not None
        return found - 1

    def recovered(self, healed_at: int, *, limit_s: float = RECOVERY_LIMIT_S) -> int:
        """Note how long after the end of a fault (ms, wall clock) delivery went on."""
        took = self.wait_for_ack(healed_at, limit_s=limit_s)
        self.recovery_ms.append(took)
        return took

    def wait_for_promises(self, count: int, *, limit_s: float = 60) -> None:
        """Return when so many more chunks were promised."""
        wanted = self.promised() + count
        wait_until(lambda: self.promised() >= wanted, timeout_s=limit_s, what=f"{count} promises")

    def said(self, words: str) -> int:
        """How often the feeder has said this so far."""
        return self.log_text().count(words)

    def told(self) -> str:
        """What the feeder's engine said of itself last: `STATE CODE`."""
        return self.log_text().rpartition(" sync: ")[2].partition("\n")[0]

    def pause_feeder(self) -> None:
        """SIGSTOP: until it is resumed it can heal nothing.

        Stopped within a lock of the spool's log it would keep everybody from reading, so then it
        goes on for a moment first.
        """
        for _ in range(PAUSE_TRIES):
            self.feeder.signal(signal.SIGSTOP)
            if self._can_be_read():
                return
            self.feeder.signal(signal.SIGCONT)
            time.sleep(0.02)
        self.feeder.signal(signal.SIGSTOP)

    def _can_be_read(self) -> bool:
        path = paths_of(self.home).spool_dir / "spool.sqlite3"
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0)) as one:
                one.execute("SELECT count(*) FROM sessions").fetchone()
        except sqlite3.OperationalError:
            return False
        return True

    def resume_feeder(self) -> None:
        """SIGCONT."""
        self.feeder.signal(signal.SIGCONT)

    def sleep(self, least_s: float, most_s: float) -> None:
        """Let it run for a random time."""
        time.sleep(self.round.rng.uniform(least_s, most_s))

    def forget_promises(self, size: int) -> None:
        """Count only what the list of promises held when it was so long (bytes)."""
        if self.source.promised.stat().st_size > size:
            os.truncate(self.source.promised, size)

    def check_acked(self, *, until: int | None = None) -> int:
        """What the feeder's spool calls acked is on the server; pause or kill the feeder before.

        Args:
            until: leave out what was acked at this moment (ms) or later.
        """
        return invariants.check_acked(self.server, self.home, until=until)

    def check_promised(self) -> int:
        """What was promised is in the spool or on the server."""
        return invariants.check_promised(self.home, self.source, self.server)

    def check_spooled(self) -> int:
        """What was promised is in the spool itself, whatever the server has."""
        return invariants.check_promised(self.home, self.source, None)

    def ended(self, injected: int, note: str = "") -> Outcome:
        """Let everything be delivered, then check all invariants.

        Args:
            injected: how often the fault is proved to have fired.
            note: for the report.
        """
        must_hold(injected >= self.round.times, f"it fired {injected} of {self.round.times} times")
        compared = self.drained()
        now_open = open_descriptors(self.server.pid)
        must_hold(
            now_open <= self._open_before + DESCRIPTORS_MORE,
            f"{now_open} descriptors are open, {self._open_before} were at the start",
        )
        must_hold(self.server.stop() == 0, "the server did not stop cleanly")
        invariants.check_stopped_server(self.server.data_dir)
        log = self.server.log_text()
        must_hold(TRACEBACK not in log, f"a traceback in the log of the server:\n{log[-4000:]}")
        return Outcome(injected, compared, tuple(self.recovery_ms), note)

    def drained(self, *options: str) -> int:
        """Let everything be delivered, and compare; how many chunks that were.

        Args:
            options: more words for the feeder, if it has to be started for that.
        """
        if self._feeder is None:
            self.start_feeder(*options)
        self.feeder.signal(signal.SIGTERM)
        code = self.feeder.wait(DRAIN_LIMIT_S)
        self._feeder = None
        log = self.log_text()
        must_hold(code == 0, f"the feeder ended with {code}:\n{log}")
        must_hold(TRACEBACK not in log, f"a traceback in the log of the feeder:\n{log[-4000:]}")
        compared = invariants.check_converged(
            self.home, self.source, self.server, self.harmed, self.foreign
        )
        must_hold(compared > 0, "nothing was delivered, so nothing was tried")
        invariants.check_home(self.home)
        return compared

    def log_text(self) -> str:
        """What the feeder has written in all its runs."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _end_feeder(self) -> None:
        if self._feeder is not None:
            self._feeder.kill()


def acked_since(home: Path, moment_ms: int) -> int | None:
    """When the first chunk of a client at or after a moment was acknowledged; None if none was.

    Raises:
        sqlite3.Error: the spool is being made or opened.
    """
    path = paths_of(home).spool_dir / "spool.sqlite3"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        asked = "SELECT min(acked_at) FROM chunks WHERE acked_at >= ?"
        found: int | None = connection.execute(asked, (moment_ms,)).fetchone()[0]
    return found


def wait_until_stopped(pid: int) -> None:
    """Return when SIGSTOP has reached every thread of a process: none is in a system call."""

    def stopped() -> bool:
        threads = Path(f"/proc/{pid}/task").iterdir()
        states = [(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads]
        return set(states) == {"T"}

    wait_until(stopped, timeout_s=20, what=f"{pid} to be stopped", every_s=0.005)


def open_descriptors(pid: int) -> int:
    """How many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def run(words: Sequence[str], *, timeout_s: float = 60) -> str:
    """Run a program of the system; its output."""
    done = subprocess.run(
        list(words),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    must_hold(done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout
