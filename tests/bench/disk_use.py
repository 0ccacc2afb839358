"""How much disk an hour of recording takes on the server."""

import asyncio
import itertools
import uuid
from pathlib import Path

from tests.bench.figures import Run, summary
from tests.bench.results import Claim, Column, Result, Row
from tests.bench.rounds import Bench, in_turn
from tests.parts.capture import recorded_chunks
from tests.parts.raw_client import RawClient
from tests.parts.server import ServerProcess
from tests.parts.sound import make_speech

CHUNKS_AN_HOUR = 120
BLOCK = 512
COLUMNS = (
    Column("hours", "hours"),
    Column("audio", "Opus in WebM, MB/h", 2),
    Column("segments", "segments, MB/h", 2),
    Column("database", "database, MB/h", 3),
    Column("total", "all, MB/h", 2),
)


def run(bench: Bench) -> Result:
    """Record hours of speech, stop the server, and look at its folder."""
    hours = bench.pick(full=4, quick=2, tiny=1)
    runs = in_turn(bench, {"Scribe": lambda folder: recorded(folder, hours)}, 1)
    ours = summary(runs["Scribe"])
    total, database = ours["total"].median, ours["database"].median
    return Result(
        "disk_use",
        "Disk on the server",
        "Speech at the desktop's 32 kbit/s, in chunks of 30 s from the desktop's own encoder, each "
        "session an hour long. What is counted are the blocks that the file system has given to "
        "the server's folder after the server has stopped.",
        COLUMNS,
        (Row("Scribe", "ours", ours),),
        claims=(
            Claim(
                "Disk per hour of recording",
                "1.2 MB of Opus and 115 MB of WAV",
                f"{total:.1f} MB: the Opus itself at 32 kbit/s, {database * 1000:.0f} KB of it "
                "database; no WAV copies",
            ),
            Claim(
                "Disk for 3 500 hours hot", "500 GB", f"{total * 3500 / 1000:.0f} GB (calculated)"
            ),
        ),
    )


def recorded(folder: Path, hours: int) -> Run:
    """MB per hour by kind."""
    sound = make_speech(folder / "speech.wav", seconds=60, seed=1)
    chunks = [chunk.data for chunk in recorded_chunks(sound.reshape(-1, 1))][:2]
    data = folder / "data"
    with ServerProcess(data) as server:
        sent = asyncio.run(deliver(server, chunks, hours))
        server.stop()
    segments = on_disk(data / "segments")
    everything = on_disk(data)
    database = everything - segments
    return {
        "hours": float(hours),
        "audio": sent / hours / 1e6,
        "segments": segments / hours / 1e6,
        "database": database / hours / 1e6,
        "total": everything / hours / 1e6,
    }


async def deliver(server: ServerProcess, chunks: list[bytes], hours: int) -> int:
    """Send sessions of an hour; how many bytes of audio they had."""
    sent = 0
    async with RawClient.connected(server.url, server.token) as client:
        for _ in range(hours):
            session = str(uuid.uuid4())
            await client.start(session)
            for sequence, audio in zip(range(CHUNKS_AN_HOUR), itertools.cycle(chunks)):
                await client.deliver(session, sequence, audio)
                sent += len(audio)
    return sent


def on_disk(folder: Path) -> int:
    """Bytes that the file system has given to the files of a folder."""
    return sum(path.stat().st_blocks * BLOCK for path in folder.rglob("*") if path.is_file())
