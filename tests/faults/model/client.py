"""The real spool, machine and conversation of a desktop, with the wire in the drill's hand."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from scribe_desktop.spool import Spool
from scribe_desktop.sync import events
from scribe_desktop.sync.books import ListChunks
from scribe_desktop.sync.complaints import Complaints
from scribe_desktop.sync.conversation import Conversation
from scribe_desktop.sync.identity import Identity
from scribe_desktop.sync.machine import step
from scribe_desktop.sync.talk import Talk
from scribe_desktop.sync.target import ServerTarget
from scribe_server import protocol
from scribe_server.protocol import Event, Payload

WINDOW = 4
TARGET = ServerTarget("http://127.0.0.1:1", "token")


class DiedError(BaseException):
    """The client's process ended here."""


class MortalSpool(Spool):
    """A spool whose process can die right after one of its commits."""

    dies_after = 0
    """How many commits it has left; 0: it lives on."""

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with super()._writing() as connection:
            yield connection
        if self.dies_after:
            self.dies_after -= 1
            if self.dies_after == 0:
                raise DiedError


class ModelClient:
    """What sync does, one step at a time; `out` takes what goes to the wire."""

    def __init__(
        self,
        folder: Path,
        loop: asyncio.AbstractEventLoop,
        identity: Callable[[], Identity],
        list_chunks: ListChunks,
        spool_class: type[MortalSpool] = MortalSpool,
    ) -> None:
        self._folder = folder
        self._loop = loop
        self._identity = identity
        self._list_chunks = list_chunks
        self._spool_class = spool_class
        self._copies = 0
        self.now_s = 1_000.0
        self.crashes = 0
        self.books_compared = 0
        """How often the answer to a sync-check was taken in."""
        self._begin()

    def _begin(self) -> None:
        self.spool = self._spool_class.open(self._folder, clock=self._clock)
        self.spool.dies_after = 0
        self.out: list[tuple[Event, Payload]] = []
        self.conversation: Conversation | None = None
        self._facts = events.Facts(enabled=True)
        self._queue: deque[events.Event] = deque()
        self._timers: list[Callable[[], None]] = []
        self._books: asyncio.Task[None] | None = None

    # --------------------------------------------------------------------- connection

    @property
    def is_connected(self) -> bool:
        return self.conversation is not None

    def connect(self) -> None:
        """A new connection was welcomed."""
        self._facts = events.Facts(enabled=True, link=events.Link.CONNECTING)
        talk = Talk(
            spool=self.spool,
            target=TARGET,
            identity=self._identity(),
            send=lambda event, payload: self.out.append((event, payload)),
            apply=self._apply,
            facts=lambda: self._facts,
            changed=lambda _: None,
            note=lambda _: None,
            later=lambda _, callback: self._timers.append(callback),
            clock=self._clock,
            now_s=lambda: self.now_s,
            new_id=self._new_id,
            complaints=Complaints(lambda: self.now_s),
        )
        self.conversation = Conversation(talk, self._list_chunks)
        self._apply(events.Linked(WINDOW, can_accept=True))
        self.woken()
        self._books = self._loop.create_task(self.conversation.check_books())
        self._turn()

    def disconnect(self) -> None:
        """The connection is gone, and all that was on its way to us."""
        self.conversation = None
        self._timers.clear()
        if self._books is not None:
            self._books.cancel()
            self._turn()
            self._books = None
        self._apply(events.Unlinked())

    def take(self, event: Event, payload: Payload) -> None:
        """Something arrived."""
        if self.conversation is not None:
            self.conversation.handle(event, protocol.to_wire(payload))
            self._turn()

    def woken(self) -> None:
        """Something is new in the spool."""
        self._apply(events.Counted(self.spool.pending()))
        if self.conversation is not None:
            self.conversation.woken()

    def wait(self) -> None:
        """Let so much time pass that every timer is due."""
        self.now_s += 100
        due, self._timers = self._timers, []
        for callback in due:
            callback()
        self.woken()

    def begin_to_confirm(self, session_id: str) -> "asyncio.Task[frozenset[str]]":
        """Ask the server whether it holds a session, as is done before its audio goes."""
        assert self.conversation is not None
        asking = self._loop.create_task(self.conversation.confirm([session_id]))
        self._turn()
        return asking

    def end_confirming(self, asking: "asyncio.Task[frozenset[str]]") -> frozenset[str]:
        """What the server has said by now."""
        asking.cancel()
        self._turn()
        return frozenset() if asking.cancelled() else asking.result()

    # -------------------------------------------------------------------------- fates

    @contextmanager
    def mortal(self, commits: int) -> Iterator[None]:
        """Die after so many commits (0: never), or at the end when there were fewer."""
        self.spool.dies_after = commits
        try:
            yield
        except DiedError:
            self.crash()
        else:
            if commits:
                self.crash()

    def crash(self) -> None:
        """Lose everything but the disk."""
        self.crashes += 1
        self.conversation = None
        if self._books is not None:
            self._books.cancel()
            self._turn()
        self.spool.close()
        self._begin()

    def close(self) -> None:
        if self.is_connected:
            self.disconnect()
        self.spool.close()

    # ------------------------------------------------------------------------ private

    def _apply(self, event: events.Event) -> None:
        self._queue.append(event)
        if len(self._queue) > 1:
            return
        try:
            while self._queue:
                self._facts, commands = step(self._facts, self._queue[0])
                for command in commands:
                    self._execute(command)
                self._queue.popleft()
        finally:
            self._queue.clear()

    def _execute(self, command: events.Command) -> None:
        match command:
            case events.Send(slots) if self.conversation is not None:
                if keys := self.conversation.fill(slots):
                    self._apply(events.Sent(keys))
            case events.ArmProbe():
                self._timers.append(lambda: self._apply(events.ProbeDue()))
            case events.ArmDeferral(key):
                self._timers.append(lambda: self._apply(events.DeferralDue(key)))
            case events.Disconnect():
                self.disconnect()

    def _turn(self) -> None:
        """Let the comparing of the books go on as far as it can."""

        async def some() -> None:
            for _ in range(20):
                await asyncio.sleep(0)

        self._loop.run_until_complete(some())
        books = self._books
        if books is not None and books.done():
            self._books = None
            if not books.cancelled():
                books.result()
                self.books_compared += 1

    def _clock(self) -> int:
        return int(self.now_s * 1000)

    def _new_id(self) -> str:
        self._copies += 1
        return f"cccccccc-cccc-4ccc-8ccc-{self._copies:012d}"


def identity_of(keys: Any) -> Identity:
    """The identity that the server's own document states."""
    return Identity.of(keys)
