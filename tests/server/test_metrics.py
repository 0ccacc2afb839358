from scribe_server.metrics import Metrics
from scribe_server.protocol import AudioChunk, ChunkAck, ChunkError, ErrorCode

SESSION = "00000000-0000-4000-8000-000000000001"
CHUNK = AudioChunk(session_id=SESSION, sequence=0, audio=b"12345")


def ack(*, duplicate: bool) -> ChunkAck:
    return ChunkAck(
        session_id=SESSION,
        sequence=0,
        timestamp=1,
        chunk_id="1",
        duplicate=duplicate,
        can_accept=True,
        sha256="0" * 64,
        stored_at=1,
        window=1,
    )


def test_stored_duplicate_and_refused_chunks_are_counted_apart() -> None:
    metrics = Metrics()
    metrics.answered(CHUNK, ack(duplicate=False))
    metrics.answered(CHUNK, ack(duplicate=True))
    refusal = ChunkError(SESSION, 0, "busy", ErrorCode.BUSY, retryable=True)
    metrics.answered(CHUNK, refusal)
    assert metrics.snapshot() == {
        "sockets": 0,
        "socketsEnded": 0,
        "chunksStored": 1,
        "bytesStored": 5,
        "duplicates": 1,
        "malformed": 0,
        "connectionsRefused": 0,
        "scrubbed": {"chunks": 0, "bytes": 0, "passes": 0, "damaged": 0},
        "refusals": {"busy": 1},
    }
