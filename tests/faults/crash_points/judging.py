"""What must hold after a crash: at the next start, and when everything has come to its end."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from scribe_desktop.capture.cutter import PRE_ROLL_PACKETS, first_sample_of
from scribe_desktop.spool import Spool
from scribe_desktop.spool.quarantine import FILE_NAME
from scribe_server.store.database import DATABASE_NAME
from tests.faults.crash_points import capturing
from tests.faults.crash_points.befalling import foreign_bytes
from tests.faults.crash_points.client import CHUNKS, DELETED, SESSIONS, size_of
from tests.faults.crash_points.said import said
from tests.faults.crash_points.server import FOLDER
from tests.faults.model.client import ModelClient, identity_of
from tests.faults.model.oracle import Oracle
from tests.faults.model.server import ModelServer
from tests.parts.capture import SESSION_ID, one_encode, packets_in, tone
from tests.parts.damage import check
from tests.parts.filled_spool import chunk_bytes, session_id_of


@cache
def source_packets() -> list[bytes]:
    """The packets of the same sound in one encode that nothing interrupted."""
    return one_encode(tone(capturing.SAMPLES))


def judge_recording(folder: Path) -> None:
    """At most what came after the last sync is lost; what is there is the source's, without a hole.

    Call it when the recovery has run.
    """
    promised = capturing.promised_packets(folder)
    with closing(Spool.open_read_only(folder / "spool")) as spool:
        session = spool.session(SESSION_ID)
        chunks = spool.chunks(SESSION_ID) if session else []
        found: list[bytes] = []
        for chunk in chunks:
            packets = packets_in(spool.chunk_data(SESSION_ID, chunk.sequence))
            found += packets[PRE_ROLL_PACKETS if chunk.sequence else 0 :]
        gaps = spool.gaps(SESSION_ID)
    assert len(found) >= promised, f"{len(found)} packets of {promised} promised are there"
    assert found == source_packets()[: len(found)], "other sound than was recorded"
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    ends = [0, *(chunk.first_sample + chunk.samples for chunk in chunks)]
    assert [chunk.first_sample for chunk in chunks] == ends[:-1], "the timeline has a hole"
    if session is None:
        assert promised == 0, "the session is gone"
        return
    assert session.ended_at is not None
    assert session.total_samples == ends[-1]
    complete = session.total_samples == capturing.SAMPLES
    assert complete or ends[-1] == first_sample_of(len(found)), "the length is not the sound's"
    assert complete or session.recovered
    assert complete or not said(folder, "ended"), "it was said to be complete"
    assert {gap.reason for gap in gaps} <= {"pause", "crash"}, gaps
    assert sum(gap.wall_ms for gap in gaps if gap.reason == "pause") in {0, 700}
    assert list((folder / "journal").glob("*.journal")) == [], "a journal is left"
    assert problems_of(folder / "spool" / FILE_NAME) == []


def judge_delivery(folder: Path, *, at_end: bool) -> None:
    """Nothing that was promised, acked, certified or deleted is otherwise.

    Opening both sides is their next start. At the end all must be delivered, too.
    """
    with _both(folder) as (client, server):
        oracle = Oracle(promised(folder), foreign_bytes(folder))
        oracle.server_lost = wiped = bool(said(folder, "wiped"))
        held = server.held()
        _note_deletion(folder, oracle, client, server)
        for session_id, sequence, sha256 in said(folder, "acked"):
            if session_id not in server.deleted and not (wiped and not at_end):
                each = held.get(session_id, {}).get(sequence)
                assert each is not None, f"acked, not stored: {session_id} {sequence}"
                assert (each.stored, each.sha256) == (True, sha256), f"acked, but {each}"
        oracle.check(client, server)
        assert server.problems() == []
        if at_end:
            oracle.check_converged(client, server)
            assert DELETED in server.deleted
    assert problems_of(folder / "client" / FILE_NAME) == []
    if at_end:
        judge_counts(folder)


def judge_counts(folder: Path) -> None:
    """What the server has counted is what was sent, and doctor finds nothing wrong."""
    if not foreign_bytes(folder):
        assert usage_of(folder) == (SESSIONS * CHUNKS, _all_bytes())
    findings = check(folder / FOLDER).findings
    # A key that was half written once is kept until doctor --fix removes it.
    assert [found for found in findings if ".partial" not in found.message] == []


def judge_live(folder: Path) -> None:
    """Everything that was recorded is on the server, with receipts, counted once."""
    with _both(folder) as (client, server):
        oracle = Oracle()
        oracle.promised = promised(folder)
        assert len(oracle.promised) == SESSIONS * CHUNKS
        oracle.check_converged(client, server)
    judge_counts(folder)


def promised(folder: Path) -> dict[tuple[str, int], bytes]:
    """The chunks that the spool said were safe."""
    return {
        (session_id, sequence): chunk_bytes(session_id, sequence, size_of(session_id))
        for session_id, sequence in said(folder, "promised")
    }


def usage_of(folder: Path) -> tuple[int, int]:
    """How many chunks and bytes the server has counted as stored, whatever was deleted since."""
    with closing(sqlite3.connect(folder / FOLDER / DATABASE_NAME)) as connection:
        chunks, size = connection.execute("SELECT sum(chunks), sum(bytes) FROM usage").fetchone()
    return int(chunks), int(size)


def _all_bytes() -> int:
    ids = [session_id_of(number) for number in range(1, SESSIONS + 1)]
    return sum(
        len(chunk_bytes(session_id, sequence, size_of(session_id)))
        for session_id in ids
        for sequence in range(CHUNKS)
    )


def _note_deletion(folder: Path, oracle: Oracle, client: ModelClient, server: ModelServer) -> None:
    """A deletion that was not confirmed is done or not, but nothing in between."""
    if not said(folder, "deleting"):
        return
    done = DELETED not in server.held()
    assert done or not said(folder, "deleted"), "deleted, and still there"
    if done:
        server.deleted.add(DELETED)
        oracle.delete(DELETED)


@contextmanager
def _both(folder: Path) -> Iterator[tuple[ModelClient, ModelServer]]:
    loop = asyncio.new_event_loop()
    server = ModelServer(folder, loop)
    client = ModelClient(
        folder / "client", loop, lambda: identity_of(server.served.signer.keys()), server.chunks
    )
    try:
        yield client, server
    finally:
        client.close()
        server.close()
        loop.close()


def problems_of(path: Path) -> list[str]:
    """What SQLite finds wrong with a file."""
    with closing(sqlite3.connect(path)) as connection:
        whole = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        foreign = [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
    return [line for line in whole if line != "ok"] + foreign
