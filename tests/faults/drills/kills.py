"""kill -9 of either side, again and again, while chunks are on their way."""

import time

from scribe_desktop.model import now_ms
from tests.faults.drill import Drill, Outcome, Round
from tests.faults.recorders import Kept, Recorder, Speech, in_parallel
from tests.faults.rig import Rig
from tests.parts.server import ServerProcess


def kill_the_server(round_: Round) -> Outcome:
    """SIGKILL at a random moment; what it had acknowledged is there when it starts again."""
    rig = Rig(round_)
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.2, 1.2)
        rig.server.kill()
        rig.pause_feeder()
        rig.server.start()
        rig.check_acked()
        rig.resume_feeder()
        rig.recovered(now_ms())
    return rig.ended(round_.times)


def kill_the_client(round_: Round) -> Outcome:
    """SIGKILL at a random moment; what it had promised is in the spool when it starts again."""
    rig = Rig(round_)
    for _ in range(round_.times):
        began = now_ms()
        rig.start_feeder()
        rig.recovery_ms.append(rig.wait_for_ack(began))
        rig.sleep(0.1, 1.0)
        rig.kill_feeder()
        rig.check_spooled()
        rig.check_acked()
    return rig.ended(round_.times, "recovery includes the start of the program")


def kill_the_recorder(round_: Round) -> Outcome:
    """SIGKILL of a real recorder: at most the last second of sound goes, no finished chunk."""

    def cut(part: Round, after_s: float, server: ServerProcess, speech: Speech) -> Kept:
        recorder = Recorder(part.folder, part.folder / "home", server, speech)
        part.cleanup.callback(recorder.kill)
        recorder.start()
        recorder.finish_a_chunk()
        time.sleep(after_s)
        recorder.note()
        recorder.kill()
        return recorder.check()

    return in_parallel(round_, cut, seconds=30 if round_.quick else 90)


DRILLS = [
    Drill("kill-server", "Processes", "kill -9 of the server", 50, kill_the_server),
    Drill("kill-client", "Processes", "kill -9 of the client", 50, kill_the_client),
    Drill("kill-recorder", "Processes", "kill -9 of a recorder", 50, kill_the_recorder),
]
