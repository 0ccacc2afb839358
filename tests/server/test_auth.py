import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlalchemy import select

from scribe_server.auth import LAST_SEEN_STEP_MS, LOCAL_USER, TOKEN_PREFIX, Auth, Owner
from scribe_server.protocol import ErrorCode, Refusal
from scribe_server.store.errors import StorageFullError
from scribe_server.store.schema import tokens
from tests.parts.store import Served, served


def authenticate(auth: Auth, token: str | None) -> Owner | ErrorCode:
    answer = asyncio.run(auth.authenticate(token))
    return answer.code if isinstance(answer, Refusal) else answer


def last_seen(server: Served) -> int | None:
    with server.store.database.snapshot() as connection:
        return connection.execute(select(tokens.c.last_seen)).scalar_one()


def test_a_token_leads_to_its_user_only(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        anna, ben = server.auth.create_token("anna"), server.auth.create_token("ben")
        first = authenticate(server.auth, anna)
        assert isinstance(first, Owner)
        assert (first.name, first.device_id, first.checked) == ("anna", None, True)
        assert authenticate(server.auth, server.auth.create_token("anna")) == first
        other = authenticate(server.auth, ben)
        assert isinstance(other, Owner)
        assert other.user_id != first.user_id


def test_a_token_has_256_bits_and_is_stored_as_its_hash_only(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        token = server.auth.create_token("anna")
        assert token.startswith(TOKEN_PREFIX)
        assert len(token) == len(TOKEN_PREFIX) + 43  # 32 bytes in base64
        with server.store.database.snapshot() as connection:
            (stored,) = connection.execute(select(tokens.c.token_sha256)).scalars()
        assert stored == hashlib.sha256(token.encode()).digest()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if token.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("token", [None, "", "scribe_", "x" * 4096, "\ud800", "\0", "scribe_é"])
def test_a_wrong_or_missing_token_is_unauthorized(tmp_path: Path, token: str | None) -> None:
    with served(tmp_path) as server:
        server.auth.create_token("anna")
        assert authenticate(server.auth, token) is ErrorCode.UNAUTHORIZED


def test_a_part_of_a_token_is_no_token(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        token = server.auth.create_token("anna")
        for wrong in (token[:-1], token + "x", token.upper(), " " + token):
            assert authenticate(server.auth, wrong) is ErrorCode.UNAUTHORIZED


def test_a_token_ends_at_its_expiry(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        token = server.auth.create_token("anna", expires_at=server.clock.now + 1_000_000)
        assert isinstance(authenticate(server.auth, token), Owner)
        server.clock.now += 1_000_000
        assert authenticate(server.auth, token) is ErrorCode.TOKEN_EXPIRED


def test_a_revoked_token_is_unauthorized_for_good(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        token, other = server.auth.create_token("anna"), server.auth.create_token("anna")
        assert server.auth.revoke_token(token) is True
        assert server.auth.revoke_token(token) is False
        assert server.auth.revoke_token("scribe_nothing") is False
        assert authenticate(server.auth, token) is ErrorCode.UNAUTHORIZED
        assert isinstance(authenticate(server.auth, other), Owner)


def test_tokens_are_listed_and_revoked_by_their_number(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        token = server.auth.create_token("anna", expires_at=server.clock.now + 1_000_000)
        server.auth.create_token("ben")
        listed = {info.user: info for info in server.auth.list_tokens()}
        assert sorted(listed) == ["anna", "ben"]
        assert listed["anna"].expires_at == server.clock.now + 1_000_000
        assert listed["ben"].expires_at is None
        assert server.auth.revoke_token_by_id(listed["anna"].id) is True
        assert server.auth.revoke_token_by_id(listed["anna"].id) is False
        assert authenticate(server.auth, token) is ErrorCode.UNAUTHORIZED


def test_when_a_token_was_seen_is_noted_once_a_minute(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        token = server.auth.create_token("anna")
        assert last_seen(server) is None
        authenticate(server.auth, token)
        first = last_seen(server)
        assert first is not None
        authenticate(server.auth, token)
        assert last_seen(server) == first
        server.clock.now += LAST_SEEN_STEP_MS
        authenticate(server.auth, token)
        assert last_seen(server) != first


def test_a_token_opens_also_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_work: object) -> None:
        raise StorageFullError("database: database or disk is full")

    with served(tmp_path) as server:
        token = server.auth.create_token("anna")
        with monkeypatch.context() as full:
            full.setattr(server.store.database, "write", refuse)
            assert isinstance(authenticate(server.auth, token), Owner)
        assert last_seen(server) is None
        authenticate(server.auth, token)
        assert last_seen(server) is not None


def test_a_token_in_memory_is_written_nowhere(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        server.auth.memory_token("given by the parent", LOCAL_USER)
        owner = authenticate(server.auth, "given by the parent")
        assert isinstance(owner, Owner)
        assert (owner.name, owner.checked) == (LOCAL_USER, True)
        assert authenticate(server.auth, "given by the parent") == owner
        assert authenticate(server.auth, "else") is ErrorCode.UNAUTHORIZED
        with server.store.database.snapshot() as connection:
            assert connection.execute(select(tokens)).all() == []


@pytest.mark.parametrize("token", [None, "anything"])
def test_without_tokens_everyone_is_the_local_user(tmp_path: Path, token: str | None) -> None:
    with served(tmp_path) as server:
        owner = authenticate(Auth(server.store.database, "none"), token)
        assert isinstance(owner, Owner)
        assert (owner.name, owner.checked) == (LOCAL_USER, False)


@pytest.mark.parametrize(
    ("checked", "user_id", "may"),
    [
        (True, None, True),
        (True, "anna", True),
        (True, "7", True),
        (True, "ben", False),
        (True, "", False),
        (False, "ben", True),
    ],
)
def test_a_user_id_is_a_claim_with_tokens_and_a_label_without(
    checked: bool, user_id: str | None, may: bool
) -> None:
    assert Owner(7, "anna", checked=checked).is_called(user_id) is may


def test_what_is_refused_is_told_in_the_words_of_the_table(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        refusal = asyncio.run(server.auth.authenticate("wrong"))
        assert refusal == Refusal(ErrorCode.UNAUTHORIZED, "Sign in: the token is missing or wrong.")
