"""The crash-safe tail of a recording: an append-only file of what the spool does not hold yet.

After the magic come records: `u32 length, u32 CRC-32, u8 kind, payload` (little-endian; length and
CRC cover kind and payload). The first record is the header; a file always starts with one, because
it is replaced as a whole (written beside, fdatasync, rename) whenever a chunk went to the spool.
"""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from io import FileIO
from pathlib import Path
from typing import Final

import msgspec

from scribe_desktop.model import Gap, NewSession
from scribe_desktop.spool.failures import converted

SUFFIX: Final = ".journal"
UNFINISHED: Final = ".new"
"""Of a file that never came into its place; everything in it is in the journal or the spool."""
_MAGIC: Final = b"SCRIBEJ1"
_HEAD: Final = struct.Struct("<II")
_FIRST: Final = struct.Struct("<q")
_LONGEST: Final = 1 << 20


class _Kind(IntEnum):
    HEADER = 1
    PACKET = 2
    GAP = 3


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """The session, and where and when (ms) its next chunk begins."""

    session: NewSession
    sequence: int
    first_sample: int
    started_at: int


@dataclass(slots=True)
class JournalContents:
    """What a journal holds: packets by their first sample, the newest word on each gap.

    `whole` is the length in bytes up to the last whole record; what follows is a torn tail.
    """

    header: JournalHeader
    packets: dict[int, bytes] = field(default_factory=dict)
    gaps: dict[tuple[int, str], Gap] = field(default_factory=dict)
    whole: int = 0


class Journal:
    """The writing side; it belongs to one thread.

    Every method raises SpoolError for what the file system refuses. After a failed write or sync
    nothing in the file counts (a page that failed to sync is marked clean): `replace` it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._buffer = bytearray()

    def append_packet(self, first_sample: int, packet: bytes) -> None:
        """Keep a packet for the next sync."""
        self._buffer += _record(_Kind.PACKET, _FIRST.pack(first_sample) + packet)

    def append_gap(self, gap: Gap) -> None:
        """Keep a gap for the next sync; a later word on the same gap counts."""
        self._buffer += _record(_Kind.GAP, msgspec.json.encode(gap))

    def sync(self) -> None:
        """Bring everything that was appended to the disk."""
        if not self._buffer:
            return
        with converted():
            if self._file is None:
                raise OSError("the journal is closed")
            try:
                _write_all(self._file, bytes(self._buffer))
            except OSError:
                self.close()
                raise
        self._buffer.clear()

    def replace(
        self,
        header: JournalHeader,
        packets: Iterable[tuple[int, bytes]] = (),
        gaps: Iterable[Gap] = (),
    ) -> None:
        """Put a new file with these contents in the place of the old one, all or nothing."""
        self._buffer.clear()
        data = bytearray(_MAGIC + _record(_Kind.HEADER, msgspec.json.encode(header)))
        for first_sample, packet in packets:
            data += _record(_Kind.PACKET, _FIRST.pack(first_sample) + packet)
        for gap in gaps:
            data += _record(_Kind.GAP, msgspec.json.encode(gap))
        beside = self.path.with_suffix(UNFINISHED)
        with converted():
            self.close()
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = _create(beside)
            try:
                _write_all(file, bytes(data))
                beside.replace(self.path)
                _sync_folder(self.path.parent)
            except OSError:
                file.close()
                beside.unlink(missing_ok=True)  # on a full disk its room is wanted
                raise
            self._file = file

    def close(self) -> None:
        """Let go of the file and leave it as it is."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Delete the file: the spool holds everything."""
        self.close()
        with converted():
            self.path.unlink(missing_ok=True)
            _sync_folder(self.path.parent)


def read_journal(path: Path) -> JournalContents | None:
    """What a journal holds up to its last whole record; None when not even the header is whole.

    Raises:
        SpoolError: the file cannot be read.
    """
    with converted():
        data = path.read_bytes()
    if not data.startswith(_MAGIC):
        return None
    contents: JournalContents | None = None
    for end, kind, payload in _records(data):
        if kind == _Kind.HEADER:
            contents = JournalContents(msgspec.json.decode(payload, type=JournalHeader))
        elif contents is not None and kind == _Kind.PACKET:
            contents.packets[_FIRST.unpack_from(payload)[0]] = payload[_FIRST.size :]
        elif contents is not None and kind == _Kind.GAP:
            gap = msgspec.json.decode(payload, type=Gap)
            contents.gaps[gap.at_sample, gap.reason] = gap
        if contents is not None:
            contents.whole = end
    return contents


def _record(kind: _Kind, payload: bytes) -> bytes:
    body = bytes([kind]) + payload
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each whole record: where it ends, its kind, its payload."""
    position = len(_MAGIC)
    while position + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, position)
        start, end = position + _HEAD.size, position + _HEAD.size + length
        if not 0 < length <= _LONGEST or end > len(data):
            return
        if zlib.crc32(data[start:end]) != checksum:
            return
        yield end, data[start], data[start + 1 : end]
        position = end


def _create(path: Path) -> FileIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return FileIO(descriptor, "wb")


def _write_all(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
    getattr(os, "fdatasync", os.fsync)(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
