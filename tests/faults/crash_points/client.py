"""A desktop's life: it records, delivers, drops what is proven, and deletes one session there."""

import asyncio
import socket
from pathlib import Path
from typing import Any

from scribe_desktop.spool import Spool
from scribe_server import protocol
from scribe_server.protocol import ChunkAck, Event, Payload, Receipt, ServerKeys, StoredChunk
from tests.faults.crash_points import wire
from tests.faults.crash_points.said import say
from tests.faults.model.client import ModelClient, identity_of
from tests.parts.filled_spool import new_chunk, new_session, session_id_of

SESSIONS = 3
CHUNKS = 3
DROPPED, DELETED = session_id_of(1), session_id_of(3)
ROUNDS = 20
ENDED_AT = 9_000_000


def size_of(session_id: str) -> int:
    """Bytes of its chunks: the deleted session fills segments of its own."""
    return 5_000 if session_id == DELETED else 600


def deliver(folder: Path, line: socket.socket) -> None:
    """Bring everything to its end; started again, go on where it was."""
    loop = asyncio.new_event_loop()
    keys = protocol.parse(ask(line, ["keys"]), ServerKeys)

    async def list_chunks(session_id: str) -> list[StoredChunk]:
        return [protocol.parse(each, StoredChunk) for each in ask(line, ["chunks", session_id])]

    client = ModelClient(folder / "client", loop, lambda: identity_of(keys), list_chunks)
    record(folder, client.spool)
    converge(folder, client, line)
    session = client.spool.session(DROPPED)
    assert session is not None
    if session.has_receipt:
        client.spool.delete_audio(DROPPED, deleted_at=ENDED_AT)
    say(folder, "deleting", DELETED)
    ask(line, ["delete", DELETED])
    say(folder, "deleted", DELETED)
    converge(folder, client, line)
    client.close()
    loop.close()


def record(folder: Path, spool: Spool) -> None:
    """Three sessions with an end; what is there already stays."""
    for number in range(1, SESSIONS + 1):
        session_id = session_id_of(number)
        if spool.session(session_id) is None:
            spool.create_session(new_session(session_id))
        for sequence in range(CHUNKS):
            spool.add_chunk(new_chunk(session_id, sequence, size=size_of(session_id)))
            say(folder, "promised", session_id, sequence)
        spool.end_session(session_id, ended_at=ENDED_AT)


def converge(folder: Path, client: ModelClient, line: socket.socket) -> None:
    """Connect, and talk until nothing is due any more."""
    for _ in range(ROUNDS):
        client.connect()
        while client.out:
            event, payload = client.out.pop(0)
            for answer in map(wire.unpacked, tell(line, event, payload)):
                _hear(folder, *answer)
                client.take(*answer)
        client.disconnect()
        if not (client.spool.pending() or client.spool.sessions_awaiting_receipt()):
            return
        client.wait()
    raise AssertionError(f"{client.spool.pending()} chunks wait, {client.spool.sessions()}")


def _hear(folder: Path, event: Event, payload: Payload) -> None:
    """What the server has said counts from here on, whatever becomes of this process."""
    if isinstance(payload, ChunkAck):
        say(folder, "acked", payload.session_id, payload.sequence, payload.sha256)
    elif isinstance(payload, Receipt):
        say(folder, "certified", payload.session_id)


def ask(line: socket.socket, question: list[Any]) -> Any:
    """One question and its answer.

    Raises:
        GoneError: the server has ended.
    """
    wire.put(line, question)
    return wire.get(line)


def tell(line: socket.socket, event: Event, payload: Payload) -> list[Any]:
    """Send a message of the client; its answers."""
    message = wire.packed(event, payload)
    if event is Event.AUDIO_CHUNK:
        emit_chunk(line, message)
    elif event is Event.STOP_SESSION:
        emit_manifest(line, message)
    else:
        wire.put(line, message)
    answers: list[Any] = wire.get(line)
    return answers


def emit_chunk(line: socket.socket, message: list[Any]) -> None:
    """A chunk goes out; its own function, because a process may end around it."""
    wire.put(line, message)


def emit_manifest(line: socket.socket, message: list[Any]) -> None:
    """The same for a manifest."""
    wire.put(line, message)
