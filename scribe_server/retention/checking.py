"""Reading an archive back from where it was put, and comparing all of it.

Nothing of what was in memory while it was written counts here: size, directory and texts come by
ranges, then the whole file once in order, of which every chunk's CRC and SHA-256 are taken.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from scribe_server.retention.zipping import Member
from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.errors import BlobDamagedError

_BUFFER: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Expected:
    """What an archive must be.

    Attributes:
        size: bytes of the file.
        sha256: of the file.
        texts: contents of the deflated members, by name.
        chunks: where the stored members must be, in order, and the SHA-256 of each.
    """

    size: int
    sha256: bytes
    texts: Mapping[str, bytes]
    chunks: Sequence[tuple[Member, bytes]]


class RangedFile(io.RawIOBase):
    """An archive as a file that can be sought in; only what is asked for is fetched."""

    def __init__(self, place: ArchivePlace, key: str, size: int) -> None:
        self._place = place
        self._key = key
        self._size = size
        self._at = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("before the beginning of the file")
        self._at = start + offset
        return self._at

    @override
    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override] # typeshed's Buffer is 3.12's
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        data = self._place.read(self._key, self._at, wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def check(
    place: ArchivePlace, key: str, expected: Expected, go_on: Callable[[], None] = lambda: None
) -> None:
    """Compare an archive with what it must be.

    Args:
        place: where it is.
        key: its name there.
        expected: what it must be.
        go_on: called with each piece that was read; what it raises ends the reading.

    Raises:
        BlobDamagedError: it differs, or it is not there.
        StorageFailedError: its place cannot be reached.
    """
    size = place.size(key)
    if size != expected.size:
        raise BlobDamagedError(f"archive {key} has {size} bytes, not {expected.size}")
    crcs = _check_directory(place, key, expected)
    pieces = _each(place.stream(key), go_on)
    _check_bytes(pieces, key, expected, crcs)


def _check_directory(place: ArchivePlace, key: str, expected: Expected) -> list[int]:
    """Compare names, order, places and texts; gives the chunks' CRCs as the directory has them."""
    file = io.BufferedReader(RangedFile(place, key, expected.size), _BUFFER)
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            names = [*expected.texts, *(member.name for member, _ in expected.chunks)]
            if [info.filename for info in infos] != names:
                raise BlobDamagedError(f"archive {key} does not list the right members")
            for name, text in expected.texts.items():
                if archive.read(name) != text:
                    raise BlobDamagedError(f"{name} in archive {key} differs")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise BlobDamagedError(f"archive {key} cannot be read: {error}") from error
    listed = infos[len(expected.texts) :]
    for info, (member, _) in zip(listed, expected.chunks, strict=True):
        if (info.compress_type, info.file_size) != (zipfile.ZIP_STORED, member.size):
            raise BlobDamagedError(f"{member.name} in archive {key} is not listed as it is")
    return [info.CRC for info in listed]


def _each(pieces: Iterable[bytes], go_on: Callable[[], None]) -> Iterator[bytes]:
    for piece in pieces:
        go_on()
        yield piece


def _check_bytes(
    stream: Iterable[bytes], key: str, expected: Expected, crcs: Sequence[int]
) -> None:
    whole = hashlib.sha256()
    spans = [member for member, _ in expected.chunks]
    for (found, crc), (member, sha256), listed in zip(
        members_in(stream, spans, whole), expected.chunks, crcs, strict=True
    ):
        if found != sha256 or crc != listed:
            raise BlobDamagedError(f"{member.name} in archive {key} differs")
    if whole.digest() != expected.sha256:
        raise BlobDamagedError(f"archive {key} differs from what was written")


def _hashed(pieces: Iterable[bytes], whole: "hashlib._Hash") -> Iterator[bytes]:
    for piece in pieces:
        whole.update(piece)
        yield piece


def members_in(
    stream: Iterable[bytes], spans: Sequence[Member], whole: "hashlib._Hash"
) -> Iterator[tuple[bytes, int]]:
    """SHA-256 and CRC-32 of each span of a stream, the spans in order and apart.

    The stream is read to its end, and `whole` hashes all of it. A span that it does not reach has
    the hash of what there is.
    """
    pieces = _hashed(stream, whole)
    following = iter(spans)
    span = next(following, None)
    digest, crc, at = hashlib.sha256(), 0, 0
    for piece in pieces:
        end = at + len(piece)
        while span is not None and span.offset < end:
            part = memoryview(piece)[max(0, span.offset - at) : span.offset + span.size - at]
            digest.update(part)
            crc = zlib.crc32(part, crc)
            if span.offset + span.size > end:
                break
            yield digest.digest(), crc
            span, digest, crc = next(following, None), hashlib.sha256(), 0
        at = end
    while span is not None:
        yield digest.digest(), crc
        span, digest, crc = next(following, None), hashlib.sha256(), 0
