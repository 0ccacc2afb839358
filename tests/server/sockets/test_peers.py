from scribe_server.sockets.peers import Duplicates
from tests.server.sockets.doubles import SESSION


def test_the_fourth_duplicate_of_a_chunk_is_too_many() -> None:
    duplicates = Duplicates()
    assert [duplicates.too_many(SESSION, 0) for _ in range(5)] == [False] * 3 + [True] * 2
    assert not duplicates.too_many(SESSION, 1)


def test_what_is_remembered_about_duplicates_is_bounded() -> None:
    duplicates = Duplicates()
    for sequence in range(5000):
        duplicates.too_many(SESSION, sequence)
    assert len(duplicates._counts) == 1024
