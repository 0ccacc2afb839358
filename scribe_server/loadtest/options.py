"""What one run is asked to do, checked together."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scribe_server.loadtest.job import Behaviour
from scribe_server.loadtest.plan import CUTS, Plan
from scribe_server.loadtest.verify import Bodies

OVERLOAD_SYNC_MS: Final = 60.0
OVERLOAD_SESSIONS: Final = 4
OVERLOAD_GROWTH_MB: Final = 64.0
REPLAY_EVERY: Final = 5
MB: Final = 1_000_000


@dataclass(frozen=True)
class Scenario:
    """The trouble that a run makes on purpose."""

    drop_network: bool = False
    overload: bool = False
    replay: bool = False
    herd: int = 0

    def behaviour(self) -> Behaviour:
        """What it means for the recorders."""
        return Behaviour(
            cuts=CUTS if self.drop_network else 0,
            replay_every=REPLAY_EVERY if self.replay else 0,
            herd=self.herd,
            deaf=self.overload,
        )

    def names(self) -> list[str]:
        """The scenarios by the names of their options."""
        flags = {
            "drop-network": self.drop_network,
            "overload": self.overload,
            "replay": self.replay,
            "reconnect-herd": self.herd > 0,
        }
        return [name for name, chosen in flags.items() if chosen]


@dataclass(frozen=True)
class Options:
    """One run. `url` None: an own server. `chunk_bytes` is for synthetic chunks; None: speech."""

    plan: Plan
    scenario: Scenario = Scenario()
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    user_id: str | None = None
    server_pid: int | None = None
    chunk_bytes: int | None = None
    processes: int = 1
    connects_per_s: float = 500.0
    drain_s: float = 60.0
    receipts: bool = True
    bodies: Bodies = Bodies.SAMPLE
    max_p99_ms: float | None = None
    max_rss_mb: float | None = None
    json_file: Path | None = None
    html_file: Path | None = None
