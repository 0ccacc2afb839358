"""`scribe logout`: forget a server's token."""

from collections.abc import Mapping

import click

from scribe_desktop.cli.host import running_host
from scribe_desktop.cli.screen import Screen
from scribe_desktop.cli.shell import json_option, open_shell
from scribe_desktop.config import LOCAL, origin_of, save_settings
from scribe_desktop.credentials import KeyringCredentials
from scribe_desktop.errors import UsageError


@click.command("logout", help="Forget a server's token, and use the built-in server again.")
@click.argument("url", metavar="[URL]", required=False)
@json_option
@click.pass_obj
def command(environ: Mapping[str, str], *, url: str | None, as_json: bool) -> int:
    """Sign out; recordings stay where they are."""
    shell = open_shell(environ)
    screen = Screen(as_json=as_json)
    used = shell.settings.server
    if url is None and used in {"", LOCAL}:
        raise UsageError("Not signed in", "There is no server to sign out of.", "Name its address.")
    origin = origin_of(url or used)
    KeyringCredentials().delete(origin)
    if used == origin:
        save_settings(shell.paths, server=LOCAL)
    running = running_host(shell)
    if running is not None:
        running.ask("sign-out", origin=origin)
    screen.say(f"Signed out of {origin}. Recordings that are not sent yet stay on this computer.")
    screen.result({"server": origin})
    return 0
