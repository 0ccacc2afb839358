from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scribe_desktop.errors import SpoolError
from scribe_desktop.library.receipts import verify_session
from scribe_desktop.spool import Spool
from tests.parts.filled_spool import add_session, session_id_of, spool_in
from tests.parts.receipts import keep, receipt_for, signed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SESSION = session_id_of(1)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = spool_in(tmp_path)
    add_session(opened, SESSION, chunks=3)
    yield opened
    opened.close()


def test_a_delivered_session_is_proven(spool: Spool) -> None:
    keep(spool, receipt_for(spool, SESSION, KEY), KEY)

    found = verify_session(spool, SESSION)

    assert found.proven
    assert found.receipt == receipt_for(spool, SESSION, KEY)
    assert (found.chunks, found.chunks_checked) == (3, 3)


def test_a_session_without_a_receipt_is_not_proven(spool: Spool) -> None:
    found = verify_session(spool, SESSION)
    assert not found.proven
    assert found.problems == ("There is no delivery receipt yet.",)


def test_a_receipt_for_something_else_is_named(spool: Spool) -> None:
    receipt = receipt_for(spool, SESSION, KEY)
    keep(spool, signed(KEY, msgspec.structs.replace(receipt, chunks=4, bytes=1)), KEY)

    found = verify_session(spool, SESSION)

    assert found.problems == (
        "The receipt is for another number of parts.",
        "The receipt is for another size.",
    )


def test_a_signature_by_another_key_is_named(spool: Spool) -> None:
    keep(spool, receipt_for(spool, SESSION, KEY), Ed25519PrivateKey.generate())
    found = verify_session(spool, SESSION)
    assert found.receipt is None
    assert "not made with the server's key" in found.problems[0]


def test_a_part_that_is_damaged_here_is_named(spool: Spool) -> None:
    keep(spool, receipt_for(spool, SESSION, KEY), KEY)
    spool._db.conn.execute("UPDATE audio SET data = x'00' WHERE chunk = 2")

    found = verify_session(spool, SESSION)

    assert found.chunks_checked == 2
    assert not found.proven
    assert "Part 1" in found.problems[0]


def test_a_session_is_proven_when_its_audio_is_only_on_the_server(spool: Spool) -> None:
    keep(spool, receipt_for(spool, SESSION, KEY), KEY)
    spool.delete_audio(SESSION, deleted_at=9)
    found = verify_session(spool, SESSION)
    assert found.proven
    assert found.chunks_checked == 0


def test_a_session_that_is_not_here_is_an_error(spool: Spool) -> None:
    with pytest.raises(SpoolError):
        verify_session(spool, session_id_of(9))
