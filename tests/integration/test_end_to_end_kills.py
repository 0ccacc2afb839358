"""`kill -9` of the recorder at twenty random moments costs at most the last second each time."""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from scribe_desktop.library.export import export_session
from scribe_desktop.model import Session
from tests.parts.desktop import Desktop
from tests.parts.proof import assert_delivered, spool_of
from tests.parts.recorder import captured_samples
from tests.parts.server import ServerProcess
from tests.parts.sound import RATE, Decoded, decode, encode_in_one_piece, make_speech
from tests.parts.virtual_microphone import VirtualMicrophone

pytestmark = pytest.mark.real
MOST_LOST = 1 * RATE


@dataclass(frozen=True)
class Kill:
    """One drill: what the recorder said it had captured when it was killed, and what was kept.

    `session` is None when nothing had reached the disk: a recording of no sound is none.
    """

    home: Path
    captured: int
    session: Session | None

    @property
    def kept(self) -> int:
        return self.session.total_samples if self.session else 0


def record_and_kill(desktop: Desktop, server: ServerProcess, sound: str, after_s: float) -> Kill:
    """Record, kill after so many seconds of sound, start again and let it deliver."""
    recorder = desktop.popen(
        *["record", "--input", sound, "--speed", "realtime", "--server", server.url]
    )
    recorder.wait_ready(lambda: captured_samples(desktop.home) > 0, what="samples", timeout_s=60)
    time.sleep(after_s)
    captured = captured_samples(desktop.home)
    recorder.kill()
    desktop.run("sync", "--once", "--server", server.url, timeout=90)
    with spool_of(desktop.home) as spool:
        sessions = spool.sessions()
    assert len(sessions) <= 1
    return Kill(desktop.home, captured, sessions[0] if sessions else None)


def assert_survived(kill: Kill, server: ServerProcess) -> None:
    lost = kill.captured - kill.kept
    print(
        f"{kill.home.name}: killed at {kill.captured / RATE:.2f} s, kept {kill.kept / RATE:.2f} s, "
        f"lost {max(0, lost) * 1000 // RATE} ms"
    )
    assert lost <= MOST_LOST
    if kill.session is not None:
        assert kill.session.recovered
        assert_delivered(kill.home, server, kill.session.session_id)


def assert_equals_source(kill: Kill, source: Decoded, output: Path) -> None:
    if kill.session is not None:
        with spool_of(kill.home) as spool:
            export_session(spool, kill.session.session_id, "webm", output)
        kept = decode(output)
        assert len(kept) == kill.kept
        assert np.array_equal(kept, source[: len(kept)])


def moments(rng: random.Random, short: int, long: int) -> Sequence[float]:
    """Random moments: most within the first chunk, some after its end at 30 s."""
    drawn = [rng.uniform(0, 8) for _ in range(short)] + [rng.uniform(29, 36) for _ in range(long)]
    return sorted(drawn, reverse=True)  # the long ones first, so that nobody waits for the last


@pytest.mark.takes(90)
def test_sixteen_recorders_killed_at_random_moments_lose_at_most_a_second(
    tmp_path: Path, rng: random.Random, seed: int
) -> None:
    sound = tmp_path / "speech.wav"
    source = decode(encode_in_one_piece(make_speech(sound, seconds=60, seed=seed)))
    with ServerProcess(tmp_path / "server") as server, ThreadPoolExecutor(4) as pool:
        drills = [
            pool.submit(
                record_and_kill,
                Desktop(tmp_path / f"file-{number}", env={"SCRIBE_TOKEN": server.token}),
                server,
                str(sound),
                after_s,
            )
            for number, after_s in enumerate(moments(rng, short=12, long=4))
        ]
        kills = [drill.result() for drill in drills]
        for kill in kills:
            assert_survived(kill, server)
            assert_equals_source(kill, source, tmp_path / f"{kill.home.name}.webm")
    assert len(kills) == 16
    assert any(kill.session and kill.session.chunks > 1 for kill in kills), "all were short"


@pytest.mark.takes(45)
def test_four_recorders_of_a_microphone_killed_at_random_moments_lose_at_most_a_second(
    tmp_path: Path, rng: random.Random, seed: int
) -> None:
    sound = tmp_path / "speech.wav"
    make_speech(sound, seconds=120, seed=seed)
    with ServerProcess(tmp_path / "server") as server, VirtualMicrophone() as microphone:
        microphone.play(sound)
        env = {**microphone.env, "SCRIBE_TOKEN": server.token}
        with ThreadPoolExecutor(2) as pool:
            drills = [
                pool.submit(
                    record_and_kill,
                    Desktop(tmp_path / f"microphone-{number}", env=env),
                    server,
                    "mic",
                    after_s,
                )
                for number, after_s in enumerate(moments(rng, short=3, long=1))
            ]
            kills = [drill.result() for drill in drills]
        for kill in kills:
            assert_survived(kill, server)
    assert len(kills) == 4
