"""`scribe selftest`: make the faults that Scribe promises to survive, and show that it does."""

from collections.abc import Mapping

import click

from scribe_desktop.cli.interrupts import Interrupts
from scribe_desktop.cli.screen import Screen
from scribe_desktop.cli.shell import json_option


@click.command(
    "selftest",
    help="Cut the link, kill the server, fill its disk and more, in a temporary folder with a "
    "server of its own, and prove that nothing is lost. Takes about 15 seconds; ends with 1 when "
    "something is.",
)
@click.option(
    "--patience", "patience_s", type=click.FloatRange(min=0, min_open=True), default=30.0,
    metavar="S", show_default=True, help="How long a fault may hold anything up.",
)  # fmt: skip
@json_option
@click.pass_obj
def command(environ: Mapping[str, str], *, patience_s: float, as_json: bool) -> int:
    """Run the self-test."""
    from scribe_desktop.selftest.report import closing_lines, document_of, line_of
    from scribe_desktop.selftest.run import selftest

    screen = Screen(as_json=as_json)
    screen.say("On a server and in a folder of its own; your recordings are not touched.")
    with Interrupts() as interrupts:
        run = selftest(
            environ, lambda step: screen.say(line_of(step)), interrupts.wait, patience_s=patience_s
        )
    report = run.report
    for line in closing_lines(report):
        screen.say(line)
    if run.evidence is not None:
        screen.say(f"Not everything is right. The evidence (report, logs, data): {run.evidence}")
    screen.result(document_of(report, None if run.evidence is None else str(run.evidence)))
    return 0 if report.ok else 1
