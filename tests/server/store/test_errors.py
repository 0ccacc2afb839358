import pytest

from scribe_server.store.errors import (
    BlobDamagedError,
    StorageError,
    StorageFailedError,
    StorageFullError,
)


@pytest.mark.parametrize("kind", [StorageFullError, StorageFailedError, BlobDamagedError])
def test_whoever_stores_catches_one_kind_of_error(kind: type[StorageError]) -> None:
    with pytest.raises(StorageError, match="why"):
        raise kind("why")
