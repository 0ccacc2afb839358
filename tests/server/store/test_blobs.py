import inspect
from pathlib import Path

from scribe_server.store.blobs import BlobStore
from scribe_server.store.segments import SegmentStore


def test_the_segments_are_a_blob_store(tmp_path: Path) -> None:
    store: BlobStore = SegmentStore(tmp_path, {})
    wanted = {name for name, _ in inspect.getmembers(BlobStore, inspect.isfunction)}
    for name in wanted - {"__init__", "_no_init_or_replace_init", "__subclasshook__"}:
        promised = inspect.signature(getattr(BlobStore, name))
        given = inspect.signature(getattr(SegmentStore, name))
        assert promised == given, name
    assert list(store.scan()) == []
