"""The faults, one after the other. Each is a recording of its own that has to arrive whole."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from scribe_desktop.errors import ScribeError
from scribe_desktop.model import now_ms
from scribe_desktop.selftest.disk import full_for
from scribe_desktop.selftest.report import Step, chunks
from scribe_desktop.selftest.stage import Stage
from scribe_desktop.selftest.wire import Mode

HALF_A_CHUNK: Final = 40_000
"""Bytes; the sample's chunks have about twice as many."""


def duplicates(stage: Stage) -> Step:
    """Every chunk is sent twice."""
    stage.wire.mode = Mode.DOUBLE
    session_id = stage.record("Self-test: duplicates")
    stage.wait_recorded()
    stage.wait_delivered(session_id)
    stage.wire.mode = Mode.PLAIN
    doubled = stage.wire.doubled
    stage.wait("the server has answered each of the two", lambda: doubled <= stage.wire.known)
    _must_have_happened(len(doubled), "no chunk was sent twice")
    return Step(
        "duplicates",
        True,
        f"{chunks(len(doubled))} sent twice; the server kept one of each and said so.",
        len(doubled),
        None,
        (("sentTwice", len(doubled)), ("knownToServer", len(stage.wire.known))),
    )


def reordering(stage: Stage) -> Step:
    """Chunks overtake each other."""
    # A recording that waits is sent several chunks at a time; else none could overtake.
    stage.app.set_sync_paused(True)
    session_id = stage.record("Self-test: reordering")
    stage.wait_recorded()
    stage.wire.mode = Mode.SWAP
    stage.app.set_sync_paused(False)
    stage.wait_delivered(session_id)
    stage.wire.mode = Mode.PLAIN
    late = len(stage.wire.overtaken)
    _must_have_happened(late, "no chunk overtook another")
    words = f"{chunks(late)} sent after the one that follows; all are in their place."
    return Step("reordered chunks", True, words, late, None, (("overtaken", late),))


def cut_link(stage: Stage) -> Step:
    """The connection is cut in the middle of a chunk, and stays so until the recording's end."""
    cut = _Happened()
    stage.relay.after_upload(HALF_A_CHUNK, lambda: cut.now(stage.relay.cut))
    session_id = stage.record("Self-test: cut link")
    try:
        stage.wait_recorded()
        stage.wait("the link is cut", cut.is_set)
        waiting = _waiting(stage, session_id)
    finally:
        stage.relay.heal()
    healed = time.monotonic()
    stage.wait_delivered(session_id)
    _must_have_happened(waiting, "no chunk waited for the link")
    recovery = _ms_since(healed)
    broken = stage.relay.broken
    words = (
        f"the link was cut inside a chunk; {chunks(waiting)} waited here, and all were delivered "
        f"{recovery / 1000:.1f} s after it was back."
    )
    return Step("cut link", True, words, waiting, recovery, (("connectionsBroken", broken),))


def killed_server(stage: Stage) -> Step:
    """The server's process is killed while a chunk is on its way, and starts again."""
    before, killed = stage.endpoint, _Happened()

    def kill() -> None:
        killed.now(lambda: os.kill(before.pid, signal.SIGKILL))

    # What was acknowledged must be there afterwards, and what was on its way must come again.
    stage.wire.at_next_ack = lambda: stage.relay.after_upload(HALF_A_CHUNK, kill)
    session_id = stage.record("Self-test: killed server")
    stage.wait_recorded()
    stage.wait("the server is killed", killed.is_set)
    stage.wait("the server runs again", lambda: stage.endpoints[-1] not in {None, before})
    stage.wait_delivered(session_id)
    recovery = _ms_since(killed.at)
    with stage.reading() as spool:
        acks = [chunk.acked_at or 0 for chunk in spool.chunks(session_id)]
    late = sum(at >= killed.at_ms for at in acks)
    _must_have_happened(late, "no chunk was left to send after the kill")
    words = (
        f"SIGKILL to process {before.pid}, and {stage.endpoint.pid} took over; "
        f"of {chunks(len(acks))} {len(acks) - late} had their ack before and {late} waited; all "
        f"were delivered {recovery / 1000:.1f} s after the kill."
    )
    evidence = (
        ("killed", before.pid),
        ("successor", stage.endpoint.pid),
        ("ackedBefore", len(acks) - late),
    )
    return Step("killed server", True, words, late, recovery, evidence)


def full_disk(stage: Stage) -> Step:
    """The server cannot write another byte, until there is room again."""
    with full_for(stage.endpoint.pid, stage.paths.server_dir / "segments") as limit:
        session_id = stage.record("Self-test: full disk")
        stage.wait("the server refuses a chunk", lambda: bool(stage.wire.refused))
        stage.wait_recorded()
        waiting = _waiting(stage, session_id)
    freed = time.monotonic()
    stage.wait_delivered(session_id)
    recovery, refused = _ms_since(freed), len(stage.wire.refused)
    _must_have_happened(waiting, "no chunk waited for room")
    words = (
        f"the server's files were limited to {limit} bytes each (RLIMIT_FSIZE); it refused "
        f"{chunks(refused)} as storage_full, {waiting} waited here, and all were delivered "
        f"{recovery / 1000:.1f} s after there was room."
    )
    evidence = (("limitBytes", limit), ("refused", refused))
    return Step("full disk", True, words, waiting, recovery, evidence)


FAULTS: Final[Mapping[str, Callable[[Stage], Step]]] = {
    "duplicates": duplicates,
    "reordered chunks": reordering,
    "cut link": cut_link,
    "killed server": killed_server,
    "full disk": full_disk,
}


class _Happened:
    """When something was done; it is done on another thread."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self.at = 0.0
        self.at_ms = 0

    def now(self, action: Callable[[], None]) -> None:
        """Do it, and note the time: monotonic (s) and as acks are noted (ms)."""
        self.at, self.at_ms = time.monotonic(), now_ms()
        action()
        self._done.set()

    def is_set(self) -> bool:
        """Whether it was done."""
        return self._done.is_set()


def _waiting(stage: Stage, session_id: str) -> int:
    session = stage.session(session_id)
    return session.chunks - session.acked_chunks


def _must_have_happened(count: int, otherwise: str) -> None:
    if count < 1:
        raise ScribeError("The fault did not happen", f"The fault did not happen: {otherwise}.")


def _ms_since(moment: float) -> int:
    return round((time.monotonic() - moment) * 1000)
