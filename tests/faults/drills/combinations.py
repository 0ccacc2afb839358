"""Two things go wrong at once."""

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from scribe_desktop.model import now_ms
from scribe_desktop.spool.quarantine import FILE_NAME, quarantined, waiting
from tests.faults.backup import copy_running, put_back
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.rig import Rig
from tests.parts.processes import wait_until
from tests.parts.proof import paths_of, spool_of

DAMAGED = "database is damaged"


def killed_while_it_salvages(round_: Round) -> Outcome:
    """The spool's header is destroyed; the program is killed again and again while it salvages."""
    rig = Rig(round_, rate=100)
    folder = paths_of(rig.home).spool_dir
    kills = 0
    for _ in range(round_.times):
        rig.start_feeder()
        rig.server.pause()
        rig.wait_for_promises(150)
        rig.kill_feeder()
        _fold_log(folder / FILE_NAME)
        _destroy_a_root(folder / FILE_NAME)
        rig.server.resume()
        seen = len(quarantined(folder))
        for _ in range(3):
            rig.launch_feeder()
            _wait_for_salvage(rig, more_than=seen)
            rig.sleep(0.0, 0.15)
            rig.kill_feeder()
            kills += bool(waiting(folder))
        began = now_ms()
        rig.start_feeder()
        rig.recovered(began)
        rig.check_promised()
        rig.kill_feeder()
    must_hold(kills, "no kill came in the middle of a salvage")
    return rig.ended(round_.times, f"{kills} kills came in the middle of a salvage")


def _wait_for_salvage(rig: Rig, *, more_than: int) -> None:
    """Damage that shows only in use is looked for at the next start, so it is started again."""
    folder, before = paths_of(rig.home).spool_dir, rig.said(DAMAGED)

    def salvaged() -> bool:
        nonlocal before
        if rig.said(DAMAGED) > before:
            rig.kill_feeder()
            before = rig.said(DAMAGED)
            rig.launch_feeder()
        return len(quarantined(folder)) > more_than

    wait_until(salvaged, timeout_s=60, what="salvage")


def _fold_log(path: Path) -> None:
    """Move the log into the file, so that the damage hits what is there."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _destroy_a_root(path: Path) -> None:
    """Overwrite the root of an index: nothing that cannot be read around is lost."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'chunks_unsent'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


def restored_while_a_copy_works(round_: Round) -> Outcome:
    """An older backup of the server comes back while the profile and its copy both deliver."""
    rig = Rig(round_, home=round_.folder / "first" / "home", rate=20)
    rig.start_feeder()
    compared = 0
    for number in range(round_.times):
        rig.sleep(0.2, 0.5)
        backup = round_.folder / f"backup-{number}"
        copy_running(rig.server.data_dir, backup)
        home = round_.folder / f"copy-{number}" / "home"
        _copy(rig, home)
        copy = Rig(round_, home=home, beside=rig, rate=20)
        copy.start_feeder()
        rig.sleep(0.3, 0.6)
        rig.server.kill()
        put_back(backup, rig.server.data_dir)
        shutil.rmtree(backup)
        rig.server.start()
        healed = now_ms()
        rig.recovered(healed)
        compared += copy.drained()
    return rig.ended(round_.times, f"{compared} more chunks of the copies were compared")


def _copy(rig: Rig, home: Path) -> None:
    target = paths_of(home).spool_dir / FILE_NAME
    target.parent.mkdir(parents=True)
    with (
        closing(sqlite3.connect(paths_of(rig.home).spool_dir / FILE_NAME)) as ours,
        closing(sqlite3.connect(target)) as theirs,
    ):
        ours.backup(theirs)


def wiped_while_it_drains(round_: Round) -> Outcome:
    """The server falls back to its first day while the client waits for its last receipts."""
    rig = Rig(round_, rate=100)
    virgin = round_.folder / "virgin"
    copy_running(rig.server.data_dir, virgin)
    unfinished = 0
    for _ in range(round_.times):
        rig.start_feeder()
        rig.sleep(0.2, 0.5)
        rig.server.pause()
        rig.wait_for_promises(80)
        rig.feeder.signal(signal.SIGTERM)
        rig.server.resume()
        rig.sleep(0.0, 0.1)
        rig.server.kill()
        with spool_of(rig.home) as spool:
            unfinished += bool(spool.pending() or spool.sessions_awaiting_receipt())
        put_back(virgin, rig.server.data_dir)
        rig.server.start()
        healed = now_ms()
        rig.drained()
        rig.recovery_ms.append(now_ms() - healed)
    must_hold(unfinished, "everything was delivered before the server was lost")
    return rig.ended(
        round_.times,
        f"{unfinished} of {round_.times} in the middle; recovery is to the last receipt",
    )


DRILLS = [
    Drill("salvage-killed", "Combinations", "kill -9 while a damaged spool is salvaged",
          12, killed_while_it_salvages, quick_times=1, takes_s=14),
    Drill("restored-and-copied", "Combinations", "an older server comes back; two copies deliver",
          8, restored_while_a_copy_works, quick_times=1, takes_s=12),
    Drill("wiped-draining", "Combinations", "the server falls back to nothing during the last acks",
          12, wiped_while_it_drains, takes_s=10),
]  # fmt: skip
