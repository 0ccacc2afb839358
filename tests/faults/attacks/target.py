"""The server under attack: where it is, who may enter, and how it fares."""

from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from tests.parts.processes import wait_until
from tests.parts.rest import rest

SETTLED_S = 20
KEPT = 8
"""Descriptors of the connections to the database that are made when they are needed first."""
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Target:
    """A running server.

    Attributes:
        url: where it is.
        pid: of its process.
        good: the token of somebody who is to be served whatever happens.
        bad: the token of another user, who attacks.
        dead: tokens that were valid once: expired, ended.
        log: all that it has logged so far.
    """

    url: str
    pid: int
    good: str
    bad: str
    dead: tuple[str, ...] = ()
    log: Callable[[], str] = field(default=str)


@dataclass(frozen=True)
class Health:
    """What the process holds: bytes of memory, open descriptors, signed-in sockets."""

    memory: int
    descriptors: int
    sockets: int

    @classmethod
    def of(cls, target: Target) -> "Health":
        """Just now."""
        process = psutil.Process(target.pid)
        ready = rest(target.url, "/readyz").json
        return cls(process.memory_info().rss, process.num_fds(), ready["sockets"])


def settled(target: Target, before: Health) -> Health:
    """How it fares once everything is let go of that the attack had taken.

    Raises:
        AssertionError: descriptors or sockets stay behind.
    """

    def found() -> Health | None:
        now = Health.of(target)
        back = now.descriptors <= before.descriptors + KEPT and now.sockets <= before.sockets
        return now if back else None

    what = f"descriptors and sockets as before ({before})"
    after = wait_until(found, timeout_s=SETTLED_S, what=what)
    assert after is not None
    return after
