from pathlib import Path

from scribe_server.store.checkup.leftovers import leftovers


def test_half_written_files_are_leftovers_and_nothing_else_is(tmp_path: Path) -> None:
    segments = tmp_path / "segments"
    names = [
        *("cache/audio/a.part", "keys/receipt.key.partial", "scribe.sqlite3.rebuilding"),
        *("segments/.direct-io-probe", "scrub.json.partial", "reserve.new"),
    ]
    kept = [
        "cache/audio/a.webm",
        "keys/receipt.key",
        "scribe.sqlite3",
        "reserve",
        "segments/00000001.seg",
    ]
    for name in (*names, *kept):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    found = {str(path.relative_to(tmp_path)) for path in leftovers(tmp_path, segments)}
    assert found == set(names)
