import pytest
from obstore.exceptions import PermissionDeniedError

from scribe_server.store.archives import s3
from scribe_server.store.archives.s3 import S3Place
from scribe_server.store.errors import ArchiveMissingError, StorageFailedError


def test_nothing_is_opened_before_it_is_used() -> None:
    place = S3Place("s3://recordings/scribe")
    assert place._opened is None
    assert place.name == "s3://recordings/scribe"


def test_a_bucket_and_a_prefix_are_taken_from_the_address() -> None:
    store = S3Place("s3://recordings/scribe/a")._store
    assert store.prefix == "scribe/a"
    assert store.config["bucket"] == "recordings"
    assert S3Place("s3://recordings")._store.prefix is None


def raised(error: Exception) -> None:
    with s3._translated("k.zip"):
        raise error


def test_the_librarys_errors_become_ours_in_one_line() -> None:
    with pytest.raises(StorageFailedError) as failed:
        raised(PermissionDeniedError("no\n\nDebug source:\nlots"))
    assert str(failed.value) == "archive k.zip: no"
    with pytest.raises(ArchiveMissingError, match=r"no bucket$"):
        raised(FileNotFoundError("no bucket: <?xml version='1.0'?><Error>"))
