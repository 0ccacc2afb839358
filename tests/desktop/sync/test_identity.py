from pathlib import Path

from scribe_desktop.sync.identity import Identities, Identity
from scribe_desktop.sync.target import ServerTarget
from scribe_server.protocol import PublicKey, ServerKeys
from tests.parts.filled_spool import spool_in

REMOTE = ServerTarget("https://scribe.example", "t")
ONE, TWO = Identity("one", "k1", "aa"), Identity("two", "k2", "bb")


def test_a_server_is_known_again_after_a_restart(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    Identities(spool).pin(REMOTE, ONE)
    spool.close()
    again = spool_in(tmp_path)
    assert Identities(again).pinned(REMOTE, "whatever") == ONE
    assert Identities(again).pinned(ServerTarget("https://other.example", "t"), "one") is None


def test_the_bundled_server_is_known_by_its_id_because_its_port_changes(tmp_path: Path) -> None:
    identities = Identities(spool_in(tmp_path))
    identities.pin(ServerTarget("http://127.0.0.1:1", "t", local=True), ONE)
    moved = ServerTarget("http://127.0.0.1:2", "t", local=True)
    assert identities.pinned(moved, "one") == ONE
    assert identities.pinned(moved, "two") is None


def test_a_new_identity_counts_only_once_it_is_accepted(tmp_path: Path) -> None:
    identities = Identities(spool_in(tmp_path))
    identities.pin(REMOTE, ONE)
    assert not identities.accept(REMOTE)
    identities.offer(REMOTE, TWO)
    assert identities.offered(REMOTE) == TWO
    assert identities.pinned(REMOTE, "two") == ONE
    assert identities.accept(REMOTE)
    assert identities.pinned(REMOTE, "two") == TWO
    assert not identities.accept(REMOTE)


def test_an_offer_that_is_withdrawn_cannot_be_accepted(tmp_path: Path) -> None:
    identities = Identities(spool_in(tmp_path))
    identities.pin(REMOTE, ONE)
    identities.offer(REMOTE, TWO)
    identities.withdraw(REMOTE)
    assert identities.offered(REMOTE) is None
    assert not identities.accept(REMOTE)


def test_the_first_of_a_servers_keys_is_the_current_one() -> None:
    keys = ServerKeys("one", [PublicKey("k1", "ed25519", "aa"), PublicKey("k0", "ed25519", "00")])
    assert Identity.of(keys) == ONE
