"""Writing ZIP files front to back, the same bytes for the same contents.

Every member is in memory for a moment, so its sizes and CRC stand in front of it, and nothing has
to be sought or patched: a folder and an object store take the file in the same way. Source of the
format: PKWARE's APPNOTE.TXT 6.3.10 (4.3 records, 4.4 fields, 4.5.3 ZIP64).
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

from scribe_server.store.archives.place import Sink

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64: Final = struct.Struct("<4sIQI")
_END: Final = struct.Struct("<4s4H2IH")
_OFFSET64: Final = struct.Struct("<2HQ")
LOCAL_BYTES: Final = _LOCAL.size

STORED: Final = 0
DEFLATED: Final = 8
_VERSION: Final = 20
_VERSION64: Final = 45
_MADE_ON_UNIX: Final = 3 << 8
_DATE: Final = 0x21
"""1 January 1980, the first that the format knows; the time is 0: midnight."""
_PRIVATE_FILE: Final = 0o100600 << 16
_MAX16: Final = 0xFFFF
_MAX32: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """A member that was written; `offset` is that of its bytes, `size` theirs as they are there."""

    name: str
    offset: int
    size: int


@dataclass(slots=True)
class ZipWriter:
    """Writes one ZIP file to a sink; call finish() at the end.

    `limit` is where ZIP64 begins for offsets, `most` for the number of members.
    """

    sink: Sink
    limit: int = _MAX32
    most: int = _MAX16
    size: int = 0
    members: list[Member] = field(default_factory=list)
    _central: list[bytes] = field(default_factory=list)
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of all that was written so far."""
        return self._hash.digest()

    def add_text(self, name: str, data: bytes) -> Member:
        """A member that is worth being deflated."""
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return self._add(name, data, packer.compress(data) + packer.flush(), DEFLATED)

    def add_stored(self, name: str, data: bytes) -> Member:
        """A member as it is: Opus has nothing left to be squeezed out."""
        return self._add(name, data, data, STORED)

    def _add(self, name: str, data: bytes, packed: bytes, method: int) -> Member:
        at, label = self.size, name.encode("ascii")
        about = (0, method, 0, _DATE, zlib.crc32(data), len(packed), len(data), len(label))
        self._write(_LOCAL.pack(b"PK\3\4", _VERSION, *about, 0) + label)
        member = Member(name, self.size, len(packed))
        self._write(packed)
        far = at >= self.limit
        extra = _OFFSET64.pack(1, 8, at) if far else b""
        version = _VERSION64 if far else _VERSION
        fixed = _CENTRAL.pack(
            *(b"PK\1\2", _MADE_ON_UNIX | version, version, *about),
            *(len(extra), 0, 0, 0, _PRIVATE_FILE, _MAX32 if far else at),
        )
        self._central.append(fixed + label + extra)
        self.members.append(member)
        return member

    def finish(self) -> None:
        """Write the directory of the members."""
        start, count = self.size, len(self._central)
        for entry in self._central:
            self._write(entry)
        length = self.size - start
        if start >= self.limit or count >= self.most:
            self._write_end64(start, length, count)
            start, length, count = _MAX32, _MAX32, _MAX16
        self._write(_END.pack(b"PK\5\6", 0, 0, count, count, length, start, 0))

    def _write_end64(self, start: int, length: int, count: int) -> None:
        at, rest = self.size, _END64.size - 12
        versions = (_MADE_ON_UNIX | _VERSION64, _VERSION64)
        self._write(_END64.pack(b"PK\6\6", rest, *versions, 0, 0, count, count, length, start))
        self._write(_LOCATOR64.pack(b"PK\6\7", 0, at, 1))

    def _write(self, data: bytes) -> None:
        self.sink.write(data)
        self._hash.update(data)
        self.size += len(data)
