"""The driver and everything below it against a server in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from scribe_desktop.model import SessionState, SyncState
from scribe_desktop.sync.target import ServerTarget
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event
from tests.parts.fake_server import FakeServer
from tests.parts.filled_spool import add_session, chunk_bytes, session_id_of
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


def test_chunks_become_acks_and_a_receipt(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=9)
        made.driver.set_target(TARGET)
        await made.until_idle()

        assert made.server.sequences(FIRST) == list(range(9))
        assert made.server.names().index(Event.START_SESSION) < made.server.names().index(
            Event.AUDIO_CHUNK
        )
        session = made.spool.session(FIRST)
        assert session is not None
        assert session.state is SessionState.VERIFIED
        assert FIRST in made.changed
        assert made.status.last_ack_at == 10_000

    play(tmp_path, scenario)


def test_a_chunk_spooled_while_offline_is_sent_after_reconnecting(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.is_up = False
        made.driver.set_target(TARGET)
        await made.until(lambda: made.server.attempts >= 3)
        assert made.status.error_code == "unreachable"
        add_session(made.spool, FIRST, chunks=2)
        made.driver.woken()

        made.server.is_up = True
        await made.until_idle()

        assert sorted(made.server.stored[FIRST]) == [0, 1]
        assert made.status.error == ""

    play(tmp_path, scenario)


def test_a_lost_connection_is_made_again_after_up_to_a_second_and_attempts_stay_apart(
    tmp_path: Path,
) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=1)
        made.driver.set_target(TARGET)
        await made.until_idle()
        made.server.is_up = False
        made.server.hang_up_on_all()
        await made.until(lambda: len(made.asked_of_chance) > 3)
        made.server.is_up = True
        await made.until_idle()

        assert made.asked_of_chance[:4] == [(0.0, 1.0), (1.2, 1.6), (1.2, 1.6), (1.2, 1.6)]

    play(tmp_path, scenario)


def test_the_live_session_goes_before_the_old_ones(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=3, started_at=1)
        add_session(made.spool, SECOND, chunks=3, started_at=2, ended=False)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.pending == 0)

        starts = [d["sessionId"] for n, d in made.server.received if n == Event.START_SESSION]
        assert starts == [SECOND, FIRST]

    play(tmp_path, scenario)


def test_never_more_is_in_flight_than_the_window(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=30)
        made.driver.set_target(TARGET)
        await made.until_idle()
        most = max(status.in_flight for status in made.statuses)
        assert most == 3

    play(tmp_path, scenario, FakeServer(window=3))


def test_lost_acks_are_made_up_for_on_the_next_connection(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=6)
        made.server.lose_acks = 3
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.in_flight == 3 and made.status.pending == 3)
        made.server.hang_up_on_all()
        await made.until_idle()
        assert len(made.server.sequences(FIRST)) == 9

    play(tmp_path, scenario)


def test_a_silent_server_is_asked_and_then_cut(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.driver.set_target(TARGET)
        await made.until(lambda: bool(made.server.connections))
        connection = made.server.connections[0]
        made.server.silent = True
        add_session(made.spool, FIRST, chunks=1)
        made.driver.woken()
        await made.until(lambda: connection.was_cut)
        assert made.server.received.count((Event.SYNC_CHECK, {"sessions": []})) >= 1
        made.server.silent = False
        await made.until_idle()

    play(tmp_path, scenario)


def test_an_ack_with_another_hash_is_not_believed(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=1)
        made.server.ack_hash = lambda _: "0" * 64
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.error_code == "hash_mismatch")
        assert made.spool.pending() == 1
        made.server.ack_hash = lambda sha256: sha256
        await made.until_idle()

    play(tmp_path, scenario)


def test_an_ack_without_a_hash_is_not_believed(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.lose_acks = 1
        add_session(made.spool, FIRST, chunks=1, ended=False)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.in_flight == 1)
        bare = {"sessionId": FIRST, "sequence": 0, "timestamp": 0, "chunkId": "x"}
        made.server.connections[0].deliver_raw(
            Event.CHUNK_ACK, {**bare, "duplicate": False, "canAccept": True}
        )
        await made.until(lambda: made.status.error_code == "bad_message")
        assert made.spool.pending() == 1
        await made.until(lambda: made.status.pending == 0)

    play(tmp_path, scenario)


def test_a_hold_is_kept_and_ends_without_a_signal(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.can_accept = False
        add_session(made.spool, FIRST, chunks=3)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.state is SyncState.HELD)
        assert made.server.sequences(FIRST) == []
        made.server.can_accept = True  # and nobody says so
        await made.until_idle()

    play(tmp_path, scenario)


def test_a_full_server_is_shown_until_it_takes_chunks_again(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.refuse_chunk = lambda _: ErrorCode.STORAGE_FULL
        add_session(made.spool, FIRST, chunks=1)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.state is SyncState.HELD)
        assert made.status.error_code == "storage_full"
        made.server.refuse_chunk = lambda _: None
        await made.until_idle()
        assert made.status.error_code == ""

    play(tmp_path, scenario)


def test_the_go_signal_ends_a_hold_at_once(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.driver.set_target(TARGET)
        await made.until(lambda: bool(made.server.connections))
        hold = protocol.Backpressure(can_accept=False, retry_after_ms=3_600_000)
        made.server.say(hold, Event.BACKPRESSURE)
        await asyncio.sleep(0.02)
        add_session(made.spool, FIRST, chunks=3)
        made.driver.woken()
        assert made.status.state is SyncState.HELD
        made.server.say(protocol.Backpressure(can_accept=True), Event.BACKPRESSURE)
        await made.until_idle()

    play(tmp_path, scenario)


@pytest.mark.parametrize("code", [ErrorCode.BUSY, ErrorCode.RATE_LIMITED, ErrorCode.INTERNAL])
def test_a_chunk_refused_for_now_is_sent_again(tmp_path: Path, code: ErrorCode) -> None:
    async def scenario(made: Bench) -> None:
        refusals = [code]
        made.server.refuse_chunk = lambda _: refusals.pop() if refusals else None
        add_session(made.spool, FIRST, chunks=3)
        made.driver.set_target(TARGET)
        await made.until_idle()
        assert made.server.sequences(FIRST).count(0) == 2

    play(tmp_path, scenario)


def test_a_chunk_refused_for_good_is_kept_and_named(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.server.refuse_chunk = lambda chunk: (
            ErrorCode.CHUNK_TOO_LARGE if chunk.sequence == 1 else None
        )
        add_session(made.spool, FIRST, chunks=3)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.pending == 0)
        assert made.spool.chunks(FIRST)[1].refused_code == "chunk_too_large"
        assert made.spool.chunk_data(FIRST, 1) == chunk_bytes(FIRST, 1)
        session = made.spool.session(FIRST)
        assert session is not None
        assert session.state is SessionState.PROBLEM

    play(tmp_path, scenario)


def test_a_chunk_damaged_here_is_reported_and_not_tried_for_ever(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=3)
        made.spool._db.conn.execute("UPDATE audio SET data = x'00' WHERE chunk = 2")
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.pending == 0)
        assert [chunk.refused_code for chunk in made.spool.chunks(FIRST)] == [None, "damaged", None]
        assert made.server.sequences(FIRST) == [0, 2]

    play(tmp_path, scenario)


def test_a_superseded_session_is_left_alone_on_this_connection(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        refusals = [ErrorCode.SUPERSEDED]
        made.server.refuse_chunk = lambda _: refusals.pop() if refusals else None
        made.server.window = 1
        add_session(made.spool, FIRST, chunks=2)
        add_session(made.spool, SECOND, chunks=1, started_at=2_000)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.pending == 2 and not made.status.in_flight)
        assert made.status.error_code == "superseded"
        assert made.server.sequences(FIRST) == [0]
        made.server.hang_up_on_all()
        await made.until_idle()

    play(tmp_path, scenario)


@pytest.mark.parametrize("code", [ErrorCode.UNAUTHORIZED, ErrorCode.PROTOCOL_UNSUPPORTED])
def test_a_refused_sign_in_stops_the_attempts_until_somebody_acts(
    tmp_path: Path, code: ErrorCode
) -> None:
    async def scenario(made: Bench) -> None:
        made.server.refusal = code
        add_session(made.spool, FIRST, chunks=1)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.state is SyncState.ERROR)
        attempts = made.server.attempts
        await asyncio.sleep(0.1)
        assert made.server.attempts == attempts
        assert made.status.error_code == code
        assert made.status.error == protocol.ERRORS[code].text
        made.server.refusal = None
        made.driver.send_now()
        await made.until_idle()

    play(tmp_path, scenario)


def test_a_token_is_not_sent_over_an_open_connection(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        made.driver.set_target(ServerTarget("http://scribe.example", "token"))
        await made.until(lambda: made.status.error_code == "insecure")
        assert made.server.attempts == 0
        assert made.status.state is SyncState.ERROR

    play(tmp_path, scenario)


def test_pauses_are_hinted_once(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=1, ended=False)
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.pending == 0 and made.status.state is SyncState.IDLE)
        made.spool.set_paused(FIRST, True)
        made.driver.woken()
        made.driver.woken()
        made.spool.set_paused(FIRST, False)
        made.driver.woken()
        hints = [n for n in made.server.names() if n.endswith("e-session")]
        assert hints == [Event.PAUSE_SESSION, Event.RESUME_SESSION]

    play(tmp_path, scenario)


def test_a_pause_of_sending_ends_the_connection_and_going_on_sends_the_rest(
    tmp_path: Path,
) -> None:
    async def scenario(made: Bench) -> None:
        made.driver.set_target(TARGET)
        await made.until(lambda: bool(made.server.connections))
        made.driver.set_paused(True)
        await made.until(lambda: not made.server.connections)
        add_session(made.spool, FIRST, chunks=1)
        made.driver.woken()
        assert made.status.state is SyncState.OFFLINE
        made.driver.set_paused(False)
        await made.until_idle()

    play(tmp_path, scenario)


def test_the_spool_failing_is_an_error_that_passes(tmp_path: Path) -> None:
    async def scenario(made: Bench) -> None:
        add_session(made.spool, FIRST, chunks=1)
        made.spool._db.conn.execute("PRAGMA query_only = ON")
        made.driver.set_target(TARGET)
        await made.until(lambda: made.status.error_code == "spool")
        assert made.spool.pending() == 1
        made.spool._db.conn.execute("PRAGMA query_only = OFF")
        await made.until_idle()

    play(tmp_path, scenario)
