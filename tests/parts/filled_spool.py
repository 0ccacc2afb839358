"""Made-up sessions for tests that need a spool with something in it."""

import hashlib
import random
from pathlib import Path

from scribe_desktop.model import NewSession, Session
from scribe_desktop.spool import NewChunk, Spool

WEBM_HEAD = bytes.fromhex(
    "1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff"
)
"""An EBML header of doctype webm and the beginning of a segment."""

FULL_CHUNK = 1_440_000


def new_session(
    session_id: str, *, title: str = "A meeting", started_at: int = 1_000
) -> NewSession:
    return NewSession(
        session_id=session_id,
        title=title,
        source="mic",
        started_at=started_at,
        timezone="Europe/Berlin",
        channels=1,
        bitrate=32_000,
        device="a microphone",
    )


def chunk_bytes(session_id: str, sequence: int, size: int = 600) -> bytes:
    """Bytes that depend on their place only, so that a store can be compared with them."""
    return WEBM_HEAD + random.Random(f"{session_id}/{sequence}").randbytes(size)


def new_chunk(session_id: str, sequence: int, *, size: int = 600) -> NewChunk:
    data = chunk_bytes(session_id, sequence, size)
    return NewChunk(
        session_id=session_id,
        sequence=sequence,
        first_sample=sequence * FULL_CHUNK,
        samples=FULL_CHUNK,
        sha256=hashlib.sha256(data).hexdigest(),
        data=data,
        started_at=1_000 + sequence * 30_000,
    )


def add_session(
    spool: Spool,
    session_id: str,
    *,
    chunks: int,
    ended: bool = True,
    started_at: int = 1_000,
    size: int = 600,
) -> Session:
    """Put a session with its chunks into the spool."""
    spool.create_session(new_session(session_id, started_at=started_at))
    for sequence in range(chunks):
        spool.add_chunk(new_chunk(session_id, sequence, size=size))
    if ended:
        spool.end_session(session_id, ended_at=started_at + chunks * 30_000)
    session = spool.session(session_id)
    assert session is not None
    return session


def session_id_of(number: int) -> str:
    """A UUID that is the same in every run."""
    return f"00000000-0000-4000-8000-{number:012d}"


def spool_in(folder: Path) -> Spool:
    """A new spool whose clock stands still."""
    return Spool.open(folder, clock=lambda: 5_000)
