"""The power goes: everything that nobody made durable is lost, on either side's disk."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from scribe_desktop.model import now_ms
from scribe_desktop.spool import SpoolFailureError
from tests.faults import patched
from tests.faults.disks import Disk, Kind
from tests.faults.drill import Drill, Outcome, Round, ViolatedError, must_hold
from tests.faults.recorders import Kept, Recorder, Speech, in_parallel, speech_in
from tests.faults.rig import Rig, wait_until_stopped
from tests.parts.processes import PartFailedError
from tests.parts.proof import rest
from tests.parts.server import ServerProcess

Run = Callable[[Round], Outcome]


def cut_the_server(kind: Kind) -> Run:
    """The server's data lies on the disk; the client's spool, on another, says what was acked."""

    def run(round_: Round) -> Outcome:
        disk = Disk(round_, kind, round_.folder / "server")
        return _cut_the_server(round_, disk, Rig(round_, data_dir=disk.path))

    return run


def cut_the_server_buffered(round_: Round) -> Outcome:
    """The same for a server that writes through the page cache, as where there is no O_DIRECT."""
    disk = Disk(round_, "ext4", round_.folder / "server")
    rig = Rig(round_, data_dir=disk.path, server_python=patched.python("buffered"))
    engine = json.loads(rest(rig.server, "/readyz").body)["storage"]
    must_hold(engine == "buffered", f"the server writes its segments {engine}")
    return _cut_the_server(round_, disk, rig)


def _cut_the_server(round_: Round, disk: Disk, rig: Rig) -> Outcome:
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.2, 1.0)
        until = _cut_the_servers_disk(disk, rig)
        rig.server.start()
        rig.check_acked(until=until)
        rig.resume_feeder()
        rig.recovered(now_ms())
    return rig.ended(round_.times)


def _cut_the_servers_disk(disk: Disk, rig: Rig) -> int | None:
    """Cut it under the server at work, or under one that is held and goes on without a disk.

    A call that is in the kernel at the cut may return, which no real power cut lets it, and the
    kernel may call it a success.

    Returns:
        the moment (ms) from which on acks do not count; None when all count.
    """
    canary = disk.put_canary()
    until = None
    if rig.round.rng.random() < 0.5:
        rig.server.pause()
        wait_until_stopped(rig.server.pid)
        disk.cut()
        rig.server.resume()
        rig.sleep(0.0, 0.3)  # what it acknowledges now is a lie
    else:
        until = now_ms()
        disk.cut()
    rig.server.kill()
    rig.pause_feeder()
    disk.again()
    disk.check_dropped(canary)
    return until


def cut_the_client(kind: Kind) -> Run:
    """The spool lies on the disk; the list of what it has promised lies on another."""

    def run(round_: Round) -> Outcome:
        disk = Disk(round_, kind, round_.folder / "home")
        rig = Rig(round_, home=disk.path)
        for _ in range(round_.times):
            began = now_ms()
            rig.start_feeder()
            rig.recovery_ms.append(rig.wait_for_ack(began))
            _cut_the_clients_disk(disk, rig)
            rig.check_spooled()
            rig.check_acked()
        return rig.ended(round_.times, "recovery includes the start of the program")

    return run


def _cut_the_clients_disk(disk: Disk, rig: Rig) -> None:
    """Cut it under the feeder at work, or under one that is held; see `_cut_the_servers_disk`."""
    rig.sleep(0.1, 1.0)
    canary = disk.put_canary()
    if rig.round.rng.random() < 0.5:
        rig.pause_feeder()
        wait_until_stopped(rig.feeder.pid)
        disk.cut()
        rig.resume_feeder()
        rig.sleep(0.0, 0.3)  # what it promises now is a lie
        rig.kill_feeder()
    else:
        length = rig.source.promised.stat().st_size
        disk.cut()
        rig.kill_feeder()
        rig.forget_promises(length)
    disk.again()
    disk.check_dropped(canary)


def cut_the_recorder(kind: Kind) -> Run:
    """A real recorder's disk: at most the last second of sound goes, never a finished chunk."""

    def cut(part: Round, after_s: float, server: ServerProcess, speech: Speech) -> Kept:
        disk = Disk(part, kind, part.folder / "home")
        recorder = Recorder(part.folder, disk.path, server, speech)
        part.cleanup.callback(recorder.kill)
        recorder.start()
        recorder.finish_a_chunk()
        _cut_the_recorders_disk(disk, recorder, after_s)
        return recorder.check()

    return lambda round_: in_parallel(round_, cut, seconds=30 if round_.quick else 90)


def _cut_the_recorders_disk(disk: Disk, recorder: Recorder, after_s: float) -> None:
    time.sleep(after_s)
    recorder.note()
    canary = disk.put_canary()
    disk.cut()
    recorder.kill()
    disk.again()
    disk.check_dropped(canary)


def careless(round_: Round) -> Outcome:
    """Programs that do not wait for the disk: the drills above must find what each loses.

    Rows that do not wait are no such thing: a start indexes what the segments have beyond them.
    """
    finds = (_find_in_the_spool, _find_in_the_segments, _find_in_the_journal)

    def find(number: int) -> int:
        chosen = finds[number % len(finds)]
        with round_.within(f"careless-{number}") as part:
            return chosen(part)

    with ThreadPoolExecutor(len(finds)) as pool:
        promised = list(pool.map(find, range(round_.times * len(finds))))
    return Outcome(round_.times, sum(promised), note="each loss was found")


def _find_in_the_spool(part: Round) -> int:
    disk = Disk(part, "ext4", part.folder / "home")
    rig = Rig(part, home=disk.path, feeder_python=patched.python("careless-spool"))
    rig.start_feeder()
    rig.wait_for_promises(20)
    _cut_the_clients_disk(disk, rig)
    _must_find("promised and lost", rig.check_spooled)
    return rig.promised()


def _find_in_the_segments(part: Round) -> int:
    disk = Disk(part, "ext4", part.folder / "server")
    rig = Rig(part, data_dir=disk.path, server_python=patched.python("careless-segments"))
    rig.start_feeder()
    rig.wait_for_promises(20)
    until = _cut_the_servers_disk(disk, rig)

    def look() -> None:
        rig.server.start()
        rig.check_acked(until=until)

    _must_find("acked and lost", look)
    return rig.promised()


def _find_in_the_journal(part: Round) -> int:
    server = part.cleanup.enter_context(ServerProcess(part.folder / "server"))
    speech = speech_in(part.folder, seconds=30, seed=part.rng.randrange(1 << 30))
    disk = Disk(part, "ext4", part.folder / "home")
    python = patched.python("careless-journal")
    recorder = Recorder(part.folder, disk.path, server, speech, python=python)
    part.cleanup.callback(recorder.kill)
    recorder.start()
    _cut_the_recorders_disk(disk, recorder, 2.5)
    _must_find("captured samples are lost", recorder.check)
    return 0


def _must_find(words: str, look: Callable[[], object]) -> None:
    try:
        look()
    except (SpoolFailureError, PartFailedError):  # so much is lost that it does not even open
        return
    except ViolatedError as violated:
        must_hold(words in str(violated), f"found something else: {violated}")
        return
    raise ViolatedError(f"not found: {words}")


GROUP = "Disks"
DRILLS = [
    Drill(
        "power-server-ext4", GROUP, "power cut of the server's disk (ext4)", 20,
        cut_the_server("ext4"), takes_s=7,
    ),
    Drill(
        "power-server-xfs", GROUP, "power cut of the server's disk (xfs)", 20,
        cut_the_server("xfs"), takes_s=7,
    ),
    Drill(
        "power-server-buffered", GROUP,
        "power cut of the server's disk (ext4, written through the page cache)", 20,
        cut_the_server_buffered, takes_s=7,
    ),
    Drill(
        "power-client-ext4", GROUP, "power cut of the client's disk (ext4)", 20,
        cut_the_client("ext4"), takes_s=9,
    ),
    Drill(
        "power-client-xfs", GROUP, "power cut of the client's disk (xfs)", 20,
        cut_the_client("xfs"), takes_s=9,
    ),
    Drill(
        "power-recorder-ext4", GROUP, "power cut of a recorder's disk (ext4)", 20,
        cut_the_recorder("ext4"), takes_s=9,
    ),
    Drill(
        "power-recorder-xfs", GROUP, "power cut of a recorder's disk (xfs)", 8,
        cut_the_recorder("xfs"), takes_s=9,
    ),
    Drill(
        "power-careless", GROUP,
        "power cut of spool, segments and journal that do not wait for the disk: the loss is found",
        3, careless, quick_times=1, takes_s=9,
    ),
]  # fmt: skip
