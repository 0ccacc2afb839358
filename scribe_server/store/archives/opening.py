"""The place that ARCHIVE_STORAGE_PATH names."""

from pathlib import Path

from scribe_server.store.archives.folder import FolderPlace
from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.archives.s3 import S3Place


def place_of(where: Path | str) -> ArchivePlace:
    """A folder's place, or the one of an `s3://bucket/prefix`; nothing is touched yet."""
    if isinstance(where, str) and where.startswith("s3://"):
        return S3Place(where)
    return FolderPlace(Path(where))
