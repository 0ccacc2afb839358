"""Making, listing and ending access tokens; works while a server runs on the same folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import click

from scribe_server.auth import Auth, TokenInfo
from scribe_server.config import ServerConfig
from scribe_server.errors import ConfigError, StartupError
from scribe_server.operations.flags import STORAGE_FLAGS, config_of, flags
from scribe_server.store.clock import now_ms
from scribe_server.store.database import Database, database_path
from scribe_server.store.store import refuse_empty_start

_DAY_MS: Final = 86_400_000
_LONGEST_NAME: Final = 200


@click.group()
def tokens() -> None:
    """Make, list and end access tokens."""


@tokens.command()
@flags(STORAGE_FLAGS)
@click.option("--user", required=True, help="Whose recordings the token opens.")
@click.option("--days", type=click.IntRange(1, 36_500), help="Ends after so many days.")
def create(user: str, days: int | None, **values: Any) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    name = user.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError("--user must be a name of 1 to 200 printable characters.")
    expires_at = None if days is None else now_ms() + days * _DAY_MS
    with _auth(config_of(values)) as auth:
        click.echo(auth.create_token(name, expires_at=expires_at))


@tokens.command(name="list")
@flags(STORAGE_FLAGS)
def list_tokens(**values: Any) -> None:
    """Show all tokens: number, user, when made and last seen, state."""
    with _auth(config_of(values)) as auth:
        for token in auth.list_tokens():
            seen = "never seen" if token.last_seen is None else f"seen {_day(token.last_seen)}"
            made = f"made {_day(token.created_at)}"
            click.echo(f"{token.id}\t{token.user}\t{made}\t{seen}\t{state(token, now_ms())}")


@tokens.command()
@flags(STORAGE_FLAGS)
@click.argument("number", type=int)
def revoke(number: int, **values: Any) -> None:
    """End the token with this number; connections that are open stay so until they end."""
    with _auth(config_of(values)) as auth:
        if not auth.revoke_token_by_id(number):
            raise ConfigError(f"There is no valid token with the number {number}.")
    click.echo(f"Token {number} is ended.")


def state(token: TokenInfo, now: int) -> str:
    """Whether a token opens anything now."""
    if token.revoked_at is not None:
        return f"ended {_day(token.revoked_at)}"
    if token.expires_at is None:
        return "valid"
    word = "expired" if token.expires_at <= now else "valid until"
    return f"{word} {_day(token.expires_at)}"


def _day(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d")


@contextmanager
def _auth(config: ServerConfig) -> Iterator[Auth]:
    """Tokens by way of the database alone: the folder's lock is the running server's."""
    path = database_path(config.data_dir, config.database_url)
    refuse_empty_start(path, config.storage_dir / "segments")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"The data folder cannot be made: {error}", "Choose another --data-dir."
        ) from error
    database = Database.open(path)
    try:
        yield Auth(database, "token", now_ms)
    finally:
        database.close()
