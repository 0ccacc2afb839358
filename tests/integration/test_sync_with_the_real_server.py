"""The sync engine against the real server process: kills, pauses, conflicts, a lost disk."""

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from scribe_desktop.model import SessionState, SyncState
from scribe_desktop.spool import Spool
from scribe_server.store.clock import now_ms
from tests.parts.delivering import Delivering, delivering
from tests.parts.filled_spool import add_session, new_chunk, session_id_of
from tests.parts.processes import wait_until
from tests.parts.rest import rest
from tests.parts.retention import run_after
from tests.parts.server import ServerProcess
from tests.parts.store import served

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

FIRST, SECOND = session_id_of(1), session_id_of(2)
CHUNK_BYTES = 100_000


def wait_for_acks(sync: Delivering, session_id: str, count: int) -> None:
    def enough() -> bool:
        session = sync.spool.session(session_id)
        return session is not None and session.acked_chunks >= count

    wait_until(enough, timeout_s=60, what=f"{count} acks; the engine says {sync.status}")


def test_chunks_in_the_spool_become_acks_and_a_receipt_that_holds(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        add_session(sync.spool, FIRST, chunks=12)
        add_session(sync.spool, SECOND, chunks=1, started_at=2_000)
        sync.deliver_to(server.url, server.token)

        sync.wait_until_proven(FIRST, SECOND)

        receipt = sync.spool.receipt(FIRST)
        assert receipt is not None
        assert receipt.server_id == server.server_id
        assert {FIRST, SECOND} <= set(sync.changed)


def test_a_live_session_is_delivered_while_it_records(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        sync.deliver_to(server.url, server.token)
        add_session(sync.spool, FIRST, chunks=1, ended=False)
        for sequence in range(1, 6):
            sync.engine.wake()
            wait_for_acks(sync, FIRST, sequence)
            sync.spool.add_chunk(new_chunk(FIRST, sequence))
        sync.spool.end_session(FIRST, ended_at=200_000)
        sync.engine.wake()

        sync.wait_until_proven(FIRST)


@pytest.mark.timeout(180)
def test_a_server_killed_three_times_loses_nothing_and_stores_nothing_twice(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        add_session(sync.spool, FIRST, chunks=90, size=CHUNK_BYTES)
        sync.deliver_to(server.url, server.token)
        for acks in (5, 25, 50):
            wait_for_acks(sync, FIRST, acks)
            server.kill()
            wait_until(
                lambda: sync.status.state in {SyncState.OFFLINE, SyncState.CONNECTING},
                timeout_s=10,
                what="the loss is noticed",
            )
            server.start()

        sync.wait_until_proven(FIRST, timeout_s=90)


def test_a_server_that_stands_still_is_cut_and_delivery_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        sync.deliver_to(server.url, server.token)
        add_session(sync.spool, FIRST, chunks=60, size=CHUNK_BYTES)
        sync.engine.wake()
        wait_for_acks(sync, FIRST, 3)
        server.pause()
        add_session(sync.spool, SECOND, chunks=5, started_at=2_000)
        sync.engine.wake()
        wait_until(
            lambda: sync.status.state in {SyncState.OFFLINE, SyncState.CONNECTING},
            timeout_s=15,
            what="the silence is noticed",
        )
        time.sleep(1.5)
        server.resume()

        sync.wait_until_proven(FIRST, SECOND)


def test_another_recording_under_the_same_id_moves_to_a_new_one(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server:
        with delivering(tmp_path / "one", device_id="one") as first:
            add_session(first.spool, FIRST, chunks=3)
            first.deliver_to(server.url, server.token)
            first.wait_until_proven(FIRST)
        with delivering(tmp_path / "two", device_id="two") as second:
            add_session(second.spool, FIRST, chunks=3, size=700)
            second.deliver_to(server.url, server.token)
            wait_until(
                lambda: second.spool.fork_of(FIRST) is not None,
                timeout_s=30,
                what=f"a fork; the engine says {second.status}",
            )
            copy_id = second.spool.fork_of(FIRST)
            assert copy_id is not None
            second.wait_until_proven(copy_id)

            old = second.spool.session(FIRST)
            assert old is not None
            assert old.state is SessionState.PROBLEM
            assert second.on_server(FIRST) == {
                sequence: new_chunk(FIRST, sequence).sha256 for sequence in range(3)
            }


def archive_everything(folder: Path) -> None:
    """What a server does that is left alone for some days."""
    with served(folder) as stopped:
        stopped.clock.now = now_ms()
        outcome = asyncio.run(run_after(stopped, 8, clock_is_right=True))
        assert outcome.counts.archived == 1


def test_what_the_server_archived_stays_proven_and_is_not_sent_again(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        add_session(sync.spool, FIRST, chunks=4)
        sync.deliver_to(server.url, server.token)
        sync.wait_until_proven(FIRST)
        server.stop()
        archive_everything(tmp_path / "server")
        server.start()
        add_session(sync.spool, SECOND, chunks=2, started_at=2_000)
        sync.engine.wake()
        sync.wait_until_proven(FIRST, SECOND)

        counted = rest(server.url, "/readyz").json
        assert (counted["chunksStored"], counted["duplicates"]) == (2, 0)
        assert sync.on_server(FIRST) == {
            sequence: new_chunk(FIRST, sequence).sha256 for sequence in range(4)
        }


def test_a_server_restored_from_an_older_backup_is_refilled_by_itself(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        add_session(sync.spool, FIRST, chunks=4)
        sync.deliver_to(server.url, server.token)
        sync.wait_until_proven(FIRST)
        server.stop()
        shutil.copytree(tmp_path / "server", tmp_path / "backup")
        server.start()
        add_session(sync.spool, SECOND, chunks=6, started_at=2_000)
        sync.engine.wake()
        sync.wait_until_proven(SECOND)

        server.stop()
        shutil.rmtree(tmp_path / "server")
        shutil.copytree(tmp_path / "backup", tmp_path / "server")
        server.start()

        # Once it answers: what it lacks is not confirmed, so that nothing here may be deleted.
        found = wait_until(
            lambda: sync.engine.confirm([FIRST, SECOND]), timeout_s=30, what="the server's word"
        )
        second = sync.spool.session(SECOND)
        assert second is not None
        # Of what no longer counts as acked nothing is confirmed by its name being there.
        assert SECOND not in found or not second.acked_chunks or len(sync.on_server(SECOND)) == 6
        wait_until(lambda: len(sync.on_server(SECOND)) == 6, timeout_s=30, what="the lost session")
        sync.wait_until_proven(FIRST, SECOND)
        assert sync.engine.confirm([FIRST, SECOND]) == {FIRST, SECOND}


def test_a_wiped_server_is_refilled_after_signing_in_and_accepting_it(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        add_session(sync.spool, FIRST, chunks=5)
        sync.deliver_to(server.url, server.token)
        sync.wait_until_proven(FIRST)
        old_id = server.server_id
        server.stop()
        shutil.rmtree(tmp_path / "server")
        (tmp_path / "server").mkdir()
        token = server.create_token("tester")
        server.start()
        assert server.server_id != old_id
        sync.wait_for_error("unauthorized")

        sync.deliver_to(server.url, token)
        sync.wait_for_error("identity_changed")
        assert sync.on_server(FIRST) == {}
        sync.engine.accept_server_identity()

        wait_until(lambda: len(sync.on_server(FIRST)) == 5, timeout_s=30, what="the session")
        sync.wait_until_proven(FIRST)
        receipt = sync.spool.receipt(FIRST)
        assert receipt is not None
        assert receipt.server_id == server.server_id


def test_a_wrong_token_is_said_clearly_and_nothing_is_sent(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        add_session(sync.spool, FIRST, chunks=1)
        sync.deliver_to(server.url, "scribe_" + "x" * 43)
        sync.wait_for_error("unauthorized")
        assert sync.status.state is SyncState.ERROR
        assert "Sign in" in sync.status.error
        assert sync.spool.pending() == 1

        sync.deliver_to(server.url, server.token)
        sync.wait_until_proven(FIRST)


def test_stopping_the_engine_finishes_what_is_on_its_way(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server:
        with delivering(tmp_path / "spool") as sync:
            sync.deliver_to(server.url, server.token)
            wait_until(
                lambda: sync.status.state is SyncState.IDLE, timeout_s=30, what="a connection"
            )
            add_session(sync.spool, FIRST, chunks=8, size=CHUNK_BYTES)
            sync.engine.wake()
            sync.engine.stop(10.0)
        spool = Spool.open_read_only(tmp_path / "spool")
        assert spool.pending() == 0
        assert spool.count_awaiting_receipt() == 0
        spool.close()


def test_what_is_lost_on_both_sides_is_a_problem_for_good_and_never_asked_for_again(
    tmp_path: Path,
) -> None:
    """FIRST has lost a part with its row, SECOND only the bytes of one."""
    with ServerProcess(tmp_path / "server") as server, delivering(tmp_path / "spool") as sync:
        for session_id in (FIRST, SECOND):
            add_session(sync.spool, session_id, chunks=4)
        sync.spool.change(
            lambda db: db.execute(
                "DELETE FROM chunks WHERE sequence = 2 AND session ="
                " (SELECT id FROM sessions WHERE session_id = ?)", (FIRST,)
            ).close()
        )  # fmt: skip
        sync.spool.change(lambda db: db.execute("DELETE FROM audio WHERE chunk = 6").close())
        for _ in range(2):
            sync.deliver_to(server.url, server.token)
            wait_until(
                lambda: sync.status.state is SyncState.IDLE and not sync.status.awaiting_receipt,
                timeout_s=30,
                what="rest",
            )
            for session_id in (FIRST, SECOND):
                session = sync.spool.session(session_id)
                assert session is not None
                assert session.state is SessionState.PROBLEM
                assert not session.has_receipt
                assert len(sync.on_server(session_id)) == 3
        assert len(sync.spool.sessions()) == 2
