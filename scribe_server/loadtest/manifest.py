"""What a simulated session says about its chunks, on the way and at the end (pure)."""

import uuid
from typing import Any, Final

from scribe_server.loadtest.material import Material
from scribe_server.protocol import (
    CHUNK_MS,
    SAMPLE_RATE,
    Manifest,
    ManifestChunk,
    Receipt,
    manifest_digest,
)

CHUNK_SAMPLES: Final = SAMPLE_RATE * CHUNK_MS // 1000


def start_fields(session: uuid.UUID, index: int, user_id: str | None) -> dict[str, Any]:
    """The payload of start-session."""
    fields: dict[str, Any] = {
        "sessionId": str(session),
        "title": f"Load test {index}",
        "source": "mic",
        "timezone": "UTC",
        "sampleRate": SAMPLE_RATE,
        "channels": 1,
        "codec": "opus",
        "chunkMs": CHUNK_MS,
        "device": "simulator",
    }
    return fields if user_id is None else {**fields, "userId": user_id}


def chunk_fields(
    material: Material, session: uuid.UUID, sequence: int, timestamp: int
) -> dict[str, Any]:
    """The payload of audio-chunk without its bytes; `timestamp` in ms since 1970."""
    return {
        "sessionId": str(session),
        "sequence": sequence,
        "timestamp": timestamp,
        "size": material.size(session, sequence),
        "mimeType": "audio/webm",
        "durationMs": CHUNK_MS,
        "sha256": material.sha256(session, sequence),
        "firstSample": sequence * CHUNK_SAMPLES,
        "samples": CHUNK_SAMPLES,
    }


def manifest_of(material: Material, session: uuid.UUID, recorded: int) -> Manifest:
    """The manifest of a session of so many chunks without gaps."""
    chunks = [
        ManifestChunk(
            sequence,
            material.sha256(session, sequence),
            sequence * CHUNK_SAMPLES,
            CHUNK_SAMPLES,
        )
        for sequence in range(recorded)
    ]
    return Manifest(str(session), chunks, [], recorded * CHUNK_SAMPLES)


def says_the_same(receipt: Receipt, material: Material, manifest: Manifest) -> bool:
    """Whether a receipt speaks of this manifest: digest, chunks, samples, bytes."""
    session = uuid.UUID(manifest.session_id)
    size = sum(material.size(session, chunk.sequence) for chunk in manifest.chunks)
    return (
        receipt.session_id,
        receipt.digest,
        receipt.chunks,
        receipt.total_samples,
        receipt.bytes,
    ) == (
        manifest.session_id,
        manifest_digest(manifest),
        len(manifest.chunks),
        manifest.total_samples,
        size,
    )
