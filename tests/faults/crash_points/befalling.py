"""What befalls a server's folder between two lives, and what judging it has to know then."""

import asyncio
import shutil
from pathlib import Path

from scribe_server.protocol import ChunkAck
from tests.faults.crash_points.said import said, say
from tests.faults.crash_points.server import FOLDER
from tests.parts.filled_spool import chunk_bytes, session_id_of
from tests.parts.store import chunk_of, served

CONTESTED = session_id_of(2)
SEQUENCE = 1


def another_device_was_first(folder: Path) -> None:
    """A copied profile: the server has other bytes under one of our keys."""

    async def send() -> None:
        with served(folder / FOLDER) as server:
            anna = server.owner()
            await server.start(anna, CONTESTED)
            data = chunk_bytes(CONTESTED, 1_000, 100)
            answer = await server.send(anna, chunk_of(SEQUENCE, CONTESTED, data))
            assert isinstance(answer, ChunkAck), answer

    asyncio.run(send())
    say(folder, "foreign")


def the_server_was_wiped(folder: Path) -> None:
    """It lost its disk; the keys come from the operator's safe."""
    place = folder / FOLDER
    (place / "keys").rename(folder / "keys")
    shutil.rmtree(place)
    place.mkdir()
    (folder / "keys").rename(place / "keys")
    say(folder, "wiped")


def foreign_bytes(folder: Path) -> dict[tuple[str, int], bytes]:
    """What another device sent under keys of ours."""
    if not said(folder, "foreign"):
        return {}
    return {(CONTESTED, SEQUENCE): chunk_bytes(CONTESTED, 1_000, 100)}


BETWEEN = {
    "another device was first": another_device_was_first,
    "the server was wiped": the_server_was_wiped,
}
