"""A real recorder to which something happens, and what was kept of its sound."""

import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from scribe_desktop.control import call
from scribe_desktop.library.export import export_session
from tests.faults import invariants
from tests.faults.drill import Outcome, Round, must_hold
from tests.parts.desktop import TRACEBACK, Desktop
from tests.parts.processes import Process, wait_until
from tests.parts.proof import assert_delivered, paths_of, spool_of
from tests.parts.recorder import captured_samples, status_of
from tests.parts.server import ServerProcess
from tests.parts.sound import RATE, Decoded, decode, encode_in_one_piece, make_speech

ENCODERS_END = RATE // 10
"""Samples: where a recording was stopped the encoder ends, while the speech goes on."""
MOST_LOST = 1 * RATE
AT_A_TIME = 4


@dataclass(frozen=True)
class Speech:
    """A sound file, and what one continuous encode of it decodes to."""

    path: Path
    decoded: Decoded


def speech_in(folder: Path, *, seconds: int, seed: int) -> Speech:
    """Make a file of speech."""
    path = folder / "speech.wav"
    return Speech(path, decode(encode_in_one_piece(make_speech(path, seconds=seconds, seed=seed))))


@dataclass(frozen=True)
class Kept:
    """What was left of a recording: samples lost of those captured, and chunks compared."""

    lost: int
    chunks: int


class Recorder:
    """One recording of the speech, and whatever the drill does to it."""

    def __init__(
        self,
        folder: Path,
        home: Path,
        server: ServerProcess,
        speech: Speech,
        *,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        """Prepare it.

        Args:
            folder: for its logs, on a disk that nothing happens to.
            home: where it keeps everything else.
            server: to deliver to.
            speech: to record.
            python: the interpreter of the recorder, or what starts one.
        """
        self.home = home
        self._folder = folder
        self._server = server
        self._speech = speech
        env = {"SCRIBE_TOKEN": server.token, "SCRIBE_HOME": str(home)}
        self._desktop = Desktop(folder / "logs", env=env, python=python)
        self._process: Process | None = None
        self._captured = 0
        self._finished: dict[int, str] = {}

    @property
    def process(self) -> Process:
        """The recorder, which was started."""
        assert self._process is not None, "it was never started"
        return self._process

    def start(self) -> None:
        """Start to record in real time, and return when sound arrives."""
        words = ["--input", str(self._speech.path), "--speed", "realtime"]
        self._process = self._desktop.popen("record", *words, "--server", self._server.url)
        self.process.wait_ready(self._captures, what="samples", timeout_s=60)

    def finish_a_chunk(self) -> None:
        """Let a chunk end here, by a pause; return when it is in the spool."""
        before = len(self._chunks())
        for command in ("pause", "resume"):
            call(paths_of(self.home).control_socket, {"command": command}, 10)
        wait_until(lambda: len(self._chunks()) > before, timeout_s=20, what="a finished chunk")

    def reason(self) -> str | None:
        """Why it does not record as it should; empty when it does, None when it does not run."""
        status = status_of(self.home)
        return None if status is None else str(status["capture"]["reason"])

    def memory(self) -> int:
        """Bytes of memory that it takes; 0 when it has just ended."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def note(self) -> None:
        """Note what it has captured and finished by now: that has to be kept."""
        self._finished = self._chunks()
        self._captured = captured_samples(self.home)

    def kill(self) -> None:
        """SIGKILL; nothing, when it was never started."""
        if self._process is not None:
            self._process.kill()

    def check_ended(self) -> Kept:
        """It has ended by itself before the speech: what it had captured is kept, as it is."""
        return self._check(most_lost=0, is_cut=False)

    def check_given_up(self) -> Kept:
        """It has ended by itself, complete or not: at most the last second may be missing."""
        return self._check(most_lost=MOST_LOST, is_cut=None)

    def check(self) -> Kept:
        """It was cut short: at most the last second may be missing, and no finished chunk."""
        return self._check(most_lost=MOST_LOST, is_cut=True)

    def _check(self, *, most_lost: int, is_cut: bool | None) -> Kept:
        """Start it again, let it recover and deliver, and compare what was kept with the source."""
        self._desktop.run("sync", "--once", "--server", self._server.url, timeout=120)
        with spool_of(self.home) as spool:
            sessions = spool.sessions()
        must_hold(len(sessions) <= 1, f"one recording has become {len(sessions)}")
        kept = sessions[0].total_samples if sessions else 0
        lost = max(0, self._captured - kept)
        must_hold(lost <= most_lost, f"{lost} of {self._captured} captured samples are lost")
        must_hold(
            self._finished.items() <= self._chunks().items(), f"finished and lost: {self._finished}"
        )
        if sessions:
            recovered = sessions[0].recovered
            must_hold(is_cut in {None, recovered}, f"recovered: {recovered}")
            self._compare(sessions[0].session_id, kept, 0 if is_cut else ENCODERS_END)
        invariants.check_home(self.home)
        log = self.process.log_text()
        must_hold(TRACEBACK not in log, f"a traceback in the recorder's log:\n{log}")
        return Kept(lost, len(self._chunks()))

    def _compare(self, session_id: str, kept: int, but_last: int) -> None:
        assert_delivered(self.home, self._server, session_id)
        output = self._folder / "kept.webm"
        with spool_of(self.home) as spool:
            export_session(spool, session_id, "webm", output)
        heard = decode(output)
        must_hold(len(heard) == kept, f"{kept} samples decode to {len(heard)}")
        alike = kept - but_last
        must_hold(np.array_equal(heard[:alike], self._speech.decoded[:alike]), "it sounds other")

    def _captures(self) -> bool:
        return captured_samples(self.home) > 0

    def _chunks(self) -> dict[int, str]:
        """SHA-256 by sequence, of the chunks that are in the spool."""
        with spool_of(self.home) as spool:
            return {
                chunk.sequence: chunk.sha256
                for session in spool.sessions()
                for chunk in spool.chunks(session.session_id)
            }


def moments(rng: Random, count: int, *, quick: bool) -> list[float]:
    """Random seconds to record for; in a full run a fifth of them lie around the end of a chunk."""
    long = 0 if quick else count // 5
    drawn = [rng.uniform(0.1, 2 if quick else 8) for _ in range(count - long)]
    return [rng.uniform(28.5, 34) for _ in range(long)] + drawn


Happening = Callable[[Round, float, ServerProcess, Speech], Kept]
"""Does something to a recording after so many seconds, in a folder of its own."""


def in_parallel(round_: Round, happening: Happening, *, seconds: int) -> Outcome:
    """Let it happen to several recordings at a time.

    Args:
        round_: says how often.
        happening: given a folder, a moment, a server and the speech.
        seconds: of speech.
    """
    server = round_.cleanup.enter_context(ServerProcess(round_.folder / "server"))
    speech = speech_in(round_.folder, seconds=seconds, seed=round_.rng.randrange(1 << 30))
    chosen = moments(round_.rng, round_.times, quick=round_.quick)

    def one(number: int) -> Kept:
        with round_.within(f"recorder-{number}") as part:
            return happening(part, chosen[number], server, speech)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        kept = list(pool.map(one, range(round_.times)))
    must_hold(any(each.chunks for each in kept), "nothing was kept, so nothing was tried")
    worst = max(each.lost for each in kept) * 1000 // RATE
    return Outcome(
        len(kept), sum(each.chunks for each in kept),
        note=f"at most {worst} ms of sound were lost",
    )  # fmt: skip
