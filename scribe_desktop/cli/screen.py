"""What a command shows: one moving line on a terminal, plain lines otherwise, or JSON."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

PLAIN_EVERY_S: Final = 5.0

Show = Callable[[str, int, int], None]
"""Shows words, and how many of how many are done (0 of 0: unknown)."""


def clock_text(samples: int, rate: int = 48_000) -> str:
    """A length as people read it: `12:41` or `1:02:03`."""
    seconds = samples // rate
    hours, rest = divmod(seconds, 3600)
    text = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{text}" if hours else text


def parts(count: int) -> str:
    """`1 part`, `3 parts`."""
    return "1 part" if count == 1 else f"{count} parts"


class Screen:
    """Words for people go to stdout, or to stderr when stdout carries JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, text: str) -> None:
        """One line for people."""
        click.echo(text, err=self.as_json)

    def result(self, value: Any) -> None:
        """The JSON that was asked for, on one line."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False))

    @contextmanager
    def progress(self) -> Iterator[Show]:
        """Show progress: a bar when stderr is a terminal, else a line every few seconds."""
        if not sys.stderr.isatty():
            yield self._plain()
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=None)

            def show(text: str, done: int, total: int) -> None:
                bar.update(task, description=text, completed=done, total=total or None)

            yield show

    def _plain(self) -> Show:
        told, at = "", time.monotonic()

        def show(text: str, done: int, total: int) -> None:
            nonlocal told, at
            if text != told and time.monotonic() - at >= PLAIN_EVERY_S:
                self.say(f"{text} ({done} of {total})" if total else text)
                told, at = text, time.monotonic()

        return show
