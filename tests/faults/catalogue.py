"""All drills, in the order of the report."""

from tests.faults.drill import Drill
from tests.faults.drills import (
    clocks,
    combinations,
    kills,
    microphone,
    recorder_clocks,
    server_state,
    spool_state,
)

DRILLS: tuple[Drill, ...] = (
    *kills.DRILLS,
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
