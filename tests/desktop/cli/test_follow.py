from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from scribe_desktop.cli import follow
from scribe_desktop.cli.follow import (
    Patience,
    is_delivered,
    session_of,
    wait_for_everything,
    wait_for_receipt,
)
from scribe_desktop.cli.host import Work, working
from scribe_desktop.cli.interrupts import Interrupts
from scribe_desktop.cli.shell import Shell, open_shell
from scribe_desktop.errors import AudioError, NotDeliveredError, RefusedError, SpoolError
from scribe_desktop.model import SyncState, SyncStatus
from scribe_desktop.spool import Spool
from tests.parts.delivered import deliver
from tests.parts.fake_app_parts import Made
from tests.parts.filled_spool import add_session, new_session, session_id_of

ONE, TWO = session_id_of(1), session_id_of(2)


@pytest.fixture
def shell(environ: dict[str, str], made: Made) -> Shell:
    opened = open_shell(environ)
    opened.paths.ensure()
    return opened


@pytest.fixture
def spool(shell: Shell) -> Iterator[Spool]:
    with closing(Spool.open(shell.paths.spool_dir)) as opened:
        add_session(opened, ONE, chunks=2)
        yield opened


@pytest.fixture
def hands(shell: Shell, spool: Spool) -> Iterator[tuple[Work, Interrupts]]:
    with working(shell) as both:
        yield both


def ignore(_words: str, _done: int, _total: int) -> None:
    return


def wait(shell: Shell, hands: tuple[Work, Interrupts], timeout_s: float | None = 10) -> None:
    work, interrupts = hands
    wait_for_receipt(shell, work, ONE, timeout_s=timeout_s, interrupts=interrupts, show=ignore)


def wait_all(shell: Shell, hands: tuple[Work, Interrupts], timeout_s: float | None = 10) -> None:
    work, interrupts = hands
    wait_for_everything(shell, work, timeout_s=timeout_s, interrupts=interrupts, show=ignore)


def test_the_receipt_ends_the_waiting(
    shell: Shell, spool: Spool, hands: tuple[Work, Interrupts]
) -> None:
    def show(_words: str, done: int, _total: int) -> None:
        shown.append(done)
        if len(shown) == 2:
            deliver(spool, ONE)

    shown: list[int] = []
    work, interrupts = hands
    wait_for_receipt(shell, work, ONE, timeout_s=20, interrupts=interrupts, show=show)
    assert len(shown) >= 2


def test_the_time_ends_it_with_everything_safe(
    shell: Shell, hands: tuple[Work, Interrupts]
) -> None:
    with pytest.raises(NotDeliveredError, match="2 parts to send") as caught:
        wait(shell, hands, timeout_s=0)
    assert "sync --once" in caught.value.remedy
    with pytest.raises(NotDeliveredError, match="2 parts to send"):
        wait_all(shell, hands, timeout_s=0)


def test_an_interrupt_ends_it(shell: Shell, hands: tuple[Work, Interrupts]) -> None:
    hands[1]._came.set()
    with pytest.raises(NotDeliveredError, match="interrupted"):
        wait(shell, hands)
    with pytest.raises(NotDeliveredError, match="interrupted"):
        wait_all(shell, hands)


def test_a_refusal_ends_it(shell: Shell, spool: Spool, hands: tuple[Work, Interrupts]) -> None:
    spool.refuse_session(ONE, "session_closed")
    with pytest.raises(RefusedError, match="session_closed"):
        wait(shell, hands)


def test_a_server_that_wants_a_sign_in_is_not_waited_for_long(
    shell: Shell, made: Made, hands: tuple[Work, Interrupts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "BLOCKED_S", 0.0)
    made.sync.say(SyncStatus(state=SyncState.ERROR, error="Sign in."))
    with pytest.raises(NotDeliveredError, match="Sign in; 2 parts"):
        wait(shell, hands, timeout_s=None)


def test_everything_is_delivered_when_nothing_waits_for_an_ack_or_a_receipt(
    shell: Shell, spool: Spool, hands: tuple[Work, Interrupts]
) -> None:
    deliver(spool, ONE)
    wait_all(shell, hands)
    assert spool.pending() == 0


def test_a_recording_that_is_refused_does_not_hold_up_the_rest(
    shell: Shell, spool: Spool, hands: tuple[Work, Interrupts]
) -> None:
    add_session(spool, TWO, chunks=1)
    spool.refuse_session(TWO, "conflict")
    deliver(spool, ONE)
    wait_all(shell, hands)
    assert spool.sessions_awaiting_receipt() == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"sync": {"state": "error", "error": "", "errorCode": "x"}}, "x"),
        ({"sync": {"state": "offline"}, "server": ""}, "There is no server to send to"),
        ({"sync": {"state": "offline"}, "server": "local", "serverFailure": "died"}, "died"),
        ({"sync": {"state": "offline"}, "server": "local", "serverFailure": ""}, ""),
    ],
)
def test_what_blocks_delivery_is_named(status: dict[str, Any], words: str) -> None:
    assert Patience._blocked(status) == words


def test_a_time_out_says_what_the_server_said(
    made: Made, hands: tuple[Work, Interrupts], monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = Patience(60)
    made.sync.say(SyncStatus(state=SyncState.ERROR, error="Sign in again."))
    assert patience.look(hands[0]) is None
    monkeypatch.setattr(patience, "_deadline", 0.0)
    assert patience.look(hands[0]) == "The time is over. Sign in again."


def test_a_block_that_passes_is_forgotten(
    made: Made, hands: tuple[Work, Interrupts], monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = Patience(None)
    made.sync.say(SyncStatus(state=SyncState.ERROR, error="Sign in."))
    assert patience.look(hands[0]) is None
    made.sync.say(SyncStatus(state=SyncState.SYNCING))
    assert patience.look(hands[0]) is None
    monkeypatch.setattr(follow, "BLOCKED_S", -1.0)
    assert patience.look(hands[0]) is None


def test_a_recording_without_sound_is_an_error(spool: Spool) -> None:
    spool.create_session(new_session(TWO))
    spool.end_session(TWO, ended_at=2_000)
    with pytest.raises(AudioError, match="no sound"):
        is_delivered(session_of(spool, TWO))


def test_a_deleted_recording_ends_the_waiting(spool: Spool) -> None:
    with pytest.raises(SpoolError, match="deleted"):
        session_of(spool, TWO)
