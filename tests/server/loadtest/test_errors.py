from scribe_server.loadtest.errors import LoadtestError


def test_the_message_is_for_people() -> None:
    assert LoadtestError("the server is gone").message == "the server is gone"
