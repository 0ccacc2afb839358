"""A disk fills up, on either side, and is freed again: nothing is lost, and everything goes on."""

import sys
import time
from collections.abc import Callable

from scribe_desktop.model import now_ms
from tests.faults import patched
from tests.faults.disks import Disk, Kind
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.recorders import Kept, Recorder, Speech, in_parallel
from tests.faults.rig import Rig
from tests.parts.delivering import delivering
from tests.parts.filled_spool import add_session, session_id_of
from tests.parts.processes import wait_until
from tests.parts.proof import rest
from tests.parts.server import ServerProcess

Run = Callable[[Round], Outcome]
NO_ROOM = "No space left on device"
REFUSED = "SQLite says: database or disk is full"
COMPLETE = "is used up. The recording was ended and is complete"
ROOMY_MB = 256
"""A disk on which a recording may begin: with less than 64 MB free it goes elsewhere."""
MEMORY_MORE = 32 << 20
"""Bytes: two minutes of sound are half a megabyte, the rest is Python's."""


def fill_the_server(kind: Kind) -> Run:
    """The server says `storage_full`; what it acked is there, deleting works, and it goes on."""

    def run(round_: Round) -> Outcome:
        disk = Disk(round_, kind, round_.folder / "server", mb=64)
        rig = Rig(round_, data_dir=disk.path)
        to_delete = _deliver_others(round_, rig)
        rig.start_feeder()
        for number, session_id in enumerate(to_delete):
            rig.sleep(1.2, 1.8)  # each second the server sets aside what a deletion needs
            _keep_full(disk, lambda: rig.told() == "held storage_full", "the server to say so")
            rig.pause_feeder()
            if number % 3:  # a server starts on a full disk, too
                end = rig.server.kill if number % 3 == 1 else rig.server.stop
                end()
                disk.fill()
                rig.server.start()
            rig.check_acked()
            disk.fill()
            answer = rest(rig.server, f"/api/sessions/{session_id}", method="DELETE")
            must_hold(answer.status == 204, f"a full disk deletes nothing: {answer}")
            rig.resume_feeder()
            rig.sleep(0.0, 0.5)
            disk.free()
            rig.recovered(now_ms())
        must_hold(NO_ROOM in rig.server.log_text(), "the server never met the end of the room")
        return rig.ended(round_.times)

    return run


def _deliver_others(round_: Round, rig: Rig) -> list[str]:
    """Have a session stored for each deletion, of a client that is not the feeder."""
    names = [session_id_of(number) for number in range(round_.times)]
    with delivering(round_.folder / "others") as others:
        for name in names:
            add_session(others.spool, name, chunks=3, size=20_000)
        others.deliver_to(rig.server.url, rig.server.token)
        others.wait_until_proven(*names)
    return names


def fill_the_client(kind: Kind) -> Run:
    """The spool refuses by name; what it promised is there; when there is room it goes on."""

    def run(round_: Round) -> Outcome:
        disk = Disk(round_, kind, round_.folder / "home", mb=96)
        rig = Rig(round_, home=disk.path, rate=20)
        rig.start_feeder()
        for number in range(round_.times):
            rig.sleep(0.1, 0.6)
            before = rig.said(REFUSED)
            _keep_full(disk, lambda: rig.said(REFUSED) > before, REFUSED)  # noqa: B023 - at once
            if number % 2:  # a program that starts on a full disk waits for room, too
                rig.kill_feeder()
            else:
                rig.pause_feeder()
            rig.check_spooled()
            rig.check_acked()
            disk.free()
            healed = now_ms()
            if number % 2:
                rig.start_feeder()
            else:
                rig.resume_feeder()
            rig.recovered(healed)
        return rig.ended(round_.times)

    return run


def fill_the_recorder(kind: Kind) -> Run:
    """A real recorder ends by itself and says why: complete, or cut short by the last second."""

    def fill(part: Round, after_s: float, server: ServerProcess, speech: Speech) -> Kept:
        disk = Disk(part, kind, part.folder / "home", mb=ROOMY_MB)
        recorder = Recorder(part.folder, disk.path, server, speech)
        part.cleanup.callback(recorder.kill)
        recorder.start()
        time.sleep(min(after_s, 5))
        recorder.note()
        disk.fill()  # to the last block; the recorder may give some back at once
        wait_until(lambda: not recorder.process.alive, timeout_s=60, what="the recording's end")
        must_hold(recorder.process.wait(1) != 0, "it has failed, and its exit code does not tell")
        told = recorder.process.log_text()
        must_hold("The disk is full" in told, f"it does not say why it ended:\n{told}")
        disk.free()
        return recorder.check_ended() if COMPLETE in told else recorder.check_given_up()

    return lambda round_: in_parallel(round_, fill, seconds=20 if round_.quick else 50)


def give_up(round_: Round) -> Outcome:
    """The disk stays full: the recording ends and says why; what was captured before it is kept."""

    def fill(part: Round, after_s: float, server: ServerProcess, speech: Speech) -> Kept:
        disk = Disk(part, "ext4", part.folder / "home", mb=ROOMY_MB)
        python = patched.python("impatient") if round_.quick else [sys.executable]
        recorder = Recorder(part.folder, disk.path, server, speech, python=python)
        part.cleanup.callback(recorder.kill)
        recorder.start()
        time.sleep(after_s)
        recorder.note()
        memory = recorder.memory()
        most = memory

        def ended() -> bool:
            nonlocal most
            disk.fill()
            if recorder.process.alive:
                most = max(most, recorder.memory())
            return not recorder.process.alive

        wait_until(ended, timeout_s=200, what="the recording's end", every_s=0.2)
        must_hold(recorder.process.wait(1) != 0, "it has failed, and its exit code does not tell")
        told = recorder.process.log_text()
        must_hold("disk is full" in told.lower(), f"it does not say why it ended:\n{told}")
        must_hold(most - memory < MEMORY_MORE, f"it took {most - memory} bytes more")
        disk.free()
        return recorder.check_given_up()

    return in_parallel(round_, fill, seconds=30 if round_.quick else 170)


def _keep_full(disk: Disk, heard: Callable[[], bool], what: str) -> None:
    def filled_and_heard() -> bool:
        disk.fill()
        return heard() and disk.is_full()

    wait_until(filled_and_heard, timeout_s=30, what=what)


GROUP = "Disks"
DRILLS = [
    Drill(
        "full-server-tmpfs", GROUP, "full disk of the server (tmpfs)", 20,
        fill_the_server("tmpfs"), takes_s=7,
    ),
    Drill(
        "full-server-ext4", GROUP, "full disk of the server (ext4)", 20,
        fill_the_server("ext4"), takes_s=7,
    ),
    Drill(
        "full-client-tmpfs", GROUP, "full disk of the client (tmpfs)", 20,
        fill_the_client("tmpfs"), takes_s=7,
    ),
    Drill(
        "full-client-ext4", GROUP, "full disk of the client (ext4)", 20,
        fill_the_client("ext4"), takes_s=7,
    ),
    Drill(
        "full-recorder-tmpfs", GROUP, "full disk of a recorder (tmpfs)", 12,
        fill_the_recorder("tmpfs"), takes_s=13,
    ),
    Drill(
        "full-recorder-ext4", GROUP, "full disk of a recorder (ext4)", 12,
        fill_the_recorder("ext4"), takes_s=13,
    ),
    Drill(
        "full-recorder-for-good", GROUP, "disk of a recorder that stays full until it gives up", 4,
        give_up, takes_s=12,
    ),
]  # fmt: skip
