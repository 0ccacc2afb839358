"""The chunks of simulated recordings: made anew whenever they are needed, never kept.

A chunk is one of a few variants followed by an EBML Void element that names session and sequence,
so that no two chunks are alike and a mix-up is seen. A Void may stand anywhere in an EBML document
(RFC 8794, 11.3.2).
"""

import hashlib
import random
import uuid
from collections.abc import Sequence
from typing import Final

_VOID: Final = 0xEC
_LABEL: Final = b"scribe loadtest"
_STAMP_BYTES: Final = 2 + len(_LABEL) + 16 + 4
_EBML_ID: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT_ID: Final = b"\x18\x53\x80\x67"
_HEADER_BODY: Final = bytes.fromhex(
    # EBMLVersion, ReadVersion, MaxIDLength, MaxSizeLength (RFC 8794, 11.2)
    "42868101 42f78101 42f28104 42f38108"
    # DocType "webm", DocTypeVersion, DocTypeReadVersion
    "4282847765626d 42878104 42858102"
)
SMALLEST_CHUNK_BYTES: Final = 256


class Material:
    """Makes chunks from variants: complete WebM documents, each one long."""

    def __init__(self, variants: Sequence[bytes]) -> None:
        self._variants = tuple(variants)
        self._hashes = [hashlib.sha256(variant) for variant in self._variants]

    def chunk(self, session: uuid.UUID, sequence: int) -> bytes:
        """The bytes of one chunk; the same call always gives the same bytes."""
        return self._variants[self._pick(session, sequence)] + stamp(session, sequence)

    def size(self, session: uuid.UUID, sequence: int) -> int:
        """Bytes of the chunk."""
        return len(self._variants[self._pick(session, sequence)]) + _STAMP_BYTES

    def sha256(self, session: uuid.UUID, sequence: int) -> str:
        """The chunk's SHA-256 in hex: of the stamp alone, from where the variant's left off."""
        state = self._hashes[self._pick(session, sequence)].copy()
        state.update(stamp(session, sequence))
        return state.hexdigest()

    def _pick(self, session: uuid.UUID, sequence: int) -> int:
        return (session.bytes[0] + sequence) % len(self._variants)


def stamp(session: uuid.UUID, sequence: int) -> bytes:
    """The Void element that makes a chunk unique."""
    content = _LABEL + session.bytes + sequence.to_bytes(4, "big")
    return bytes([_VOID, 0x80 | len(content)]) + content


def synthetic_variants(chunk_bytes: int, count: int, rng: random.Random) -> list[bytes]:
    """Random bytes inside valid WebM documents; with its stamp each has `chunk_bytes` bytes."""
    header = _EBML_ID + _size(len(_HEADER_BODY)) + _HEADER_BODY
    heads = len(header) + 2 * (4 + 4) - 3  # Segment and Void with their sizes
    body = chunk_bytes - _STAMP_BYTES - heads
    if body < 0:
        raise ValueError(f"a chunk has at least {SMALLEST_CHUNK_BYTES} bytes")
    return [
        header + _SEGMENT_ID + _size(body + 5) + bytes([_VOID]) + _size(body) + rng.randbytes(body)
        for _ in range(count)
    ]


def _size(value: int) -> bytes:
    """An EBML data size in four octets (RFC 8794, 4)."""
    return (value | 0x1000_0000).to_bytes(4, "big")
