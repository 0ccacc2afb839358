"""What the server asks of a place for archives, whichever kind it is."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol


class Sink(Protocol):
    """Takes an archive's bytes in order."""

    def write(self, data: bytes, /) -> int:
        """Take all of the bytes; gives how many they are."""
        ...


class ArchivePlace(Protocol):
    """Whole objects under keys such as `1/UUID-0123456789abcdef.zip`; any thread may call.

    Every method raises StorageFailedError when the place cannot be reached or refuses.
    """

    @property
    def name(self) -> str:
        """The place in words, for people."""
        ...

    def put(self, key: str) -> AbstractContextManager[Sink]:
        """Write an object: durable under its key at the context's end, not there on an exception.

        An object that has the key already is replaced as a whole.

        Raises:
            StorageFullError: no room.
        """
        ...

    def size(self, key: str) -> int | None:
        """Bytes in an object; None when there is none."""
        ...

    def read(self, key: str, offset: int, length: int) -> bytes:
        """So many bytes from an offset, fewer only at the object's end.

        Raises:
            ArchiveMissingError: there is no such object.
        """
        ...

    def stream(self, key: str) -> Iterator[bytes]:
        """An object's bytes in order, from where they are kept and not from a cache of ours.

        Raises:
            ArchiveMissingError: there is no such object.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; none is no error."""
        ...

    def keys(self) -> Iterator[str]:
        """All keys, in no order."""
        ...
