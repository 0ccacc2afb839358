"""The proof afterwards: every chunk by hash through REST, bodies hashed again, receipts checked."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import aiohttp
import msgspec

from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.job import SessionResult
from scribe_server.loadtest.manifest import manifest_of, says_the_same
from scribe_server.loadtest.material import Material
from scribe_server.loadtest.plan import Plan
from scribe_server.loadtest.together import each
from scribe_server.protocol import (
    WELL_KNOWN_KEYS,
    Receipt,
    ServerKeys,
    StoredChunk,
    StoredChunks,
    receipt_message,
)

SAMPLE_BODIES: Final = 200
_AT_ONCE: Final = 8
_STORED: Final = "stored"
_OK: Final = 200
_NOT_FOUND: Final = 404


class Bodies(StrEnum):
    """How many chunks are downloaded and hashed again: a random sample, or all."""

    SAMPLE = "sample"
    FULL = "full"


@dataclass
class Proof:
    """What was found. `lost` are (session number, sequence) that the server does not have right."""

    server_id: str
    lost: set[tuple[int, int]]
    rows: int = 0
    bodies: int = 0
    unexpected: int = 0
    receipts_valid: int = 0


class Verifier:
    """Asks one server about the sessions of one plan."""

    def __init__(self, url: str, token: str | None, plan: Plan, material: Material) -> None:
        self._url = url
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._plan = plan
        self._material = material

    async def verify(self, sessions: Sequence[SessionResult], bodies: Bodies) -> Proof:
        """Compare everything.

        Raises:
            LoadtestError: the server does not answer.
        """
        timeout = aiohttp.ClientTimeout(total=120)
        try:
            async with aiohttp.ClientSession(headers=self._headers, timeout=timeout) as self._http:
                keys = msgspec.json.decode(await self._get(WELL_KNOWN_KEYS), type=ServerKeys)
                proof = Proof(keys.server_id, set())
                recorded = [session for session in sessions if session.recorded]
                await each(recorded, _AT_ONCE, lambda session: self._rows(session, proof))
                wanted = self._wanted(recorded, bodies)
                await each(wanted, _AT_ONCE, lambda chunk: self._body(chunk, proof))
        except (aiohttp.ClientError, TimeoutError) as error:
            words = str(error) or type(error).__name__
            raise LoadtestError(f"The server cannot be asked what it stored: {words}") from error
        proof.receipts_valid = sum(self._is_valid(session, keys) for session in sessions)
        return proof

    def _wanted(
        self, sessions: Sequence[SessionResult], bodies: Bodies
    ) -> Sequence[tuple[int, int]]:
        chunks = [(one.index, sequence) for one in sessions for sequence in range(one.recorded)]
        if bodies is Bodies.FULL or len(chunks) <= SAMPLE_BODIES:
            return chunks
        return random.Random(self._plan.seed).sample(chunks, SAMPLE_BODIES)  # noqa: S311

    async def _rows(self, session: SessionResult, proof: Proof) -> None:
        name = self._plan.session_id(session.index)
        body = await self._get(f"/api/sessions/{name}/chunks", missing=b'{"chunks":[]}')
        rows = msgspec.json.decode(body, type=StoredChunks).chunks
        proof.rows += len(rows)
        for sequence in range(session.recorded):
            proof.lost.add((session.index, sequence))
        for row in rows:
            if row.sequence >= session.recorded:
                proof.unexpected += 1
            elif self._is_right(row, session.index):
                proof.lost.discard((session.index, row.sequence))

    def _is_right(self, row: StoredChunk, index: int) -> bool:
        expected = self._material.sha256(self._plan.session_id(index), row.sequence)
        return row.state == _STORED and row.sha256 == expected

    async def _body(self, chunk: tuple[int, int], proof: Proof) -> None:
        index, sequence = chunk
        session = self._plan.session_id(index)
        body = await self._get(f"/api/sessions/{session}/chunks/{sequence}", missing=b"")
        proof.bodies += 1
        if hashlib.sha256(body).hexdigest() != self._material.sha256(session, sequence):
            proof.lost.add(chunk)

    def _is_valid(self, session: SessionResult, keys: ServerKeys) -> bool:
        if session.receipt is None:
            return False
        name = self._plan.session_id(session.index)
        manifest = manifest_of(self._material, name, session.recorded)
        same = says_the_same(session.receipt, self._material, manifest)
        return same and is_signed(session.receipt, keys)

    async def _get(self, path: str, *, missing: bytes | None = None) -> bytes:
        async with self._http.get(self._url + path) as answer:
            body = await answer.read()
            if answer.status == _OK:
                return body
            if missing is not None and (answer.status == _NOT_FOUND or answer.status >= 500):
                return missing
            raise LoadtestError(f"GET {path} was answered with {answer.status}: {body[:200]!r}")


def is_signed(receipt: Receipt, keys: ServerKeys) -> bool:
    """Whether a receipt is this server's and one of its keys signed it (Ed25519, RFC 8032)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if receipt.server_id != keys.server_id:
        return False
    for key in keys.keys:
        if key.key_id == receipt.key_id:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key))
            try:
                public.verify(bytes.fromhex(receipt.signature), receipt_message(receipt))
            except (InvalidSignature, ValueError):
                return False
            return True
    return False
