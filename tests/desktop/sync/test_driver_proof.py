"""What server and spool agree on in the end: repairs, conflicts, receipts, identities."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from scribe_desktop.model import SessionState, SyncState
from scribe_desktop.sync import calls, dialling
from scribe_desktop.sync.identity import Identities, Identity
from scribe_desktop.sync.target import ServerTarget
from scribe_server.protocol import ErrorCode, Event, SessionStatus
from tests.parts.fake_server import FakeServer
from tests.parts.filled_spool import add_session, new_chunk, session_id_of
from tests.parts.jumping_loop import run_jumping
from tests.parts.running_driver import TARGET, Bench, bench

FIRST, SECOND, THIRD = session_id_of(1), session_id_of(2), session_id_of(3)
COPY = "99999999-9999-4999-8999-999999999999"

Scenario = Callable[[Bench], Awaitable[None]]


def play(folder: Path, scenario: Scenario, server: FakeServer | None = None) -> None:
    async def main() -> None:
        async with bench(folder, server) as made:
            await scenario(made)

    run_jumping(main())


def test_a_conflict_moves_the_session_to_a_new_id(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=3)
        made.server.stored[FIRST] = {1: "0" * 64}
        made.server.status[FIRST] = SessionStatus.RECORDING
        made.driver.set_target(TARGET)
        await made.until_idle()

        assert made.spool.fork_of(FIRST) == COPY
        copy, old = made.spool.session(COPY), made.spool.session(FIRST)
        assert copy is not None
        assert old is not None
        assert (copy.title, copy.state) == ("A meeting (2)", SessionState.VERIFIED)
        assert old.state is SessionState.PROBLEM
        assert made.server.stored[FIRST][1] == "0" * 64
        start = [d for n, d in made.server.received if n == Event.START_SESSION][-1]
        assert start["forkedFrom"] == FIRST

    play(tmp_path, scenario)


def test_a_session_that_still_records_is_forked_when_it_ends(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.refuse_start = lambda session_id: (
            ErrorCode.CONFLICT if session_id == FIRST else None
        )
        add_session(made.spool, FIRST, chunks=1, ended=False)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.pending == 0)
        assert made.spool.session(COPY) is None
        made.spool.add_chunk(new_chunk(FIRST, 1))
        made.spool.end_session(FIRST, ended_at=9)
        made.driver.woken()
        await made.until_idle()
        assert sorted(made.server.stored[COPY]) == [0, 1]

    play(tmp_path, scenario)


def test_a_session_deleted_on_the_server_is_not_sent_there_again(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.status[FIRST] = SessionStatus.DELETED
        made.server.refuse_start = lambda _: ErrorCode.SESSION_CLOSED
        add_session(made.spool, FIRST, chunks=2)
        made.driver.set_target(TARGET)
        await made.until_idle()
        session = made.spool.session(FIRST)
        assert session is not None
        assert session.refused_code == "session_closed"

    play(tmp_path, scenario)


def test_a_wiped_server_is_refilled(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=5)
        made.driver.set_target(TARGET)
        await made.until_idle()
        made.server.stored.clear()
        made.server.status.clear()
        made.server.hang_up_on_all()
        await made.until(lambda: made.server.attempts == 2)
        await made.until(lambda: len(made.server.stored.get(FIRST, {})) == 5)
        await made.until_idle()
        assert made.server.status[FIRST] is SessionStatus.COMPLETE

    play(tmp_path, scenario)


def test_what_a_server_lost_at_the_end_is_sent_when_the_session_goes_on(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=4, ended=False)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.pending == 0 and made.status.state is SyncState.IDLE)
        del made.server.stored[FIRST][3]
        made.server.hang_up_on_all()
        await made.until(lambda: 3 in made.server.stored[FIRST])

    play(tmp_path, scenario)


def test_an_archived_session_is_not_sent_again(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=2)
        made.driver.set_target(TARGET)
        await made.until_idle()
        made.server.status[FIRST] = SessionStatus.ARCHIVED
        made.server.stored[FIRST] = {}
        made.server.hang_up_on_all()
        await made.until(lambda: made.server.attempts == 2)
        await made.until_idle()
        await asyncio.sleep(0.05)
        assert made.server.sequences(FIRST) == [0, 1]

    play(tmp_path, scenario)


def test_a_manifest_is_repeated_after_the_repair_of_what_was_lost(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=3, ended=False)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.pending == 0 and made.status.state is SyncState.IDLE)
        del made.server.stored[FIRST][1]
        made.spool.end_session(FIRST, ended_at=5)
        made.driver.woken()
        await made.until_idle()
        assert made.server.names().count(Event.STOP_SESSION) == 2
        assert made.server.sequences(FIRST) == [0, 1, 2, 1]

    play(tmp_path, scenario)


def test_a_forged_receipt_is_never_kept(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.spoil_receipt = lambda receipt: msgspec.structs.replace(
            receipt, signature="00" * 64
        )
        add_session(made.spool, FIRST, chunks=1)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.error_code == "receipt_invalid")
        assert made.spool.receipt(FIRST) is None
        made.server.spoil_receipt = lambda receipt: receipt
        made.driver.send_now()
        await made.until_idle()

    play(tmp_path, scenario)


def test_a_receipt_for_other_counts_is_never_kept(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.spoil_receipt = lambda receipt: made.server.sign(
            msgspec.structs.replace(receipt, bytes=receipt.bytes + 1)
        )
        add_session(made.spool, FIRST, chunks=1)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.error_code == "receipt_invalid")
        assert made.spool.receipt(FIRST) is None

    play(tmp_path, scenario)


def test_many_sessions_are_checked_and_proven(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        for number in range(205):
            add_session(made.spool, session_id_of(number), chunks=1, started_at=number)
        made.driver.set_target(TARGET)
        await made.until_idle()
        await made.until(lambda: made.server.names().count(Event.SYNC_CHECK) == 2)
        checks = [len(d["sessions"]) for n, d in made.server.received if n == Event.SYNC_CHECK]
        assert checks == [200, 5]
        assert made.spool.count_awaiting_receipt() == 0

    play(tmp_path, scenario)


def test_another_key_at_the_same_address_stops_everything_until_it_is_accepted(
    tmp_path: Path,
) -> None:
    async def scenario(made: Bench) -> None:
        impostor = FakeServer(server_id="server-1")
        made.server.key, made.server.key_id = impostor.key, "another-key"
        add_session(made.spool, FIRST, chunks=1)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.error_code == "identity_changed")
        assert made.spool.receipt(FIRST) is None
        Identities(made.spool).offer(TARGET, made.server.identity)
        made.driver.accept_server_identity()
        await made.until_idle()
        receipt = made.spool.receipt(FIRST)
        assert receipt is not None
        assert receipt.public_key == made.server.identity.public_key

    play(tmp_path, scenario)


def test_nothing_goes_to_a_stranger_and_all_goes_on_when_the_right_server_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(made: Bench) -> None:
        async def presented(_: ServerTarget) -> Identity:
            await asyncio.sleep(0)
            return made.server.identity

        monkeypatch.setattr(dialling, "present_identity", presented)
        monkeypatch.setattr(calls, "present_identity", presented)
        made.driver.set_target(TARGET)
        await made.until_idle()
        made.server.server_id = "stranger"
        made.server.hang_up_on_all()
        add_session(made.spool, FIRST, chunks=2)
        await made.until(lambda: made.status.error_code == "identity_changed")
        met = made.server.attempts
        await asyncio.sleep(30)
        assert made.server.attempts == met
        assert FIRST not in made.server.stored

        made.server.server_id = "server-1"
        await made.until_idle()
        assert sorted(made.server.stored[FIRST]) == [0, 1]
        assert made.status.error == ""

    play(tmp_path, scenario)
