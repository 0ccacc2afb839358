import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scribe_server.errors import StartupError
from scribe_server.protocol import Receipt, receipt_message
from scribe_server.receipts import ReceiptSigner
from tests.parts.store import SESSION

# RFC 8032, 7.1, test 1.
RFC_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RFC_PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

LOAD = """
import sys
from pathlib import Path
from scribe_server.receipts import ReceiptSigner
ReceiptSigner.load_or_create(Path(sys.argv[1]))
print(any(name.startswith("cryptography") for name in sys.modules))
"""


def sign(signer: ReceiptSigner) -> Receipt:
    return signer.sign(
        session_id=SESSION, digest="ab" * 32, chunks=2, total_samples=5, size=9, stored_at=1
    )


def verify(signer: ReceiptSigner, receipt: Receipt) -> None:
    (key,) = signer.keys().keys
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key))
    public.verify(bytes.fromhex(receipt.signature), receipt_message(receipt))


def test_a_receipts_signature_holds_until_a_field_changes(tmp_path: Path) -> None:
    signer = ReceiptSigner.load_or_create(tmp_path)
    receipt = sign(signer)
    verify(signer, receipt)
    for name, value in {"bytes": 10, "digest": "cd" * 32, "stored_at": 2, "chunks": 1}.items():
        with pytest.raises(InvalidSignature):
            verify(signer, msgspec.structs.replace(receipt, **{name: value}))


def test_a_receipt_by_another_key_does_not_hold(tmp_path: Path) -> None:
    one = ReceiptSigner.load_or_create(tmp_path / "one")
    other = ReceiptSigner.load_or_create(tmp_path / "other")
    with pytest.raises(InvalidSignature):
        verify(one, sign(other))


def test_key_and_server_id_outlive_the_process(tmp_path: Path) -> None:
    first, second = (ReceiptSigner.load_or_create(tmp_path) for _ in range(2))
    assert first.keys() == second.keys()
    assert sign(first) == sign(second)
    assert first.server_id == sign(first).server_id


def test_the_public_key_is_that_of_the_standards_test_vector() -> None:
    (key,) = ReceiptSigner("id", RFC_SEED).keys().keys
    assert (key.algorithm, key.public_key) == ("Ed25519", RFC_PUBLIC)
    assert key.key_id == hashlib.sha256(bytes.fromhex(RFC_PUBLIC)).hexdigest()[:16]


def test_the_key_file_is_its_owners_only(tmp_path: Path) -> None:
    ReceiptSigner.load_or_create(tmp_path)
    path = tmp_path / "keys" / "receipt.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_damaged_key_is_refused_instead_of_replaced(tmp_path: Path, content: bytes) -> None:
    ReceiptSigner.load_or_create(tmp_path)
    path = tmp_path / "keys" / "receipt.key"
    path.write_bytes(content)
    with pytest.raises(StartupError, match="damaged") as refused:
        ReceiptSigner.load_or_create(tmp_path)
    assert "backup" in refused.value.remedy
    assert path.read_bytes() == content


def test_a_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys" / "receipt.key").mkdir(parents=True)
    with pytest.raises(StartupError, match="cannot be used"):
        ReceiptSigner.load_or_create(tmp_path)


def test_a_start_does_not_import_cryptography(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False"


def test_a_receipt_holds_only_as_it_was_signed_and_for_its_own_server(tmp_path: Path) -> None:
    signer = ReceiptSigner.load_or_create(tmp_path / "one")
    other = ReceiptSigner.load_or_create(tmp_path / "other")
    receipt = signer.sign(
        session_id="s", digest="0" * 64, chunks=1, total_samples=2, size=3, stored_at=4
    )
    assert signer.holds(receipt)
    assert not other.holds(receipt)
    for changed in ({"chunks": 2}, {"signature": "00"}, {"signature": "no hex"}):
        assert not signer.holds(msgspec.structs.replace(receipt, **changed))


def test_loading_makes_no_keys(tmp_path: Path) -> None:
    assert ReceiptSigner.load(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    made = ReceiptSigner.load_or_create(tmp_path)
    loaded = ReceiptSigner.load(tmp_path)
    assert loaded is not None
    assert loaded.key_id == made.key_id
