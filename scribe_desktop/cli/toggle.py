"""`scribe toggle`: what a desktop's own shortcut is bound to."""

from collections.abc import Mapping

import click

from scribe_desktop.cli.host import running_host
from scribe_desktop.cli.record import Wish, record
from scribe_desktop.cli.screen import Screen
from scribe_desktop.cli.shell import json_option, open_shell, server_options


@click.command("toggle", help="Stop the running recording; start one when there is none.")
@server_options
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str], *, server: str | None, insecure: bool, as_json: bool
) -> int:
    """Let the running instance toggle; without one, record here until the next toggle."""
    shell = open_shell(environ, server=server, insecure=insecure)
    screen = Screen(as_json=as_json)
    host = running_host(shell)
    if host is None:
        return record(shell, Wish({}), screen)
    reply = host.ask("toggle")
    screen.result({"sessionId": reply["sessionId"], "recording": reply["recording"]})
    if not as_json:
        screen.say("Recording." if reply["recording"] else "Stopped; it is being saved.")
    return 0
