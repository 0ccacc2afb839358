"""The proof against a real server in this process, whose store is tampered with."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, update

from scribe_server.app import Server
from scribe_server.config import ServerConfig
from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.job import Behaviour, Job, SessionResult
from scribe_server.loadtest.load import Load
from scribe_server.loadtest.material import Material
from scribe_server.loadtest.plan import Pace
from scribe_server.loadtest.verify import Bodies, Proof, Verifier, is_signed
from scribe_server.receipts import ReceiptSigner
from scribe_server.store.schema import DAMAGED, chunks
from tests.parts.loadtest import plan

TOKEN = "scribe_token-of-the-proof"
VARIANTS = [bytes.fromhex("1a45dfa387428284") + b"webm" + b"x" * 1000]
PLAN = plan(sessions=3, pace=Pace.FLOOD, chunks=4)

Tamper = Callable[[Server], Awaitable[None]]


async def nothing(_server: Server) -> None:
    """The server is left alone."""


def proved(
    folder: Path, tamper: Tamper = nothing, *, token: str = TOKEN, wanted: Any = Bodies.FULL
) -> tuple[Proof, list[SessionResult]]:
    """Load a server, tamper with it, verify."""

    async def go() -> float:
        return 0.0

    async def run() -> tuple[Proof, list[SessionResult]]:
        config = ServerConfig(folder, folder, folder, port=0)
        async with asyncio.timeout(25), Server(config, child_token=TOKEN) as server:
            job = Job(server.url, TOKEN, None, PLAN, Behaviour(), [], 0, 1, 1000.0, 10.0)
            result = await Load(job, VARIANTS, lambda _message: None).run(go())
            await tamper(server)
            verifier = Verifier(server.url, token, PLAN, Material(VARIANTS))
            return await verifier.verify(result.sessions, wanted), result.sessions

    return asyncio.run(run())


def test_a_server_that_was_left_alone_has_everything(tmp_path: Path) -> None:
    proof, sessions = proved(tmp_path)
    assert proof.lost == set()
    assert (proof.rows, proof.bodies, proof.unexpected) == (12, 12, 0)
    assert proof.receipts_valid == len(sessions) == 3


def test_a_row_that_is_gone_is_a_lost_chunk(tmp_path: Path) -> None:
    async def tamper(server: Server) -> None:
        await server.store.write(
            lambda connection: connection.execute(delete(chunks).where(chunks.c.sequence == 2))
        )

    proof, _ = proved(tmp_path, tamper)
    assert proof.lost == {(0, 2), (1, 2), (2, 2)}


def test_a_row_that_counts_as_damaged_is_a_lost_chunk(tmp_path: Path) -> None:
    async def tamper(server: Server) -> None:
        await server.store.write(
            lambda connection: connection.execute(
                update(chunks).where(chunks.c.sequence == 0).values(state=DAMAGED)
            )
        )

    proof, _ = proved(tmp_path, tamper)
    assert proof.lost == {(0, 0), (1, 0), (2, 0)}


@pytest.mark.logs_errors
def test_a_flipped_byte_on_the_disk_is_a_lost_chunk(tmp_path: Path) -> None:
    async def tamper(_server: Server) -> None:
        (segment,) = (tmp_path / "segments").glob("*.seg")
        data = bytearray(segment.read_bytes())
        data[data.index(b"xxxx") + 10] ^= 1
        segment.write_bytes(data)

    proof, _ = proved(tmp_path, tamper)
    assert len(proof.lost) == 1


def test_a_row_that_nobody_sent_is_unexpected(tmp_path: Path) -> None:
    async def tamper(server: Server) -> None:
        await server.store.write(
            lambda connection: connection.execute(
                update(chunks).where(chunks.c.sequence == 3).values(sequence=9)
            )
        )

    proof, _ = proved(tmp_path, tamper)
    assert proof.unexpected == 3
    assert proof.lost == {(0, 3), (1, 3), (2, 3)}


def test_a_token_that_does_not_open_the_server_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoadtestError, match="401"):
        proved(tmp_path, token="scribe_another-token-altogether")


def test_a_server_that_is_gone_is_told() -> None:
    verifier = Verifier("http://127.0.0.1:9", None, PLAN, Material(VARIANTS))
    with pytest.raises(LoadtestError, match="cannot be asked"):
        asyncio.run(verifier.verify([], Bodies.SAMPLE))


def test_a_receipt_is_checked_against_key_and_server(tmp_path: Path) -> None:
    _, sessions = proved(tmp_path)
    receipt = sessions[0].receipt
    assert receipt is not None
    known = ReceiptSigner.load_or_create(tmp_path).keys()
    assert is_signed(receipt, known)
    forged = {"signature": "00" * 64}, {"chunks": 5}, {"server_id": "x"}, {"key_id": "x"}
    for change in forged:
        assert not is_signed(msgspec.structs.replace(receipt, **change), known)


def test_a_sample_is_enough_for_many_chunks() -> None:
    verifier = Verifier("http://x", None, PLAN, Material(VARIANTS))
    many = [SessionResult(0, 1000, [], True, None)]
    sample = verifier._wanted(many, Bodies.SAMPLE)
    assert len(set(sample)) == 200
    assert len(verifier._wanted(many, Bodies.FULL)) == 1000
