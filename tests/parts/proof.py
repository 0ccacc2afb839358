"""What "nothing was lost" means, checked from outside: local bytes, server's bytes, signature."""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scribe_desktop.model import Chunk, Session
from scribe_desktop.paths import Paths, resolve_paths
from scribe_desktop.spool import Spool
from scribe_server import protocol
from tests.parts.server import ServerProcess


@dataclass(frozen=True)
class Answer:
    """A REST answer: HTTP status and body."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Delivered:
    """A session that is proved to be on the server, with its chunk files in order."""

    session: Session
    chunks: list[Chunk]
    files: list[bytes]


def rest(server: ServerProcess, path: str, *, token: str = "", method: str = "GET") -> Answer:
    """Ask the server itself (not a proxy before it); the first user's token by default."""
    request = urllib.request.Request(  # noqa: S310 - the address is the test's own server
        server.url + path,
        method=method,
        headers={"Authorization": f"Bearer {token or server.token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310 - as above
            return Answer(reply.status, reply.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.read())


def paths_of(home: Path) -> Paths:
    """Where a recorder with this SCRIBE_HOME keeps its things."""
    return resolve_paths({"SCRIBE_HOME": str(home)})


@contextmanager
def spool_of(home: Path) -> Iterator[Spool]:
    """The spool as it is on disk, read only."""
    spool = Spool.open_read_only(paths_of(home).spool_dir)
    try:
        yield spool
    finally:
        spool.close()


def only_session(home: Path) -> Session:
    """The one session of a home."""
    with spool_of(home) as spool:
        sessions = spool.sessions()
    assert len(sessions) == 1, sessions
    return sessions[0]


def assert_delivered(home: Path, server: ServerProcess, session_id: str) -> Delivered:
    """The session's chunks tile it, the server has the same bytes once, and has signed for them."""
    with spool_of(home) as spool:
        session = spool.session(session_id)
        assert session is not None
        chunks = spool.chunks(session_id)
        files = [spool.chunk_data(session_id, chunk.sequence) for chunk in chunks]
        manifest = spool.manifest(session_id)
        receipt = spool.receipt(session_id)
    assert session.ended_at is not None
    assert chunks
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    ends = [0, *(chunk.first_sample + chunk.samples for chunk in chunks)]
    assert [chunk.first_sample for chunk in chunks] == ends[:-1]
    assert ends[-1] == session.total_samples == manifest.total_samples
    assert all(chunk.acked_at and not chunk.refused_code for chunk in chunks), chunks
    _assert_on_the_server(server, session_id, chunks, files)
    assert receipt is not None
    _assert_signed(server, receipt.receipt_json, manifest, files)
    return Delivered(session, chunks, files)


def _assert_on_the_server(
    server: ServerProcess, session_id: str, chunks: list[Chunk], files: list[bytes]
) -> None:
    listed = rest(server, f"/api/sessions/{session_id}/chunks")
    assert listed.status == 200, listed
    stored = msgspec.json.decode(listed.body, type=protocol.StoredChunks).chunks
    assert [(row.sequence, row.sha256) for row in stored] == [
        (chunk.sequence, chunk.sha256) for chunk in chunks
    ]
    for chunk, data in zip(chunks, files, strict=True):
        assert hashlib.sha256(data).hexdigest() == chunk.sha256
        answer = rest(server, f"/api/sessions/{session_id}/chunks/{chunk.sequence}")
        assert answer == Answer(200, data)


def _assert_signed(
    server: ServerProcess, receipt_json: str, manifest: protocol.Manifest, files: list[bytes]
) -> None:
    receipt = msgspec.json.decode(receipt_json, type=protocol.Receipt)
    published = rest(server, protocol.WELL_KNOWN_KEYS)
    keys = msgspec.json.decode(published.body, type=protocol.ServerKeys)
    key = next(key for key in keys.keys if key.key_id == receipt.key_id)
    public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key))
    public_key.verify(bytes.fromhex(receipt.signature), protocol.receipt_message(receipt))
    assert json.loads(receipt_json)["serverId"] == keys.server_id == server.server_id
    assert receipt.digest == protocol.manifest_digest(manifest)
    assert (receipt.chunks, receipt.bytes) == (len(files), sum(map(len, files)))
    assert receipt.total_samples == manifest.total_samples
