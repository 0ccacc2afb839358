"""`scribe verify`: a recording, or a receipt in a file, against the server's signature."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from scribe_desktop.cli.screen import Screen, clock_text, parts
from scribe_desktop.cli.shell import Shell, json_option, open_shell, server_options
from scribe_desktop.config import LOCAL
from scribe_desktop.errors import RefusedError, UsageError
from scribe_desktop.library.receipts import Verification, verify_receipt, verify_session
from scribe_desktop.library.sessions import find_session
from scribe_server.protocol import Receipt, to_wire


@click.command("verify", help="Check the recording whose id begins so, or a receipt in a file.")
@click.argument("what", metavar="ID|RECEIPT-FILE")
@click.option("--key", metavar="HEX", help="The server's public receipt key, for a file.")
@server_options
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str],
    *,
    what: str,
    key: str | None,
    server: str | None,
    insecure: bool,
    as_json: bool,
) -> int:
    """Prove a delivery, from what is on this computer."""
    shell = open_shell(environ, server=server, insecure=insecure)
    screen = Screen(as_json=as_json)
    file = Path(what)
    if file.is_file():
        return _verify_file(shell, screen, file, key)
    return _verify_session(shell, screen, what)


def _verify_session(shell: Shell, screen: Screen, prefix: str) -> int:
    with shell.reading() as spool:
        if spool is None:
            raise UsageError("No such recording", "There are no recordings yet.")
        session = find_session(spool.sessions(), prefix)
        found = verify_session(spool, session.session_id)
    screen.result(
        {
            "sessionId": found.session_id,
            "proven": found.proven,
            "problems": list(found.problems),
            "chunks": found.chunks,
            "chunksChecked": found.chunks_checked,
            "receipt": None if found.receipt is None else to_wire(found.receipt),
        }
    )
    if found.receipt is None or found.problems:
        raise RefusedError(
            "Not proven", " ".join(found.problems) or "There is no receipt.",
            "What has no receipt yet is sent by: scribe sync --once",
        )  # fmt: skip
    screen.say(words_of(found, found.receipt))
    return 0


def words_of(found: Verification, receipt: Receipt) -> str:
    """What was proven, for people."""
    length = f"{parts(receipt.chunks)}, {clock_text(receipt.total_samples)}, {receipt.bytes} bytes"
    checked = f"{found.chunks_checked} of {found.chunks} are here and were hashed again"
    return f"Proven: server {receipt.server_id} has signed for {length}; {checked}."


def _verify_file(shell: Shell, screen: Screen, file: Path, key: str | None) -> int:
    text, session_id = read_receipt_file(file)
    chosen = key or _known_key(shell, session_id) or _asked_key(shell, text)
    receipt = verify_receipt(text, chosen)
    screen.result({"sessionId": receipt.session_id, "proven": True, "receipt": to_wire(receipt)})
    screen.say(
        f"The signature holds: server {receipt.server_id} has {parts(receipt.chunks)}, "
        f"{clock_text(receipt.total_samples)}, of {receipt.session_id}."
    )
    return 0


def read_receipt_file(file: Path) -> tuple[str, str]:
    """A receipt's JSON text and its session's id; the output of `record --json` will do as well.

    Raises:
        UsageError: it holds no receipt.
    """
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found.get("receipt"), dict):
            found = found["receipt"]
        return json.dumps(found), str(found["sessionId"])
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise UsageError(
            "Not a receipt", f"{file} holds no receipt ({error}).", "Give a session's id instead."
        ) from error


def _known_key(shell: Shell, session_id: str) -> str | None:
    with shell.reading() as spool:
        stored = None if spool is None else spool.receipt(session_id)
    return None if stored is None else stored.public_key


def _asked_key(shell: Shell, text: str) -> str:
    from scribe_desktop.server_api import ServerApi, blocking

    server = shell.settings.server
    if server in {"", LOCAL}:
        raise UsageError(
            "Key is missing", "This receipt is of a session that is not on this computer.",
            "Name its server with --server, or its key with --key.",
        )  # fmt: skip
    wanted = json.loads(text).get("keyId")
    keys = blocking(ServerApi(server, None, insecure=shell.settings.insecure).keys())
    for known in keys.keys:
        if known.key_id == wanted:
            return known.public_key
    raise RefusedError("Not proven", f"{server} does not know the key {wanted}.")
