"""What retention did, does and could not do, as documents and in words."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from scribe_server.protocol import SessionStatus
from scribe_server.retention.policy import Reason, Step
from scribe_server.retention.run import Planned
from scribe_server.retention.runs import (
    IN_ARCHIVES,
    IN_STATUS,
    Counts,
    newest_run,
    problems,
)
from scribe_server.store.archives.rows import waiting_jobs

_VERSION: Final = 1
_STEPS: Final = {
    Step.ARCHIVE: "would be archived",
    Step.COOL: "would lose its audio (the texts stay)",
    Step.REMOVE: "would be removed for good",
    Step.BLOCKED: "stays",
}
_REASONS: Final = {
    Reason.HELD: "it is under a legal hold",
    Reason.NO_TRANSCRIPT: "no transcript stands in for its audio",
}


class Problem(msgspec.Struct, frozen=True):
    """A session that could not be moved when a run last tried."""

    session: str
    user: str
    step: str
    reason: str
    at: int
    attempts: int


class Plan(msgspec.Struct, frozen=True, rename="camel"):
    """A session that is due, and what would be done with it."""

    session: str
    user: str
    step: str
    reason: str
    due_at: int | None


class RunReport(msgspec.Struct, frozen=True, rename="camel"):
    """What `retention run --json` prints; the keys are documented in docs/RETENTION.md."""

    version: int
    dry_run: bool
    started_at: int
    ended_at: int | None
    refused: str | None
    counts: Counts
    problems: list[Problem]
    planned: list[Plan]


class LastRun(msgspec.Struct, frozen=True, rename="camel"):
    """The run that began last; `ended_at` is None while it runs, or when it was cut off."""

    started_at: int
    ended_at: int | None
    refused: str | None
    counts: Counts


class StatusReport(msgspec.Struct, frozen=True, rename="camel"):
    """What `retention status --json` prints; sizes in bytes."""

    version: int
    place: str
    hot: int
    archived: int
    cold: int
    archives: int
    archive_bytes: int
    left_to_remove: int
    last_run: LastRun | None
    problems: list[Problem]


def planned_report(planned: list[Planned], now: int, refused: str | None) -> RunReport:
    """The report of a dry run."""
    counts = Counts()
    for one in planned:
        match one.decision.step:
            case Step.ARCHIVE:
                counts.archived += 1
            case Step.COOL:
                counts.cooled += 1
            case Step.REMOVE:
                counts.removed += 1
            case Step.BLOCKED:
                counts.blocked += 1
            case Step.STAY:
                continue
    shown = [_plan(one) for one in planned if one.decision.step is not Step.STAY]
    return RunReport(_VERSION, True, now, None, refused, counts, [], shown)


def _plan(one: Planned) -> Plan:
    found, decision = one.candidate, one.decision
    return Plan(found.uuid, found.user, decision.step, decision.reason, decision.due_at)


def run_report(connection: Connection, row: Row[Any]) -> RunReport:
    """The report of a run, by its row and what it left in the books."""
    found = [one for one in _problems(connection) if one.at >= row.started_at]
    return RunReport(
        _VERSION, False, row.started_at, row.ended_at, row.refused, _counts(row), found, []
    )


def status_report(connection: Connection, place: str) -> StatusReport:
    """How things stand."""

    def sessions_that_are(status: SessionStatus) -> int:
        return int(connection.execute(IN_STATUS, {"status": status.value}).scalar_one())

    archives = connection.execute(IN_ARCHIVES).one()
    row = newest_run(connection)
    return StatusReport(
        version=_VERSION,
        place=place,
        hot=sessions_that_are(SessionStatus.COMPLETE),
        archived=sessions_that_are(SessionStatus.ARCHIVED),
        cold=sessions_that_are(SessionStatus.COLD),
        archives=archives[0],
        archive_bytes=archives[1],
        left_to_remove=len(waiting_jobs(connection)),
        last_run=None
        if row is None
        else LastRun(row.started_at, row.ended_at, row.refused, _counts(row)),
        problems=_problems(connection),
    )


def _counts(row: Row[Any]) -> Counts:
    return Counts(row.archived, row.cooled, row.removed, row.blocked, row.failed, row.bytes)


def _problems(connection: Connection) -> list[Problem]:
    return [
        Problem(row.uuid, row.user, row.step, row.reason, row.at, row.attempts)
        for row in problems(connection)
    ]


def run_lines(report: RunReport) -> list[str]:
    """A run's report in sentences."""
    lines = [] if report.refused is None else [f"Refused: {report.refused}"]
    lines += [
        f"Session {one.session} of {one.user} {_STEPS[Step(one.step)]}"
        + (f": {why}" if (why := _REASONS.get(Reason(one.reason))) else "")
        for one in report.planned
    ]
    lines += _problem_lines(report.problems)
    counts = report.counts
    word = "Would archive" if report.dry_run else "Archived"
    size = "" if report.dry_run else f" ({counts.bytes} bytes of archives)"
    lines.append(
        f"{word} {counts.archived} sessions{size}, without audio: {counts.cooled}, removed: "
        f"{counts.removed}, kept where they are: {counts.blocked}, failed: {counts.failed}"
    )
    return lines


def status_lines(report: StatusReport) -> list[str]:
    """The state of things in sentences."""
    lines = [
        f"Sessions: {report.hot} complete and hot, {report.archived} archived, {report.cold} cold",
        f"Archives: {report.archives} ({report.archive_bytes} bytes) in {report.place}",
    ]
    if report.left_to_remove:
        lines.append(f"Still to be removed there: {report.left_to_remove}")
    if report.last_run is None:
        return [*lines, "It has never run", *_problem_lines(report.problems)]
    run = report.last_run
    began = datetime.fromtimestamp(run.started_at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if run.refused is not None:
        lines.append(f"The last run, {began}, was refused: {run.refused}")
    elif run.ended_at is None:
        lines.append(f"The last run began {began} and has not ended")
    else:
        lines.append(
            f"The last run, {began}, archived {run.counts.archived} sessions, "
            f"{run.counts.failed} failed"
        )
    return [*lines, *_problem_lines(report.problems)]


def _problem_lines(found: list[Problem]) -> list[str]:
    return [
        f"Session {one.session} of {one.user} could not be moved ({one.step}), {one.attempts} "
        f"times: {one.reason}"
        for one in found
    ]
