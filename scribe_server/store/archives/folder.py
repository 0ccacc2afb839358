"""Archives as files below a folder: written under another name, synced, renamed, synced again."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from scribe_server.store.errors import ArchiveMissingError, StorageFailedError, StorageFullError
from scribe_server.store.files import Files

UNFINISHED: Final = ".partial"
_PIECE: Final = 1024 * 1024
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FolderPlace:
    """An ArchivePlace below a folder, which is made with the first archive."""

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        self._folder = folder
        self._files = files or Files()

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._folder)

    @contextmanager
    def put(self, key: str) -> Iterator[BinaryIO]:
        """Write a file that only the server's user can read; see ArchivePlace.put."""
        path = self._path(key)
        partial = _unfinished(path)
        with _translated(key):
            self._make(path.parent)
            descriptor = os.open(
                partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
            )
            try:
                with os.fdopen(descriptor, "wb") as file:
                    yield file
                    file.flush()
                    self._files.sync(file.fileno())
                partial.replace(path)
                self._files.sync_folder(path.parent)
            except BaseException:
                with suppress(FileNotFoundError):
                    partial.unlink()
                raise

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it; each one's name is durable."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        self._files.sync_folder(folder.parent)

    def size(self, key: str) -> int | None:
        """Bytes in a file."""
        with _translated(key):
            try:
                return self._path(key).stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return None

    def read(self, key: str, offset: int, length: int) -> bytes:
        """Some bytes of a file."""
        with _translated(key), self._path(key).open("rb") as file:
            return os.pread(file.fileno(), length, offset)

    def stream(self, key: str) -> Iterator[bytes]:
        """A file's bytes, from the disk where the system lets us ask for that."""
        with _translated(key), self._path(key).open("rb", buffering=0) as file:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while piece := file.read(_PIECE):
                yield piece

    def delete(self, key: str) -> None:
        """Remove a file, durably, and what a crash left half written of it."""
        path = self._path(key)
        with _translated(key), suppress(NotADirectoryError):
            _unfinished(path).unlink(missing_ok=True)
            if path.exists():
                path.unlink()
                self._files.sync_folder(path.parent)

    def keys(self) -> Iterator[str]:
        """The files that are finished archives."""
        with _translated("*"):
            for path in sorted(self._folder.rglob("*.zip")):
                yield path.relative_to(self._folder).as_posix()

    def _path(self, key: str) -> Path:
        return self._folder / key


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveMissingError(f"archive {key} is missing") from error
    except OSError as error:
        kind = StorageFullError if error.errno in _FULL else StorageFailedError
        raise kind(f"archive {key}: {error}") from error
