import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.errors import UnreachableError
from scribe_desktop.spool import Spool
from scribe_desktop.sync import dialling
from scribe_desktop.sync.dialling import Line, Welcomed, dial
from scribe_desktop.sync.identity import Identities, Identity
from scribe_desktop.sync.link import EARLY_PATIENCE, MOST_EARLY, ConnectRefusedError
from scribe_desktop.sync.target import ServerTarget
from scribe_server import protocol
from tests.parts.fake_server import FakeConnection, FakeServer
from tests.parts.filled_spool import spool_in
from tests.parts.jumping_loop import run_jumping

TARGET = ServerTarget("http://127.0.0.1:1", "token")


class First(FakeConnection):
    """Says something of its own instead of the welcome."""

    word: tuple[str, Any] | None = ("welcome", {"not": "a welcome"})

    async def connect(
        self, origin: str, auth: protocol.ConnectAuth, patience: Any, *, polling: bool
    ) -> None:
        await asyncio.sleep(0)
        self.is_open = True
        if self.word is not None:
            self.deliver_raw(*self.word)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return spool_in(tmp_path)


def call(
    spool: Spool,
    server: FakeServer,
    *,
    target: ServerTarget = TARGET,
    factory: Callable[..., FakeConnection] | None = None,
) -> Welcomed:
    async def main() -> Welcomed:
        line = Line(factory or server.connection, lambda _: None)
        return await dial(line, target, "device", Identities(spool), EARLY_PATIENCE, polling=False)

    return run_jumping(main())


def present(monkeypatch: pytest.MonkeyPatch, identity: Identity) -> None:
    async def presented(_: ServerTarget) -> Identity:
        await asyncio.sleep(0)
        return identity

    monkeypatch.setattr(dialling, "present_identity", presented)


def test_a_server_is_pinned_at_the_first_sign_in(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeServer()
    present(monkeypatch, server.identity)
    welcomed = call(spool, server)
    assert welcomed.identity == server.identity
    assert welcomed.welcome.window == server.window
    assert Identities(spool).pinned(TARGET, "x") == server.identity


def test_a_pinned_server_is_not_asked_for_its_keys_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeServer()
    Identities(spool).pin(TARGET, server.identity)
    present(monkeypatch, Identity("never", "asked", ""))
    assert call(spool, server).identity == server.identity


def test_another_server_at_the_same_address_is_refused_and_offered(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, identities = FakeServer(server_id="new"), Identities(spool)
    identities.pin(TARGET, FakeServer(server_id="old").identity)
    present(monkeypatch, server.identity)
    with pytest.raises(ConnectRefusedError) as refused:
        call(spool, server)
    assert refused.value.code == "identity_changed"
    assert identities.accept(TARGET)
    assert identities.pinned(TARGET, "x") == server.identity


class Closed(FakeConnection):
    """Must not be asked to connect."""

    async def connect(
        self, origin: str, auth: protocol.ConnectAuth, patience: Any, *, polling: bool
    ) -> None:
        raise AssertionError("a token was sent to a stranger")


def test_a_stranger_that_was_met_before_gets_no_token_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, identities = FakeServer(server_id="stranger"), Identities(spool)
    identities.pin(TARGET, FakeServer(server_id="old").identity)
    identities.offer(TARGET, FakeServer(server_id="another").identity)
    present(monkeypatch, stranger.identity)
    with pytest.raises(ConnectRefusedError) as refused:
        call(spool, stranger, factory=lambda *words: Closed(stranger, *words))
    assert refused.value.code == "identity_changed"
    assert identities.offered(TARGET) == stranger.identity


def test_the_pinned_server_that_is_back_is_used_and_the_stranger_is_forgotten(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, identities = FakeServer(), Identities(spool)
    identities.pin(TARGET, server.identity)
    identities.offer(TARGET, FakeServer(server_id="stranger").identity)
    present(monkeypatch, server.identity)
    assert call(spool, server).identity == server.identity
    assert identities.offered(TARGET) is None


def test_another_key_of_the_pinned_server_stays_offered(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, identities = FakeServer(), Identities(spool)
    identities.pin(TARGET, server.identity)
    other = Identity(server.identity.server_id, "another-key", "00" * 32)
    identities.offer(TARGET, other)
    present(monkeypatch, other)
    call(spool, server)
    assert identities.offered(TARGET) == other


def test_a_bundled_server_made_anew_is_pinned_by_itself(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = ServerTarget("http://127.0.0.1:1", "t", local=True)
    for server in (FakeServer(server_id="old"), FakeServer(server_id="new")):
        present(monkeypatch, server.identity)
        assert call(spool, server, target=target).identity == server.identity


def test_two_servers_behind_one_address_are_not_pinned(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    present(monkeypatch, FakeServer(server_id="two").identity)
    with pytest.raises(UnreachableError, match="in turns"):
        call(spool, FakeServer(server_id="one"))
    assert Identities(spool).pinned(TARGET, "one") is None


def test_a_token_is_not_taken_over_an_open_line(spool: Spool) -> None:
    server = FakeServer()
    with pytest.raises(ConnectRefusedError) as refused:
        call(spool, server, target=ServerTarget("http://scribe.example", "t"))
    assert refused.value.code == "insecure"
    assert server.attempts == 0


@pytest.mark.parametrize("word", [("hello", {}), ("welcome", {"not": "a welcome"})])
def test_a_first_word_that_is_no_welcome_is_refused(spool: Spool, word: tuple[str, Any]) -> None:
    def factory(*callbacks: Any) -> FakeConnection:
        made = First(FakeServer(), *callbacks)
        made.word = word
        return made

    with pytest.raises(ConnectRefusedError) as refused:
        call(spool, FakeServer(), factory=factory)
    assert refused.value.code == "bad_message"


def test_a_server_without_a_word_is_given_up(spool: Spool) -> None:
    def factory(*callbacks: Any) -> FakeConnection:
        made = First(FakeServer(), *callbacks)
        made.word = None
        return made

    with pytest.raises(UnreachableError, match="a word"):
        call(spool, FakeServer(), factory=factory)


def test_another_version_of_the_protocol_is_refused(spool: Spool) -> None:
    newer = protocol.Welcome(2, "s", 0, "u", True, 1, protocol.Limits(1, 1, None))

    def factory(*callbacks: Any) -> FakeConnection:
        made = First(FakeServer(), *callbacks)
        made.word = ("welcome", protocol.to_wire(newer))
        return made

    with pytest.raises(ConnectRefusedError) as refused:
        call(spool, FakeServer(), factory=factory)
    assert refused.value.code == "protocol_unsupported"


def test_a_line_that_ends_before_the_welcome_is_out_of_reach() -> None:
    async def main() -> None:
        ends: list[Callable[[], None]] = []

        def factory(on_event: Any, on_down: Callable[[], None]) -> FakeConnection:
            ends.append(on_down)
            return FakeConnection(FakeServer(), on_event, on_down)

        told: list[Line] = []
        line = Line(factory, told.append)
        asyncio.get_running_loop().call_soon(ends[0])
        with pytest.raises(UnreachableError):
            await line.welcome()
        assert told == [line]

    run_jumping(main())


def test_what_comes_before_anybody_listens_is_kept_in_order() -> None:
    async def main() -> None:
        await asyncio.sleep(0)
        heard: list[Any] = []
        callbacks: list[Callable[[str, Any], None]] = []

        def factory(on_event: Callable[[str, Any], None], on_down: Any) -> FakeConnection:
            callbacks.append(on_event)
            return FakeConnection(FakeServer(), on_event, on_down)

        line = Line(factory, lambda _: None)
        callbacks[0]("one", 1)
        callbacks[0]("two", 2)
        line.listen(lambda name, _: heard.append(name))
        callbacks[0]("three", 3)
        assert heard == ["one", "two", "three"]

    run_jumping(main())


def test_what_comes_before_anybody_listens_is_bounded(spool: Spool) -> None:
    class Talkative(First):
        async def connect(
            self, origin: str, auth: protocol.ConnectAuth, patience: Any, *, polling: bool
        ) -> None:
            await asyncio.sleep(0)
            self.is_open = True
            for _ in range(100 * MOST_EARLY):
                self.deliver_raw("changed", {"cursor": "x"})
            await asyncio.sleep(0.1)
            assert self.cuts

        def cut(self) -> None:
            self.cuts = True

        cuts = False

    server = FakeServer()
    with pytest.raises(ConnectRefusedError):
        call(spool, server, factory=lambda *ends: Talkative(server, *ends))
