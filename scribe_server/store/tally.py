"""Counts that are kept as rows: what a segment holds, what a user stored in a month."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, func
from sqlalchemy.dialects.sqlite import insert

from scribe_server.store.schema import segments, usage

_new_segment = insert(segments)
_SEGMENT: Final = _new_segment.on_conflict_do_update(
    index_elements=["number"],
    set_={
        "end": func.max(segments.c.end, _new_segment.excluded.end),
        "live": segments.c.live + _new_segment.excluded.live,
    },
)
_new_usage = insert(usage)
_USAGE: Final = _new_usage.on_conflict_do_update(
    index_elements=["owner", "month"],
    set_={
        "bytes": usage.c.bytes + _new_usage.excluded.bytes,
        "chunks": usage.c.chunks + _new_usage.excluded.chunks,
    },
)


def month_of(now: int) -> str:
    """The UTC month of a time in milliseconds, as `2026-01`."""
    return datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m")


def add_to_segment(connection: Connection, number: int, end: int, live: int, now: int) -> None:
    """Note that a segment is indexed up to `end` and holds `live` more live records.

    Archives, whose numbers are below 0, are not counted.
    """
    if number <= 0:
        return
    row = {"number": number, "end": end, "live": live, "created_at": now}
    connection.execute(_SEGMENT, row)


def add_usage(connection: Connection, stored: Iterable[tuple[int, int]], now: int) -> None:
    """Count stored chunks, given as (owner, bytes), in their owners' month."""
    bytes_of: Counter[int] = Counter()
    chunks_of: Counter[int] = Counter()
    for owner, size in stored:
        bytes_of[owner] += size
        chunks_of[owner] += 1
    month = month_of(now)
    rows = [
        {"owner": owner, "month": month, "bytes": bytes_of[owner], "chunks": count}
        for owner, count in chunks_of.items()
    ]
    if rows:
        connection.execute(_USAGE, rows)
