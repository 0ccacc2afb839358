"""A server's life: the real store and ingest behind one line to a client."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scribe_server import protocol
from scribe_server.auth import Owner, make_user
from scribe_server.ingest import Ingest
from scribe_server.protocol import AudioChunk, Event, Payload, StartSession, StopSession, SyncCheck
from scribe_server.store.files import Files
from tests.faults.crash_points import wire
from tests.faults.model.server import NAMES, SEGMENT_BYTES
from tests.parts.store import Served, served

FOLDER = "server-0"


def serve(folder: Path, line: socket.socket) -> None:
    """Answer until the client hangs up."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    loop = asyncio.new_event_loop()
    with served(place, files=Files(), max_segment_bytes=SEGMENT_BYTES) as server:
        owner = _owner(server)
        while True:
            try:
                question = wire.get(line)
            except wire.GoneError:
                break
            answer = loop.run_until_complete(_answer(server, owner, question))
            if question[0] == Event.AUDIO_CHUNK:
                give_ack(line, answer)
            elif question[0] == Event.STOP_SESSION:
                give_receipt(line, answer)
            else:
                wire.put(line, answer)
    loop.close()


def give_ack(line: socket.socket, answer: Any) -> None:
    """An ack goes out; its own function, because a process may end around it."""
    wire.put(line, answer)


def give_receipt(line: socket.socket, answer: Any) -> None:
    """The same for a receipt."""
    wire.put(line, answer)


def _owner(server: Served) -> Owner:
    with server.store.database.transaction() as connection:
        row = connection.exec_driver_sql("SELECT id FROM users WHERE name = 'anna'").first()
        number = make_user(connection, "anna", server.clock()) if row is None else row[0]
    return Owner(number, "anna", None)


async def _answer(server: Served, owner: Owner, question: list[Any]) -> Any:
    match question:
        case ["keys"]:
            return protocol.to_wire(server.signer.keys())
        case ["delete", session_id]:
            return await server.store.sessions.delete(owner, session_id)
        case ["chunks", session_id]:
            found = await server.store.sessions.chunks(owner, session_id)
            return [] if found is None else [protocol.to_wire(each) for each in found.chunks]
    given: list[Payload] = []
    await _handle(server.ingest, owner, wire.unpacked(question)[1], given.append)
    return [wire.packed(NAMES.get(type(each), Event.SYNC_STATE), each) for each in given]


async def _handle(
    ingest: Ingest, owner: Owner, payload: Payload, tell: Callable[[Payload], None]
) -> None:
    match payload:
        case StartSession():
            tell(await ingest.start_session(owner, payload, scribe_client=True))
        case StopSession():
            for answer in await ingest.stop_session(owner, payload):
                tell(answer)
        case SyncCheck():
            tell(await ingest.sync_check(owner, payload))
        case AudioChunk():
            tell(await ingest.accept(owner, payload, scribe_client=True))
