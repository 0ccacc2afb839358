from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scribe_desktop.errors import RefusedError
from scribe_desktop.spool.proof import receipt_text, verify_receipt
from scribe_server import protocol
from tests.parts.filled_spool import add_session, session_id_of, spool_in
from tests.parts.receipts import public_hex, receipt_for

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def receipt(tmp_path: Path) -> protocol.Receipt:
    spool = spool_in(tmp_path)
    add_session(spool, session_id_of(1), chunks=2)
    made = receipt_for(spool, session_id_of(1), KEY)
    spool.close()
    return made


def test_a_receipt_holds_with_the_key_that_signed_it(receipt: protocol.Receipt) -> None:
    assert verify_receipt(receipt_text(receipt), public_hex(KEY)) == receipt


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("session_id", session_id_of(2)),
        ("digest", "0" * 64),
        ("chunks", 3),
        ("total_samples", 1),
        ("bytes", 1),
        ("server_id", "another"),
        ("stored_at", 9),
        ("key_id", "another"),
        ("signature", "00" * 64),
        ("signature", "not hex"),
        ("signature", ""),
    ],
)
def test_a_receipt_that_was_changed_does_not_hold(
    receipt: protocol.Receipt, field: str, value: object
) -> None:
    changed = msgspec.structs.replace(receipt, **{field: value})
    with pytest.raises(RefusedError, match="does not hold"):
        verify_receipt(receipt_text(changed), public_hex(KEY))


def test_another_key_does_not_do(receipt: protocol.Receipt) -> None:
    for key in (public_hex(Ed25519PrivateKey.generate()), "", "zz"):
        with pytest.raises(RefusedError):
            verify_receipt(receipt_text(receipt), key)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"sessionId": 3}'])
def test_what_is_not_a_receipt_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        verify_receipt(text, public_hex(KEY))
