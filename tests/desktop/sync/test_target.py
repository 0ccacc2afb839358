from scribe_desktop.sync.target import ServerTarget


def test_the_token_does_not_show_in_logs() -> None:
    target = ServerTarget("https://scribe.example", "secret")
    assert "secret" not in repr(target)
    assert target == ServerTarget("https://scribe.example", "secret")
