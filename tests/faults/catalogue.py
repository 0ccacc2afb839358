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
TWINS = frozenset(
    {
        "crash-new-server",
        "power-server-xfs",
        "power-server-buffered",
        "power-client-ext4",
        "power-recorder-xfs",
        "full-server-tmpfs",
        "full-client-ext4",
        "full-recorder-tmpfs",
        "full-recorder-for-good",
        "slow-sync-client",
        "failing-start-server",
        "descriptors-flood",
        "descriptors-client",
        "memory-server",
        "memory-client",
        "oom-client",
        "net-damage",
        "net-slow",
        "hole-up",
        "hole-8",
        "client-vanishes",
        "server-paused",
        "proxy-hole",
        "herd",
        "clock-keep-local",
        "clock-recording-sleep",
        "mic-suspended",
        "mic-server-frozen",
        "mic-default-switched",
        "mic-silent",
        "mic-recorder-stopped",
        "server-replaced",
        "server-database-lost",
        "server-scrubber",
        "spool-locked",
        "spool-newer",
        "salvage-killed",
        "restored-and-copied",
        "wiped-draining",
    }
)
"""Left out of a quick run: another drill there injects the same kind of fault."""
QUICK_NAMES = tuple(drill.name for drill in DRILLS if drill.quick_times and drill.name not in TWINS)


def by_name(name: str) -> Drill:
    """The drill of this name."""
    return next(drill for drill in DRILLS if drill.name == name)
