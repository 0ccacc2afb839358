"""A random walk over desktop, wire and server: every rule may happen at any time."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scribe_desktop.library.sessions import delete_confirmed_audio
from scribe_server.protocol import AudioChunk, ChunkAck, Event, StartSession
from tests.faults.model.client import ModelClient, MortalSpool, identity_of
from tests.faults.model.oracle import Oracle
from tests.faults.model.server import POINTS, Backup, Message, ModelServer
from tests.faults.model.wire import Wire
from tests.parts.filled_spool import chunk_bytes, new_chunk, new_session, session_id_of
from tests.parts.store import chunk_of

SESSIONS = st.integers(1, 3)
PLACES = st.integers(0, 5)
CHUNK_BYTES = 300
DELIVERY_POINTS = (*POINTS[:4], "after-commit", "")
ROUNDS_TO_CONVERGE = 40


def memory_folder() -> Path:
    """A fresh folder, in memory where there is such a place: nothing here tests a disk."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="scribe-walk-", dir=shared if shared.is_dir() else None))


class RandomWalk(RuleBasedStateMachine):
    """See reliability's invariants: they are checked after every step, and the end must converge.

    A planted bug replaces `spool_class`, or patches the product before the walk.
    """

    spool_class: type[MortalSpool] = MortalSpool
    seen: ClassVar[Counter[str]] = Counter()
    """What has happened in all walks: proof that the faults fired."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = memory_folder()
        self.loop = asyncio.new_event_loop()
        self.server = ModelServer(self.folder, self.loop)
        self.client = ModelClient(
            self.folder / "client",
            self.loop,
            lambda: identity_of(self.server.served.signer.keys()),
            self.server.chunks,
            self.spool_class,
        )
        self.oracle, self.wire = Oracle(), Wire()
        self.backup: Backup | None = None
        self.compared = 0

    # ------------------------------------------------------------------------ recording

    @rule(which=SESSIONS, dies=st.sampled_from([0, 0, 0, 1]))
    def record(self, which: int, dies: int) -> None:
        """The next chunk of a session is made; the process may end as soon as it is safe."""
        session_id = session_id_of(which)
        session = self.client.spool.session(session_id)
        if session is None:
            self.client.spool.create_session(new_session(session_id))
        elif session.ended_at is not None:
            return
        sequence = len(self.client.spool.chunks(session_id))
        chunk = new_chunk(session_id, sequence, size=CHUNK_BYTES)
        with self.client.mortal(dies):
            self.client.spool.add_chunk(chunk)
        self.oracle.promised[session_id, sequence] = chunk.data
        self._client_acted()

    @rule(which=SESSIONS)
    def stop(self, which: int) -> None:
        """A session ends: its manifest goes out when all is acked."""
        if self.client.spool.session(session_id_of(which)) is not None:
            self.client.spool.end_session(session_id_of(which), ended_at=9_000_000)
            self._client_acted()

    @rule(
        which=SESSIONS,
        chunks=st.integers(1, 3),
        ends=st.booleans(),
        steps=st.sampled_from([3, 4, 60, 5]),
        place=PLACES,
        dies_at=st.sampled_from(DELIVERY_POINTS),
    )
    def a_usual_hour(
        self, which: int, chunks: int, ends: bool, steps: int, place: int, dies_at: str
    ) -> None:
        """Recorded and delivered, so that a walk comes far; with few steps, one part overtakes."""
        for _ in range(chunks):
            self.record(which, 0)
        if ends:
            self.stop(which)
        if not self.client.is_connected:
            self.connect()
        self._flow(steps)
        if self.wire.to_server:
            self.carry_there(place, again=False, dies_at=dies_at)
            for _ in range(len(self.wire.to_client)):
                self.carry_back(0, again=False, dies=0)

    @rule(which=SESSIONS)
    def the_last_part_overtakes(self, which: int) -> None:
        """Of several parts under way the last one made arrives first, and its ack comes back."""
        self.record(which, 0)
        self._arrives_last_of(which, 2, dies_at="")

    @rule(which=SESSIONS, dies_at=st.sampled_from(DELIVERY_POINTS[:-1]))
    def the_server_dies_with_a_part(self, which: int, dies_at: str) -> None:
        """While it stores one; what it had said before is heard."""
        self._arrives_last_of(which, 1, dies_at=dies_at)

    def _arrives_last_of(self, which: int, parts: int, *, dies_at: str) -> None:
        """Record a part, wait until so many of the session are under way, carry the last one."""
        self.record(which, 0)
        if not self.client.is_connected:
            self.connect()
        for _ in range(ROUNDS_TO_CONVERGE):
            under_way = [payload for _, payload in self.wire.to_server]
            places = [n for n, each in enumerate(under_way) if _is_of(each, session_id_of(which))]
            if len(places) >= parts:
                self.carry_there(places[-1], again=False, dies_at=dies_at)
                while self.wire.to_client:
                    self.carry_back(0, again=False, dies=0)
                return
            self._flow(1)

    # ------------------------------------------------------------------------- the wire

    @precondition(lambda self: not self.client.is_connected)
    @rule()
    def connect(self) -> None:
        self.client.connect()
        self._collect()

    @precondition(lambda self: self.client.is_connected)
    @rule()
    def disconnect(self) -> None:
        self._cut()

    @precondition(lambda self: self.wire.to_server)
    @rule(place=PLACES, again=st.booleans(), dies_at=st.sampled_from(DELIVERY_POINTS))
    def carry_there(self, place: int, again: bool, dies_at: str) -> None:
        """A message reaches the server, which may die at any point of its work."""
        crashes = self.server.crashes
        message = self.wire.take(self.wire.to_server, place, again=again)
        self.wire.to_client += self.server.answer(message, dies_at=dies_at)
        if self.server.crashes != crashes:
            self._hear_what_was_said()

    @precondition(lambda self: self.wire.late)
    @rule(place=PLACES)
    def carry_late(self, place: int) -> None:
        """A message of an earlier connection reaches the server; nobody hears the answer."""
        self.server.answer(self.wire.take(self.wire.late, place, again=False))

    @precondition(lambda self: self.wire.to_client)
    @rule(place=PLACES, again=st.booleans(), dies=st.sampled_from([0, 0, 0, 1]))
    def carry_back(self, place: int, again: bool, dies: int) -> None:
        message = self.wire.take(self.wire.to_client, place, again=again)
        with self.client.mortal(dies):
            self.client.take(*message)
        self._client_acted()

    @rule(steps=st.integers(1, 12), twice=st.booleans())
    def flow(self, steps: int, twice: bool) -> None:
        """All goes in order for a while; `twice`: every message arrives two times."""
        self._flow(steps, twice=twice)

    @rule(there=st.booleans(), place=PLACES)
    def lose(self, there: bool, place: int) -> None:
        line = self.wire.to_server if there else self.wire.to_client
        if line:
            self.wire.take(line, place, again=False)
            self.wire.lost += 1

    @rule()
    def time_passes(self) -> None:
        self.client.wait()
        self._collect()

    # ------------------------------------------------------------------- crashes, losses

    @rule()
    def client_crashes(self) -> None:
        self.client.crash()
        self._client_acted()

    @rule()
    def server_crashes(self) -> None:
        self.server.crash()
        self._hear_what_was_said()

    @rule()
    def back_up(self) -> None:
        self.backup = self.server.back_up()

    @precondition(lambda self: self.backup is not None and not self.oracle.server_lost)
    @rule(segments_too=st.booleans())
    def restore(self, segments_too: bool) -> None:
        """The server comes back from an older backup: all of it, or its database only."""
        assert self.backup is not None
        self.oracle.forget_what_only_the_server_had(self.client)
        self.server.restore(self.backup, segments_too=segments_too)
        self._lose_connection()

    @precondition(lambda self: not self.oracle.server_lost)
    @rule()
    def wipe(self) -> None:
        self.oracle.forget_what_only_the_server_had(self.client)
        self.server.wipe()
        self._lose_connection()

    # ------------------------------------------------------------------ deletions, others

    @rule(which=SESSIONS, dies_at=st.sampled_from(["", *POINTS]))
    def delete_on_the_server(self, which: int, dies_at: str) -> None:
        """A person deletes a session there."""
        crashes = self.server.crashes
        self.oracle.delete(session_id_of(which))
        self.server.delete(session_id_of(which), dies_at=dies_at)
        if self.server.crashes != crashes:
            self._lose_connection()

    @precondition(lambda self: self.client.is_connected)
    @rule(place=PLACES, steps=st.sampled_from([0, 3, 20]), dies=st.integers(0, 2))
    def delete_here(self, place: int, steps: int, dies: int) -> None:
        """Local audio goes once there is a receipt and the server has confirmed that it holds it.

        The process may end in the middle.
        """
        proven = self._proven()
        if not proven:
            return
        asked, conversation = proven[place % len(proven)], self.client.conversation
        asking = self.client.begin_to_confirm(asked)
        self._collect()
        self._flow(steps)
        confirmed = self.client.end_confirming(asking)
        if conversation is self.client.conversation:
            with self.client.mortal(dies):
                delete_confirmed_audio(self.client.spool, confirmed, 9_000_000)
        self._client_acted()

    @precondition(lambda self: not self.oracle.server_lost)
    @rule(which=SESSIONS, place=PLACES, steps=st.sampled_from([0, 3, 20]))
    def audio_is_due_right_after_a_loss(self, which: int, place: int, steps: int) -> None:
        """The server loses its disk; as soon as we are connected again, audio may go."""
        self.a_usual_hour(which, 1, True, 60, place, "")
        self.nothing_is_lost()  # what was compared by now was compared before the loss
        self.wipe()
        self.connect()
        self.delete_here(place, steps, 0)

    @rule(which=SESSIONS)
    def another_device_sends(self, which: int) -> None:
        """A copied profile: other bytes under the key that our next chunk will have."""
        session_id = session_id_of(which)
        sequence = len(self.client.spool.chunks(session_id))
        key = (session_id, sequence)
        if key in self.oracle.foreign:
            return
        self.server.answer((Event.START_SESSION, StartSession(session_id=session_id)))
        chunk = chunk_of(sequence, session_id, chunk_bytes(session_id, 1_000 + sequence, 100))
        answers = self.server.answer((Event.AUDIO_CHUNK, chunk))
        if isinstance(answers[0][1], ChunkAck):
            self.oracle.foreign[key] = chunk.audio

    @rule(which=SESSIONS)
    def a_forged_resend(self, which: int) -> None:
        """Other bytes under a key that is stored are never acknowledged."""
        books = self.server.held().get(session_id_of(which), {})
        if books:
            other = chunk_bytes(session_id_of(which), 2_000, 100)
            message = (Event.AUDIO_CHUNK, chunk_of(max(books), session_id_of(which), other))
            answers = [payload for _, payload in self.server.answer(message)]
            assert not any(isinstance(answer, ChunkAck) for answer in answers), answers

    # ----------------------------------------------------------------------- the truth

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.client.books_compared > self.compared and self.client.is_connected:
            self.oracle.server_lost = False
        self.compared = self.client.books_compared
        self.oracle.check(self.client, self.server)

    def teardown(self) -> None:
        try:
            self._converge()
            self._count()
            self._live_on_without_audio()
        finally:
            self.client.close()
            self.server.close()
            self.loop.close()
            shutil.rmtree(self.folder)

    def _converge(self) -> None:
        """No more faults: everything that can be delivered is, with a receipt."""
        self._lose_connection()
        for session in self.client.spool.open_sessions():
            self.client.spool.end_session(session.session_id, ended_at=9_000_000)
        for _ in range(ROUNDS_TO_CONVERGE):
            if not self.client.is_connected:
                self.connect()
            self._flow(500)
            if not self._is_anything_due():
                break
            self._cut()
            self.client.wait()
        self.oracle.check_converged(self.client, self.server)

    # ------------------------------------------------------------------------- private

    def _live_on_without_audio(self) -> None:
        """Receipts nearly all come at the end: there the audio goes, and both start anew."""
        self.nothing_is_lost()
        for session_id in self._proven():
            with self.client.mortal(1):  # in the middle, if there is one
                self.client.spool.delete_audio(session_id, deleted_at=9_000_000)
            self.oracle.check(self.client, self.server)
            self.client.spool.delete_audio(session_id, deleted_at=9_000_000)
        self.client.crash()
        self._client_acted()
        self.server.crash()
        self._hear_what_was_said()
        self._converge()
        self.nothing_is_lost()
        gone = (session.audio_deleted_at is not None for session in self.client.spool.sessions())
        self.seen.update(dropped=sum(gone))

    def _proven(self) -> list[str]:
        sessions = self.client.spool.sessions()
        return [s.session_id for s in sessions if s.has_receipt and not s.refused_code]

    def _is_anything_due(self) -> bool:
        spool = self.client.spool
        return bool(
            spool.pending() or spool.sessions_to_fork() or spool.sessions_awaiting_receipt()
        )

    def _count(self) -> None:
        sessions = self.client.spool.sessions()
        self.seen.update(
            walks=1,
            promised=len(self.oracle.promised),
            acked=sum(session.acked_chunks for session in sessions),
            receipts=sum(session.has_receipt for session in sessions),
            copies=sum(session.forked_from is not None for session in sessions),
            lost=self.wire.lost,
            doubled=self.wire.doubled,
            client_crashes=self.client.crashes,
            server_crashes=self.server.crashes,
            backups=self.backup is not None,
            foreign=len(self.oracle.foreign),
            deleted=len(self.server.deleted),
            compared=self.client.books_compared,
        )

    def _flow(self, steps: int, *, twice: bool = False) -> None:
        for step in range(steps):
            again = twice and step % 2 == 0
            if not self.client.is_connected:
                return
            if self.wire.to_server:
                message = self.wire.take(self.wire.to_server, 0, again=again)
                self.wire.to_client += self.server.answer(message)
            elif self.wire.to_client:
                self.client.take(*self.wire.take(self.wire.to_client, 0, again=again))
                self._collect()
            else:
                return

    def _client_acted(self) -> None:
        if not self.client.is_connected:
            self.wire.cut()
        else:
            self.client.woken()
        self._collect()

    def _collect(self) -> None:
        out, self.client.out = self.client.out, []
        self.wire.to_server += [message for message in out if _matters(message)]

    def _cut(self) -> None:
        self._collect()
        if self.client.is_connected:
            self.client.disconnect()
        self.wire.cut()

    def _hear_what_was_said(self) -> None:
        """The server died: what it had said before still arrives, then the connection ends."""
        while self.wire.to_client and self.client.is_connected:
            self.client.take(*self.wire.take(self.wire.to_client, 0, again=False))
        self.client.out.clear()
        self._lose_connection()

    def _lose_connection(self) -> None:
        self._cut()
        self.wire.lose_all()


def _matters(message: Message) -> bool:
    return message[0] not in {Event.PAUSE_SESSION, Event.RESUME_SESSION}


def _is_of(payload: object, session_id: str) -> bool:
    return isinstance(payload, AudioChunk) and payload.session_id == session_id
