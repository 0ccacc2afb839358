"""How storing can fail; everything of the operating system and of SQLite becomes one of these."""


class StorageError(Exception):
    """Bytes or rows could not be made durable; nothing was promised to anyone."""


class StorageFullError(StorageError):
    """The disk is full; what was written in part has been cut off again."""


class StorageFailedError(StorageError):
    """The disk or the database failed; whether anything was written is unknown."""


class DatabaseLostError(StorageFailedError):
    """The disk failed under the database, so its connection is closed; the next work opens one."""


class BlobDamagedError(StorageError):
    """The bytes of a chunk are missing, short or not what its row says."""


class ArchiveMissingError(BlobDamagedError):
    """There is no archive of that name where archives are kept."""
