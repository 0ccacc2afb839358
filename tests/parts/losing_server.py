"""The real server with a bug put in: it acknowledges the second chunk of each session unstored."""

from collections.abc import Callable
from typing import Any

from scribe_server.__main__ import main
from scribe_server.store.batch import Outcome, Stored
from scribe_server.store.store import Store

LOST = 1
_store_chunk = Store.store_chunk


def store_chunk(self: Store, write: Any, done: Callable[[Outcome], None]) -> None:
    """Say that it is durable, and forget it."""
    if write.sequence == LOST:
        done(Stored(write.claimed.hex(), 1_000, duplicate=False))
    else:
        _store_chunk(self, write, done)


if __name__ == "__main__":
    Store.store_chunk = store_chunk  # type: ignore[method-assign]
    main()
