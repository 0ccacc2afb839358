"""A disk fills up, on either side, and is freed again: nothing is lost, and everything goes on."""

from collections.abc import Callable

from scribe_desktop.model import now_ms
from tests.faults.disks import Disk, Kind
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.rig import Rig
from tests.parts.delivering import delivering
from tests.parts.filled_spool import add_session, session_id_of
from tests.parts.processes import wait_until
from tests.parts.proof import rest

Run = Callable[[Round], Outcome]


def fill_the_server(kind: Kind) -> Run:
    """The server says `storage_full`; what it acked is there, deleting works, and it goes on."""

    def run(round_: Round) -> Outcome:
        disk = Disk(round_, kind, round_.folder / "server", mb=64)
        rig = Rig(round_, data_dir=disk.path)
        to_delete = _deliver_others(round_, rig)
        rig.start_feeder()
        for session_id in to_delete:
            rig.sleep(0.1, 0.6)
            _fill_until(disk, rig, "sync: held storage_full")
            rig.pause_feeder()
            rig.check_acked()
            disk.fill()
            answer = rest(rig.server, f"/api/sessions/{session_id}", method="DELETE")
            must_hold(answer.status == 204, f"a full disk deletes nothing: {answer}")
            rig.resume_feeder()
            rig.sleep(0.0, 0.5)
            disk.free()
            rig.recovered(now_ms())
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
            _fill_until(disk, rig, "refused 1: SQLite says: database or disk is full")
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


def _fill_until(disk: Disk, rig: Rig, said: str) -> None:
    before = rig.said(said)

    def heard() -> bool:
        disk.fill()
        return rig.said(said) > before

    wait_until(heard, timeout_s=30, what=said)


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
]  # fmt: skip
