"""The invariants that hold after every drill, checked from outside by bytes, rows and signatures.

Everything is compared with the source, which depends on
session and sequence only, and with the list of promises that the feeder kept apart.
"""

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scribe_desktop.library.receipts import verify_session
from scribe_desktop.model import Chunk, Session
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from scribe_server import protocol
from scribe_server.protocol import ErrorCode
from tests.faults.drill import must_hold
from tests.parts.filled_spool import chunk_bytes
from tests.parts.processes import REPOSITORY
from tests.parts.proof import paths_of, rest, spool_of
from tests.parts.server import ServerProcess

Books = dict[int, str]
"""SHA-256 by sequence."""
Place = tuple[str, int]
"""A session and a sequence."""

DATABASES = "*.sqlite3"
LEFTOVERS = ("*.tmp", "*.part", "*.partial", "*.new")


@dataclass(frozen=True)
class Source:
    """What was fed: the size of each chunk, and which the spool has promised to keep."""

    size: int
    promised: Path

    def books(self) -> dict[str, Books]:
        """What was promised, by session; each SHA-256 is that of the source."""
        books: dict[str, Books] = defaultdict(dict)
        for line in self.promised.read_text(encoding="ascii").splitlines():
            session_id, sequence, sha256 = line.split()
            books[session_id][int(sequence)] = sha256
        return books

    def data(self, session_id: str, sequence: int) -> bytes:
        """The bytes of a chunk."""
        return chunk_bytes(session_id, sequence, self.size)


def stored_books(server: ServerProcess, session_id: str) -> Books:
    """What the server says that it has of a session, over REST."""
    answer = rest(server, f"/api/sessions/{session_id}/chunks")
    if answer.status == 404:
        return {}
    must_hold(answer.status == 200, f"the server lists no chunks: {answer}")
    chunks = msgspec.json.decode(answer.body, type=protocol.StoredChunks).chunks
    must_hold(
        len({chunk.sequence for chunk in chunks}) == len(chunks), f"listed twice in {session_id}"
    )
    return {chunk.sequence: chunk.sha256 for chunk in chunks if chunk.state == "stored"}


def check_acked(server: ServerProcess, home: Path, since: int = 0, until: int | None = None) -> int:
    """Acked means stored with the same SHA-256. To be called while the client cannot heal it.

    Args:
        server: runs.
        home: the client's, whose spool says what was acked.
        since: look at sessions begun after this only (ms).
        until: leave out acks of this moment (ms) or later.

    Returns:
        How many acks were compared.
    """
    acked = 0
    with spool_of(home) as spool:
        sessions = [each for each in spool.sessions() if each.started_at >= since]
        chunks = {each.session_id: spool.chunks(each.session_id) for each in sessions}
    for session_id, rows in chunks.items():
        acks = {
            row.sequence: row.sha256
            for row in rows
            if row.acked_at is not None and (until is None or row.acked_at < until)
        }
        books = stored_books(server, session_id) if acks else {}
        lost = {sequence for sequence, sha256 in acks.items() if books.get(sequence) != sha256}
        must_hold(not lost, f"acked and lost: {session_id} {sorted(lost)}")
        acked += len(acks)
    return acked


def check_promised(
    home: Path, source: Source, server: ServerProcess | None, excused: Iterable[Place] = ()
) -> int:
    """Promised means in the spool, or on the server (None: the spool alone has to have it)."""
    lost = sorted(lost_promises(home, source, server).difference(excused))
    must_hold(not lost, f"promised and lost: {lost}")
    return sum(map(len, source.books().values()))


def lost_promises(home: Path, source: Source, server: ServerProcess | None) -> set[Place]:
    """What was promised and is neither in the spool nor on the server."""
    found: set[Place] = set()
    with spool_of(home) as spool:
        for session_id, books in source.books().items():
            here = spooled_books(spool, session_id)
            lost = {n for n, sha256 in books.items() if here.get(n) != sha256}
            if lost and server is not None:
                there = stored_books(server, session_id)
                lost = {n for n in lost if there.get(n) != books[n]}
            found |= {(session_id, sequence) for sequence in lost}
    return found


def spooled_books(spool: Spool, session_id: str) -> Books:
    """What the spool really has of a session: each chunk's bytes are hashed again."""
    return {
        chunk.sequence: chunk.sha256
        for chunk in spool.chunks(session_id)
        if _has_bytes(spool, chunk)
    }


def _has_bytes(spool: Spool, chunk: Chunk) -> bool:
    try:
        spool.chunk_data(chunk.session_id, chunk.sequence)
    except SpoolFailureError as failure:
        if failure.kind not in {FailureKind.NOT_FOUND, FailureKind.DAMAGED_CHUNK}:
            raise
        return False
    return True


def check_converged(
    home: Path,
    source: Source,
    server: ServerProcess,
    harmed: Iterable[Place] = (),
    foreign: Iterable[str] = (),
) -> int:
    """Everything arrived once, in the right bytes, without a hole, and has a valid receipt.

    Args:
        home: the client's.
        source: what was fed.
        server: runs.
        harmed: chunks that are known to be lost; nothing is asked of their sessions.
        foreign: sessions that were not fed.

    Returns:
        How many chunks were compared.
    """
    compared = 0
    without_receipt = {session_id for session_id, _ in harmed} | set(foreign)
    with spool_of(home) as spool:
        must_hold(spool.pending() == 0, f"{spool.pending()} chunks still wait")
        copies = {each.forked_from for each in spool.sessions()}
        for session in spool.sessions():
            moved = session.refused_code == ErrorCode.CONFLICT and session.session_id in copies
            if not moved and first_id(spool, session) not in without_receipt:
                compared += _check_session(spool, session, source, server)
    check_promised(home, source, server, harmed)
    return compared


def first_id(spool: Spool, session: Session) -> str:
    """The id under which a session was fed: a copy that a conflict has made names it."""
    while session.forked_from is not None:
        before = spool.session(session.forked_from)
        if before is None:
            return session.forked_from
        session = before
    return session.session_id


def _check_session(spool: Spool, session: Session, source: Source, server: ServerProcess) -> int:
    chunks = spool.chunks(session.session_id)
    if not chunks:
        return 0
    must_hold(session.ended_at is not None, f"never ended: {session}")
    must_hold(
        [chunk.sequence for chunk in chunks] == list(range(len(chunks))), f"a hole in {session}"
    )
    verification = verify_session(spool, session.session_id)
    must_hold(verification.proven, f"{session.session_id}: {verification.problems}")
    here = {chunk.sequence: chunk.sha256 for chunk in chunks}
    fed_as = first_id(spool, session)
    for sequence, sha256 in here.items():
        data = source.data(fed_as, sequence)
        must_hold(hashlib.sha256(data).hexdigest() == sha256, f"other bytes: {session} {sequence}")
    there = stored_books(server, session.session_id)
    must_hold(here == there, f"the two sides differ in {session.session_id}: {here} {there}")
    last = len(chunks) - 1
    stored = rest(server, f"/api/sessions/{session.session_id}/chunks/{last}")
    must_hold(
        (stored.status, stored.body) == (200, source.data(fed_as, last)),
        f"the server hands out other bytes: {session.session_id} {last}",
    )
    return len(chunks)


def check_database(path: Path) -> None:
    """integrity_check and foreign_key_check find nothing."""
    connection = sqlite3.connect(path)
    try:
        integrity = connection.execute("PRAGMA integrity_check").fetchall()
        foreign_keys = connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()
    must_hold(integrity == [("ok",)], f"{path.name}: {integrity}")
    must_hold(foreign_keys == [], f"{path.name}: {foreign_keys}")


def check_home(home: Path) -> None:
    """The spool is sound, and nothing temporary lies about."""
    folder = paths_of(home).spool_dir
    for database in folder.glob(DATABASES):
        check_database(database)
    check_no_leftovers(home)


def check_stopped_server(data_dir: Path, env: Mapping[str, str] | None = None) -> None:
    """The server's own doctor hashes every stored chunk and finds nothing; no leftovers."""
    done = subprocess.run(
        [sys.executable, "-m", "scribe_server", "doctor", "--data-dir", str(data_dir), "--json"],
        env=None if env is None else dict(env),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    must_hold(done.returncode == 0, f"the doctor ended with {done.returncode}: {done.stdout}")
    json.loads(done.stdout)
    for database in data_dir.glob(DATABASES):
        check_database(database)
    check_no_leftovers(data_dir)


def check_no_leftovers(folder: Path) -> None:
    """No temporary file was left behind."""
    found = [str(path) for pattern in LEFTOVERS for path in folder.rglob(pattern)]
    must_hold(not found, f"left behind: {found}")
