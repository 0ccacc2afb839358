"""How long audio is kept, and what is to be done with a session now; pure.

Hot: in the segments, RETENTION_DAYS after the session became complete. Warm: in its archive,
WARM_DAYS after it was archived. Cold: an archive without audio, COLD_DAYS. Ages are measured from
the server's own times; a session that is not complete never moves.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from scribe_server.config import ServerConfig
from scribe_server.protocol import SessionStatus

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that decide; 0 of `warm_days` or `cold_days` is for ever."""

    retention_days: int
    warm_days: int
    cold_days: int
    cold_engines: tuple[str, ...]
    cold_without_transcript: bool

    @classmethod
    def of(cls, config: ServerConfig) -> Self:
        """Those of the server's settings."""
        return cls(
            retention_days=config.retention_days,
            warm_days=config.warm_days,
            cold_days=config.cold_days,
            cold_engines=config.cold_engines,
            cold_without_transcript=config.cold_without_transcript,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What counts about a session; the server's times in ms.

    `completed_at` is when the last of end, chunk and receipt came; `moved_at` when it was restored
    (hot), archived (warm) or lost its audio (cold), None when it never moved.
    """

    status: SessionStatus
    completed_at: int
    moved_at: int | None
    held: bool
    transcribed: bool


class Step(StrEnum):
    """What is to be done with a session."""

    STAY = "stay"
    ARCHIVE = "archive"
    COOL = "cool"
    REMOVE = "remove"
    BLOCKED = "blocked"


class Reason(StrEnum):
    """Why."""

    NOT_COMPLETE = "not-complete"
    NOT_DUE = "not-due"
    FOR_EVER = "for-ever"
    DUE = "due"
    HELD = "held"
    NO_TRANSCRIPT = "no-transcript"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do and why; `due_at` is when the session moves on, None when never."""

    step: Step
    reason: Reason
    due_at: int | None = None


def decide(facts: Facts, rules: Rules, now: int) -> Decision:
    """What is to be done with a session at the server's time `now`."""
    match facts.status:
        case SessionStatus.COMPLETE:
            since = max(facts.completed_at, facts.moved_at or 0)
            return _when_due(facts, since, rules.retention_days, Step.ARCHIVE, now)
        case SessionStatus.ARCHIVED:
            found = _when_due(facts, facts.moved_at, rules.warm_days, Step.COOL, now)
            if found.step is Step.COOL and not may_cool(facts, rules):
                return Decision(Step.BLOCKED, Reason.NO_TRANSCRIPT, found.due_at)
            return found
        case SessionStatus.COLD:
            return _when_due(facts, facts.moved_at, rules.cold_days, Step.REMOVE, now)
        case _:
            return Decision(Step.STAY, Reason.NOT_COMPLETE)


def _when_due(facts: Facts, since: int | None, days: int, step: Step, now: int) -> Decision:
    if days == 0 or since is None:
        return Decision(Step.STAY, Reason.FOR_EVER)
    due_at = since + days * DAY_MS
    if now < due_at:
        return Decision(Step.STAY, Reason.NOT_DUE, due_at)
    if facts.held:
        return Decision(Step.BLOCKED, Reason.HELD, due_at)
    return Decision(step, Reason.DUE, due_at)


def may_cool(facts: Facts, rules: Rules) -> bool:
    """Whether audio may go for good: something stands in for it, or the settings say so."""
    return facts.transcribed or rules.cold_without_transcript


def is_transcribed(
    sequences: Collection[int], engines: Mapping[int, Collection[str]], accepted: Collection[str]
) -> bool:
    """Whether every chunk has a finished transcript of an accepted engine.

    Args:
        sequences: the session's chunks; one without chunks has nothing to be transcribed.
        engines: by sequence, the engines that have finished with the chunk.
        accepted: COLD_ENGINES.
    """
    return all(set(engines.get(sequence, ())) & set(accepted) for sequence in sequences)
