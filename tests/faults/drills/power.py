"""The power goes: everything that nobody made durable is lost, on either side's disk."""

from collections.abc import Callable

from scribe_desktop.model import now_ms
from tests.faults.disks import Disk, Kind
from tests.faults.drill import Drill, Outcome, Round
from tests.faults.rig import Rig

Run = Callable[[Round], Outcome]


def cut_the_server(kind: Kind) -> Run:
    """The server's data lies on the disk; the client's spool, on another, says what was acked."""

    def run(round_: Round) -> Outcome:
        disk = Disk(round_, kind, round_.folder / "server")
        return _cut_the_server(round_, disk, Rig(round_, data_dir=disk.path))

    return run


def _cut_the_server(round_: Round, disk: Disk, rig: Rig) -> Outcome:
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.2, 1.0)
        canary = disk.put_canary()
        disk.cut()
        rig.sleep(0.0, 0.2)  # what it acknowledges now would be a lie
        rig.server.kill()
        rig.pause_feeder()
        disk.again()
        disk.check_dropped(canary)
        rig.server.start()
        rig.check_acked()
        rig.resume_feeder()
        rig.recovered(now_ms())
    return rig.ended(round_.times)


def cut_the_client(kind: Kind) -> Run:
    """The spool lies on the disk; the list of what it has promised lies on another."""

    def run(round_: Round) -> Outcome:
        disk = Disk(round_, kind, round_.folder / "home")
        rig = Rig(round_, home=disk.path)
        for _ in range(round_.times):
            began = now_ms()
            rig.start_feeder()
            rig.recovery_ms.append(rig.wait_for_ack(began))
            rig.sleep(0.1, 1.0)
            canary = disk.put_canary()
            disk.cut()
            rig.sleep(0.0, 0.2)  # what it promises now would be a lie
            rig.kill_feeder()
            disk.again()
            disk.check_dropped(canary)
            rig.check_promised()
            rig.check_acked()
        return rig.ended(round_.times, "recovery includes the start of the program")

    return run


GROUP = "Disks"
DRILLS = [
    Drill(
        "power-server-ext4", GROUP, "power cut of the server's disk (ext4)", 20,
        cut_the_server("ext4"), takes_s=6,
    ),
    Drill(
        "power-server-xfs", GROUP, "power cut of the server's disk (xfs)", 20,
        cut_the_server("xfs"), takes_s=6,
    ),
    Drill(
        "power-client-ext4", GROUP, "power cut of the client's disk (ext4)", 20,
        cut_the_client("ext4"), takes_s=6,
    ),
    Drill(
        "power-client-xfs", GROUP, "power cut of the client's disk (xfs)", 20,
        cut_the_client("xfs"), takes_s=6,
    ),
]  # fmt: skip
