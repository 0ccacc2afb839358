import asyncio
from pathlib import Path

import msgspec
import pytest

from scribe_server.auth import Owner
from scribe_server.protocol import (
    MAX_MISSING_LISTED,
    MissingChunks,
    Receipt,
    SessionStatus,
    StopSession,
)
from scribe_server.store.errors import BlobDamagedError
from tests.parts.store import (
    OTHER_SESSION,
    SAMPLES,
    SESSION,
    Served,
    audio_of,
    chunk_of,
    served,
    sha_of,
    stop_of,
)


def missing(server: Served, owner: Owner) -> MissingChunks:
    found = asyncio.run(server.store.sessions.missing(owner, SESSION))
    assert found is not None
    return found


def uuid_of(number: int) -> str:
    return f"{number:08d}-1111-4111-8111-111111111111"


def test_a_summary_tells_what_is_stored(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1]))
        summary = asyncio.run(server.store.sessions.summary(owner, SESSION))
        assert summary is not None
        assert (summary.session_id, summary.title, summary.source) == (SESSION, "A talk", "mic")
        assert (summary.status, summary.layout) == (SessionStatus.RECORDING, "chunks")
        assert (summary.chunks, summary.bytes) == (2, len(audio_of(0)) + len(audio_of(1)))
        assert (summary.stopped_at, summary.total_samples, summary.receipt) == (None, None, None)


def test_a_summary_of_a_settled_session_holds_its_receipt(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1]))
        _, receipt = asyncio.run(server.ingest.stop_session(owner, stop_of(2)))
        summary = asyncio.run(server.store.sessions.summary(owner, SESSION))
        assert summary is not None
        assert isinstance(receipt, Receipt)
        assert (summary.status, summary.receipt) == (SessionStatus.COMPLETE, receipt)
        assert summary.total_samples == 2 * SAMPLES


def test_sessions_are_listed_newest_first_page_by_page(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        for number in range(5):
            asyncio.run(server.start(owner, uuid_of(number)))
        asyncio.run(server.start(server.owner("ben"), OTHER_SESSION))
        pages, cursor = [], None
        for _ in range(3):
            page = asyncio.run(server.store.sessions.list_sessions(owner, limit=2, cursor=cursor))
            pages.append([summary.session_id for summary in page.sessions])
            cursor = page.next
        assert pages == [
            [uuid_of(4), uuid_of(3)],
            [uuid_of(2), uuid_of(1)],
            [uuid_of(0)],
        ]
        assert cursor is None


@pytest.mark.parametrize("cursor", ["x", "-1", "", "9" * 40, "\u0661"])
def test_a_made_up_cursor_ends_the_list(tmp_path: Path, cursor: str) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.start(owner))
        page = asyncio.run(server.store.sessions.list_sessions(owner, limit=2, cursor=cursor))
        assert (page.sessions, page.next) == ([], None)


def test_a_renamed_session_keeps_its_title_when_recording_is_resumed(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.start(owner))
        renamed = asyncio.run(server.store.sessions.rename(owner, SESSION, "Budget"))
        assert renamed is not None
        assert renamed.title == "Budget"
        asyncio.run(server.start(owner))
        summary = asyncio.run(server.store.sessions.summary(owner, SESSION))
        assert summary is not None
        assert summary.title == "Budget"


def test_nothing_is_missing_where_there_is_no_chunk(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.start(owner))
        assert missing(server, owner) == MissingChunks([], -1, 0, None, None, truncated=False)


def test_while_recording_holes_are_listed_and_nobody_knows_the_end(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [1, 4]))
        assert missing(server, owner) == MissingChunks([0, 2, 3], 4, 2, None, None, truncated=False)


def test_an_original_clients_stop_makes_the_highest_sequence_the_last(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 2]))
        asyncio.run(server.ingest.stop_session(owner, StopSession(SESSION)))
        assert missing(server, owner) == MissingChunks(
            [1], 2, 2, 3, complete=False, truncated=False
        )
        asyncio.run(server.send(owner, chunk_of(1)))
        assert missing(server, owner) == MissingChunks([], 2, 3, 3, complete=True, truncated=False)
        summary = asyncio.run(server.store.sessions.summary(owner, SESSION))
        assert summary is not None
        assert summary.status is SessionStatus.COMPLETE


def test_a_manifest_says_what_is_missing_beyond_the_highest_stored_one(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 2]))
        asyncio.run(server.ingest.stop_session(owner, stop_of(5)))
        assert missing(server, owner) == MissingChunks(
            [1, 3, 4], 2, 2, 5, complete=False, truncated=False
        )


def test_at_most_ten_thousand_missing_numbers_are_listed(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 10_000]))
        assert missing(server, owner).truncated is False
        asyncio.run(server.send(owner, chunk_of(20_000)))
        found = missing(server, owner)
        assert found.truncated is True
        assert len(found.missing) == MAX_MISSING_LISTED
        assert found.missing[-2:] == [9_999, 10_001]


def test_media_is_the_stored_parts_in_order(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [2, 0, 1]))
        media = asyncio.run(server.store.sessions.media(owner, SESSION))
        assert media is not None
        assert (media.layout, media.mime_type, media.title) == ("chunks", "audio/webm", "A talk")
        assert [part.sequence for part in media.parts] == [0, 1, 2]
        assert [part.first_sample for part in media.parts] == [0, SAMPLES, 2 * SAMPLES]
        assert [part.sha256 for part in media.parts] == [sha_of(number) for number in range(3)]
        for number, ref in enumerate(media.refs):
            data = asyncio.run(server.store.sessions.read_blob(ref))
            assert data == audio_of(number)
            assert asyncio.run(server.store.sessions.read_blob(ref, 3, 4)) == data[3:7]


def test_bytes_that_are_gone_are_told_as_damage(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        ref = asyncio.run(server.store.sessions.chunk_ref(owner, SESSION, 0))
        assert ref is not None
        server.segment_files()[0].unlink()
        with pytest.raises(BlobDamagedError):
            asyncio.run(server.store.sessions.read_blob(ref))


def test_every_question_about_anothers_session_is_answered_as_about_none(tmp_path: Path) -> None:
    async def scenario(server: Served, asking: Owner, session: str) -> list[object]:
        books = server.store.sessions
        return [
            await books.summary(asking, session),
            await books.rename(asking, session, "mine"),
            await books.chunks(asking, session),
            await books.missing(asking, session),
            await books.chunk_ref(asking, session, 0),
            await books.media(asking, session),
            await books.delete(asking, session) or None,
            (await books.list_sessions(asking)).sessions or None,
        ]

    with served(tmp_path) as server:
        anna, ben = server.owner("anna"), server.owner("ben")
        asyncio.run(server.record(anna, [0]))
        before = asyncio.run(server.store.sessions.summary(anna, SESSION))
        assert asyncio.run(scenario(server, ben, SESSION)) == [None] * 8
        assert asyncio.run(scenario(server, ben, OTHER_SESSION)) == [None] * 8
        assert asyncio.run(server.store.sessions.summary(anna, SESSION)) == before
        assert msgspec.structs.asdict(missing(server, anna))["total_chunks"] == 1
