"""What a drill is: a fault with a name, how often it is injected, and what came of it."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path


class NotHereError(Exception):
    """This machine forbids what the drill needs; the message says what."""


class ViolatedError(AssertionError):
    """A promise was broken, or the fault never fired."""


@dataclass(frozen=True)
class Outcome:
    """What a drill observed.

    Attributes:
        injected: how often the fault is proved to have fired.
        chunks: how many promised chunks were compared with their source in the end.
        recovery_ms: from the end of each fault to the next acknowledged chunk.
        note: what else is worth a sentence in the report.
    """

    injected: int
    chunks: int
    recovery_ms: tuple[int, ...] = ()
    note: str = ""


@dataclass
class Round:
    """What a drill is given.

    Attributes:
        folder: an empty folder on an ordinary disk.
        rng: chance that the printed seed repeats.
        times: how often to inject the fault.
        quick: whether long faults should be cut short.
        cleanup: undone in any case at the end, the last one first.
    """

    folder: Path
    rng: random.Random
    times: int
    quick: bool
    cleanup: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def within(self, name: str) -> Iterator["Round"]:
        """A round in a folder below this one's, cleaned up at the end of the block."""
        folder = self.folder / name
        folder.mkdir()
        part = replace(self, folder=folder, cleanup=ExitStack())
        with part.cleanup:
            yield part


@dataclass(frozen=True)
class Drill:
    """One kind of fault.

    Attributes:
        name: for the command line.
        group: the heading in the report.
        fault: what is done, in words for the report.
        times: how often in a full run.
        run: does it; raises ViolatedError, or NotHereError when the machine forbids it.
        quick_times: how often in a quick run; 0 leaves it out: it differs from another in degree.
        takes_s: about how long a quick run of it takes; the longest start first.
        limit_s: when a full run of it is given up as hung.
    """

    name: str
    group: str
    fault: str
    times: int
    run: Callable[[Round], Outcome]
    quick_times: int = 2
    takes_s: float = 5
    limit_s: float = 900


def must_hold(condition: object, otherwise: str) -> None:
    """Raise ViolatedError with these words unless the condition holds."""
    if not condition:
        raise ViolatedError(otherwise)
