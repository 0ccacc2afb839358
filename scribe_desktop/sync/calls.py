"""One connection at a time: dialling, the conversation on it, silence, and hanging up."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from scribe_desktop.errors import ScribeError
from scribe_desktop.server_api import ServerApi
from scribe_desktop.spool import Spool
from scribe_desktop.sync.complaints import Complaints
from scribe_desktop.sync.conversation import Conversation
from scribe_desktop.sync.dialling import Line, Welcomed, dial, present_identity
from scribe_desktop.sync.events import Event, Facts, Key, Linked, Unlinked
from scribe_desktop.sync.identity import Identities
from scribe_desktop.sync.link import ConnectionFactory, NoWebSocketError, Patience
from scribe_desktop.sync.talk import Talk
from scribe_desktop.sync.target import ServerTarget
from scribe_desktop.sync.tasks import Tasks
from scribe_desktop.sync.timers import Timers
from scribe_desktop.sync.watchdog import Look, Verdict, Watchdog
from scribe_server import protocol

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom the calls tell: the machine, and those who want to know."""

    apply: Callable[[Event], None]
    facts: Callable[[], Facts]
    changed: Callable[[str], None]
    note: Callable[[str], None]
    failed: Callable[[BaseException], None]
    answered: Callable[[Conversation], None]


class Calls:
    """Makes connections on demand and forgets everything about one when it ends."""

    def __init__(
        self,
        spool: Spool,
        tasks: Tasks,
        listener: Listener,
        *,
        make_connection: ConnectionFactory,
        device_id: str,
        clock: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._spool = spool
        self._tasks = tasks
        self._listener = listener
        self._make_connection = make_connection
        self._device_id = device_id
        self._clock = clock
        self._new_id = new_id
        self._line: Line | None = None
        self._watchdog = Watchdog()
        self._complaints = Complaints(lambda: asyncio.get_running_loop().time())
        self._try_polling = False
        self.identities = Identities(spool)
        self.timers = Timers()
        self.conversation: Conversation | None = None

    def connect(self, target: ServerTarget, patience: Patience) -> None:
        """Begin an attempt; Linked follows, or `failed` with the reason."""
        self._line = Line(self._make_connection, self._went_down)
        self._tasks.spawn(self._dial(self._line, target, patience), "sync-dial")

    def hang_up(self) -> None:
        """End the connection, if there is one, and everything that belonged to it."""
        line, self._line = self._line, None
        self.conversation = None
        self.timers.cancel()
        if line is not None:
            self._tasks.spawn(line.connection.close(), "sync-close")

    def cut(self) -> None:
        """Shut the socket down at once: the other side has gone silent."""
        if self._line is not None:
            self._line.connection.cut()
            self._went_down(self._line)

    def fill(self, slots: int) -> frozenset[Key]:
        """Send up to `slots` chunks; which ones were sent."""
        return frozenset() if self.conversation is None else self.conversation.fill(slots)

    def woken(self) -> None:
        """Something is new in the spool."""
        if self.conversation is not None:
            self.conversation.woken()

    def confirm(self, session_ids: Collection[str], tell: Callable[[frozenset[str]], None]) -> None:
        """Ask the server which of these sessions it holds, and tell; none when nobody answers."""
        if self.conversation is None:
            tell(frozenset())
        else:
            self._tasks.spawn(self._confirm(self.conversation, session_ids, tell), "sync-confirm")

    def watch(self, now_s: float) -> None:
        """Look whether the other side still lives."""
        if self._line is None or self.conversation is None:
            return
        progress = self._line.connection.progress()
        verdict = self._watchdog.look(
            Look(
                now_s=now_s,
                received=progress.received,
                confirmed=progress.confirmed,
                answers=self.conversation.answers,
                due=self.conversation.is_answer_due,
                held=not self._listener.facts().open,
            )
        )
        if verdict is Verdict.CUT:
            self.cut()
        elif verdict is Verdict.ASK:
            self.conversation.ask_for_life()

    async def offer_identity(self, target: ServerTarget) -> None:
        """Remember who answers at the target now, for the person to accept."""
        self.identities.offer(target, await present_identity(target))

    async def _dial(self, line: Line, target: ServerTarget, patience: Patience) -> None:
        polling, self._try_polling = self._try_polling, False
        try:
            welcomed = await dial(
                line, target, self._device_id, self.identities, patience, polling=polling
            )
        except ScribeError as error:
            self._try_polling = isinstance(error, NoWebSocketError)
            if line is self._line:
                self.hang_up()
                self._listener.failed(error)
            return
        if line is self._line:
            self._converse(line, target, welcomed)
        else:
            await line.connection.close()

    def _converse(self, line: Line, target: ServerTarget, welcomed: Welcomed) -> None:
        api = ServerApi(target.origin, target.token, insecure=target.insecure)
        talk = Talk(
            spool=self._spool,
            target=target,
            identity=welcomed.identity,
            send=lambda event, payload: line.connection.send(event, protocol.to_wire(payload)),
            apply=self._listener.apply,
            facts=self._listener.facts,
            changed=self._listener.changed,
            note=self._listener.note,
            later=self.timers.later,
            clock=self._clock,
            now_s=asyncio.get_running_loop().time,
            new_id=self._new_id,
            complaints=self._complaints,
        )
        self._watchdog = Watchdog()
        conversation = self.conversation = Conversation(talk, api.chunks)
        self._listener.apply(Linked(welcomed.welcome.window, welcomed.welcome.can_accept))
        line.listen(lambda name, data: self._on_event(line, name, data))
        self._tasks.spawn(self._check_books(line, conversation), "sync-check-books")

    async def _check_books(self, line: Line, conversation: Conversation) -> None:
        try:
            await conversation.check_books()
        except TimeoutError:
            if line is self._line:
                self.cut()

    async def _confirm(
        self,
        conversation: Conversation,
        session_ids: Collection[str],
        tell: Callable[[frozenset[str]], None],
    ) -> None:
        found: frozenset[str] = frozenset()
        try:
            found = await conversation.confirm(session_ids)
        except TimeoutError:
            log.warning("the server did not say what it holds of %d sessions", len(session_ids))
        finally:
            # The answer of a connection that has ended since may be of another server by now.
            tell(found if conversation is self.conversation else frozenset())

    def _on_event(self, line: Line, name: str, data: Any) -> None:
        if line is not self._line or self.conversation is None:
            return
        conversation = self.conversation
        try:
            conversation.handle(name, data)
        except Exception as error:  # noqa: BLE001 - raised further, it would end in a library's task
            self._listener.failed(error)
        else:
            self._listener.answered(conversation)

    def _went_down(self, line: Line) -> None:
        if line is self._line:
            self.hang_up()
            self._listener.apply(Unlinked())
