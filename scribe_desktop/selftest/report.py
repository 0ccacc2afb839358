"""What a self-test found, for people and for scripts."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One fault and what came of it.

    Attributes:
        name: the fault in a few words.
        ok: it really happened, and everything was delivered after it.
        words: one sentence.
        affected: how many chunks it held up, doubled or sent another way.
        recovery_ms: from the fault's end until everything was on the server; None when there was
            nothing to recover from.
        evidence: the counters and sightings that show that the fault was real.
    """

    name: str
    ok: bool
    words: str
    affected: int = 0
    recovery_ms: int | None = None
    evidence: tuple[tuple[str, int | str], ...] = ()


@dataclass(frozen=True)
class Totals:
    """Everything that was recorded, and what the server has of it in the end.

    Attributes:
        recorded: chunks.
        stored: chunks of which the server gave back the same bytes.
        recordings: sessions.
        receipts: sessions whose signed receipt is valid and covers all of them.
        problems: sentences about what is not as it should be.
    """

    recorded: int = 0
    stored: int = 0
    recordings: int = 0
    receipts: int = 0
    problems: tuple[str, ...] = ()

    @property
    def lost(self) -> int:
        """Chunks that the server does not give back as they were recorded."""
        return self.recorded - self.stored

    @property
    def whole(self) -> bool:
        """Whether there was something, and all of it arrived and is signed for."""
        return (
            self.recorded > 0
            and self.lost == 0
            and self.receipts == self.recordings
            and not self.problems
        )

    @property
    def words(self) -> str:
        """The summary."""
        if 0 < self.recordings == self.receipts:
            receipts = "receipt valid" if self.recordings == 1 else "all receipts valid"
        else:
            receipts = f"{self.receipts} of {self.recordings} receipts valid"
        return (
            f"{chunks(self.recorded)} recorded, {self.stored} on the server, {self.lost} lost; "
            f"{receipts}"
        )


@dataclass(frozen=True)
class Report:
    """A whole run. `missing` are the faults that were not tried because an earlier one failed."""

    steps: tuple[Step, ...]
    missing: tuple[str, ...]
    totals: Totals
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every fault happened and nothing was lost."""
        return self.totals.whole and not self.missing and all(step.ok for step in self.steps)


def chunks(count: int) -> str:
    """`1 chunk`, `3 chunks`."""
    return "1 chunk" if count == 1 else f"{count} chunks"


def line_of(step: Step) -> str:
    """A step as one line."""
    return _line(step.ok, f"{step.name}: {step.words}")


def closing_lines(report: Report) -> list[str]:
    """What is said after the steps: proof, problems, what was left out, and the summary."""
    totals = report.totals
    lines = [
        _line(
            totals.whole,
            f"proof: {totals.stored} of {chunks(totals.recorded)} came back from the server byte "
            f"for byte, {totals.receipts} of {totals.recordings} receipts bear its signature.",
        )
    ]
    lines += [_line(False, problem) for problem in totals.problems]
    if report.missing:
        lines.append(f"Not tried: {', '.join(report.missing)}.")
    lines.append(f"{totals.words} ({report.seconds:.0f} s).")
    return lines


def _line(ok: bool, words: str) -> str:
    return f"{'ok' if ok else 'fail':<4}  {words}"


def document_of(report: Report, evidence: str | None) -> dict[str, Any]:
    """A report as scripts read it; `evidence` is the folder that was kept, if one was."""
    totals = report.totals
    return {
        "ok": report.ok,
        "seconds": round(report.seconds, 1),
        "recorded": totals.recorded,
        "onServer": totals.stored,
        "lost": totals.lost,
        "recordings": totals.recordings,
        "receiptsValid": totals.receipts,
        "problems": list(totals.problems),
        "steps": [
            {
                "name": step.name,
                "ok": step.ok,
                "words": step.words,
                "affected": step.affected,
                "recoveryMs": step.recovery_ms,
                "evidence": dict(step.evidence),
            }
            for step in report.steps
        ],
        "notTried": list(report.missing),
        "evidence": evidence,
    }
