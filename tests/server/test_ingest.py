"""The promises of idempotency: every chunk once, whatever is sent however often by whomever."""

import asyncio
import errno
import hashlib
from pathlib import Path

import msgspec
import pytest

from scribe_server.protocol import (
    MAX_CHUNK_BYTES,
    MAX_SEQUENCE_JUMP,
    ChunkAck,
    ChunkError,
    ErrorCode,
    PauseSession,
    ResumeSession,
    SessionError,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    StartSession,
    StopSession,
)
from tests.parts.store import (
    SESSION,
    FaultyFiles,
    Served,
    audio_of,
    chunk_of,
    served,
    sha_of,
    webm,
)


def code_of(answer: object) -> ErrorCode | None:
    return answer.code if isinstance(answer, ChunkError | SessionError) else None


def test_an_ack_tells_what_was_stored(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        (ack,) = asyncio.run(server.record(owner, [0]))
        assert (ack.sequence, ack.sha256, ack.duplicate) == (0, sha_of(0), False)
        ref = asyncio.run(server.store.sessions.chunk_ref(owner, SESSION, 0))
        assert ref is not None
        assert server.store.blobs.read(ref) == audio_of(0)


def test_the_same_chunk_again_is_a_duplicate_with_the_first_ones_id_and_time(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        (first,) = asyncio.run(server.record(owner, [0]))
        again = asyncio.run(server.send(owner, chunk_of(0)))
        assert again == msgspec.structs.replace(first, duplicate=True)


def test_a_duplicate_after_a_restart_has_the_first_ones_time(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        (first,) = asyncio.run(server.record(server.owner(), [0]))
    with served(tmp_path) as server:
        again = asyncio.run(server.send(server.owner(), chunk_of(0)))
        assert again == msgspec.structs.replace(first, duplicate=True)


def test_other_bytes_under_the_same_sequence_are_a_conflict_and_change_nothing(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        answer = asyncio.run(server.send(owner, chunk_of(0, audio=webm(b"else"))))
        assert code_of(answer) is ErrorCode.CONFLICT
        assert isinstance(answer, ChunkError)
        assert not answer.retryable
        ref = asyncio.run(server.store.sessions.chunk_ref(owner, SESSION, 0))
        assert ref is not None
        assert server.store.blobs.read(ref) == audio_of(0)


def test_of_many_racing_on_one_chunk_one_stores_and_the_others_are_duplicates(
    tmp_path: Path,
) -> None:
    async def scenario(server: Served) -> list[ChunkAck | ChunkError]:
        owner = server.owner()
        await server.start(owner)
        return await asyncio.gather(*(server.send(owner, chunk_of(0)) for _ in range(20)))

    with served(tmp_path) as server:
        acks = asyncio.run(scenario(server))
        assert sorted(ack.duplicate for ack in acks if isinstance(ack, ChunkAck)) == [
            False,
            *[True] * 19,
        ]


def test_of_two_different_racing_under_one_sequence_one_is_a_conflict(tmp_path: Path) -> None:
    async def scenario(server: Served) -> list[ChunkAck | ChunkError]:
        owner = server.owner()
        await server.start(owner)
        return await asyncio.gather(
            server.send(owner, chunk_of(0)),
            server.send(owner, chunk_of(0, audio=webm(b"else"))),
        )

    with served(tmp_path) as server:
        first, second = asyncio.run(scenario(server))
        assert isinstance(first, ChunkAck)
        assert code_of(second) is ErrorCode.CONFLICT


def test_chunks_may_come_in_any_order(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        acks = asyncio.run(server.record(owner, [4, 0, 3, 1, 2]))
        assert [ack.duplicate for ack in acks] == [False] * 5
        books = asyncio.run(server.store.sessions.chunks(owner, SESSION))
        assert books is not None
        assert [chunk.sha256 for chunk in books.chunks] == [sha_of(number) for number in range(5)]


def test_bytes_that_are_not_those_of_their_sha256_are_refused_and_not_stored(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, []))
        wrong = msgspec.structs.replace(chunk_of(0), sha256=hashlib.sha256(b"else").hexdigest())
        answer = asyncio.run(server.send(owner, wrong))
        assert code_of(answer) is ErrorCode.CHECKSUM_MISMATCH
        assert isinstance(answer, ChunkError)
        assert answer.retryable
        assert isinstance(asyncio.run(server.send(owner, chunk_of(0))), ChunkAck)


def test_a_chunk_without_a_sha256_is_stored_under_its_own(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, []))
        bare = msgspec.structs.replace(chunk_of(0), sha256=None, size=None)
        ack = asyncio.run(server.send(owner, bare))
        assert isinstance(ack, ChunkAck)
        assert ack.sha256 == sha_of(0)


def test_a_chunk_of_another_size_than_it_says_is_invalid(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, []))
        answer = asyncio.run(server.send(owner, msgspec.structs.replace(chunk_of(0), size=7)))
        assert code_of(answer) is ErrorCode.INVALID_PAYLOAD


def test_a_chunk_beyond_ten_mebibytes_is_too_large(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, []))
        big = chunk_of(0, audio=webm(bytes(MAX_CHUNK_BYTES)))
        assert code_of(asyncio.run(server.send(owner, big))) is ErrorCode.CHUNK_TOO_LARGE


def test_a_sequence_far_above_the_highest_stored_one_is_invalid(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [3]))
        far, near = chunk_of(4 + MAX_SEQUENCE_JUMP), chunk_of(3 + MAX_SEQUENCE_JUMP)
        assert code_of(asyncio.run(server.send(owner, far))) is ErrorCode.INVALID_PAYLOAD
        assert isinstance(asyncio.run(server.send(owner, near)), ChunkAck)
        assert isinstance(asyncio.run(server.send(owner, far)), ChunkAck)


def test_only_a_scribe_clients_chunk_must_be_webm(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.start(owner, scribe_client=False))
        piece = chunk_of(1, audio=b"the middle of a stream")
        refused = asyncio.run(server.send(owner, piece))
        assert code_of(refused) is ErrorCode.UNSUPPORTED_MEDIA
        taken = asyncio.run(server.send(owner, piece, scribe_client=False))
        assert isinstance(taken, ChunkAck)
        summary = asyncio.run(server.store.sessions.summary(owner, SESSION))
        assert summary is not None
        assert summary.layout == "fragments"


def test_a_chunk_of_an_unknown_session_is_not_found(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        answer = asyncio.run(server.send(server.owner(), chunk_of(0)))
        assert code_of(answer) is ErrorCode.NOT_FOUND


def test_a_chunk_of_a_deleted_session_is_refused_for_good(tmp_path: Path) -> None:
    async def scenario(server: Served) -> list[object]:
        owner = server.owner()
        await server.record(owner, [0])
        await server.store.sessions.delete(owner, SESSION)
        return [await server.send(owner, chunk_of(1)), await server.start(owner)]

    with served(tmp_path) as server:
        answers = asyncio.run(scenario(server))
        assert [code_of(answer) for answer in answers] == [ErrorCode.SESSION_CLOSED] * 2


def test_chunks_on_their_way_while_the_session_is_deleted_do_no_harm(tmp_path: Path) -> None:
    async def scenario(server: Served) -> list[ChunkAck | ChunkError | bool]:
        owner = server.owner()
        await server.record(owner, [0])
        chunks = [server.send(owner, chunk_of(number)) for number in range(1, 20)]
        return await asyncio.gather(*chunks, server.store.sessions.delete(owner, SESSION))

    with served(tmp_path) as server:
        *answers, deleted = asyncio.run(scenario(server))
        assert deleted is True
        assert {code_of(answer) for answer in answers} <= {None, ErrorCode.SESSION_CLOSED}
        assert asyncio.run(server.store.sessions.chunks(server.owner(), SESSION)) is None


def test_another_users_session_looks_as_if_it_were_not_there(tmp_path: Path) -> None:
    async def scenario(server: Served) -> list[object]:
        await server.record(server.owner("anna"), [0])
        ben, ingest = server.owner("ben"), server.ingest
        return [
            await server.send(ben, chunk_of(1)),
            await ingest.pause_session(ben, PauseSession(SESSION)),
            await ingest.resume_session(ben, ResumeSession(SESSION)),
            *await ingest.stop_session(ben, StopSession(SESSION)),
        ]

    with served(tmp_path) as server:
        answers = asyncio.run(scenario(server))
        assert [code_of(answer) for answer in answers] == [ErrorCode.NOT_FOUND] * 4


def test_two_users_may_use_the_same_uuid_without_noticing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        anna, ben = server.owner("anna"), server.owner("ben")
        asyncio.run(server.record(anna, [0, 1]))
        (ack,) = asyncio.run(server.record(ben, [0]))
        assert not ack.duplicate
        books = asyncio.run(server.store.sessions.chunks(ben, SESSION))
        assert books is not None
        assert len(books.chunks) == 1


def test_a_payloads_user_id_must_be_the_owners_where_there_are_tokens(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner("anna")
        for user_id, code in (("ben", ErrorCode.NOT_FOUND), ("anna", None), (None, None)):
            request = StartSession(session_id=SESSION, user_id=user_id)
            answer = asyncio.run(server.ingest.start_session(owner, request, scribe_client=True))
            assert code_of(answer) is code


def test_starting_again_tells_what_is_missing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [1, 2, 5]))
        again = asyncio.run(server.start(owner))
        assert isinstance(again, SessionStarted)
        assert (again.status, again.max_seq) == ("recording", 5)
        assert again.missing_ranges == [(0, 0), (3, 4)]


def test_the_device_that_started_last_is_known(tmp_path: Path) -> None:
    async def scenario(server: Served) -> list[str | None]:
        devices = [await server.ingest.recording_device(server.owner(), SESSION)]
        for device in ("laptop", "phone"):
            await server.start(server.owner(device_id=device))
            devices.append(await server.ingest.recording_device(server.owner(), SESSION))
        return devices

    with served(tmp_path) as server:
        assert asyncio.run(scenario(server)) == [None, "laptop", "phone"]


def test_pause_and_resume_are_answered_with_the_clients_time(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner, ingest = server.owner(), server.ingest
        asyncio.run(server.record(owner, []))
        paused = asyncio.run(ingest.pause_session(owner, PauseSession(SESSION, 12.7)))
        resumed = asyncio.run(ingest.resume_session(owner, ResumeSession(SESSION, float("nan"))))
        assert paused == SessionPaused(SESSION, 12)
        assert isinstance(resumed, SessionResumed)
        assert resumed.resumed_at >= server.clock.now


@pytest.mark.logs_errors
def test_a_full_disk_refuses_the_chunk_retryably_and_it_is_stored_later(tmp_path: Path) -> None:
    files = FaultyFiles()
    with served(tmp_path, files=files) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        files.fail["write"] = errno.ENOSPC
        full = asyncio.run(server.send(owner, chunk_of(1)))
        assert files.fired == 1
        assert isinstance(full, ChunkError)
        assert (full.code, full.retryable) == (ErrorCode.STORAGE_FULL, True)
        ack = asyncio.run(server.send(owner, chunk_of(1)))
        assert isinstance(ack, ChunkAck)
        assert not ack.duplicate


@pytest.mark.logs_errors
def test_a_failed_sync_is_told_as_a_failure_and_the_chunk_is_stored_elsewhere(
    tmp_path: Path,
) -> None:
    files = FaultyFiles()
    with served(tmp_path, files=files) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        files.fail["sync"] = errno.EIO
        failed = asyncio.run(server.send(owner, chunk_of(1)))
        assert files.fired == 1
        assert code_of(failed) is ErrorCode.STORAGE_FAILED
        assert isinstance(asyncio.run(server.send(owner, chunk_of(1))), ChunkAck)
        assert len(server.segment_files()) == 2


def test_a_chunk_that_arrives_after_the_stop_is_stored(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        asyncio.run(server.ingest.stop_session(owner, StopSession(SESSION)))
        ack = asyncio.run(server.send(owner, chunk_of(1)))
        assert isinstance(ack, ChunkAck)
