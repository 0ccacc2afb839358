from pathlib import Path

from scribe_server.retention.transcripts import finished_engines, transcripts_of
from tests.parts.store import served


def test_books_without_transcripts_tell_of_none(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.store.database.snapshot() as connection:
        assert finished_engines(connection, 1) == {}
        assert transcripts_of(connection, 1) == {}
