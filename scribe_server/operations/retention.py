"""`retention`: moving what is due by hand, what it did and could not do, holds, restoring."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click
import msgspec

from scribe_server.config import ServerConfig
from scribe_server.errors import ConfigError, StartupError
from scribe_server.media.cache import AudioCache
from scribe_server.operations.flags import RETENTION_FLAGS, STORAGE_FLAGS, config_of, flags
from scribe_server.retention.clock import uptime_ms
from scribe_server.retention.policy import Rules
from scribe_server.retention.report import (
    RunReport,
    StatusReport,
    planned_report,
    run_lines,
    run_report,
    status_lines,
    status_report,
)
from scribe_server.retention.requests import RunRequest, ask, is_waiting, withdraw
from scribe_server.retention.restoring import ColdError, restore
from scribe_server.retention.run import Retention, doubt, plan
from scribe_server.retention.runs import newest_run, owner_of, set_hold
from scribe_server.store import Store, open_database
from scribe_server.store.archives.opening import place_of
from scribe_server.store.clock import now_ms
from scribe_server.store.database import Database
from scribe_server.store.lock import FolderLock

EXIT_FAILED: Final = 1
_WAIT_S: Final = 1.0


@click.group()
def retention() -> None:
    """Move old recordings to archives, and see what became of them."""


@retention.command(name="run")
@flags({**STORAGE_FLAGS, **RETENTION_FLAGS})
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--yes-the-clock-is-right", "clock_is_right", is_flag=True, help="Move although it jumped."
)
@click.pass_context
def run_now(
    ctx: click.Context, /, *, dry_run: bool, as_json: bool, clock_is_right: bool, **values: Any
) -> None:
    """Move everything that is due; a server that runs on the folder does it itself.

    Exit code 0: done, 1: refused, or some sessions could not be moved.
    """
    config = _existing(values)
    if dry_run:
        report = _plan(config, clock_is_right=clock_is_right)
    else:
        report = _run(config, clock_is_right=clock_is_right)
    _tell(report, run_lines(report), as_json=as_json)
    if report.refused is not None or report.counts.failed:
        ctx.exit(EXIT_FAILED)


@retention.command()
@flags(STORAGE_FLAGS)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(*, as_json: bool, **values: Any) -> None:
    """Show what is hot, warm and cold, the last run, and what could not be moved."""
    config = _existing(values)
    with _database(config) as database, database.snapshot() as connection:
        report = status_report(connection, place_of(config.archive_storage_path).name)
    _tell(report, status_lines(report), as_json=as_json)


@retention.command()
@flags(STORAGE_FLAGS)
@click.option("--user", required=True, help="Whose session it is.")
@click.option("--release", is_flag=True, help="End the hold.")
@click.argument("session")
def hold(user: str, session: str, *, release: bool, **values: Any) -> None:
    """Keep a SESSION where it is, whatever its age, and let nobody delete it (legal hold)."""
    with _database(_existing(values)) as database, database.transaction() as connection:
        found = set_hold(connection, user, session.lower(), None if release else now_ms())
    if not found:
        raise ConfigError(f"{user!r} has no session {session}.")
    click.echo(f"Session {session} is {'held no more' if release else 'held'}.")


@retention.command(name="restore")
@flags(STORAGE_FLAGS)
@click.option("--user", required=True, help="Whose session it is.")
@click.argument("session")
def restore_session(user: str, session: str, **values: Any) -> None:
    """Bring an archived SESSION back to the hot store; it is archived again later."""
    config = _existing(values)
    with _store(config) as store:
        with store.database.snapshot() as connection:
            owner = owner_of(connection, user)
        try:
            done = asyncio.run(restore(store, owner, user, session.lower())) if owner else None
        except ColdError as error:
            raise ConfigError(f"The audio of session {session} was removed for good.") from error
    if done is None:
        raise ConfigError(f"{user!r} has no session {session}.")
    click.echo(f"Restored {done.chunks} chunks ({done.bytes} bytes) of session {session}.")


def _tell(report: RunReport | StatusReport, lines: list[str], *, as_json: bool) -> None:
    click.echo(msgspec.json.encode(report).decode() if as_json else "\n".join(lines))


def _existing(values: dict[str, Any]) -> ServerConfig:
    config = config_of(values)
    if not (config.storage_dir / "segments").is_dir():
        raise ConfigError(
            f"There is no Scribe server in {config.data_dir}: point --data-dir at its folder "
            "(and --storage-dir, when the chunks are elsewhere)."
        )
    return config


@contextmanager
def _database(config: ServerConfig) -> Iterator[Database]:
    database = open_database(config.data_dir, config.storage_dir, config.database_url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _store(config: ServerConfig) -> Iterator[Store]:
    """The folder's store.

    Raises:
        StartupError: a server is running on it.
    """
    store = Store.open(
        config.data_dir,
        config.storage_dir,
        config.database_url,
        now_ms,
        archives=place_of(config.archive_storage_path),
    )
    try:
        yield store
    finally:
        store.close()


def _plan(config: ServerConfig, *, clock_is_right: bool) -> RunReport:
    now = now_ms()
    with _database(config) as database, database.snapshot() as connection:
        refused = None if clock_is_right else doubt(connection, now, uptime_ms())
        return planned_report(plan(connection, Rules.of(config), now), now, refused)


def _run(config: ServerConfig, *, clock_is_right: bool) -> RunReport:
    if _is_served(config):
        return _ask(config, clock_is_right=clock_is_right)
    with _store(config) as store:
        audio = AudioCache(config.data_dir / "cache" / "audio")
        work = Retention(store, Rules.of(config), uptime_ms, audio.forget)
        try:
            asyncio.run(work.run(clock_is_right=clock_is_right))
        finally:
            work.stop()  # Ctrl+C does not wait for the session that is being written
        with store.database.snapshot() as connection:
            row = newest_run(connection)
            assert row is not None, "it has just ended"
            return run_report(connection, row)


def _is_served(config: ServerConfig) -> bool:
    try:
        FolderLock(config.data_dir).acquire().release()
    except StartupError:
        return True
    return False


def _ask(config: ServerConfig, *, clock_is_right: bool) -> RunReport:
    """Let the running server do it, by its own settings, and wait."""
    with _database(config) as database:
        with database.transaction() as connection:
            before = newest_run(connection)
            number = ask(connection, RunRequest(clock_is_right), now_ms())
        click.echo("A server is running on this folder: it does it now, by its settings", err=True)
        while _waits(database, number):
            time.sleep(_WAIT_S)
            if not _is_served(config):
                with database.transaction() as connection:
                    withdraw(connection, [number])
                raise StartupError("The server has ended meanwhile.", "Run the command again.")
        with database.snapshot() as connection:
            row = newest_run(connection)
            if row is None or row.ended_at is None or (before and before.id == row.id):
                raise StartupError("The server could not do it.", "Its log says why.")
            return run_report(connection, row)


def _waits(database: Database, number: int) -> bool:
    with database.snapshot() as connection:
        return is_waiting(connection, number)
