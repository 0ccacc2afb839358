from pathlib import Path

from scribe_server.store.archives.folder import FolderPlace
from scribe_server.store.archives.opening import place_of
from scribe_server.store.archives.s3 import S3Place


def test_an_address_is_an_object_store_and_all_else_a_folder(tmp_path: Path) -> None:
    assert isinstance(place_of("s3://bucket/prefix"), S3Place)
    assert isinstance(place_of(tmp_path), FolderPlace)
    assert place_of(tmp_path).name == str(tmp_path)
