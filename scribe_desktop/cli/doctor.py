"""`scribe doctor`: everything that Scribe needs, checked."""

from collections.abc import Mapping

import click

from scribe_desktop.cli.screen import Screen
from scribe_desktop.cli.shell import json_option, open_shell, server_options
from scribe_desktop.doctor import Level, Patient, examine


@click.command("doctor", help="Check everything that Scribe needs; ends with 1 when one fails.")
@server_options
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str], *, server: str | None, insecure: bool, as_json: bool
) -> int:
    """Run all checks."""
    shell = open_shell(environ, server=server, insecure=insecure)
    screen = Screen(as_json=as_json)
    found = []
    for check in examine(Patient(shell.paths, shell.settings, environ)):
        found.append(check)
        if not as_json:
            screen.say(f"{check.level.value:<4}  {check.name}: {check.words}")
    failed = any(check.level is Level.FAIL for check in found)
    screen.result(
        {
            "ok": not failed,
            "checks": [
                {"name": check.name, "level": check.level.value, "words": check.words}
                for check in found
            ],
        }
    )
    return 1 if failed else 0
