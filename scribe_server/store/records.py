"""The format of a segment's records.

A segment is records one after the other, nothing between them. A record is, big-endian:

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

_encoder: Final = msgspec.json.Encoder()
_about: Final = msgspec.json.Decoder(RecordAbout)


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
    segment: int, read_at: Callable[[int, int], bytes], size: int, start: int = 0
) -> Iterator[FoundRecord]:
    """The records of one segment from `start` on, up to the first header that does not hold.

    Args:
        segment: the segment's number, for the references.
        read_at: gives up to so many bytes (second) from an offset (first).
        size: bytes in the segment.
        start: where a record begins.
    """
    while (found := _record_at(segment, read_at, size, start)) is not None:
        yield found
        start = found.ref.offset + found.ref.length


def _record_at(
    segment: int, read_at: Callable[[int, int], bytes], size: int, start: int
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
        whole=hashlib.sha256(read_at(offset, length)).digest() == sha256,
    )
