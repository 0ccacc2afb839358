"""The format of a segment's records.

A segment is records one after the other. Zeros may stand behind a record up to the next multiple
of 4096 bytes: they fill up each batch, so that every batch begins and ends at a block and can be
written past the page cache. A record is, big-endian:

    offset  bytes
         0      8  magic  b"SCRBREC1"
         8      1  kind: 1 chunk, 2 tombstone
         9      1  zero
        10      2  A, the length of the description
        12      4  sequence
        16      8  owner, the user's id
        24      8  L, the length of the payload
        32     32  SHA-256 of the payload
        64      4  CRC-32 (zlib's) of bytes 0 … 63 and of the description
        68      A  description: a JSON object, the fields of RecordAbout
        68+A    L  payload: the chunk as it came; nothing in a tombstone

The payload of a deleted session's chunk is zeroed while its header stays, so that a scan can
step on; a header that does not hold ends the scan of its segment.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from scribe_server.store.blobs import BlobRef, FoundRecord, Record, RecordAbout, RecordKind

MAGIC: Final = b"SCRBREC1"
_FIXED: Final = struct.Struct(">8sBxHIQQ32s")
_CRC: Final = struct.Struct(">I")
HEADER_BYTES: Final = _FIXED.size + _CRC.size

BLOCK_BYTES: Final = 4096
"""What O_DIRECT wants offsets and lengths to be a multiple of, on every disk that we know of."""

_encoder: Final = msgspec.json.Encoder()
_about: Final = msgspec.json.Decoder(RecordAbout)


def aligned(offset: int) -> int:
    """The first multiple of BLOCK_BYTES that is not below the offset."""
    return -(-offset // BLOCK_BYTES) * BLOCK_BYTES


def encode_header(record: Record) -> bytes:
    """All of a record that stands before its payload."""
    about = _encoder.encode(record.about)
    fixed = _FIXED.pack(
        MAGIC,
        record.kind,
        len(about),
        record.sequence,
        record.owner,
        len(record.payload),
        record.sha256,
    )
    return b"".join((fixed, _CRC.pack(zlib.crc32(about, zlib.crc32(fixed))), about))


def scan_segment(
    segment: int,
    read_at: Callable[[int, int], bytes],
    size: int,
    start: int = 0,
    *,
    hashed: bool = True,
) -> Iterator[FoundRecord]:
    """The records of one segment from `start` on, up to the first header that does not hold.

    Args:
        segment: the segment's number, for the references.
        read_at: gives up to so many bytes (second) from an offset (first).
        size: bytes in the segment.
        start: where a record begins.
        hashed: whether payloads are read; else `whole` says only that there is room for them.
    """
    while True:
        found = _record_at(segment, read_at, size, start, hashed=hashed)
        if found is None and _only_zeros(read_at(start, aligned(start) - start)):
            found = _record_at(segment, read_at, size, aligned(start), hashed=hashed)
        if found is None:
            return
        yield found
        start = found.ref.offset + found.ref.length


def _only_zeros(filling: bytes) -> bool:
    # Else a payload's bytes behind a damaged header could pass for a record.
    return len(filling) > 0 and not any(filling)


def _record_at(
    segment: int, read_at: Callable[[int, int], bytes], size: int, start: int, *, hashed: bool
) -> FoundRecord | None:
    head = read_at(start, HEADER_BYTES)
    if len(head) < HEADER_BYTES or not head.startswith(MAGIC):
        return None
    fixed = head[: _FIXED.size]
    _, kind, about_length, sequence, owner, length, sha256 = _FIXED.unpack(fixed)
    described = read_at(start + HEADER_BYTES, about_length)
    (crc,) = _CRC.unpack_from(head, _FIXED.size)
    offset = start + HEADER_BYTES + about_length
    if crc != zlib.crc32(described, zlib.crc32(fixed)) or offset + length > size:
        return None
    return FoundRecord(
        kind=RecordKind(kind),
        owner=owner,
        sequence=sequence,
        sha256=sha256,
        about=_about.decode(described),
        ref=BlobRef(segment, offset, length),
        whole=not hashed or hashlib.sha256(read_at(offset, length)).digest() == sha256,
    )
