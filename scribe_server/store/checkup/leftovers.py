"""Files in the server's folders that no run of the server needs any more."""

from collections.abc import Iterator
from pathlib import Path

from scribe_server.store.rebuild import REBUILDING

_PATTERNS = (
    ("data", "cache/audio/*.part"),
    ("data", "keys/*.partial"),
    ("data", "*.partial"),
    ("data", "reserve.new"),
    ("data", f"*{REBUILDING}*"),
    ("segments", ".direct-io-probe"),
)


def leftovers(data_dir: Path, segments: Path) -> Iterator[Path]:
    """What a crash left half written; removing it loses nothing."""
    folders = {"data": data_dir, "segments": segments}
    for folder, pattern in _PATTERNS:
        yield from sorted(folders[folder].glob(pattern))
