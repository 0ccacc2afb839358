"""Who is asking: access tokens, of which only the SHA-256 is stored."""

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, select, update
from sqlalchemy.dialects.sqlite import insert

from scribe_server.protocol import ERRORS, ErrorCode, Refusal
from scribe_server.store.clock import now_ms
from scribe_server.store.database import Database
from scribe_server.store.errors import StorageError
from scribe_server.store.schema import tokens, users

log = logging.getLogger(__name__)

TOKEN_PREFIX: Final = "scribe_"  # noqa: S105 - how a token begins, not a secret
TOKEN_BYTES: Final = 32
LAST_SEEN_STEP_MS: Final = 60_000
LOCAL_USER: Final = "local"


@dataclass(frozen=True)
class Owner:
    """A user, and the device that he uses just now.

    `checked`: another user's id in a payload is refused; without tokens it is a mere label.
    """

    user_id: int
    name: str
    device_id: str | None = None
    checked: bool = True

    def is_called(self, user_id: str | None) -> bool:
        """Whether a payload's `userId` may name this owner."""
        return not self.checked or user_id in {None, self.name, str(self.user_id)}


@dataclass(frozen=True)
class TokenInfo:
    """What is known about a token; times in ms since 1970 UTC."""

    id: int
    user: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_seen: int | None


class Auth:
    """Tokens of one server; with mode `none` everyone is the user `local`.

    Args:
        database: where users and tokens are.
        mode: `token` or `none`.
        clock: ms since 1970 UTC.
    """

    def __init__(self, database: Database, mode: str, clock: Callable[[], int] = now_ms) -> None:
        self._database = database
        self._open = mode == "none"
        self._clock = clock
        self._memory: dict[bytes, str] = {}

    async def authenticate(self, token: str | None) -> Owner | Refusal:
        """The token's user; the same work is done for a wrong token as for a missing one.

        Raises:
            StorageError: the database refused.
        """
        if self._open:
            return await self._user(LOCAL_USER, checked=False)
        digest = _digest(token or "")
        if (name := self._memory.get(digest)) is not None:
            return await self._user(name, checked=True)
        row = await self._database.read(lambda connection: _find(connection, digest))
        now = self._clock()
        if row is None or row.revoked_at is not None:
            return _refusal(ErrorCode.UNAUTHORIZED)
        if row.expires_at is not None and row.expires_at <= now:
            return _refusal(ErrorCode.TOKEN_EXPIRED)
        if row.last_seen is None or now - row.last_seen >= LAST_SEEN_STEP_MS:
            await self._note_seen(row, now)
        return Owner(row.owner, row.name)

    async def _note_seen(self, row: Row[Any], now: int) -> None:
        try:
            await self._database.write(lambda connection: _seen(connection, row, now))
        except StorageError as error:  # on a full or failing disk there is still much to read
            log.warning("when token %d was seen is not noted: %s", row.id, error)

    async def _user(self, name: str, *, checked: bool) -> Owner:
        user = await self._database.read(lambda connection: _user_id(connection, name))
        if user is None:
            now = self._clock()
            user = await self._database.write(lambda connection: make_user(connection, name, now))
        return Owner(user, name, checked=checked)

    def create_token(self, user_name: str, *, expires_at: int | None = None) -> str:
        """Make a token, and its user when there is none of that name; blocks on the database.

        Raises:
            StorageError: the database refused.
        """
        token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        now = self._clock()
        with self._database.transaction() as connection:
            connection.execute(
                insert(tokens).values(
                    owner=make_user(connection, user_name, now),
                    token_sha256=_digest(token),
                    created_at=now,
                    expires_at=expires_at,
                )
            )
        return token

    def revoke_token(self, token: str) -> bool:
        """End a token; False when there is none such. Blocks on the database.

        Raises:
            StorageError: the database refused.
        """
        return self._revoke(tokens.c.token_sha256 == _digest(token))

    def list_tokens(self) -> list[TokenInfo]:
        """All tokens ever made, oldest first; blocks on the database.

        Raises:
            StorageError: the database refused.
        """
        asked = select(tokens, users.c.name).join(users, users.c.id == tokens.c.owner)
        with self._database.snapshot() as connection:
            rows = connection.execute(asked.order_by(tokens.c.id)).all()
        return [
            TokenInfo(
                row.id, row.name, row.created_at, row.expires_at, row.revoked_at, row.last_seen
            )
            for row in rows
        ]

    def revoke_token_by_id(self, token_id: int) -> bool:
        """End a token by its number; False when there is none such. Blocks on the database.

        Raises:
            StorageError: the database refused.
        """
        return self._revoke(tokens.c.id == token_id)

    def _revoke(self, which: ColumnElement[bool]) -> bool:
        with self._database.transaction() as connection:
            ended = connection.execute(
                update(tokens)
                .where(which, tokens.c.revoked_at.is_(None))
                .values(revoked_at=self._clock())
            )
        return ended.rowcount == 1

    def memory_token(self, token: str, user_name: str = LOCAL_USER) -> None:
        """Accept a token for as long as this process lives; it is written nowhere."""
        self._memory[_digest(token)] = user_name


def make_user(connection: Connection, name: str, now: int) -> int:
    """The id of the user of that name, who is made when he is new."""
    connection.execute(insert(users).values(name=name, created_at=now).on_conflict_do_nothing())
    user = _user_id(connection, name)
    assert user is not None, "the row was put there just now"
    return user


def _digest(token: str) -> bytes:
    # Looking a hash up tells by its timing nothing that helps to guess a token.
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _user_id(connection: Connection, name: str) -> int | None:
    return connection.execute(select(users.c.id).where(users.c.name == name)).scalar_one_or_none()


def _find(connection: Connection, digest: bytes) -> Row[Any] | None:
    return connection.execute(
        select(tokens, users.c.name)
        .join(users, users.c.id == tokens.c.owner)
        .where(tokens.c.token_sha256 == digest)
    ).one_or_none()


def _seen(connection: Connection, row: Row[Any], now: int) -> None:
    connection.execute(update(tokens).where(tokens.c.id == row.id).values(last_seen=now))


def _refusal(code: ErrorCode) -> Refusal:
    return Refusal(code, ERRORS[code].text)
