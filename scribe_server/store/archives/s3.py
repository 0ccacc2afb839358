"""Archives in S3 and what speaks like it; the door to obstore.

Keys, region and endpoint come from the environment's AWS_ variables (AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP, …), as everywhere with S3.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from scribe_server.store.errors import ArchiveMissingError, StorageFailedError

if TYPE_CHECKING:
    from obstore import WritableFile
    from obstore.store import S3Store

PART_BYTES: Final = 8 * 1024 * 1024
"""Each part of a multipart upload is held in memory; S3 takes 10 000 of them, from 5 MiB on."""
_PARTS_AT_ONCE: Final = 2
_PIECE: Final = 1024 * 1024
_RETRIES: Final = 3
_RETRY_S: Final = 30


class S3Place:
    """An ArchivePlace in a bucket, below a prefix.

    An upload that a crash cut off is not there; its parts cost until the bucket's lifecycle rule
    AbortIncompleteMultipartUpload removes them.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: S3Store | None = None

    @property
    def name(self) -> str:
        """The bucket and prefix."""
        return self._url

    @property
    def _store(self) -> "S3Store":
        # On first use: the library takes a while to load, and most servers never need it.
        if self._opened is None:
            from obstore.store import S3Store

            parts = urlsplit(self._url)
            self._opened = S3Store(
                parts.netloc,
                prefix=parts.path.strip("/") or None,
                retry_config={
                    "max_retries": _RETRIES,
                    "retry_timeout": timedelta(seconds=_RETRY_S),
                },
            )
        return self._opened

    @contextmanager
    def put(self, key: str) -> Iterator["WritableFile"]:
        """Upload an object, in parts when it is large; see ArchivePlace.put."""
        import obstore

        with _translated(key):
            writer = obstore.open_writer(
                self._store, key, buffer_size=PART_BYTES, max_concurrency=_PARTS_AT_ONCE
            )
            # Not closed on an exception: closing is what makes the object appear.
            yield writer
            writer.close()

    def size(self, key: str) -> int | None:
        """Bytes in an object."""
        import obstore

        with _translated(key):
            try:
                return int(obstore.head(self._store, key)["size"])
            except FileNotFoundError:
                return None

    def read(self, key: str, offset: int, length: int) -> bytes:
        """Some bytes of an object, by a request for that range."""
        import obstore

        if length == 0:
            return b""
        with _translated(key):
            return bytes(obstore.get_range(self._store, key, start=offset, length=length))

    def stream(self, key: str) -> Iterator[bytes]:
        """An object's bytes in order."""
        import obstore

        with _translated(key):
            for piece in obstore.get(self._store, key).stream(_PIECE):
                yield bytes(piece)

    def delete(self, key: str) -> None:
        """Remove an object."""
        import obstore

        with _translated(key):
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                return

    def keys(self) -> Iterator[str]:
        """The objects whose names are those of archives."""
        import obstore

        with _translated("*"):
            for page in obstore.list(self._store):
                yield from (one["path"] for one in page if one["path"].endswith(".zip"))


@contextmanager
def _translated(key: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveMissingError(f"archive {key} is missing: {_first_line(error)}") from error
    except (BaseError, OSError) as error:
        raise StorageFailedError(f"archive {key}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    # What follows it is for debugging: the library's own structures, and whole XML answers.
    return str(error).partition("\n")[0].partition(": <?xml")[0]
