"""Memory and descriptors of the processes while time passes."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import second_half, slope

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """One look at one process: seconds from the start, resident bytes, open descriptors."""

    at_s: float
    memory: int
    descriptors: int


@dataclass(frozen=True)
class Growth:
    """How a process changed over the second half of the longest life it had.

    Attributes:
        name: of the process.
        minutes: how long that life was.
        memory_mb: at the end.
        memory_percent: growth of memory, % an hour.
        descriptors: at the end.
        descriptors_percent: growth of the number of descriptors, % an hour.
    """

    name: str
    minutes: float
    memory_mb: float
    memory_percent: float
    descriptors: int
    descriptors_percent: float


class Watch:
    """Samples by name and process id."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, int], list[Sample]] = defaultdict(list)

    def look(self, name: str, pid: int, at_s: float) -> None:
        """Take a sample; a process that has just ended has none."""
        sample = sample_of(pid, at_s)
        if sample is not None:
            self._samples[name, pid].append(sample)

    def growths(self) -> list[Growth]:
        """For each name, the growth over its longest life of three samples or more."""
        found: dict[str, list[Sample]] = {}
        for (name, _), samples in self._samples.items():
            if len(samples) > max(3, len(found.get(name, ()))):
                found[name] = samples
        return [growth(name, samples) for name, samples in found.items()]


def sample_of(pid: int, at_s: float) -> Sample | None:
    """What /proc says of a process; None when there is none."""
    own = Path(f"/proc/{pid}")
    try:
        memory = int((own / "statm").read_text().split()[1]) * PAGE
        return Sample(at_s, memory, len(list((own / "fd").iterdir())))
    except (FileNotFoundError, ProcessLookupError):
        return None


def growth(name: str, samples: list[Sample]) -> Growth:
    """The Theil-Sen slopes over the second half of the samples."""
    memory = second_half([(each.at_s, float(each.memory)) for each in samples])
    descriptors = second_half([(each.at_s, float(each.descriptors)) for each in samples])
    return Growth(
        name,
        (samples[-1].at_s - samples[0].at_s) / 60,
        samples[-1].memory / 1e6,
        slope(memory) * 3600 / memory[-1][1] * 100,
        samples[-1].descriptors,
        slope(descriptors) * 3600 / descriptors[-1][1] * 100,
    )
