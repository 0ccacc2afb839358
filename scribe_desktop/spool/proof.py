"""What makes a delivery receipt valid: an Ed25519 signature over the canonical receipt (pure)."""

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scribe_desktop.errors import RefusedError
from scribe_server import protocol


def verify_receipt(receipt_json: str, public_key_hex: str) -> protocol.Receipt:
    """The receipt, when the key signed exactly this (RFC 8032, no network needed).

    Args:
        receipt_json: the receipt as it is kept.
        public_key_hex: the raw Ed25519 public key, 32 bytes in hex.

    Raises:
        RefusedError: it is not a receipt, or the signature is not of that key.
    """
    try:
        receipt = protocol.parse(msgspec.json.decode(receipt_json), protocol.Receipt)
    except msgspec.MsgspecError as error:
        raise _invalid(f"It is not a receipt ({error}).") from error
    check_signature(receipt, public_key_hex)
    return receipt


def check_signature(receipt: protocol.Receipt, public_key_hex: str) -> None:
    """Return when the key signed the receipt.

    Raises:
        RefusedError: it did not.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key_hex))
        key.verify(bytes.fromhex(receipt.signature), protocol.receipt_message(receipt))
    except (InvalidSignature, ValueError) as error:
        raise _invalid("Its signature was not made with the server's key.") from error


def receipt_text(receipt: protocol.Receipt) -> str:
    """The canonical JSON text that is kept (RFC 8785)."""
    return protocol.canonical_json(msgspec.to_builtins(receipt)).decode()


def _invalid(why: str) -> RefusedError:
    return RefusedError(
        "The delivery receipt does not hold",
        why,
        "Keep the recording on this computer and ask whoever runs the server.",
    )
