"""All drills, in the order of the report."""

from tests.faults.drill import Drill
from tests.faults.drills import (
    crash_points,
    disk_errors,
    exhaustion,
    failing_starts,
    first_start,
    kills,
    memory,
    torn_writes,
)

DRILLS: tuple[Drill, ...] = (
    *kills.DRILLS,
    *crash_points.DRILLS,
    *first_start.DRILLS,
    *disk_errors.DRILLS,
    *failing_starts.DRILLS,
    *torn_writes.DRILLS,
    *exhaustion.DRILLS,
    *memory.DRILLS,
)
NAMES = tuple(drill.name for drill in DRILLS)


def by_name(name: str) -> Drill:
    """The drill of this name."""
    return next(drill for drill in DRILLS if drill.name == name)
