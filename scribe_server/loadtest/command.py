"""The command `python -m scribe_server loadtest`: its options, and what it says at the end."""

import asyncio
import re
import secrets
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from scribe_server.loadtest import report
from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.material import SMALLEST_CHUNK_BYTES
from scribe_server.loadtest.options import OVERLOAD_SESSIONS, Options, Scenario
from scribe_server.loadtest.plan import DEFAULT_CHUNKS, Pace, Plan
from scribe_server.loadtest.run import run
from scribe_server.loadtest.screen import LiveScreen, PlainScreen, Screen
from scribe_server.loadtest.verify import Bodies
from scribe_server.loadtest.words import closing_words
from scribe_server.protocol import MAX_CHUNK_BYTES, MAX_SEQUENCE

_INTERRUPTED: Final = 130
_PACES: Final = {
    "fast": Pace.FAST,
    "realtime": Pace.REALTIME,
    "flood": Pace.FLOOD,
}


@click.command()
@click.option(
    "--chunks",
    type=click.IntRange(1, MAX_SEQUENCE + 1),
    help="Chunks of each session; 120 is an hour.",
)
@click.option("--sessions", type=click.IntRange(1, 100_000), help="Recorders at the same time (1).")
@click.option("--seconds", type=click.FloatRange(0.1), help="End the load after so long.")
@click.option("--fast", is_flag=True, help="A chunk each 100 ms instead of each second.")
@click.option("--realtime", is_flag=True, help="A chunk each 30 s, as a recorder makes them.")
@click.option("--flood", is_flag=True, help="The next chunk as soon as the window allows.")
@click.option("--rate", type=click.FloatRange(0.01), help="Chunks a second, all sessions together.")
@click.option("--user-id", "--userId", "user_id", metavar="ID", help="Whose sessions they are.")
@click.option("--url", help="A running server; without it one is started and removed afterwards.")
@click.option("--token", envvar="SCRIBE_TOKEN", show_envvar=True, help="Opens the server at --url.")
@click.option("--server-pid", type=click.IntRange(1), help="The process of the server at --url.")
@click.option("--synthetic", is_flag=True, help="Random bytes instead of encoded speech.")
@click.option("--chunk-kb", type=click.FloatRange(0.3), help="Size of a synthetic chunk (100).")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option(
    "--connect-rate",
    type=click.FloatRange(1),
    default=500,
    show_default=True,
    help="Connections made a second at the start.",
)
@click.option(
    "--drain",
    "drain_s",
    type=click.FloatRange(1),
    default=60,
    show_default=True,
    help="Give up after so many seconds without an acknowledgement.",
)
@click.option("--receipts/--no-receipts", default=True, help="Ask for signed receipts at the end.")
@click.option("--drop-network", is_flag=True, help="Cut each connection three times, and resume.")
@click.option("--overload", is_flag=True, help="An own server with a slow disk; clients that push.")
@click.option("--replay", is_flag=True, help="Send each fifth chunk twice.")
@click.option(
    "--reconnect-herd",
    "herd",
    type=click.IntRange(1),
    metavar="N",
    help="Cut N connections at the same moment.",
)
@click.option(
    "--verify",
    "bodies",
    type=click.Choice([b.value for b in Bodies]),
    default=Bodies.SAMPLE.value,
    show_default=True,
    help="Bodies downloaded at the end.",
)
@click.option("--max-p99", type=click.FloatRange(0), metavar="MS", help="Highest p99 allowed.")
@click.option("--max-rss", type=click.FloatRange(0), metavar="MB", help="Most memory allowed.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the report goes (perf-report-<time>.json).",
)
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A page with plots as well.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeats what is left to chance.")
def loadtest(**values: Any) -> None:
    """Put a server under load like many recorders, and prove that it lost nothing."""
    options = options_of(values)
    screen: Screen = LiveScreen() if sys.stderr.isatty() else PlainScreen(_say)
    try:
        found = asyncio.run(_until_told(options, screen))
    except LoadtestError as error:
        raise click.ClickException(error.message) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("Stopped: there is no report.", err=True)
        sys.exit(_INTERRUPTED)
    _write_reports(found, options)
    for line in closing_words(found):
        click.echo(line)
    sys.exit(0 if found.passed else 1)


def options_of(values: dict[str, Any]) -> Options:
    """The options of a command line, checked together.

    Raises:
        click.UsageError: they do not go together.
    """
    scenario = Scenario(
        drop_network=values["drop_network"],
        overload=values["overload"],
        replay=values["replay"],
        herd=values["herd"] or 0,
    )
    _check_together(values)
    if values["html_file"] is not None:
        _need_plots()
    return Options(
        plan=_plan(values),
        scenario=scenario,
        url=None if values["url"] is None else values["url"].rstrip("/"),
        token=values["token"] if values["url"] is not None else None,
        user_id=values["user_id"],
        server_pid=values["server_pid"],
        chunk_bytes=_chunk_bytes(values),
        processes=values["processes"],
        connects_per_s=values["connect_rate"],
        drain_s=values["drain_s"],
        receipts=values["receipts"],
        bodies=Bodies(values["bodies"]),
        max_p99_ms=values["max_p99"],
        max_rss_mb=values["max_rss"],
        json_file=values["json_file"],
        html_file=values["html_file"],
    )


def _check_together(values: dict[str, Any]) -> None:
    url = values["url"]
    if url is not None and not re.fullmatch(r"https?://[^/\s]+/?", url):
        raise click.UsageError("--url must be an address such as http://127.0.0.1:8765.")
    if url is not None and values["overload"]:
        raise click.UsageError("--overload slows its own server down: leave --url out.")
    if values["server_pid"] is not None and url is None:
        raise click.UsageError("--server-pid belongs to --url.")
    if values["max_rss"] is not None and url is not None and values["server_pid"] is None:
        raise click.UsageError("--max-rss needs --server-pid: whose memory is it?")
    if values["chunk_kb"] is not None and not values["synthetic"]:
        raise click.UsageError("--chunk-kb needs --synthetic: speech has the size that it has.")
    if values["herd"] and values["sessions"] and values["herd"] > values["sessions"]:
        raise click.UsageError("--reconnect-herd cannot be more than --sessions.")


def _plan(values: dict[str, Any]) -> Plan:
    chosen = [pace for name, pace in _PACES.items() if values[name]]
    if values["rate"] is not None:
        chosen.append(Pace.RATE)
    if len(chosen) > 1:
        raise click.UsageError("Choose one of --fast, --realtime, --flood and --rate.")
    default = Pace.FLOOD if values["overload"] else Pace.NORMAL
    pace = chosen[0] if chosen else default
    sessions = values["sessions"] or values["herd"]
    if sessions is None:
        sessions = OVERLOAD_SESSIONS if values["overload"] else 1
    chunks = values["chunks"]
    if chunks is None and values["seconds"] is None:
        chunks = DEFAULT_CHUNKS
    seed = values["seed"]
    return Plan(
        sessions=sessions,
        pace=pace,
        chunks=chunks,
        seconds=values["seconds"],
        rate=values["rate"],
        seed=secrets.randbelow(2**31) if seed is None else seed,
    )


def _chunk_bytes(values: dict[str, Any]) -> int | None:
    if not values["synthetic"]:
        return None
    size = int((values["chunk_kb"] or 100) * 1000)
    if not SMALLEST_CHUNK_BYTES <= size <= MAX_CHUNK_BYTES:
        raise click.UsageError(f"--chunk-kb may be {MAX_CHUNK_BYTES // 1000} at most.")
    return size


def _need_plots() -> None:
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        raise click.UsageError(
            "--html needs matplotlib: install it with pip install 'scribe-recorder[loadtest]'"
        )


async def _until_told(options: Options, screen: Screen) -> report.Report:
    """Run, and clean up on SIGTERM as on Ctrl+C, also when a shell started us with it ignored."""
    task = asyncio.current_task()
    assert task is not None
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await run(options, screen)


def _write_reports(found: report.Report, options: Options) -> None:
    file = options.json_file
    if file is None:
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        file = Path(f"perf-report-{stamp}.json")
    try:
        file.write_bytes(report.encode(found))
        click.echo(f"Report: {file}", err=True)
        if options.html_file is not None:
            from scribe_server.loadtest.html import page

            options.html_file.write_text(page(found), encoding="utf-8")
            click.echo(f"Page: {options.html_file}", err=True)
    except OSError as error:
        raise click.ClickException(f"The report cannot be written: {error}") from error


def _say(words: str) -> None:
    click.echo(words, err=True)
