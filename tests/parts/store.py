"""A server's store in a folder, with clock, disk and caller in the test's hand."""

import asyncio
import errno
import functools
import hashlib
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scribe_server.auth import Auth, Owner, make_user
from scribe_server.ingest import Ingest
from scribe_server.protocol import (
    AudioChunk,
    ChunkAck,
    ChunkError,
    Manifest,
    ManifestChunk,
    ManifestGap,
    SessionError,
    SessionStarted,
    StartSession,
    StopSession,
)
from scribe_server.receipts import ReceiptSigner
from scribe_server.store import Store
from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.database import DATABASE_NAME, Database
from scribe_server.store.files import Files
from scribe_server.store.segments import MAX_SEGMENT_BYTES

SESSION = "11111111-1111-4111-8111-111111111111"
OTHER_SESSION = "22222222-2222-4222-8222-222222222222"
START_MS = 1_700_000_000_000
SAMPLES = 1_440_000


class Clock:
    """A clock that goes on by one ms each time it is read."""

    def __init__(self) -> None:
        self.now = START_MS
        self._ticks = itertools.count()

    def __call__(self) -> int:
        return self.now + next(self._ticks)


class FaultyFiles(Files):
    """The operating system, with a diary and faults to come: `fail[method] = errno` fires once."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.fail: dict[str, int] = {}
        self.fired = 0

    def _enter(self, method: str) -> None:
        self.diary.append(method)
        if (number := self.fail.pop(method, None)) is not None:
            self.fired += 1
            raise OSError(number, errno.errorcode[number])

    def open(self, path: Path) -> int:
        self._enter("open")
        return super().open(path)

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        if "write" in self.fail:
            # A disk that fills up or fails takes the beginning first.
            super().write(descriptor, [buffers[0][:20]], offset)
        self._enter("write")
        super().write(descriptor, buffers, offset)

    def sync(self, descriptor: int) -> None:
        self._enter("sync")
        super().sync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        self._enter("sync_folder")
        super().sync_folder(folder)

    def truncate(self, descriptor: int, size: int) -> None:
        self._enter("truncate")
        super().truncate(descriptor, size)


@dataclass
class Served:
    """A store with everything that stands on it, and users made by name."""

    folder: Path
    store: Store
    signer: ReceiptSigner
    ingest: Ingest
    auth: Auth
    clock: Clock

    def owner(self, name: str = "anna", device_id: str | None = None) -> Owner:
        with self.store.database.transaction() as connection:
            return Owner(make_user(connection, name, self.clock()), name, device_id)

    async def start(
        self, owner: Owner, session: str = SESSION, *, scribe_client: bool = True
    ) -> SessionStarted | SessionError:
        return await self.ingest.start_session(
            owner, StartSession(session_id=session, title="A talk"), scribe_client=scribe_client
        )

    async def send(
        self, owner: Owner, chunk: AudioChunk, *, scribe_client: bool = True
    ) -> ChunkAck | ChunkError:
        """Give the chunk to the ingest as the sockets do; its answer."""
        answer: asyncio.Future[ChunkAck | ChunkError] = asyncio.get_running_loop().create_future()

        def answered(given: ChunkAck | ChunkError) -> None:
            if not answer.done():
                answer.set_result(given)

        if self.ingest.take(owner, chunk, answered, scribe_client=scribe_client):
            return await answer
        return await self.ingest.accept(owner, chunk, scribe_client=scribe_client)

    async def record(
        self, owner: Owner, sequences: Sequence[int], session: str = SESSION
    ) -> list[ChunkAck]:
        """Start a session and store chunks of it."""
        assert isinstance(await self.start(owner, session), SessionStarted)
        acks = [await self.send(owner, chunk_of(number, session)) for number in sequences]
        assert all(isinstance(ack, ChunkAck) for ack in acks), acks
        return [ack for ack in acks if isinstance(ack, ChunkAck)]

    def segment_files(self) -> list[Path]:
        return sorted((self.folder / "segments").glob("*.seg"))


@contextmanager
def served(
    folder: Path,
    *,
    archives: ArchivePlace | None = None,
    files: Files | None = None,
    max_segment_bytes: int = MAX_SEGMENT_BYTES,
) -> Iterator[Served]:
    """Open the server folder, and close it at the end."""
    clock = Clock()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        # As the server would make it, without the migrations that take most of a test's time.
        (folder / DATABASE_NAME).write_bytes(_empty_database())
    store = Store.open(
        folder,
        folder,
        None,
        clock,
        archives=archives,
        files=files,
        max_segment_bytes=max_segment_bytes,
    )
    try:
        signer = ReceiptSigner.load_or_create(folder)
        auth = Auth(store.database, "token", clock)
        yield Served(folder, store, signer, Ingest(store, signer, clock), auth, clock)
    finally:
        store.close()


@functools.cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DATABASE_NAME
        Database.open(path).close()
        return path.read_bytes()


def webm(content: bytes) -> bytes:
    """The smallest EBML header of doctype webm, and then anything."""
    return b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + content


def audio_of(sequence: int, session: str = SESSION) -> bytes:
    """The bytes of a chunk, different for each."""
    return webm(f"{session}/{sequence}/".encode() * (5 + sequence % 7))


def sha_of(sequence: int, session: str = SESSION) -> str:
    return hashlib.sha256(audio_of(sequence, session)).hexdigest()


def chunk_of(sequence: int, session: str = SESSION, audio: bytes | None = None) -> AudioChunk:
    """A chunk as the desktop sends it."""
    data = audio_of(sequence, session) if audio is None else audio
    return AudioChunk(
        session_id=session,
        sequence=sequence,
        audio=data,
        timestamp=START_MS + sequence * 30_000,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        first_sample=sequence * SAMPLES,
        samples=SAMPLES,
    )


def manifest_of(count: int, session: str = SESSION, gaps: Sequence[ManifestGap] = ()) -> Manifest:
    """A manifest of the chunks 0 … count - 1."""
    chunks = [
        ManifestChunk(number, sha_of(number, session), number * SAMPLES, SAMPLES)
        for number in range(count)
    ]
    return Manifest(session, chunks, list(gaps), count * SAMPLES)


def stop_of(count: int, session: str = SESSION) -> StopSession:
    """A stop with the manifest of `count` chunks."""
    return StopSession(session_id=session, manifest=manifest_of(count, session))
