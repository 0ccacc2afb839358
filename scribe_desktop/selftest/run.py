"""One self-test from its first line to its report."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from scribe_desktop.errors import ScribeError
from scribe_desktop.log import logging_to
from scribe_desktop.selftest.faults import FAULTS
from scribe_desktop.selftest.proof import prove
from scribe_desktop.selftest.relay import Relay
from scribe_desktop.selftest.report import Report, Step, Totals, document_of
from scribe_desktop.selftest.stage import PATIENCE_S, Pause, Stage

REPORT: str = "report.json"


@dataclass(frozen=True)
class Run:
    """A report, and the folder with the evidence, which is kept only when something failed."""

    report: Report
    evidence: Path | None


def selftest(
    environ: Mapping[str, str],
    tell: Callable[[Step], None],
    pause: Pause,
    *,
    patience_s: float = PATIENCE_S,
) -> Run:
    """Make every fault, and prove that nothing was lost.

    Args:
        environ: what the server's process may be given of it.
        tell: is called after each step.
        pause: waits; says whether the person interrupts.
        patience_s: what each wait may take at most, in seconds.
    """
    folder = Path(tempfile.mkdtemp(prefix="scribe-selftest-"))
    began = time.monotonic()
    steps: list[Step] = []

    def done(step: Step) -> bool:
        steps.append(step)
        tell(step)
        return step.ok

    with Relay() as relay:
        stage = Stage(folder, environ, relay, pause=pause, patience_s=patience_s)
        totals = _play(stage, done)
    tried = {step.name for step in steps}
    missing = tuple(name for name in FAULTS if name not in tried)
    report = Report(tuple(steps), missing, totals, time.monotonic() - began)
    if report.ok:
        shutil.rmtree(folder)
        return Run(report, None)
    text = json.dumps(document_of(report, str(folder)), ensure_ascii=False, indent=1)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")
    return Run(report, folder)


def _play(stage: Stage, done: Callable[[Step], bool]) -> Totals:
    with ExitStack() as stack:
        stage.paths.ensure()
        stack.enter_context(logging_to(stage.paths.log_file))
        try:
            stage.app.start()
            stack.callback(stage.app.stop)
            stage.wait_started()
        except ScribeError as error:
            done(Step("start", False, _words(error)))
            return Totals()
        for name, fault in FAULTS.items():
            if not done(_attempt(stage, name, fault)):
                break
        try:
            with stage.reading() as spool:
                return prove(spool, stage.endpoint)
        except ScribeError as error:
            return Totals(problems=(_words(error),))


def _attempt(stage: Stage, name: str, fault: Callable[[Stage], Step]) -> Step:
    try:
        return fault(stage)
    except ScribeError as error:
        return Step(name, False, _words(error))


def _words(error: ScribeError) -> str:
    return f"{error.message} {error.remedy}".strip()
