"""`scribe login`: a server's token into the keyring, and that server's identity pinned."""

import sys
from collections.abc import Mapping
from contextlib import closing, nullcontext

import click

from scribe_desktop.cli.host import RunningHost, running_host
from scribe_desktop.cli.screen import Screen
from scribe_desktop.cli.shell import Shell, json_option, open_shell
from scribe_desktop.config import check_transport, origin_of, save_settings
from scribe_desktop.credentials import KeyringCredentials
from scribe_desktop.errors import RefusedError, ScribeError, UsageError
from scribe_desktop.server_api import ServerApi, blocking
from scribe_desktop.spool import Spool, SpoolLock
from scribe_desktop.sync.identity import Identities, Identity
from scribe_desktop.sync.target import ServerTarget


@click.command(
    "login",
    help="Check a token (asked for, or read from stdin) and keep it in the system's keyring.",
)
@click.argument("url", metavar="URL")
@click.option("--insecure", is_flag=True,
              help="Allow plain http: everyone on the way can take the token.")  # fmt: skip
@click.option("--new-identity", is_flag=True,
              help="Trust the server although it is not the one that was known.")  # fmt: skip
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str], *, url: str, insecure: bool, new_identity: bool, as_json: bool
) -> int:
    """Sign in."""
    shell = open_shell(environ, insecure=insecure)
    screen = Screen(as_json=as_json)
    origin = origin_of(url)
    allowed = insecure or shell.settings.insecure
    check_transport(origin, insecure=allowed)
    token = read_token(origin)
    identity = Identity.of(blocking(ServerApi(origin, None, insecure=allowed).keys()))
    running = running_host(shell)
    shell.paths.ensure()
    with nullcontext() if running else SpoolLock.acquire(shell.paths.owner_lock):
        check_identity(shell, origin, identity, new_identity=new_identity)
        blocking(ServerApi(origin, token, insecure=allowed).sessions(limit=1))
        stored = keep(origin, token, running)
        pin(shell, origin, identity)
    if running is not None:
        running.ask("sign-in", origin=origin, token=None if stored else token, insecure=allowed)
    changes = {"server": origin, "insecure": True} if insecure else {"server": origin}
    save_settings(shell.paths, **changes)
    screen.say(f"Signed in to {origin} (server {identity.server_id}).")
    screen.result({"server": origin, "serverId": identity.server_id, "stored": stored})
    return 0


def read_token(origin: str) -> str:
    """The token: from a prompt that shows nothing, or the first line of stdin.

    Raises:
        UsageError: there is none.
    """
    if sys.stdin.isatty():
        token = str(click.prompt(f"Token for {origin}", hide_input=True, err=True)).strip()
    else:
        token = sys.stdin.readline().strip()
    if not token or any(character.isspace() for character in token):
        raise UsageError(
            "No token", "A token is one word.", "Type it, or pipe it into this command."
        )
    return token


def keep(origin: str, token: str, running: RunningHost | None) -> bool:
    """Keep the token in the keyring; without one, only for the run of a running instance.

    Raises:
        ScribeError: there is no keyring, and nothing runs that could use the token.
    """
    try:
        KeyringCredentials().set(origin, token)
    except ScribeError as error:
        if running is None:
            raise
        click.echo(f"{error.title}: the token is kept for this run of Scribe only.", err=True)
        return False
    return True


def check_identity(shell: Shell, origin: str, identity: Identity, *, new_identity: bool) -> None:
    """Look whether this is the server that was known, before it sees the token.

    Raises:
        RefusedError: another one was known there, and nobody said that this is right.
    """
    with closing(Spool.open(shell.paths.spool_dir)) as spool:
        known = Identities(spool).pinned(ServerTarget(origin, None), identity.server_id)
    if known is not None and known != identity and not new_identity:
        raise RefusedError(
            "Not the server that was known",
            f"{origin} is now server {identity.server_id}, it was {known.server_id}.",
            f"If that is right: scribe login --new-identity {origin}",
        )


def pin(shell: Shell, origin: str, identity: Identity) -> None:
    """Expect this server at this address from now on."""
    with closing(Spool.open(shell.paths.spool_dir)) as spool:
        Identities(spool).pin(ServerTarget(origin, None), identity)
