"""What is in a session's archive: texts that tell all that the books know, and its chunks.

metadata.json           the session, its gaps, markers and chunks (format ARCHIVE_FORMAT)
manifest.json           as the client sent it, in canonical JSON; none of an original client
receipt.json            the newest signed receipt, if there is one
transcripts/…           if there are any
chunks/0000.webm …      the chunks as they came, by sequence; none in a cold session's archive
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from scribe_server.retention.transcripts import transcripts_of
from scribe_server.store.archives.rows import archive_of
from scribe_server.store.queries import chunk_rows
from scribe_server.store.schema import gaps, manifests, markers, receipts, sessions, users

ARCHIVE_FORMAT: Final = "scribe-archive-1"
_DIGEST_DIGITS: Final = 16
_TOLD: Final = (
    *("title", "source", "layout", "started_at", "created_at", "stopped_at", "total_samples"),
    *("timezone", "sample_rate", "channels", "codec", "chunk_ms", "device", "device_id"),
    "forked_from",
)
_CHUNK: Final = ("size", "first_sample", "samples", "taken_at", "mime_type")


@dataclass(frozen=True, slots=True)
class Contents:
    """A session as its archive tells it.

    `key` is the archive's name, which no other archive has that anybody needs; `rows` are the
    chunks whose bytes go in, none without `audio`; `every_row` are all of the session's.
    """

    session: int
    key: str
    audio: bool
    texts: Mapping[str, bytes]
    rows: Sequence[Row[Any]]
    every_row: Sequence[Row[Any]]

    def is_same(self, other: "Contents") -> bool:
        """Whether nothing about the session has changed between the two."""
        return (self.texts, _places(self.every_row)) == (other.texts, _places(other.every_row))


def _places(rows: Sequence[Row[Any]]) -> list[tuple[Any, ...]]:
    return [(row.id, row.sha256, row.state, row.segment, row.offset) for row in rows]


def member_name(sequence: int) -> str:
    """The name of a chunk in its archive."""
    return f"chunks/{sequence:04d}.webm"


def gather(connection: Connection, session: int, *, audio: bool) -> Contents | None:
    """Everything that the archive of a session is to hold; None when there is no such session."""
    row = connection.execute(
        select(sessions, users.c.name)
        .join(users, users.c.id == sessions.c.owner)
        .where(sessions.c.id == session)
    ).one_or_none()
    if row is None:
        return None
    found = chunk_rows(connection, session)
    texts = {
        "metadata.json": _json(_metadata(connection, row, found, audio=audio)),
        **_signed(connection, session),
        **{
            f"transcripts/{name}": text
            for name, text in sorted(transcripts_of(connection, session).items())
        },
    }
    key = f"{row.owner}/{row.uuid}-{_digest(texts)}"
    taken = archive_of(connection, session)
    # What is being read from must not be written to.
    again = taken is not None and taken.key == f"{key}.zip"
    return Contents(
        session=session,
        key=f"{key}-2.zip" if again else f"{key}.zip",
        audio=audio,
        texts=texts,
        rows=found if audio else [],
        every_row=found,
    )


def _digest(texts: Mapping[str, bytes]) -> str:
    state = hashlib.sha256()
    for name, text in texts.items():
        state.update(f"{name}\n{len(text)}\n".encode() + text)
    return state.hexdigest()[:_DIGEST_DIGITS]


def _metadata(
    connection: Connection, row: Row[Any], found: Sequence[Row[Any]], *, audio: bool
) -> dict[str, Any]:
    return {
        "format": ARCHIVE_FORMAT,
        "sessionId": row.uuid,
        "user": row.name,
        "audio": audio,
        **{_camel(name): getattr(row, name) for name in _TOLD},
        "gaps": _listed(connection, gaps, row.id),
        "markers": _listed(connection, markers, row.id),
        "chunks": [_chunk(chunk) for chunk in found],
    }


def _chunk(row: Row[Any]) -> dict[str, Any]:
    return {
        "sequence": row.sequence,
        "member": member_name(row.sequence),
        "sha256": bytes(row.sha256).hex(),
        "storedAt": row.created_at,
        **{_camel(name): getattr(row, name) for name in _CHUNK},
    }


def _listed(connection: Connection, table: Any, session: int) -> list[dict[str, Any]]:
    told = [column for column in table.c if column.name not in {"session", "position"}]
    rows = connection.execute(
        select(*told).where(table.c.session == session).order_by(table.c.position)
    )
    return [
        {_camel(column.name): value for column, value in zip(told, row, strict=True)}
        for row in rows
    ]


def _signed(connection: Connection, session: int) -> dict[str, bytes]:
    manifest = select(manifests.c.body).where(manifests.c.session == session)
    receipt = select(receipts.c.body).where(receipts.c.session == session)
    bodies = {
        "manifest.json": connection.execute(manifest).scalar_one_or_none(),
        "receipt.json": connection.execute(
            receipt.order_by(receipts.c.id.desc()).limit(1)
        ).scalar_one_or_none(),
    }
    return {name: bytes(body) for name, body in bodies.items() if body is not None}


def _json(document: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
