"""All drills, in the order of the report."""

from tests.faults.drill import Drill
from tests.faults.drills import (
    clocks,
    combinations,
    crash_points,
    disk_errors,
    exhaustion,
    failing_starts,
    first_start,
    full_disk,
    herd,
    kills,
    memory,
    microphone,
    network,
    peers,
    power,
    recorder_clocks,
    server_state,
    spool_state,
    torn_writes,
)

DRILLS: tuple[Drill, ...] = (
    *kills.DRILLS,
    *crash_points.DRILLS,
    *first_start.DRILLS,
    *power.DRILLS,
    *full_disk.DRILLS,
    *disk_errors.DRILLS,
    *failing_starts.DRILLS,
    *torn_writes.DRILLS,
    *exhaustion.DRILLS,
    *memory.DRILLS,
    *network.DRILLS,
    *peers.DRILLS,
    *herd.DRILLS,
    *clocks.DRILLS,
    *recorder_clocks.DRILLS,
    *microphone.DRILLS,
    *server_state.DRILLS,
    *spool_state.DRILLS,
    *combinations.DRILLS,
)
NAMES = tuple(drill.name for drill in DRILLS)


def by_name(name: str) -> Drill:
    """The drill of this name."""
    return next(drill for drill in DRILLS if drill.name == name)
