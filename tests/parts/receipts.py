"""Receipts signed with a key of the test."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scribe_desktop.model import StoredReceipt
from scribe_desktop.spool import Spool
from scribe_desktop.spool.proof import receipt_text
from scribe_server import protocol


def public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def signed(key: Ed25519PrivateKey, unsigned: protocol.Receipt) -> protocol.Receipt:
    signature = key.sign(protocol.receipt_message(unsigned)).hex()
    return msgspec.structs.replace(unsigned, signature=signature)


def receipt_for(spool: Spool, session_id: str, key: Ed25519PrivateKey) -> protocol.Receipt:
    """The receipt that an honest server gives for a session."""
    manifest = spool.manifest(session_id)
    session = spool.session(session_id)
    assert session is not None
    unsigned = protocol.Receipt(
        session_id=session_id,
        digest=protocol.manifest_digest(manifest),
        chunks=len(manifest.chunks),
        total_samples=manifest.total_samples,
        bytes=session.bytes,
        server_id="server-1",
        stored_at=7,
        key_id="key-1",
        signature="",
    )
    return signed(key, unsigned)


def keep(spool: Spool, receipt: protocol.Receipt, key: Ed25519PrivateKey) -> None:
    """Save a receipt as the sync engine does."""
    spool.save_receipt(
        StoredReceipt(
            session_id=receipt.session_id,
            receipt_json=receipt_text(receipt),
            public_key=public_hex(key),
            server_id=receipt.server_id,
            origin="https://scribe.example",
            received_at=8,
        )
    )
