from scribe_desktop.errors import RefusedError, UnreachableError
from scribe_desktop.sync.link import (
    EARLY_PATIENCE,
    LATE_PATIENCE,
    ConnectRefusedError,
    NoWebSocketError,
)


def test_a_refusal_keeps_the_servers_code_and_words() -> None:
    refusal = ConnectRefusedError("token_expired", "Sign in again.")
    assert isinstance(refusal, RefusedError)
    assert (refusal.code, refusal.message) == ("token_expired", "Sign in again.")


def test_a_network_without_websocket_is_a_kind_of_out_of_reach() -> None:
    assert issubclass(NoWebSocketError, UnreachableError)


def test_patience_grows_with_the_outage() -> None:
    assert EARLY_PATIENCE.connect_s < LATE_PATIENCE.connect_s
    assert EARLY_PATIENCE.whole_s < LATE_PATIENCE.whole_s
