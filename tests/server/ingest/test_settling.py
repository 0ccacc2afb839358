"""stop-session as a client sees it: stopped, then what is missing, a conflict, or the receipt."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from scribe_server.ingest import StopAnswer
from scribe_server.ingest import stop as stop_module
from scribe_server.protocol import (
    ErrorCode,
    ManifestGap,
    Receipt,
    SessionError,
    SessionIncomplete,
    SessionStatus,
    SessionStopped,
    StopSession,
    SyncCheck,
    SyncCheckSession,
    manifest_digest,
    receipt_message,
)
from scribe_server.store import StorageFailedError, damage
from scribe_server.store.schema import gaps, receipts
from tests.parts.store import (
    OTHER_SESSION,
    SAMPLES,
    SESSION,
    FaultyFiles,
    Served,
    audio_of,
    chunk_of,
    manifest_of,
    served,
    stop_of,
)


def stop(server: Served, payload: StopSession, name: str = "anna") -> list[StopAnswer]:
    return asyncio.run(server.ingest.stop_session(server.owner(name), payload))


def status(server: Served) -> SessionStatus:
    found = asyncio.run(server.store.sessions.summary(server.owner(), SESSION))
    assert found is not None
    return found.status


def test_a_whole_session_gets_a_receipt_whose_signature_holds(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        stopped, receipt = stop(server, stop_of(3))
        assert isinstance(stopped, SessionStopped)
        assert isinstance(receipt, Receipt)
        assert receipt.digest == manifest_digest(manifest_of(3))
        assert (receipt.session_id, receipt.chunks) == (SESSION, 3)
        assert receipt.total_samples == 3 * SAMPLES
        assert receipt.bytes == sum(len(audio_of(number)) for number in range(3))
        assert receipt.server_id == server.store.server_id
        (key,) = server.signer.keys().keys
        assert receipt.key_id == key.key_id
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key))
        public.verify(bytes.fromhex(receipt.signature), receipt_message(receipt))
        assert status(server) is SessionStatus.COMPLETE


def test_a_repeated_stop_gives_the_same_receipt_even_after_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        first = stop(server, stop_of(2))
        assert stop(server, stop_of(2)) == first
    with served(tmp_path) as server:
        assert stop(server, stop_of(2)) == first
        assert stop(server, StopSession(SESSION)) == first[:1]
        assert status(server) is SessionStatus.COMPLETE


def test_stops_at_the_same_time_get_the_same_receipt(tmp_path: Path) -> None:
    async def scenario(server: Served) -> list[list[StopAnswer]]:
        owner = server.owner()
        await server.record(owner, [0, 1])
        return await asyncio.gather(
            *(server.ingest.stop_session(owner, stop_of(2)) for _ in range(5))
        )

    with served(tmp_path) as server:
        answers = asyncio.run(scenario(server))
        assert isinstance(answers[0][1], Receipt)
        assert answers == [answers[0]] * 5
        with server.store.database.snapshot() as connection:
            assert len(connection.execute(select(receipts.c.id)).all()) == 1


def test_a_manifest_beyond_what_is_stored_tells_what_is_missing_until_it_is_sent(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 3]))
        stopped, incomplete = stop(server, stop_of(6))
        assert isinstance(stopped, SessionStopped)
        assert incomplete == SessionIncomplete(SESSION, [(1, 2), (4, 5)])
        assert status(server) is SessionStatus.INCOMPLETE
        for number in (1, 2, 4, 5):
            asyncio.run(server.send(server.owner(), chunk_of(number)))
        assert status(server) is SessionStatus.INCOMPLETE
        again, receipt = stop(server, stop_of(6))
        assert again == stopped
        assert isinstance(receipt, Receipt)


def test_a_session_without_a_chunk_can_be_settled(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), []))
        _, receipt = stop(server, stop_of(0))
        assert isinstance(receipt, Receipt)
        assert (receipt.chunks, receipt.bytes) == (0, 0)


def test_an_original_clients_stop_has_no_receipt(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        answers = stop(server, StopSession(SESSION))
        assert [type(answer) for answer in answers] == [SessionStopped]
        assert status(server) is SessionStatus.COMPLETE


def changed(**fields: object) -> StopSession:
    """A stop whose manifest names chunk 1 otherwise than it was stored."""
    manifest = manifest_of(2)
    first, second = manifest.chunks
    other = msgspec.structs.replace(second, **fields)
    return StopSession(SESSION, manifest=msgspec.structs.replace(manifest, chunks=[first, other]))


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (changed(sha256="0" * 64), "chunk 1 is stored with another SHA-256"),
        (changed(samples=5), "chunk 1 is stored with other samples"),
        (changed(first_sample=5), "chunk 1 is stored with other samples"),
        (stop_of(1), "chunk 1 is stored, but the manifest omits it"),
    ],
)
def test_a_manifest_that_contradicts_the_rows_is_a_conflict_and_is_not_kept(
    tmp_path: Path, payload: StopSession, told: str
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        stopped, conflict = stop(server, payload)
        assert isinstance(stopped, SessionStopped)
        assert isinstance(conflict, SessionError)
        assert (conflict.code, conflict.details) == (ErrorCode.CONFLICT, told)
        assert isinstance(stop(server, stop_of(2))[1], Receipt)


def disordered() -> StopSession:
    manifest = manifest_of(3)
    return StopSession(
        SESSION, manifest=msgspec.structs.replace(manifest, chunks=manifest.chunks[::-1])
    )


@pytest.mark.parametrize(
    "payload", [disordered(), StopSession(SESSION, manifest=manifest_of(3, OTHER_SESSION))]
)
def test_a_manifest_of_another_session_or_out_of_order_is_invalid(
    tmp_path: Path, payload: StopSession
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        (refusal,) = stop(server, payload)
        assert isinstance(refusal, SessionError)
        assert refusal.code is ErrorCode.INVALID_PAYLOAD
        assert status(server) is SessionStatus.RECORDING


def test_bytes_that_changed_on_the_disk_are_found_before_anything_is_signed(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1, 2]))
        ref = asyncio.run(server.store.sessions.chunk_ref(owner, SESSION, 1))
        assert ref is not None
        with server.segment_files()[0].open("r+b") as file:
            file.seek(ref.offset + 20)
            file.write(b"\xff")
        _, incomplete = stop(server, stop_of(3))
        assert incomplete == SessionIncomplete(SESSION, [(1, 1)])
        books = asyncio.run(server.store.sessions.chunks(owner, SESSION))
        assert books is not None
        assert [chunk.state for chunk in books.chunks] == ["stored", "damaged", "stored"]
        asyncio.run(server.send(owner, chunk_of(1)))
        assert len(server.segment_files()) == 2
        _, receipt = stop(server, stop_of(3))
        assert isinstance(receipt, Receipt)


def test_a_missing_segment_is_found_before_anything_is_signed(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        server.segment_files()[0].unlink()
        _, incomplete = stop(server, stop_of(2))
        assert incomplete == SessionIncomplete(SESSION, [(0, 1)])


def test_a_chunk_after_the_receipt_makes_the_session_incomplete_again(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        _, first = stop(server, stop_of(1))
        asyncio.run(server.send(server.owner(), chunk_of(1)))
        assert status(server) is SessionStatus.INCOMPLETE
        _, second = stop(server, stop_of(2))
        assert isinstance(first, Receipt)
        assert isinstance(second, Receipt)
        assert second.digest != first.digest
        assert status(server) is SessionStatus.COMPLETE
        asked = SyncCheck([SyncCheckSession(SESSION, [], "0" * 64)])
        (state,) = asyncio.run(server.ingest.sync_check(server.owner(), asked)).sessions
        assert state.receipt_digest == second.digest


def test_a_chunk_that_comes_while_the_bytes_are_hashed_prevents_the_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))

        def hashing(*arguments: object) -> object:
            asyncio.run(server.send(owner, chunk_of(1)))
            return hash_for_real(*arguments)  # type: ignore[arg-type] - passed on

        hash_for_real = damage.unsound
        monkeypatch.setattr(damage, "unsound", hashing)
        _, conflict = stop(server, stop_of(1))
        assert isinstance(conflict, SessionError)
        assert conflict.code is ErrorCode.CONFLICT


def test_a_session_deleted_while_its_bytes_are_hashed_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))

        def hashing(*_: object) -> list[object]:
            asyncio.run(server.store.sessions.delete(owner, SESSION))
            return []

        monkeypatch.setattr(damage, "unsound", hashing)
        _, closed = stop(server, stop_of(1))
        assert isinstance(closed, SessionError)
        assert closed.code is ErrorCode.SESSION_CLOSED


def test_the_gaps_of_the_last_manifest_are_kept(tmp_path: Path) -> None:
    first = [ManifestGap(0, 48_000, "mute", 1000), ManifestGap(96_000, 0, "pause", 60_000)]
    last = [ManifestGap(5, 0, "sleep", 7)]
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        for declared in (first, last):
            stop(server, StopSession(SESSION, manifest=manifest_of(2, gaps=declared)))
            with server.store.database.snapshot() as connection:
                rows = connection.execute(select(gaps).order_by(gaps.c.position)).all()
            assert [tuple(row)[2:] for row in rows] == [
                msgspec.structs.astuple(gap) for gap in declared
            ]


def test_anothers_session_cannot_be_stopped(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        for payload in (stop_of(1), StopSession(SESSION)):
            (refusal,) = stop(server, payload, name="ben")
            assert isinstance(refusal, SessionError)
            assert refusal.code is ErrorCode.NOT_FOUND
        assert status(server) is SessionStatus.RECORDING


@pytest.mark.logs_errors
def test_storage_that_fails_is_told_and_stopping_again_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise StorageFailedError("EIO")

    with served(tmp_path, files=FaultyFiles()) as server:
        asyncio.run(server.record(server.owner(), [0]))
        with monkeypatch.context() as patch:
            patch.setattr(stop_module, "keep_receipt", failing)
            stopped, refusal = stop(server, stop_of(1))
        assert isinstance(stopped, SessionStopped)
        assert isinstance(refusal, SessionError)
        assert refusal.code is ErrorCode.STORAGE_FAILED
        assert isinstance(stop(server, stop_of(1))[1], Receipt)
