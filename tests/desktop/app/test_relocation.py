from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from scribe_desktop.app.relocation import PAUSE_S, Relocation, wants_move
from scribe_desktop.errors import SpoolError
from scribe_desktop.model import CaptureReason, CaptureState, CaptureStatus, SyncStatus
from scribe_desktop.spool.damage import mark_suspect
from tests.parts.fake_app_parts import paths_in
from tests.parts.processes import wait_until

if TYPE_CHECKING:
    from scribe_desktop.app.storage import Storage

REFUSED = CaptureStatus(CaptureState.RECORDING, CaptureReason.SPOOL)


class Everybody:
    """Recorder, watcher, sync engine, storage: each only notes what it is told."""

    def __init__(self, folder: Path) -> None:
        self.calls: list[str] = []
        self.paths = paths_in(folder)
        self.paths.ensure()
        self.quarantined: Path | None = None
        self.notice = "elsewhere"
        self.damaged = True
        self.refuses = False

    def change(self, _stack: ExitStack, *, avoid_ordinary: bool) -> None:
        self.calls.append(f"change {avoid_ordinary}")
        if self.refuses:
            raise SpoolError("Full", "There is no room.")
        if self.damaged:
            self.quarantined = Path(str(len(self.calls)))

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.calls.append(name)


@pytest.fixture
def everybody(tmp_path: Path) -> Everybody:
    return Everybody(tmp_path)


class Moves:
    def __init__(self, everybody: Everybody) -> None:
        self.begun = 0
        self.now = 100.0
        self.relocation = Relocation(
            cast("Storage", everybody),
            cast("Any", everybody),
            self._move,
            monotonic=lambda: self.now,
        )

    def _move(self) -> None:
        self.begun += 1


@pytest.fixture
def moves(everybody: Everybody) -> Moves:
    return Moves(everybody)


def move(moves: Moves, everybody: Everybody) -> None:
    anybody = cast("Any", everybody)
    moves.relocation.move(ExitStack(), anybody, anybody, lambda: anybody)


def test_all_let_go_before_the_file_is_moved_and_go_on_afterwards(
    moves: Moves, everybody: Everybody
) -> None:
    move(moves, everybody)
    assert everybody.calls == [
        *("release", "release", "stop", "change False"),
        *("use", "start", "salvage", "storage_changed", "resume"),
    ]


def test_a_file_that_was_found_whole_is_left_at_its_next_failure(
    moves: Moves, everybody: Everybody
) -> None:
    everybody.damaged = False
    move(moves, everybody)
    move(moves, everybody)
    assert [call for call in everybody.calls if call.startswith("change")] == [
        "change False",
        "change True",
    ]


def test_with_nowhere_to_go_everybody_goes_on_where_they_were(
    moves: Moves, everybody: Everybody
) -> None:
    everybody.refuses = True
    move(moves, everybody)
    assert everybody.calls[-1] == "resume"


def test_only_a_running_recording_whose_spool_refuses_wants_to_move() -> None:
    assert wants_move(REFUSED)
    assert not wants_move(CaptureStatus(CaptureState.IDLE, CaptureReason.SPOOL))
    assert not wants_move(CaptureStatus(CaptureState.RECORDING, CaptureReason.DISK_FULL))


def test_a_refusal_is_answered_once_and_not_again_at_once(moves: Moves) -> None:
    for _ in range(3):
        moves.relocation.watch_capture(REFUSED)
        wait_until(lambda: moves.begun == 1, timeout_s=10, what="the move")
    wait_until(lambda: not moves.relocation._busy, timeout_s=10, what="its end")
    moves.now += PAUSE_S
    moves.relocation.watch_capture(REFUSED)
    wait_until(lambda: moves.begun == 2, timeout_s=10, what="the second move")


def test_trouble_of_the_sync_engine_counts_when_damage_was_found(
    moves: Moves, everybody: Everybody
) -> None:
    moves.relocation.watch_sync(SyncStatus(error_code="spool"))
    assert moves.begun == 0
    mark_suspect(everybody.paths.spool_dir)
    moves.relocation.watch_sync(SyncStatus(error_code="offline"))
    assert moves.begun == 0
    moves.relocation.watch_sync(SyncStatus(error_code="spool"))
    wait_until(lambda: moves.begun == 1, timeout_s=10, what="the move")
