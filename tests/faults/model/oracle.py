"""What was promised, and the invariants that follow from it."""

import hashlib
from dataclasses import dataclass, field

from scribe_desktop.errors import RefusedError
from scribe_desktop.model import Chunk
from scribe_desktop.spool import FailureKind, SpoolFailureError
from scribe_desktop.spool.proof import verify_receipt
from tests.faults.model.client import ModelClient
from tests.faults.model.server import Held, ModelServer

Key = tuple[str, int]
Books = dict[str, dict[int, Held]]


@dataclass
class Oracle:
    """Knows the bytes of every chunk, and what may be gone by now.

    Attributes:
        promised: the bytes that the spool said were safe.
        foreign: other bytes that another device sent under a key of ours.
        gone: deleted by a person, or lost by the server after they were deleted here.
        server_lost: the server has lost data, and the books were not compared since.
    """

    promised: dict[Key, bytes] = field(default_factory=dict)
    foreign: dict[Key, bytes] = field(default_factory=dict)
    gone: set[Key] = field(default_factory=set)
    server_lost: bool = False

    def forget_what_only_the_server_had(self, client: ModelClient) -> None:
        """The server loses data: what was deleted here after its receipt may be gone for good."""
        self.server_lost = True
        for session in client.spool.sessions():
            if session.audio_deleted_at is not None:
                self._all_gone(session.session_id)

    def delete(self, session_id: str) -> None:
        """A person deletes the session on the server."""
        self._all_gone(session_id)

    def _all_gone(self, session_id: str) -> None:
        self.gone |= {key for key in self.promised if key[0] == session_id}

    # --------------------------------------------------------------------- invariants

    def check(self, client: ModelClient, server: ModelServer) -> None:
        """Everything that must hold at every moment."""
        held = server.held()
        self._learn_copies(client)
        self._check_the_server(held, server.deleted)
        for session in client.spool.sessions():
            chunks = client.spool.chunks(session.session_id)
            dropped = session.audio_deleted_at is not None
            local = {c.sequence: self._local(client, c, dropped=dropped) for c in chunks}
            excused = self.server_lost or dropped or bool(session.refused_code)
            excused |= session.session_id in server.deleted
            self._check_acks(chunks, held.get(session.session_id, {}), excused=excused)
            self._check_promises(session.session_id, local, held.get(session.session_id, {}))
            if session.has_receipt:
                self._check_receipt(client, session.session_id, excused=excused, held=held)

    def _learn_copies(self, client: ModelClient) -> None:
        """A conflict's copy promises what its original did."""
        for session in client.spool.sessions():
            if session.forked_from is not None:
                for chunk in client.spool.chunks(session.session_id):
                    original = self.promised[session.forked_from, chunk.sequence]
                    self.promised.setdefault((session.session_id, chunk.sequence), original)

    def _check_the_server(self, held: Books, deleted: set[str]) -> None:
        for session_id, books in held.items():
            assert session_id not in deleted, f"{session_id} came back after its deletion"
            for sequence, each in books.items():
                if each.stored:
                    self._check_bytes((session_id, sequence), each)

    def _check_bytes(self, key: Key, each: Held) -> None:
        assert sha_of(each.data) == each.sha256, f"{key} is damaged on the server"
        known = [self.promised.get(key), self.foreign.get(key)]
        assert each.data in known, f"{key} has bytes on the server that nobody sent"

    @staticmethod
    def _local(client: ModelClient, chunk: Chunk, *, dropped: bool) -> bytes | None:
        try:
            return client.spool.chunk_data(chunk.session_id, chunk.sequence)
        except SpoolFailureError as failure:
            if failure.kind is not FailureKind.NOT_FOUND:
                raise
        assert dropped, f"audio of {chunk.sequence} is gone and nothing says so"
        return None

    def _check_acks(self, chunks: list[Chunk], books: dict[int, Held], *, excused: bool) -> None:
        for chunk in chunks:
            if chunk.acked_at is not None and not excused:
                each = books.get(chunk.sequence)
                assert each is not None, f"acked, not stored: {chunk}"
                assert each.stored, f"acked, damaged: {chunk}"
                assert each.sha256 == chunk.sha256, f"acked, stored with other bytes: {chunk}"

    def _check_promises(
        self, session_id: str, local: dict[int, bytes | None], books: dict[int, Held]
    ) -> None:
        for key, data in self.promised.items():
            if key[0] != session_id or key in self.gone:
                continue
            there = books.get(key[1])
            on_server = there is not None and there.stored and there.data == data
            assert local.get(key[1]) == data or on_server, f"promised and lost: {key}"

    @staticmethod
    def _check_receipt(client: ModelClient, session_id: str, *, excused: bool, held: Books) -> None:
        kept = client.spool.receipt(session_id)
        assert kept is not None
        try:
            receipt = verify_receipt(kept.receipt_json, kept.public_key)
        except RefusedError as error:
            raise AssertionError(f"a receipt that does not hold was kept: {error}") from error
        certified = client.spool.manifest(session_id).chunks
        assert receipt.chunks == len(certified), "a receipt for another number of chunks"
        books = held.get(session_id, {})
        for chunk in certified if not excused else []:
            each = books.get(chunk.sequence)
            assert each is not None, f"certified, not stored: {chunk}"
            assert each.stored, f"certified, damaged: {chunk}"
            assert each.sha256 == chunk.sha256, f"certified, with other bytes: {chunk}"

    def check_converged(self, client: ModelClient, server: ModelServer) -> None:
        """Everything that must hold when the faults are over and time has passed."""
        self.server_lost = False
        self.check(client, server)
        assert client.spool.pending() == 0, "something still waits"
        for session in client.spool.sessions():
            if session.refused_code or not session.chunks or session.audio_deleted_at is not None:
                continue
            assert session.acked_chunks == session.chunks, f"not delivered: {session}"
            assert session.has_receipt, f"no receipt: {session}"
        assert server.problems() == []


def sha_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
