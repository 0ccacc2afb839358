"""`scribe doctor`: everything that Scribe needs and keeps, checked, and mended when asked."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import click

from scribe_desktop.cli.screen import Screen
from scribe_desktop.cli.shell import Shell, json_option, open_shell, server_options
from scribe_desktop.doctor.findings import Counted, Finding, Kind
from scribe_desktop.doctor.recordings import Examined, examine_recordings
from scribe_desktop.doctor.surroundings import Check, Level, Patient, examine
from scribe_desktop.errors import SpoolError
from scribe_desktop.model import now_ms
from scribe_desktop.spool import SpoolLock


@click.command(
    "doctor",
    help="Check everything that Scribe needs, and every part that it keeps. Ends with 1 when "
    "something is wrong. Without --fix nothing is changed, and a Scribe may be running.",
)
@click.option("--quick", is_flag=True, help="Compare no SHA-256; reads no audio.")
@click.option("--fix", is_flag=True, help="Mend what can be mended without losing anything.")
@server_options
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str],
    *,
    quick: bool,
    fix: bool,
    server: str | None,
    insecure: bool,
    as_json: bool,
) -> int:
    """Run all checks."""
    shell = open_shell(environ, server=server, insecure=insecure)
    screen = Screen(as_json=as_json)
    with ExitStack() as closing:
        if fix:
            _own(shell, closing)
        beside = not fix and SpoolLock.is_held(shell.paths.owner_lock)
        checks = []
        for check in examine(Patient(shell.paths, shell.settings, environ)):
            checks.append(check)
            _say(screen, check)
        examined, done = _look(shell, quick=quick, fix=fix)
    summary = summary_of(examined, quick=quick)
    _say(screen, summary)
    _say_details(screen, examined, done, beside=beside)
    checks.append(summary)
    failed = any(check.level is Level.FAIL for check in checks)
    recordings = document_of(examined, done, quick=quick, beside=beside)
    screen.result(
        {"ok": not failed, "checks": [_plain(c) for c in checks], "recordings": recordings}
    )
    return 1 if failed else 0


def _own(shell: Shell, closing: ExitStack) -> None:
    try:
        closing.enter_context(SpoolLock.acquire(shell.paths.owner_lock))
    except SpoolError as error:
        raise SpoolError(
            error.title, error.message,
            "End it first (Quit in its menu): beside a running Scribe doctor only reads.",
        ) from error  # fmt: skip


def _look(shell: Shell, *, quick: bool, fix: bool) -> tuple[Examined, list[str]]:
    def is_running() -> bool:
        return not fix and SpoolLock.is_held(shell.paths.owner_lock)

    paths = shell.paths
    examined = examine_recordings(paths, quick=quick, is_running=is_running, progress=_progress)
    if not fix or not examined.findings:
        return examined, []
    from scribe_desktop.doctor.mending import mend
    from scribe_desktop.doctor.refetch import fetch_from

    fetch = fetch_from(shell.settings, shell.credentials)
    done = list(mend(paths, examined, now_ms, quick=quick, fetch=fetch))
    # What was found by its SHA-256 was set aside: that it is there no more can be seen without.
    after = examine_recordings(paths, quick=True, is_running=is_running)
    return Examined(after.findings, examined.counted), done


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rrecording {done + 1} of {of} ")
        sys.stderr.flush()


def summary_of(examined: Examined, *, quick: bool) -> Check:
    """The recordings as one line among the others."""
    counted = examined.counted
    problems = sum(finding.is_problem for finding in examined.findings)
    if problems:
        level, words = (
            Level.FAIL,
            f"{problems} problems: see below; scribe doctor --fix may mend them.",
        )
    else:
        level = Level.WARN if examined.findings else Level.OK
        words = "all sound." if counted.sessions else "nothing was recorded yet."
    looked = (
        f"{counted.sessions} recordings, {counted.parts} parts, {counted.unsent} to send, "
        f"{'no SHA-256 compared' if quick else f'{counted.bytes} bytes hashed'}"
    )
    return Check(
        "recordings", level, f"{looked}: {words}" if counted.sessions else words.capitalize()
    )


def document_of(
    examined: Examined, done: list[str], *, quick: bool, beside: bool
) -> dict[str, Any]:
    """The recordings as scripts read them; the keys are documented in docs/DOCTOR.md."""
    return {
        "sound": examined.is_sound,
        "quick": quick,
        "besideScribe": beside,
        "counted": _counted(examined.counted),
        "done": done,
        "findings": [_found(finding) for finding in examined.findings],
    }


def _say(screen: Screen, check: Check) -> None:
    screen.say(f"{check.level.value:<4}  {check.name}: {check.words}")


def _say_details(screen: Screen, examined: Examined, done: list[str], *, beside: bool) -> None:
    if beside:
        screen.say("A Scribe is running: its recordings are only read (no --fix)")
    for line in done:
        screen.say(f"done: {line}")
    for found in examined.findings:
        screen.say(f"{'problem' if found.is_problem else 'notice'} ({found.kind}): {found.message}")
    if any(found.kind is Kind.DATABASE_DAMAGED for found in examined.findings):
        screen.say(
            "A start of Scribe, or --fix, puts the damaged file aside and takes over what it holds"
        )


def _plain(check: Check) -> dict[str, str]:
    return {"name": check.name, "level": check.level.value, "words": check.words}


def _found(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "problem": finding.is_problem,
        "message": finding.message,
        "session": finding.session,
        "sequences": [list(pair) for pair in finding.sequences],
    }


def _counted(counted: Counted) -> dict[str, int]:
    return {
        "recordings": counted.sessions,
        "parts": counted.parts,
        "unsent": counted.unsent,
        "bytes": counted.bytes,
        "receipts": counted.receipts,
        "journals": counted.journals,
    }
