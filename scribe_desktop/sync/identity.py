"""Which server this is: pinned at the first sign-in, and changed only by the person."""

from dataclasses import dataclass

import msgspec

from scribe_desktop.spool import Spool
from scribe_desktop.sync.target import ServerTarget
from scribe_server.protocol import ServerKeys


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's id and its receipt key (raw Ed25519 public key in hex)."""

    server_id: str
    key_id: str
    public_key: str

    @classmethod
    def of(cls, keys: ServerKeys) -> "Identity":
        """The identity that a server's own document states."""
        current = keys.keys[0]
        return cls(keys.server_id, current.key_id, current.public_key)


class Identities:
    """The pinned identities, kept in the spool's meta table.

    A server is known by its origin; the bundled one by its id, because its port changes.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def pinned(self, target: ServerTarget, server_id: str) -> Identity | None:
        """Whom to expect at the target, or None before the first sign-in."""
        return self._load(_name(target, server_id))

    def pin(self, target: ServerTarget, identity: Identity) -> None:
        """Expect this identity from now on."""
        self._save(_name(target, identity.server_id), identity)

    def offer(self, target: ServerTarget, identity: Identity) -> None:
        """Remember who answered instead, for the person to accept."""
        self._save(f"offered:{target.origin}", identity)

    def offered(self, target: ServerTarget) -> Identity | None:
        """Who answered instead, as long as the person has not accepted it."""
        return self._load(f"offered:{target.origin}")

    def withdraw(self, target: ServerTarget) -> None:
        """Nobody else answers there any more."""
        self._spool.set_meta(f"offered:{target.origin}", "")

    def accept(self, target: ServerTarget) -> bool:
        """Pin the identity that was offered; False when none was."""
        offered = self.offered(target)
        if offered is None:
            return False
        self.pin(target, offered)
        self.withdraw(target)
        return True

    def _load(self, name: str) -> Identity | None:
        text = self._spool.meta(name)
        return msgspec.json.decode(text, type=Identity) if text else None

    def _save(self, name: str, identity: Identity) -> None:
        self._spool.set_meta(name, msgspec.json.encode(identity).decode())


def _name(target: ServerTarget, server_id: str) -> str:
    return f"identity:local:{server_id}" if target.local else f"identity:{target.origin}"
