"""All drills, in the order of the report."""

from tests.faults.drill import Drill
from tests.faults.drills import herd, kills, network, peers

DRILLS: tuple[Drill, ...] = (*kills.DRILLS, *network.DRILLS, *peers.DRILLS, *herd.DRILLS)
NAMES = tuple(drill.name for drill in DRILLS)


def by_name(name: str) -> Drill:
    """The drill of this name."""
    return next(drill for drill in DRILLS if drill.name == name)
