"""A named point at which a process ends: a function of the product, and when in its life.

The product knows nothing of this. A point wraps the function by its name in the process that is
to die, which then leaves with os._exit: nothing is flushed, closed or rolled back.
"""

import inspect
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

CRASHED = 86
"""The exit code of a process that ended at its point."""
FIRED = "fired"


class When(StrEnum):
    """Where in a call the process ends."""

    BEFORE = "before"
    AFTER = "after"
    AT_END = "at-end"
    """Of a context manager: its body is done, its own end (say, the commit) is not."""
    TORN = "torn"
    """Half of the bytes that it was given have been dealt with."""


class Life(StrEnum):
    """What a process does that is to die."""

    RECORD = "record"
    RECOVER = "recover"
    CLIENT = "client"
    SERVER = "server"
    SALVAGE = "salvage"
    REBUILD = "rebuild"
    MEND = "mend"
    LIVE_CLIENT = "live client"
    LIVE_SERVER = "live server"


@dataclass(frozen=True)
class Point:
    """Where a process ends.

    Attributes:
        name: what has happened, and what has not.
        life: which process.
        target: `module:function` or `module:Class.method`, as the caller looks it up.
        when: where in the call.
        nth: in which of its calls.
        within: counts only calls that are made inside a call of this one, on the same thread.
        after: the point at which the process before it ended, for what only a crash brings about.
        between: what befalls the server's folder before the process is started.
        at_first_start: there is no database yet; else both sides begin with empty ones.
    """

    name: str
    life: Life
    target: str
    when: When
    nth: int = 1
    within: str = ""
    after: str = ""
    between: str = ""
    at_first_start: bool = False


def resolve(target: str) -> tuple[Any, str]:
    """The owner of a function and the function's name in it.

    Raises:
        AttributeError: there is none of that name any more.
    """
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    found = inspect.getattr_static(owner, name)
    if isinstance(found, staticmethod | classmethod):
        raise TypeError(f"{target} is no plain function")
    return owner, name


def arm(point: Point, folder: Path) -> None:
    """Let this process end at the point, leaving its name in the folder's file FIRED."""
    calls = 0
    is_inside = _watch(point.within) if point.within else lambda: True
    owner, name = resolve(point.target)
    original = getattr(owner, name)

    def is_due() -> bool:
        nonlocal calls
        if not is_inside():
            return False
        calls += 1
        return calls == point.nth

    setattr(owner, name, _wrapped(original, point.when, is_due, lambda: end(folder, point.name)))


def end(folder: Path, name: str) -> None:
    """End this process at once."""
    descriptor = os.open(folder / FIRED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{name}\n".encode())
    os._exit(CRASHED)


def _watch(target: str) -> Callable[[], bool]:
    """Whether this thread is inside a call of the function."""
    depth = threading.local()
    owner, name = resolve(target)
    original = getattr(owner, name)

    @wraps(original)
    def watched(*arguments: Any, **options: Any) -> Any:
        depth.now = getattr(depth, "now", 0) + 1
        try:
            return original(*arguments, **options)
        finally:
            depth.now -= 1

    setattr(owner, name, watched)
    return lambda: getattr(depth, "now", 0) > 0


def _wrapped(
    original: Callable[..., Any], when: When, is_due: Callable[[], bool], die: Callable[[], None]
) -> Callable[..., Any]:
    if when is When.AT_END:
        return _manager(original, is_due, die)
    if inspect.iscoroutinefunction(original):
        return _coroutine(original, when, is_due, die)

    @wraps(original)
    def call(*arguments: Any, **options: Any) -> Any:
        due = is_due()
        if due and when is When.BEFORE:
            die()
        if due and when is When.TORN:
            original(*_torn(arguments), **options)
            die()
        given = original(*arguments, **options)
        if due:
            die()
        return given

    return call


def _coroutine(
    original: Callable[..., Any], when: When, is_due: Callable[[], bool], die: Callable[[], None]
) -> Callable[..., Any]:
    @wraps(original)
    async def call(*arguments: Any, **options: Any) -> Any:
        due = is_due()
        if due and when is When.BEFORE:
            die()
        given = await original(*arguments, **options)
        if due:
            die()
        return given

    return call


def _manager(
    original: Callable[..., AbstractContextManager[Any]],
    is_due: Callable[[], bool],
    die: Callable[[], None],
) -> Callable[..., AbstractContextManager[Any]]:
    @contextmanager
    @wraps(original)
    def manage(*arguments: Any, **options: Any) -> Iterator[Any]:
        due = is_due()
        with original(*arguments, **options) as given:
            yield given
            if due:
                die()

    return manage


def _torn(arguments: tuple[Any, ...]) -> list[Any]:
    """The arguments with half of their bytes (of a list of bytes: of all of them together)."""
    place = next(n for n, each in enumerate(arguments) if isinstance(each, bytes | list))
    data = arguments[place]
    whole = data if isinstance(data, bytes) else b"".join(data)
    half = whole[: len(whole) // 2]
    torn = list(arguments)
    torn[place] = half if isinstance(data, bytes) else [half]
    return torn
