"""Signed delivery receipts: Ed25519 (RFC 8032) with a key that stays in the server's folder."""

import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec

from scribe_server.errors import StartupError
from scribe_server.protocol import PublicKey, Receipt, ServerKeys, receipt_message
from scribe_server.store.identity import load_or_create_server_id, write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED_BYTES: Final = 32
KEY_ID_DIGITS: Final = 16


class ReceiptSigner:
    """Signs for one server; `cryptography` is imported with the first use of the key."""

    def __init__(self, server_id: str, seed: bytes) -> None:
        self.server_id = server_id
        self._seed = seed

    @classmethod
    def load_or_create(cls, data_dir: Path) -> Self:
        """The folder's signer: `keys/receipt.key` holds the 32 bytes of the private key, 0600.

        Raises:
            StartupError: the key file cannot be read or does not hold a key.
        """
        server_id = load_or_create_server_id(data_dir)
        path = data_dir / "keys" / "receipt.key"
        try:
            if not path.exists():
                # RFC 8032, 5.1.5: an Ed25519 private key is 32 random bytes.
                write_private(path, os.urandom(SEED_BYTES))
            seed = path.read_bytes()
        except OSError as error:
            raise StartupError(
                f"The receipt key cannot be used: {error}",
                "Check that the server's user may read and write the keys folder.",
            ) from error
        if len(seed) != SEED_BYTES:
            raise StartupError(
                f"{path} is damaged: a receipt key has {SEED_BYTES} bytes.",
                "Restore the keys folder from a backup.",
            )
        return cls(server_id, seed)

    @classmethod
    def load(cls, data_dir: Path) -> Self | None:
        """The folder's signer; None where its keys are missing, which are not made then.

        Raises:
            StartupError: a key file is there and cannot be used.
        """
        names = ("server-id", "receipt.key")
        if not all((data_dir / "keys" / name).exists() for name in names):
            return None
        return cls.load_or_create(data_dir)

    @cached_property
    def _key(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._seed)

    @cached_property
    def _public(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The first 16 hex digits of the public key's SHA-256."""
        return hashlib.sha256(self._public).hexdigest()[:KEY_ID_DIGITS]

    def sign(
        self,
        *,
        session_id: str,
        digest: str,
        chunks: int,
        total_samples: int,
        size: int,
        stored_at: int,
    ) -> Receipt:
        """A receipt for a manifest's digest; `size` is in bytes."""
        unsigned = Receipt(
            session_id=session_id,
            digest=digest,
            chunks=chunks,
            total_samples=total_samples,
            bytes=size,
            server_id=self.server_id,
            stored_at=stored_at,
            key_id=self.key_id,
            signature="",
        )
        signature = self._key.sign(receipt_message(unsigned))
        return msgspec.structs.replace(unsigned, signature=signature.hex())

    def holds(self, receipt: Receipt) -> bool:
        """Whether this server's key signed a receipt as it is."""
        from cryptography.exceptions import InvalidSignature

        if (receipt.server_id, receipt.key_id) != (self.server_id, self.key_id):
            return False
        try:
            signature = bytes.fromhex(receipt.signature)
            self._key.public_key().verify(signature, receipt_message(receipt))
        except (ValueError, InvalidSignature):
            return False
        return True

    def keys(self) -> ServerKeys:
        """The document of the server's public keys."""
        key = PublicKey(self.key_id, "Ed25519", self._public.hex())
        return ServerKeys(self.server_id, [key])
